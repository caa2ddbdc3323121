"""The compliance report as facts: every obligation of a contract, how it stands at a moment, and what tells so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from reports.documents.compliance_periods import Days, days_of
from reports.documents.inspection_record import Issue, Parties
from runner.contract.occurrences import planned
from runner.contract.status import STATES, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from reports.document import LedgerHead
    from runner.contract.compliance import Compliance
    from runner.contract.facts import Fact
    from runner.contract.model import Contract
    from runner.contract.obligations import Obligation
    from runner.contract.people import Person
    from runner.contract.working_time import WorkingTime

#: What a row says of which nothing was owed: neither kept nor broken, and nothing that anybody has to assess.
IDLE = "idle"
_IDLE_REASONS = ("nothing_opened", "not_begun", "not_in_period")

#: How a row, or an obligation, stands, from the worst to the best.
STANDINGS = (*reversed(STATES), IDLE)

#: What somebody has to look at, from the worst.
TROUBLE = ("breached", "overdue", "partial", "late", "beyond cap")

#: What fell due, of which a share was fulfilled in time; beyond a cap nothing was owed.
_JUDGED = ("fulfilled", "breached", "overdue", "partial", "late")

#: How far ahead the next due date is looked for: a year's obligation has one within it.
_AHEAD = timedelta(days=800)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Chosen:
    """The period that a report is limited to, with the label that was asked for."""

    label: str
    days: Days


@dataclass(frozen=True)
class NextDue:
    """The next moment at which an obligation is due."""

    moment: datetime
    provisional: bool = False
    estimated: bool = False


@dataclass(frozen=True)
class Item:
    """One obligation with its rows, at least one; ``next_due`` None where no date follows from the calendar."""

    obligation: Obligation
    rows: tuple[Row, ...]
    next_due: NextDue | None = None

    @property
    def standing(self) -> str:
        """Return how it stands as a whole: as badly as its worst row."""
        return min((standing(row) for row in self.rows), key=STANDINGS.index)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many rows stand how, the worst first; what does not occur is left out."""
        counted = Counter(standing(row) for row in self.rows)
        return {one: counted[one] for one in STANDINGS if counted[one]}


@dataclass(frozen=True)
class ComplianceRecord:
    """How a contract stands: ``moment`` is judged, exclusive; ``created`` is when that was done."""

    issue: Issue
    parties: Parties
    site: str
    contract: Contract
    working: WorkingTime = field(repr=False)
    moment: datetime
    created: datetime
    items: tuple[Item, ...]
    evidence: int
    files: Mapping[int, str] = field(repr=False)
    chosen: Chosen | None = None
    ledger: LedgerHead | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return every row, in the order of the contract."""
        return tuple(row for item in self.items for row in item.rows)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many rows stand how, the worst first, each standing named."""
        counted = Counter(standing(row) for row in self.rows)
        return {one: counted[one] for one in STANDINGS}

    @property
    def owed(self) -> int:
        """Return how many things were owed."""
        return sum(count for one, count in self.counts.items() if one != IDLE)

    @property
    def judged(self) -> int:
        """Return how many things fell due and can be told fulfilled in time from not."""
        return sum(self.counts[one] for one in _JUDGED)

    @property
    def forecast(self) -> bool:
        """Return whether the moment lies ahead of the time at which the record was made."""
        return self.moment > self.created

    def day_of(self, moment: datetime) -> date:
        """Return the day that a due date belongs to: what is due at midnight is due on the day that ends then."""
        return self.working.date_of(moment - _INSTANT)


def standing(row: Row) -> str:
    """Return how a row stands: its state, or IDLE where nothing was owed."""
    return IDLE if row.state == "not assessed" and row.reason in _IDLE_REASONS else row.state


@dataclass(frozen=True)
class Basis:
    """What a report is made from: a site, its contract and people, and the facts that the contract was judged by."""

    site: str
    contract: Contract
    working: WorkingTime
    facts: Sequence[Fact]
    people: Sequence[Person] = ()


