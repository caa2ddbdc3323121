"""A change as facts for its documents: what the ledger says of it, what its sealed runs did, for whom and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from reports.documents.inspection_record import Issue, Parties
from reports.text import natural
from runner.changes import HOST_ENDS
from runner.evidence.canonical import canonical, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from reports.document import LedgerHead
    from reports.documents.change_run import ChangeRun
    from runner.changes import Attendance, Change, Step
    from runner.contract.model import Contract
    from runner.contract.people import Person

#: What assures an approval or an attendance, from the best.
ASSURANCES = ("signature", "paper", "word")

#: What became of hosts that are not known to be done; those come first with which nothing was begun.
UNDONE = ("left", *(end for end in HOST_ENDS if end not in ("done", "left")))


@dataclass(frozen=True)
class Decision:
    """An approval, a rejection or the withdrawal of a change; ``stale`` where it is not about the plan as it stands.

    ``doubts`` are the reasons why it does not count, codes with parameters.
    """

    step: Step
    decision: str
    by: str
    reason: str
    assurance: str
    vouched_by: str
    stale: bool = False
    doubts: tuple[Mapping[str, Any], ...] = ()

    @property
    def counts(self) -> bool:
        """Return whether it approves the plan as it stands."""
        return self.decision == "approved" and not self.stale and not self.doubts


@dataclass(frozen=True)
class ChangeRecord:
    """One change at a moment; ``runs`` are its sealed executions, the oldest first, as far as they can be read.

    ``preview`` is the sealed run in check mode.
    ``doubts`` tell by entry why an approval, a presence or the last verification does not count.
    """

    issue: Issue
    parties: Parties
    site: str
    created: datetime
    change: Change
    runs: tuple[ChangeRun, ...] = ()
    ledger: LedgerHead | None = None
    doubts: Mapping[int, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    preview: ChangeRun | None = None

    @property
    def state(self) -> str:
        """Return how the change stands."""
        return self.change.state(self.created, [one for one in self.change.approvals if not self.doubts_of(one.step)])

    def text(self, key: str) -> str:
        """Return a text of the plan, empty where there is none."""
        return str(self.change.plan.get(key) or "").strip()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts that it is for, as people sort them."""
        return tuple(sorted(self.change.hosts, key=natural))

    @property
    def plan_steps(self) -> tuple[tuple[str, float | None], ...]:
        """Return the steps of the plan, each with its minutes where they are told."""
        return tuple((str(one["name"]), one.get("minutes")) for one in self.change.plan["steps"])

    @property
    def batches(self) -> tuple[int, ...]:
        """Return how many hosts each batch has."""
        return batch_sizes(self.change.plan.get("batches") or (), len(self.hosts))

    @property
    def batch_hosts(self) -> tuple[tuple[str, ...], ...]:
        """Return the hosts of each batch, as the preview came to them; nothing where it did not come to just these."""
        order = self.preview.order if self.preview else ()
        if set(order) != set(self.hosts):
            return ()
        ends = tuple(accumulate(self.batches))
        return tuple(order[end - size : end] for end, size in zip(ends, self.batches, strict=True))

    @property
    def asked(self) -> Mapping[str, Any]:
        """Return the body of the entry that requested it."""
        return self.change.steps[0].body if self.change.steps else {}

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Return every decision in the order in which they were made."""
        steps = self.change.of_step("approved", "rejected", "withdrawn")
        return tuple(_decision(step, self.change, self.doubts_of(step)) for step in steps)

    @property
    def refusals(self) -> tuple[Step, ...]:
        """Return what the gate refused."""
        return self.change.of_step("refused")

    def doubts_of(self, step: Step) -> tuple[Mapping[str, Any], ...]:
        """Return why a step does not count; nothing where it does."""
        return self.doubts.get(step.sequence, ())

    @property
    def verified(self) -> bool:
        """Return whether the last word on it is that all is well, and counts."""
        last = self.change.verification
        return bool(last and last.body.get("passed") and not self.doubts_of(last))

    @property
    def told_state(self) -> str:
        """Return the key of the words for how the change stands."""
        return self.change.telling(self.state)

    @property
    def attended(self) -> bool:
        """Return whether one presence that counts covers the whole of each execution that came to any host."""
        return self._covered(self.change.attendances)

    @property
    def left_after(self) -> bool:
        """Return whether that is so by presences alone whose end is recorded."""
        return self._covered([one for one in self.change.attendances if one.out])

    def _covered(self, attendances: Sequence[Attendance]) -> bool:
        there = [one for one in attendances if not self.doubts_of(one.step)]
        return all(
            run.idle or any(one.at(run.start.at) and one.at(run.end.at if run.end else self.created) for one in there)
            for run in self.change.executions
        )

    @property
    def verifications(self) -> tuple[Step, ...]:
        """Return every verification."""
        return self.change.of_step("verified")

    @property
    def outcome(self) -> str:
        """Return the outcome of the last execution; empty where there was none."""
        last = self.change.execution
        return (last.outcome or "running") if last else ""

    def ended_as(self, *ends: str) -> tuple[str, ...]:
        """Return the hosts that the executions left in one of these states of HOST_ENDS; the last word on each counts.

        What no execution names was not begun: those are ``left``.
        """
        last = {name: key for one in self.change.executions for key in HOST_ENDS for name in one.hosts.get(key, ())}
        return tuple(name for name in self.hosts if last.get(name, "left") in ends)

    @property
    def tried_back(self) -> tuple[str, ...]:
        """Return the hosts that the runs tried to lead back without success, or nobody knows of any."""
        tried = {step.host for run in self.runs for step in run.steps if step.way_back}
        return tuple(name for name in self.hosts if name in tried and name not in self.ended_as("rolled_back"))

    def host_digest(self, name: str) -> str:
        """Return one digest of all that was told of a host's variables, for people to compare."""
        return digest(canonical(self.change.plan["hosts"][name]))

    @property
    def given(self) -> int:
        """Return how many different people have approved the plan as it stands, as far as that counts."""
        return len({one.by for one in self.decisions if one.counts})

    @property
    def approval_owed(self) -> datetime | None:
        """Return until when the approvals of an emergency change that was carried out are owed; None where none are."""
        due = [until for one in self.change.executions for until in (one.start.body.get("due") or {}).values()]
        return min(map(datetime.fromisoformat, due), default=None) if self.given < self.change.rules.approvals else None

    @property
    def approval_number(self) -> tuple[str, tuple[int, ...]]:
        """Return the number of the approval: that of the change, and the entries that approve its plan."""
        entries = [one.step.sequence for one in self.decisions if one.counts]
        return self.change.number, tuple(entries)


