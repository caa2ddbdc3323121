"""Rows that stand alike stand together: a term of three years has more rows than anybody reads."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reports.document import Cell
from reports.documents.compliance_record import STANDINGS, standing
from reports.documents.compliance_words import tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.documents.compliance_record import ComplianceRecord
    from reports.documents.compliance_words import ComplianceWords
    from runner.contract.obligations import Obligation
    from runner.contract.status import Row

#: Rows that stand alike are named one by one up to so many; those that were fulfilled, fewer.
_NAMED = 4
_NAMED_FULFILLED = 2


def folded(one: Obligation, rows: Sequence[Row], *, gather: bool = False) -> Iterator[tuple[Row, ...]]:
    """Yield rows that stand alike, to be told together; of periods neighbours only, and of many.

    To ``gather`` is to tell all periods that stand alike in one line.
    """
    places = {clock.name: place for place, clock in enumerate(one.clocks)}

    def alike(row: Row) -> tuple[int, str, int, str, bool]:
        return places.get(row.subject, 0), row.subject, _rank(row), row.reason, row.done is None

    for _, group in groupby(sorted(rows, key=alike) if gather or _by_case(one) else rows, key=alike):
        found = tuple(group)
        named = _NAMED_FULFILLED if standing(found[0]) in ("fulfilled", "waived") else _NAMED
        if gather and not _by_case(one):
            named = 1
        if len(found) <= named or found[0].used is not None:
            yield from ((row,) for row in found)
        else:
            yield found


def _by_case(one: Obligation) -> bool:
    return one.kind == "sla" or one.cadence == "on event"


def _rank(row: Row) -> int:
    return STANDINGS.index(standing(row))


def cells(
    rows: tuple[Row, ...], one: Obligation, record: ComplianceRecord, words: ComplianceWords, *, gather: bool = False
) -> tuple[Cell, Cell, Cell, Cell, Cell, Cell]:
    """Return what rows that stand alike say: what, state, due, done, how close, evidence and why."""
    first = rows[0]
    return (
        Cell(_what(rows, one, words, gather=gather)),
        Cell(words.state(standing(first)), tone=tone(first)),
        Cell(_due(rows, words)),
        Cell(words.done(first) if len(rows) == 1 or first.done is None else words.say("all_done")),
        Cell(_closest(rows, one, record, words)),
        Cell(_remarks(rows, words)),
    )


def _what(rows: tuple[Row, ...], one: Obligation, words: ComplianceWords, *, gather: bool) -> str:
    first, last = words.period(rows[0]), words.period(rows[-1])
    if len(rows) == 1:
        return words.what(rows[0])
    if _by_case(one):
        named = words.say("folded_cases", first=first, count=len(rows))
    elif gather:
        named = words.say("folded_periods", first=first, count=len(rows))
    else:
        named = words.say("folded", first=first, last=last, count=len(rows))
    subject = words.subject(rows[0])
    return f"{named} · {subject}" if subject else named


def _due(rows: tuple[Row, ...], words: ComplianceWords) -> str:
    """Return when rows were due; of several the first and the last day."""
    if len(rows) == 1:
        return words.due(rows[0])
    days = sorted(row.due for row in rows if row.due)
    if not days:
        return words.due(rows[0])
    first, last = words.day(days[0]), words.day(days[-1])
    marked = words.marked(
        last,
        provisional=any(row.provisional for row in rows),
        estimated=any(row.estimated for row in rows),
    )
    return marked if first == last else words.say("due_span", first=first, last=marked)


def _closest(rows: tuple[Row, ...], one: Obligation, record: ComplianceRecord, words: ComplianceWords) -> str:
    if len(rows) == 1:
        return words.margin(rows[0], one, record.moment)
    margins = [row.margin_seconds for row in rows if row.margin_seconds is not None]
    if margins and standing(rows[0]) not in ("waived", "not assessed"):
        key = "margin_worst" if min(margins) < 0 else "margin_least"
        return words.say(key, time=words.duration(abs(min(margins))))
    late = [(found, place) for place, row in enumerate(rows) if (found := words.late(row, record.moment)) is not None]
    return words.lateness(rows[max(late)[1]], record.moment, most=True) if late else ""


def _remarks(rows: tuple[Row, ...], words: ComplianceWords) -> str:
    evidence = words.evidence(number for row in rows for number in row.evidence)
    parts = [evidence, words.reason(rows[0])]
    if not evidence and not rows[0].reason and standing(rows[0]) in ("breached", "overdue", "due"):
        parts = [words.words.catalogue.word("compliance_reasons", "no_evidence", "text")]
    return words.words.term("part_separator").join(part for part in parts if part)
