"""Where the report of compliance could mislead: dates, duties of the other side, no minutes at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.document import Table
from reports.documents.compliance_document import compliance_document
from reports.documents.compliance_words import ComplianceWords
from tests.unit.reports.compliance_sample import at, contract, entry, record, said, words_of

if TYPE_CHECKING:
    from reports.document import Section
    from reports.documents.compliance_record import ComplianceRecord

ROOMS = {"id": "B31", "kind": "record", "title": "工作条件", "cadence": "monthly", "responsible": "purchaser"}
REQUEST = {"id": "A46", "kind": "record", "title": "配合测评", "cadence": "on event", "opened_by": ["asked"]}
VISITS = {"id": "A04", "kind": "record", "title": "现场巡检", "cadence": "quarterly"}


def first_page(found: ComplianceRecord, language: str = "zh") -> Section:
    return compliance_document(found, words_of(language)).sections[0]


def attention(found: ComplianceRecord) -> list[list[str]]:
    table = next(block for block in first_page(found).blocks if isinstance(block, Table))
    return [[cell.text for cell in row.cells] for row in table.rows]


@pytest.mark.parametrize(("language", "text"), [("zh", "D（暂定、预计）"), ("en", "D (provisional, expected)")])
def test_a_date_says_once_what_it_hangs_on(language: str, text: str) -> None:
    words = ComplianceWords(words_of(language), contract())
    assert words.marked("D", provisional=True, estimated=True) == text
    assert words.marked("D", provisional=False, estimated=False) == "D"


def test_what_became_overdue_this_moment_is_not_overdue_by_nothing() -> None:
    kept = contract(VISITS)
    assert attention(record(of=kept, entries=(), moment=at("2026-04-01")))[0][4] == "刚过期限"
    assert attention(record(of=kept, entries=(), moment=at("2026-04-01T00:05")))[0][4] == "已逾 1 天"


def test_periods_that_stand_alike_are_one_line_of_the_first_page() -> None:
    assert attention(record(of=contract(VISITS), entries=(), moment=at("2026-07-20"))) == [
        [
            "A04\u3000现场巡检",
            "2026 年第 1 季度 等 2 期",
            "违约",
            "2026-03-31 至 2026-06-30",
            "最多已逾 110 天",
            "尚无证据",
        ]
    ]


def test_what_the_purchaser_owes_is_not_laid_at_the_providers_door() -> None:
    found = record(of=contract(VISITS, ROOMS), entries=(), moment=at("2026-02-20"))
    page = said(first_page(found))
    assert "上述违约、逾期等事项中有 1 项由采购人负责。" in page
    assert "B31\u3000工作条件\n责任方：采购人" in page
    assert "采购人负责" not in said(first_page(record()))


def test_what_has_no_date_and_no_evidence_is_told() -> None:
    asked = [entry("record", "2026-01-10T10:00", "A46", event="asked")]
    found = record(of=contract(REQUEST), entries=asked, moment=at("2026-06-30"))
    assert "待履约的事项中有 1 项合同未约定期限，至今没有证据。" in said(first_page(found))
    assert "合同未约定期限" not in said(first_page(record()))


def test_the_time_at_which_the_report_was_made_stands_beside_the_time_that_it_judges() -> None:
    facts = dict(compliance_document(record(created=at("2026-07-15T09:30")), words_of("zh")).facts)
    assert facts["截止时刻"].startswith("2026-06-30 24:00")
    assert facts["编制时间"] == "2026-07-15 09:30"
