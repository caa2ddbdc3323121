"""The inspection record as facts: what one sealed run found, for whom and by whom."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from module_utils.observations import LEVELS, rank
from reports.text import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.document import LedgerHead
    from runner.contract.model import Contract, Person

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Finding:
    """One observation of one host, as it was sealed."""

    host: str
    check: str
    subject: str
    value: Any
    unit: str
    level: str
    limits: Mapping[str, Any]
    reason: Mapping[str, Any] | None
    detail: Mapping[str, Any]
    time: str | None


@dataclass(frozen=True)
class HostResult:
    """What became of one host; ``tasks`` counts its tasks by result."""

    name: str
    outcome: str
    message: str | None
    tasks: Mapping[str, int]
    missed: bool
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> str:
        """Return the worst level found; unknown where nothing was measured."""
        return max((finding.level for finding in self.findings), key=rank, default="unknown")

    def find(self, check: str) -> tuple[Finding, ...]:
        """Return what one check found on this host."""
        return tuple(finding for finding in self.findings if finding.check == check)


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
    manifest: Mapping[str, Any] = field(repr=False)
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
        """Return everything that was found, host after host."""
        return tuple(finding for host in self.hosts for finding in host.findings)

    @property
    def measured(self) -> int:
        """Return how many observations have a result."""
        return sum(finding.level != "unknown" for finding in self.findings)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many observations have each level."""
        counted = Counter(finding.level for finding in self.findings)
        return {level: counted[level] for level in LEVELS}

    @property
    def tone(self) -> str:
        """Return how the record reads as a whole: critical unless the run is complete, else the worst level."""
        if not self.complete:
            return "critical"
        return max((finding.level for finding in self.findings), key=rank, default="unknown")


def inspection_record(
    manifest: Mapping[str, Any],
    observations: Iterable[Mapping[str, Any]],
    *,
    contract: Contract | None = None,
    people: Sequence[Person] = (),
    issue: Issue | None = None,
    ledger: LedgerHead | None = None,
) -> InspectionRecord:
    """Return the record of one sealed run.

    ``observations`` are the run's own mappings: a record of a single run needs no data frame, whose import
    takes longer than everything that is done here. ``issue`` defaults to a first draft numbered after the run.
    """
    by_host: dict[str, list[Finding]] = {}
    for observation in observations:
        finding = Finding(*(observation.get(key) for key in _FIELDS))  # type: ignore[arg-type] # the run was validated
        by_host.setdefault(finding.host, []).append(finding)
    verdict = manifest["verdict"]
    missed = frozenset(verdict.get("missed") or ())
    outcomes: Mapping[str, Mapping[str, Any]] = manifest["hosts"]
    names = sorted({*outcomes, *missed, *by_host}, key=natural)
    started = datetime.fromisoformat(manifest["started"])
    return InspectionRecord(
        issue=issue or Issue(_default_number(manifest, contract)),
        parties=_parties(manifest, contract, people),
        site=manifest["site"],
        run=manifest["run"],
        started=started,
        ended=datetime.fromisoformat(manifest.get("ended") or manifest["started"]),
        obligations=_obligations(manifest, contract),
        state=verdict["state"],
        reasons=tuple(verdict.get("reasons") or ()),
        hosts=tuple(_host(name, outcomes.get(name, {}), name in missed, by_host.get(name, [])) for name in names),
        manifest=manifest,
        ledger=ledger,
    )


_FIELDS = tuple(one.name for one in dataclasses.fields(Finding))


def _host(name: str, outcome: Mapping[str, Any], missed: bool, findings: list[Finding]) -> HostResult:
    return HostResult(
        name=name,
        outcome=outcome.get("outcome", "not_finished"),
        message=outcome.get("message"),
        tasks={key: outcome.get(key, 0) for key in ("ok", "changed", "failed", "skipped")},
        missed=missed,
        findings=tuple(findings),
    )


def _default_number(manifest: Mapping[str, Any], contract: Contract | None) -> str:
    prefix = contract.number if contract else str(manifest["site"])
    day, _, rest = str(manifest["run"]).partition("T")
    return f"{prefix}-{manifest['procedure']}-{day}-{rest.rpartition('-')[2]}"


def _obligations(manifest: Mapping[str, Any], contract: Contract | None) -> tuple[tuple[str, str], ...]:
    clauses = {one.id: one.clause for one in contract.obligations} if contract else {}
    return tuple((one, clauses.get(one, "")) for one in manifest.get("obligations") or ())


def _parties(manifest: Mapping[str, Any], contract: Contract | None, people: Sequence[Person]) -> Parties:
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


def as_json(record: InspectionRecord) -> bytes:
    """Return the record as one JSON object, for other programs."""
    facts = {"schema_version": SCHEMA_VERSION, "document": "inspection-record", **dataclasses.asdict(record)}
    facts.pop("manifest")
    return (json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True, default=datetime.isoformat) + "\n").encode()
