"""Changes: what is known of each, from the application to its end, by the entries of kind ``change`` in the ledger.

No clock, no files; moments are parameters. How a change follows from its entries is told in change_fold.py, and who
could approve it is judged in runner/evidence/approvals.py.

Body of every entry: ``{schema_version, change: number, step, obligations, case, event, at, period, attachments,
operator, …}``; what each step has beyond that is read there, and told in docs/records.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.change_rules import Rules

KIND = "change"
SCHEMA_VERSION = 1

State = Literal[
    "requested", "approved", "rejected", "withdrawn", "expired", "running", "executed", "verified", "closed"
]

#: The steps, each an entry of the ledger.
STEPS = (
    *("requested", "approved", "rejected", "withdrawn", "signed-in", "signed-out", "refused"),
    *("started", "executed", "verified", "closed"),
)

#: The steps that a change may still take once it was closed: both are true then, and neither carries anything out.
AFTER_CLOSING = ("signed-out", "refused")

#: How an execution can end; hosts may be left after any but the first.
OUTCOMES = ("done", "failed", "paused", "window closed", "rolled back", "interrupted", "not begun")

#: After these a person may go on with what is left, inside the window.
CONTINUED = ("paused", "window closed", "not begun")

#: What became of the hosts of an execution; ``unsure``: it was carried out there, and the state could not be measured.
HOST_ENDS = ("done", "failed", "unsure", "left", "unreachable", "rolled_back")

#: By so much may clocks of one machine, asked one after the other, seem to go back.
CLOCK_TOLERANCE = timedelta(seconds=5)

#: How the number of a change is written.
NUMBER = re.compile(r"[\w.()（）〔〕-]{1,64}")

#: How long a step takes at the least of which the plan does not say.
_LEAST_MINUTES = 1


def least_minutes(plan: Mapping[str, Any]) -> float:
    """Return how long the steps of a plan take on a batch, or at the least where one of them does not say."""
    return float(sum(step.get("minutes") or _LEAST_MINUTES for step in plan["steps"]))


@dataclass(frozen=True)
class Step:
    """One entry of a change: its number, which step it is, when it happened and when it was written.

    ``signer`` is the fingerprint of the key that the entry names; ``used`` the number of an earlier entry that rests on
    the very same proof, where there is one.
    """

    sequence: int
    name: str
    at: datetime
    time: datetime
    body: Mapping[str, Any]
    signer: str | None = None
    used: int | None = None

    @property
    def by(self) -> str:
        """Return who decided or attended; empty where the step tells of nobody."""
        return str(self.body.get("by") or self.body.get("supervisor") or "")

    @property
    def operator(self) -> str:
        """Return who entered it: the name, or the login where the site knows no name."""
        told = self.body.get("operator") or {}
        return str(told.get("name") or told.get("login") or "")


@dataclass(frozen=True)
class _Proved:
    """What a person decided in an entry, with a key, or on a paper that somebody vouches for."""

    step: Step

    @property
    def by(self) -> str:
        """Return who decided."""
        return self.step.by

    @property
    def on_paper(self) -> bool:
        """Return whether it rests on a scan, which is the lower assurance."""
        return self.step.body.get("signature") is None

    @property
    def vouched_by(self) -> str | None:
        """Return who vouches for the scan."""
        return self.step.body.get("vouched_by")


@dataclass(frozen=True)
class Approval(_Proved):
    """An approval or a rejection of a digest."""

    decision: Literal["approved", "rejected"]
    reason: str
    expires: datetime

    def lasts_at(self, moment: datetime) -> bool:
        """Return whether it has not expired at a moment."""
        return moment <= self.expires


@dataclass(frozen=True)
class Attendance(_Proved):
    """A supervisor's presence, from the moment that was signed, until they signed out; None: still there."""

    supervisor: str
    since: datetime
    out: Step | None = None

    @property
    def until(self) -> datetime | None:
        """Return when they signed out."""
        return self.out.at if self.out else None

    def at(self, moment: datetime) -> bool:
        """Return whether the supervisor was there at a moment."""
        return self.since <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True)
