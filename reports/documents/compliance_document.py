"""The compliance report as a document: the verdict and what needs attention, then every obligation of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Cell, Column, Document, Figure, Figures, Paragraph, Row, Section, Signatory, Table
from reports.documents import frame
from reports.documents.compliance_attention import attention, upcoming
from reports.documents.compliance_details import details_section
from reports.documents.compliance_map import map_section
from reports.documents.compliance_record import IDLE, TROUBLE, standing
from reports.documents.compliance_sheets import sheets
from reports.documents.compliance_unassessed import unassessed_section
from reports.documents.compliance_words import TONES, ComplianceWords
from runner.contract.status import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.document import Block
    from reports.documents.compliance_record import ComplianceRecord
    from reports.wording import Wording


def compliance_document(record: ComplianceRecord, wording: Wording) -> Document:
    """Return the compliance report as a document in the language and time zone of ``wording``."""
    words = ComplianceWords(wording, record.contract)
    parts = (
        Section(words.say("conclusion_section"), tuple(_conclusion(record, words))),
        map_section(record, words),
        details_section(record, words),
        unassessed_section(record, words),
        Section(words.say("method_section"), (_method(words),), spreadsheet=False),
        frame.signature_section(
            _signatories(record, words), record.parties, record.ledger, words.say("signatures_note"), wording
        ),
    )
    return frame.framed(
        record,
        wording,
        title=words.say("title"),
        created=record.created,
        facts=_facts(record, words, frame.version_of(record.issue, wording)),
        parts=parts,
        sheets=sheets(record, words),
    )


def _facts(record: ComplianceRecord, words: ComplianceWords, version: str) -> tuple[tuple[str, str], ...]:
    parties, term, contract = record.parties, record.contract.term, record.contract
    zone = f"UTC{words.words.local(record.moment).isoformat()[-6:]}"
    grace = contract.grace
    found = (
        (words.words.term("number"), record.issue.number),
        (words.words.term("version"), version),
        (words.words.term("purchaser"), parties.purchaser),
        (words.words.term("provider"), parties.provider),
        (words.words.term("contract"), parties.contract),
        (
            words.say("term"),
            words.say("term_value", first=term.start, last=term.end) if term else words.say("term_none"),
        ),
        (words.say("period"), period_of(record, words)),
        (words.say("as_of"), words.say("as_of_value", moment=words.until(record.moment), zone=zone)),
        (words.say("grace"), words.span(grace) if grace else words.say("grace_none")),
        (words.say("author"), parties.inspector or words.words.term("to_name")),
        (words.say("created"), words.words.moment(record.created)),
        (words.say("basis"), words.say("basis_value", count=record.evidence)),
    )
    return tuple((name, value) for name, value in found if value)


def period_of(record: ComplianceRecord, words: ComplianceWords) -> str:
    """Return the period that a report is about, in words."""
    if record.chosen is None:
        return words.say("period_whole")
    name, days = words.period_name(record.chosen.label), record.chosen.days
    return words.say("period_value", name=name, first=days.first, last=days.last)


# -- the conclusion ---------------------------------------------------------------------------------------


def _conclusion(record: ComplianceRecord, words: ComplianceWords) -> Iterator[Block]:
    if record.forecast:
        yield Paragraph(words.say("forecast", created=words.words.moment(record.created)), tone="warning")
    if not record.items:
        yield Paragraph(words.say("nothing_owed"), tone="unknown")
        return
    yield Paragraph(verdict(record, words), tone=TONES[worst(record)])
    notes = list(_notes(record, words))
    if notes:
        yield Paragraph(words.words.term("sentence_gap").join(notes))
    yield Figures(tuple(_figures(record, words)))
    yield from attention(record, words)
    yield from upcoming(record, words)


def worst(record: ComplianceRecord) -> str:
    """Return how the contract stands as a whole: the worst that was owed, or not assessed."""
    counts = record.counts
    troubled = next((one for one in TROUBLE if counts[one]), None)
    return troubled or ("not assessed" if counts["not assessed"] or not record.judged else "fulfilled")


def verdict(record: ComplianceRecord, words: ComplianceWords) -> str:
    """Return the sentence that a reader in a hurry reads: what was owed, and what of it is wrong."""
    counts = record.counts
    scope = "scope_period" if record.chosen else "scope_whole"
    name = words.period_name(record.chosen.label) if record.chosen else ""
    lead = words.say(
        "conclusion",
        moment=words.until(record.moment),
        obligations=len(record.items),
        scope=words.say(scope, name=name),
        owed=record.owed,
    )
    bad, others = (
        words.words.term("list_separator").join(
            words.say("state_count", state=words.state(one), count=counts[one]) for one in names if counts[one]
        )
        for names in (TROUBLE[:2], TROUBLE[2:])
    )
    if bad:
        said = words.say("verdict_bad", counts=bad, others=words.say("verdict_others", counts=others) if others else "")
    elif others:
        said = words.say("verdict_late", counts=others)
    else:
        said = words.say("verdict_good" if record.judged else "verdict_nothing")
    return words.words.term("sentence_gap").join((lead, said))


def _figures(record: ComplianceRecord, words: ComplianceWords) -> Iterator[Figure]:
    for name in reversed(STATES):
        count = record.counts[name]
        if count or name != "beyond cap":  # few contracts have a cap of this kind
            yield Figure(words.state(name), str(count), TONES.get(name, "") if count else "", count)


def _notes(record: ComplianceRecord, words: ComplianceWords) -> Iterator[str]:
    """Yield what else the verdict has to say: the rate, what could not be assessed, which dates may still move."""
    counts = record.counts
    if record.judged:
        share = words.words.quantity(100 * counts["fulfilled"] / record.judged, "percent", near=(100,))
        yield words.say("rate", judged=record.judged, fulfilled=counts["fulfilled"], share=share)
    if counts["waived"]:
        yield words.say("waived_sentence", count=counts["waived"])
    if counts["not assessed"]:
        yield words.say("unassessed", count=counts["not assessed"], section=words.say("unassessed_section"))
    undated = sum(row.state == "due" and row.due is None for row in record.rows)
    if undated:
        yield words.say("undated", count=undated)
    purchasers = sum(
        standing(row) in TROUBLE
        for item in record.items
        if item.obligation.responsible == "purchaser"
        for row in item.rows
    )
    if purchasers:
        yield words.say("purchaser_sentence", count=purchasers)
    idle = sum(item.standing == IDLE for item in record.items)
    if idle:
        scope = words.say("idle_scope_period" if record.chosen else "idle_scope_whole")
        yield words.say("idle", count=idle, scope=scope)
    for key, marked in (("provisional_sentence", "provisional"), ("estimated_sentence", "estimated")):
        count = sum(getattr(row, marked) for row in record.rows if row.due)
        if count:
            yield words.say(key, count=count)


# -- the end ----------------------------------------------------------------------------------------------


def _method(words: ComplianceWords) -> Table:
    columns = (Column(words.say("state"), 14), Column(words.say("method_state"), 86))
    rows = tuple(
        Row((Cell(words.state(name), tone=TONES.get(name, "")), Cell(words.word("state_meanings", name))))
        for name in reversed(STATES)
    )
    return Table(columns, rows, compact=True)


def _signatories(record: ComplianceRecord, words: ComplianceWords) -> tuple[Signatory, ...]:
    parties, dash = record.parties, words.words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    return (
        Signatory(words.say("prepared"), provider, parties.inspector or ""),
        Signatory(words.say("supervised"), purchaser, parties.reviewer or ""),
        Signatory(words.say("confirmed"), purchaser, parties.approver or ""),
    )
