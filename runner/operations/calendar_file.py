"""Due dates as a calendar file (RFC 5545) that Outlook, phones and groupware take; the one importer of icalendar.

A deadline that ends with a day is an all-day event, which is the same in every time zone; one with an hour ends at it,
in UTC, so that no time zone has to be described. The UID of an occurrence never changes: a calendar that takes the
file again moves what it has, and ``SEQUENCE``, the number of the ledger's newest entry, says which state is newer.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from icalendar import Alarm, Calendar, Event

from reports.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from runner.operations.schedule import Agenda, Line
    from runner.operations.schedule_text import ScheduleText

#: From when on the calendar of a deadline with an hour shows it, and when it reminds before that.
_SHOWN = timedelta(minutes=30)
_REMINDED = timedelta(minutes=30)
#: An all-day deadline reminds at nine on the day before: so long before its midnight.
_REMINDED_OF_DAY = timedelta(hours=15)
_DAY = timedelta(days=1)


def calendar_file(agenda: Agenda, text: ScheduleText, name: str, source: str, sequence: int) -> bytes:
    """Return the dated lines of an agenda as a calendar.

    ``name`` is what people see; ``source`` tells this contract from all others; ``sequence`` grows with the ledger.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Weibao//weibao schedule//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", " ".join(printable(name).split()))
    for line in agenda.lines:
        if line.row.due and line.day:
            event = _event(line, line.row.due, line.day, text, agenda.moment)
            event.add("uid", f"{uuid.uuid5(uuid.NAMESPACE_URL, f'weibao:{source}:{line.key}')}@weibao")
            event.add("sequence", sequence)
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _event(line: Line, due: datetime, day: date, text: ScheduleText, now: datetime) -> Event:
    row, one = line.row, line.obligation
    summary = text.say("summary", obligation=row.obligation, name=text.name(line), period=text.period(row.period))
    summary += text.marks(line)
    summary = summary if line.open else text.say("done", summary=summary)
    event = Event()
    event.add("dtstamp", now.astimezone(UTC))
    event.add("last-modified", now.astimezone(UTC))
    event.add("summary", summary)
    event.add("description", "\n".join(_details(line, text)))
    event.add("categories", [text.words.catalogue.word("obligation_kinds", one.kind)])
    # A deadline takes nobody's time.
    event.add("transp", "TRANSPARENT")
    event.add("x-microsoft-cdo-busystatus", "FREE")
    if text.words.local(due).date() > day:
        event.add("dtstart", day)
        event.add("dtend", day + _DAY)
        reminded = _REMINDED_OF_DAY
    else:
        event.add("dtstart", due.astimezone(UTC) - _SHOWN)
        event.add("dtend", due.astimezone(UTC))
        reminded = _REMINDED
    if line.open and now < due:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", text.say("reminder", summary=summary))
        alarm.add("trigger", -reminded)
        event.add_component(alarm)
    return event


def _details(line: Line, text: ScheduleText) -> Iterable[str]:
    one = line.obligation
    told = {"state": text.state(line), "by": text.fulfilled_by(line), "deliverable": one.deliverable}
    for key, value in {**told, "clause": one.clause}.items():
        if value:
            yield text.words.labelled(text.say("details", key), printable(value))
    for mark in ("provisional", "estimated"):
        if getattr(line.row, mark):
            yield text.say("details", mark)
