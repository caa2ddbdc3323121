"""The fold over the ledger's entries of kind ``change``: how each change follows from them. Pure: no clock, no files.

An entry that does not fit (a change that nobody requested, a number requested twice, a run that ended without having
started) changes nothing here; ``ledger verify`` finds it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.change_rules import Rules
from runner.changes import AFTER_CLOSING, KIND, Approval, Attendance, Change, Execution, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Line = tuple[int, str, str, Mapping[str, Any]] | tuple[int, str, str, Mapping[str, Any], str | None]


class Changes(dict[str, Change]):
    """Every change by its number, in the order in which they were requested, as far as entries were taken in."""

    def __init__(self) -> None:
        super().__init__()
        #: The steps that rest on a proof, with their change, by what proves them.
        self._proved: dict[str, list[tuple[str, Step]]] = {}

    def take(self, line: Line) -> Change | None:
        """Take one more entry in; return its change as it stands since, None where the entry fits none.

        Raises KeyError, TypeError or ValueError for an entry that is not what this program writes.
        """
        step = step_of(line)
        number = str(step.body["change"])
        step = replace(step, used=self._used(number, step))
        before = self.get(number)
        if step.name == "requested":
            after = _requested(number, step) if before is None else None
        else:
            after = _after(before, step) if before else None
        if after is None:
            return None
        self[number] = replace(after, steps=(*after.steps, step))
        for proof in _proofs(step):
            self._proved.setdefault(proof, []).append((number, step))
        return self[number]

    def _used(self, number: str, step: Step) -> int | None:
        """Return the number of the first entry that rests on what proves a step, too.

        One paper may hold the decisions of several people, all of them on one change and in one step.
        """
        for proof in _proofs(step):
            for other, earlier in self._proved.get(proof, ()):
                if (other, earlier.name) != (number, step.name) or earlier.by == step.by:
                    return earlier.sequence
        return None


def _proofs(step: Step) -> Iterator[str]:
    """Yield what proves a step: a signature, or the SHA-256 of papers."""
    if step.body.get("signature"):
        yield str(step.body["signature"])
    for one in step.body.get("attachments") or ():
        yield str(one["sha256"])


def changes(lines: Iterable[Line]) -> Changes:
    """Return every change.

    ``lines`` have number, kind, time as ISO text and body of entries, oldest first, and who signed them, such as
    EntryLine; other kinds are passed over. Raises KeyError, TypeError or ValueError for an entry that is not what this
    program writes.
    """
    found = Changes()
    for line in lines:
        if line[1] == KIND:
            found.take(line)
    return found


def step_of(line: Line) -> Step:
    """Return the step that an entry tells; raises KeyError, TypeError or ValueError where it is none."""
    body = line[3]
    moments = datetime.fromisoformat(body["at"]), datetime.fromisoformat(line[2])
    return Step(line[0], str(body["step"]), *moments, body, line[4] if len(line) == 5 else None)


def _requested(number: str, step: Step) -> Change:
    body = step.body
    case = body.get("case")
    return Change(
        number=number,
        entry=step.sequence,
        requested=step.at,
        requester=str(body["requester"]),
        request=body["request"],
        plan=body["plan"],
        digest=str(body["digest"]),
        rules=Rules.of(body["plan"]["terms"]),
        case=(str(case["kind"]), str(case["id"])) if case else None,
    )


def _after(change: Change, step: Step) -> Change | None:
    """Return a change after a step; None where the step cannot follow what came before."""
    follow = _FOLLOWING.get(step.name)
    return follow(change, step) if follow and (step.name in AFTER_CLOSING or not change.closing) else None


def _started(change: Change, step: Step) -> Change:
    """Begin an execution; what is verified is the last one, so a further one is to be verified anew."""
    started = Execution(str(step.body["run"]), step)
    return replace(change, executions=(*change.executions, started), verification=None)


def _executed(change: Change, step: Step) -> Change | None:
    running = change.running
    if running is None or running.run != step.body["run"]:
        return None
    hosts = {str(key): tuple(map(str, names)) for key, names in step.body["hosts"].items()}
    ended = replace(running, end=step, outcome=str(step.body["outcome"]), hosts=hosts)
    return replace(change, executions=(*change.executions[:-1], ended))


def _signed_in(change: Change, step: Step) -> Change:
    there = Attendance(step, str(step.body["supervisor"]), step.at)
    return replace(change, attendances=(*change.attendances, there))


def _signed_out(change: Change, step: Step) -> Change:
    who = str(step.body["supervisor"])
    there = (replace(one, out=step) if (one.supervisor, one.out) == (who, None) else one for one in change.attendances)
    return replace(change, attendances=tuple(there))


def _approval(change: Change, step: Step) -> Approval:
    """Return what an entry approves or rejects; raises KeyError, TypeError or ValueError where it is none."""
    body = step.body
    return Approval(
        step,
        "approved" if step.name == "approved" else "rejected",
        str(body["reason"]),
        change.rules.expires(step.at, change.window[1]),
    )


_FOLLOWING: Mapping[str, Callable[[Change, Step], Change | None]] = {
    "approved": lambda change, step: replace(change, approvals=(*change.approvals, _approval(change, step))),
    "rejected": lambda change, step: replace(change, rejection=change.rejection or _approval(change, step)),
    "withdrawn": lambda change, step: replace(change, withdrawal=change.withdrawal or step),
    "signed-in": _signed_in,
    "signed-out": _signed_out,
    "refused": lambda change, _step: change,
    "started": _started,
    "executed": _executed,
    "verified": lambda change, step: replace(change, verification=step),
    "closed": lambda change, step: replace(change, closing=step),
}
