"""The ledger: numbered entries, each naming the hash of the one before it.

    ledger/000/000001-run.json    canonical JSON, one entry a file, a folder per thousand
    ledger/000/000001-run.json.sig  its signature, in place before the entry is

Appending holds a lock, writes beside, puts the signature in place, then links the entry's name exclusively, which
commits it: two writers never share a number, and a crash leaves the whole entry or none, never one without its
signature.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import MachineError
from runner.evidence.canonical import canonical, create_new, digest, sync_folder, timestamp, write_new
from runner.evidence.holding import hold
from runner.evidence.reading import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: What is worth a word while an entry is written; the command line prints it.
LOG = logging.getLogger("runner.ledger")

SCHEMA_VERSION = 1

#: What comes before the first entry.
GENESIS = "0" * 64

#: The entry's file name: its number, its kind.
NAME = re.compile(r"([0-9]{6,})-([a-z][a-z-]*)\.json")

#: A folder of entries; other digits than these, which int() may not know, are none of ours.
_CHAPTER = re.compile(r"[0-9]{1,12}")


class Signer(Protocol):
    """Signs entries; the seam for ``ssh-keygen -Y sign``."""

    def fingerprint(self) -> str:
        """Return the fingerprint of the key that signs."""

    def sign(self, data: bytes, meanwhile: Callable[[], None]) -> bytes:
        """Return a detached signature of an entry's bytes; ``meanwhile`` is called once, while it is made if may be."""


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


def _tell_clock(newest: Entry | None, now: str) -> None:
    """Tell people where the clock lies before what was written last: nothing is lost, but it should be set right."""
    if newest is None:
        return
    with contextlib.suppress(MachineError):
        before = str(newest.content.get("time"))
        # Both are UTC and of the same length.
        if now < before:
            LOG.warning(
                "this machine's clock says %s, before entry %d of %s: set it right; ledger verify tells of it",
                now,
                newest.sequence,
                before,
            )


