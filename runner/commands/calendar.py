"""weibao calendar …."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.commands.session import Session, pass_session
from runner.operations.working_days import WorkingDays, stretches, working_days_after

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from runner.contract.working_time import Day

#: Twenty years of working days: more is a slip of the pen.
_MOST = 5000

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.group()
def calendar() -> None:
    """Count in working days: statutory holidays, the days that make up for them, and the site's own."""


@calendar.command()
@click.argument("start", type=click.DateTime(["%Y-%m-%d"]), metavar="FROM")
@click.argument("count", type=click.IntRange(1, _MOST), metavar="N")
@pass_session
def add(session: Session, start: datetime, count: int) -> None:
    """Print the Nth working day after FROM, the days passed over, and why."""
    found = working_days_after(session.site(), start.date(), count)
    wording = Wording(load_catalogue(session.language, session.site().catalogue_overlay))
    if session.as_json:
        session.print_json(**_as_json(found, wording))
        return
    for line in _lines(found, wording):
        click.echo(line)


def _lines(found: WorkingDays, wording: Wording) -> Iterator[str]:
    weekday = _weekday(found.start, wording)
    what = _word(wording, "counted", start=str(found.start), start_weekday=weekday, count=found.count)
    yield f"{found.found.day} {_weekday(found.found.day, wording)}  {what}"
    for key, days in (("skipped", found.found.skipped), ("included", found.found.unusual)):
        for first, last in stretches(days):
            yield f"  {_word(wording, key)} {_days(first, last, wording)}  {_why(first, wording)}"
    if found.found.provisional:
        yield f"  {_provisional(found, wording)}"


def _as_json(found: WorkingDays, wording: Wording) -> dict[str, Any]:
    return {
        "from": str(found.start),
        "working_days": found.count,
        "day": str(found.found.day),
        "provisional": found.found.provisional,
        "unknown_years": list(found.unknown_years),
        "skipped": [_day_json(one, wording) for one in found.found.skipped],
        "counted_off_weekdays": [_day_json(one, wording) for one in found.found.unusual],
    }


def _day_json(day: Day, wording: Wording) -> dict[str, Any]:
    return {"date": str(day.date), "why": day.why, "name": _name(day, wording), "text": _why(day, wording)}


def _word(wording: Wording, key: str, **parameters: Any) -> str:
    return wording.fill(wording.catalogue.word("calendar", key), parameters)


def _weekday(day: date, wording: Wording) -> str:
    return wording.catalogue.word("weekdays", _WEEKDAYS[day.weekday()])


def _days(first: Day, last: Day, wording: Wording) -> str:
    if first == last:
        return f"{first.date} {_weekday(first.date, wording)}"
    many = _word(wording, "days", count=(last.date - first.date).days + 1)
    return _word(wording, "until", first=str(first.date), last=str(last.date)) + many


def _why(day: Day, wording: Wording) -> str:
    return _word(wording, day.why, name=_name(day, wording))


def _name(day: Day, wording: Wording) -> str:
    return day.name if day.why == "site" else wording.catalogue.word("holidays", day.name)


def _provisional(found: WorkingDays, wording: Wording) -> str:
    years = wording.term("list_separator").join(str(year) for year in found.unknown_years)
    return _word(wording, "provisional", years=years)
