"""Working time: which days are worked, the Nth working day after another, and deadlines of every unit.

A span in days, working days or months counts from the day after, and ends with its last day; one in hours or minutes
runs from the moment, around the clock or in service hours alone. A deadline at midnight ends the day before.
Statutory holidays and the working days that make up for them are those the State Council publishes each November for
the year after, as chinesecalendar has them; a site's calendar.yml adds and overrides. A year that neither knows is
computed by weekdays alone and is provisional.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from chinese_calendar import constants
from pydantic import Field

from runner.contract.base import Record, Span, Text
from runner.contract.model import ServiceHours

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Why a day is worked or not.
Why = Literal["weekday", "weekend", "holiday", "make-up", "site"]

_PUBLISHED = range(min(constants.holidays).year, max(constants.holidays).year + 1)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta()

Year = Annotated[int, Field(ge=1970, le=2200)]


class OwnDay(Record):
    """A day that a site works or does not, whatever the statutory calendar says, and why."""

    working: bool
    name: Text


class OwnCalendar(Record):
    """The file calendar.yml: days of the site's own, and the years for which they are all known."""

    schema_version: Literal[1]
    covers: Annotated[tuple[Year, ...], Field(strict=False)] = ()
    days: Annotated[dict[date, OwnDay], Field(strict=False)] = Field(default_factory=dict)


@dataclass(frozen=True)
class Day:
    """One day: whether it is worked, why, the holiday's name if any; ``provisional`` where nobody published it yet."""

    date: date
    working: bool
    why: Why
    name: str = ""
    provisional: bool = False


@dataclass(frozen=True)
class Counted:
    """The Nth working day after another, the days passed over on the way, and those counted that are no weekdays."""

    day: date
    skipped: tuple[Day, ...]
    provisional: bool
    unusual: tuple[Day, ...] = ()


@dataclass(frozen=True)
class Deadline:
    """The moment by which something is due, exclusive; ``provisional`` where it hangs on days not published yet."""

    moment: datetime
    provisional: bool = False


