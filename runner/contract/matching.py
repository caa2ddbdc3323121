"""Which fact is evidence for what: by the period or the case that it names, else by its day.

A period, a case or the number of what opened something (``#17``) that a record names is what it is for. A record that
names none is for the period in which it happened. Of what events open it answers the only one that is still open; where
nothing is, something was done unasked and stands for itself; where several are, nobody can tell: it counts for none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from runner.contract.facts import Fact
    from runner.contract.obligations import Obligation
    from runner.contract.occurrences import Occurrence, Period
    from runner.contract.working_time import WorkingTime

#: The step of a document that meets its deadline: a draft or an issued one that nobody sent does not.
SUBMITTED = ("submitted", "received")


def fulfilment(facts: Iterable[Fact], one: Obligation) -> Fact | None:
    """Return the first fact that is what an obligation asks for, not only about it."""
    return next((fact for fact in facts if _fulfils(fact, one)), None)


def fulfilments(facts: Iterable[Fact], one: Obligation) -> list[Fact]:
    """Return every fact that is what an obligation asks for, in order."""
    return [fact for fact in facts if _fulfils(fact, one)]


def _fulfils(fact: Fact, one: Obligation) -> bool:
    """Return whether a fact is what an obligation asks for: a run for a procedure, a submission for a document.

    What a step of a change answers, its entry names: the approval that completes them, the verified success.
    """
    if fact.kind == "run":
        return fact.body.get("verdict") == "complete" and one.kind != "document"
    if fact.kind == "document":
        return fact.event in SUBMITTED and one.kind != "procedure"
    return fact.kind in ("record", "change") and one.kind not in ("document", "procedure")


class Matching:
    """The facts of one obligation by the periods of its occurrences; ``unasked`` are those that stand for themselves.

    ``planned`` are its occurrences by the calendar, in order; ``opened`` those that events open, with the moment.
    """

    def __init__(
        self,
        name: str,
        planned: Sequence[Occurrence],
        opened: Sequence[tuple[Occurrence, datetime]],
        working: WorkingTime,
    ) -> None:
        self._name, self._planned, self._working = name, planned, working
        self._coming = deque(sorted(opened, key=lambda one: one[1]))
        self._waiting: dict[str, Occurrence] = {}
        self._has_cases = any(one.obligation.case for one, _ in opened)
        self._starts = [one.period.start for one in planned]
        self._labels = {one.period.label: one for one in (*planned, *(one for one, _ in opened))}
        self.found: dict[Period, list[Fact]] = defaultdict(list)
        self.unasked: list[Fact] = []

    def sort(self, facts: Iterable[Fact], openers: Collection[str]) -> None:
        """Take in facts, in the order in which they happened; records of the events that open it are none of them."""
        for fact in facts:
            self._await(fact.at)
            if fact.kind == "record" and fact.event in openers:
                continue
            one = self._meant(fact)
            if one and (fact.kind == "waiver" or _fulfils(fact, one.obligation)):
                self._waiting.pop(one.period.label, None)
            if one and fact.kind != "waiver":
                self.found[one.period].append(fact)

    def _await(self, moment: datetime) -> None:
        """Take what was opened by a moment among what waits for evidence, unless that came before."""
        while self._coming and self._coming[0][1] <= moment:
            one, _ = self._coming.popleft()
            if not fulfilment(self.found.get(one.period, ()), one.obligation):
                self._waiting[one.period.label] = one

    def _meant(self, fact: Fact) -> Occurrence | None:
        named = fact.period_for(self._name)
        if named is not None:
            return self._labels.get(named)
        if fact.case:
            one = self._labels.get(fact.case[1])
            if one and one.obligation.case == fact.case[0]:
                return one
        return self._of_its_day(fact) or self._answered(fact)

    def _of_its_day(self, fact: Fact) -> Occurrence | None:
        """Return the occurrence in whose period a fact happened; what is owed once takes what comes before or after."""
        day = self._working.date_of(fact.at)
        index = max(bisect_right(self._starts, day) - 1, 0)
        one = self._planned[index] if self._planned else None
        if one is None or one.period.overlaps(day, day):
            return one
        return one if len(self._planned) == 1 and not one.obligation.periodic else None

    def _answered(self, fact: Fact) -> Occurrence | None:
        """Return the only one of what events opened that a fact can answer."""
        if fact.case and self._has_cases:
            return None
        if not self._waiting and not fact.case:
            self.unasked.append(fact)
        return next(iter(self._waiting.values())) if len(self._waiting) == 1 else None
