"""Verification of the files that entries name by hash: attachments of records, files of documents.

A file lies in its folder under its hash. Each that an entry names must be there, unchanged; one that no entry names is
told once it is old enough that no append can be under way.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import digest_file
from runner.evidence.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner.evidence.ledger import Entry

#: Which kinds of entries name files, and under which key.
ATTACHING: Mapping[str, str] = {"record": "attachments", "waiver": "attachments"}
ISSUING: Mapping[str, str] = {"document": "files"}

#: A file that nobody names is told when it is older than this.
SETTLED_SECONDS = 3600

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass
class KeptFiles:
    """The files of one folder, as entries name them; each is read once, however many name it.

    ``shared`` tells that other files lie there, too, which are nobody's business here: only hashes are names of ours.
    """

    folder: Path
    keys: Mapping[str, str]
    shared: bool = False
    _named: set[str] = field(default_factory=set)
    _problems: dict[str, str] = field(default_factory=dict)
    _there: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Listed before the entries are read: what is named meanwhile is then known.
        with suppress(OSError):
            self._there = sorted(path for path in self.folder.iterdir() if self._is_ours(path.name))

    def _is_ours(self, name: str) -> bool:
        return bool(_HASH.fullmatch(name)) or not (self.shared or name.startswith("."))

    def findings(self, entry: Entry) -> Iterator[Finding]:
        """Yield each file that an entry names and that is not what it was."""
        if entry.kind not in self.keys:
            return
        try:
            files = entry.body.get(self.keys[entry.kind]) or ()
        except MachineError:
            return
        for one in files if isinstance(files, list) else ():
            found = self._finding(one, entry)
            if found:
                yield found

    def _finding(self, one: Any, entry: Entry) -> Finding | None:
        told = one if isinstance(one, dict) else {}
        name, sha256 = str(told.get("name")), str(told.get("sha256"))
        if not _HASH.fullmatch(sha256):
            return Finding(f"{self.folder.name}/", f"{entry.path.name} names {name!r} without a hash")
        self._named.add(sha256)
        if sha256 not in self._problems:
            self._problems[sha256] = self._problem(sha256)
        problem = self._problems[sha256]
        return Finding(f"{self.folder.name}/{sha256}", f"{problem} {entry.path.name} ({name})") if problem else None

    def _problem(self, sha256: str) -> str:
        path = self.folder / sha256
        try:
            return "" if digest_file(path) == sha256 else "differs from what was recorded; named by"
        except FileNotFoundError:
            return "missing, but named by"
        except OSError as error:
            return f"cannot be read ({error.strerror}), but named by"

    def unnamed(self) -> Iterator[Finding]:
        """Yield each file that no entry names, once it has lain there for an hour."""
        now = time.time()
        for path in self._there:
            with suppress(OSError):
                if path.name not in self._named and now - path.stat().st_mtime > SETTLED_SECONDS:
                    yield Finding(f"{self.folder.name}/{path.name}", "no entry names this file")
