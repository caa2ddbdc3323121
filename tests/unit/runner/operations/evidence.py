"""Sealed runs for tests: written, sealed and listed as the program does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from module_utils.observations import Observation
from runner.evidence.canonical import digest_file, timestamp
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import MANIFEST, OpenRun, SealedRun, entry_body, seal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_NUMBERS = count(1)


def sealed_run(
    state: Path,
    found: dict[str, list[Observation]],
    *,
    ago: timedelta = timedelta(0),
    outcomes: dict[str, str] | None = None,
    reasons: list[dict[str, Any]] | None = None,
    verdict: str = "complete",
    limit: str | None = None,
    procedure: str = "inspect",
    approval: dict[str, Any] | None = None,
) -> SealedRun:
    """Seal and list a run, of ``inspect`` by default, that found these observations on each host."""
    started = timestamp(NOW - ago)
    run = OpenRun(state / "runs", f"run-{next(_NUMBERS):03d}", {})
    for host, observations in found.items():
        for one in observations:
            run.observations.write(json.dumps({"host": host, "time": started, **one._asdict()}))
    run.close_files()
    hosts = dict.fromkeys(found, "ok") | (outcomes or {})
    manifest = {
        "run": run.run_id,
        "procedure": procedure,
        "approval": approval,
        "started": started,
        "ended": started,
        "site": state.name,
        "obligations": [],
        "operator": {"login": "root", "name": None},
        "arguments": {"check": False, "limit": limit},
        "levels": {},
        "hosts": {host: {"outcome": outcome, "message": None} for host, outcome in hosts.items()},
        "verdict": {"state": verdict, "reasons": reasons or [], "missed": []},
    }
    sealed = seal(run.folder, manifest)
    Ledger(state / "ledger", state.name).append("run", entry_body(sealed.manifest, digest_file(run.folder / MANIFEST)))
    run.listed()
    return sealed
