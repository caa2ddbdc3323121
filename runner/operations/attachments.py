"""Files that entries of the ledger name by hash: copied into the site's state before the entry that names them.

    attachments/<sha256>    what records and waivers name
    documents/<sha256>      what documents name, step by step

A copy is written beside, flushed, then linked under its hash: it is there as a whole or not at all, and whoever kills
the program leaves at most a file that no entry names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError
from runner.evidence.canonical import digest_file, sync_folder
from runner.evidence.sealing import FREE_BYTES
from runner.operations.locks import holding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from runner.site import Site

_INCOMING = ".incoming.tmp"
_LOCK = ".records.lock"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class NamedFile:
    """A file as an entry names it: its name for people, its hash, its size."""

    name: str
    sha256: str
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return what the entry holds."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.bytes}


@dataclass(frozen=True)
class GivenFile:
    """A file that a person gave with an option, and what it was when it was looked at."""

    option: str
    path: Path
    named: NamedFile


def writing(site: Site) -> AbstractContextManager[None]:
    """Hold the site's records and documents: what was checked still holds when it is written."""
    return holding(site, _LOCK)


def examine(paths: Sequence[Path], option: str) -> tuple[GivenFile, ...]:
    """Return the files that an option names; raises BadInput for one that is missing, unreadable or empty."""
    return tuple(_examined(path, option) for path in dict.fromkeys(paths))


def _examined(path: Path, option: str) -> GivenFile:
    size, sha256 = 0, hashlib.sha256()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{option} {path}: is no file")
        with _opened(path) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                sha256.update(chunk)
    except FileNotFoundError:
        raise BadInput(f"{option} {path}: is not there") from None
    except OSError as error:
        raise BadInput(f"{option} {path}: cannot be read: {error.strerror}") from error
    if not size:
        raise BadInput(f"{option} {path}: is empty")
    name = os.fsencode(path.name).decode("utf-8", "replace")
    return GivenFile(option, path, NamedFile(name, sha256.hexdigest(), size))


def _opened(path: Path) -> BinaryIO:
    """Open a file; what has taken its place meanwhile, such as a pipe that nobody writes to, makes nobody wait."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")


def keep(given: Iterable[GivenFile], folder: Path) -> list[dict[str, Any]]:
    """Copy files under their hashes and return what an entry names; the caller holds ``writing``.

    Raises BadInput for a file that has changed since it was examined, MachineError where the disk does not take it.
    """
    given = tuple(given)
    _check_room(given, folder)
    kept = []
    for one in given:
        found = keep_parts(_parts(one), one.named.name, folder, expected=one)
        kept.append(found.as_dict())
    return kept


def _check_room(given: Sequence[GivenFile], folder: Path) -> None:
    """Raise MachineError where files would leave too little of the disk to a run that goes on."""
    wanted = sum(one.named.bytes for one in given)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise MachineError(f"{folder}: cannot keep files: {error.strerror}") from error
    if given and free - wanted < min(FREE_BYTES, free // 2):
        raise MachineError(f"{folder}: {wanted >> 20} MiB are to be kept, too much for the {free >> 20} MiB free")


def _parts(given: GivenFile) -> Iterator[bytes]:
    """Yield what a file holds, no further than it reached: one that somebody writes to must not fill the disk."""
    left = given.named.bytes
    try:
        with _opened(given.path) as file:
            while left >= 0 and (chunk := file.read(min(_CHUNK, left + 1))):
                yield chunk
                left -= len(chunk)
    except OSError as error:
        raise BadInput(f"{given.option} {given.path}: cannot be read: {error.strerror}") from error


def keep_parts(parts: Iterable[bytes], name: str, folder: Path, expected: GivenFile | None = None) -> NamedFile:
    """Write a file part by part under its hash, and return what an entry names; the caller holds ``writing``."""
    temporary = folder / _INCOMING
    try:
        temporary.unlink(missing_ok=True)
        try:
            named = _write(temporary, parts, name)
            if expected and named.sha256 != expected.named.sha256:
                raise BadInput(f"{expected.option} {expected.path}: has changed while it was read; try again")
            _link(temporary, folder / named.sha256)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise MachineError(f"{folder}: cannot keep {name}: {error.strerror}") from error
    return named


def _write(path: Path, parts: Iterable[bytes], name: str) -> NamedFile:
    sha256, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        path.chmod(0o600)
        for part in parts:
            sha256.update(part)
            size += file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return NamedFile(name, sha256.hexdigest(), size)


def _link(temporary: Path, path: Path) -> None:
    """Give a written file its hash as name; one that is there already must be what its name says."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        if digest_file(path) != path.name:
            raise MachineError(f"{path}: was changed after it was kept; see weibao ledger verify") from None
