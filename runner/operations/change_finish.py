"""The end of an execution, told from its sealed run: by the program that made it or, where that died, by the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.changes import KIND
from runner.errors import BadInput
from runner.evidence.canonical import timestamp
from runner.evidence.sealing import is_damaged, marker_path, open_sealed
from runner.operations.attachments import writing
from runner.operations.book import Book
from runner.operations.change_entries import body_of, known_changes
from runner.operations.change_marker import abandoned, is_marked
from runner.operations.change_outcome import outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.changes import Change
    from runner.evidence.ledger import Entry, Ledger
    from runner.evidence.sealing import SealedRun
    from runner.operations.change_outcome import Outcome
    from runner.site import Site


#: Actions that touch no host.
_ON_CONTROLLER = ("change_gate", "meta", "ansible.builtin.meta", "ansible.builtin.validate_argument_spec")


@dataclass(frozen=True)
class Closed:
    """An execution whose program died, and what became of it."""

    change: str
    outcome: str

    def __str__(self) -> str:
        if self.outcome == "not begun":
            return f"change {self.change} was interrupted before it came to any host: it may be carried out again"
        if self.outcome == "interrupted":
            return f"change {self.change} was interrupted while it was carried out: closed so, it is not repeated"
        return f"change {self.change} was carried out ({self.outcome}), but not told: it is now"

    def as_dict(self) -> dict[str, str | None]:
        """Return the form that commands print as JSON."""
        return {"change": self.change, "outcome": self.outcome}


def finish(book: Ledger, site: Site, change: Change, run_id: str, who: Mapping[str, Any]) -> Entry:
    """Tell the ledger how an execution ended; of a run that left no trace, that it was not begun."""
    runs = site.runs_folder
    try:
        run = open_sealed(runs, run_id)
    except BadInput:
        run = None
    # What it did is not known where its evidence was lost; it is not told as if it had done nothing.
    lost = run is None and ((runs / run_id).exists() or is_damaged(marker_path(runs, run_id)))
    found = ended_as(change.remainder, run, lost=lost)
    ended = datetime.fromisoformat(run.manifest["ended"] if run else timestamp())
    at = ended.astimezone(change.window[0].tzinfo)
    return book.append(KIND, body_of(change, "executed", at, who, run=run_id, **found.as_dict()))


def ended_as(planned: Sequence[str], run: SealedRun | None, *, lost: bool = False) -> Outcome:
    """Return how an execution on planned hosts ended, by its sealed run, which may be ``lost``."""
    if run is None:
        return outcome_of(planned, None, (), planned if lost else ())
    return outcome_of(planned, run.manifest, run.observations(), _begun(run))


def _begun(run: SealedRun) -> Iterator[str]:
    """Yield the hosts on which a run that was stopped began a task; the gate's own run on the controller alone."""
    if not run.manifest["ending"]["stopped"]:
        return
    for event in run.events():
        data = event.get("event_data") or {}
        if event.get("event") == "runner_on_start" and data.get("task_action") not in _ON_CONTROLLER:
            yield str(data.get("host"))


def close_abandoned(site: Site, book: Ledger) -> Iterator[Closed]:
    """Close every execution whose program died, and yield what became of each, but of those still to be sealed.

    Raises OSError where the disk does not take it, MachineError where the ledger does not.
    """
    for marker in abandoned(site):
        if _is_to_be_sealed(site, marker.run_id):
            continue
        # Its entry ``started`` was written by whoever held the marker, so it is there by now if it ever will be.
        with writing(site):
            closed = [_close(site, book, one) for one in known_changes(site).values() if _of_run(one, marker.run_id)]
        marker.done()
        yield from closed


def close_unmarked(site: Site) -> list[Closed]:
    """Close every execution that has no marker any more, as after a backup was restored; nothing is known to run it.

    Raises MachineError where the ledger does not take it.
    """
    if not any(one.running for one in known_changes(site).values()):
        return []
    with writing(site):
        running = [(one, one.running.run) for one in known_changes(site).values() if one.running]
        left = [one for one, run in running if not (is_marked(site, run) or _is_to_be_sealed(site, run))]
        return [_close(site, Book(site), one) for one in left]


def _is_to_be_sealed(site: Site, run_id: str) -> bool:
    """Return whether another command seals a run at this moment, or the next one will."""
    marker = marker_path(site.runs_folder, run_id)
    return marker.exists() and not is_damaged(marker)


def _of_run(change: Change, run_id: str) -> bool:
    return change.running is not None and change.running.run == run_id


def _close(site: Site, book: Ledger, change: Change) -> Closed:
    """Tell the end of an execution that the ledger says began."""
    start = change.executions[-1].start
    entry = finish(book, site, change, str(start.body["run"]), start.body["operator"])
    return Closed(change.number, str(entry.body["outcome"]))
