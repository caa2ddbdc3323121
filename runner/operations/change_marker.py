"""What tells a change that is being executed from one whose program died: a file that its program holds.

changing/<run-id>.json    {change, run}; there before the entry ``started``, gone after the entry ``executed``
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from runner.errors import MachineError
from runner.evidence.canonical import canonical, sync_folder, write_new
from runner.evidence.sealing import forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from runner.site import Site

_FOLDER = "changing"
_UNNAMED = ".new"
_NAMED_WITHIN = 60


@dataclass(frozen=True)
class Marker:
    """An execution of a change, held by this process; whatever its file holds, its name tells the run."""

    path: Path
    run_id: str
    lock: IO[bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.close()

    def done(self) -> None:
        """Remove it: the ledger says what became of the execution."""
        forget(self.path, self.lock)


def mark(site: Site, change: str, run_id: str) -> Marker:
    """Return a new marker of an execution; one that is left is a dead program's, and the next command closes it.

    Raises MachineError where the disk does not take it.
    """
    folder = site.state / _FOLDER
    path = folder / f"{run_id}.json"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Locked before it bears its name, so that nobody can take it for a dead program's.
        temporary = path.with_suffix(_UNNAMED)
        write_new(temporary, canonical({"change": change, "run": run_id}))
        lock = temporary.open("rb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        temporary.rename(path)
        sync_folder(folder)
    except OSError as error:
        raise MachineError(f"{folder}: cannot keep state here: {error.strerror}") from error
    return Marker(path, run_id, lock)


def is_marked(site: Site, run_id: str) -> bool:
    """Return whether an execution goes on, or died without its end being told."""
    return (site.state / _FOLDER / f"{run_id}.json").exists()


def has_markers(site: Site) -> bool:
    """Return whether any change is being executed, or was when its program died."""
    return any((site.state / _FOLDER).glob("*"))


def abandoned(site: Site) -> Iterator[Marker]:
    """Yield the marker of each execution whose program died, held by this process; what is not done stays.

    Raises OSError where the disk does not take it.
    """
    folder = site.state / _FOLDER
    for left in folder.glob(f"*{_UNNAMED}"):
        # What bears no name stood for nothing yet; a minute is time enough to get one.
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _NAMED_WITHIN:
                left.unlink()
    for path in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed it between the two.
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                yield Marker(path, path.stem, lock)
