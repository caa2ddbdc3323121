"""A run's folder: written while the run goes on, sealed by its manifest, never changed afterwards.

    runs/<run-id>/events.jsonl.gz        every event, redacted
    runs/<run-id>/observations.jsonl.gz  every observation
    runs/<run-id>/manifest.json          what ran, on what, with which result; names both by SHA-256

``runs/.open/<run-id>.json`` marks a run that is not sealed and listed yet. Its owner holds a lock on it,
so that the next command can tell a run that goes on from one whose program died.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError
from runner.evidence.canonical import canonical, digest_file, replace, sync_folder, write_new
from runner.evidence.holding import folder_held
from runner.evidence.reading import packed_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 1

EVENTS = "events.jsonl.gz"
OBSERVATIONS = "observations.jsonl.gz"
MANIFEST = "manifest.json"

#: How a marker is called before it bears the run's name.
_UNNAMED = ".new"

#: Less free space than this, and the evidence of a run may not fit.
FREE_BYTES = 64 * 1024 * 1024

#: A crash of the program loses at most this much of the event stream.
FLUSH_SECONDS = 0.5


class LineFile:
    """A gzipped file of lines that a crash cannot make unreadable: flushed to the system as it grows."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        path.chmod(0o600)
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=6, mtime=0)
        self._flushed = time.monotonic()

    def write(self, line: str) -> None:
        """Add one line; the newline is added here."""
        self._gzip.write(line.encode() + b"\n")
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hand what was written to the system: whoever kills the program from now on loses none of it."""
        self._gzip.flush(zlib.Z_SYNC_FLUSH)
        self._file.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """End the file; it is on the disk when this returns."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def salvage(path: Path) -> None:
    """Make a file of lines whole that a crash cut off: what can be read is kept, what comes after it is dropped."""
    kept = path.with_name(f".{path.name}.salvaged")
    kept.unlink(missing_ok=True)
    lines = LineFile(kept)
    if path.exists():
        for line in _readable_lines(path):
            lines.write(line)
    lines.close()
    kept.replace(path)


def _readable_lines(path: Path) -> Iterator[str]:
    inflate = zlib.decompressobj(wbits=31)
    rest, whole = b"", True
    with path.open("rb") as file:
        while whole and (chunk := file.read(1 << 16)):
            text, whole = _inflated(inflate, chunk)
            *lines, rest = (rest + text).split(b"\n")
            for line in lines:
                if not _is_object(line):
                    return
                yield line.decode()


