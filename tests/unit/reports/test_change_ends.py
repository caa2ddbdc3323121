"""What documents of changes say of hosts that are not done, of ways back, and of what was measured before them."""

from __future__ import annotations

from typing import Any

import pytest

from module_utils.changing.steps import WAY_BACK_ENDED
from reports.audit_site.change_page import change_line
from reports.audit_site.scripts import Tongues
from reports.catalogue import LANGUAGES, load_catalogue
from reports.document import Document, Paragraph, Section, Table
from reports.documents.change_form import report_fields
from reports.documents.change_json import change_json
from reports.documents.change_lines import reason_line, shown_lines
from reports.documents.change_record import UNDONE
from reports.documents.change_report import upgrade_report
from reports.documents.change_words import ChangeWords
from reports.documents.restart_record import restart_document
from reports.render import render
from runner.changes import HOST_ENDS, OUTCOMES
from tests.unit.reports import change_sample as sample
from tests.unit.reports.compliance_sample import words_of
from tests.unit.reports.test_change_papers import reported, requested, texts


def back(host: str, minute: int, *, well: bool = True) -> list[dict[str, Any]]:
    """Return the way back of a host, which settles or does not, and where it led by the gate."""
    steps = sample.steps_of(host, minute)[2:]
    steps[-1]["level"] = "ok" if well else "critical"
    steps.append({**steps[-1], "subject": WAY_BACK_ENDED})
    return [{**one, "detail": {**one["detail"], "way_back": True}} for one in steps]


def went(outcome: str, found: list[dict[str, Any]], **hosts: list[str]) -> Any:
    """Return the report of an execution that ended so, with what its run found."""
    return reported([*sample.WHOLE[:5], sample.executed(outcome, **hosts)], runs=[sample.run(found)])


# -- hosts ------------------------------------------------------------------------------------------------


def test_a_host_that_was_changed_and_could_not_be_measured_was_not_left_unstarted() -> None:
    found = [*sample.steps_of("app1", 6), sample.batch(1, "paused", "unknown", "app1", unmeasured=["app1"])]
    document = went("paused", found, unsure=["app1"], left=["app2", "legacy"])
    conclusion = texts(document, "实施结论")
    assert "实施已暂停：有主机的状态无法测得，或应做的操作未做（见各主机步骤）。" in conclusion
    assert "目标主机 3 台：未开始 2 台、已实施但状态不明 1 台。" in conclusion
    assert "状态不明 1\n未开始 2" in conclusion
    left = texts(document, "未完成的主机").split("\n")
    assert left[1:4] == ["app2", "未开始", "legacy"]
    assert left[5:] == ["app1", "已实施，但实施后的状态未能测得：须人工核实，不会自动重做"]
    assert texts(document, "回退情况") == "未进行回退。"


def test_a_change_that_went_on_after_a_pause_is_not_done_everywhere() -> None:
    entries = [
        *sample.WHOLE[:5],
        sample.executed("paused", unsure=["app1"], left=["app2", "legacy"]),
        ("started", "2026-11-22T22:40", {"run": "run-2", "digest": sample.DIGEST, "event": "started"}),
        ("executed", "2026-11-22T22:50", {"run": "run-2", "outcome": "done", "hosts": {"done": ["app2", "legacy"]}}),
    ]
    runs = [sample.run([sample.batch(1, *gate)]) for gate in (("paused", "unknown", "app1"), ("passed", "ok", "app2"))]
    document = reported(entries, runs=runs)
    said = document.sections[0].blocks[0]
    assert isinstance(said, Paragraph)
    assert said.tone == "warning"
    assert "第 1 次实施第 1 批\napp1" in texts(document, "分批与健康判定")
    assert "第 2 次实施第 1 批\napp2" in texts(document, "分批与健康判定")
    record = sample.record(entries, runs=runs)
    zh = words_of("zh")
    assert change_line(record, Tongues((zh,)))[-1] == 1
    assert "已实施但状态不明 app1" in list(shown_lines(record.change, record.state, zh))
    assert "目标主机并未全部完成。目标主机 3 台：完成 2 台、已实施但状态不明 1 台。" in said.text


def test_every_end_of_a_host_is_told_everywhere() -> None:
    for language in LANGUAGES:
        words = load_catalogue(language)
        assert set(words.keys("change_ends")) == set(HOST_ENDS)
        assert all(words.find("change_ends", end, "name") for end in HOST_ENDS)
        assert all(words.find("change_ends", end, "text") for end in UNDONE)
    record = sample.record([*sample.WHOLE[:5], sample.executed("paused", unsure=["app1"])])
    zh = words_of("zh")
    assert {"host": "app1", "what": "已实施但状态不明"} in report_fields(record, zh)["remainder"]
    assert b'"unsure": [\n   "app1"' in b"".join(change_json(record, "upgrade-report", zh))


