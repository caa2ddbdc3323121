"""Values as people read them, in both languages and in the contract's time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from module_utils.host.thresholds import UNITS
from reports.catalogue import load_catalogue
from reports.text import printable, shorten
from reports.wording import Wording

WORDS = Wording(load_catalogue("zh"))


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
        (1023, "bytes", "1023 B", "1023 B"),
        (36, "hours", "36 小时", "36 hours"),
        (2400, "hours", "100 天", "100 days"),
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
    assert en.result("filesystem.read_only", 0, "flag") == "read-write"
    assert zh.result("time.synchronised", None, "flag") == "未测得"


def test_counts_have_their_word(zh: Wording, en: Wording) -> None:
    assert zh.result("packages.pending", 38, "count") == "38 个"
    assert en.result("packages.pending", 1, "count") == "1 package"


def test_the_limit_that_was_reached(zh: Wording) -> None:
    limits = {"warning": 80, "critical": 90}
    assert zh.limit("filesystem.used", limits, "critical") == "≥ 90%"
    assert zh.limit("certificate.expiry", {"warning": 30, "critical": 7, "below": True}, "critical") == "< 7 天"
    assert zh.limit("time.synchronised", {"critical": 1, "below": True}, "critical") == "应为：已同步"
    assert zh.limit("raid.degraded", {"critical": 1}, "critical") == "应为：完好"
    assert zh.all_limits("raid.degraded", {"critical": 1}) == "严重 应为：完好"
    assert zh.limit("filesystem.used", {"warning": 80.25}, "warning") == "≥ 80.25%"
    assert zh.limit("filesystem.used", {}, "warning") == "—"
    assert zh.all_limits("filesystem.used", limits) == "警告 ≥ 80%；严重 ≥ 90%"


@pytest.mark.parametrize(
    ("check", "value", "limits", "result", "wanted"),
    [
        ("filesystem.used", 97, {"warning": 80, "critical": 90}, "97.0%", "应 < 80%"),
        ("backup.age", 75.2, {"warning": 48, "critical": 72}, "3.1 天", "应 < 2 天"),
        ("backup.age", 75.2, {"warning": 30, "critical": 50}, "75.2 小时", "应 < 30 小时"),
        ("backup.age", 480, {"warning": 26, "critical": 50}, "20 天", "应 < 26 小时"),
        ("database.transaction", 259200, {"warning": 600}, "3 天", "应 < 10 分钟"),
        ("http.time", 3503.3, {"warning": 3000}, "3.5 秒", "应 < 3 秒"),
        ("http.time", 700.4, {"warning": 500}, "700 毫秒", "应 < 500 毫秒"),
        ("database.end_of_life", 12, {"warning": 180, "below": True}, "12 天", "应 ≥ 180 天"),
        ("filesystem.deleted_open", 21474836480, {"warning": 1073741824}, "20.0 GiB", "应 < 1.0 GiB"),
        ("filesystem.deleted_open", 2e9, {"warning": 1.5e9}, "1.9 GiB", "应 < 1.4 GiB"),
        ("memory.oom_kills", 2, {"warning": 1}, "2 次", "应为：0 次"),
        ("backup.count", 3, {"warning": 7, "below": True}, "3 份", "应 ≥ 7 份"),
        ("time.synchronised", 0, {"critical": 1, "below": True}, "未同步", "应为：已同步"),
        ("filesystem.used", 50, {"notice": 40}, "50.0%", "—"),
    ],
)
def test_what_a_bad_value_should_have_been_stands_in_its_unit(
    check: str, value: Any, limits: dict[str, Any], result: str, wanted: str, zh: Wording
) -> None:
    assert (zh.result(check, value, zh.unit_of(check), limits), zh.wanted(check, limits, value)) == (result, wanted)


def test_the_cause_stands_where_the_module_told_it(zh: Wording, en: Wording) -> None:
    assert zh.cause("database.replication", {"sql_errno": 1062, "io_errno": 0}) == "应用出错（1062）"
    assert en.cause("database.replication", {"io_errno": 2003, "state": "x"}) == "error 2003 of the receiver"
    assert zh.cause("http.answer", {"problem": "connection timed out"}) == "连接超时"
    assert zh.cause("http.answer", {"status": 503}) == "状态码 503"
    assert zh.cause("filesystem.used", {"type": "ext4"}) == ""


@pytest.mark.parametrize(
    ("check", "value", "limits", "shown"),
    [
        ("certificate.expiry", 29.96, {"warning": 30, "below": True}, "29.96 天"),
        ("certificate.expiry", 30.04, {"warning": 30, "below": True}, "30 天"),
        ("filesystem.used", 89.96, {"warning": 80, "critical": 90}, "89.96%"),
        ("filesystem.used", 89.94, {"warning": 80, "critical": 90}, "89.9%"),
        ("filesystem.used", 89.99999999, {"critical": 90}, "89.99999%"),
        ("filesystem.used", 90.04, {"critical": 90.04}, "90.04%"),
        ("filesystem.used", 89.96, {}, "90.0%"),
        ("filesystem.deleted_open", 1073741823, {"warning": 1073741824}, "1023.99999 MiB"),
        ("filesystem.deleted_open", 104857599, {"notice": 104857600}, "99.99999 MiB"),
        ("filesystem.time_to_full", 71.99, {"warning": 72, "below": True}, "2.9996 天"),
        ("filesystem.time_to_full", "not_growing", {"warning": 24, "below": True}, "用量未增长"),
        ("filesystem.time_to_full", 4000, {"warning": 24, "below": True}, "167 天"),
        ("certificate.expiry", -3.2, {"critical": 7, "below": True}, "已过期 3.2 天"),
    ],
)
def test_a_figure_stands_on_its_side_of_a_limit(
    check: str, value: Any, limits: dict[str, Any], shown: str, zh: Wording
) -> None:
    assert zh.result(check, value, UNITS[check], limits) == shown


@given(st.floats(0, 200, allow_nan=False), st.integers(1, 100))
def test_rounding_crosses_no_limit(value: float, limit: int) -> None:
    shown = float(WORDS.result("filesystem.used", value, "percent", {"warning": limit}).rstrip("%").replace(",", ""))
    assert (shown >= limit) == (value >= limit)


def test_code_words_of_modules_are_worded(zh: Wording, en: Wording) -> None:
    def said(words: Wording, code: str, **parameters: Any) -> str:
        return words.reason({"code": code, "parameters": parameters})

    assert said(zh, "source_missing", source="journal, /var/log/messages") == (
        "数据来源不存在：systemd 日志（journal）、/var/log/messages"
    )
    assert said(zh, "not_supported", feature="restart messages of systemd 235") == (
        "系统不支持：服务重启记录（需 systemd 235 及以上版本）"
    )
    assert said(zh, "not_supported", feature="adjtimex: Operation not permitted") == (
        "系统不支持：内核时钟状态（adjtimex）：不允许的操作"
    )
    assert said(zh, "not_running", service="chronyd, ntpd") == "服务未运行：chronyd、ntpd"
    assert said(zh, "command_failed", command="statvfs", message="") == "命令 statvfs 执行失败"
    assert said(zh, "command_failed", command="dnf", message="exit code 3") == "命令 dnf 执行失败：退出码 3"
    assert said(en, "source_missing", source="updateinfo") == (
        "nothing to read: the repositories' security notices (updateinfo)"
    )
    assert zh.evidence("host.identity", {"virtualization": "none"}) == "物理机"
    assert zh.evidence(
        "host.identity", {"virtualization": "virtual machine", "addresses": ["10.0.0.1", "fd00::1"]}
    ) == ("虚拟机；地址 10.0.0.1、fd00::1")


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
    assert "追溯" not in zh.evidence("log.errors", detail)
    assert "日志最早只能追溯到 2026-11-02 04:00" in zh.evidence("log.errors", {**detail, "partial_coverage": True})


def test_lists_of_ports_are_compact(zh: Wording) -> None:
    ports = [{"port": f"tcp/{number}", "process": "nginx"} for number in range(80, 100)]
    assert zh.evidence("network.listening", {"ports": ports}).startswith("tcp/80 nginx、tcp/81 nginx")
    assert zh.evidence("network.listening", {"ports": ports}).endswith("tcp/91 nginx 等")


def test_hosts_are_folded(zh: Wording, en: Wording) -> None:
    assert zh.folded(["web-9", "web-10", "web-11", "db"], 0) == "db、web-9 至 web-11（共 3 台）"
    assert en.folded([f"n{number}" for number in range(1, 5)], 4) == "all 4 hosts"
    assert zh.folded(["a", "b"], 2) == "a、b"
    names = [f"n{2 * number}" for number in range(7)]
    assert zh.folded(names, 200) == "n0、n2、n4、n6、n8、n10 等，共 7 台"
    assert zh.folded(names, 7) == "全部 7 台主机"
    assert zh.folded(names[:6], 0) == "n0、n2、n4、n6、n8、n10"
    reason = {"code": "hosts_unreachable", "parameters": {"hosts": names}}
    assert en.verdict_reason(reason).endswith("n0, n2, n4, n6, n8, n10 and others, 7 hosts in all")


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
