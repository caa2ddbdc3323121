"""What is known at the moment when a person records something: contract, people, facts; and whether names fit it.

Periods are named by labels (``2026-03``, ``2026Q1``, ``term``), cases by kind and id (``fault:F-001``), and what an
entry opened without a case by its number (``#17``). Every check raises BadInput that names the option.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from runner.contract.clocks import cases_of, concerns
from runner.contract.compliance import comply
from runner.contract.facts import KINDS, EntryLine, facts
from runner.contract.occurrences import owed
from runner.errors import BadInput
from runner.evidence.index import entry_lines
from runner.evidence.ledger import Ledger
from runner.operations.facts import counting, known_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.contract.clocks import Cases
    from runner.contract.facts import Fact
    from runner.contract.model import Contract, Valid
    from runner.contract.obligations import Obligation
    from runner.contract.people import Person
    from runner.contract.status import Row
    from runner.evidence.ledger import Entry
    from runner.operations.check_site import CheckedSite

Case = tuple[str, str]

_CASE = re.compile(r"(?P<kind>[^:]+):(?P<id>[\w.()（）〔〕-]{1,64})")
_EARLIEST = 1970
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Situation:
    """The site's files and the ledger's facts as they stand; ``lines`` are the entries, corrected ones included."""

    checked: CheckedSite
    lines: tuple[EntryLine, ...]
    facts: tuple[Fact, ...]
    now: datetime

    @property
    def contract(self) -> Contract:
        """Return the contract."""
        return self.checked.contract

    @cached_property
    def cases(self) -> Cases:
        """Return the facts of each case."""
        return cases_of(self.facts)

    @cached_property
    def corrections(self) -> dict[int, int]:
        """Return which entry corrects each corrected one."""
        return {line.body["corrects"]: line.sequence for line in self.lines if line.body.get("corrects") is not None}

    def without(self, sequence: int) -> Situation:
        """Return the situation as if an entry had not been written: what corrects it takes its place."""
        return Situation(
            self.checked, self.lines, tuple(one for one in self.facts if one.sequence != sequence), self.now
        )

    # -- times and people ---------------------------------------------------------------------------------

    def moment(self, text: str | None, option: str = "--at") -> datetime:
        """Return the moment that a person wrote, without an offset in the contract's zone; None is now."""
        zone = self.checked.working.zone
        if text is None:
            return self.now.astimezone(zone)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadInput(f'{option} {text}: is no time; write 2026-03-04 or "2026-03-04 10:15"') from None
        if found.year < _EARLIEST:
            raise BadInput(f"{option} {text}: lies too far back")
        found = found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)
        if found > self.now:
            raise BadInput(
                f"{option} {text}: lies in the future; it is {self.now.astimezone(zone):%Y-%m-%d %H:%M} here"
            )
        return found

    def purchasers_person(self, name: str, moment: datetime, option: str) -> Person:
        """Return the person of the purchaser with a name, whose entry in people.yml is valid at that day."""
        people = self.checked.people.people
        known = [one for one in people if one.name == name]
        if not known:
            raise BadInput(f"{option} {name}: is not in people.yml{_similar(name, (one.name for one in people))}")
        ours = [one for one in known if one.organisation == "purchaser"]
        if not ours:
            raise BadInput(f"{option} {name}: is not of the purchaser")
        day = self.checked.working.date_of(moment)
        for one in ours:
            if (one.valid_from is None or one.valid_from <= day) and (one.valid_to is None or day <= one.valid_to):
                return one
        raise BadInput(f"{option} {name}: is not valid in people.yml on {day}")

    # -- obligations and their periods --------------------------------------------------------------------

    def holding(self, name: str, at: datetime, label: str | None, case: Case | None) -> Obligation:
        """Return an obligation as it holds for a period by name, else at a moment, else when its case began.

        Raises BadInput for an obligation that is not there, does not hold then, or has no such period.
        """
        versions = self.contract.versions_of.get(name)
        if not versions:
            raise BadInput(f"OBLIGATION {name}: is not in the contract{_similar(name, self.contract.versions_of)}")
        if label is not None:
            found = self.fitting(name, label)
            if found is None:
                raise BadInput(f"--period {label}: is no period of {name}: {self.hint(name)}")
            return found
        days = [self.checked.working.date_of(one) for one in (at, *self._beginning(case))]
        for day in days:
            for version in versions:
                if self.holds(version, day) and self._counts(version.obligation, day):
                    return version.obligation
        more = "; if it is for a period of the term, name it with --period" if self.contract.term else ""
        raise BadInput(f"OBLIGATION {name}: does not hold on {days[0]}{more}")

    def _beginning(self, case: Case | None) -> list[datetime]:
        events = self.cases.get(case) if case else None
        return [events[0].at] if events else []

    def holds(self, version: Valid, day: date) -> bool:
        """Return whether a version holds on a day."""
        return self.contract.holds(version, day)

    def _counts(self, one: Obligation, day: date) -> bool:
        """Return whether a day lies in a period of an obligation, where the calendar gives it periods."""
        if self.contract.term is None or not (one.periodic or one.quota):
            return True
        return any(found is one for found, _ in owed(one.id, self.contract, day, day))

    def fitting(self, name: str, label: str) -> Obligation | None:
        """Return an obligation as it holds for what a label names: a period of the term, a case, or what opened it."""
        return next((one for one, known in self._labels(name) if known == label), None)

    def _labels(self, name: str) -> Iterator[tuple[Obligation, str]]:
        for one, period in owed(name, self.contract, date.min, date.max):
            yield one, period.label
        for version in self.contract.versions_of[name]:
            for label in self._opened(version):
                yield version.obligation, label

    def _opened(self, version: Valid) -> Iterator[str]:
        """Yield a label for what events opened while a version held: the id of each case, else the entry's number."""
        one, working = version.obligation, self.checked.working
        events = {*one.opened_by, *(word for clock in one.clocks for word in clock.starts)}
        if one.case:
            for case, told in self.cases.items():
                first = next((fact for fact in told if fact.event in events), None)
                days = [working.date_of(fact.at) for fact in (first, told[0]) if fact]
                if first and concerns(one, case, told) and self.contract.holds(version, *days):
                    yield case[1]
            return
        for fact in self.facts:
            tells = fact.kind == "record" and one.id in fact.obligations and fact.event in events
            if tells and self.holds(version, working.date_of(fact.at)):
                yield fact.label

    def waiting(self, name: str) -> list[str]:
        """Return what events opened of an obligation and nothing has answered yet, by its labels."""
        rows = comply(self.contract, self.facts, self.checked.working, self.now).of(name)
        return [row.period for row in rows if row.period and row.done is None and row.state != "waived"]

    def hint(self, name: str) -> str:
        """Return how periods of an obligation are named, for an error."""
        one = self.contract.versions_of[name][-1].obligation
        if one.kind == "sla" or one.cadence == "on event":
            labels = [label for _, label in self._labels(name)][-6:]
            return f"events open it; opened so far: {', '.join(labels) or 'none'}"
        found = [period for _, period in owed(name, self.contract, date.min, date.max)]
        if not found:
            return "the contract has no term"
        if not (one.periodic or one.quota):
            return 'it has one only, "term"'
        today = self.checked.working.date_of(self.now)
        near = next((period for period in found if today <= period.end), found[-1])
        every = one.quota.per if one.quota else one.cadence
        return f"write such as {near.label} ({every}; {found[0].label} to {found[-1].label})"