# -- ways back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "hosts", "said"),
    [
        ([], {"done": ["app1", "app2", "legacy"]}, ["未进行回退。"]),
        (back("app1", 8), {"rolled_back": ["app1"]}, ["1 台主机已按规程的回退步骤恢复：app1。"]),
        (
            [*back("app1", 8), *back("app2", 9, well=False)],
            {"rolled_back": ["app1"], "failed": ["app2"]},
            ["恢复：app1。", "1 台主机已尝试回退，但未能确认恢复，须立即人工处理：app2。"],
        ),
        ([], {"failed": ["app1"]}, ["1 台主机失败或失联，运行记录中没有其回退步骤，须立即人工处理：app1。"]),
        ([], {"unreachable": ["app1"]}, ["没有其回退步骤，须立即人工处理：app1。"]),
    ],
)
def test_ways_back_that_failed_or_were_not_recorded_are_told(
    found: list[dict[str, Any]], hosts: dict[str, list[str]], said: list[str]
) -> None:
    told = texts(went("failed", found, **hosts), "回退情况")
    assert [one for one in said if one not in told] == []
    assert ("未进行回退" in told) is (said == ["未进行回退。"])
    assert ("申请中的回滚方案" in told) is (said != ["未进行回退。"])


def test_what_was_measured_before_a_way_back_says_so_and_what_was_measured_again_does_not() -> None:
    broken = sample.observation("app1", "unit.active", "nginx.service", 0, "critical")
    before = [*sample.steps_of("app1", 6), broken, *sample.after("app2"), *back("app1", 8)]
    said = texts(went("rolled back", before, rolled_back=["app1"], done=["app2"]), "实施后的配置")
    assert "未正常运行（回退前）" in said
    assert said.count("回退前）") == 1
    again = texts(went("rolled back", [*before, *sample.after("app1")], rolled_back=["app1"]), "实施后的配置")
    assert "回退前）" not in again
    assert "未正常运行" not in again


def test_a_step_of_the_way_back_says_so() -> None:
    said = texts(went("rolled back", back("app1", 8), rolled_back=["app1"]), "实施过程")
    assert "等待探测恢复正常（回退）" in said


# -- restarts ---------------------------------------------------------------------------------------------


def restarted(*found: dict[str, Any], **given: Any) -> Paragraph:
    """Return the conclusion of a restart record."""
    block = restart_document(sample.restarts(list(found), **given), words_of("zh")).sections[0].blocks[0]
    assert isinstance(block, Paragraph)
    return block


def test_a_restart_whose_batch_did_not_pass_is_no_success() -> None:
    assessed, steps = sample.due("app1"), sample.steps_of("app1", 6)
    fine = restarted(assessed, *steps, sample.batch(1, "passed", "ok", "app1"))
    assert fine.text.endswith("1 项应当重启。重启的 4 个步骤全部成功。")
    worse = restarted(assessed, *steps, sample.batch(1, "failed", "critical", "app1", worse=["app1"]), *back("app1", 8))
    assert worse.tone == "critical"
    assert worse.text.endswith("重启的 4 个步骤全部成功。第 1 批：变差、失联或出错，中止（变差：app1）。已回退：app1。")
    paused = restarted(assessed, *steps, sample.batch(1, "paused", "unknown", "app1"))
    assert (paused.tone, paused.text.endswith("第 1 批：无法测得，暂停。")) == ("warning", True)


def test_what_is_restarted_though_nothing_is_due_says_that_it_was_approved() -> None:
    arguments = {"variables": {"service_restart_when": "always"}}
    found = [sample.due("app1", level="ok", value=0), *sample.steps_of("app1", 6)]
    said = restarted(*found, arguments=arguments).text
    assert said.endswith("0 项应当重启。按批准的变更，不论评估结果全部重启。重启的 4 个步骤全部成功。")
    assert "不论评估结果" not in restarted(*found).text
    assert "批准" not in restarted(*found, arguments=arguments, approval=None).text


