"""Use case: what an earlier program left when it died is ended, sealed and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.evidence.canonical import digest_file
from runner.evidence.events import Ending, EventStream, Reason, Verdict
from runner.evidence.ledger import Ledger
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import (
    EVENTS,
    MANIFEST,
    OBSERVATIONS,
    AbandonedRun,
    abandoned_runs,
    open_sealed,
    read_lines,
    seal,
)
from runner.operations.manifest import entry_body, manifest_of

if TYPE_CHECKING:
    from runner.site import Site


def recover(site: Site) -> list[str]:
    """Seal as interrupted, and list, every run whose program died; return their ids.

    Processes that such a run left on this machine are ended first. Work that had already started on a
    host may have finished there: the record says that the run was interrupted, not that nothing happened.
    """
    return [_recover(site, run) for run in abandoned_runs(site.runs_folder)]


def _recover(site: Site, run: AbandonedRun) -> str:
    # Imported only now: in nearly every command nothing is to be ended.
    from runner.execution.processes import end_processes, remove_private_folders  # noqa: PLC0415

    end_processes(run.run_id)
    remove_private_folders(run.run_id)
    ledger = Ledger(site.ledger_folder, site.name)
    if not run.sealed:
        run.salvage()
        seal(run.folder, manifest_of(run.intent, *_replay(run), None))
    if not _listed(ledger, run):
        manifest = open_sealed(site.runs_folder, run.run_id).manifest
        ledger.append("run", entry_body(manifest, digest_file(run.folder / MANIFEST)))
    run.listed()
    return run.run_id


def _replay(run: AbandonedRun) -> tuple[EventStream, Verdict]:
    stream = EventStream(Redactor({}))
    for event in read_lines(run.folder / EVENTS):
        stream.take(event)
    for observation in read_lines(run.folder / OBSERVATIONS):
        stream.levels[observation["level"]] = stream.levels.get(observation["level"], 0) + 1
    verdict = stream.verdict(Ending(stopped=Reason("interrupted")), run.intent["observations_owed"])
    return stream, verdict


def _listed(ledger: Ledger, run: AbandonedRun) -> bool:
    """Return whether the ledger has the run already, looking only at what came after the run began."""
    for entry in ledger.newest_first():
        if entry.sequence <= run.intent["head"]:
            return False
        if entry.kind == "run" and entry.body.get("run") == run.run_id:
            return True
    return False
