"""From cadence and term to due dates: what a contract owes when, independent of when somebody asks.

Periods are those of the calendar, cut by the term: a partial first or last one is owed, too, and says that it is part.
An obligation that an amendment changes, but not its cadence, is owed in each period as it holds on the period's last
day. Where an amendment ends it, lets it join or changes its cadence, it is owed for the part before and the part after.
What is due after another obligation is estimated by that one's own due date, until compliance knows what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from runner.contract.obligations import ANCHORS
from runner.contract.working_time import Deadline, months_after, year_after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from runner.contract.model import Contract, Term, Valid
    from runner.contract.obligations import Due, Obligation
    from runner.contract.working_time import WorkingTime

_DAY = timedelta(days=1)
_MONTHS = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "half-year": 6,
    "half-yearly": 6,
    "year": 12,
    "yearly": 12,
}
_WEEKS = ("week", "weekly")


@dataclass(frozen=True, order=True)
class Period:
    """A stretch of days, both included, with the name that people give it; ``part`` where term or amendment cut it."""

    start: date
    end: date
    label: str
    part: bool = False

    def overlaps(self, first: date, last: date) -> bool:
        """Return whether a day lies in it and between two days, both included."""
        return self.start <= last and first <= self.end


@dataclass(frozen=True)
class Occurrence:
    """One time that an obligation is owed; ``due`` is exclusive, None where no date is named or known.

    ``estimated`` where the due date follows from something that has not happened yet, by its own due date. ``exact``
    where it is a moment that a fact tells, to which no grace in days is added.
    """

    obligation: Obligation
    period: Period
    due: datetime | None = None
    provisional: bool = False
    estimated: bool = False
    exact: bool = False

    @property
    def key(self) -> str:
        """Return the name that is this occurrence's alone."""
        return f"{self.obligation.id}/{self.period.label}"


def periods(length: str, term: Term, first: date, last: date, *, contract_year: bool = False) -> Iterator[Period]:
    """Yield the periods of a length that overlap two days, both included, cut by the term.

    ``length`` is a cadence by the calendar, or the ``per`` of a quota; ``contract_year`` counts years from the term's
    first day instead of from 1 January.
    """
    day, last = max(first, term.start), min(last, term.end)
    while day <= last:
        whole = _whole(length, day, term, contract_year=contract_year)
        start, end = max(whole.start, term.start), min(whole.end, term.end)
        yield Period(start, end, whole.label, part=(start, end) != (whole.start, whole.end))
        if end >= last:
            return
        day = end + _DAY


def _whole(length: str, day: date, term: Term, *, contract_year: bool) -> Period:
    """Return the period that a day lies in, as long as if there were no term."""
    if length == "term":
        return Period(term.start, term.end, "term")
    if length in _WEEKS:
        monday = day - timedelta(days=day.weekday())
        year, week, _ = monday.isocalendar()
        return Period(monday, monday + timedelta(days=6), f"{year}W{week:02d}")
    size = _MONTHS[length]
    if size == 12 and contract_year:
        return _contract_year(day, term)
    index = (day.month - 1) // size
    start = date(day.year, index * size + 1, 1)
    labels = {
        1: f"{day.year}-{index + 1:02d}",
        3: f"{day.year}Q{index + 1}",
        6: f"{day.year}H{index + 1}",
        12: f"{day.year}",
    }
    return Period(start, months_after(start, size) - _DAY, labels[size])


def _contract_year(day: date, term: Term) -> Period:
    number = day.year - term.start.year
    if year_after(term.start, number) > day:
        number -= 1
    start, end = year_after(term.start, number), year_after(term.start, number + 1) - _DAY
    return Period(start, end, f"{start:%Y%m%d}-{end:%Y%m%d}")


def label_of(one: Obligation, day: date, contract: Contract) -> str:
    """Return the label of the period of an obligation that a day lies in; what has no periods has the term's."""
    if not one.periodic or contract.term is None:
        return "term"
    return _whole(str(one.cadence), day, contract.term, contract_year=contract.year == "contract").label


def planned(contract: Contract, working: WorkingTime, first: date, last: date) -> Iterator[Occurrence]:
    """Yield what is owed by the calendar in periods that overlap two days, both included, obligation by obligation.

    Nothing without a term. What an event opens, what clocks run and what quotas count is not planned: see compliance.
    """
    for name in contract.versions_of:
        for occurrence in planned_of(name, contract, working, first, last):
            yield _estimated(occurrence, contract, working, (name,))


def planned_of(name: str, contract: Contract, working: WorkingTime, first: date, last: date) -> Iterator[Occurrence]:
    """Yield what is owed of one obligation, as planned() does; what is due after another one has no due date yet."""
    for one, period in owed(name, contract, first, last):
        if one.quota is None:
            due = due_of(one, period, contract, working)
            yield Occurrence(one, period, due.moment if due else None, bool(due and due.provisional))