def test_steps_of_the_way_back_are_none_of_the_restart() -> None:
    said = restarted(sample.due("app1"), *sample.steps_of("app1", 6, failed=True), *back("app1", 8, well=False))
    assert "重启共 3 个步骤，其中 1 个未成功。回退未成功，须立即人工处理：app1。" in said.text
    # Where it was done again, what it came to at last counts.
    again = restarted(*sample.steps_of("app1", 6), *back("app1", 8, well=False), *back("app1", 9))
    assert "已回退：app1" in again.text
    unknown = restarted(*sample.steps_of("app1", 6), *back("app1", 8)[:-1])
    assert "回退未成功，须立即人工处理：app1。" in unknown.text, "where it led was not measured"
    assert "回退未成功" not in again.text


def test_a_run_under_a_change_that_restarted_nothing_was_no_mere_assessment() -> None:
    quiet = sample.due("app1", level="ok", value=0)
    assert restarted(quiet).text.endswith("0 项应当重启。本次未重启任何服务。")
    checked = restarted(quiet, arguments={"limit": None, "check": True, "variables": {}}, approval=None)
    assert checked.text.endswith("本次只作评估，未重启任何服务。")


def test_a_host_with_nothing_due_had_no_step_of_a_restart() -> None:
    quiet = sample.due("app1", level="ok", value=0)
    idle = sample.observation("app1", "change.step", "nothing due", 0, action="nothing due", service="")
    assert restarted(quiet, idle).text.endswith("0 项应当重启。本次未重启任何服务。")
    said = texts(restart_document(sample.restarts([quiet, idle]), words_of("zh")), "重启执行")
    assert "app1\n无须重启" in said


def test_a_service_that_got_no_traffic_back_says_why() -> None:
    (kept,) = back("app1", 8, well=False)[-1:]
    kept["detail"] |= {"action": "resume", "service": "nginx.service", "problem": "left drained"}
    said = texts(went("failed", [kept], failed=["app1"]), "实施过程")
    assert "恢复流量 nginx.service（回退）\n状态未恢复，暂不放回流量" in said


# -- words ------------------------------------------------------------------------------------------------


def test_the_gate_promises_no_more_than_it_measures() -> None:
    words = load_catalogue("zh")
    rule = words.word("change_documents", "batch_rule")
    assert "无新增严重项才进入下一批" in rule
    assert "失联或出错" in rule
    assert words.find("checks", "change.batch", "values", "passed") == "通过，与变更前相比无新增严重项"


def test_a_reason_reads_the_same_on_the_terminal_and_on_paper() -> None:
    zh = words_of("zh")
    inner = {"code": "found", "parameters": {"hosts": ["app1"]}}
    for reason, said in (
        ({"code": "prerequisite", "parameters": {"check": "preview", "reason": inner}}, "检查模式预演（不符合：app1）"),
        ({"code": "executed", "parameters": {"run": "r", "outcome": "paused"}}, "已实施过（运行 r：暂停）"),
        ({"code": "of a later version", "parameters": {"by": "王"}}, "of a later version"),
    ):
        assert said in reason_line(reason, zh)
        assert said in ChangeWords(zh).refusal(reason)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conclusion_counts_every_host_once(outcome: str, language: str) -> None:
    ends = {"done": ["app1"], "unsure": ["app2"]}
    document = upgrade_report(sample.record([*sample.WHOLE[:5], sample.executed(outcome, **ends)]), words_of(language))
    said = document.sections[0].blocks[0]
    assert isinstance(said, Paragraph)
    assert [int(one) for one in said.text if one.isdigit()].count(1) == 3
    assert "3" in said.text


# -- emergencies ------------------------------------------------------------------------------------------


def test_an_emergency_that_nobody_approved_says_until_when_that_is_owed() -> None:
    asked = sample.requested(plan={**sample.PLAN, "emergency": True})
    step, at, body = sample.STARTED
    started = (step, at, {**body, "due": {"A36": "2026-11-23T22:05:00+08:00"}})
    (owed,) = reported([asked, sample.SIGNED_IN, started, sample.executed()]).sections[1].blocks
    assert isinstance(owed, Paragraph)
    assert "已批准 0 名。紧急变更的批准须于 2026-11-23 22:05 前补办。" in owed.text
    assert owed.tone == "warning"
    late = reported([asked, sample.SIGNED_IN, started, sample.executed()], created=sample.LATER).sections[1].blocks[0]
    assert isinstance(late, Paragraph)
    assert late.tone == "critical"
    approved, _ = reported([asked, started, sample.executed(), sample.APPROVED]).sections[1].blocks
    assert isinstance(approved, Paragraph)
    assert (approved.tone, "补办" in approved.text) == ("ok", False)
    signed = render(requested(plan=asked[2]["plan"]), "html").decode()
    assert "批准前不得实施" not in signed
    assert "可依合同约定先行实施" in signed


