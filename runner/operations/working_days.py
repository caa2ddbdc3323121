"""Use case: which day is the Nth working day after another, and which days are passed over on the way?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from runner.contract.load import load_calendar
from runner.contract.working_time import Counted, Day, WorkingTime
from runner.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.site import Site

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingDays:
    """What was asked, what was found, and the years on the way whose holidays nobody has published yet."""

    start: date
    count: int
    found: Counted
    unknown_years: tuple[int, ...]


def working_days_after(site: Site, start: date, count: int) -> WorkingDays:
    """Return the ``count``-th working day after a day, by the statutory calendar and the site's own.

    Raises BadInput for a site's calendar that is not in order, and for a day beyond the year 9999.
    """
    working = WorkingTime(UTC, own=load_calendar(site))
    try:
        found = working.add(start, count)
    except OverflowError as error:
        raise BadInput(f"{start}: {count} working days after it lies beyond the year 9999") from error
    years = range((start + _DAY).year, found.day.year + 1)
    return WorkingDays(start, count, found, tuple(year for year in years if not working.knows(year)))


def stretches(days: Iterable[Day]) -> Iterator[tuple[Day, Day]]:
    """Yield the first and the last of days that follow one another for the same reason."""
    numbered = enumerate(days)
    for _, group in groupby(numbered, lambda one: (one[1].why, one[1].name, one[1].date - one[0] * _DAY)):
        found = [day for _, day in group]
        yield found[0], found[-1]