def compliance_record(
    basis: Basis,
    compliance: Compliance,
    created: datetime,
    chosen: Chosen | None = None,
    ledger: LedgerHead | None = None,
) -> ComplianceRecord:
    """Return the record of how a contract stands, limited to a ``chosen`` period."""
    contract, working, moment = basis.contract, basis.working, compliance.moment
    rows: dict[str, list[Row]] = {}
    for row in compliance.rows:
        rows.setdefault(row.obligation, []).append(row)
    if chosen:
        concerns = _Concern(basis, moment, chosen.days)
        rows = {name: _chosen(found, concerns) for name, found in rows.items()}
    ahead = _next_dues(contract, working, moment, compliance.rows)
    today = working.date_of(moment - _INSTANT)
    return ComplianceRecord(
        issue=Issue(_number(contract, today, chosen)),
        parties=_parties(contract, basis.people, today),
        site=basis.site,
        contract=contract,
        working=working,
        moment=moment,
        created=created,
        items=tuple(Item(one, tuple(rows[one.id]), ahead.get(one.id)) for one in _obligations(contract, today)),
        evidence=len(basis.facts),
        files={fact.sequence: f"{fact.sequence:06d}-{fact.kind}.json" for fact in basis.facts},
        chosen=chosen,
        ledger=ledger,
    )


def _obligations(contract: Contract, today: date) -> list[Obligation]:
    """Return every obligation once, as it holds today or, where it does not, as it held last."""
    found = {one.obligation.id: one.obligation for one in contract.versions}
    found |= {one.id: one for one in contract.on(today)}
    return list(found.values())


def _number(contract: Contract, today: date, chosen: Chosen | None) -> str:
    period = f"-{chosen.label}" if chosen else ""
    return f"{contract.number}-compliance{period}-{today:%Y%m%d}"


def _parties(contract: Contract, people: Sequence[Person], today: date) -> Parties:
    def holder(duty: str) -> str | None:
        return next((one.name for one in people if one.duty == duty and _valid(one, today)), None)

    return Parties(
        contract=f"{contract.number} {contract.title}",
        system=contract.system,
        provider=contract.provider.name,
        purchaser=contract.purchaser.name,
        inspector=holder("project manager"),
        reviewer=holder("supervisor"),
        approver=holder("purchaser approver"),
    )


def _valid(person: Person, day: date) -> bool:
    return (person.valid_from is None or person.valid_from <= day) and (
        person.valid_to is None or day <= person.valid_to
    )


# -- a period ---------------------------------------------------------------------------------------------


class _Concern:
    """Tells whether a period concerns a row: one owed, due or done in it, or of a case that was open then."""

    def __init__(self, basis: Basis, moment: datetime, days: Days) -> None:
        self._term, self._working, self._days = basis.contract.term, basis.working, days
        self._today = basis.working.date_of(moment - _INSTANT)
        #: The day on which each case began, or what an entry opened, by the period of the rows.
        self._opened: dict[str, date] = {}
        for fact in basis.facts:
            label = fact.case[1] if fact.case else fact.label
            self._opened.setdefault(label, basis.working.date_of(fact.at))

    def __call__(self, row: Row) -> bool:
        return not row.period or self._days.overlaps(self._span(row)) or any(map(self._within, _moments(row)))

    def _span(self, row: Row) -> Days:
        begun = self._opened.get(row.period)
        if begun is not None:
            ended = row.done or (row.due if row.state == "waived" else None)
            return Days(begun, max(begun, self._working.date_of(ended)) if ended else self._today)
        return days_of(row.period, self._term) or Days(self._today, self._today)

    def _within(self, moment: datetime) -> bool:
        return self._working.date_of(moment) in self._days


def _moments(row: Row) -> Iterator[datetime]:
    """Yield the moments that a row is about; a due date is exclusive."""
    if row.due:
        yield row.due - _INSTANT
    if row.done:
        yield row.done


def _chosen(rows: Sequence[Row], concerns: _Concern) -> list[Row]:
    """Return the rows that a period concerns; one that says so where there is none."""
    found = [row for row in rows if concerns(row)]
    return found or [Row(rows[0].obligation, rows[0].kind, "", "not assessed", reason="not_in_period")]


# -- what comes next --------------------------------------------------------------------------------------


def _next_dues(contract: Contract, working: WorkingTime, moment: datetime, rows: Iterable[Row]) -> dict[str, NextDue]:
    """Return the next due date of each obligation that has one: of what is open, else of what is planned."""
    found: dict[str, NextDue] = {}
    known = set()
    for row in rows:
        known.add((row.obligation, row.period))
        if row.state == "due" and row.due:
            _earlier(found, row.obligation, NextDue(row.due, row.provisional, row.estimated))
    today = working.date_of(moment)
    for one in planned(contract, working, today, today + _AHEAD):
        name = one.obligation.id
        if one.due and one.due > moment and (name, one.period.label) not in known:
            _earlier(found, name, NextDue(one.due, one.provisional, one.estimated))
    return found


def _earlier(found: dict[str, NextDue], name: str, due: NextDue) -> None:
    if name not in found or due.moment < found[name].moment:
        found[name] = due