class Execution:
    """One run under the change: its ``started`` entry, and its ``executed`` entry once it ended."""

    run: str
    start: Step
    end: Step | None = None
    outcome: str | None = None
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Return whether nothing tells its end: it runs, or was killed."""
        return self.end is None

    @property
    def idle(self) -> bool:
        """Return whether it ended before it came to any host."""
        return not self.running and not any(hosts for end, hosts in self.hosts.items() if end != "left")


@dataclass(frozen=True)
class Change:
    """A change as it stands after some entry of the ledger; times have their zone."""

    number: str
    entry: int
    requested: datetime
    requester: str
    request: Mapping[str, Any]
    plan: Mapping[str, Any]
    digest: str
    rules: Rules
    case: tuple[str, str] | None
    steps: tuple[Step, ...] = ()
    approvals: tuple[Approval, ...] = ()
    rejection: Approval | None = None
    withdrawal: Step | None = None
    attendances: tuple[Attendance, ...] = ()
    executions: tuple[Execution, ...] = ()
    verification: Step | None = None
    closing: Step | None = None

    # -- what was asked for -----------------------------------------------------------------------------------

    @property
    def procedure(self) -> str:
        """Return the procedure that it runs."""
        return str(self.plan["procedure"])

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that it is for, sorted."""
        return tuple(sorted(self.plan["hosts"]))

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Return the first and the last moment of the window."""
        window = self.plan["window"]
        return datetime.fromisoformat(window["from"]), datetime.fromisoformat(window["to"])

    @property
    def reserve(self) -> timedelta:
        """Return what is kept at the window's end for the way back."""
        return timedelta(minutes=self.plan["reserve_minutes"])

    @property
    def automatic(self) -> bool:
        """Return whether the schedule executes it when the window opens."""
        return bool(self.plan["automatic"])

    @property
    def emergency(self) -> bool:
        """Return whether it may start before it is approved."""
        return bool(self.plan["emergency"])

    @property
    def minutes(self) -> float | None:
        """Return how long the steps of the plan take together; None where one of them does not say."""
        told = [step.get("minutes") for step in self.plan["steps"]]
        return None if None in told else float(sum(told))

    @property
    def case_name(self) -> str | None:
        """Return its case as commands write it: ``upgrade:SJ-2026-001``."""
        return ":".join(self.case) if self.case else None

    # -- how it stands ----------------------------------------------------------------------------------------

    def state(self, now: datetime, approvals: Iterable[Approval] | None = None) -> State:
        """Return how it stands at a moment; ``approvals`` are those that count, by default all that were given."""
        if self.closing:
            return "closed"
        if self.executions:
            done: State = "verified" if self.verification else "executed"
            return "running" if self.running else done
        if self.withdrawal or self.rejection:
            return "withdrawn" if self.withdrawal else "rejected"
        given = self.approvals if approvals is None else tuple(approvals)
        if now <= self.window[1] and self.enough(one for one in given if one.lasts_at(now)):
            return "approved"
        return "expired" if now > self.window[1] or self.enough(given) else "requested"

    def enough(self, approvals: Iterable[Approval]) -> bool:
        """Return whether approvals of so many different people were given as the contract asks for."""
        return len({one.by for one in approvals}) >= self.rules.approvals

    @property
    def ended(self) -> bool:
        """Return whether nothing more can come of it: it was closed, withdrawn or rejected before it was executed."""
        return bool(self.closing or (not self.executions and (self.withdrawal or self.rejection)))

    @property
    def execution(self) -> Execution | None:
        """Return the newest execution."""
        return self.executions[-1] if self.executions else None

    @property
    def run(self) -> str | None:
        """Return the newest run."""
        return self.executions[-1].run if self.executions else None

    @property
    def running(self) -> Execution | None:
        """Return the execution whose end nothing tells."""
        return self.executions[-1] if self.executions and self.executions[-1].running else None

    @property
    def remainder(self) -> tuple[str, ...]:
        """Return the hosts that are still to be done, sorted; all of them where no execution has ended.

        Where it was carried out and nobody knows how the host is, it is not repeated by itself.
        """
        behind = {host for one in self.executions for end in ("done", "unsure") for host in one.hosts.get(end, ())}
        return tuple(host for host in self.hosts if host not in behind)

    @property
    def begun(self) -> bool:
        """Return whether an execution came to a host, or goes on."""
        return not all(one.idle for one in self.executions)

    @property
    def infeasible(self) -> tuple[str, ...]:
        """Return the checks of its feasibility that did not pass when it was requested."""
        found = self.steps[0].body.get("feasibility") or ()
        return tuple(str(one.get("check")) for one in found if one.get("passed") is False)

    @property
    def succeeded(self) -> bool:
        """Return whether the last execution did what it was to do, as far as it came, and that was verified."""
        verified = self.verification is not None and self.verification.body.get("passed") is True
        return verified and self.begun and self.executions[-1].outcome in ("done", *CONTINUED)

    @property
    def failed_verification(self) -> bool:
        """Return whether the last word on what was executed is that it is not as it should be."""
        return self.verification is not None and self.verification.body.get("passed") is False

    def telling(self, state: str) -> str:
        """Return the key of the words for a state of it: where the verification failed, they say so."""
        return f"{state} failed" if state in ("verified", "closed") and self.failed_verification else state

    def attending(self, moment: datetime) -> tuple[Attendance, ...]:
        """Return who was signed in at a moment."""
        return tuple(one for one in self.attendances if one.at(moment))

    def of_step(self, *names: str) -> tuple[Step, ...]:
        """Return the entries of some steps, oldest first."""
        return tuple(step for step in self.steps if step.name in names)
