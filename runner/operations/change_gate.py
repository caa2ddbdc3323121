"""Whether a change may be executed now: every reason why not, found at once.

Nothing is read here, and no clock: what is known is put together in change_execute.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runner.change_rules import Reason
from runner.changes import CLOCK_TOLERANCE, CONTINUED, least_minutes
from runner.evidence.approvals import counting_approvals, start_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.changes import Change, Step
    from runner.contract.changes import Blackout
    from runner.evidence.keys import Keyring

#: Checks of an application that were about what may be otherwise by now.
ASKED_ANEW = ("window", "blackout", "supervisor", "approvers")

#: So long after its window it is told that a change did not begin by itself.
_TOLD_FOR = timedelta(days=7)

#: So much of what differs is told; the rest is counted.
_TOLD = 20


@dataclass(frozen=True)
class Circumstances:
    """What is known at the moment when a change is to be executed, beside what the ledger tells of the change itself.

    ``differences`` are what would run and is not what was approved. ``others`` are all changes; ``depends_on`` maps
    hosts of the inventory to those that they depend on; ``newest`` is the time of the ledger's newest entry.
    ``automatic``: no person asks for it.
    """

    now: datetime
    executors: tuple[str, ...]
    keyring: Keyring
    differences: Sequence[Mapping[str, Any]] = ()
    blackout: Blackout | None = None
    others: Iterable[Change] = ()
    depends_on: Mapping[str, Iterable[str]] = field(default_factory=dict)
    newest: datetime | None = None
    automatic: bool = False


def refusals(change: Change, around: Circumstances) -> list[Reason]:
    """Return every reason why a change may not be executed now; none where it may."""
    return [
        *_executed(change, around),
        *_by_itself(change, around),
        *start_reasons(change, around.keyring, around.now, *around.executors),
        *_differing(around),
        *_untimely(change, around),
        *_in_the_way(change, around),
        *_infeasible(change),
        *_clock(around),
    ]


# -- the schedule -------------------------------------------------------------------------------------------


def ready(changes: Mapping[str, Change], now: datetime, keyring: Keyring) -> list[Change]:
    """Return the automatic changes whose window is open and that nothing known keeps from starting, the soonest first.

    One whose execution was refused in its window waits for a person: a tick every few minutes tells nothing twice.
    """
    found = [
        one
        for one in changes.values()
        if one.automatic
        and not one.emergency
        and not one.executions
        and not any(refused_in_window(one))
        and not start_reasons(one, keyring, now, "")
    ]
    return sorted(found, key=lambda one: one.window)


@dataclass(frozen=True)
class Waiting:
    """A change that was approved to begin by itself and did not; ``reasons`` as entries keep them."""

    change: Change
    reasons: Sequence[Mapping[str, Any]]


def began_not(change: Change, now: datetime) -> bool:
    """Return whether a change was to begin by itself, and has not; what is long past is not told."""
    last = change.window[1] + _TOLD_FOR
    return change.automatic and not change.begun and not change.ended and change.window[0] <= now <= last


def waiting(changes: Mapping[str, Change], now: datetime, keyring: Keyring) -> list[Waiting]:
    """Return the approved automatic changes that nothing has begun though their window came, and why not."""
    found = []
    for one in changes.values():
        if not began_not(one, now):
            continue
        *_, newest = (None, *refused_in_window(one))
        reasons = newest.body["reasons"] if newest else [why.as_dict() for why in start_reasons(one, keyring, now, "")]
        if reasons and one.enough(counting_approvals(one, keyring)):
            found.append(Waiting(one, reasons))
    return found


def refused_in_window(change: Change) -> Iterator[Step]:
    """Yield the entries that tell that an execution was refused, once the window was open."""
    for step in change.of_step("refused"):
        if step.body["attempt"] == "execute" and step.time >= change.window[0]:
            yield step


# -- what was done, and what differs -----------------------------------------------------------------------


def _executed(change: Change, around: Circumstances) -> Iterator[Reason]:
    """Yield that an execution has ended, where it is none that a person may go on with."""
    last = change.execution
    if last is None or last.running:
        return
    if around.automatic or last.outcome not in CONTINUED or not change.remainder:
        yield Reason("executed", {"run": last.run, "outcome": last.outcome})


def _by_itself(change: Change, around: Circumstances) -> Iterator[Reason]:
    """Yield that nobody starts what nobody has approved yet."""
    if around.automatic and change.emergency:
        yield Reason("automatic_emergency")


def differing(one: Mapping[str, Any]) -> Reason:
    """Return that what would run is not what was approved."""
    return Reason("differs", dict(one))


def _differing(around: Circumstances) -> Iterator[Reason]:
    for one in around.differences[:_TOLD]:
        yield differing(one)
    if len(around.differences) > _TOLD:
        yield Reason("differs_more", {"count": len(around.differences) - _TOLD})


# -- when ----------------------------------------------------------------------------------------------------


def needed(change: Change) -> timedelta:
    """Return how long one batch takes by the plan, at the least, with the way back."""
    return timedelta(minutes=least_minutes(change.plan)) + change.reserve


def _untimely(change: Change, around: Circumstances) -> Iterator[Reason]:
    first, last = change.window
    if first <= around.now <= last < around.now + needed(change):
        yield Reason("no_time", {"left": _minutes(last - around.now), "needed": _minutes(needed(change))})
    if around.blackout:
        yield blacked_out(around.blackout)


def blacked_out(one: Blackout) -> Reason:
    """Return that nothing is changed on some days."""
    return Reason("blackout", {"start": one.start.isoformat(), "end": one.end.isoformat(), "reason": one.reason})


def _clock(around: Circumstances) -> Iterator[Reason]:
    if around.newest and around.now + CLOCK_TOLERANCE < around.newest:
        yield Reason("clock_behind", {"now": _iso(around.now), "newest": _iso(around.newest)})


# -- what else goes on ----------------------------------------------------------------------------------------


def _in_the_way(change: Change, around: Circumstances) -> Iterator[Reason]:
    """Yield each running change on a host of this one, or on one that depends on it, or that it depends on."""
    hosts = set(change.hosts)
    related = reachable(hosts, around.depends_on) | reachable(hosts, _reversed(around.depends_on))
    for other in around.others:
        if other.number == change.number or other.running is None:
            continue
        same, near = sorted(hosts & set(other.hosts)), sorted(related & set(other.hosts) - hosts)
        if same:
            yield Reason("other_change", {"change": other.number, "hosts": same})
        if near:
            yield Reason("dependent_change", {"change": other.number, "hosts": near})


def reachable(hosts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the hosts that some lead to, themselves included."""
    found: set[str] = set()
    waiting = list(hosts)
    while waiting:
        host = waiting.pop()
        if host not in found:
            found.add(host)
            waiting += edges.get(host, ())
    return found


def _reversed(edges: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {}
    for host, others in edges.items():
        for other in others:
            back.setdefault(other, []).append(host)
    return back


# -- what the preview found ----------------------------------------------------------------------------------


def _infeasible(change: Change) -> Iterator[Reason]:
    """Yield each prerequisite that did not hold; what is of time and people is asked anew when it starts."""
    for one in change.steps[0].body.get("feasibility") or ():
        if one.get("passed") is False and one.get("check") not in ASKED_ANEW:
            yield Reason("prerequisite", {"check": str(one.get("check")), "reason": one.get("reason")})


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
