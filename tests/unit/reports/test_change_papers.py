"""Upgrade request, upgrade report and restart record: what they say, in every format and both languages."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reports.catalogue import LANGUAGES, load_catalogue
from reports.document import Document, Facts, Figures, Paragraph, Section, Table
from reports.documents.change_form import REPORT, REQUEST, RESTART, report_fields, request_fields, restart_fields
from reports.documents.change_json import change_json, restart_json
from reports.documents.change_record import batch_sizes
from reports.documents.change_report import upgrade_report
from reports.documents.change_request import upgrade_request
from reports.documents.form_fields import example, names_of
from reports.documents.restart_record import restart_document
from reports.render import render
from runner.changes import OUTCOMES, STEPS
from runner.evidence.canonical import canonical, digest
from tests.texts import text_of
from tests.unit.reports import change_sample as sample
from tests.unit.reports.compliance_sample import ZONE, words_of

GUIDE = Path(__file__).parents[3] / "docs" / "change-documents.md"
BAD_STEPS = [
    *sample.steps_of("app1", 6),
    *sample.steps_of("app2", 14, failed=True),
    sample.batch(1, "passed", "ok", "app1"),
    sample.batch(2, "failed", "critical", "app2", worse=["app2"]),
]
FAILED = [*sample.WHOLE[:5], sample.executed("rolled back", done=["app1"], rolled_back=["app2"], left=["legacy"])]


def texts(document: Document, title: str) -> str:
    """Return what a section says."""
    (section,) = (one for one in document.sections if one.title == title)
    return "\n".join(_said(section))


def _said(section: Section) -> list[str]:
    found: list[str] = []
    for block in section.blocks:
        match block:
            case Paragraph():
                found.append(block.text)
            case Table():
                found += [cell.lines for row in block.rows for cell in row.cells]
            case Facts():
                found += [f"{name} {value}" for name, value in block.pairs]
            case Figures():
                found += [f"{one.label} {one.value}" for one in block.figures]
    return found


def requested(language: str = "zh", *more: Any, **given: Any) -> Document:
    return upgrade_request(sample.record([sample.requested(**given), *more]), words_of(language))


def reported(entries: list[Any] | None = None, language: str = "zh", **given: Any) -> Document:
    return upgrade_report(sample.record(entries, **given), words_of(language))


# -- upgrade request --------------------------------------------------------------------------------------


def test_the_request_has_every_field_that_is_owed() -> None:
    document = requested()
    assert "重启三台应用服务器上的 nginx" in texts(document, "升级内容与原因")
    plan = texts(document, "详细实施方案")
    for wanted in ("摘除流量", "5 分钟", "20 分钟", "第 1 批（先行验证）", "1 台"):
        assert wanted in plan
    schedule = texts(document, "时间计划")
    assert "2026-11-22 22:00" in schedule
    assert "2026-11-23 01:30\n最迟完成实施（计划共 60 分钟）" in schedule
    assert "nginx -t" in texts(document, "风险评估")
    assert "恢复备份的配置" in texts(document, "备份与回滚方案")
    assert "30 分钟" in texts(document, "备份与回滚方案")
    facts = dict(document.facts)
    assert facts["实施窗口"] == "2026-11-22 22:00 至 2026-11-23 02:00（UTC+08:00）"
    assert facts["现场监督人"] == "陈监督"
    assert facts["当前状态"] == "待批准"
    scope = texts(document, "批准范围")
    assert sample.DIGEST in scope
    assert f"app1\n{digest(canonical(sample.PLAN['hosts']['app1']))}\napp2\n" in scope
    approval = texts(document, "采购人审批")
    assert "已批准 0 名" in approval
    assert "□ 同意实施" in approval


def test_the_request_tells_what_was_tried_and_what_is_not_known() -> None:
    said = texts(requested(), "可行性检查与预演")
    assert "检查模式预演\n通过" in said
    assert "监督人\n未能判定\n预演没有给出结果" in said
    assert "20260" not in said.partition("预演（运行 ")[0]
    none = texts(requested(preview=None, feasibility=[]), "可行性检查与预演")
    assert "未进行预演" in none
    assert "未声明可行性检查" in none


def foreseen(host: str, *actions: str) -> list[dict[str, Any]]:
    """Return an assessment of a host, and the steps that check mode foresees there."""
    steps = [
        sample.observation(host, "change.step", f"{one} nginx.service", "planned", action=one, service="nginx.service")
        for one in actions
    ]
    return [sample.due(host), *steps]


def _tried(entries: list[Any], *found: dict[str, Any]) -> Any:
    """Return the record of a change with its preview."""
    preview = sample.run(found, arguments={"check": True}, approval=None)
    assert preview.steps == ()
    return dataclasses.replace(sample.record(entries), preview=preview)


def previewed(*found: dict[str, Any]) -> Document:
    return upgrade_request(_tried([sample.requested()], *found), words_of("zh"))


def test_the_request_names_the_hosts_of_each_batch_and_what_is_done_there() -> None:
    # The preview came to them in the order of the inventory, as the execution will.
    document = previewed(*foreseen("legacy", "stop", "start"), *foreseen("app1"), *foreseen("app2", "stop", "start"))
    assert "第 1 批（先行验证）\n1 台\nlegacy\n第 2 批\n1 台\napp1\n" in texts(document, "详细实施方案")
    tried = texts(document, "可行性检查与预演")
    assert "app2\n停止 nginx.service；启动 nginx.service" in tried
    assert "app1\n不执行任何步骤" in tried
    partly = previewed(*foreseen("app1", "stop"))
    assert "1 台\napp1" not in texts(partly, "详细实施方案")
    assert "没有得出将要执行的步骤" in texts(previewed(*foreseen("app1")), "可行性检查与预演")


def test_an_approved_request_has_no_block_to_fill_in() -> None:
    signed = texts(requested("zh", sample.APPROVED), "采购人审批")
    assert "□" not in signed
    assert "同意\n王建国\n2026-11-21 09:30\n电子签名\n同意，须避开手术日白天\n#13" in signed
    paper = texts(requested("zh", sample.ON_PAPER), "采购人审批")
    assert "书面签字件（李敏 担保）\n升级申请签字件.pdf" in paper


def test_an_approval_that_does_not_count_says_why_and_the_block_stays() -> None:
    doubts: dict[int, tuple[dict[str, Any], ...]] = {13: ({"code": "auditor", "parameters": {"by": "王建国"}},)}
    found = sample.record([sample.requested(), sample.APPROVED], doubts=doubts)
    said = texts(upgrade_request(found, words_of("zh")), "采购人审批")
    assert "同意（不计）\n王建国 是审计人员，不作决定" in said
    assert "□" in said
    assert found.state == "requested"
    assert found.approval_number == ("SJ-2026-001", ())


def test_an_emergency_and_a_window_that_is_too_short_stand_out() -> None:
    plan = {**sample.PLAN, "emergency": True, "window": {**sample.PLAN["window"], "to": "2026-11-22T23:00:00+08:00"}}
    document = requested(plan=plan)
    assert "紧急变更" in texts(document, "申请概要")
    assert "超过窗口长度" in texts(document, "时间计划")


@pytest.mark.parametrize(
    ("asked", "hosts", "sizes"),
    [
        ([1, "25%", "100%"], 1, (1,)),
        ([1, "25%", "100%"], 10, (1, 2, 7)),
        ([1, "50%", "100%"], 3, (1, 1, 1)),
        ([2], 5, (2, 2, 1)),
        (["10%"], 3, (1, 1, 1)),
        ([], 4, (4,)),
    ],
)
def test_batches_are_those_that_ansible_makes(asked: list[Any], hosts: int, sizes: tuple[int, ...]) -> None:
    assert batch_sizes(asked, hosts) == sizes


# -- upgrade report ---------------------------------------------------------------------------------------


def test_the_report_has_every_field_that_is_owed() -> None:
    document = reported()
    facts = dict(document.facts)
    assert facts["批准编号"] == "SJ-2026-001（台账第 14 条）"
    assert facts["实际实施时间"].startswith("2026-11-22 22:05 至 2026-11-22 22:31")
    assert (facts["实施人"], facts["现场监督人"], facts["当前状态"]) == ("张伟", "陈监督", "已结案")
    assert "3 台主机全部成功" in texts(document, "实施结论")
    assert "电子签名" in texts(document, "批准依据")
    course = texts(document, "实施过程")
    assert "app1\n摘流 nginx.service\n2026-11-22 22:06:00\n22:06:12\n12 秒\n成功\n张伟" in course
    assert "第 1 批\napp1\n2026-11-22 22:05:00\n22:11:00\n通过" in texts(document, "分批与健康判定")
    supervision = texts(document, "现场监督")
    assert "自始至终" in supervision
    assert "陈监督\n2026-11-22 21:58\n2026-11-22 22:40" in supervision
    assert "验证通过\n陈监督\n2026-11-22 22:38\n电子签名" in texts(document, "实施后验证")
    assert texts(document, "回退情况") == "未进行回退。"
    assert texts(document, "未完成的主机") == "全部目标主机均已完成。"
    after = texts(document, "实施后的配置")
    assert "nginx.service\n运行中" in after
    assert "9f2c1e7ab0d4c5e6f718293a4b5c6d7e8f901234" in after
    (carried_out,) = (one for one in document.sections[8].blocks if isinstance(one, Facts))
    assert carried_out.title == "实施所用的内容"
    assert "窗口 2026-11-22 22:00 才开始\n没有监督人在场" in texts(document, "被拒绝的操作")


def test_a_change_that_was_rolled_back_says_so_and_names_what_is_left() -> None:
    document = reported(FAILED, runs=[sample.run(BAD_STEPS)])
    conclusion = texts(document, "实施结论")
    assert "变差的主机已回退。目标主机 3 台：完成 1 台、未开始 1 台、已回退 1 台。" in conclusion
    assert "启动 nginx.service\nnginx: [emerg]" in texts(document, "实施过程")
    assert "变差、失联或出错，中止\n变差：app2" in texts(document, "分批与健康判定")
    assert "1 台主机已按规程的回退步骤恢复：app2" in texts(document, "回退情况")
    left = texts(document, "未完成的主机").split("\n")[1:]
    assert left == ["legacy", "未开始", "app2", "已回退：查明原因后，再行申请"]
    assert "尚未登记验证结论" in texts(document, "实施后验证")


def test_a_supervisor_who_left_early_was_not_there_all_the_time() -> None:
    left = ("signed-out", "2026-11-22T22:20", {"supervisor": "陈监督"})
    said = texts(reported([*sample.WHOLE[:5], left, sample.executed()]), "现场监督")
    assert "并非始终" in said
    nobody = texts(reported([sample.requested(), sample.APPROVED, sample.STARTED]), "现场监督")
    assert nobody == "没有监督人签到记录。"


def test_a_report_without_a_sealed_run_says_what_is_not_there() -> None:
    interrupted = [*sample.WHOLE[:5], sample.executed("interrupted", left=["app1", "app2", "legacy"])]
    document = reported(interrupted, runs=())
    assert "请逐台核实" in texts(document, "实施结论")
    assert "没有单独的步骤" in texts(document, "实施过程")
    assert "没有分批判定" in texts(document, "分批与健康判定")


@pytest.mark.parametrize("outcome", [*OUTCOMES, None])
def test_every_outcome_has_a_sentence(outcome: str | None) -> None:
    ends = [sample.executed(outcome, done=["app1"])] if outcome else []
    for language in LANGUAGES:
        said = reported([*sample.WHOLE[:5], *ends], language).sections[0].blocks[0]
        assert isinstance(said, Paragraph)
        assert "{" not in said.text
        assert said.text != (outcome or "running")
    assert set(STEPS) <= set(load_catalogue("zh").keys("change_steps"))


# -- restart record ---------------------------------------------------------------------------------------


def test_the_restart_record_tells_assessment_and_restart() -> None:
    document = restart_document(sample.restarts(), words_of("zh"))
    assert "3 项应当重启" in texts(document, "评估与执行结论")
    assert "89.6 天" in texts(document, "重启评估")
    assert "libssl.so.3" in texts(document, "重启评估")
    assert "停止 nginx.service" in texts(document, "重启执行")
    assert dict(document.facts)["变更编号"] == "SJ-2026-001"


def test_an_assessment_alone_restarts_nothing() -> None:
    found = [sample.due("app1", level="ok", value=0), *sample.figures("app1", updates=0)]
    document = restart_document(sample.restarts(found, approval=None), words_of("zh"))
    assert "0 项应当重启" in texts(document, "评估与执行结论")
    assert texts(document, "重启执行") == "本次未重启任何服务。"
    assert dict(document.facts)["变更编号"] == "（无变更，仅评估）"


def test_a_run_that_missed_hosts_or_assessed_nothing_is_not_fine() -> None:
    reasons = [{"code": "hosts_unreachable", "parameters": {"hosts": ["app2"]}}]
    verdict = {"state": "partial", "reasons": reasons, "missed": ["app2"]}
    document = restart_document(sample.restarts([], verdict=verdict), words_of("zh"))
    assert "不完整" in texts(document, "评估与执行结论")
    assert "没有评估结果" in texts(document, "重启评估")


# -- every format -----------------------------------------------------------------------------------------

DOCUMENTS = {
    "request": lambda words: upgrade_request(sample.record([sample.requested()]), words),
    "report": lambda words: upgrade_report(sample.record(), words),
    "restart": lambda words: restart_document(sample.restarts(), words),
}


@pytest.mark.parametrize("form", ["html", "docx", "pdf", "xlsx"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_format_says_the_same(name: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"document.{form}"
    path.write_bytes(render(DOCUMENTS[name](words_of("zh")), form))
    text = re.sub(r"\s", "", text_of(path))
    for wanted in ("SJ-2026-001", "示例市第一人民医院", "app2", "1a2b3c4d"):
        assert wanted in text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_chinese_word_of_ours_is_left_in_english(name: str) -> None:
    text = render(DOCUMENTS[name](words_of("en")), "html").decode()
    # What people wrote, names and the contract, is as they wrote it.
    theirs = Path(sample.__file__).read_text(encoding="utf-8")
    assert [word for word in re.findall("[\u4e00-\u9fff]+", text) if word not in theirs] == []


def test_languages_use_the_same_parameters() -> None:
    tables = load_catalogue("zh").tables
    for name in ("change_documents", "change_outcomes", "change_ends"):
        for key, words in tables[name].items():
            for one in [words] if LANGUAGES[0] in words else words.values():
                used = {frozenset(re.findall(r"\{(\w+)", one[language])) for language in LANGUAGES}
                assert len(used) == 1, key


def test_no_word_of_the_documents_is_never_asked_for() -> None:
    sources = Path(upgrade_report.__code__.co_filename).parent
    text = "".join(path.read_text() for path in [*sources.glob("change_*.py"), sources / "restart_record.py"])
    built = ("gate_", "restart_uptime", "restart_memory", "restart_updates")
    keys = load_catalogue("zh").keys("change_documents")
    assert [key for key in keys if f'"{key}"' not in text and not key.startswith(built)] == []


def test_json_has_the_change_its_entries_and_its_runs() -> None:
    content = json.loads(b"".join(change_json(sample.record(), "upgrade-report", words_of("zh"))))
    assert (content["schema_version"], content["document"], content["change"]) == (1, "upgrade-report", "SJ-2026-001")
    assert content["hosts"]["done"] == ["app1", "app2", "legacy"]
    assert [one["step"] for one in content["entries"]][:3] == ["requested", "refused", "approved"]
    assert content["entries"][1]["texts"][1] == "没有监督人在场"
    assert len(content["runs"][0]["steps"]) == 12
    restarts = json.loads(b"".join(restart_json(sample.restarts())))
    assert (restarts["document"], restarts["change"]) == ("restart-record", "SJ-2026-001")


# -- forms ------------------------------------------------------------------------------------------------


def test_forms_have_exactly_the_fields_that_are_promised_and_in_the_guide() -> None:
    zh = words_of("zh")
    given = (
        (request_fields(_tried([sample.requested(), sample.APPROVED]), zh), REQUEST, "an upgrade request"),
        (report_fields(_everything(), zh), REPORT, "an upgrade report"),
        (restart_fields(sample.restarts(), zh), RESTART, "a restart record"),
    )
    guide = GUIDE.read_text(encoding="utf-8")
    for fields, promised, title in given:
        assert sorted(names_of(fields)) == sorted(names_of(example(promised))), title
        part = guide.partition(f"\n## The fields of {title}\n")[2].partition("\n## ")[0]
        listed = re.findall(r"^\| `([\w.\[\]]+)` \|", part, re.MULTILINE)
        shared = () if "as of an upgrade request" not in part else names_of(example(REQUEST))
        missing = {one for one in names_of(example(promised)) if one not in shared}
        assert set(listed) == missing, title


def _everything() -> Any:
    """Return a report of which every list has a member."""
    left = [
        *sample.WHOLE[:5],
        sample.executed("window closed", done=["app1"], left=["app2", "legacy"]),
        sample.VERIFIED,
    ]
    return sample.record(left, created=datetime(2026, 11, 22, 23, tzinfo=ZONE))