class Ledger:
    """The entries of one site."""

    def __init__(self, folder: Path, site: str, signer: Signer | None = None) -> None:
        self.folder = folder
        self.site = site
        self._signer = signer
        #: Chapters with names that may not be on the disk yet.
        self._unsettled: set[Path] = set()
        #: What chapters hold, as far as it was looked up since the ledger is held; None while it is not.
        self._listed: dict[Path, list[str]] | None = None

    def paths(self, after: int = 0) -> Iterator[tuple[int, str, Path]]:
        """Yield number, kind and file of every entry after a number, in order, looking into no chapter before it."""
        for chapter in self._chapters():
            if int(chapter.name) >= after // 1000:
                found = sorted(self._names(chapter, after))
                yield from ((sequence, kind, chapter / name) for sequence, kind, name in found)

    def _chapters(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as found:
            names = [one.name for one in found if _CHAPTER.fullmatch(one.name) and one.is_dir()]
        return [self.folder / name for name in sorted(names, key=int)]

    def _listing(self, chapter: Path) -> list[str]:
        """Return the names in a chapter, sorted; looked up once while the ledger is held: nobody else adds to it."""
        listed = {} if self._listed is None else self._listed
        if chapter not in listed:
            listed[chapter] = sorted(os.listdir(chapter))  # noqa: PTH208 - names alone are wanted, quickly
        return listed[chapter]

    def _names(self, chapter: Path, after: int = 0) -> list[tuple[int, str, str]]:
        """Return number, kind and name of the entries in a chapter; every append looks there, so it must be quick."""
        names = self._listing(chapter)
        # The numbers in a chapter have the same length: their names are in their order.
        start = bisect_left(names, f"{after:06d}") if after // 1000 == int(chapter.name) else 0
        matches = (NAME.fullmatch(name) for name in names[start:] if name.endswith(".json"))
        return [(int(one[1]), one[2], one[0]) for one in matches if one and int(one[1]) > after]

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, oldest first."""
        for sequence, kind, path in self.paths():
            yield self._read(sequence, kind, path)

    def since(self, sequence: int) -> Iterator[Entry]:
        """Yield the entries after a number, oldest first, looking into no chapter before it."""
        for number, kind, path in self.paths(sequence):
            yield self._read(number, kind, path)

    def newest_first(self) -> Iterator[Entry]:
        """Yield every entry, newest first, reading no more than is asked for."""
        for chapter in reversed(self._chapters()):
            for name in reversed(self._listing(chapter)):
                match = NAME.fullmatch(name)
                if match:
                    yield self._read(int(match[1]), match[2], chapter / name)

    @staticmethod
    def _read(sequence: int, kind: str, path: Path) -> Entry:
        try:
            return Entry(path, sequence, kind, read_regular(path))
        except OSError as error:
            raise MachineError(f"{path}: cannot be read: {error.strerror}") from error

    def head(self) -> Head:
        """Return the newest entry's number and hash."""
        newest = next(self.newest_first(), None)
        return Head(newest.sequence, newest.digest) if newest else Head(0, GENESIS)

    def entry(self, sequence: int, kind: str) -> Entry:
        """Return an entry by number and kind; raises MachineError where its file cannot be read."""
        return self._read(sequence, kind, self._path(sequence, kind))

    def _path(self, sequence: int, kind: str) -> Path:
        return self.folder / f"{sequence // 1000:03d}" / f"{sequence:06d}-{kind}.json"

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Add one entry and return it, durable and whole.

        Raises MachineError where the disk does not take it; then the entry is there as a whole, or not at all.
        """
        with self._appending():
            return self._append(kind, body, self._ready())

    @contextlib.contextmanager
    def _appending(self) -> Iterator[None]:
        """Hold the ledger against other writers; raises MachineError where the disk does not take what is written."""
        try:
            try:
                with (self.folder / ".lock").open("ab") as lock:
                    hold(lock)
                    self._listed = {}
                    yield
            finally:
                self._listed = None
                # The next writer need not wait for this disk: what it adds to a folder settles what came before.
                while self._unsettled:
                    sync_folder(self._unsettled.pop())
        except OSError as error:
            raise MachineError(f"{self.folder}: cannot append to the ledger: {error.strerror}") from error

    def _ready(self) -> Signer | None:
        """Return who signs the next entry; called while the ledger is held, to add what is due before it."""
        return self._signer

    def _append(self, kind: str, body: dict[str, Any], signer: Signer | None) -> Entry:
        newest = next(self.newest_first(), None)
        head = Head(newest.sequence, newest.digest) if newest else Head(0, GENESIS)
        sequence = head.sequence + 1
        now = timestamp()
        _tell_clock(newest, now)
        raw = canonical(
            {
                "schema_version": SCHEMA_VERSION,
                "sequence": sequence,
                "kind": kind,
                "time": now,
                "site": self.site,
                "previous": head.digest,
                "signer": signer.fingerprint() if signer else None,
                "body": body,
            }
        )
        path = self._path(sequence, kind)
        chapter = path.parent
        if not chapter.exists():
            chapter.mkdir(mode=0o700)
            # One folder says nothing of another: what came before is on the disk first.
            for folder in (self._path(head.sequence, kind).parent, self.folder):
                sync_folder(folder)
        temporary = path.with_name(f".{path.name}.tmp")
        signature = path.with_name(f"{path.name}.sig")
        # Only who holds the ledger writes here: what lies beside was left by programs that died.
        names, self._listed = self._listing(chapter), {}
        for start, end in ((".", ".tmp"), (f"{sequence:06d}-", ".sig")):
            for name in names[bisect_left(names, start) :]:
                if not name.startswith(start):
                    break
                if name.endswith(end):
                    (chapter / name).unlink()
        try:
            with create_new(temporary, raw) as file:
                settle = partial(os.fsync, file.fileno())
                if signer:
                    # The disk takes the entry while the key signs it. A new file is synced with its name, so the
                    # signature is there before the entry can be; syncing the folder here, too, would commit all that
                    # other programs changed meanwhile.
                    write_new(signature, signer.sign(raw, settle))
                else:
                    settle()
            os.link(temporary, path)
            self._unsettled.add(chapter)
        except BaseException:
            if not path.exists():
                signature.unlink(missing_ok=True)
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return Entry(path, sequence, kind, raw)
