"""The words of the compliance report in both languages, and what every format says."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import docx
import openpyxl
import pypdf
import pytest

from reports.catalogue import LANGUAGES, load_catalogue
from reports.documents.compliance_document import compliance_document
from reports.documents.compliance_json import as_json
from reports.documents.compliance_summary import compliance_summary
from reports.documents.compliance_words import ComplianceWords
from reports.render import render
from runner.contract.status import STATES
from tests.texts import text_of
from tests.unit.reports.compliance_sample import at, contract, record, words_of

if TYPE_CHECKING:
    from reports.document import Document
    from reports.documents.compliance_record import ComplianceRecord

PROJECT = Path(__file__).parents[3]
Q2 = ("2026Q2", date(2026, 4, 1), date(2026, 6, 30))


def document_of(found: ComplianceRecord | None = None, language: str = "zh") -> Document:
    return compliance_document(found or record(), words_of(language))


# -- words ------------------------------------------------------------------------------------------------


def test_each_reason_that_compliance_gives_is_worded() -> None:
    given: set[str] = set()
    for path in (PROJECT / "runner" / "contract").glob("*.py"):
        given |= set(re.findall(r'\breason ?= ?"(\w+)"', path.read_text()))
    assert {"no_evidence", "nothing_opened", "hosts_missed"} <= given
    for language in LANGUAGES:
        known = load_catalogue(language).keys("compliance_reasons")
        assert given <= set(known)
        assert "not_in_period" in known


def test_each_clock_of_the_shipped_contracts_is_worded() -> None:
    names: set[str] = set()
    for path in (PROJECT / "inventories").glob("*/contract.yml"):
        names |= set(re.findall(r"- \{?name: ([a-z][a-z -]*),", path.read_text(encoding="utf-8")))
    assert "respond" in names
    assert names <= set(load_catalogue("zh").keys("clocks"))


def test_languages_use_the_same_parameters() -> None:
    tables = load_catalogue("zh").tables
    for name in ("compliance", "spans", "period_names"):
        for key, words in tables[name].items():
            used = {frozenset(re.findall(r"\{(\w+)", words[one])) - {"half", "number"} for one in LANGUAGES}
            assert len(used) == 1, key


def test_no_chinese_word_of_ours_is_left_in_the_english_report() -> None:
    obligations = [{"id": "A01", "kind": "record", "cadence": "monthly", "title": "Inspection", "clause": "inspect"}]
    kept = contract(
        *obligations,
        title="Maintenance",
        system="RIS",
        provider={"name": "Provider"},
        purchaser={"name": "Hospital"},
    )
    document = document_of(record(of=kept, entries=()), "en")
    text = re.sub(r"李敏|王建国|陈监督", "", render(document, "html").decode())
    assert re.findall("[\u4e00-\u9fff]+", text) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "不足 1 分钟"),
        (29, "不足 1 分钟"),
        (90, "2 分钟"),
        (3600, "1 小时"),
        (5400, "1 小时 30 分"),
        (90000, "1 天 1 小时"),
        (900000, "10 天"),
    ],
)
def test_lengths_of_time_have_two_units_at_most(seconds: float, text: str) -> None:
    assert ComplianceWords(words_of("zh"), contract()).duration(seconds) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([7, 5], "#5 #7"),
        ([5, 6, 7, 7], "#5–#7"),
        ([1, 3, 5, 7, 9, 10], "#1 #3 #5 #7 等 6 条"),
    ],
)
def test_evidence_is_named_by_number(numbers: list[int], text: str) -> None:
    assert ComplianceWords(words_of("zh"), contract()).evidence(numbers) == text


# -- formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["html", "docx", "pdf", "xlsx"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_format_says_the_same(form: str, language: str, tmp_path: Path) -> None:
    path = tmp_path / f"report.{form}"
    path.write_bytes(render(document_of(language=language), form))
    # The renderers break lines where they must.
    text = re.sub(r"\s", "", text_of(path))
    titles = {"zh": ("履约情况报告", "违约"), "en": ("ComplianceReport", "breached")}
    for wanted in (*titles[language], "F-001", "2026-05-10", "月度巡检", "A46", "李敏", "1a2b3c4d"):
        assert wanted in text


def test_html_links_from_map_and_table_to_the_obligation() -> None:
    text = render(document_of(), "html").decode()
    assert 'id="obligation-A15"' in text
    assert text.count('href="#obligation-A15"') == 2


def test_squares_have_letters_on_paper_too() -> None:
    pages = pypdf.PdfReader(io.BytesIO(render(document_of(), "pdf"))).pages
    text = "".join(page.extract_text() for page in pages)
    assert re.search(r"A01 月度巡检\s*已\s*迟\s*已\s*已\s*已\s*逾", text)


def test_excel_has_the_map_and_every_row_with_every_entry() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(document_of(), "xlsx")))
    sheet = book["月份总览"]
    assert [sheet.cell(3, column).value for column in range(1, 8)] == [
        *("A01 月度巡检", "已", "迟", "已", "已", "已", "逾"),
    ]
    rows = list(book["全部事项"].iter_rows(values_only=True))
    assert len(rows) == 1 + len(record().rows)
    restore = next(row for row in rows if row[6] == "恢复")
    assert restore[4] == "服务方"
    assert restore[7:13] == ("违约", "2026-05-10 11:00", None, "2026-05-10 12:00", "迟 1 小时", -60)
    assert restore[15:17] == ("#7 #9", "000007-record.json 000009-record.json")


def test_a_long_contract_stays_readable() -> None:
    """Three years of 90 obligations, never kept: no more than 25 pages."""
    cadences = ("weekly", "monthly", "quarterly", "half-yearly", "yearly", "standing")
    many = [
        {"id": f"C{number:02d}", "kind": "record", "cadence": cadences[number % 6], "title": f"第 {number} 项义务"}
        for number in range(90)
    ]
    long = contract(*many, term={"from": date(2026, 1, 1), "to": date(2028, 12, 31)})
    found = record(of=long, entries=(), moment=at("2029-01-10"), created=at("2029-01-11"))
    assert len(found.rows) > 3000
    assert len(pypdf.PdfReader(io.BytesIO(render(document_of(found), "pdf"))).pages) <= 25


def test_the_same_record_gives_the_same_bytes() -> None:
    for form in ("html", "docx", "pdf"):
        assert render(document_of(), form) == render(document_of(), form)


# -- JSON and terminal ------------------------------------------------------------------------------------


def test_json_has_every_row_with_its_evidence() -> None:
    content = json.loads(as_json(record(), words_of("zh")))
    assert (content["schema_version"], content["document"]) == (1, "compliance-report")
    assert content["as_of"] == "2026-07-01T00:00:00+08:00"
    assert len(content["rows"]) == len(record().rows)
    restore = next(row for row in content["rows"] if row["subject"] == "restore")
    assert restore == {
        "obligation": "A15",
        "kind": "sla",
        "title": "一级故障",
        "clause": "A15的条款原文",
        "responsible": "provider",
        "period": "F-001",
        "part": False,
        "subject": "restore",
        "state": "breached",
        "owed": True,
        "due": "2026-05-10T11:00:00+08:00",
        "done": "2026-05-10T12:00:00+08:00",
        "provisional": False,
        "estimated": False,
        "evidence": [
            {"sequence": 7, "file": "000007-record.json"},
            {"sequence": 9, "file": "000009-record.json"},
        ],
        "reason": None,
        "used": None,
        "allowed": None,
        "margin_seconds": -3600.0,
        "late_seconds": 3600.0,
    }
    waived = next(row for row in content["rows"] if row["state"] == "waived")
    assert waived["reason"] == {"code": "not_needed", "text": "王建国 判断无须履行"}
    assert content["next_due"]["A01"]["due"] == "2026-08-01T00:00:00+08:00"
    owed = Counter(row["state"] for row in content["rows"] if row["owed"])
    assert {state: count for state, count in content["counts"].items() if count and state != "idle"} == owed


def test_the_guide_tells_every_key_of_the_json_and_no_other() -> None:
    guide = (PROJECT / "docs" / "compliance.md").read_text(encoding="utf-8")
    part = guide.partition("\n## For programs\n")[2].partition("\n## ")[0]
    objects, rows = (re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) for table in part.split("| key of a row |"))
    content = json.loads(as_json(record(), words_of("zh")))
    only_written = {"schema_version", "document"}
    only_printed = {"documents", "documents_not_written"}
    assert set(objects) == set(content) - only_written | only_printed
    assert set(rows) == set(content["rows"][0])
    states = re.search(r"\| `state` \| (.+) \|", part)
    assert states
    assert sorted(states[1].split(", ")) == sorted(STATES)


def test_the_summary_has_a_line_for_each_obligation_the_worst_first_in_it() -> None:
    lines = list(compliance_summary(record(), words_of("zh")).plain())
    assert lines[0] == "HT-1 维保合同；截至 2026-06-30 24:00（UTC+08:00）"
    assert lines[1] == "A01  月度巡检  自动执行 · 每月  逾期 1 · 迟延履约 1 · 已履约 4  2026-07-31"
    assert "A46  配合等保测评  人工记录 · 按事件  无事项  -" in lines
    assert lines[-2].startswith("合计：违约 2 · 逾期 2 · ")
    assert lines[-1].startswith("台账 000013 · 1a2b3c4d")


def test_detail_has_a_line_for_each_row() -> None:
    found = record()
    lines = list(compliance_summary(found, words_of("en"), detail=True).plain())
    assert len(lines) == len(found.rows) + 3
    assert "A15  一级故障  F-001 · restore  breached  2026-05-10 11:00  2026-05-10 12:00  1 h over  #7 #9" in lines


def test_the_figures_of_the_overview_stay_within_its_width() -> None:
    """Eight figures stand in rows of four: beyond the table's six columns a printed page would shrink."""
    overview = openpyxl.load_workbook(io.BytesIO(render(document_of(), "xlsx"))).worksheets[0]
    assert overview.max_column == 6
    shown = [cell.value for row in overview.iter_rows() for cell in row if cell.value in ("违约", "已履约", "待履约")]
    assert {"违约", "已履约", "待履约"} <= set(shown)


def test_word_has_the_ledgers_head_beside_its_code() -> None:
    """One under the other they often were all that a last page had."""
    body = docx.Document(io.BytesIO(render(document_of(), "docx"))).element.body
    last = [part for part in body if part.tag.endswith("}tbl")][-1]
    assert len(last.xpath(".//pic:pic")) == 1
    assert "000013 · 1a2b3c4d" in "".join(last.itertext())
