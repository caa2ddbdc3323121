"""The inspection record as facts: what one sealed run found, for whom and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from module_utils.observations import LEVELS, rank
from reports.documents.comparison import STATUSES
from reports.documents.inspection_reading import HostReading, Reading, SecondReading, read
from reports.text import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reports.document import LedgerHead
    from reports.documents.comparison import Comparison
    from reports.documents.finding import Finding
    from reports.documents.inspection_reading import LogDigest
    from runner.contract.model import Contract
    from runner.contract.people import Person

#: More hosts than this are a fleet: groups stand for hosts, and what is fine is counted, not kept.
MOST_HOSTS = 20


@dataclass(frozen=True)
class HostResult:
    """What became of one host; ``tasks`` counts its tasks by result, ``counts`` its observations by level.

    ``findings`` are all of its observations, but for a fleet's hosts only those that are not fine, and its identity;
    ``checks`` are those that it answered at all, be it with unknown. ``place`` is its place in the record, from 1.
    """

    name: str
    outcome: str
    message: str | None
    tasks: Mapping[str, int]
    missed: bool
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    checks: frozenset[str]
    place: int

    @property
    def worst(self) -> str:
        """Return the worst level found; unknown where nothing was measured."""
        return max((level for level, count in self.counts.items() if count), key=rank, default="unknown")

    @property
    def observed(self) -> int:
        """Return how many observations it gave."""
        return sum(self.counts.values())

    @property
    def troubled(self) -> bool:
        """Return whether somebody has to act: it was missed, or has a warning or worse."""
        return self.missed or bool(self.counts["warning"] or self.counts["critical"])

    def find(self, check: str) -> tuple[Finding, ...]:
        """Return what one check found on this host."""
        return tuple(finding for finding in self.findings if finding.check == check)


@dataclass(frozen=True)
class Group:
    """Hosts that stand together, those of one inventory group; the hosts of none have the name ``""``."""

    name: str
    hosts: tuple[HostResult, ...]


@dataclass(frozen=True)
class Asset:
    """Something on the site that the program cannot inspect: a host, or an instance (``subject``) on one."""

    host: str
    kind: str
    product: str
    subject: str = ""


@dataclass(frozen=True)
class Issue:
    """What identifies a document: its number, version, and whether it is still a draft."""

    number: str
    version: int = 1
    draft: bool = True


@dataclass(frozen=True)
class Parties:
    """Whom the record binds, from contract and people; what is not known yet is None."""

    contract: str | None = None
    system: str | None = None
    provider: str | None = None
    purchaser: str | None = None
    inspector: str | None = None
    reviewer: str | None = None
    approver: str | None = None


@dataclass(frozen=True)
class InspectionRecord:
    """One inspection: what was owed, done, found, missed and left unknown, and how it was made."""

    issue: Issue
    parties: Parties
    site: str
    run: str
    started: datetime
    ended: datetime
    obligations: tuple[tuple[str, str], ...]
    state: str
    reasons: tuple[Mapping[str, Any], ...]
    hosts: tuple[HostResult, ...]
    groups: tuple[Group, ...]
    assets: tuple[Asset, ...]
    comparison: Comparison | None
    manifest: Mapping[str, Any] = field(repr=False)
    reading: Reading = field(repr=False)
    observations: Callable[[], Iterable[Mapping[str, Any]]] = field(repr=False)
    fleet: bool = False
    ledger: LedgerHead | None = None

    @property
    def complete(self) -> bool:
        """Return whether the run reached every host and its record has no gap."""
        return self.state == "complete"

    @property
    def missed(self) -> tuple[HostResult, ...]:
        """Return the hosts that were to be inspected and were not."""
        return tuple(host for host in self.hosts if host.missed)

    @property
    def inspected(self) -> tuple[HostResult, ...]:
        """Return the hosts that were inspected."""
        return tuple(host for host in self.hosts if not host.missed)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings that are kept, host after host; of a fleet those that are fine are not."""
        return tuple(finding for host in self.hosts for finding in host.findings)

    @property
    def bad(self) -> tuple[Finding, ...]:
        """Return warnings and criticals: the worst first, new before known, then what the hospital's work hangs on."""
        bad = (finding for finding in self.findings if finding.bad)
        return tuple(
            sorted(
                bad,
                key=lambda one: (
                    -rank(one.level),
                    _STATUS_ORDER.get(self.status(one), 0),
                    not one.check.startswith(_FELT),
                ),
            )
        )

    @property
    def logs(self) -> LogDigest:
        """Return what all hosts logged."""
        return self.reading.logs

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many observations have each level."""
        return {level: sum(host.counts[level] for host in self.hosts) for level in LEVELS}

    @property
    def measured(self) -> int:
        """Return how many observations have a result."""
        counts = self.counts
        return sum(counts.values()) - counts["unknown"]

    @property
    def tone(self) -> str:
        """Return how the record reads as a whole: critical unless the run is complete, else the worst level.

        Where something on the site cannot be inspected at all, that is not fine either.
        """
        if not self.complete:
            return "critical"
        worst = max((host.worst for host in self.hosts if host.observed), key=rank, default="unknown")
        return max(worst, "unknown", key=rank) if self.assets else worst

    @property
    def compared(self) -> Comparison | None:
        """Return the comparison with earlier runs, where there was one to compare with."""
        return self.comparison if self.comparison and self.comparison.runs else None

    def status(self, finding: Finding) -> str:
        """Return how a finding stands to the last run, one of STATUSES; empty where that is not known."""
        compared = self.compared
        return compared.status.get((finding.host, finding.check, finding.subject), "") if compared else ""

    def everything(self) -> Iterator[tuple[HostResult, Sequence[Finding]]]:
        """Yield each host with all of its findings; those of a fleet are read once more."""
        if not self.fleet:
            yield from ((host, host.findings) for host in self.hosts)
            return
        again = SecondReading(self.observations)
        for host in self.hosts:
            yield host, again.take(host.name)


def inspection_record(
    manifest: Mapping[str, Any],
    observations: Callable[[], Iterable[Mapping[str, Any]]],
    *,
    contract: Contract | None = None,
    people: Sequence[Person] = (),
    issue: Issue | None = None,
    ledger: LedgerHead | None = None,
    comparison: Comparison | None = None,
) -> InspectionRecord:
    """Return the record of one sealed run.

    ``observations`` gives the run's own mappings, anew on each call: a record of a single run needs no data frame,
    whose import takes longer than everything that is done here, and a fleet's are read again rather than kept.
    ``issue`` defaults to a first draft numbered after the run.
    """
    verdict = manifest["verdict"]
    missed = frozenset(verdict.get("missed") or ())
    outcomes: Mapping[str, Mapping[str, Any]] = manifest["hosts"]
    fleet = len({*outcomes, *missed}) > MOST_HOSTS
    reading = read(observations(), everything=not fleet)
    names = sorted({*outcomes, *missed, *reading.hosts}, key=natural)
    hosts = tuple(
        _host(place, name, outcomes.get(name, {}), name in missed, reading) for place, name in enumerate(names, 1)
    )
    return InspectionRecord(
        issue=issue or Issue(default_number(manifest, contract)),
        parties=parties_of(manifest, contract, people),
        site=manifest["site"],
        run=manifest["run"],
        started=datetime.fromisoformat(manifest["started"]),
        ended=datetime.fromisoformat(manifest.get("ended") or manifest["started"]),
        obligations=_obligations(manifest, contract),
        state=verdict["state"],
        reasons=tuple(verdict.get("reasons") or ()),
        hosts=hosts,
        groups=_groups(manifest.get("groups") or {}, hosts),
        assets=_assets(manifest, hosts),
        comparison=comparison,
        manifest=manifest,
        reading=reading,
        observations=observations,
        fleet=fleet,
        ledger=ledger,
    )


#: Checks of what people work with and what their data hang on; the rest is about the machines below.
_FELT = ("database.", "http.", "tcp.", "dns.", "unit.active", "backup.")
_STATUS_ORDER = {status: place for place, status in enumerate(STATUSES)}


def _host(place: int, name: str, outcome: Mapping[str, Any], missed: bool, reading: Reading) -> HostResult:
    kept = reading.hosts.get(name) or HostReading()
    return HostResult(
        name=name,
        outcome=outcome.get("outcome", "not_finished"),
        message=outcome.get("message"),
        tasks={key: outcome.get(key, 0) for key in ("ok", "changed", "failed", "skipped")},
        missed=missed,
        findings=tuple(kept.findings),
        counts=kept.counts,
        checks=kept.checks,
        place=place,
    )


def _groups(groups: Mapping[str, Sequence[str]], hosts: Sequence[HostResult]) -> tuple[Group, ...]:
    """Return each host in the smallest of its groups, groups in the inventory's order, the hosts of none last."""
    smallest: dict[str, str] = {}
    for group, names in sorted(groups.items(), key=lambda item: len(item[1])):
        for name in names:
            smallest.setdefault(name, group)
    members: dict[str, list[HostResult]] = {name: [] for name in (*groups, "")}
    for host in hosts:
        members[smallest.get(host.name, "")].append(host)
    return tuple(Group(name, tuple(found)) for name, found in members.items() if found)


