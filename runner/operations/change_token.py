"""What the gate on the hosts is told of a change: a file in the run's own folder, read anew before each batch.

    {schema_version, run, change, window_end, reserve_seconds, batch_seconds, rollback}

``window_end`` is ISO text in UTC; ``batch_seconds`` is how long a batch takes by the plan, at the least.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.changes import least_minutes
from runner.errors import MachineError
from runner.evidence.canonical import canonical, replace, timestamp
from runner.execution.frozen import CHANGE_FILE
from runner.execution.processes import private_folders
from runner.operations.change_marker import is_marked

if TYPE_CHECKING:
    from datetime import datetime

    from runner.changes import Change
    from runner.site import Site

SCHEMA_VERSION = 1


def token_of(change: Change, run_id: str, closes: datetime) -> dict[str, Any]:
    """Return what the gate on the hosts is told; ``closes`` is when the window ends for this run."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run_id,
        "change": change.number,
        "window_end": timestamp(closes),
        "reserve_seconds": int(change.reserve.total_seconds()),
        "batch_seconds": int(least_minutes(change.plan) * 60),
        "rollback": change.plan["rollback"],
    }


def end_window(site: Site, run_id: str, moment: datetime) -> None:
    """Let a run begin no further batch: for it, the window ends at a moment.

    What the gate is told lies there from before the entry ``started`` until after ``executed``. Raises MachineError
    where a run goes on and cannot be told.
    """
    if not _told(run_id, moment) and is_marked(site, run_id):
        raise MachineError(
            f"run {run_id} could not be told that its window has ended, and may begin further batches: "
            "end it where it was started (Ctrl-C)"
        )


def _told(run_id: str, moment: datetime) -> bool:
    """Return whether a run has what the gate is told; then it tells that the window has ended."""
    told = False
    for folder in private_folders(run_id):
        path = folder / CHANGE_FILE
        with suppress(OSError, ValueError):
            replace(path, canonical({**json.loads(path.read_bytes()), "window_end": timestamp(moment)}))
            told = True
    return told
