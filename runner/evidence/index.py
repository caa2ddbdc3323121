"""The index: the bodies of a ledger's entries in one file, so that looking at all of them takes no time.

It is a cache: whoever deletes it loses nothing but a few seconds. It follows the ledger, entry by entry, and is made
anew where it does not continue it: where an entry that it holds is no longer there, or another one is in its place.
It proves nothing: ``ledger verify`` reads the entries themselves.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from runner.evidence.ledger import Ledger

NAME = "ledger.sqlite"

#: Raised whenever what is kept of an entry changes.
VERSION = 2

Line = tuple[int, str, str, dict[str, Any], str | None]

_MAKE = """
CREATE TABLE entry
(sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, time TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
 signer TEXT)
"""


def entry_lines(ledger: Ledger, folder: Path, kinds: Collection[str]) -> Iterator[Line]:
    """Yield number, kind, time as ISO text, body and signer of the entries of some kinds, oldest first.

    Entries that hold no body are passed over: ``ledger verify`` finds them. Where the index cannot be kept, the
    entries themselves are read. Raises MachineError where an entry cannot be read at all.
    """
    try:
        with closing(_open(folder / NAME)) as index:
            _follow(index, ledger)
            marks = ",".join("?" * len(kinds))
            query = f"SELECT sequence, kind, time, body, signer FROM entry WHERE kind IN ({marks}) ORDER BY sequence"  # noqa: S608 - only marks
            lines = index.execute(query, tuple(kinds)).fetchall()
    except (sqlite3.Error, OSError):
        with suppress(OSError):
            (folder / NAME).unlink(missing_ok=True)
        read = (line for line in _read(ledger, 0) if line[1] in kinds)
        yield from ((*line[:3], from_json(line[4]), line[5]) for line in read)
        return
    for sequence, kind, time, body, signer in lines:
        yield sequence, kind, time, from_json(body), signer


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    index = sqlite3.connect(path, timeout=10)
    try:
        if index.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            with index:
                index.execute("DROP TABLE IF EXISTS entry")
                index.execute(_MAKE)
                index.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        index.close()
        raise
    return index


def _follow(index: sqlite3.Connection, ledger: Ledger) -> None:
    """Take in the entries that are new; all of them, where the newest one held is not what the ledger has there."""
    newest = index.execute("SELECT sequence, digest FROM entry ORDER BY sequence DESC LIMIT 1").fetchone()
    with index:
        # Holds the file against another program that follows at the same time.
        index.execute("BEGIN IMMEDIATE")
        if newest and not _is_there(ledger, *newest):
            index.execute("DELETE FROM entry")
            newest = None
        index.executemany(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)", _read(ledger, newest[0] if newest else 0)
        )


def _is_there(ledger: Ledger, sequence: int, digest: str) -> bool:
    found = next(ledger.since(sequence - 1), None)
    return found is not None and found.sequence == sequence and found.digest == digest


def _read(ledger: Ledger, after: int) -> Iterator[tuple[int, str, str, str, str, str | None]]:
    for entry in ledger.since(after):
        with suppress(MachineError, KeyError):
            content = entry.content
            body = json.dumps(content["body"], ensure_ascii=False, separators=(",", ":"))
            signer = content.get("signer")
            named = signer if isinstance(signer, str) else None
            yield entry.sequence, entry.kind, str(content["time"]), entry.digest, body, named
