"""Who has been told what: a fold over the ledger's entries of kind ``notification``.

An entry's body says to which ``channel`` which ``event`` of which ``run`` was told, whether it was ``delivered``, and
what it was about: ``findings`` as [host, check, subject], or the digest of a ``failure``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import canonical, digest, parse_timestamp
from runner.history import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.evidence.ledger import Entry, Ledger

KIND = "notification"

#: How far back the ledger is read: what was told before counts as forgotten.
LOOK_BACK = 2000

#: How many failed runs in a row are looked at for a failure that could not be told.
FAILED_RUNS = 20

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Told:
    """One entry: what a channel was told, or could not be told, and when."""

    channel: str
    event: str
    run: str
    time: datetime
    delivered: bool
    findings: frozenset[Key]
    failure: str | None


@dataclass(frozen=True)
class History:
    """What the ledger says of runs and notifications, the newest first: ``steps`` are Told or the body of a run."""

    steps: tuple[Told | Mapping[str, Any], ...]

    def knows(self, channel: str, key: Key, status: str, run: str) -> bool:
        """Return whether a channel need not be told of an exception that is critical now.

        ``status`` is how it stands to the last look. What was there before is told only if the channel has not been
        told yet; what is new, only if no run from this one on (their ids sort by time) has told it.
        """
        for step in self.steps:
            if isinstance(step, Told) and step.channel == channel and key in step.findings:
                return step.delivered and (status == "same" or step.run >= run)
        return False

    def knows_failure(self, channel: str, procedure: str, failure: str, since: datetime | None) -> bool:
        """Return whether a channel was told of this very failure, with no whole run in between.

        What it was told before ``since`` counts as forgotten.
        """
        for step in self.steps:
            if not isinstance(step, Told):
                if step.get("procedure") == procedure and is_whole(step):
                    return False
            elif step.channel == channel and step.failure == failure:
                return step.delivered and (since is None or step.time >= since)
        return False

    def failed_runs(self, procedure: str) -> list[str]:
        """Return the newest runs of a procedure since its last whole one, the newest first.

        A complete run of some hosts, or a mere check, says nothing of what went wrong on the others.
        """
        runs = (step for step in self.steps if not isinstance(step, Told) and step.get("procedure") == procedure)
        since = takewhile(lambda step: not is_whole(step), runs)
        return [str(step.get("run")) for step in islice(since, FAILED_RUNS)]


def history_of(ledger: Ledger) -> History:
    """Return the newest entries of a ledger, past those that cannot be read."""
    return History(tuple(_steps(islice(ledger.newest_first(), LOOK_BACK))))


def _steps(entries: Iterable[Entry]) -> Iterable[Told | Mapping[str, Any]]:
    for entry in entries:
        with suppress(MachineError, KeyError, ValueError, TypeError):
            if entry.kind == "run":
                yield entry.body
            elif entry.kind == KIND:
                yield _told(entry)


def _told(entry: Entry) -> Told:
    body = entry.body
    return Told(
        channel=body["channel"],
        event=body["event"],
        run=body["run"],
        time=parse_timestamp(str(entry.content["time"])),
        delivered=body["delivered"],
        findings=frozenset((host, check, subject) for host, check, subject in body["findings"]),
        failure=body["failure"],
    )


def failure_of(manifest: Mapping[str, Any]) -> str | None:
    """Return what makes a failed run the same as another: its procedure, state, and reasons with their hosts.

    None for a run that is complete, and for one that a person cancelled, who knows already.
    """
    verdict = manifest["verdict"]
    codes = {reason["code"] for reason in verdict["reasons"]}
    if verdict["state"] == "complete" or "cancelled" in codes:
        return None
    reasons = [[reason["code"], reason["parameters"].get("hosts")] for reason in verdict["reasons"]]
    return digest(canonical({"procedure": manifest["procedure"], "state": verdict["state"], "reasons": reasons}))


def forgotten_before(now: datetime, repeat_hours: float) -> datetime:
    """Return the moment before which a failure that was told is told again."""
    return now - timedelta(hours=repeat_hours)
