"""What became of an execution, and of each host, by the sealed run: pure.

A batch is told by an observation ``change.batch``, whose ``detail`` names its hosts by what they were found to be
afterwards: ``done``, ``worse``, ``unmeasured``, ``lost``; ``left`` are those that no batch has begun with. Steps
(``change.step``) of a host that is worse are its way back where they say so (``way_back``) or come after it; the last,
by the gate, tells whether the host is as it was, and without it nobody knows where the way back led. A host
that had nothing due says so with a step of the action ``nothing due``: of it no batch need tell. A step of the action
``left alone`` tells of what was to be done there and was not: such a host is never done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from module_utils.changing.gate import CLOSED, PAUSED
from module_utils.changing.steps import WAY_BACK_ENDED
from module_utils.observations import rank
from runner.changes import HOST_ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BATCH, STEP = "change.batch", "change.step"

#: The action of a step that says that a host was as it should be, and was left alone.
NOTHING_DUE = "nothing due"
#: The action of a step that says that a part of what was approved could not be done, and was not begun.
LEFT_ALONE = "left alone"


@dataclass(frozen=True)
class Outcome:
    """How an execution ended, and its hosts by what became of them."""

    outcome: str
    hosts: Mapping[str, tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Return what the entry holds."""
        return {"outcome": self.outcome, "hosts": {key: list(names) for key, names in self.hosts.items()}}


@dataclass
class _Told:
    """What the observations of a run tell: decisions, hosts by what they were found to be, and steps by host."""

    decisions: set[str] = field(default_factory=set)
    found: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    not_due: set[str] = field(default_factory=set)
    left_alone: set[str] = field(default_factory=set)
    #: Whether each step of the way back went well, by host and what it was about: the last word counts.
    back: dict[str, dict[str, bool]] = field(default_factory=dict)

    def take(self, one: Mapping[str, Any]) -> None:
        host, detail = str(one.get("host")), one.get("detail") or {}
        if one.get("check") == BATCH:
            self.decisions.add(str(one.get("value")))
            # What a batch leaves, a later one may do.
            for key in ("left", "done", "worse", "unmeasured", "lost"):
                self.found |= dict.fromkeys(map(str, detail.get(key) or ()), key)
        elif one.get("check") == STEP and detail.get("action") == NOTHING_DUE:
            self.not_due.add(host)
        elif one.get("check") == STEP and detail.get("action") == LEFT_ALONE:
            self.left_alone.add(host)
        elif one.get("check") == STEP:
            self.touched.add(host)
            if detail.get("way_back") or self.found.get(host) == "worse":
                well = rank(str(one.get("level"))) < rank("critical")
                self.back.setdefault(host, {})[str(one.get("subject"))] = well


def outcome_of(
    planned: Iterable[str],
    manifest: Mapping[str, Any] | None,
    observations: Iterable[Mapping[str, Any]],
    begun: Iterable[str] = (),
) -> Outcome:
    """Return how an execution ended; one that was interrupted, or has no sealed run, and came to no host was not begun.

    ``begun`` are the hosts on which something was begun that may not have told its end.
    """
    if manifest is None:
        lost = set(begun)
        ends = {host: "failed" if host in lost else "left" for host in planned}
        return Outcome("interrupted" if lost else "not begun", _by_end(ends))
    told = _Told(touched={*begun, *(host for host, one in manifest["hosts"].items() if one.get("changed"))})
    for one in observations:
        told.take(one)
    interrupted = bool((manifest.get("ending") or {}).get("stopped"))
    outcomes = {host: str(one["outcome"]) for host, one in manifest["hosts"].items()}
    ends = {host: _end(host, outcomes.get(host, "not_finished"), told) for host in planned}
    found = set(ends.values())
    stopped = "interrupted" if found != {"left"} else "not begun"
    return Outcome(stopped if interrupted else _outcome(found, told.decisions), _by_end(ends))


def _end(host: str, outcome: str, told: _Told) -> str:
    """Return what became of a host: by what it was found to be after its batch, else by how the run left it."""
    if outcome == "unreachable":
        return "unreachable"
    found = told.found.get(host)
    if found == "worse":
        back = told.back.get(host, {})
        return "rolled_back" if WAY_BACK_ENDED in back and all(back.values()) else "failed"
    if found == "unmeasured":
        return "unsure" if host in told.touched else "left"
    if found == "done" and host in told.left_alone:
        return "failed" if host in told.touched else "left"
    if found == "done" or (found is None and outcome == "ok" and host in told.not_due):
        return "done"
    # What was begun with, and whose end nobody knows, is to be looked at.
    untold = found == "left" or (found is None and outcome in ("ok", "not_finished"))
    return "left" if untold and host not in told.touched else "failed"


def _outcome(ends: set[str], decisions: set[str]) -> str:
    if ends & {"failed", "unreachable"}:
        return "failed"
    if "rolled_back" in ends:
        return "rolled back"
    if PAUSED in decisions or "unsure" in ends:
        return "paused"
    if "left" in ends:
        return "window closed" if CLOSED in decisions else "failed"
    return "done"


def _by_end(ends: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(host for host, end in ends.items() if end == name)) for name in HOST_ENDS}
