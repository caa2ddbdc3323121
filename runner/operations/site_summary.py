"""Use case: what is this site: whose contract, for how long, what is owed, by whom, on which hosts, what is next?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, get_args

from runner.contract.obligations import Kind
from runner.inventory_file import NOT_COVERED, inventory_hosts
from runner.operations.schedule import Line, scheduler_of
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runner.contract.obligations import Obligation
    from runner.contract.people import Person
    from runner.operations.check_site import CheckedSite

#: How far ahead what is due next is looked for, and how much of it is told.
DAYS_AHEAD = 92
MOST = 5


@dataclass(frozen=True)
class SiteSummary:
    """A site on a day: the obligations that hold, the people on duty, the groups of hosts, and what is due next."""

    today: date
    obligations: tuple[Obligation, ...]
    people: tuple[Person, ...]
    groups: Mapping[str, int]
    hosts: int
    not_covered: int
    unknown_years: tuple[int, ...]
    next_due: tuple[Line, ...]
    open_before: int

    @property
    def kinds(self) -> dict[str, int]:
        """Return how many obligations there are of each kind, in the order of the kinds."""
        found = Counter(one.kind for one in self.obligations)
        return {kind: found[kind] for kind in get_args(Kind) if found[kind]}


def summarise(checked: CheckedSite, now: datetime) -> SiteSummary:
    """Return what there is to say of a site whose files are in order; raises MachineError for an unreadable ledger."""
    contract, working, term = checked.contract, checked.working, checked.contract.term
    today = working.date_of(now)
    groups = inventory_hosts(read_yaml(checked.site.inventory))
    covered = {name: hosts for name, hosts in groups.items() if name != NOT_COVERED}
    lines = scheduler_of(checked, now).agenda(None, today + timedelta(days=DAYS_AHEAD)).lines
    dated = [(line.day, line) for line in lines if line.day]
    # Before the term begins everything of it is still to come.
    on = min(max(today, term.start), term.end) if term else today
    return SiteSummary(
        today=today,
        obligations=contract.on(on),
        people=tuple(one for one in checked.people.people if one.valid_on(today)),
        groups={name: len(hosts) for name, hosts in covered.items() if hosts},
        hosts=len(set().union(*covered.values()) - groups.get(NOT_COVERED, frozenset())),
        not_covered=len(groups.get(NOT_COVERED, ())),
        unknown_years=tuple(
            year for year in range(max(on.year, today.year), term.end.year + 1) if not working.knows(year)
        )
        if term
        else (),
        next_due=tuple(line for day, line in dated if day >= today)[:MOST],
        open_before=sum(day < today for day, _ in dated),
    )
