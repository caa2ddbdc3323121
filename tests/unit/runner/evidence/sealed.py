"""Runs for tests, sealed and listed as the program does it, from the events of a small playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from module_utils.observations import observe
from runner.evidence.canonical import digest_file, timestamp
from runner.evidence.events import Ending, EventStream
from runner.evidence.ledger import Entry, Ledger
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import MANIFEST, OpenRun, SealedRun, entry_body, seal
from runner.operations.manifest import manifest_of

GOOD = Ending(return_code=0, status="successful")
OBSERVATION = dict(observe({}, "filesystem.used", "/", 12.5, "percent")._asdict())


def event(counter: int, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "counter": counter,
        "uuid": str(counter),
        "event": kind,
        "created": "2026-11-21T00:00:00Z",
        "event_data": data,
    }


def events_of(*hosts: str, unreachable: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The events of a run in which every host delivered one observation, and some could not be reached."""
    events = [event(1, "playbook_on_start"), event(2, "playbook_on_task_start", task="Inspect")]
    for host in hosts:
        result = {"changed": False, "observations": [OBSERVATION]}
        events.append(event(len(events) + 1, "runner_on_ok", host=host, res=result))
    for host in unreachable:
        events.append(event(len(events) + 1, "runner_on_unreachable", host=host, res={"msg": "no route to host"}))
    everybody = dict.fromkeys((*hosts, *unreachable), 1)
    counts = {"ok": dict.fromkeys(hosts, 1), "dark": dict.fromkeys(unreachable, 1), "processed": everybody}
    return [*events, event(len(events) + 1, "playbook_on_stats", **counts)]


def seal_run(
    runs: Path,
    run_id: str,
    events: list[dict[str, Any]] | None = None,
    ending: Ending = GOOD,
    hosts: tuple[str, ...] = (),
    /,
    **told: Any,
) -> SealedRun:
    """Seal a run; ``hosts`` were meant, whatever the events say, and ``told`` differs from what is in the manifest."""
    run = OpenRun(runs, run_id, {})
    stream = EventStream(Redactor({}))
    for one in events_of("web-1", "web-2") if events is None else events:
        line, observations = stream.take(one)
        run.events.write(line)
        for observation in observations:
            run.observations.write(observation)
    run.close_files()
    stream.expect(hosts)
    intent = {
        "run": run_id,
        "site": "test",
        "procedure": "inspect",
        "obligations": ["A18"],
        "operator": {"login": "root", "name": None},
        "started": timestamp(),
        "arguments": {"limit": None, "check": False, "occurrences": None},
        "observations_owed": True,
    }
    sealed = seal(run.folder, {**manifest_of(intent, stream, ending, Redactor({})), **told})
    run.listed()
    return sealed


def list_run(ledger: Ledger, run: SealedRun, /, **told: Any) -> Entry:
    """List a sealed run; ``told`` differs from what its manifest says."""
    return ledger.append("run", {**entry_body(run.manifest, digest_file(run.folder / MANIFEST)), **told})
