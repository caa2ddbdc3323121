"""Changes on the terminal: windows with their zone, and refusals all in the language of the reader."""

from __future__ import annotations

from typing import Any

import pytest

from reports.documents.change_lines import listed_line, reason_line, shown_lines
from runner.evidence.sshsig import SignatureError, verify_signature
from tests.unit.reports import change_sample as sample
from tests.unit.reports.compliance_sample import words_of

WINDOW = "2026-11-22 22:00 至 2026-11-23 02:00（UTC+08:00）"


def refused(code: str, language: str = "zh", **parameters: Any) -> str:
    return reason_line({"code": code, "parameters": parameters}, words_of(language))


def test_a_window_is_told_with_its_zone() -> None:
    record = sample.record()
    zh, en = words_of("zh"), words_of("en")
    assert f"3 台  {WINDOW}  重启三台" in listed_line(record.change, record.state, zh)
    assert f"窗口 {WINDOW}，回退预留 30 分钟，监督人 陈监督" in list(shown_lines(record.change, record.state, zh))
    assert "2026-11-22 22:00 to 2026-11-23 02:00 (UTC+08:00)" in listed_line(record.change, record.state, en)


def test_a_refusal_because_of_the_window_tells_the_zone() -> None:
    # 22:00 in the contract's zone, whatever zone the moment was written in.
    assert refused("before_window", day="2026-11-22T14:00+00:00") == "窗口 2026-11-22 22:00（UTC+08:00） 才开始"
    assert refused("after_window", "en", day="2026-11-22T22:00+08:00").endswith(" 2026-11-22 22:00 (UTC+08:00)")
    assert refused("before_window", day="2026-11-22 22:00") == "窗口 2026-11-22 22:00 才开始"
    assert refused("before_window", day="soon") == "窗口 soon 才开始"


def test_what_differs_is_told_in_the_language_of_the_reader() -> None:
    file = {"what": "file", "name": "playbooks/a.yml", "how": "changed", "before": "", "after": "", "text": "file …"}
    assert refused("differs", **file) == "与批准内容不一致：文件 playbooks/a.yml：已改变"
    assert refused("differs", "en", **file).endswith(": file playbooks/a.yml: changed")
    assert refused("differs", what="window", name="window", how="changed").endswith("：窗口：已改变")
    newer = {"what": "ansible_core", "name": "ansible_core", "how": "changed", "before": "2.19.1", "after": "2.19.2"}
    assert refused("differs", **newer).endswith("ansible-core 版本：已改变 (2.19.1 → 2.19.2)")
    assert refused("differs", text="file a: changed").endswith("：file a: changed")


def test_everything_that_a_plan_agrees_on_has_a_word() -> None:
    words = words_of("zh").catalogue.keys("change_differences")
    assert set(sample.PLAN) - {"closure", "hosts", "variables", "salt"} <= set(words)


def test_duties_are_told_by_their_names() -> None:
    said = refused("wrong_duty", by="王建国", duties="supervisor, purchaser approver, own duty")
    assert said == "王建国 的职责不符，合同要求 采购人监督人、采购人审批人、own duty"


@pytest.mark.parametrize("damaged", [b"nothing", b"-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----\n"])
def test_what_is_wrong_with_a_signature_is_told_in_the_language_of_the_reader(damaged: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_signature(damaged, b"", "weibao-approval")
    said = refused("signature", by="王建国", problem=str(caught.value))
    assert said == "王建国 的签名无效：不是完好的 SSH 签名"
    assert refused("signature", by="王建国", problem="does not fit: …").endswith("或由另一把密钥签署")
    assert refused("signature", by="王建国", problem="new words").endswith("：new words")
