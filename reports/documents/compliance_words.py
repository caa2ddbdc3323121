"""The words of compliance: states, periods, due dates, how late and how close, and the evidence by number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from reports.documents.compliance_periods import days_of
from reports.documents.compliance_record import IDLE, TROUBLE, standing
from reports.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reports.document import Tone
    from reports.wording import Wording
    from runner.contract.base import Span
    from runner.contract.model import Contract
    from runner.contract.obligations import Obligation
    from runner.contract.status import Row

#: How each standing reads at a glance.
TONES: dict[str, Tone] = {
    "breached": "critical",
    "overdue": "critical",
    "partial": "warning",
    "late": "warning",
    "beyond cap": "warning",
    "not assessed": "unknown",
    "due": "notice",
    "fulfilled": "ok",
}

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
#: What is past due for less than that has only just become so: nobody says "0 minutes".
_JUST = timedelta(minutes=1)
_CALENDAR = re.compile(r"(\d{4})(?:(-)(\d\d)|([QHW])(\d+))?")
_NAMED = {"-": "month", "Q": "quarter", "H": "half", "W": "week", None: "year"}
#: From so many days on nobody counts the hours.
_MANY_DAYS = 10
#: An obligation without a title is called by its clause, up to so many characters.
_NAME = 40
#: Of more runs of numbers than this only the first are named.
_SEQUENCES = 4


@dataclass(frozen=True)
class ComplianceWords:
    """Words the rows of one contract in one language; times are in the zone of ``words``."""

    words: Wording
    contract: Contract

    def say(self, key: str, **parameters: Any) -> str:
        """Return a text of the compliance report with its parameters filled in."""
        return self.words.fill(self.words.catalogue.word("compliance", key), parameters)

    def word(self, table: str, key: str) -> str:
        """Return the word for a code; the code itself where there is none."""
        return self.words.catalogue.word(table, key)

    # -- what an obligation is -----------------------------------------------------------------------------

    def state(self, name: str) -> str:
        """Return the word for how a row stands."""
        return self.say("state_idle") if name == IDLE else self.word("states_of_obligations", name)

    def kind(self, one: Obligation) -> str:
        """Return what kind of obligation it is and how often it comes: ``人工记录 · 每月``."""
        often = self.word("quota_periods", one.quota.per) if one.quota else ""
        if one.cadence:
            often = self.word("cadences", one.cadence)
        kind = self.word("obligation_kinds", one.kind)
        return f"{kind} · {often}" if often else kind

    def name(self, one: Obligation) -> str:
        """Return what an obligation is called, short enough for a cell."""
        return shorten(printable(one.name), _NAME)

    def named(self, one: Obligation) -> str:
        """Return id and name of an obligation."""
        return self.say("named", id=one.id, name=self.name(one))

    def owner(self, one: Obligation) -> str:
        """Return who owes it where that is not the provider alone; else an empty text."""
        if one.responsible == "provider":
            return ""
        return self.say("responsible", owner=self.say(f"owner_{one.responsible}"))

    # -- when ----------------------------------------------------------------------------------------------

    def period(self, row: Row) -> str:
        """Return which period or case a row is of."""
        name = self.period_name(row.period, case=row.kind == "sla")
        return self.say("part", period=name) if row.part else name

    def period_name(self, label: str, *, case: bool = False) -> str:
        """Return a period's label as people write it; a case's id as it is."""
        if not label:
            return self.word("period_names", "none")
        if label.startswith("#"):
            return self._named_period("entry", label=label)
        if case or days_of(label, self.contract.term) is None:
            return label
        found = _CALENDAR.fullmatch(label)
        if found is None:
            if label == "term":
                return self.word("period_names", "term")
            first, last = label.split("-")
            return self._named_period("contract_year", first=_iso(first), last=_iso(last))
        year, number = found[1], found[3] or found[5]
        shown = number if found[2] else str(int(number or 0))
        half = self.word("period_names", f"half_{shown}")
        return self._named_period(_NAMED[found[2] or found[4]], year=year, number=shown, half=half)

    def _named_period(self, key: str, **parameters: str) -> str:
        return self.words.fill(self.word("period_names", key), parameters)

    def what(self, row: Row) -> str:
        """Return what a row is about: its period or case and, where there is one, its clock or item."""
        subject = self.subject(row)
        return f"{self.period(row)} · {subject}" if subject else self.period(row)

    def subject(self, row: Row) -> str:
        """Return the clock or the item that a row is about."""
        return self.word("clocks", row.subject) if row.kind == "sla" and row.subject else row.subject

    def date(self, moment: datetime) -> str:
        """Return when something exclusive is due: a day where it ends at midnight, else day and time."""
        return self.words.deadline(moment)

    def day(self, moment: datetime) -> str:
        """Return the day on which something exclusive is due."""
        return f"{(self.words.local(moment) - _INSTANT):%Y-%m-%d}"

    def until(self, moment: datetime) -> str:
        """Return an exclusive moment as people say until when: ``2026-09-30 24:00``."""
        local = self.words.local(moment)
        return f"{(local - _INSTANT):%Y-%m-%d} 24:00" if local.time() == time.min else f"{local:%Y-%m-%d %H:%M}"

    def span(self, span: Span) -> str:
        """Return a length of time in the unit that the contract gives it in."""
        return self.words.fill(self.word("spans", span.unit), {"count": span.count})

    def due(self, row: Row) -> str:
        """Return when a row is due, saying so where that may still move."""
        if row.due is None:
            return self.say("no_due") if row.state == "due" else self.words.term("dash")
        return self.marked(self.date(row.due), provisional=row.provisional, estimated=row.estimated)

    def marked(self, date: str, *, provisional: bool, estimated: bool) -> str:
        """Return a date with what it hangs on."""
        marks = self.marks(provisional=provisional, estimated=estimated)
        return self.say("marked", date=date, marks=marks) if marks else date

    def marks(self, *, provisional: bool, estimated: bool) -> str:
        """Return what a date hangs on; empty where it stands firm."""
        found = (("provisional_word", provisional), ("estimated_word", estimated))
        return self.words.term("list_separator").join(self.say(key) for key, marked in found if marked)

    def done(self, row: Row) -> str:
        """Return when it was done: the day, or day and time where minutes count."""
        if row.done is None:
            open_past = row.state in ("overdue", "breached", "partial") and row.used is None
            return self.say("not_done") if open_past else self.words.term("dash")
        exact = row.margin_seconds is not None
        return f"{self.words.local(row.done):{'%Y-%m-%d %H:%M' if exact else '%Y-%m-%d'}}"

    # -- how close -----------------------------------------------------------------------------------------

    def late(self, row: Row, moment: datetime) -> timedelta | None:
        """Return how long after its due date something was done, or has not been done; None where it is in time."""
        end = row.done or moment
        return end - row.due if row.due is not None and end >= row.due and row.used is None else None

    def lateness(self, row: Row, moment: datetime, *, most: bool = False) -> str:
        """Return how late a row is; ``most`` where it is the latest of several."""
        late = self.late(row, moment)
        if late is None or row.due is None or row.state not in TROUBLE:
            return ""
        if not row.done and late < _JUST:
            return self.say("late_now")
        key = ("late_most" if most else "late_by") if row.done else ("late_since_most" if most else "late_since")
        if self.words.local(row.due).time() == time.min:
            return self.say(key, time=self.say("duration_days", days=math.ceil(late / _DAY)))
        return self.say(key, time=self.duration(late.total_seconds()))

    def use(self, row: Row, one: Obligation) -> str:
        """Return a quota as used / allowed."""
        used = self.words.plain(row.used)
        if row.allowed is None:
            return self.say("use_unknown", used=used)
        use = self.say("use", used=used, allowed=self.words.plain(row.allowed))
        return self.say("at_most" if one.quota and one.quota.at_most is not None else "at_least", use=use)

    def margin(self, row: Row, one: Obligation, moment: datetime) -> str:
        """Return how close it was: a clock's margin, a quota's use, or how late."""
        if row.used is not None:
            return self.use(row, one)
        if row.margin_seconds is not None and row.state not in ("waived", "not assessed"):
            time_left = self.duration(abs(row.margin_seconds))
            if row.margin_seconds < 0:
                return self.say("margin_over", time=time_left)
            return self.say("margin_left" if row.done else "margin_running", time=time_left)
        return self.lateness(row, moment)

    def duration(self, seconds: float) -> str:
        """Return a length of time in its two largest units."""
        minutes = round(seconds / 60)
        hours, rest = divmod(minutes, 60)
        days, left = divmod(hours, 24)
        if days:
            key = "duration_days_hours" if left and days < _MANY_DAYS else "duration_days"
            return self.say(key, days=days, hours=left)
        if hours:
            return self.say("duration_hours_minutes" if rest else "duration_hours", hours=hours, minutes=rest)
        return self.say("duration_minutes" if minutes else "duration_moment", minutes=minutes)

    # -- what tells so -------------------------------------------------------------------------------------

    def evidence(self, sequences: Iterable[int]) -> str:
        """Return entries of the ledger by number, neighbours as ranges, of many the first."""
        numbers = sorted(set(sequences))
        parts = []
        for run in _runs(numbers):
            parts += [f"#{one}" for one in run] if len(run) < 3 else [f"#{run[0]}–#{run[-1]}"]
        if len(parts) <= _SEQUENCES:
            return " ".join(parts)
        return self.say("sequences_more", listed=" ".join(parts[:_SEQUENCES]), count=len(numbers))

    def reason(self, row: Row) -> str:
        """Return why a row stands as it does; empty where that needs no words."""
        if not row.reason:
            return ""
        found = self.words.catalogue.word("compliance_reasons", row.reason, "text")
        return self.words.fill(found, row.parameters)

    def remedy(self, reason: str) -> str:
        """Return what would make it known how a row stands."""
        found = self.words.catalogue.find("compliance_reasons", reason, "remedy")
        return found if isinstance(found, str) else self.words.term("dash")

    def counts(self, counts: Iterable[tuple[str, int]]) -> str:
        """Return how many rows stand how, as in ``违约 1 · 已履约 8``."""
        found = list(counts)
        if [name for name, _ in found] == [IDLE]:
            return self.state(IDLE)
        return " · ".join(f"{self.state(name)} {count}" for name, count in found)


def tone(row: Row) -> Tone:
    """Return how a row reads at a glance."""
    return TONES.get(standing(row), "")


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _runs(numbers: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
