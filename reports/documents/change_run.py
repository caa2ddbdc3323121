"""What a sealed run of a changing procedure did: its steps and batches with their times, and what it found.

The observations ``change.step`` and ``change.batch`` tell it, their times as ISO text in ``detail``; ``restart.due``
and the figures beside it (``restart.uptime`` and others) tell whether a restart is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from module_utils.observations import rank
from reports.documents.finding import Finding, finding_of
from reports.text import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STEP, BATCH, DUE = "change.step", "change.batch", "restart.due"
#: Whether a service runs that is to be restarted, before anything is done; a step tells what became of it.
PRESENT = "restart.present"
#: The value of a step that check mode tells of: it would be done.
PLANNED = "planned"
#: The action of the last step of a way back, by the gate: whether the host is as it was.
WAY_BACK_ENDED = "state after the way back"
#: The action of a step that tells that there was nothing to do on a host.
NOTHING_DUE = "nothing due"
#: The figures that an assessment rests on, in the order in which people read them.
FIGURES = ("restart.uptime", "restart.memory", "restart.updates")


@dataclass(frozen=True)
class StepDone:
    """One step on one host: its name, when it began and ended, where that was told, and what became of it."""

    host: str
    name: str
    started: datetime | None
    ended: datetime | None
    finding: Finding

    @property
    def failed(self) -> bool:
        """Return whether it did not do what it was for, or nobody knows."""
        return rank(self.finding.level) > rank("notice")

    @property
    def way_back(self) -> bool:
        """Return whether it is one of those that lead back what went wrong."""
        return bool(self.finding.detail.get("way_back"))


@dataclass(frozen=True)
class Batch:
    """The hosts that were changed together, and what the gate decided after them: its worst finding."""

    name: str
    hosts: tuple[str, ...]
    started: datetime | None
    ended: datetime | None
    finding: Finding


@dataclass(frozen=True)
class ChangeRun:
    """One sealed run; ``due`` are the assessments whether a restart is due, ``others`` whatever else it found last.

    ``planned`` are the steps that check mode foresees, ``order`` the hosts as it came to them.
    ``figures`` has the figures of each assessment by host, service and check; ``outdated`` names those of the others
    that were measured before the way back of their host, which may have changed them since.
    """

    run: str
    procedure: str
    started: datetime
    ended: datetime
    state: str
    operator: str
    check: bool
    steps: tuple[StepDone, ...]
    planned: tuple[Finding, ...]
    order: tuple[str, ...]
    batches: tuple[Batch, ...]
    due: tuple[Finding, ...]
    figures: Mapping[tuple[str, str, str], Finding]
    others: tuple[Finding, ...]
    outdated: frozenset[tuple[str, str, str]]
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that it ran on, or should have."""
        missed = (self.manifest.get("verdict") or {}).get("missed") or ()
        return tuple(sorted({*self.manifest["hosts"], *missed}, key=natural))

    @property
    def work(self) -> tuple[StepDone, ...]:
        """Return the steps that changed something, or tried to, without the way back."""
        return tuple(one for one in self.steps if not one.way_back and one.finding.detail.get("action") != NOTHING_DUE)

    @property
    def led_back(self) -> Mapping[str, bool]:
        """Return by host whether its way back succeeded; a step that was done again counts as it went at last.

        Where it led is told by the gate, at its end; unless that was well, it did not succeed.
        """
        last = {(one.host, one.name): not one.failed for one in self.steps if one.way_back}
        well = {host: all(went for (name, _), went in last.items() if name == host) for host, _ in last}
        return {host: went and (host, WAY_BACK_ENDED) in last for host, went in well.items()}

    @property
    def trouble(self) -> tuple[Batch, ...]:
        """Return the batches that did not pass the gate, or were not begun."""
        return tuple(one for one in self.batches if one.finding.level != "ok")


def change_run(manifest: Mapping[str, Any], observations: Iterable[Mapping[str, Any]]) -> ChangeRun:
    """Return what a sealed run did, from its manifest and its observations."""
    found = [finding_of(one) for one in observations]
    operator = manifest.get("operator") or {}
    started = datetime.fromisoformat(str(manifest["started"]))
    others, outdated = _others(found)
    return ChangeRun(
        run=str(manifest["run"]),
        procedure=str(manifest["procedure"]),
        started=started,
        ended=datetime.fromisoformat(str(manifest.get("ended") or manifest["started"])),
        state=str(manifest["verdict"]["state"]),
        operator=str(operator.get("name") or operator.get("login") or ""),
        check=bool((manifest.get("arguments") or {}).get("check")),
        steps=_steps(found, started),
        planned=tuple(one for one in found if one.check == STEP and one.value == PLANNED),
        order=tuple(dict.fromkeys(one.host for one in found)),
        batches=_batches(found),
        due=tuple(sorted((one for one in found if one.check == DUE), key=_place)),
        figures={(one.host, one.subject, one.check): one for one in found if one.check in FIGURES},
        others=tuple(sorted(others, key=_place)),
        outdated=outdated,
        manifest=manifest,
    )


def _others(found: Iterable[Finding]) -> tuple[Iterable[Finding], frozenset[tuple[str, str, str]]]:
    """Return what was measured beside the steps, the last of each, and which of it is older than a way back.

    Their order tells it, as they were sealed: the clocks of hosts may differ from the controller's.
    """
    last: dict[tuple[str, str, str], Finding] = {}
    outdated: set[tuple[str, str, str]] = set()
    for one in found:
        key = (one.host, one.check, one.subject)
        if one.check == STEP and one.detail.get("way_back"):
            outdated |= {known for known in last if known[0] == one.host}
        elif one.check not in (STEP, BATCH, DUE, PRESENT, *FIGURES):
            last[key] = one
            outdated.discard(key)
    return last.values(), frozenset(outdated)


def _place(one: Finding) -> tuple[list[Any], str, list[Any]]:
    return natural(one.host), one.check, natural(one.subject)


def _moment(one: Finding, key: str) -> datetime | None:
    """Return a time of an observation's detail; None where it is missing or none."""
    try:
        found = datetime.fromisoformat(str(one.detail[key]))
    except (KeyError, ValueError, TypeError):
        return None
    return found if found.tzinfo else None


def _steps(found: Iterable[Finding], run_started: datetime) -> tuple[StepDone, ...]:
    """Return the steps in the order in which they began."""
    steps = [
        StepDone(one.host, one.subject, _moment(one, "started"), _moment(one, "ended"), one)
        for one in found
        if one.check == STEP and one.value != PLANNED
    ]
    return tuple(sorted(steps, key=lambda one: one.started or run_started))


def _batches(found: Iterable[Finding]) -> tuple[Batch, ...]:
    """Return the batches; each host of one, or one for all, may have told of it."""
    told: dict[str, list[Finding]] = {}
    for one in found:
        if one.check == BATCH:
            told.setdefault(one.subject, []).append(one)
    return tuple(_batch(name, told[name]) for name in sorted(told, key=natural))


def _batch(name: str, told: list[Finding]) -> Batch:
    hosts = {str(host) for one in told for host in one.detail.get("hosts") or (one.host,)}
    started = [moment for one in told if (moment := _moment(one, "started"))]
    ended = [moment for one in told if (moment := _moment(one, "ended"))]
    return Batch(
        name,
        tuple(sorted(hosts, key=natural)),
        min(started, default=None),
        max(ended, default=None),
        max(told, key=lambda one: rank(one.level)),
    )
