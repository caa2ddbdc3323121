"""The schedule: what is due when, and which procedure runs next; worked out from compliance, nothing is stored.

A procedure's occurrence is run by the first tick of its period that falls into the procedure's hours, if the contract
names any. One run serves the oldest open occurrence of every obligation that names the procedure; what an outage left
open comes oldest first, in runs of its own. An attempt that was not complete is made again an hour later, the next
ones after twice as long each, a day at most; one that was interrupted is made again at once, the first time. What must
not be repeated waits for a person; so does, once the term is over, what is in its grace no more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.contract.compliance import comply
from runner.contract.occurrences import planned
from runner.errors import BadInput
from runner.operations.facts import facts_of
from runner.operations.run_hours import RunHours, first_moment
from runner.operations.terms import is_routine, may_repeat
from runner.procedures import load_procedures
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.contract.facts import Fact
    from runner.contract.model import Contract
    from runner.contract.obligations import Obligation
    from runner.contract.status import Row
    from runner.contract.working_time import WorkingTime
    from runner.operations.check_site import CheckedSite
    from runner.procedures import Procedure

#: How many days ahead the schedule is listed where nobody asks for other days.
DAYS_AHEAD = 35

#: How long after an attempt that was not complete the next one is made; after each further one twice as long.
RETRY_AFTER = timedelta(hours=1)
LONGEST_RETRY = timedelta(days=1)

#: How far ahead the next run of a procedure is looked for: a yearly one is always found.
_HORIZON = timedelta(days=400)
_DAY = timedelta(days=1)

#: What a date is owed for; clocks and quotas are listed apart.
_DATED = ("procedure", "record", "document")


@dataclass(frozen=True)
class Line:
    """One thing owed: how it stands, the obligation as it holds for it, and the last day that is in time."""

    row: Row
    obligation: Obligation
    begun: bool = True
    day: date | None = None

    @property
    def key(self) -> str:
        """Return the name of the occurrence."""
        return f"{self.row.obligation}/{self.row.period}"

    @property
    def state(self) -> str:
        """Return the state of compliance, or ``planned`` for a period that has not begun."""
        return self.row.state if self.begun or self.row.state != "due" else "planned"

    @property
    def open(self) -> bool:
        """Return whether something is still to be done."""
        return self.row.done is None and self.row.state in ("due", "overdue", "breached", "partial")

    @property
    def in_time(self) -> bool:
        """Return whether what is still to be done has a date that, with its grace, lies ahead."""
        return self.row.due is not None and self.row.state in ("due", "overdue")


@dataclass(frozen=True)
class Turn:
    """The next run of a procedure: what it is for, and from when on it may be made.

    ``at`` is None where it waits for a person; ``reason`` says why it is not made at once: ``planned``, ``retry``,
    ``hours``, ``no_hours``, ``needs_change``, ``not_repeatable`` or ``term_over``. ``more`` runs are open after it.
    """

    procedure: str
    occurrences: tuple[str, ...]
    at: datetime | None
    reason: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    more: int = 0

    def ready(self, now: datetime) -> bool:
        """Return whether it is to be run now."""
        return self.at is not None and self.at <= now


@dataclass(frozen=True)
class Agenda:
    """What is due in a stretch of days, what runs next, and the quotas and clocks that run now."""

    moment: datetime
    first: date | None
    last: date
    turns: tuple[Turn, ...]
    lines: tuple[Line, ...]
    quotas: tuple[Line, ...]
    clocks: tuple[Line, ...]


@dataclass(frozen=True)
class Scheduler:
    """A contract with the facts of its ledger at a moment, and the procedures that can be run."""

    contract: Contract
    facts: Sequence[Fact]
    working: WorkingTime
    procedures: Mapping[str, Procedure]
    now: datetime

    @property
    def today(self) -> date:
        """Return the day that it is where the contract is."""
        return self.working.date_of(self.now)

    # -- what is due -------------------------------------------------------------------------------------------

    def agenda(self, first: date | None, last: date) -> Agenda:
        """Return what is due until ``last``: with ``first`` everything of those days, without it what is still open.

        What is open without a date, because no clause names one, is there only without ``first``.
        """
        rows = comply(self.contract, self.facts, self.working, self.now).rows
        held = self._lines(rows, begun=True, last=last)
        known = {(line.key, line.row.subject) for line in held}
        later = [line for line in self._later(last) if (line.key, line.row.subject) not in known]
        lines = [line for line in (*held, *later) if line.row.kind in _DATED and _within(line, first, last)]
        lines.sort(key=lambda line: (line.day is None, line.row.due.timestamp() if line.row.due else 0.0))
        return Agenda(
            moment=self.now,
            first=first,
            last=last,
            turns=tuple(self.turns()),
            lines=tuple(lines),
            quotas=tuple(line for line in held if line.row.kind == "quota" and line.day and line.day >= self.today),
            clocks=tuple(
                line for line in held if line.row.kind == "sla" and line.row.done is None and line.row.state != "waived"
            ),
        )

    def _later(self, last: date) -> list[Line]:
        """Return what periods that begin later owe, with the due dates that compliance gives it then."""
        if self.contract.term is None or last <= self.today:
            return []
        moment = self.working.end_of(min(last, self.contract.term.end))
        rows = comply(self.contract, self.facts, self.working, moment).rows
        ahead = [row if row.done or row.state == "waived" else replace(row, state="due") for row in rows]
        return self._lines(ahead, begun=False, last=last)

    def _lines(self, rows: Iterable[Row], *, begun: bool, last: date) -> list[Line]:
        versions = self._versions(max(last, self.today))
        return [
            Line(row, versions.of(row), begun, self.working.last_day(row.due) if row.due else None)
            for row in rows
            if row.period
        ]

    def _versions(self, last: date) -> _Versions:
        return _Versions(self.contract, self.working, last)

    # -- what runs ---------------------------------------------------------------------------------------------

    def turns(self) -> list[Turn]:
        """Return the next run of each procedure that the contract owes by date or event, the soonest first."""
        # A midnight ends a day for what is due, and begins one for what is to run.
        moment = self.now + timedelta(microseconds=1)
        queues = self._open(comply(self.contract, self._of_procedures(), self.working, moment).rows)
        found = [self._turn(name, queue) for name, queue in queues.items()]
        found += self._planned({turn.procedure for turn in found})
        return sorted(found, key=lambda turn: (turn.at or self.now, turn.procedure))

    def named(self, procedure: str, period: str) -> tuple[str, ...]:
        """Return the occurrences that a run of a procedure is for, where somebody names the period.

        Raises BadInput, naming the periods that are open, where nothing is owed of it in such a period.
        """
        rows = comply(self.contract, self._of_procedures(), self.working, self.now).rows
        lines = [
            line for line in self._lines(rows, begun=True, last=self.today) if line.obligation.procedure == procedure
        ]
        found = tuple(line.key for line in lines if line.row.period == period)
        if not found:
            waiting = dict.fromkeys(line.row.period for line in lines if line.open)
            raise BadInput(
                f"--period {period}: {procedure} owes nothing for it; open: {', '.join(waiting) or 'nothing'}"
            )
        return found

    def _of_procedures(self) -> list[Fact]:
        """Return the facts that tell what a run is owed for: in a long ledger, few."""
        owed = [one.obligation for one in self.contract.versions if one.obligation.procedure]
        names, cases = {one.id for one in owed}, {one.case for one in owed if one.case}
        return [
            fact
            for fact in self.facts
            if not names.isdisjoint(fact.obligations) or (fact.case and fact.case[0] in cases)
        ]

    def _open(self, rows: Iterable[Row]) -> dict[str, dict[str, list[Line]]]:
        """Return, by procedure and obligation, the open occurrences of what a run of it may fulfil.

        Those come first that were tried least, of these the oldest: a host that is down for long keeps what it left
        open from no later period.
        """
        queues: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
        for line in self._lines(rows, begun=True, last=self.today):
            one = line.obligation
            if one.procedure and line.open and one.kind in _DATED and one.cadence != "standing":
                queues[one.procedure][one.id].append(line)
        owed = {name: queue for name, queue in queues.items() if any(map(_owes_a_run, queue.values()))}
        for queue in owed.values():
            for lines in queue.values():
                lines.sort(key=lambda line: len(self._attempts(line)))
        return owed

    def _attempts(self, line: Line) -> list[Fact]:
        """Return the runs that were for an occurrence which is open still."""
        return [self._runs[sequence] for sequence in line.row.evidence if sequence in self._runs]

    @cached_property
    def _runs(self) -> dict[int, Fact]:
        return {fact.sequence: fact for fact in self.facts if fact.kind == "run"}

    def _turn(self, name: str, queue: Mapping[str, list[Line]]) -> Turn:
        term = self.contract.term
        if term and self.today > term.end:
            kept = {one: [line for line in lines if line.in_time] for one, lines in queue.items()}
            kept = {one: lines for one, lines in kept.items() if lines}
            if not any(map(_owes_a_run, kept.values())):
                keys = tuple(lines[0].key for lines in queue.values())
                return Turn(name, keys, None, "term_over")
            queue = kept
        more = max(len(lines) for lines in queue.values() if _owes_a_run(lines)) - 1
        held = (one for one in self.contract.on(self.today) if one.cadence == "standing" and one.procedure == name)
        keys = (*(lines[0].key for lines in queue.values()), *(f"{one.id}/term" for one in held))
        turn = Turn(name, keys, self.now, more=more)
        procedure = self.procedures.get(name)
        if procedure and not is_routine(self.contract, procedure):
            return replace(turn, at=None, reason="needs_change")
        left = [fact for lines in queue.values() for line in lines for fact in self._attempts(line)]
        if left and procedure and not may_repeat(self.contract, procedure):
            body = max(left, key=lambda fact: fact.sequence).body
            parameters = {"run": body.get("run"), "verdict": body.get("verdict")}
            return replace(turn, at=None, reason="not_repeatable", parameters=parameters)
        return self._timed(turn, _retry(self._failed(name), self.now))

    def _failed(self, name: str) -> list[Fact]:
        """Return the attempts at a procedure since the last complete one, newest first."""
        failed: list[Fact] = []
        for fact in reversed(self.facts):
            if fact.kind == "run" and fact.body.get("procedure") == name and fact.obligations:
                if fact.body.get("verdict") == "complete":
                    break
                failed.append(fact)
        return failed

    def _timed(self, turn: Turn, retry: datetime | None) -> Turn:
        """Return a turn moved to the first moment at which it may be made."""
        wanted = max(retry or self.now, turn.at or self.now)
        at = first_moment(wanted, hours_of(self.contract, turn.procedure), self.working)
        if at is None:
            return replace(turn, at=None, reason="no_hours")
        reason = "hours" if at > wanted else "retry" if retry and retry > self.now else turn.reason
        return replace(turn, at=at, reason=reason)

    def _planned(self, known: set[str]) -> Iterator[Turn]:
        """Yield the next planned run of each procedure of which nothing is open."""
        ahead: dict[str, dict[date, list[str]]] = defaultdict(lambda: defaultdict(list))
        for one in planned(self.contract, self.working, self.today + _DAY, self.today + _HORIZON):
            obligation = one.obligation
            if obligation.kind == "procedure" and obligation.cadence != "standing" and one.period.start > self.today:
                ahead[str(obligation.procedure)][one.period.start].append(one.key)
        for name, days in ahead.items():
            procedure = self.procedures.get(name)
            if name in known or (procedure and not is_routine(self.contract, procedure)):
                continue
            day = min(days)
            yield self._timed(Turn(name, tuple(days[day]), self.working.midnight(day), "planned"), None)


def scheduler_of(checked: CheckedSite, now: datetime) -> Scheduler:
    """Return the scheduler of a site whose files are in order, with what its ledger holds at a moment."""
    facts = facts_of(checked.site, now)
    return Scheduler(checked.contract, facts, checked.working, load_procedures(PROJECT), now)


class _Versions:
    """Finds the obligation, as it held for a row's period."""

    def __init__(self, contract: Contract, working: WorkingTime, last: date) -> None:
        self._newest = {name: versions[-1].obligation for name, versions in contract.versions_of.items()}
        amended = {name for name, versions in contract.versions_of.items() if len(versions) > 1}
        term = contract.term
        self._planned = (
            {
                (one.obligation.id, one.period.label): one.obligation
                for one in planned(contract, working, term.start, last)
                if one.obligation.id in amended
            }
            if term and amended
            else {}
        )

    def of(self, row: Row) -> Obligation:
        return self._planned.get((row.obligation, row.period)) or self._newest[row.obligation]


def hours_of(contract: Contract, procedure: str) -> RunHours:
    """Return the hours in which the contract lets the schedule start a procedure."""
    terms = contract.procedures.get(procedure)
    if terms is None:
        return RunHours()
    between = (terms.between.start, terms.between.end) if terms.between else None
    return RunHours(terms.hours == "service", between)


def _retry(failed: Sequence[Fact], now: datetime) -> datetime | None:
    """Return before when no further attempt is made; None where none was made, or a first one was interrupted."""
    # What bears a time to come was written under a clock that has been set back since.
    failed = [fact for fact in failed if fact.at <= now]
    if not failed or (len(failed) == 1 and failed[0].body.get("verdict") == "incomplete"):
        return None
    return failed[0].at + min(RETRY_AFTER * (1 << min(len(failed) - 1, 10)), LONGEST_RETRY)


def _owes_a_run(lines: Sequence[Line]) -> bool:
    return lines[0].row.kind == "procedure"


def _within(line: Line, first: date | None, last: date) -> bool:
    if first is None:
        return line.open and (line.day is None or line.day <= last)
    return line.day is not None and first <= line.day <= last
