"""What of a contract needs attention now: everything breached, overdue, partial or late, then what is due soon."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reports.document import Cell, Column, Paragraph, Row, Table
from reports.documents.compliance_folding import cells, folded
from reports.documents.compliance_record import STANDINGS, TROUBLE, standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reports.document import Block
    from reports.documents.compliance_record import ComplianceRecord
    from reports.documents.compliance_words import ComplianceWords
    from runner.contract.status import Row as Duty

#: What is due within so many days is announced.
SOON = timedelta(days=31)


def attention(record: ComplianceRecord, words: ComplianceWords) -> Iterator[Block]:
    """Yield the table of what went wrong, the worst first; nothing where nothing did."""
    found = [
        ((STANDINGS.index(standing(rows[0])), place, _moment(rows[0], record)), item, rows)
        for place, item in enumerate(record.items)
        for rows in folded(item.obligation, [row for row in item.rows if standing(row) in TROUBLE], gather=True)
    ]
    found.sort(key=lambda one: one[0])
    if not found:
        return
    columns = (
        Column(words.say("obligation"), 26),
        Column(words.say("what"), 16),
        Column(words.say("state"), int(words.say("state_share")), "center"),
        Column(words.say("due"), 20),
        Column(words.say("how_late"), 15),
        Column(words.say("evidence"), 14),
    )
    lines = []
    for _, item, rows in found:
        what, state, due, _, closest, remarks = cells(rows, item.obligation, record, words, gather=True)
        owner = words.owner(item.obligation)
        named = Cell(words.named(item.obligation), note=owner, anchor=anchor_of(item.obligation.id))
        lines.append(Row((named, what, state, due, closest, remarks)))
    yield Table(columns, tuple(lines), words.say("attention"), compact=True, overview=True)


def _moment(row: Duty, record: ComplianceRecord) -> datetime:
    return row.due or row.done or record.moment


def upcoming(record: ComplianceRecord, words: ComplianceWords) -> Iterator[Block]:
    """Yield what is due soon, a line for each day."""
    days: dict[str, tuple[float, list[str]]] = {}
    for item in record.items:
        due = item.next_due
        if due and due.moment - record.moment <= SOON:
            date = words.marked(words.date(due.moment), provisional=due.provisional, estimated=due.estimated)
            days.setdefault(date, (due.moment.timestamp(), []))[1].append(words.named(item.obligation))
    if not days:
        yield Paragraph(words.say("upcoming_none"), note=True)
        return
    separator = words.words.term("part_separator")
    rows = tuple(
        Row((Cell(date), Cell(separator.join(names))))
        for date, (_, names) in sorted(days.items(), key=lambda one: one[1][0])
    )
    columns = (Column(words.say("due"), 18), Column(words.say("obligation"), 82))
    yield Table(columns, rows, words.say("upcoming"), compact=True, overview=True)


def anchor_of(name: str) -> str:
    """Return where an obligation stands in a document that has links."""
    return f"obligation-{name}"
