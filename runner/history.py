"""Looking back over a site's runs: entries of the ledger, newest first, past what cannot be read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.evidence.ledger import Ledger


def runs_of(ledger: Ledger, procedure: str) -> Iterator[dict[str, Any]]:
    """Yield what the ledger says of each run of a procedure, newest first.

    A damaged entry is found by ``ledger verify``; it must not stop the work, so it is passed over here.
    """
    for entry in ledger.newest_first():
        with suppress(MachineError):
            if entry.kind == "run" and entry.body.get("procedure") == procedure:
                yield entry.body


def is_whole(body: Mapping[str, Any]) -> bool:
    """Return whether an entry is of a complete run over the whole site that was no mere check."""
    return body.get("verdict") == "complete" and body.get("limit") is None and not body.get("check")


def last_whole_run(ledger: Ledger, procedure: str) -> dict[str, Any] | None:
    """Return what the ledger says of the newest whole run of a procedure."""
    return next((body for body in runs_of(ledger, procedure) if is_whole(body)), None)
