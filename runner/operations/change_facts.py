"""What of changes counts for compliance: approvals that hold, in their number; success that somebody watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.change_fold import changes
from runner.evidence.approvals import approval_reasons, attendance_reasons, verification_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.change_fold import Line
    from runner.changes import Change, Execution
    from runner.evidence.keys import Keyring


def counting_changes(lines: Iterable[Line], keyring: Keyring) -> dict[int, Mapping[str, Any]]:
    """Return the bodies of entries that count otherwise than they say, by number, as they count.

    An approval answers what was asked for only with the one that completes their number, and none that does not hold.
    A success that nobody of the purchaser watched, where somebody must, leaves the supervision owed. What was rejected
    or withdrawn before anything was done was planned no more: nothing is owed for it.
    """
    found: dict[int, Mapping[str, Any]] = {}
    for change in changes(lines).values():
        if not change.executions and (change.withdrawal or change.rejection):
            first = change.steps[0]
            found[first.sequence] = {**first.body, "event": None}
        answering = {*_approving(change, keyring), *_watched(change, keyring)}
        for step in change.steps:
            if step.body.get("obligations") and step.name != "closed" and step.sequence not in answering:
                found[step.sequence] = {**step.body, "obligations": []}
    return found


def _approving(change: Change, keyring: Keyring) -> Iterator[int]:
    """Yield the number of the approval with which there are as many as the contract asks for."""
    names: set[str] = set()
    for one in change.approvals:
        if not approval_reasons(change, one, keyring):
            names.add(one.by)
            if len(names) >= change.rules.approvals:
                yield one.step.sequence
                return


def _watched(change: Change, keyring: Keyring) -> Iterator[int]:
    """Yield the number of the entry that verifies a success, where all of it was watched as the contract asks for."""
    verified = change.verification
    if verified is None or not change.succeeded or verification_reasons(change, verified, keyring):
        return
    if not change.rules.supervised or all(_is_watched(change, one, keyring) for one in change.executions):
        yield verified.sequence


def _is_watched(change: Change, one: Execution, keyring: Keyring) -> bool:
    """Return whether somebody who could was there from the beginning of an execution to its end.

    One that came to no host needs nobody.
    """
    if one.end is None or one.idle:
        return one.idle
    there = (attendance for attendance in change.attending(one.start.at) if attendance.at(one.end.at))
    return any(not attendance_reasons(change, attendance, keyring) for attendance in there)
