"""Use case: what an earlier program left when it died is ended, sealed and listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import digest_file
from runner.evidence.events import Ending, EventStream, Reason
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import (
    EVENTS,
    MANIFEST,
    OBSERVATIONS,
    AbandonedRun,
    abandoned_runs,
    entry_body,
    open_sealed,
    read_lines,
    remove_unnamed_markers,
    seal,
)
from runner.evidence.verify import entry_of
from runner.operations.book import Book
from runner.operations.change_marker import has_markers
from runner.operations.manifest import manifest_of

if TYPE_CHECKING:
    from runner.operations.change_finish import Closed
    from runner.site import Site


@dataclass(frozen=True)
class Recovered:
    """A run that its program left unfinished: its verdict now, or None where nothing can be told of it."""

    run_id: str
    verdict: str | None

    def __str__(self) -> str:
        if self.verdict is None:
            return f"run {self.run_id} was left unfinished, and its marker is damaged: it stays as it is"
        if self.verdict == "incomplete":
            return f"run {self.run_id} was interrupted: sealed as incomplete"
        return f"run {self.run_id} was sealed as {self.verdict}, but not listed: it is now"

    def as_dict(self) -> dict[str, str | None]:
        """Return the form that commands print as JSON."""
        return {"run": self.run_id, "verdict": self.verdict}


def recover(site: Site) -> list[Recovered | Closed]:
    """Seal as interrupted, and list, every run whose program died, and end its change; return what became of each.

    Processes that such a run left on this machine are ended first. Work that had already started on a
    host may have finished there: the record says that the run was interrupted, not that nothing happened.
    Raises MachineError where the disk does not take it.
    """
    try:
        remove_unnamed_markers(site.runs_folder)
        sealed = [_recover(site, run) for run in abandoned_runs(site.runs_folder)]
        return [*sealed, *_closed(site)]
    except OSError as error:
        raise MachineError(f"{site.state}: an interrupted run cannot be sealed here: {error.strerror}") from error


def _closed(site: Site) -> list[Closed]:
    """End every change whose program died while it carried it out; nothing is carried out again."""
    if not has_markers(site):
        return []
    # Imported only now: in nearly every command nothing is to be ended.
    from runner.operations.change_finish import close_abandoned  # noqa: PLC0415

    return list(close_abandoned(site, Book(site)))


def _recover(site: Site, run: AbandonedRun) -> Recovered:
    # Imported only now: in nearly every command nothing is to be ended.
    from runner.execution.processes import end_processes, remove_private_folders  # noqa: PLC0415

    left = tuple(end_processes(run.run_id))
    remove_private_folders(run.run_id)
    if run.intent is None:
        run.lock.close()
        return Recovered(run.run_id, None)
    ledger = Book(site)
    if not run.sealed:
        run.salvage()
        seal(run.folder, _manifest(run.intent, run, left))
    manifest = open_sealed(site.runs_folder, run.run_id).manifest
    if entry_of(ledger, run.run_id, after=run.intent["head"]) is None:
        ledger.append("run", entry_body(manifest, digest_file(run.folder / MANIFEST)))
    run.listed()
    return Recovered(run.run_id, manifest["verdict"]["state"])


def _manifest(intent: dict[str, Any], run: AbandonedRun, left: tuple[int, ...]) -> dict[str, Any]:
    stream, ended = _replay(run)
    ending = Ending(stopped=Reason("interrupted"), left=left)
    return manifest_of(intent, stream, ending, None, ended or intent["started"])


def _replay(run: AbandonedRun) -> tuple[EventStream, str | None]:
    """Return what the recorded events say, and when the last of them happened."""
    stream = EventStream(Redactor({}), replayed=True)
    ended = None
    for event in read_lines(run.folder / EVENTS):
        stream.take(event)
        ended = event.get("created", ended)
    for observation in read_lines(run.folder / OBSERVATIONS):
        stream.levels[observation["level"]] = stream.levels.get(observation["level"], 0) + 1
    return stream, ended
