"""Verification: the chain of entries, and every file that they name by hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import canonical, digest, digest_file
from runner.evidence.ledger import GENESIS, Entry, Ledger
from runner.evidence.sealing import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """What does not verify: the file, and how it differs."""

    file: str
    problem: str


def verify(ledger: Ledger, runs: Path) -> Iterator[Finding]:
    """Yield everything about a ledger and its runs that does not verify; nothing if all is well."""
    previous = GENESIS
    expected = 1
    listed: set[str] = set()
    for entry in ledger.entries():
        name = str(entry.path.relative_to(ledger.folder))
        yield from (Finding(name, problem) for problem in _entry_problems(entry, expected, previous))
        previous = entry.digest
        expected = entry.sequence + 1
        if entry.kind == "run" and _readable(entry):
            body = entry.body
            listed.add(str(body.get("run")))
            yield from _run_findings(runs, body, name)
    yield from _unlisted(runs, listed)


def _readable(entry: Entry) -> bool:
    try:
        return bool(entry.body)
    except MachineError:
        return False


def _entry_problems(entry: Entry, expected: int, previous: str) -> Iterator[str]:
    if entry.sequence != expected:
        yield f"number {entry.sequence} where {expected} is due"
    try:
        content = entry.content
    except MachineError as error:
        yield str(error).partition(": ")[2]
        return
    if canonical(content) != entry.raw:
        yield "is not canonical: its bytes were changed"
    if content.get("sequence") != entry.sequence or content.get("kind") != entry.kind:
        yield "number or kind inside differ from the file's name"
    if content.get("previous") != previous:
        yield f"names {str(content.get('previous'))[:16]}… as the entry before it, which is {previous[:16]}…"


def _run_findings(runs: Path, body: dict[str, Any], entry: str) -> Iterator[Finding]:
    run_id = str(body.get("run"))
    path = runs / run_id / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError:
        yield Finding(f"{run_id}/{MANIFEST}", f"missing, but named by {entry}")
        return
    if digest(raw) != body.get("manifest_sha256"):
        yield Finding(f"{run_id}/{MANIFEST}", f"differs from what {entry} names")
    try:
        files = json.loads(raw)["files"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Finding(f"{run_id}/{MANIFEST}", "is not a manifest")
        return
    for name, named in files:
        file = path.parent / name
        if not file.is_file():
            yield Finding(f"{run_id}/{name}", "missing, but named by its manifest")
        elif digest_file(file) != named.get("sha256"):
            yield Finding(f"{run_id}/{name}", "differs from what its manifest names")


def _unlisted(runs: Path, listed: set[str]) -> Iterator[Finding]:
    """Yield every run's folder that no entry names, unless the run still goes on."""
    if not runs.is_dir():
        return
    going_on = {marker.stem for marker in (runs / ".open").glob("*.json")}
    for folder in sorted(runs.iterdir()):
        if folder.is_dir() and folder.name not in listed and folder.name not in going_on and folder.name != ".open":
            yield Finding(folder.name, "no entry names this run")