@dataclass(frozen=True)
class About:
    """What a document about a change needs beside it; ``day`` is that of ``created`` in the site's own zone."""

    site: str
    contract: Contract
    people: Sequence[Person]
    created: datetime
    day: date
    issue: Issue
    prepared_by: str = ""
    ledger: LedgerHead | None = None


def change_record(
    change: Change,
    about: About,
    runs: Sequence[ChangeRun] = (),
    doubts: Mapping[int, tuple[Mapping[str, Any], ...]] | None = None,
    preview: ChangeRun | None = None,
) -> ChangeRecord:
    """Return the record of a change as its documents tell it."""
    contract = about.contract
    prepared = about.prepared_by or change.requester

    def holder(duty: str) -> str | None:
        found = (one.name for one in about.people if one.duty == duty and one.valid_on(about.day))
        return next((name for name in found if name != prepared), None)

    parties = Parties(
        contract=f"{contract.number} {contract.title}",
        system=contract.system,
        provider=contract.provider.name,
        purchaser=contract.purchaser.name,
        inspector=prepared,
        reviewer=holder("project manager"),
        approver=next((one.by for one in change.approvals), None) or holder("purchaser approver"),
    )
    return ChangeRecord(
        about.issue, parties, about.site, about.created, change, tuple(runs), about.ledger, doubts or {}, preview
    )


def _decision(step: Step, change: Change, doubts: Sequence[Mapping[str, Any]]) -> Decision:
    body = step.body
    digest = body.get("digest")
    return Decision(
        step,
        step.name,
        str(body.get("by") or step.operator),
        str(body.get("reason") or ""),
        assurance_of(step),
        str(body.get("vouched_by") or ""),
        stale=digest is not None and digest != change.digest,
        doubts=tuple(doubts),
    )


def assurance_of(step: Step) -> str:
    """Return what assures a step, one of ASSURANCES: a key's signature, a paper that was scanned, or neither."""
    if step.body.get("signature"):
        return "signature"
    return "paper" if step.body.get("attachments") else "word"


def papers_of(step: Step) -> tuple[str, ...]:
    """Return the names of the papers that a step names."""
    return tuple(str(one.get("name")) for one in step.body.get("attachments") or ())


def supervisors_of(record: ChangeRecord) -> tuple[str, ...]:
    """Return who was there, or where nobody was yet, who is to be."""
    present = dict.fromkeys(one.supervisor for one in record.change.attendances)
    named = record.text("supervisor")
    return tuple(present) or ((named,) if named else ())


def batch_sizes(asked: Sequence[int | str], hosts: int) -> tuple[int, ...]:
    """Return how many hosts each batch has: figures and parts of all, the last one again until all are in one.

    Ansible's own rule for ``serial``: a part is rounded down, and no batch is smaller than one host.
    """
    sizes: list[int] = []
    left, wanted = hosts, list(asked) or [hosts]
    while left > 0:
        one = wanted[min(len(sizes), len(wanted) - 1)]
        size = int(float(str(one).rstrip("%")) / 100 * hosts) if str(one).endswith("%") else int(one)
        sizes.append(min(max(1, size), left))
        left -= sizes[-1]
    return tuple(sizes)
