"""What the labels of periods mean: 2026W07, 2026-03, 2026Q3, 2026H1, 2026, a contract's year, the whole term."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.contract.model import Term

_CALENDAR = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)|Q(?P<quarter>[1-4])|H(?P<half>[12])|W(?P<week>\d\d))?")
_CONTRACT_YEAR = re.compile(r"(\d{8})-(\d{8})")
_MONTHS = {"month": 1, "quarter": 3, "half": 6}
_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Days:
    """A stretch of days, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def overlaps(self, other: Days) -> bool:
        """Return whether a day lies in both."""
        return self.first <= other.last and other.first <= self.last

    def months(self) -> Iterator[tuple[int, int]]:
        """Yield year and month of every month that a day lies in."""
        for index in range(self.first.year * 12 + self.first.month - 1, self.last.year * 12 + self.last.month):
            yield index // 12, index % 12 + 1


def days_of(label: str, term: Term | None) -> Days | None:
    """Return the days of a period, not cut by the term; None for what names no days, such as a case."""
    if label == "term":
        return Days(term.start, term.end) if term else None
    try:
        found = _CONTRACT_YEAR.fullmatch(label)
        if found:
            first, last = (date.fromisoformat(part) for part in found.groups())
            return Days(first, last) if first <= last else None
        found = _CALENDAR.fullmatch(label)
        return _calendar(found) if found else None
    except ValueError:
        return None


def _calendar(found: re.Match[str]) -> Days:
    """Return the days of a period of the calendar; raises ValueError for a month or week that does not exist."""
    year = int(found["year"])
    if found["week"]:
        monday = date.fromisocalendar(year, int(found["week"]), 1)
        return Days(monday, monday + 6 * _DAY)
    for name, length in _MONTHS.items():
        if found[name]:
            first = date(year, (int(found[name]) - 1) * length + 1, 1)
            return Days(first, _month_end(first.year * 12 + first.month - 1 + length))
    return Days(date(year, 1, 1), date(year, 12, 31))


def _month_end(index: int) -> date:
    """Return the last day before a month that is counted from the year 0."""
    return date(index // 12, index % 12 + 1, 1) - _DAY