@dataclass(frozen=True)
class WorkingTime:
    """The time that a contract counts in: a site's calendar, its zone, and the hours in which service is owed."""

    zone: tzinfo
    hours: ServiceHours = field(default_factory=ServiceHours)
    own: OwnCalendar = field(default_factory=lambda: OwnCalendar(schema_version=1))

    @cached_property
    def _covered(self) -> frozenset[int]:
        return frozenset(self.own.covers)

    @cached_property
    def _days(self) -> dict[date, Day]:
        return {}

    def knows(self, year: int) -> bool:
        """Return whether a year's days are known: published, or covered by the site's own calendar."""
        return year in _PUBLISHED or year in self._covered

    def day(self, day: date) -> Day:
        """Return what kind of day this is."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._kind_of(day)
        return known

    def _kind_of(self, day: date) -> Day:
        own = self.own.days.get(day)
        if own:
            return Day(day, own.working, "site", own.name)
        weekend = day.weekday() >= 5
        if day.year not in self._covered:
            if day in constants.workdays:
                return Day(day, True, "make-up", constants.workdays[day])
            if day in constants.holidays:
                return Day(day, False, "holiday", constants.holidays[day])
        return Day(day, not weekend, "weekend" if weekend else "weekday", provisional=not self.knows(day.year))

    def add(self, start: date, count: int) -> Counted:
        """Return the ``count``-th working day after a day; raises OverflowError past the year 9999."""
        skipped: list[Day] = []
        unusual: list[Day] = []
        day, provisional = self.day(start), False
        while count:
            day = self.day(day.date + _DAY)
            provisional |= day.provisional
            if not day.working:
                skipped.append(day)
                continue
            count -= 1
            if day.why != "weekday":
                unusual.append(day)
        return Counted(day.date, tuple(skipped), provisional, tuple(unusual))

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days there are after a day, up to another and with it."""
        days = (start + _DAY * number for number in range(1, (end - start).days + 1))
        return sum(self.day(day).working for day in days)

    # -- moments -------------------------------------------------------------------------------------------

    def midnight(self, day: date) -> datetime:
        """Return the moment at which a day begins here."""
        return datetime.combine(day, time.min, self.zone)

    def end_of(self, day: date) -> datetime:
        """Return the moment at which a day ends here, which is when the next begins."""
        return self.midnight(day + _DAY)

    def date_of(self, moment: datetime) -> date:
        """Return the day that it is here at a moment."""
        return moment.astimezone(self.zone).date()

    def last_day(self, moment: datetime) -> date:
        """Return the day that ends with a moment, or in which it lies: midnight ends the day before."""
        return self.date_of(moment - _INSTANT)

    def here(self, moment: datetime) -> datetime:
        """Return the same moment, told in this zone."""
        return moment.astimezone(self.zone)

    def deadline(self, start: datetime, span: Span, *, service: bool = False) -> Deadline:
        """Return when a span that starts at a moment is over; ``service`` counts hours and minutes of service only."""
        if not span.exact:
            return self.days_after(self.date_of(start), span)
        length = timedelta(minutes=span.count) if span.unit == "minutes" else timedelta(hours=span.count)
        if service:
            return self._after_service(start, length)
        return Deadline(self._moved(start, length))

    def days_after(self, day: date, span: Span) -> Deadline:
        """Return the end of a span that counts from the day after a day; one in hours starts as that day ends."""
        if span.unit == "working_days":
            counted = self.add(day, span.count)
            return Deadline(self.end_of(counted.day), counted.provisional)
        if span.unit == "days":
            return Deadline(self.end_of(day + _DAY * span.count))
        if span.unit == "months":
            return Deadline(self.end_of(months_after(day, span.count)))
        return self.deadline(self.end_of(day), span)

    def extended(self, deadline: datetime, span: Span) -> Deadline:
        """Return a deadline later by a span: by days after its last day, or by hours after its moment."""
        return self.deadline(deadline, span) if span.exact else self.days_after(self.last_day(deadline), span)

    def later(self, deadline: Deadline, held: datetime, resumed: datetime, span: Span, *, service: bool) -> Deadline:
        """Return the deadline of a span, moved by as long as its clock was held.

        A span in days is moved by days: by those after the day on which it was held, up to the day on which it resumed.
        """
        if span.exact and not service:
            return Deadline(self._moved(deadline.moment, resumed - held), deadline.provisional)
        if span.exact:
            moved = self._after_service(deadline.moment, self.service_between(held, resumed))
            return Deadline(moved.moment, deadline.provisional or moved.provisional)
        first, last, day = self.date_of(held), self.date_of(resumed), self.last_day(deadline.moment)
        if span.unit == "working_days":
            counted = self.add(day, self.working_days_between(first, last))
            return Deadline(self.end_of(counted.day), deadline.provisional or counted.provisional)
        return Deadline(self.end_of(day + (last - first)), deadline.provisional)

    def service_at(self, moment: datetime) -> tuple[bool, bool]:
        """Return whether service is owed at a moment, and whether that hangs on days that nobody has published yet.

        The minute at which service opens belongs to it, that at which it closes does not.
        """
        local, hours = self.here(moment), self.hours
        told = hours.start <= local.time() and (hours.end == time.max or local.time() < hours.end)
        if not told or hours.days == "all":
            return told, False
        day = self.day(local.date())
        return day.working, day.provisional

    def service_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much service is owed between two moments."""
        total, day = _NOTHING, self.date_of(start)
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        while day <= self.date_of(end):
            for opens, closes in self._service(self.day(day)):
                total += max(min(closes, end) - max(opens, start), _NOTHING)
            day += _DAY
        return total

    def _moved(self, moment: datetime, length: timedelta) -> datetime:
        """Return a moment later by a length of time, not by what the clock on the wall shows."""
        return self.here(moment.astimezone(UTC) + length)

    def _after_service(self, start: datetime, length: timedelta) -> Deadline:
        if not length:
            return Deadline(self.here(start))
        day, provisional, start = self.date_of(start), False, start.astimezone(UTC)
        while True:
            kind = self.day(day)
            provisional |= kind.provisional and self.hours.days == "working"
            for opens, closes in self._service(kind):
                left = closes - max(opens, start)
                if left >= length:
                    return Deadline(self.here(max(opens, start) + length), provisional)
                length -= max(left, _NOTHING)
            day += _DAY

    def _service(self, day: Day) -> Iterator[tuple[datetime, datetime]]:
        """Yield when service opens and closes on a day, in UTC, where lengths of time can be told."""
        if day.working or self.hours.days == "all":
            last = self.hours.end == time.max
            opens = datetime.combine(day.date, self.hours.start, self.zone)
            closes = self.end_of(day.date) if last else datetime.combine(day.date, self.hours.end, self.zone)
            yield opens.astimezone(UTC), closes.astimezone(UTC)


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later; in a shorter month its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def year_after(day: date, years: int) -> date:
    """Return the same day so many years later; 1 March where that year has no 29 February."""
    year = day.year + years
    if (day.month, day.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return day.replace(year=year)
