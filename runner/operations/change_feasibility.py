"""Whether a change can be carried out as it is planned: what the preview found, and what can be told without it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from module_utils.observations import rank
from runner.change_rules import Reason
from runner.changes import least_minutes
from runner.evidence.trust import of_purchaser
from runner.operations.change_gate import blacked_out
from runner.procedures import find_procedure
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.evidence.keys import Keyring
    from runner.evidence.sealing import SealedRun
    from runner.operations.change_plan import Plan
    from runner.operations.check_site import CheckedSite


@dataclass(frozen=True)
class Feasible:
    """One check: whether it passed, None where nobody knows, and why not."""

    check: str
    passed: bool | None
    reason: Reason | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the entry keeps."""
        return {"check": self.check, "passed": self.passed, "reason": self.reason.as_dict() if self.reason else None}


def feasibility(
    checked: CheckedSite, plan: Plan, preview: SealedRun | None, keyring: Keyring, requester: str
) -> list[Feasible]:
    """Return every check of a plan: the preview's own, those that the procedure declares, then time and people."""
    first, last = (datetime.fromisoformat(plan.data["window"][key]) for key in ("from", "to"))
    declared = find_procedure(PROJECT, str(plan.data["procedure"])).feasibility
    blackout = checked.contract.changes.blackout(first, last, checked.working)
    return [
        _previewed(preview),
        *previewed_checks(declared, preview.observations() if preview else None),
        _window(plan.data, last - first),
        Feasible("blackout", blackout is None, blacked_out(blackout) if blackout else None),
        *_pinned(plan.unpinned),
        *_people(checked, plan.data, keyring, first, requester),
    ]


def _previewed(preview: SealedRun | None) -> Feasible:
    if preview is None:
        return Feasible("preview", None, Reason("no_preview"))
    verdict = preview.manifest["verdict"]
    if verdict["state"] == "complete":
        return Feasible("preview", passed=True)
    told = {"run": preview.run_id, "verdict": verdict["state"], "hosts": list(verdict.get("missed") or ())}
    return Feasible("preview", passed=False, reason=Reason("preview", told))


def previewed_checks(declared: Sequence[str], observations: Iterable[Mapping[str, Any]] | None) -> Iterator[Feasible]:
    """Yield what a preview found of the checks that a procedure declares, by patterns such as ``upgrade.*``."""
    found: dict[str, dict[str, str]] = {}
    for one in observations or ():
        check, host, level = (str(one.get(key)) for key in ("check", "host", "level"))
        if any(fnmatchcase(check, pattern) for pattern in declared):
            levels = found.setdefault(check, {})
            levels[host] = max(level, levels.get(host, "ok"), key=rank)
    for pattern in declared:
        if not any(fnmatchcase(check, pattern) for check in found):
            yield Feasible(pattern, None, Reason("no_preview" if observations is None else "no_result"))
    for check, levels in sorted(found.items()):
        bad = sorted(host for host, level in levels.items() if level == "critical")
        unknown = sorted(host for host, level in levels.items() if level == "unknown")
        if bad:
            yield Feasible(check, passed=False, reason=Reason("found", {"hosts": bad}))
        elif unknown:
            yield Feasible(check, None, Reason("not_measured", {"hosts": unknown}))
        else:
            yield Feasible(check, passed=True)


def _window(plan: Mapping[str, Any], length: timedelta) -> Feasible:
    wanted, minutes = least_minutes(plan) + plan["reserve_minutes"], length.total_seconds() / 60
    if wanted > minutes:
        return Feasible("window", passed=False, reason=Reason("window_short", {"length": minutes, "needed": wanted}))
    silent = [str(one["name"]) for one in plan["steps"] if not one.get("minutes")]
    return Feasible("window", None if silent else True, Reason("no_minutes", {"steps": silent}) if silent else None)


def _pinned(names: Sequence[str]) -> Iterator[Feasible]:
    """Yield that what is approved cannot be all that runs: some variables are looked up when they are used."""
    if names:
        yield Feasible("pinned", None, Reason("not_pinned", {"names": list(names)}))


def _people(
    checked: CheckedSite, plan: Mapping[str, Any], keyring: Keyring, moment: datetime, requester: str
) -> Iterator[Feasible]:
    """Yield whether those are in force, when the window opens, who are to supervise and to approve."""
    terms, supervisor = checked.contract.changes, str(plan["supervisor"])
    ours = [one for one in of_purchaser(keyring.in_force() or ()) if one.valid_at(moment)]
    auditors = {one.name for one in ours if one.duty == "auditor"}

    def having(duties: Sequence[str]) -> set[str]:
        return {one.name for one in ours if one.duty in duties} - auditors - {requester}

    if terms.supervised:
        there = supervisor in having(terms.supervisors)
        told = {"by": supervisor, "duties": ", ".join(terms.supervisors)}
        yield Feasible("supervisor", there, None if there else Reason("no_such_supervisor", told))
    given = len(having(terms.approvers))
    enough = given >= terms.approvals
    counts = {"given": given, "needed": terms.approvals}
    yield Feasible("approvers", enough, None if enough else Reason("few_approvers", counts))
