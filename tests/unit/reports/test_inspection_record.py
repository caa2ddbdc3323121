"""The inspection record: facts from a sealed run, and the document that says them, bad news first."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from module_utils.host.thresholds import UNITS
from module_utils.observations import LEVELS
from reports.document import Chart, Figures, Paragraph, Signatures, Table, fact_rows
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_json import as_json
from reports.documents.inspection_record import Issue

if TYPE_CHECKING:
    from conftest import Sample

    from reports.document import Document
    from reports.wording import Wording


def test_facts_come_from_manifest_contract_and_people(sample: Sample) -> None:
    record = sample.record()
    assert (record.state, [host.name for host in record.missed]) == ("partial", ["ris-web-1"])
    assert record.parties.inspector == "张伟"
    assert record.parties.reviewer == "李敏"
    assert record.parties.approver == "王建国"
    assert record.obligations == (("A01", "每月至少进行一次远程巡检"),)
    assert record.issue.number == "RIS-2026-018-inspect-20261121-1a2b3c"
    assert sum(record.counts.values()) == len(sample.rows)


def test_the_inspector_never_reviews_himself(sample: Sample) -> None:
    sample.manifest["operator"] = {"login": "limin", "name": "李敏"}
    assert sample.record().parties.reviewer is None
    assert "（待定）" in _text(sample.document().facts)


def test_without_contract_and_people_the_record_still_stands(sample: Sample) -> None:
    document = sample.document(contract=None, people=(), ledger=None)
    assert "zhangwei" in _text(document.facts)
    assert document.footer == "未记入台账"


def test_the_owed_fields_are_there(sample: Sample) -> None:
    document = sample.document()
    facts = dict(document.facts)
    assert facts["巡检时间"] == "2026-11-21 23:55 至 2026-11-21 23:56（UTC+08:00）"
    assert facts["巡检人"] == "张伟"
    assert facts["复核人"] == "李敏（待签）"
    assert (document.version, document.draft) == ("草稿 v1", True)
    assert [section.heading for section in document.sections] == [
        "一、巡检结论与异常",
        "二、未测得的项目及原因",
        "三、图示",
        "四、主机一览",
        "五、逐台巡检明细",
        "六、错误日志摘要",
        "七、记录生成说明",
        "八、签字盖章",
    ]
    signatures = next(block for block in document.sections[-1].blocks if isinstance(block, Signatures))
    assert [one.name for one in signatures.signatories] == ["张伟", "李敏", "王建国"]
    assert [seal.endswith("（盖章）") for seal in signatures.seals] == [True, True]
    assert document.footer == "台账 000123 · 1a2b3c4d 5e6f7a8b 9c0d1e2f 3a4b5c6d"


def test_an_issued_version_is_no_draft(sample: Sample) -> None:
    document = sample.document(issue=Issue("X-7", 3, draft=False))
    assert (document.number, document.version, document.draft) == ("X-7", "v3", False)


def test_a_partial_run_says_so_first_and_in_red(sample: Sample) -> None:
    conclusion = _conclusion(sample.document())
    assert conclusion.tone == "critical"
    assert conclusion.text.startswith("巡检不完整：应检 3 台主机，实检 2 台，漏检 1 台。")
    assert "主机无法连接：ris-web-1" in conclusion.text
    assert "ris-app-1 文件系统使用率 /var 95.2%" in conclusion.text


@pytest.mark.parametrize("state", ["partial", "failed", "incomplete"])
def test_a_run_that_is_not_complete_never_looks_fine(state: str, complete: Sample) -> None:
    complete.rows = [row for row in complete.rows if row["level"] == "ok"]
    complete.manifest["verdict"] = {
        "state": state,
        "reasons": [{"code": "interrupted", "parameters": {}}],
        "missed": [],
    }
    document = complete.document()
    assert _conclusion(document).tone == "critical"
    assert document.sections[0].tone == "critical"


@pytest.mark.parametrize(
    ("levels", "tone"),
    [
        ({"ok"}, "ok"),
        ({"ok", "notice"}, "notice"),
        ({"ok", "notice", "unknown"}, "unknown"),
        ({"ok", "unknown", "warning"}, "warning"),
        ({"ok", "warning", "critical"}, "critical"),
    ],
)
def test_a_complete_run_reads_as_its_worst_level(levels: set[str], tone: str, complete: Sample) -> None:
    for row in complete.rows:
        if row["level"] not in levels:
            row.update(level="ok", reason=None)
    document = complete.document()
    assert _conclusion(document).tone == tone
    assert "本次未检查" not in complete.said(document)


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_a_run_that_measured_nothing_concludes_nothing(state: str, complete: Sample) -> None:
    complete.rows = []
    complete.manifest["verdict"]["state"] = state
    document = complete.document()
    assert "未测得任何结果" in _conclusion(document).text
    assert _conclusion(document).tone in ("warning", "critical")
    assert "Nothing was measured" in _conclusion(complete.document("en")).text
    said = complete.said(document)
    assert "均未达到" not in said
    assert "均已测得" not in said
    assert dict(document.facts)["巡检内容"] == "未测得任何结果"


def test_a_run_without_hosts_claims_nothing(complete: Sample) -> None:
    complete.rows, complete.manifest["hosts"] = [], {}
    complete.manifest["verdict"] = {"state": "failed", "reasons": [{"code": "no_hosts", "parameters": {}}]}
    document = complete.document()
    assert "没有匹配到任何主机" in _conclusion(document).text
    assert "本次巡检未测得任何结果" in complete.said(document.sections[1])
    assert not re.search("均未达到|均已测得|无错误日志", complete.said(document))


def test_the_content_names_only_what_was_measured(complete: Sample) -> None:
    for row in complete.rows:
        if row["check"].startswith("packages."):
            row.update(level="unknown", value=None, reason={"code": "tool_missing", "parameters": {"tool": "dnf"}})
    content = dict(complete.document().facts)["巡检内容"]
    assert content.startswith("主机与系统、时间同步、CPU、内存")
    assert "软件更新" not in content
    measured = sum(row["level"] != "unknown" for row in complete.rows)
    assert content.endswith(f"共测得 {measured} 项结果")
    assert f"测得 {measured} 项结果。" in _conclusion(complete.document()).text


def test_kinds_of_checks_that_were_left_out_are_named_and_nothing_is_green(complete: Sample) -> None:
    complete.rows = [row for row in complete.rows if row["check"] in ("host.identity", "cpu.busy")]
    document = complete.document()
    first = [block for block in document.sections[0].blocks if isinstance(block, Paragraph)]
    assert first[0].tone == first[1].tone == document.sections[0].tone == "warning"
    assert first[0].text.startswith("巡检范围不全")
    assert first[1].text.startswith(
        "本次未检查：时间同步、内存、文件系统、服务、进程与句柄、网络、日志、软件更新、安全。"
    )
    assert "host_inspection_checks" in complete.said(document.sections[1])


def test_a_limited_inspection_names_the_hosts_left_out_and_is_not_green(complete: Sample) -> None:
    complete.manifest["arguments"] = {"limit": "ris-db*", "left_out": ["his-app-1", "pacs-1"], "check": False}
    document = complete.document()
    first = [block for block in document.sections[0].blocks if isinstance(block, Paragraph)]
    assert first[0].text.startswith("巡检范围不全")
    assert first[1].text.startswith("本次限定范围：ris-db*；未纳入巡检的主机：his-app-1、pacs-1")
    assert document.sections[0].tone in ("warning", "critical")


def test_what_one_host_alone_was_not_asked_is_named_with_it(complete: Sample) -> None:
    complete.rows = [
        row for row in complete.rows if row["host"] != "ris-db-1" or not row["check"].startswith(("log.", "memory."))
    ]
    assert "本次未检查：内存（ris-db-1）、日志（ris-db-1）。" in complete.said(complete.document().sections[0])


def test_key_figures(sample: Sample) -> None:
    figures = next(block for block in sample.document().sections[0].blocks if isinstance(block, Figures))
    assert [(one.label, one.value) for one in figures.figures][:2] == [("实检 / 应检主机", "2 / 3"), ("严重", "4")]
    assert figures.figures[0].tone == "critical"


def test_exceptions_come_worst_first_and_each_check_has_its_solution(sample: Sample, zh: Wording) -> None:
    tables = {block.title: block for block in sample.document().sections[0].blocks if isinstance(block, Table)}
    assert list(tables) == ["漏检主机", "异常", "处理建议", "提示"]
    rows = [[cell.text for cell in row.cells] for row in tables["异常"].rows]
    levels = [row[0] for row in rows]
    assert levels == sorted(levels, key=["严重", "警告"].index)
    assert ["严重", "ris-app-1", "文件系统使用率 /var", "95.2%", "应 < 80%"] in rows
    solutions = {row.cells[0].text: row.cells[1].text for row in tables["处理建议"].rows}
    bad = {one["check"] for one in sample.rows if one["level"] in ("warning", "critical")}
    assert set(solutions) == {zh.title(check) for check in bad}
    assert "等保 8.1.4.4 e" in solutions["待安装安全更新"]


def test_exceptions_that_many_hosts_share_stand_in_one_row(complete: Sample) -> None:
    template = complete.row(check="filesystem.used", subject="/var", level="critical")
    complete.rows = [{**template, "host": f"node-{number}", "value": 91.0 + number} for number in range(6)]
    table = next(block for block in complete.document().sections[0].blocks if isinstance(block, Table))
    assert [[cell.text for cell in row.cells][1:5] for row in table.rows] == [
        ["node-0 至 node-5（共 6 台）", "文件系统使用率 /var", "91.0% 至 96.0%", "应 < 80%"]
    ]


def test_names_of_many_hosts_do_not_fill_the_first_page(complete: Sample) -> None:
    template = complete.row(check="filesystem.used", subject="/var", level="critical")
    notice = complete.row(check="packages.pending", level="notice")
    names = [f"node-{2 * number}" for number in range(100)]
    complete.manifest["hosts"] = {name: {"outcome": "ok"} for name in names}
    complete.rows = [{**template, "host": name} for name in names[:90]]
    complete.rows += [{**notice, "host": name, "value": number} for number, name in enumerate(names, 1)]
    document = complete.document()
    assert dict(document.facts)["巡检范围"] == "node-0、node-2、node-4 等，共 100 台"
    said = complete.said(document.sections[0])
    assert "node-0 等，共 90 台" in said
    assert "全部 100 台主机 1 个 至 100 个" in said
    assert "node-20" not in said
    hosts = next(section for section in document.sections if section.title == "主机一览")
    assert all(name in complete.said(hosts) for name in names)


def test_missed_hosts_stand_in_the_first_section_with_their_message(sample: Sample) -> None:
    assert "No route to host" in sample.said(sample.document().sections[0])


def test_equal_unknowns_are_folded_over_hosts_and_checks(sample: Sample) -> None:
    table = next(block for block in sample.document().sections[1].blocks if isinstance(block, Table))
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row for row in rows if row[0].startswith("磁盘健康")] == [
        [
            "磁盘健康（SMART）、磁盘预警指标（SMART）",
            "缺少工具 smartctl",
            "ris-app-1、ris-db-1",
            "经批准后安装 smartctl，再重新巡检。",
        ]
    ]


def test_charts_of_several_hosts_and_of_one(sample: Sample, complete: Sample) -> None:
    several = [block.title for block in sample.document().sections[2].blocks if isinstance(block, Chart)]
    assert several == [
        "文件系统使用率",
        "各主机内存使用率",
        "各主机 CPU 使用率",
        "各主机待安装更新",
        "错误日志条数（按服务单元）",
    ]
    del complete.manifest["hosts"]["ris-db-1"]
    complete.rows = [row for row in complete.rows if row["host"] == "ris-app-1"]
    alone = [block for block in complete.document().sections[2].blocks if isinstance(block, Chart)]
    assert [chart.title for chart in alone] == ["文件系统使用率", "CPU 与内存", "错误日志条数（按服务单元）"]
    assert alone[0].bars[0].label == "/var"
    assert dict(alone[0].marks) == {80: "warning", 90: "critical"}


def test_each_host_has_one_row_per_observation(sample: Sample) -> None:
    details = next(section for section in sample.document().sections if section.sections)
    for part in details.sections:
        table = next(block for block in part.blocks if isinstance(block, Table))
        rows = [row for row in table.rows if not row.heading]
        assert len(rows) == sum(one["host"] == part.title for one in sample.rows)
        assert all(len(row.cells) == len(table.columns) for row in rows)


def test_logs_without_errors_and_logs_that_were_not_measured(complete: Sample) -> None:
    complete.rows = [row for row in complete.rows if row["check"] != "log.errors"]
    template = {**complete.rows[0], "check": "log.errors", "subject": "", "detail": {}}
    complete.rows.append({**template, "value": 0, "level": "ok"})
    assert "无错误日志" in complete.said(complete.document())
    reason = {"code": "not_permitted", "parameters": {"path": "/var/log/journal"}}
    complete.rows[-1] = {**template, "value": None, "level": "unknown", "reason": reason}
    assert "未能取得日志" in complete.said(complete.document())


def test_provenance_names_run_code_and_digests(sample: Sample) -> None:
    sample.manifest["source"]["dirty"] = True
    said = sample.said(sample.document())
    for piece in (
        sample.manifest["run"],
        sample.manifest["source"]["commit"],
        "含未提交的改动",
        "cd" * 32,
        "脱敏 2 处",
    ):
        assert piece in said


def test_a_check_that_the_catalogue_does_not_know_is_shown_by_its_id(sample: Sample) -> None:
    sample.row(check="cpu.busy").update(check="future.check", level="critical", limits={"critical": 1}, unit="furlongs")
    said = sample.said(sample.document().sections[0])
    assert "future.check" in said
    assert "furlongs" in said


def test_json_holds_every_finding(sample: Sample) -> None:
    facts = json.loads(b"".join(as_json(sample.record())))
    assert sum(len(host["findings"]) for host in facts["hosts"]) == len(sample.rows)
    assert facts["schema_version"] == 1
    assert facts["started"].startswith("2026-11-21T15:55:19")


def test_english_document_has_no_chinese_but_names(complete: Sample) -> None:
    rows = [row for row in complete.rows if not _chinese(json.dumps(row, ensure_ascii=False))]
    complete.rows = rows
    document = complete.document("en", contract=None, people=())
    assert _chinese(complete.said(document)) == set()
    assert "critical exceptions must be dealt with at once" in _conclusion(document).text


def test_facts_share_rows_unless_they_are_long() -> None:
    pairs = (("a", "1"), ("b", "字" * 30), ("c", "3"), ("d", "4"), ("e", "5"))
    assert [len(row) for row in fact_rows(pairs)] == [1, 1, 2, 1]
    assert list(itertools.chain(*fact_rows(pairs))) == list(pairs)


_observation = st.builds(
    lambda check, subject, level, value, host: {
        "host": host,
        "check": check,
        "subject": subject,
        "value": None if level == "unknown" else value,
        "unit": UNITS[check],
        "level": level,
        "limits": {} if level == "unknown" else {level: 1},
        "reason": {"code": "source_missing", "parameters": {"source": f"<{subject}>"}} if level == "unknown" else None,
        "detail": {},
        "time": "2026-11-21T15:55:20Z",
    },
    st.sampled_from(sorted(UNITS)),
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8),
    st.sampled_from(LEVELS),
    st.integers(0, 1000),
    st.sampled_from(["web-1", "db-1"]),
)


@given(rows=st.lists(_observation, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_nothing_bad_or_unknown_is_left_out(rows: list[dict[str, Any]], sample: Sample, zh: Wording) -> None:
    sample.rows = rows
    document = inspection_document(sample.record(), zh)
    first, unchecked = sample.said(document.sections[0]), sample.said(document.sections[1])
    for row in rows:
        said = unchecked if row["level"] == "unknown" else first
        if row["level"] != "ok":
            assert zh.title(row["check"]) in said
            assert row["subject"] in said
            assert row["host"] in said
    if any(row["level"] == "unknown" for row in rows):
        assert "不视为正常" in _conclusion(document).text


def _conclusion(document: Document) -> Paragraph:
    return next(block for block in document.sections[0].blocks if isinstance(block, Paragraph))


def _chinese(text: str) -> set[str]:
    return {character for character in text if "\u4e00" <= character <= "\u9fff"}


def _text(pairs: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(f"{name} {value}" for name, value in pairs)
