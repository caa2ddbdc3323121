"""Every obligation of a contract: its clause, its rows, and the entries of the ledger that tell so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Cell, Column, Paragraph, Row, Section, Table
from reports.documents.compliance_attention import anchor_of
from reports.documents.compliance_folding import cells, folded
from reports.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.documents.compliance_words import ComplianceWords

#: A clause is quoted up to so many characters.
_CLAUSE = 160


def details_section(record: ComplianceRecord, words: ComplianceWords) -> Section:
    """Return a table of every obligation, its rows below its clause; a spreadsheet has them in sheets of their own."""
    columns = (
        Column(words.say("what"), 22),
        Column(words.say("state"), int(words.say("state_share")), "center"),
        Column(words.say("due"), 19),
        Column(words.say("done"), 16),
        Column(words.say("margin"), 14),
        Column(words.say("remarks"), 20),
    )
    rows = tuple(row for item in record.items for row in _rows(item, record, words))
    if not rows:
        return Section(words.say("details_section"))
    lead = Paragraph(words.say("details_lead", sheet=words.say("all_rows")), note=True)
    table = Table(columns, rows, compact=True)
    return Section(words.say("details_section"), (lead, table), spreadsheet=False)


def _rows(item: Item, record: ComplianceRecord, words: ComplianceWords) -> Iterator[Row]:
    one = item.obligation
    title = words.say("obligation_title", name=words.named(one), kind=words.kind(one))
    about = [words.say("clause_quote", clause=shorten(one.clause, _CLAUSE))]
    if one.deliverable:
        about.append(words.say("deliverable_ours" if one.ours else "deliverable", name=one.deliverable))
    if owner := words.owner(one):
        about.append(owner)
    separator = words.words.term("list_separator")
    if one.gates:
        about.append(words.say("gates", gates=separator.join(gate.name for gate in one.gates)))
    if one.targets:
        targets = (words.say("target", name=name, span=words.span(span)) for name, span in one.targets.items())
        about.append(words.say("targets", targets=separator.join(targets)))
    if one.note:
        about.append(words.say("note", note=one.note))
    note = words.words.term("part_separator").join(about)
    yield Row((Cell(title, note=note, anchor=anchor_of(one.id)),), heading=True)
    for rows in folded(one, item.rows):
        yield Row(cells(rows, one, record, words))
