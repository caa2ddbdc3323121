"""Verification: the chain of entries, and every file that they name by hash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.canonical import canonical, digest, digest_file
from runner.evidence.finding import Finding
from runner.evidence.kept import ATTACHING, ISSUING, KeptFiles
from runner.evidence.ledger import GENESIS, Entry, Ledger
from runner.evidence.sealing import MANIFEST, SealedRun, open_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def verify(
    ledger: Ledger, runs: Path, attachments: Path | None = None, documents: Path | None = None
) -> Iterator[Finding]:
    """Yield everything about a ledger and what it names that does not verify; nothing if all is well.

    ``attachments`` and ``documents`` are the folders of the files that entries name by hash.
    """
    # Folders first, then markers, then entries: a run that is sealed meanwhile is then known from one of them.
    folders = sorted(path for path in runs.glob("*") if path.is_dir() and path.name != ".open")
    kept = [KeptFiles(attachments, ATTACHING)] if attachments else []
    kept += [KeptFiles(documents, ISSUING, shared=True)] if documents else []
    known = {marker.stem for marker in (runs / ".open").glob("*.json")}
    previous = GENESIS
    expected = 1
    for entry in ledger.entries():
        name = str(entry.path.relative_to(ledger.folder))
        yield from (Finding(name, problem) for problem in _guarded(_entry_problems(entry, expected, previous)))
        previous = entry.digest
        expected = entry.sequence + 1
        if entry.kind == "run" and _readable(entry):
            run_id = str(entry.body.get("run"))
            known.add(run_id)
            yield from run_findings(runs / run_id, entry)
        for files in kept:
            yield from files.findings(entry)
    for files in kept:
        yield from files.unnamed()
    yield from (Finding(folder.name, "no entry names this run") for folder in folders if folder.name not in known)


def run_findings(folder: Path, entry: Entry) -> Iterator[Finding]:
    """Yield every way in which a run's folder differs from what its entry names."""
    for problem in _guarded(_run_problems(folder, entry)):
        file, _, what = problem.partition(": ")
        yield Finding(f"{folder.name}/{file}", what)


def _guarded(problems: Iterator[str]) -> Iterator[str]:
    """Yield the problems; content so odd that looking at it fails is a problem itself."""
    try:
        yield from problems
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        yield f"{MANIFEST}: cannot be read: {error}"


def _readable(entry: Entry) -> bool:
    """Return whether an entry's file holds an entry; looking back, one that does not is passed over."""
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


def _run_problems(folder: Path, entry: Entry) -> Iterator[str]:
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError:
        yield f"{MANIFEST}: missing, but named by {entry.path.name}"
        return
    if digest(raw) != entry.body.get("manifest_sha256"):
        yield f"{MANIFEST}: differs from what {entry.path.name} names"
    for name, named in json.loads(raw)["files"].items():
        file = folder / name
        if not file.is_file():
            yield f"{name}: missing, but named by its manifest"
        elif digest_file(file) != named["sha256"]:
            yield f"{name}: differs from what its manifest names"


def entry_of(ledger: Ledger, run_id: str, after: int = 0) -> Entry | None:
    """Return the newest entry that lists a run, looking back no further than to the number ``after``."""
    for entry in ledger.newest_first():
        if entry.sequence <= after:
            return None
        if entry.kind == "run" and _readable(entry) and entry.body.get("run") == run_id:
            return entry
    return None


def verified_run(ledger: Ledger, runs: Path, run_id: str) -> SealedRun:
    """Return a sealed run that is what its entry says, byte by byte.

    Raises BadInput where no entry lists it, VerificationError naming each file that differs.
    """
    entry = entry_of(ledger, run_id)
    if entry is None:
        raise BadInput(f"no run {run_id!r} in the ledger of site {ledger.site}")
    findings = list(run_findings(runs / run_id, entry))
    if findings:
        raise VerificationError("\n".join(f"{one.file}: {one.problem}" for one in findings))
    return open_sealed(runs, run_id)
