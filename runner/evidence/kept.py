"""Verification of the files that entries name by hash: attachments of records, files of documents, papers of trust.

A file lies in its folder under its hash. Each that an entry names must be there, unchanged; one that no entry names is
told once it is old enough that no append can be under way.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.evidence.finding import Finding
from runner.evidence.parallel import chunks, in_order
from runner.evidence.reading import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.evidence.seen_entries import SeenEntry

#: Which kinds of entries name files, and under which key; ``consent.paper`` is one file, or none.
ATTACHING: Mapping[str, str] = {
    **dict.fromkeys(("record", "waiver", "change"), "attachments"),
    "trust": "consent.paper",
}
ISSUING: Mapping[str, str] = {"document": "files"}

#: A file that nobody names is told when it is older than this.
SETTLED_SECONDS = 3600

#: Bytes in a piece of work, and how many a second one process hashes, roughly.
_PIECE = 1 << 26
_SPEED = 1e9

_HASH = re.compile(r"[0-9a-f]{64}")


def file_problem(path: Path, sha256: str, *, follow: bool = False) -> str:
    """Return why a file is not what its hash says, as the beginning of a sentence; empty where it is.

    ``follow`` takes a link to it, too.
    """
    try:
        with open_regular(path, follow=follow) as file:
            differs = hashlib.file_digest(file, "sha256").hexdigest() != sha256
    except FileNotFoundError:
        return "missing, but named by"
    except OSError as error:
        return f"cannot be read ({error.strerror}), but named by"
    return "differs from what was recorded; named by" if differs else ""


def _problems(files: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(sha256, file_problem(Path(path), sha256)) for path, sha256 in files]


@dataclass
class KeptFiles:
    """The files of one folder, as entries name them; each is read once, however many name it.

    ``shared`` tells that other files lie there, too, which are nobody's business here: only hashes are names of ours.
    """

    folder: Path
    keys: Mapping[str, str]
    shared: bool = False
    _named: list[tuple[SeenEntry, str, str]] = field(default_factory=list)
    _there: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Listed before the entries are read: what is named meanwhile is then known.
        with suppress(OSError):
            self._there = sorted(path for path in self.folder.iterdir() if self._is_ours(path.name))

    def _is_ours(self, name: str) -> bool:
        return bool(_HASH.fullmatch(name)) or not (self.shared or name.startswith("."))

    def note(self, entry: SeenEntry) -> None:
        """Remember the files that an entry names."""
        if entry.kind in self.keys:
            for one in _files(entry.body, self.keys[entry.kind]):
                told = one if isinstance(one, dict) else {}
                self._named.append((entry, str(told.get("name")), str(told.get("sha256"))))

    def bytes(self) -> int:
        """Return how many bytes are to be read."""
        return sum(_size(self.folder / sha256) for sha256 in self._hashes())

    def _hashes(self) -> list[str]:
        return [one for one in dict.fromkeys(sha256 for _, _, sha256 in self._named) if _HASH.fullmatch(one)]

    def findings(self, processes: int | None = None, done: Callable[[int], object] = int) -> Iterator[Finding]:
        """Yield each file that an entry names and that is not what it was, then each that no entry names.

        ``done`` is told how many bytes were read, time and again.
        """
        problems = self._look(processes, done)
        for entry, name, sha256 in self._named:
            if not _HASH.fullmatch(sha256):
                problem = f"{entry.name} names {name!r} without a hash"
                yield Finding(f"{self.folder.name}/", problem, entry.sequence, "file")
            elif problems[sha256]:
                problem = f"{problems[sha256]} {entry.name} ({name})"
                yield Finding(f"{self.folder.name}/{sha256}", problem, entry.sequence, "file")
        yield from self._unnamed()

    def _look(self, processes: int | None, done: Callable[[int], object]) -> dict[str, str]:
        sizes = {sha256: _size(self.folder / sha256) for sha256 in self._hashes()}
        pieces = [
            [(str(self.folder / sha256), sha256) for sha256 in piece]
            for piece in chunks(sizes, lambda one: sizes[one] + 4096, _PIECE)
        ]
        found: dict[str, str] = {}
        for judged in in_order(_problems, pieces, sum(sizes.values()) / _SPEED, processes):
            found |= judged
            done(sum(sizes[sha256] for sha256, _ in judged))
        return found

    def _unnamed(self) -> Iterator[Finding]:
        """Yield each file that no entry names, once it has lain there for an hour."""
        now = time.time()
        named = {sha256 for _, _, sha256 in self._named}
        for path in self._there:
            with suppress(OSError):
                if path.name not in named and now - path.stat().st_mtime > SETTLED_SECONDS:
                    yield Finding(f"{self.folder.name}/{path.name}", "no entry names this file", kind="unnamed")


def _files(body: Mapping[str, Any], key: str) -> Iterable[Any]:
    """Return the files that a body names under a key: a list of them, or, below another key, a single one."""
    outer, _, inner = key.partition(".")
    found = body.get(outer)
    if not inner:
        return found if isinstance(found, list) else ()
    one = found.get(inner) if isinstance(found, dict) else None
    return () if one is None else (one,)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