def owed(name: str, contract: Contract, first: date, last: date) -> Iterator[tuple[Obligation, Period]]:
    """Yield the periods of one obligation that overlap two days, each with the version that it is owed by.

    What is owed once, or standing, has one: the term. Nothing for clocks and for what events open.
    """
    term = contract.term
    versions = contract.versions_of.get(name, ())
    if term is None:
        return
    for version in versions:
        length = _length(version.obligation)
        if length is None:
            continue
        alike = [one for one in versions if one is not version and _length(one.obligation) == length]
        within = _from_signature(version.obligation, contract, term)
        for period in periods(length, within, first, last, contract_year=contract.year == "contract"):
            share = _share(period, version, alike, within)
            if share and share.overlaps(first, last):
                yield version.obligation, share


def _length(one: Obligation) -> str | None:
    """Return the name of the periods in which something is owed; None where events tell, not the calendar."""
    if one.quota:
        return one.quota.per
    if one.kind == "sla" or one.cadence == "on event":
        return None
    return str(one.cadence) if one.periodic else "term"


def _from_signature(one: Obligation, contract: Contract, term: Term) -> Term:
    """Return the term; of what is due so long after the signature, with the days between that and the term's start."""
    if one.due and one.due.after == "signature" and contract.signed and contract.signed < term.start:
        return term.model_copy(update={"start": contract.signed})
    return term


def _share(period: Period, version: Valid, alike: Sequence[Valid], term: Term) -> Period | None:
    """Return what of a period is owed by a version; None where it is another one of the same cadence that owes it."""
    first, last = _holds(version, term)
    if not period.overlaps(first, last):
        return None
    others = [held for held in (_holds(one, term) for one in alike) if period.overlaps(*held)]
    if any(begins > last for begins, _ in others):
        return None
    start = max(period.start, min((first, *(begins for begins, _ in others))))
    end = min(period.end, last)
    cut = (start, end) != (period.start, period.end) and (version.obligation.periodic or version.obligation.quota)
    return Period(start, end, period.label, period.part or bool(cut))


def _holds(version: Valid, term: Term) -> tuple[date, date]:
    return max(version.start or term.start, term.start), min(version.end or term.end, term.end)


# -- due dates ---------------------------------------------------------------------------------------------


def due_of(one: Obligation, period: Period, contract: Contract, working: WorkingTime) -> Deadline | None:
    """Return when an occurrence is due as far as the calendar tells; None where something else has to happen before."""
    if one.due is None:
        return Deadline(working.end_of(period.end)) if one.periodic else None
    term, within = contract.term, one.due.within
    if one.due.after == "period start":
        if within is None:
            return Deadline(working.end_of(period.start))
        if within.unit == "months":
            return Deadline(working.end_of(months_after(period.start, within.count) - _DAY))
        return working.days_after(period.start - _DAY, within)
    days = {
        "period end": period.end,
        "signature": contract.signed,
        "term start": term.start if term else None,
        "term end": term.end if term else None,
    }
    day = days.get(one.due.after)
    if day is None:
        return None
    return working.days_after(day, within) if within else Deadline(working.end_of(day))


def due_after(moment: datetime, due: Due, working: WorkingTime) -> Deadline:
    """Return when something is due that follows a moment; without a span at the end of that day."""
    if due.within is None:
        return Deadline(working.end_of(working.date_of(moment)))
    return working.deadline(moment, due.within)


def due_after_deadline(deadline: datetime, due: Due, working: WorkingTime) -> Deadline:
    """Return when something is due that follows what is done at its own deadline at the latest."""
    if due.within is None:
        return Deadline(working.end_of(working.last_day(deadline)))
    return working.extended(deadline, due.within)


def anchor_of(occurrence: Occurrence, candidates: Sequence[Occurrence]) -> Occurrence | None:
    """Return which of another obligation's occurrences one is due after.

    That of the same period or case; else the last one whose period ends in its own: of a quarter's months the third;
    else the one in whose period its own lies.
    """
    period = occurrence.period
    same = [one for one in candidates if one.period.label == period.label]
    inside = [one for one in candidates if period.start <= one.period.end <= period.end]
    around = [one for one in candidates if one.period.overlaps(period.end, period.end)]
    return next((found[-1] for found in (same, inside, around) if found), None)


def _estimated(occurrence: Occurrence, contract: Contract, working: WorkingTime, trail: tuple[str, ...]) -> Occurrence:
    """Return an occurrence with the due date that follows from its anchor's; ``trail`` ends what runs in a circle."""
    due, period = occurrence.obligation.due, occurrence.period
    if due is None or due.after in ANCHORS or due.after in trail:
        return occurrence
    found = anchor_of(occurrence, list(planned_of(due.after, contract, working, period.start, period.end)))
    before = _estimated(found, contract, working, (*trail, due.after)) if found else None
    if before is None or before.due is None:
        return occurrence
    deadline = due_after_deadline(before.due, due, working)
    provisional = deadline.provisional or before.provisional
    return replace(occurrence, due=deadline.moment, provisional=provisional, estimated=True)
