"""What `weibao ledger verify` finds, for tests of whatever appends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runner.evidence.finding import Finding
from runner.evidence.ledger import Ledger
from runner.evidence.verify import Folders, Verification


def verify(
    ledger: Ledger, runs: Path, attachments: Path | None = None, documents: Path | None = None
) -> Iterator[Finding]:
    """Everything about a ledger and what it names that does not verify."""
    return Verification(ledger, Folders(runs, attachments, documents)).findings()
