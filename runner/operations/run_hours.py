"""The hours in which the schedule may start a procedure: the contract's service hours, hours of the day, or both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.contract.working_time import WorkingTime

#: Longer than any stretch of days off.
_DAYS = 60
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class RunHours:
    """``service``: only in service hours; ``between``: only from one time of day to another, over midnight too."""

    service: bool = False
    between: tuple[time, time] | None = None


def first_moment(wanted: datetime, hours: RunHours, working: WorkingTime) -> datetime | None:
    """Return the first moment from ``wanted`` on that lies in the hours; None where there is none in two months."""
    moment, limit = wanted.astimezone(working.zone), wanted + _DAYS * _DAY
    while moment < limit:
        opened = _in_service(moment, working) if hours.service else moment
        if opened is None:
            return None
        found = _between(opened, hours.between, working) if hours.between else opened
        if found == moment:
            return found
        moment = found
    return None


def _in_service(moment: datetime, working: WorkingTime) -> datetime | None:
    day, hours = working.date_of(moment), working.hours
    for number in range(_DAYS):
        one = day + number * _DAY
        if hours.days == "all" or working.day(one).working:
            opens = datetime.combine(one, hours.start, working.zone)
            if moment < _closes(one, hours.end, working):
                return max(moment, opens)
    return None


def _between(moment: datetime, between: tuple[time, time], working: WorkingTime) -> datetime:
    start, end = between
    day = working.date_of(moment) - _DAY
    while True:
        closes = _closes(day if start < end else day + _DAY, end, working)
        if moment < closes:
            return max(moment, datetime.combine(day, start, working.zone))
        day += _DAY


def _closes(day: date, end: time, working: WorkingTime) -> datetime:
    """Return when hours that end at a time of day are over; the last time of a day stands for its end."""
    return working.end_of(day) if end == time.max else datetime.combine(day, end, working.zone)