def _inflated(inflate: zlib._Decompress, chunk: bytes) -> tuple[bytes, bool]:
    """Return what a chunk holds, up to where it is damaged, and whether it is whole: a power cut may leave zeros."""
    before = inflate.copy()
    with suppress(zlib.error):
        return inflate.decompress(chunk), True
    found = bytearray()
    with suppress(zlib.error):
        for byte in chunk:
            found += before.decompress(bytes((byte,)))
    return bytes(found), False


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each line's JSON; raises MachineError naming the file where it is damaged."""
    try:
        with path.open("rb") as file:
            yield from packed_lines(file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise MachineError(f"{path}: damaged: {error}") from error


@dataclass(frozen=True)
class SealedRun:
    """One sealed run, read back."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def run_id(self) -> str:
        """Return the id, which is also the folder's name."""
        return self.folder.name

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events in the order in which they happened."""
        yield from read_lines(self.folder / EVENTS)

    def observations(self) -> Iterator[dict[str, Any]]:
        """Yield the observations, each with its host, the event that it came with, and its time."""
        yield from read_lines(self.folder / OBSERVATIONS)


def open_sealed(runs: Path, run_id: str) -> SealedRun:
    """Return a sealed run by id; raises BadInput where there is none, MachineError where it is damaged."""
    folder = runs / run_id
    path = folder / MANIFEST
    if folder.parent != runs or not path.is_file():
        raise BadInput(f"no sealed run {run_id!r} in {runs}")
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise MachineError(f"{path}: damaged: {error}") from error
    return SealedRun(folder, manifest)


class OpenRun:
    """A run that goes on: its marker, locked by this process, and its growing files."""

    def __init__(self, runs: Path, run_id: str, intent: dict[str, Any]) -> None:
        """Create the marker and the folder; ``intent`` is what the next command needs to seal the run."""
        self.run_id = run_id
        self.folder = runs / run_id
        self.intent = intent
        self._marker = marker_path(runs, run_id)
        self._marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Locked before it bears its name, so that nobody can take it for a dead run's marker.
        temporary = self._marker.with_suffix(_UNNAMED)
        # Whoever makes a marker is alone, and what lies half made when the folder is held is a dead program's.
        with folder_held(self._marker.parent):
            temporary.unlink(missing_ok=True)
            write_new(temporary, canonical(intent))
            self._lock = temporary.open("rb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            temporary.rename(self._marker)
        sync_folder(self._marker.parent)
        self.folder.mkdir(mode=0o700)
        sync_folder(runs)
        self.events = LineFile(self.folder / EVENTS)
        self.observations = LineFile(self.folder / OBSERVATIONS)

    def close_files(self) -> None:
        """End both growing files."""
        self.events.close()
        self.observations.close()

    def listed(self) -> None:
        """Remove the marker: the run is sealed and in the ledger."""
        forget(self._marker, self._lock)


@dataclass(frozen=True)
class AbandonedRun:
    """A run whose program died before it was sealed and listed; this process now holds its lock.

    ``intent`` is None where the marker itself is damaged: then nobody can tell what the run was.
    """

    run_id: str
    folder: Path
    intent: dict[str, Any] | None
    marker: Path
    lock: IO[bytes]

    @property
    def sealed(self) -> bool:
        """Return whether only the ledger's entry may be missing."""
        return (self.folder / MANIFEST).exists()

    def salvage(self) -> None:
        """Make both files whole again as far as they were written."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for left in self.folder.glob(".*.tmp"):
            left.unlink()
        salvage(self.folder / EVENTS)
        salvage(self.folder / OBSERVATIONS)

    def listed(self) -> None:
        """Remove the marker: the run is sealed and in the ledger."""
        forget(self.marker, self.lock)


def marker_path(runs: Path, run_id: str) -> Path:
    """Return the marker of an open run."""
    return runs / ".open" / f"{run_id}.json"


def is_damaged(marker: Path) -> bool:
    """Return whether a marker is there and tells nothing of its run, so that nobody will ever seal it."""
    with suppress(FileNotFoundError):
        return _intent(marker.read_bytes()) is None
    return False


def forget(marker: Path, lock: IO[bytes]) -> None:
    """Remove a marker and let its lock go."""
    marker.unlink()
    sync_folder(marker.parent)
    lock.close()


def remove_unnamed_markers(runs: Path) -> None:
    """Remove what programs left that died before their run had a marker: nothing had begun."""
    folder = runs / ".open"
    if any(folder.glob(f"*{_UNNAMED}")):
        with folder_held(folder):
            for left in folder.glob(f"*{_UNNAMED}"):
                left.unlink()


def abandoned_runs(runs: Path) -> Iterator[AbandonedRun]:
    """Yield every open run whose program is dead, locked for the caller."""
    for marker in sorted((runs / ".open").glob("*.json")):
        try:
            lock = marker.open("rb")
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        if not marker.exists():
            lock.close()
            continue
        yield AbandonedRun(marker.stem, runs / marker.stem, _intent(lock.read()), marker, lock)


def _intent(raw: bytes) -> dict[str, Any] | None:
    try:
        intent = json.loads(raw)
    except ValueError:
        return None
    return intent if isinstance(intent, dict) else None


def seal(folder: Path, manifest: dict[str, Any]) -> SealedRun:
    """Complete a manifest with the hash and size of each file, and put it in place: the run is sealed."""
    files = {
        name: {"sha256": digest_file(folder / name), "bytes": (folder / name).stat().st_size}
        for name in (EVENTS, OBSERVATIONS)
    }
    complete = {"schema_version": SCHEMA_VERSION, **manifest, "files": files}
    replace(folder / MANIFEST, canonical(complete))
    return SealedRun(folder, complete)


def entry_body(manifest: dict[str, Any], manifest_sha256: str) -> dict[str, Any]:
    """Return what the ledger says of a sealed run."""
    arguments = manifest["arguments"]
    approval = manifest.get("approval")
    return {
        # A run has those of these keys that say something of it.
        **({"change": approval["change"]} if approval else {}),
        **{key: True for key in ("changes_hosts", "routine") if manifest.get(key)},
        "run": manifest["run"],
        "manifest_sha256": manifest_sha256,
        "procedure": manifest["procedure"],
        "obligations": manifest["obligations"],
        "occurrences": arguments.get("occurrences"),
        "operator": manifest["operator"],
        "started": manifest["started"],
        "ended": manifest["ended"],
        "check": arguments["check"],
        "limit": arguments["limit"],
        "verdict": manifest["verdict"]["state"],
        "levels": manifest["levels"],
    }
