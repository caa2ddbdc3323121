"""The ledger: numbered entries, each naming the hash of the one before it.

    ledger/000/000001-run.json    canonical JSON, one entry a file, a folder per thousand
    ledger/000/000001-run.json.sig  its signature, where a signer is given

Appending holds a lock, writes beside, then links the entry's name exclusively, which commits it: two
writers never share a number, and a crash leaves the whole entry or none.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import MachineError
from runner.evidence.canonical import canonical, digest, sync_folder, timestamp, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 1

#: What comes before the first entry.
GENESIS = "0" * 64

#: The entry's file name: its number, its kind.
NAME = re.compile(r"(\d{6,})-([a-z][a-z-]*)\.json")


class Signer(Protocol):
    """Signs entries; the seam for ``ssh-keygen -Y sign``."""

    def fingerprint(self) -> str:
        """Return the fingerprint of the key that signs."""

    def sign(self, data: bytes) -> bytes:
        """Return a detached signature of an entry's bytes."""


@dataclass(frozen=True)
class Head:
    """The newest entry: its number and the hash of its file; number 0 is the empty ledger."""

    sequence: int
    digest: str

    def grouped(self) -> str:
        """Return the form that documents print: number, and 32 hex digits in groups of eight."""
        return f"{self.sequence:06d} · " + " ".join(self.digest[start : start + 8] for start in range(0, 32, 8))


@dataclass(frozen=True)
class Entry:
    """One entry as it stands in its file."""

    path: Path
    sequence: int
    kind: str
    raw: bytes

    @cached_property
    def digest(self) -> str:
        """Return the hash that the next entry names."""
        return digest(self.raw)

    @cached_property
    def content(self) -> dict[str, Any]:
        """Return the parsed entry; raises MachineError where its file does not hold one."""
        try:
            content = json.loads(self.raw)
        except ValueError as error:
            raise MachineError(f"{self.path}: is not JSON") from error
        if not isinstance(content, dict) or not isinstance(content.get("body"), dict):
            raise MachineError(f"{self.path}: is not an entry")
        return content

    @property
    def body(self) -> dict[str, Any]:
        """Return what the entry is about; raises MachineError as content does."""
        body: dict[str, Any] = self.content["body"]
        return body


class Ledger:
    """The entries of one site."""

    def __init__(self, folder: Path, site: str, signer: Signer | None = None) -> None:
        self.folder = folder
        self.site = site
        self._signer = signer

    def paths(self) -> Iterator[tuple[int, str, Path]]:
        """Yield number, kind and file of every entry, in order."""
        for chapter in self._chapters():
            yield from sorted(self._names(chapter))

    def _chapters(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        chapters = [path for path in self.folder.iterdir() if path.is_dir() and path.name.isdigit()]
        return sorted(chapters, key=lambda path: int(path.name))

    @staticmethod
    def _names(chapter: Path) -> list[tuple[int, str, Path]]:
        found = []
        for path in chapter.iterdir():
            match = NAME.fullmatch(path.name)
            if match:
                found.append((int(match[1]), match[2], path))
        return found

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, oldest first."""
        for sequence, kind, path in self.paths():
            yield self._read(sequence, kind, path)

    def since(self, sequence: int) -> Iterator[Entry]:
        """Yield the entries after a number, oldest first, looking into no chapter before it."""
        for chapter in self._chapters():
            if int(chapter.name) >= sequence // 1000:
                found = sorted(one for one in self._names(chapter) if one[0] > sequence)
                yield from (self._read(*one) for one in found)

    def newest_first(self) -> Iterator[Entry]:
        """Yield every entry, newest first, reading no more than is asked for."""
        for chapter in reversed(self._chapters()):
            for sequence, kind, path in sorted(self._names(chapter), reverse=True):
                yield self._read(sequence, kind, path)

    @staticmethod
    def _read(sequence: int, kind: str, path: Path) -> Entry:
        try:
            return Entry(path, sequence, kind, path.read_bytes())
        except OSError as error:
            raise MachineError(f"{path}: cannot be read: {error.strerror}") from error

    def head(self) -> Head:
        """Return the newest entry's number and hash."""
        newest = next(self.newest_first(), None)
        return Head(newest.sequence, newest.digest) if newest else Head(0, GENESIS)

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Add one entry and return it, durable and whole.

        Raises MachineError where the disk does not take it; then the entry is there as a whole, or not at all.
        """
        try:
            with self._lock():
                return self._append(kind, body)
        except OSError as error:
            raise MachineError(f"{self.folder}: cannot append to the ledger: {error.strerror}") from error

    def _append(self, kind: str, body: dict[str, Any]) -> Entry:
        head = self.head()
        sequence = head.sequence + 1
        raw = canonical(
            {
                "schema_version": SCHEMA_VERSION,
                "sequence": sequence,
                "kind": kind,
                "time": timestamp(),
                "site": self.site,
                "previous": head.digest,
                "signer": self._signer.fingerprint() if self._signer else None,
                "body": body,
            }
        )
        chapter = self.folder / f"{sequence // 1000:03d}"
        chapter.mkdir(mode=0o700, exist_ok=True)
        path = chapter / f"{sequence:06d}-{kind}.json"
        temporary = path.with_name(f".{path.name}.tmp")
        # Only who holds the lock writes here: what lies beside was left by programs that died.
        for left in chapter.glob(".*.tmp"):
            left.unlink()
        try:
            write_new(temporary, raw)
            if self._signer:
                signature = path.with_name(path.name + ".sig")
                signature.unlink(missing_ok=True)
                write_new(signature, self._signer.sign(raw))
            sync_folder(chapter)
            os.link(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(chapter)
        sync_folder(self.folder)
        return Entry(path, sequence, kind, raw)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
