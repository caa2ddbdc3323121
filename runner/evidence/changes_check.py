"""Verification of changes: who approved and attended them, and whether each step could follow what came before.

Judged once keys and people are known, entry by entry in the ledger's order, by the very rules that hold when a change
is approved and executed. Nothing is asked of the contract: the request's plan keeps what it asked for then. What a
sealed run says of itself is held against the change that it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from runner.change_fold import Changes
from runner.changes import AFTER_CLOSING, CLOCK_TOLERANCE, CONTINUED, KIND, Change, Step
from runner.evidence.approvals import (
    counting_approvals,
    involved,
    known_operator,
    proven,
    start_reasons,
    step_reasons,
)
from runner.evidence.canonical import canonical, digest
from runner.evidence.reading import LARGEST
from runner.evidence.sealing import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.change_rules import Reason
    from runner.evidence.finding import Finding
    from runner.evidence.keys import Keyring
    from runner.evidence.run_files import RunFiles
    from runner.evidence.seen_entries import SeenEntry

#: Between the moment that an entry tells of and that at which it was written, where both are of one act.
_AT_ONCE = timedelta(minutes=10)

#: What somebody decides with a step; the last three need no proof, since they only stop something.
_DECISIONS = {
    "approved": "the approval of change",
    "signed-in": "the presence at change",
    "verified": "the verification of change",
    "rejected": "the rejection of change",
    "signed-out": "the sign-out from change",
    "withdrawn": "the withdrawal of change",
}
_STOPPING = ("rejected", "signed-out", "withdrawn")


@dataclass(frozen=True)
class Ended:
    """An execution whose end an entry tells: the entry, the hosts that were to be done, and where its run lies."""

    entry: SeenEntry
    planned: tuple[str, ...]
    files: RunFiles


class ChangesCheck:
    """Gathers the entries of changes, then judges them."""

    def __init__(self) -> None:
        self._entries: list[SeenEntry] = []
        self._runs: dict[str, SeenEntry] = {}
        self._started: dict[str, int] = {}
        self._found = Changes()
        #: What was executed and sealed, for whoever judges by the observations how it ended.
        self.ended: list[Ended] = []
        self.remarks: list[Finding] = []

    def note(self, entry: SeenEntry) -> None:
        """Remember an entry of a change, and which runs are listed."""
        if entry.kind == KIND and entry.body:
            self._entries.append(entry)
        elif entry.kind == "run" and entry.body:
            self._runs.setdefault(str(entry.body["run"]), entry)

    def findings(self, keyring: Keyring, files: Callable[[str], RunFiles]) -> Iterator[Finding]:
        """Yield every entry of a change that is wrong, by what is known of keys and people, and where runs lie."""
        requests: dict[str, SeenEntry] = {}
        for entry in self._entries:
            try:
                yield from self._of_entry(entry, keyring, files)
                requests.setdefault(str(entry.body["change"]), entry)
            except Exception as error:  # noqa: BLE001 - whatever one entry says, the others are looked at
                yield entry.finding(f"is not what weibao writes: {type(error).__name__}: {error}", "change")
        yield from self._without_change()
        for number, change in self._found.items():
            starts = [one.start for one in change.executions]
            if change.emergency and starts and not change.enough(counting_approvals(change, keyring)):
                words = f"emergency change {number} started in entry {starts[0].sequence}, and its approval is owed"
                self.remarks.append(requests[number].finding(words, "approval_owed"))

    def _without_change(self) -> Iterator[Finding]:
        """Yield each run of a change that no entry starts, and each that changed hosts and is of no change."""
        for run, entry in self._runs.items():
            number = entry.body.get("change")
            if number is not None and run not in self._started:
                yield entry.finding(f"lists a run under change {number}, which no entry starts", "change")
            elif number is None and entry.body.get("changes_hosts") and not entry.body.get("routine"):
                yield entry.finding("lists a run that changed hosts under no change", "change")

    def _of_entry(self, entry: SeenEntry, keyring: Keyring, files: Callable[[str], RunFiles]) -> Iterator[Finding]:
        number, step = str(entry.body["change"]), str(entry.body["step"])
        before = self._found.get(number)
        after = self._found.take((entry.sequence, entry.kind, str(entry.content["time"]), entry.body, entry.signer))
        if step == "requested":
            if before:
                yield entry.finding(f"requests change {number}, which entry {before.entry} requested already", "change")
            elif after:
                yield from (entry.finding(problem, "change") for problem in _requested(after, keyring))
            return
        if before is None:
            yield entry.finding(f"tells of change {number}, which no entry before it requests", "change")
            return
        problems = [*self._order(before, after, entry), *self._executed(before, entry, files)]
        yield from (entry.finding(problem, "change") for problem in problems)
        if after:
            yield from self._people(entry, before, after, keyring)

    # -- what a step follows --------------------------------------------------------------------------------

    def _order(self, before: Change, after: Change | None, entry: SeenEntry) -> Iterator[str]:
        """Yield how a step does not follow what came before; ``after`` is None where the fold took nothing of it."""
        number, body, name = before.number, entry.body, str(entry.body["step"])
        if before.closing and name not in AFTER_CLOSING:
            yield f"{name} comes after change {number} was closed in entry {before.closing.sequence}"
        elif name == "executed" and after is None:
            yield f"tells the end of run {body['run']}, which change {number} did not start, or which had ended"
        elif name == "verified" and (before.running or body["run"] != before.run):
            yield f"verifies run {body['run']} of change {number}, which is not the one that was executed"
        elif name == "signed-out" and all(
            one.out or one.supervisor != body["supervisor"] for one in before.attendances
        ):
            yield f"signs {body['supervisor']} out from change {number}, who was not signed in"
        elif name in ("rejected", "withdrawn") and before.executions:
            yield f"{name} comes after change {number} was executed"
        elif name == "closed" and body.get("event") and not before.succeeded:
            yield f"closes change {number} as done, which was not executed, or not verified as it should be"
        elif name == "started" and after:
            yield from self._starts(before, after.steps[-1])

    def _starts(self, before: Change, step: Step) -> Iterator[str]:
        number, run, last = before.number, str(step.body["run"]), before.execution
        if run in self._started:
            yield f"starts run {run}, which entry {self._started[run]} started already"
        self._started.setdefault(run, step.sequence)
        if step.body["digest"] != before.digest:
            yield f"starts change {number} with {str(step.body['digest'])[:16]}…, which was not requested"
        if not -CLOCK_TOLERANCE <= step.time - step.at <= _AT_ONCE:
            yield f"starts change {number} at {step.at.isoformat()}, but was written at {step.time.isoformat()}"
        if last and last.outcome and (last.outcome not in CONTINUED or not before.remainder):
            yield f"starts change {number} again, of which run {last.run} ended as {last.outcome}"

    # -- what was executed ----------------------------------------------------------------------------------

    def _executed(self, before: Change, entry: SeenEntry, files: Callable[[str], RunFiles]) -> Iterator[str]:
        """Yield how the end of an execution differs from what was to be done, and from the run that did it."""
        body = entry.body
        if body["step"] != "executed" or before.running is None or before.running.run != body["run"]:
            return
        run, told = str(body["run"]), sorted(host for hosts in body["hosts"].values() for host in hosts)
        if told != sorted(before.remainder):
            yield f"tells of {', '.join(told) or 'no host'}, but run {run} was for {', '.join(before.remainder)}"
        listed = self._runs.get(run)
        if listed is None or listed.sequence >= entry.sequence:
            # One that was not begun may have left nothing.
            if body["outcome"] != "not begun" or any(body["hosts"].get(end) for end in body["hosts"] if end != "left"):
                yield f"tells the end of run {run}, which no entry before it lists"
            return
        if listed.body.get("change") != before.number:
            yield f"tells the end of run {run}, which {listed.name} does not list under change {before.number}"
        self.ended.append(Ended(entry, before.remainder, files(run)))
        yield from _other_run(before, run, _manifest(files(run)))

    # -- who decided ----------------------------------------------------------------------------------------

    def _people(self, entry: SeenEntry, before: Change, after: Change, keyring: Keyring) -> Iterator[Finding]:
        """Yield what is wrong with whoever approved, attended, verified, or executes."""
        number, step = before.number, after.steps[-1]
        if step.name == "started":
            named = (step.operator, *involved(step, keyring))
            against = start_reasons(before, keyring, step.at, *named, sequence=step.sequence)
            yield from _told(entry, (f"change {number} was started, but {reason}" for reason in against))
        if step.name not in _DECISIONS:
            return
        what = _DECISIONS[step.name]
        reasons = _reasons(after, step, keyring)
        yield from _told(entry, (f"{what} {number} does not count: {reason}" for reason in reasons))
        if not reasons:
            self._remark(entry, step, f"{what} {number}", keyring)

    def _remark(self, entry: SeenEntry, step: Step, what: str, keyring: Keyring) -> None:
        """Note on what lower assurance a decision rests."""
        by = step.by
        if not proven(step):
            if by != step.operator:
                words = f"{what} is told of {by} by {step.operator}, and nothing proves it"
                self.remarks.append(entry.finding(words, "unproved"))
            return
        if not step.body.get("signature"):
            words = f"{what} rests on a paper: {step.body.get('vouched_by')} vouches for it; look at the paper"
            self.remarks.append(entry.finding(words, "paper"))
        how = keyring.entering(by, entry.sequence)
        if how and how.on_paper:
            words = f"{what} is of somebody whom a paper put in force, in entry {how.entry}"
            self.remarks.append(entry.finding(words, "paper"))
        if how and not how.root and step.at < how.time:
            words = f"{what} is of {step.at:%Y-%m-%d}, before entry {how.entry} of {how.time:%Y-%m-%d} put"
            self.remarks.append(entry.finding(f"{words} who gave it in force", "early"))


def _requested(change: Change, keyring: Keyring) -> Iterator[str]:
    """Yield what is wrong with a request by itself."""
    step, number = change.steps[0], change.number
    if digest(canonical(dict(change.plan))) != change.digest:
        yield f"the digest of change {number} is not that of its plan"
    if change.requester != step.operator:
        yield f"change {number} is requested by {change.requester}, but entered by {step.operator}"
    if not known_operator(step.operator, step.at, keyring, step.sequence):
        yield f"change {number} is requested by {step.operator}, who is nobody in force"


def _reasons(change: Change, step: Step, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why the decision of the newest step does not count; none where it does."""
    if step.name in _STOPPING and not proven(step) and step.name != "signed-out":
        return ()
    return step_reasons(change, keyring)


def _manifest(files: RunFiles) -> Mapping[str, Any] | None:
    """Return what a sealed run says of itself; None where that cannot be read, which is told elsewhere."""
    try:
        with files.open(MANIFEST) as file:
            found = from_json(file.read(LARGEST))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _other_run(change: Change, run: str, manifest: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield in what a run that was made under a change is not what was approved."""
    if manifest is None:
        return
    plan, approval = change.plan, manifest.get("approval") or {}
    same = {
        "procedure": (manifest.get("procedure"), plan["procedure"]),
        "closure": (manifest["closure"]["digest"], plan["closure"]["digest"]),
        "digest": (approval.get("digest"), change.digest),
        "check": (manifest["arguments"]["check"], False),
    }
    for what, (ran, approved) in same.items():
        if ran != approved:
            yield f"run {run} is not what change {change.number} approves: its {what} is {ran}, not {approved}"
    if further := sorted(set(manifest["hosts"]) - set(change.remainder)):
        yield f"run {run} came to hosts that change {change.number} has not left: {', '.join(further)}"


def _told(entry: SeenEntry, problems: Iterable[str]) -> Iterator[Finding]:
    yield from (entry.finding(problem, "approval") for problem in problems)