def situation_of(checked: CheckedSite, now: datetime | None = None) -> Situation:
    """Return the situation of a site now; raises MachineError where its ledger cannot be read.

    Whatever was written is known, even where the machine's clock was set back since.
    """
    site = checked.site
    book = Ledger(site.ledger_folder, site.name)
    lines = tuple(EntryLine(*line) for line in entry_lines(book, site.cache_folder, KINDS))
    return Situation(checked, lines, tuple(known_facts(counting(site, lines), _LATEST)), now or datetime.now(UTC))


def touched(before: Situation, entry: Entry) -> tuple[Row, ...]:
    """Return how everything stands, with an entry that was just written, that it counts for, opened, or started."""
    contract, body, number = before.contract, entry.body, entry.sequence
    lines = (*before.lines, EntryLine(number, entry.kind, str(entry.content["time"]), body))
    known = facts(counting(before.checked.site, lines), _LATEST)
    rows = comply(contract, known, before.checked.working, before.now).rows
    label = next((fact.label for fact in known if fact.sequence == number), "")
    case = body.get("case") or {}
    about = {one.obligation.id for one in contract.versions if case and one.obligation.case == case["kind"]}

    def is_touched(row: Row) -> bool:
        told = body.get("event") and row.period == case.get("id") and row.obligation in about
        return bool(number in row.evidence or row.period == label or told)

    return tuple(row for row in rows if is_touched(row))


def case_named(text: str, option: str = "--case") -> Case:
    """Return kind and id of a case written KIND:ID."""
    match = _CASE.fullmatch(text)
    if not match:
        raise BadInput(f"{option} {text}: write its kind and id, such as fault:F-001")
    return match["kind"], match["id"]


def plain_text(text: str, option: str) -> str:
    """Return a text of a person without blanks around it; raises BadInput where nothing is left, or it is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{option}: is not UTF-8 text") from None
    if not text.strip():
        raise BadInput(f"{option}: is empty")
    return text.strip()


def _similar(word: str, known: Iterable[str]) -> str:
    """Return a question that names known words near one that is not known, or nothing."""
    return f"; did you mean {' or '.join(found)}?" if (found := nearest(word, known)) else ""


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that a word which is not one of them was probably meant to be, at most two."""
    folded = {one.casefold(): one for one in known}
    return [folded[one] for one in difflib.get_close_matches(word.casefold(), folded, n=2, cutoff=0.75)]
