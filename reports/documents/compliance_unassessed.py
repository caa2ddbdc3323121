"""What of a contract is not assessed, and why: neither kept nor broken; and of what nothing was owed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Cell, Column, Paragraph, Row, Section, Table
from reports.documents.compliance_record import IDLE, standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.document import Block
    from reports.documents.compliance_record import ComplianceRecord
    from reports.documents.compliance_words import ComplianceWords


def unassessed_section(record: ComplianceRecord, words: ComplianceWords) -> Section:
    """Return obligations that are not assessed by reason, then those of which nothing was owed."""
    unknown = _by_reason(record, "not assessed", words)
    blocks: list[Block] = []
    if unknown:
        blocks += [Paragraph(words.say("unassessed_lead"), note=True), _table(unknown, words)]
    elif record.items:
        blocks.append(Paragraph(words.say("all_assessed")))
    idle = _by_reason(record, IDLE, words)
    if idle:
        columns = (Column(words.say("reason"), 22), Column(words.say("obligation"), 78))
        rows = tuple(Row((Cell(reason), Cell(_names(names, words)))) for (reason, _), names in idle)
        blocks.append(Table(columns, rows, words.say("idle_title"), compact=True, overview=True))
    return Section(words.say("unassessed_section"), tuple(blocks))


def _by_reason(
    record: ComplianceRecord, wanted: str, words: ComplianceWords
) -> list[tuple[tuple[str, str], list[str]]]:
    """Return the obligations by reason and remedy, in the order of the contract."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in record.items:
        for row in item.rows:
            if standing(row) == wanted:
                names = found.setdefault((words.reason(row), words.remedy(row.reason)), [])
                if words.named(item.obligation) not in names:
                    names.append(words.named(item.obligation))
    return list(found.items())


def _table(found: Sequence[tuple[tuple[str, str], list[str]]], words: ComplianceWords) -> Table:
    columns = (
        Column(words.say("reason"), 22),
        Column(words.say("obligation"), 50),
        Column(words.say("remedy"), 28),
    )
    rows: Iterator[Row] = (
        Row((Cell(reason, tone="unknown"), Cell(_names(names, words)), Cell(remedy)))
        for (reason, remedy), names in found
    )
    return Table(columns, tuple(rows), words.say("unassessed_title"), compact=True, overview=True)


def _names(names: Sequence[str], words: ComplianceWords) -> str:
    return words.words.term("part_separator").join(names)