def _assets(manifest: Mapping[str, Any], hosts: Sequence[HostResult]) -> tuple[Asset, ...]:
    """Return what cannot be inspected: assets that the inventory declares, then instances found on inspected hosts."""
    declared = (
        Asset(str(one.get("host", "")), str(one.get("kind") or "other"), str(one.get("product") or ""))
        for one in manifest.get("not_covered") or ()
    )
    found = (
        Asset(one.host, _kind(parameters), str(parameters.get("product") or ""), one.subject)
        for host in hosts
        for one in host.findings
        if one.level == "unknown" and (one.reason or {}).get("code") == "not_covered"
        for parameters in [(one.reason or {}).get("parameters") or {}]
    )
    return tuple(dict.fromkeys((*declared, *found)))


def _kind(parameters: Mapping[str, Any]) -> str:
    """Return the kind of an instance, which the engine's or product's name tells."""
    name = " ".join(str(parameters.get(key) or "") for key in ("kind", "engine", "product")).lower().replace(" ", "")
    return next((kind for kind in ("oracle", "sqlserver", "windows") if kind in name), "other")


def default_number(manifest: Mapping[str, Any], contract: Contract | None) -> str:
    """Return the number of a document that was not issued yet: after its run."""
    prefix = contract.number if contract else str(manifest["site"])
    day, _, rest = str(manifest["run"]).partition("T")
    return f"{prefix}-{manifest['procedure']}-{day}-{rest.rpartition('-')[2]}"


def _obligations(manifest: Mapping[str, Any], contract: Contract | None) -> tuple[tuple[str, str], ...]:
    clauses = {one.id: one.clause for one in contract.obligations} if contract else {}
    return tuple((one, clauses.get(one, "")) for one in manifest.get("obligations") or ())


def parties_of(manifest: Mapping[str, Any], contract: Contract | None, people: Sequence[Person]) -> Parties:
    """Return whom a document of a run binds; who ran it stands for the provider."""
    operator = manifest.get("operator") or {}
    own = next((person.name for person in people if person.login and person.login == operator.get("login")), None)
    inspector = own or operator.get("name") or operator.get("login")

    def holder(duty: str) -> str | None:
        return next((person.name for person in people if person.duty == duty and person.name != inspector), None)

    return Parties(
        contract=f"{contract.number} {contract.title}" if contract else None,
        system=contract.system if contract else None,
        provider=contract.provider.name if contract else None,
        purchaser=contract.purchaser.name if contract else None,
        inspector=inspector,
        reviewer=holder("project manager"),
        approver=holder("purchaser approver"),
    )