def test_who_need_not_be_supervised_waits_for_nobody() -> None:
    terms = {**sample.PLAN["terms"], "supervised": False}
    assert "签到" not in texts(requested(plan={**sample.PLAN, "terms": terms}), "时间计划")


# -- what does not count ----------------------------------------------------------------------------------


def test_a_presence_and_a_verification_that_do_not_count_say_so() -> None:
    reason = {"code": "no_proof", "parameters": {"by": "陈监督"}}
    record = sample.record(doubts={15: (reason,), 18: (reason,)})
    document = upgrade_report(record, words_of("zh"))
    assert "陈监督（不计）\n陈监督 的决定没有签名，也没有签字件" in texts(document, "现场监督")
    assert "并非始终" in texts(document, "现场监督")
    assert "验证通过（不计）\n陈监督 的决定没有签名" in texts(document, "实施后验证")
    assert report_fields(record, words_of("zh"))["verified"] is False
    assert report_fields(sample.record(), words_of("zh"))["verified"] is True


def test_an_execution_that_came_to_no_host_needs_nobody_present() -> None:
    entries = [*sample.WHOLE[:3], sample.STARTED, sample.executed("interrupted", left=["app1", "app2", "legacy"])]
    assert sample.record(entries).attended is True
    assert sample.record([*entries[:-1], sample.executed("interrupted", unsure=["app1"])]).attended is False


# -- what people said afterwards --------------------------------------------------------------------------

STEP, AT, BODY = sample.VERIFIED
FAILED = (STEP, AT, {**BODY, "passed": False, "text": "点播黑屏"})


@pytest.mark.parametrize(
    "end", [sample.executed(), sample.executed("failed", done=["app1"], failed=["app2", "legacy"])]
)
def test_a_failed_verification_is_the_conclusion(end: Any) -> None:
    entries = [*sample.WHOLE[:5], end, FAILED, sample.SIGNED_OUT]
    for told, state in ((entries, "验证未通过，待结案"), ([*entries, sample.CLOSED], "已结案（验证未通过）")):
        record = sample.record(told)
        said = upgrade_report(record, words_of("zh")).sections[0].blocks[0]
        assert isinstance(said, Paragraph)
        assert said.text.endswith("验证未通过（陈监督）：点播黑屏")
        assert ("全部成功" in said.text, said.tone) == (False, "critical")
        listed, *shown = shown_lines(record.change, record.state, words_of("zh"))
        assert f"  {state}  " in listed
        assert "  验证未通过：点播黑屏" in shown
        assert report_fields(record, words_of("zh"))["state"] == state
        assert change_line(record, Tongues((words_of("zh"),)))[1] == f"{record.state} failed"


def test_what_was_verified_again_with_success_is_closed_as_such() -> None:
    record = sample.record([*sample.WHOLE[:6], FAILED, sample.VERIFIED, sample.SIGNED_OUT, sample.CLOSED])
    said = upgrade_report(record, words_of("zh")).sections[0].blocks[0]
    assert isinstance(said, Paragraph)
    assert said.tone == "ok"
    assert "  已结案  " in next(shown_lines(record.change, record.state, words_of("zh")))


def test_a_refusal_names_who_was_to_decide_and_who_entered_it_after_the_close_too() -> None:
    reason = {"code": "ended", "parameters": {"state": "closed"}}
    late = ("refused", "2026-11-22T22:50", {"attempt": "verify", "by": "陈监督", "reasons": [reason]})
    document = upgrade_report(sample.record([*sample.WHOLE, late]), words_of("zh"))
    (table,) = (one for one in _section(document, "被拒绝的操作").blocks if isinstance(one, Table))
    assert [one.title for one in table.columns][2:4] == ["人员", "登记人"]
    assert [[cell.text for cell in row.cells[2:4]] for row in table.rows] == [["—", "张伟"], ["陈监督", "张伟"]]
    assert "变更已终止" in table.rows[1].cells[4].text


def test_who_never_signed_out_is_not_said_to_have_stayed() -> None:
    stayed = [one for one in sample.WHOLE if one != sample.SIGNED_OUT]
    document = upgrade_report(sample.record(stayed), words_of("zh"))
    said = texts(document, "现场监督")
    assert said.startswith("实施期间采购人人员均已签到，尚无离场登记")
    assert "无离场登记" in said
    assert "自始至终" not in said
    assert texts(upgrade_report(sample.record(), words_of("zh")), "现场监督").startswith("实施自始至终")


def _section(document: Document, title: str) -> Section:
    (found,) = (one for one in document.sections if one.title == title)
    return found
