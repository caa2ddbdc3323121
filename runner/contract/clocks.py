"""The clocks of cases: a fault reported at ten must be answered by a quarter past, whoever answers.

A case is a chain of records that share its kind and id: events such as ``reported`` or ``restored``, and attributes
such as the grade. What a record says of its case holds until another one says otherwise. An obligation whose ``when``
a case meets at any time runs its clocks on it; reclassifying a case adds the clocks of its new grade and keeps those
already started.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runner.contract.obligations import AGREED as AGREED  # noqa: PLC0414 - whoever reads clocks finds it here
from runner.contract.status import Row, judge
from runner.contract.working_time import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.contract.base import Span
    from runner.contract.facts import Fact
    from runner.contract.obligations import Clock, Obligation
    from runner.contract.working_time import WorkingTime

#: The word for what was judged not needed.
NOT_NEEDED = "not needed"

#: Length of a day as text, 2026-03-01; longer is a moment.
_DAY_LENGTH = 10

Cases = dict[tuple[str, str], list["Fact"]]


def cases_of(facts: Iterable[Fact]) -> Cases:
    """Return the facts of each case, in the order in which they happened."""
    found: Cases = defaultdict(list)
    for one in facts:
        if one.case:
            found[one.case].append(one)
    return dict(found)


def concerns(one: Obligation, case: tuple[str, str], events: Sequence[Fact]) -> bool:
    """Return whether an obligation is about a case: its kind, and that it was once what ``when`` asks."""
    if case[0] != one.case:
        return False
    known: dict[str, str] = {}
    for fact in events if one.when else ():
        if fact.attributes:
            known |= fact.attributes
            if all(known.get(key) in words for key, words in one.when.items()):
                return True
    return not one.when


def clock_rows(
    one: Obligation, cases: Cases, working: WorkingTime, now: datetime, holds: Callable[[datetime, datetime], bool]
) -> Iterator[Row]:
    """Yield a row for each clock that started on each case, where ``holds`` says that the obligation held.

    It is asked with the moment at which the clock started, and that at which the case began.

    A clock has the grace of its own obligation, never the contract's: days of grace would make nothing of minutes.
    """
    for case, events in cases.items():
        if not concerns(one, case, events):
            continue
        for clock in one.clocks:
            start = next((fact for fact in events if fact.event in clock.starts), None)
            if start and holds(start.at, events[0].at):
                yield _Running(one, clock, case[1], start, events, working, now).row()


@dataclass(frozen=True)
class _Running:
    """One clock on one case, from the event that started it."""

    one: Obligation
    clock: Clock
    case: str
    start: Fact
    events: Sequence[Fact]
    working: WorkingTime
    now: datetime

    def row(self) -> Row:
        after = [fact for fact in self.events if fact.at >= self.start.at]
        stop = next((fact for fact in after if fact.event in self.clock.stops), None)
        end = stop.at if stop else self.now
        agreed = self._agreed()
        deadline = agreed or self._deadline(end)
        exact = agreed is None and self._allowed[0].exact
        over = self.working.extended(deadline.moment, self.one.grace).moment if self.one.grace else None
        row = Row(
            obligation=self.one.id,
            kind="sla",
            period=self.case,
            subject=self.clock.name,
            state=judge(self.now, deadline.moment, over, stop.at if stop else None, exact=exact),
            due=deadline.moment,
            done=stop.at if stop else None,
            evidence=self._told(stop, end),
            provisional=deadline.provisional,
            margin_seconds=(deadline.moment - end).total_seconds(),
        )
        return self._if_needed(row) if self.clock.if_needed and stop is None else row

    def _told(self, stop: Fact | None, end: datetime) -> tuple[int, ...]:
        """Return the entries that tell so as they happened: the start, what held it or moved its deadline, the stop."""
        told = {one.sequence for one in (self.start, stop, self._agreement()) if one}
        if moving := {*self.clock.pauses, *self.clock.resumes}:
            told |= {fact.sequence for fact in self.events if fact.event in moving and fact.at <= end}
        return tuple(fact.sequence for fact in self.events if fact.sequence in told)

    def _if_needed(self, row: Row) -> Row:
        """Return the row of what is owed only where somebody judged it needed, which a record's attribute tells."""
        name = self.clock.name
        judged = next((fact for fact in reversed(self.events) if name in fact.attributes), None)
        if judged is None:
            return replace(row, state="not assessed", reason="need_not_judged")
        if judged.attributes[name] == NOT_NEEDED:
            who = ", ".join(judged.body.get("who") or ())
            evidence = (*row.evidence, judged.sequence)
            return replace(row, state="waived", reason="not_needed", parameters={"who": who}, evidence=evidence)
        return row

    def _agreed(self) -> Deadline | None:
        """Return the deadline that both sides agreed on last, where the contract lets them."""
        told = self._agreement()
        return _moment(told.attributes[AGREED], self.working) if told and told.attributes[AGREED] else None

    def _agreement(self) -> Fact | None:
        if not self.clock.agreed:
            return None
        return next((fact for fact in reversed(self.events) if AGREED in fact.attributes), None)

    def _deadline(self, end: datetime) -> Deadline:
        """Return when the clock runs out, later by as long as it was held until its end.

        What is held when it starts does not run yet; once it has run out, holding it helps no more.
        """
        clock, (allowed, provisional) = self.clock, self._allowed
        deadline = self.working.deadline(self.start.at, allowed, service=clock.hours == "service")
        if provisional:
            deadline = replace(deadline, provisional=True)
        held: datetime | None = None
        for fact in self.events:
            if held is None and fact.event in clock.pauses:
                held = fact.at
            elif held is not None and fact.event in clock.resumes:
                deadline = self._later(deadline, held, min(fact.at, end))
                held = None
        return self._later(deadline, held, end) if held else deadline

    def _later(self, deadline: Deadline, held: datetime, resumed: datetime) -> Deadline:
        held = max(held, self.start.at)
        if held >= min(deadline.moment, resumed):
            return deadline
        return self.working.later(deadline, held, resumed, self._allowed[0], service=self.clock.hours == "service")

    @cached_property
    def _allowed(self) -> tuple[Span, bool]:
        """Return what the clock allows, and whether that hangs on days that nobody has published yet."""
        if self.clock.outside_service is None:
            return self.clock.within, False
        served, provisional = self.working.service_at(self.start.at)
        return self.clock.within if served else self.clock.outside_service, provisional


def _moment(told: str, working: WorkingTime) -> Deadline | None:
    """Return a deadline as a record tells it: a day, which it ends with, or a moment; None for what is neither."""
    try:
        if len(told) == _DAY_LENGTH:
            return Deadline(working.end_of(date.fromisoformat(told)))
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return Deadline(working.here(moment) if moment.tzinfo else moment.replace(tzinfo=working.zone))
