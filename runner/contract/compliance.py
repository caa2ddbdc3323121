"""Compliance: what a contract owes, held against the facts of the ledger, at a moment.

A pure function; nothing stores a state. What was done in time is fulfilled; done after it was due, but within the
grace that the contract gives, late; later than that, or not at all, breached. What can still be done in time is due,
and overdue in the grace. A run that missed hosts makes it partial; nothing to go by is not assessed, never fine.
What the purchaser waived is waived, unless it was fulfilled all the same.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from runner.contract.clocks import cases_of, clock_rows, concerns
from runner.contract.matching import Matching, fulfilment, fulfilments
from runner.contract.occurrences import Occurrence, Period, anchor_of, due_after, due_after_deadline, owed, planned_of
from runner.contract.quotas import QuotaOf, counting
from runner.contract.status import Row, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.contract.base import Span
    from runner.contract.clocks import Cases
    from runner.contract.facts import Fact
    from runner.contract.model import Contract, Valid
    from runner.contract.obligations import Obligation
    from runner.contract.working_time import WorkingTime


@dataclass(frozen=True)
class Compliance:
    """Every row of a contract at a moment, in the order of its obligations and of time."""

    moment: datetime
    rows: tuple[Row, ...]

    def of(self, obligation: str) -> tuple[Row, ...]:
        """Return the rows of one obligation."""
        return tuple(row for row in self.rows if row.obligation == obligation)


def comply(contract: Contract, facts: Sequence[Fact], working: WorkingTime, now: datetime) -> Compliance:
    """Return how every obligation stands at a moment, with a row at least for each; ``facts`` as facts() returns them.

    Rows are of periods that have begun, of cases that were opened, and of what an event made due. Midnight ends a day:
    at that moment its periods are over, and the next ones have not begun.
    """
    judged = _Judge(contract, facts, working, now.astimezone(UTC))
    return Compliance(now, tuple(row for name in contract.versions_of for row in judged.rows(name)))


class _Judge:
    """Holds the facts by obligation while the rows are made."""

    def __init__(self, contract: Contract, facts: Sequence[Fact], working: WorkingTime, now: datetime) -> None:
        self._contract, self._working, self._now = contract, working, now
        self._today = working.last_day(now)
        self._cases: dict[str, Cases] = defaultdict(dict)
        for case, events in cases_of(facts).items():
            self._cases[case[0]][case] = events
        self._facts: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            for name in fact.obligations:
                self._facts[name].append(fact)
        self._occurrences: dict[str, list[Occurrence]] = {}
        self._labelled: dict[str, dict[str, Occurrence]] = {}
        self._evidence: dict[str, dict[Period, list[Fact]]] = {}
        self._settling: set[tuple[str, Period]] = set()

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return the rows of an obligation, one at least."""
        waived = {fact.period: fact for fact in self._facts[name] if fact.kind == "waiver"}
        found = [_waived(row, waived.get(row.period)) for row in self._found(name)]
        return tuple(found) or (self._nothing(name),)

    def _found(self, name: str) -> Iterator[Row]:
        for version in self._contract.versions_of[name]:
            one = version.obligation
            if one.kind == "sla":
                yield from clock_rows(one, self._cases[str(one.case)], self._working, self._now, self._holds(version))
            elif one.quota:
                yield from self._quota(one).rows(self._periods(one))
        begun = [one for one in self._all(name) if one.period.start <= self._today]
        yield from (self._row(one) for one in begun)

    def _nothing(self, name: str) -> Row:
        one = self._contract.versions_of[name][-1].obligation
        reason = "not_begun" if self._contract.term else "no_term"
        if one.opened_by or one.clocks:
            reason = "nothing_opened"
        return Row(obligation=name, kind=one.kind, period="", state="not assessed", reason=reason)

    def _quota(self, one: Obligation) -> QuotaOf:
        assert one.quota is not None  # noqa: S101 - only for the type checker: the caller looked
        counted = {fact.sequence: fact for fact in self._facts[one.id] if fact.kind == "record"}
        for name in one.quota.records_of:
            for occurrence in self._all(name) if name in self._contract.versions_of else ():
                told = fulfilments(self._told(occurrence), occurrence.obligation)
                counted |= {fact.sequence: fact for fact in counting(told, one.quota)}
        records = sorted(counted.values(), key=lambda fact: (fact.at, fact.sequence))
        return QuotaOf(one, one.quota, records, self._working, self._grace(one), self._now)

    def _periods(self, one: Obligation) -> list[Period]:
        return [period for version, period in owed(one.id, self._contract, date.min, self._today) if version is one]

    def _grace(self, one: Obligation) -> Span | None:
        within = one.due.within if one.due else None
        return one.grace if one.grace or (within and within.exact) else self._contract.grace

    # -- what is owed ----------------------------------------------------------------------------------------

    def _all(self, name: str) -> list[Occurrence]:
        """Return every occurrence of an obligation, planned for the whole term or opened by now, in order of time."""
        if name not in self._occurrences:
            versions = [one for one in self._contract.versions_of[name] if one.obligation.kind not in ("sla", "quota")]
            planned = list(planned_of(name, self._contract, self._working, date.min, date.max))
            planned.sort(key=lambda one: one.period.start)
            opened = [found for version in versions for found in self._opened(version)]
            matching = Matching(name, planned, opened, self._working)
            matching.sort(self._facts[name], {event for one in versions for event in one.obligation.opened_by})
            unasked = [one for fact in matching.unasked for one in self._unasked(versions, fact)]
            for fact, one in unasked:
                matching.found[one.period].append(fact)
            every = [*planned, *(one for one, _ in opened), *(one for _, one in unasked)]
            self._occurrences[name] = sorted(every, key=lambda one: one.period.start)
            self._labelled[name] = {one.period.label: one for one in self._occurrences[name]}
            self._evidence[name] = matching.found
        return self._occurrences[name]

    def _unasked(self, versions: Sequence[Valid], fact: Fact) -> Iterator[tuple[Fact, Occurrence]]:
        """Yield what was done although no event had opened it, where it is all that is asked for."""
        for version in versions:
            one = version.obligation
            if one.cadence == "on event" and self._holds(version)(fact.at, None) and fulfilment([fact], one):
                day = self._working.date_of(fact.at)
                yield fact, Occurrence(one, Period(day, day, fact.label))

    def _holds(self, version: Valid) -> Callable[[datetime, datetime | None], bool]:
        def holds(moment: datetime, begun: datetime | None) -> bool:
            day = date_of(moment)
            return first <= day <= last or self._contract.holds(version, day, date_of(begun) if begun else None)

        date_of = self._working.date_of
        first, last = self._contract.days_of(version)

        return holds

    def _opened(self, version: Valid) -> Iterator[tuple[Occurrence, datetime]]:
        """Yield an occurrence for each event that opens an obligation, once for each case, with its moment."""
        one, holds = version.obligation, self._holds(version)
        if one.cadence != "on event":
            return
        if one.case:
            for case, events in self._cases[one.case].items():
                first = next((fact for fact in events if fact.event in one.opened_by), None)
                if first and holds(first.at, events[0].at) and concerns(one, case, events):
                    yield self._occurrence(one, first, case[1], events), first.at
            return
        told = self._facts[one.id]
        for place, fact in enumerate(told):
            if fact.kind == "record" and fact.event in one.opened_by and holds(fact.at, None):
                yield self._occurrence(one, fact, fact.label, told, place), fact.at

    def _occurrence(
        self, one: Obligation, opening: Fact, label: str, events: Sequence[Fact], place: int = 0
    ) -> Occurrence:
        """Return what an event opened, due after the event that its due date names; unknown until that happens.

        That is looked for among ``events`` from ``place`` on, and not before the opening one.
        """
        start: Fact | None = opening
        if one.due and one.due.after != opening.event:
            later = (events[index] for index in range(place, len(events)))
            start = next((fact for fact in later if fact.event == one.due.after and fact.at >= opening.at), None)
        deadline = due_after(start.at, one.due, self._working) if one.due and start else None
        day = self._working.date_of(opening.at)
        period = Period(day, day, label)
        owed_by = (fact.body.get("due") or {} for fact in events if fact.kind == "change")
        told = next((due[one.id] for due in owed_by if one.id in due), None)
        if told:
            # An emergency change tells by when the approval is owed that it did not wait for.
            return Occurrence(one, period, self._working.here(datetime.fromisoformat(told)), exact=True)
        return Occurrence(one, period, deadline.moment if deadline else None, bool(deadline and deadline.provisional))

    # -- one occurrence --------------------------------------------------------------------------------------

    def _row(self, occurrence: Occurrence) -> Row:
        occurrence = self._settled(occurrence)
        one, due, told = occurrence.obligation, occurrence.due, self._told(occurrence)
        row = Row(
            obligation=one.id,
            kind=one.kind,
            period=occurrence.period.label,
            state="due",
            due=due,
            provisional=occurrence.provisional,
            estimated=occurrence.estimated,
            part=occurrence.period.part,
            evidence=tuple(fact.sequence for fact in told),
        )
        grace = one.grace if occurrence.exact else self._grace(one)
        over = self._working.extended(due, grace).moment if due and grace else None
        if one.cadence == "standing":
            return self._standing(row, occurrence, told)
        done = fulfilment(told, one)
        state = judge(self._now, due, over, done.at if done else None)
        if done:
            return replace(row, state=state, done=done.at)
        if any(fact.body.get("verdict") == "partial" for fact in told):
            return replace(row, state="partial", reason="hosts_missed")
        return replace(row, state=state, reason="" if due else "no_evidence")

    def _standing(self, row: Row, occurrence: Occurrence, told: Sequence[Fact]) -> Row:
        """Return how something stands that is owed all the time: as its newest evidence proves, while that is fresh."""
        one = occurrence.obligation
        proof = next(iter(reversed(fulfilments(told, one))), None)
        if proof is None:
            if any(fact.body.get("verdict") == "partial" for fact in told):
                return replace(row, state="partial", reason="hosts_missed")
            return replace(row, state="not assessed", reason="no_evidence")
        if one.proof_lasts:
            until = self._working.deadline(proof.at, one.proof_lasts).moment
            if until < min(self._now, self._working.end_of(occurrence.period.end)):
                day = self._working.date_of(proof.at)
                return replace(row, state="not assessed", reason="old_evidence", parameters={"day": str(day)})
        return replace(row, state="fulfilled", done=proof.at)

    def _told(self, occurrence: Occurrence) -> list[Fact]:
        return self._evidence[occurrence.obligation.id].get(occurrence.period, [])

    def _settled(self, occurrence: Occurrence) -> Occurrence:
        """Return an occurrence with the due date that follows from another obligation's fulfilment, or its due date."""
        one = occurrence.obligation
        key, after = (one.id, occurrence.period), one.due.after if one.due else ""
        if one.due is None or after not in self._contract.versions_of or key in self._settling:
            return occurrence
        found = anchor_of(occurrence, self._near(occurrence.period, after))
        if found is None:
            return occurrence
        self._settling.add(key)
        anchor = self._settled(found)
        self._settling.discard(key)
        done = fulfilment(self._told(anchor), anchor.obligation)
        if done:
            deadline = due_after(done.at, one.due, self._working)
            return replace(occurrence, due=deadline.moment, provisional=deadline.provisional)
        if anchor.due is None:
            return occurrence
        deadline = due_after_deadline(anchor.due, one.due, self._working)
        provisional = deadline.provisional or anchor.provisional
        return replace(occurrence, due=deadline.moment, provisional=provisional, estimated=True)

    def _near(self, period: Period, name: str) -> Sequence[Occurrence]:
        """Return the occurrences of an obligation that may be the anchor of what is owed in a period: few of many."""
        every = self._all(name)
        if period.label in self._labelled[name]:
            return [self._labelled[name][period.label]]
        first = bisect_left(every, period.start, key=lambda one: one.period.start)
        return every[max(first - 1, 0) : bisect_right(every, period.end, key=lambda one: one.period.start)]


def _waived(row: Row, waiver: Fact | None) -> Row:
    """Return a row as its waiver leaves it: what was fulfilled stays fulfilled."""
    if waiver is None or row.state in ("fulfilled", "waived"):
        return row
    consent = {"by": waiver.body.get("consent_by", "")}
    evidence = (*row.evidence, waiver.sequence)
    return replace(row, state="waived", reason="waived", parameters=consent, evidence=evidence)
