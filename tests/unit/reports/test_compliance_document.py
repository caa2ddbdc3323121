"""The compliance report says what is wrong first, then everything, in both languages and all formats."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reports.catalogue import LANGUAGES, load_catalogue
from reports.document import Figures, HeatMap, Paragraph, Section, Signatures, Table
from reports.documents.compliance_document import compliance_document
from reports.render import render
from runner.contract.status import STATES
from tests.unit.reports.compliance_sample import MOMENT, at, contract, entry, fault, record, said, words_of

if TYPE_CHECKING:
    from reports.document import Document, Row
    from reports.documents.compliance_record import ComplianceRecord

PROJECT = Path(__file__).parents[3]
Q2 = ("2026Q2", date(2026, 4, 1), date(2026, 6, 30))


def document_of(found: ComplianceRecord | None = None, language: str = "zh") -> Document:
    return compliance_document(found or record(), words_of(language))


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title == title)


def table(part: Section, title: str = "") -> Table:
    return next(block for block in part.blocks if isinstance(block, Table) and block.title == title)


def texts(rows: tuple[Row, ...]) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in rows]


# -- the first page ---------------------------------------------------------------------------------------


def test_the_verdict_comes_first_and_names_what_is_bad() -> None:
    document = document_of()
    assert [one.heading for one in document.sections] == [
        "一、结论与须关注事项",
        "二、义务与月份总览",
        "三、逐项履约情况",
        "四、未评估的事项及原因",
        "五、评定口径",
        "六、签字盖章",
    ]
    verdict = document.sections[0].blocks[0]
    assert isinstance(verdict, Paragraph)
    assert verdict.tone == "critical"
    assert verdict.text == (
        "截至 2026-06-30 24:00，合同共 9 项义务，迄今产生履约事项 16 项。"
        "其中违约 2 项、逾期 2 项，须立即处理；另有迟延履约 2 项。"
    )


def test_the_notes_tell_the_rate_and_what_counts_as_neither() -> None:
    text = said(document_of().sections[0])
    assert "已到期的 12 项中，按时履约 6 项（50.0%）。" in text
    assert "另有 1 项未评估" in text
    assert "2 项义务迄今没有触发事件或尚未开始" in text


def test_key_figures_are_the_counts_by_state() -> None:
    figures = next(block for block in document_of().sections[0].blocks if isinstance(block, Figures))
    assert [(one.label, one.number) for one in figures.figures] == [
        ("违约", 2),
        ("逾期", 2),
        ("部分完成", 0),
        ("未评估", 1),
        ("迟延履约", 2),
        ("待履约", 2),
        ("已豁免", 1),
        ("已履约", 6),
    ]
    assert figures.figures[2].tone == "", "what does not occur does not alarm"


def test_what_needs_attention_stands_worst_first_with_due_date_lateness_and_evidence() -> None:
    assert texts(table(document_of().sections[0], "违约、逾期、迟延、部分完成与超出上限的事项").rows) == [
        ["A15\u3000一级故障", "F-001 · 恢复", "违约", "2026-05-10 11:00", "超 1 小时", "#7 #9"],
        ["B08\u3000现场诊断上限", "2026 年", "违约", "2026-12-31", "3 / 2（不超过）", "#11–#13"],
        ["A01\u3000月度巡检", "2026-06", "逾期", "2026-06-30", "刚过期限", "尚无证据"],
        ["A02\u3000巡检汇总", "2026 年第 2 季度", "逾期", "2026-06-30", "刚过期限", "尚无证据"],
        ["A01\u3000月度巡检", "2026-02", "迟延履约", "2026-02-28", "迟 4 天", "#2"],
        ["A02\u3000巡检汇总", "2026 年第 1 季度", "迟延履约", "2026-03-31", "迟 2 天", "#4"],
    ]


def test_what_is_due_soon_is_announced_by_day() -> None:
    assert texts(table(document_of().sections[0], "今后 31 天内到期").rows) == [
        ["2026-07-09", "A05\u3000健康检查报告"],
        ["2026-07-31", "A01\u3000月度巡检"],
    ]


def test_a_contract_that_is_kept_says_so() -> None:
    kept = contract({"id": "A01", "kind": "procedure", "procedure": "inspect", "cadence": "monthly"})
    runs = [entry("run", "2026-01-10T10:00", "A01", verdict="complete")]
    verdict = document_of(record(of=kept, entries=runs, moment=at("2026-02-01"))).sections[0].blocks[0]
    assert isinstance(verdict, Paragraph)
    assert verdict.tone == "ok"
    assert "没有违约、逾期、迟延或部分完成的事项。" in verdict.text


def test_where_nothing_fell_due_nothing_is_concluded() -> None:
    verdict = document_of(record(entries=(), moment=at("2026-01-05"))).sections[0].blocks[0]
    assert isinstance(verdict, Paragraph)
    assert verdict.tone == "unknown"
    assert verdict.text.endswith("尚无到期事项，暂不能得出结论。")


def test_a_contract_without_obligations_concludes_nothing() -> None:
    empty = contract().model_copy(update={"obligations": ()})
    document = document_of(record(of=empty, entries=()))
    assert "合同尚未列明任何义务" in said(document.sections[0])
    for form in ("html", "docx", "xlsx"):
        assert render(document, form)


def test_a_forecast_says_that_it_is_none_of_what_happened() -> None:
    found = record(created=MOMENT - timedelta(days=2))
    assert "仅供预判，不作为履约结论" in said(document_of(found).sections[0])
    assert "仅供预判" not in said(document_of().sections[0])


def test_a_period_is_named_in_head_and_verdict() -> None:
    document = document_of(record(period=Q2))
    assert dict(document.facts)["报告期间"] == "2026 年第 2 季度（2026-04-01 至 2026-06-30）"
    assert "2026 年第 2 季度 期间产生履约事项" in said(document.sections[0])
    assert document.number == "HT-1-compliance-2026Q2-20260630"


# -- the heat map -----------------------------------------------------------------------------------------


def heat_map(document: Document) -> HeatMap:
    return next(block for block in section(document, "义务与月份总览").blocks if isinstance(block, HeatMap))


def test_squares_are_the_worst_of_each_month_by_letter_and_tone() -> None:
    chart = heat_map(document_of())
    assert chart.groups == (("2026 年", 12), ("", 1))
    assert chart.columns == (*map(str, range(1, 13)), "后")
    lines = {line.label: "".join(one.letter or "." for one in line.squares) for line in chart.lines}
    assert lines == {
        "A01 月度巡检": "已迟已已已逾.......",
        "A02 巡检汇总": "..迟..逾.......",
        "A05 健康检查报告": "...已..待......",
        "A11 数据恢复手册": ".....未.......",
        "A15 一级故障": "....违........",
        "A16 二级故障": ".............",
        "A46 配合等保测评": ".............",
        "B08 现场诊断上限": ".....违.......",  # broken today, whenever its year ends
        "A52 操作培训": "............待",
    }


def test_each_state_has_a_letter_of_its_own_in_each_language() -> None:
    for language in LANGUAGES:
        letters = [load_catalogue(language).word("state_letters", name) for name in STATES]
        assert len(set(letters)) == len(STATES)
        assert all(len(letter) == 1 for letter in letters)


def test_the_map_of_a_period_has_its_months_and_what_lies_beyond() -> None:
    chart = heat_map(document_of(record(period=Q2)))
    # The summary of the first quarter was due in March, and handed in in April.
    assert chart.columns == ("前", "4", "5", "6", "后")
    letters = {line.label[:3]: "".join(one.letter or "." for one in line.squares) for line in chart.lines}
    assert (letters["B08"], letters["A52"]) == ("...违.", "....待")


def test_the_map_of_a_long_term_keeps_the_newest_months() -> None:
    long = contract(term={"from": date(2020, 1, 1), "to": date(2029, 12, 31)})
    chart = heat_map(document_of(record(of=long, entries=())))
    assert len(chart.columns) == 38
    assert (chart.columns[0], chart.groups[1][0], chart.groups[-2][0]) == ("前", "2024 年", "2026 年")


# -- every obligation -------------------------------------------------------------------------------------


def details(document: Document) -> list[list[str]]:
    return texts(table(section(document, "逐项履约情况")).rows)


def test_every_obligation_has_its_clause_and_rows() -> None:
    part = table(section(document_of(), "逐项履约情况"))
    headings = [row.cells[0] for row in part.rows if row.heading]
    assert [cell.text for cell in headings] == [
        "A01\u3000月度巡检（自动执行 · 每月）",
        "A02\u3000巡检汇总（文档 · 每季度）",
        "A05\u3000健康检查报告（文档 · 每季度）",
        "A11\u3000数据恢复手册（人工记录 · 持续履行）",
        "A15\u3000一级故障（时限）",
        "A16\u3000二级故障（时限）",
        "A46\u3000配合等保测评（人工记录 · 按事件）",
        "B08\u3000现场诊断上限（数量 · 每年）",
        "A52\u3000操作培训（数量 · 合同期内）",
    ]
    assert headings[2].note == (
        "条款：“A05的条款原文”；交付：系统健康检查报告（合同未列名，由服务方提出）；前置条件：采购人确认；说明：期限自季末起算。"
    )


def test_rows_that_stand_alike_stand_together_and_name_their_evidence() -> None:
    rows = details(document_of())
    assert rows[1:5] == [
        ["2026-01", "已履约", "2026-01-31", "2026-01-28", "", "#1"],
        ["2026-02", "迟延履约", "2026-02-28", "2026-03-04", "迟 4 天", "#2"],
        ["2026-03 至 2026-05，3 期", "已履约", "2026-03-31 至 2026-05-31", "均已完成", "", "#3 #6 #10"],
        ["2026-06", "逾期", "2026-06-30", "未完成", "刚过期限", "尚无证据"],
    ]
    assert ["F-001 · 响应", "已履约", "2026-05-10 09:15", "2026-05-10 09:10", "余 5 分钟", "#7 #8"] in rows
    assert ["F-001 · 到场", "已豁免", "2026-05-10 10:00", "—", "", "#7 #9；王建国 判断无须履行"] in rows
    assert ["—", "无事项", "—", "—", "", "没有触发事件"] in rows
    assert ["合同期", "待履约", "2027-12-31", "—", "1 / 2（不少于）", "#11"] in rows


def test_many_cases_fold_into_what_was_closest() -> None:
    entries = []
    for number in range(1, 31):
        day = f"2026-03-{number:02d}"
        entries += [
            fault(f"F-{number:03d}", "reported", f"{day}T09:00"),
            fault(f"F-{number:03d}", "responded", f"{day}T09:{2 + number % 12:02d}"),
            fault(f"F-{number:03d}", "restored", f"{day}T{10 if number > 6 else 13}:30"),
        ]
    rows = [row for row in details(document_of(record(entries=entries))) if row[0].startswith("F-")]
    assert [row[:2] + row[4:5] for row in rows] == [
        ["F-001 等 30 起 · 响应", "已履约", "最少余 2 分钟"],
        ["F-001 等 30 起 · 到场", "未评估", ""],
        ["F-001 等 6 起 · 恢复", "违约", "最多超 2 小时 30 分"],
        ["F-007 等 24 起 · 恢复", "已履约", "最少余 30 分钟"],
    ]


def test_dates_that_may_move_say_so() -> None:
    found = record(moment=at("2027-01-20"), created=at("2027-01-20T09:00"))
    assert any(row[2] == "2027-01-11（暂定）" for row in details(document_of(found)) if len(row) > 1)
    assert "标“暂定”的 2 项日期" in said(document_of(found).sections[0])


def test_what_is_not_assessed_says_why_and_what_would_help() -> None:
    part = section(document_of(), "未评估的事项及原因")
    assert texts(table(part, "未评估的义务").rows) == [
        ["尚无证据", "A11\u3000数据恢复手册", "登记已做的工作并附凭证（weibao record add）。"]
    ]
    assert texts(table(part, "没有履约事项的义务").rows) == [
        ["没有触发事件", "A16\u3000二级故障；A46\u3000配合等保测评"]
    ]


def test_both_sides_sign() -> None:
    block = next(one for one in document_of().sections[-1].blocks if isinstance(one, Signatures))
    assert [(one.organisation, one.name) for one in block.signatories] == [
        ("华东医信", "李敏"),
        ("滨江医院", "陈监督"),
        ("滨江医院", "王建国"),
    ]
    assert block.seals == ("华东医信（盖章）", "滨江医院（盖章）")


# -- what few contracts have -------------------------------------------------------------------------------


def test_what_is_beyond_a_cap_needs_attention_and_is_no_breach() -> None:
    cap = {"id": "B08", "kind": "quota", "title": "现场上限", "quota": {"at_most": 2, "beyond": "agreement"}}
    found = record(of=contract(cap))
    assert (found.counts["beyond cap"], found.counts["breached"], found.judged) == (1, 0, 0)
    first = document_of(found).sections[0]
    verdict = first.blocks[0]
    assert isinstance(verdict, Paragraph)
    assert (verdict.tone, verdict.text.endswith("没有违约或逾期；超出上限 1 项。")) == ("warning", True)
    rows = texts(table(first, "违约、逾期、迟延、部分完成与超出上限的事项").rows)
    assert rows == [["B08\u3000现场上限", "2026 年", "超出上限", "2026-12-31", "3 / 2（不超过）", "#11–#13"]]


def test_who_owes_it_its_gates_and_its_targets_stand_below_the_clause() -> None:
    drill = {
        "cadence": "quarterly",
        "gates": [{"name": "书面批准", "before": "drill"}],
        "targets": {"RTO": {"hours": 4}},
    }
    found = record(of=contract({"id": "A09", "kind": "record", **drill, "responsible": "both"}))
    notes = {
        language: table(document_of(found, language).sections[2]).rows[0].cells[0].note for language in ("zh", "en")
    }
    assert notes["zh"].endswith("责任方：双方；前置条件：书面批准；目标：RTO 不超过 4 小时")
    assert "Owed by both sides" in notes["en"]
    assert "RTO at most 4 hours" in notes["en"]
