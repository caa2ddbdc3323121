"""The exceptions of an inspection, what became of those of the last one, what to do, and what to be aware of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from module_utils.observations import rank
from reports.document import Block, Cell, Column, Paragraph, Row, Table, Tone
from reports.documents import folding
from reports.documents.comparison import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.documents.comparison import Known
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

#: More results of one notice than this are told as a range, of a fleet earlier.
_MOST_RESULTS = 40
_MOST_RESULTS_OF_FLEET = 12


def exceptions(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return the table of warnings and criticals, worst and newest first."""
    bad = record.bad
    if not bad:
        return [Paragraph(words.term("no_exceptions"))] if record.measured else []
    compared = record.compared is not None
    columns = (
        Column(words.term("level"), words.share("level_share"), "center"),
        Column(words.term("host"), 32 if record.fleet else 12),
        Column(words.term("item"), 38 if record.fleet else 40 if compared else 50),
        Column(words.term("result"), 17 if record.fleet else 22),
        Column(words.term("wanted"), 14),
        *((Column(words.term("compared"), 12, "center"),) if compared else ()),
    )
    folded = folding.folded(bad, words)
    title = words.term("exceptions")
    rows = tuple(_exception(found, record, words) for found in folded)
    table = Table(columns, rows, title, sheet=title, compact=True, overview=True)
    hidden = any(one.subject != found[0].subject for found in folded for one in found)
    note = words.term("folded_note", sheet=words.term("all_items"))
    return [table, *((Paragraph(note, note=True),) if hidden else ())]


def _exception(found: list[Finding], record: InspectionRecord, words: Wording) -> Row:
    one = found[0]
    status = (Cell(status_of(found, record, words)),) if record.compared else ()
    return Row(
        (
            Cell(words.level(one.level), tone=cast("Tone", one.level)),
            Cell(folding.hosts([one.host for one in found], record, words)),
            Cell(folding.item(found, words)),
            Cell(folding.told(found, words)),
            Cell(folding.wanted(found, words)),
            *status,
        )
    )


def status_of(found: Sequence[Finding], record: InspectionRecord, words: Wording) -> str:
    """Return how findings stand to the last run: the word for one, words and counts for several."""
    counts = Counter(record.status(one) for one in found)
    if len(found) == 1:
        status = record.status(found[0])
        return words.term(f"status_{status}") if status in STATUSES else words.term("dash")
    parts = [f"{words.term(f'status_{status}')} {counts[status]}" for status in STATUSES if counts[status]]
    return " / ".join(parts) or words.term("dash")


