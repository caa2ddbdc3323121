"""Values as people read them, in both languages and in the contract's time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.text import printable, shorten
from reports.wording import Wording


@pytest.mark.parametrize(
    ("value", "unit", "chinese", "english"),
    [
        (85.24, "percent", "85.2%", "85.2%"),
        (40 * 1024**3, "bytes", "40.0 GiB", "40.0 GiB"),
        (512, "bytes", "512 B", "512 B"),
        (1, "seconds", "1 秒", "1 s"),
        (600, "seconds", "10 分钟", "10 minutes"),
        (7200, "seconds", "2 小时", "2 hours"),
        (8_640_000, "seconds", "100 天", "100 days"),
        (5.4, "days", "5.4 天", "5.4 days"),
        (1, "days", "1 天", "1 day"),
        (0.4213, "milliseconds", "0.42 毫秒", "0.42 ms"),
        (45, "celsius", "45 ℃", "45 °C"),
        (12345, "count", "12,345", "12,345"),
        (True, "", "是", "yes"),
        (None, "percent", "—", "—"),
        (3, "furlongs", "3 furlongs", "3 furlongs"),
    ],
)
def test_quantities(value: Any, unit: str, chinese: str, english: str, zh: Wording, en: Wording) -> None:
    assert zh.quantity(value, unit) == chinese
    assert en.quantity(value, unit) == english


def test_flags_read_as_words(zh: Wording, en: Wording) -> None:
    assert zh.result("filesystem.read_only", 1, "flag") == "变为只读"
    assert en.result("filesystem.read_only", 0, "flag") == "writable"
    assert zh.result("time.synchronised", None, "flag") == "未能检查"


def test_counts_have_their_word(zh: Wording, en: Wording) -> None:
    assert zh.result("packages.pending", 38, "count") == "38 个"
    assert en.result("packages.pending", 1, "count") == "1 package"


def test_the_limit_that_was_reached(zh: Wording) -> None:
    limits = {"warning": 80, "critical": 90}
    assert zh.limit("filesystem.used", 95.2, limits, "critical") == "≥ 90%"
    assert zh.limit("certificate.expiry", 5, {"warning": 30, "critical": 7, "below": True}, "critical") == "< 7 天"
    assert zh.limit("time.synchronised", 0, {"critical": 1, "below": True}, "critical") == "应为：已同步"
    assert zh.all_limits("filesystem.used", limits) == "警告 ≥ 80%；严重 ≥ 90%"


def test_times_are_shown_in_the_zone_of_the_document(zh: Wording) -> None:
    assert zh.moment("2026-11-21T15:55:19.123456Z") == "2026-11-21 23:55"
    assert Wording(zh.catalogue, ZoneInfo("UTC")).moment("2026-11-21T15:55:19Z") == "2026-11-21 15:55"
    assert zh.moment("not a time") == "not a time"


def test_reasons_and_remedies(zh: Wording, en: Wording) -> None:
    reason = {"code": "tool_missing", "parameters": {"tool": "smartctl"}}
    assert zh.reason(reason) == "缺少工具 smartctl"
    assert "smartctl" in en.remedy(reason)
    assert zh.reason({"code": "brand_new", "parameters": {}}) == "brand_new"
    assert zh.reason({"code": "tool_missing"}) == "缺少工具 "


def test_evidence_leaves_out_what_the_detail_does_not_hold(zh: Wording) -> None:
    detail = {"used_bytes": 1024**3, "size_bytes": 2 * 1024**3, "type": "xfs"}
    assert zh.evidence("filesystem.used", detail) == "已用 1.0 GiB / 共 2.0 GiB；xfs"
    assert zh.evidence("filesystem.used", {"scope": "container"}) == "容器的用量"
    assert zh.evidence("new.check", {"speed": 3, "nested": {"a": 1}}) == "speed 3"


def test_a_log_that_does_not_reach_back_says_so(zh: Wording) -> None:
    detail = {"source": "journal", "reaches_back_to": "2026-11-02T04:00:00+08:00"}
    assert "只保留到" not in zh.evidence("log.errors", detail)
    assert "日志只保留到 2026-11-02 04:00" in zh.evidence("log.errors", {**detail, "partial_coverage": True})


def test_lists_of_ports_are_compact(zh: Wording) -> None:
    ports = [{"port": f"tcp/{number}", "process": "nginx"} for number in range(80, 100)]
    assert zh.evidence("network.listening", {"ports": ports}).startswith("tcp/80 nginx、tcp/81 nginx")
    assert zh.evidence("network.listening", {"ports": ports}).endswith("tcp/91 nginx 等")


def test_hosts_are_folded(zh: Wording, en: Wording) -> None:
    assert zh.folded(["web-9", "web-10", "web-11", "db"], 0) == "db、web-9 至 web-11（共 3 台）"
    assert en.folded([f"n{number}" for number in range(1, 5)], 4) == "all 4 hosts"
    assert zh.folded(["a", "b"], 2) == "a、b"


@given(st.text())
def test_printable_text_holds_nothing_that_a_page_cannot_show(text: str) -> None:
    shown = printable(text)
    assert not any(ord(one) < 32 and one not in "\t\n" for one in shown)
    assert not set(shown) & set("\x7f\x85\u200b\u202e\u2066\ufeff\ufffe\uffff")
    shown.encode()
    assert printable(shown) == shown


@given(st.text(), st.integers(2, 50))
def test_shortened_text_fits(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert "\n" not in short
