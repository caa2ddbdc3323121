"""The heat map of a compliance report: obligations by months, each square the worst of what fell due in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reports.document import HeatLine, HeatMap, Paragraph, Section, Square
from reports.documents.compliance_attention import anchor_of
from reports.documents.compliance_periods import days_of
from reports.documents.compliance_record import IDLE, STANDINGS, TROUBLE, standing
from reports.documents.compliance_words import TONES
from reports.text import cut
from runner.contract.status import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.documents.compliance_words import ComplianceWords
    from runner.contract.status import Row

#: More months than a page's width takes are cut off, the oldest first.
_MOST_MONTHS = 36
#: So many columns of a typewriter an obligation's name has.
_LABEL = 30
#: What is filled, so that it stands out on a grey page, too.
_FILLED = ("breached", "overdue", "partial")
_INSTANT = timedelta(microseconds=1)

Month = tuple[int, int]
_BEFORE: Month = (0, 0)
_AFTER: Month = (9999, 12)


def map_section(record: ComplianceRecord, words: ComplianceWords) -> Section:
    """Return the section of the heat map; an empty one where nothing has a month."""
    found = {item.obligation.id: _by_month(item, record) for item in record.items}
    every = {month for states in found.values() for month in states}
    if not every:
        return Section(words.say("map_section"))
    shown = _months(record, every)
    columns = [
        *([_BEFORE] if min(every) < shown[0] else []),
        *shown,
        *([_AFTER] if max(every) > shown[-1] else []),
    ]
    lines = tuple(_line(item, found[item.obligation.id], columns, words) for item in record.items)
    chart = HeatMap(
        title=words.say("map_title"),
        columns=tuple(_title(month, words) for month in columns),
        groups=_years(columns, words),
        lines=lines,
        legend=tuple((_square(name, words), words.state(name)) for name in reversed(STATES)),
        label_title=words.say("obligation"),
        sheet=words.say("map_sheet"),
    )
    notes = [words.say("map_note")]
    notes += [words.say("map_before_note")] if columns[0] == _BEFORE else []
    notes += [words.say("map_after_note")] if columns[-1] == _AFTER else []
    note = Paragraph(words.words.term("sentence_gap").join(notes), note=True)
    return Section(words.say("map_section"), (note, chart))


def _by_month(item: Item, record: ComplianceRecord) -> Mapping[Month, str]:
    """Return the worst standing in each month in which something of an obligation fell due."""
    found: dict[Month, str] = {}
    for row in item.rows:
        name = standing(row)
        if name != IDLE:
            day = _day(row, record)
            month = (day.year, day.month)
            found[month] = min(found.get(month, name), name, key=STANDINGS.index)
    return found


def _day(row: Row, record: ComplianceRecord) -> date:
    """Return the day that a row stands for: when it was due, else when it was done, else the end of its period.

    What is broken before its date, such as a cap, is broken today.
    """
    today = record.day_of(record.moment)
    if row.due:
        day = record.day_of(row.due)
        return min(day, today) if standing(row) in TROUBLE else day
    if row.period == "term":
        return today
    if row.done:
        return record.working.date_of(row.done)
    days = days_of(row.period, record.contract.term)
    return min(days.last, today) if days else today


def _months(record: ComplianceRecord, every: set[Month]) -> list[Month]:
    """Return the months that have a column: of the report's period, or from the term's first to this year's last."""
    if record.chosen:
        months = list(record.chosen.days.months())
    else:
        today, term = record.day_of(record.moment), record.contract.term
        first = (term.start.year, term.start.month) if term else min(every)
        last = max(first, (today.year, 12))
        if term:
            last = max(first, min(last, (term.end.year, term.end.month)))
        months = list(_from(first, last))
    return months[-_MOST_MONTHS:]


def _from(first: Month, last: Month) -> Iterator[Month]:
    for index in range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1]):
        yield index // 12, index % 12 + 1


def _line(item: Item, states: Mapping[Month, str], columns: list[Month], words: ComplianceWords) -> HeatLine:
    first, last = (columns[1], columns[-2]) if len(columns) > 2 else (columns[0], columns[-1])
    squares = []
    for month in columns:
        if month == _BEFORE:
            names = [name for one, name in states.items() if one < first]
        elif month == _AFTER:
            names = [name for one, name in states.items() if one > last]
        else:
            names = [states[month]] if month in states else []
        squares.append(_square(min(names, key=STANDINGS.index), words) if names else Square())
    name = f"{item.obligation.id} {item.obligation.name}"
    return HeatLine(cut(name, _LABEL), tuple(squares), anchor_of(item.obligation.id))


def _square(name: str, words: ComplianceWords) -> Square:
    return Square(words.word("state_letters", name), TONES.get(name, ""), name in _FILLED)


def _title(month: Month, words: ComplianceWords) -> str:
    if month == _BEFORE:
        return words.say("map_before")
    return words.say("map_after") if month == _AFTER else str(month[1])


def _years(columns: list[Month], words: ComplianceWords) -> tuple[tuple[str, int], ...]:
    """Return the years above the columns, each with how many it has."""
    found: dict[int, int] = {}
    for year, _ in columns:
        found[year] = found.get(year, 0) + 1
    blank = {_BEFORE[0], _AFTER[0]}
    return tuple(
        (words.say("map_year", year=year) if year not in blank else "", count) for year, count in found.items()
    )