def solutions(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return what to do about each check that has an exception."""
    rows = tuple(
        Row((Cell(words.title(check)), Cell(words.advice(check))))
        for check in dict.fromkeys(one.check for one in record.bad)
    )
    title = words.term("solutions")
    columns = (Column(words.term("item"), 24), Column(title, 76))
    return [Table(columns, rows, title, sheet=title)] if rows else []


# -- compared with the last run ---------------------------------------------------------------------------


def comparison_sentence(record: InspectionRecord, words: Wording) -> Paragraph:
    """Return how the inspection stands to the last one, in figures, or that there was none to compare with."""
    compared = record.compared
    if compared is None:
        return Paragraph(words.term("compared_none"), note=True)
    counts = Counter(record.status(one) for one in record.bad)
    figures = {**counts, "gone": len(compared.gone), "unconfirmed": len(compared.unconfirmed)}
    parts = [
        words.term(f"compared_{key}", count=figures.get(key, 0))
        for key in ("new", "worse", "first", "same", "gone", "unconfirmed")
        if figures.get(key) or key in ("new", "same", "gone")
    ]
    last, oldest = (words.moment(compared.runs[place][1]) for place in (0, -1))
    key = "compared" if len(compared.runs) == 1 else "compared_several"
    return Paragraph(
        words.term(f"{key}_with", last=last, oldest=oldest, parts=words.term("list_separator").join(parts)), note=True
    )


def unconfirmed(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return what was bad and could not be measured this time, and why: nobody may take it for gone."""
    compared = record.compared
    if not compared or not compared.unconfirmed:
        return []
    rows = [
        Row((*_known(found, record, words), Cell(_now(found, record, words), tone="unknown")))
        for found in _folded(compared.unconfirmed, words)
    ]
    return [_known_table("unconfirmed", rows, record, words, Column(words.term("reason"), 25))]


def gone(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return what was bad and is no more."""
    compared = record.compared
    if not compared or not compared.gone:
        return []
    rows = [Row(_known(found, record, words)) for found in _folded(compared.gone, words)]
    return [_known_table("gone", rows, record, words)]


def _folded(known: Sequence[Known], words: Wording) -> list[list[Known]]:
    return folding.folded(sorted(known, key=lambda one: -rank(one.level)), words)


def _known(found: Sequence[Known], record: InspectionRecord, words: Wording) -> tuple[Cell, ...]:
    return (
        Cell(words.level(found[0].level)),
        Cell(folding.hosts([one.host for one in found], record, words)),
        Cell(folding.item(found, words)),
        Cell(folding.span(found, words)),
    )


def _known_table(key: str, rows: Sequence[Row], record: InspectionRecord, words: Wording, *more: Column) -> Table:
    columns = (
        Column(words.term("last_level"), words.share("level_share") + 3, "center"),
        Column(words.term("host"), 28 if record.fleet else 15),
        Column(words.term("item"), 38 if more or record.fleet else 56),
        Column(words.term("last_result"), 17),
        *more,
    )
    title = words.term(key)
    return Table(columns, tuple(rows), title, sheet=title, compact=True, overview=True)


def _now(found: Sequence[Known], record: InspectionRecord, words: Wording) -> str:
    """Return why what was bad could not be measured again: its host was missed, or the reason that was given."""
    hosts = {host.name: host for host in record.hosts}
    reasons: dict[str, None] = {}
    for one in found:
        host = hosts.get(one.host)
        if host is None:
            continue
        if host.missed:
            reasons[words.labelled(words.term("missed_host"), words.outcome(host.outcome))] = None
            continue
        given = next((own for own in host.find(one.check) if own.level == "unknown"), None)
        reasons[words.reason(given.reason) if given else words.term("not_measured")] = None
    return words.listed(list(reasons), 2) if reasons else words.term("not_measured")


# -- notices ----------------------------------------------------------------------------------------------


def notices(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return what nobody must act on at once, a row for each check."""
    noticed = [finding for finding in record.findings if finding.level == "notice"]
    if not noticed:
        return []
    columns = (
        Column(words.term("item"), 20),
        Column(words.term("result"), 34),
        Column(words.term("solution"), 46),
    )
    rows = tuple(
        Row(
            (
                Cell(words.title(found[0].check)),
                Cell(_results(found, record, words)),
                Cell(words.advice(found[0].check)),
            )
        )
        for found in folding.grouped(noticed, lambda one: one.check)
    )
    title = words.term("notices")
    return [Table(columns, rows, title, sheet=title)]


def _results(findings: list[Finding], record: InspectionRecord, words: Wording) -> str:
    """Return the results of one check over hosts and subjects: equal ones together, those of many hosts as a range."""
    parts = []
    for alike in folding.grouped(findings, lambda one: one.subject):
        many = len(alike) >= folding.MANY_ALIKE
        groups = [alike] if many else folding.grouped(alike, lambda one: folding.result(one, words))
        parts += [_part(found, record, words) for found in groups]
    if len(parts) > (_MOST_RESULTS_OF_FLEET if record.fleet else _MOST_RESULTS):
        return _part(findings, record, words)
    return words.term("part_separator").join(parts)


def _part(found: list[Finding], record: InspectionRecord, words: Wording) -> str:
    subjects = [one for one in dict.fromkeys(one.subject for one in found) if one]
    parts = (
        folding.hosts([one.host for one in found], record, words),
        subjects[0] if len(subjects) == 1 else folding.counted(subjects, words),
        folding.span(found, words),
    )
    return " ".join(part for part in parts if part)
