"""The entries of a ledger as verification sees them: each read once, and judged by itself.

What can be told of an entry without the others (its form, and which key signed these bytes) is told here, in several
processes where there are many; order, chain and who may sign are judged by those who see them all.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.evidence.canonical import canonical, digest, parse_timestamp
from runner.evidence.finding import Finding, Kind
from runner.evidence.ledger import NAME, SCHEMA_VERSION
from runner.evidence.parallel import in_order
from runner.evidence.reading import LARGEST_SIGNATURE, read_regular
from runner.evidence.shapes import shape_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from runner.evidence.ledger import Ledger

#: Of other kinds nothing is followed, and their bodies, which may be many, are not kept.
FOLLOWED = frozenset({"run", "record", "waiver", "document", "change", "key", "trust", "checkpoint", "archive"})

#: Entries in a piece of work, and what one takes: two files read, a hash, a signature.
_PIECE = 500
_SECONDS_EACH = 0.0003

_KEYS = frozenset({"schema_version", "sequence", "kind", "time", "site", "previous", "signer", "body"})


@dataclass(frozen=True)
class SeenEntry:
    """One entry: what its file's name says, what it holds, and every problem that it shows by itself.

    ``content`` is empty where the file holds no entry. ``signed`` tells whether a signature lies beside it;
    ``signed_by`` is the fingerprint of the key that made it over these very bytes, None where none did. ``time`` is
    None where it is no time.
    """

    sequence: int
    kind: str
    file: str
    digest: str
    content: dict[str, Any]
    time: datetime | None
    signed: bool
    signed_by: str | None
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its file without the folder."""
        return self.file.rpartition("/")[2]

    @property
    def body(self) -> dict[str, Any]:
        """Return what it is about; empty where it holds nothing, or its kind is not followed."""
        body = self.content.get("body")
        return body if isinstance(body, dict) else {}

    @property
    def previous(self) -> Any:
        """Return the hash that it names as that of the entry before it."""
        return self.content.get("previous")

    @property
    def signer(self) -> str | None:
        """Return the fingerprint of the key that it says has signed it."""
        signer = self.content.get("signer")
        return signer if isinstance(signer, str) else None

    def finding(self, problem: str, kind: Kind = "entry") -> Finding:
        """Return a finding about it."""
        return Finding(self.file, problem, self.sequence, kind)


def seen_entries(ledger: Ledger, processes: int | None = None) -> tuple[int, Iterator[SeenEntry]]:
    """Return how many entries a ledger has now, and what yields them, oldest first."""
    names = [(sequence, kind, str(path.relative_to(ledger.folder))) for sequence, kind, path in ledger.paths()]
    pieces = [names[start : start + _PIECE] for start in range(0, len(names), _PIECE)]
    look = partial(_look, ledger.folder, ledger.site)
    return len(names), (one for found in in_order(look, pieces, len(names) * _SECONDS_EACH, processes) for one in found)


def _look(folder: Path, site: str, names: list[tuple[int, str, str]]) -> list[SeenEntry]:
    return [_seen_whatever(folder, site, *name) for name in names]


def _seen_whatever(folder: Path, site: str, sequence: int, kind: str, file: str) -> SeenEntry:
    """Return an entry as it is seen; whatever it holds, the others are looked at."""
    try:
        return _seen(folder, site, sequence, kind, file)
    except Exception as error:  # noqa: BLE001 - who wrote it may be hostile, and must not keep anybody from verifying
        problem = f"cannot be judged: {type(error).__name__}: {error}"
        return SeenEntry(sequence, kind, file, "", {}, None, False, None, (problem,))


def _seen(folder: Path, site: str, sequence: int, kind: str, file: str) -> SeenEntry:
    try:
        raw = read_regular(folder / file)
    except OSError as error:
        return SeenEntry(sequence, kind, file, "", {}, None, False, None, (f"cannot be read: {error.strerror}",))
    problems: list[str] = []
    content = _content(raw, problems)
    time = None
    if content:
        time = _time(content.get("time"))
        problems += _form_problems(content, sequence, kind, site, time)
        if file.partition("/")[0] != f"{sequence // 1000:03d}":
            problems.append(f"lies in the wrong folder: number {sequence} belongs into {sequence // 1000:03d}")
        if file.rpartition("/")[2] != f"{sequence:06d}-{kind}.json":
            problems.append(f"has the wrong name: it must be {sequence:06d}-{kind}.json")
        shape = shape_problem(kind, content["body"])
        if shape:
            problems.append(shape)
            content = {**content, "body": {}}
        elif kind not in FOLLOWED:
            content = {key: value for key, value in content.items() if key != "body"}
    signed, signed_by = _signature(folder / f"{file}.sig", raw, content, problems)
    return SeenEntry(sequence, kind, file, digest(raw), content, time, signed, signed_by, tuple(problems))


def _content(raw: bytes, problems: list[str]) -> dict[str, Any]:
    try:
        content = json.loads(raw)
        if not isinstance(content, dict) or not isinstance(content.get("body"), dict):
            problems.append("is not an entry")
            return {}
        if canonical(content) != raw:
            problems.append("is not canonical: its bytes were changed")
    except (ValueError, RecursionError):
        problems.append("is not JSON")
        return {}
    return content


def _form_problems(
    content: dict[str, Any], sequence: int, kind: str, site: str, time: datetime | None
) -> Iterator[str]:
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        yield f"has schema_version {version!r}, which this program does not know: a newer one may have written it"
    elif content.keys() != _KEYS:
        odd = ", ".join(sorted(map(str, content.keys() ^ _KEYS)))
        yield f"has other keys than an entry: {odd}"
    if content.get("sequence") != sequence or content.get("kind") != kind:
        yield "number or kind inside differ from the file's name"
    if content.get("site") != site:
        yield f"is of site {content.get('site')!r}, not of {site!r}"
    if time is None:
        yield f"has no time: {content.get('time')!r}"


def _time(text: Any) -> datetime | None:
    try:
        time = parse_timestamp(text)
    except (ValueError, TypeError):
        return None
    return time if time.tzinfo else None


def _signature(path: Path, raw: bytes, content: dict[str, Any], problems: list[str]) -> tuple[bool, str | None]:
    """Return whether there is a signature, and by which key if it is good; note why it is none."""
    # Imported only now: most commands look at no signature, and the cryptography takes its time.
    from runner.evidence.sshsig import ENTRY, SignatureError, verify_signature  # noqa: PLC0415

    try:
        armored = read_regular(path, LARGEST_SIGNATURE)
    except FileNotFoundError:
        return False, None
    except OSError as error:
        problems.append(f"its signature cannot be read: {error.strerror}")
        return True, None
    try:
        fingerprint = verify_signature(armored, raw, ENTRY).fingerprint
    except SignatureError as error:
        problems.append(f"its signature {error}")
        return True, None
    if content and content.get("signer") != fingerprint:
        problems.append(f"names {content.get('signer')} as its signer, but is signed by {fingerprint}")
    return True, fingerprint


def strays(ledger: Ledger, entries: Mapping[str, int]) -> Iterator[Finding]:
    """Yield what lies in a ledger's folders and is neither an entry nor its signature.

    ``entries`` has the files of all entries, with their numbers. What a dead program left beside (names that begin with
    a dot, and a signature whose entry was to be the next) is passed over: the next entry takes its place. So is an
    entry that was appended after the entries were listed.
    """
    files = []
    for parent, folders, names in os.walk(ledger.folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        prefix = os.path.relpath(parent, ledger.folder) + "/"
        prefix = "" if prefix == "./" else prefix
        files += sorted(prefix + name for name in names if not name.startswith("."))
    newest = max(entries.values(), default=0)
    odd = [one for one in files if one not in entries and one.removesuffix(".sig") not in entries]
    later = [one for one in odd if _number(one) > newest]
    last = max([newest, *map(_number, later)])
    for file in odd:
        # The signature comes first, and its entry may have come since the names were read.
        entry = file.removesuffix(".sig")
        appended = file in later or (_number(entry) > newest and os.path.lexists(ledger.folder / entry))
        if not appended and not (file != entry and _number(entry) == last + 1):
            yield _stray(file, entry)


def _number(file: str) -> int:
    """Return the number of an entry by the name and folder of its file; 0 where it is no entry's."""
    named = NAME.fullmatch(file.rpartition("/")[2])
    if not named:
        return 0
    sequence = int(named[1])
    return sequence if file == f"{sequence // 1000:03d}/{sequence:06d}-{named[2]}.json" else 0


def _stray(file: str, entry: str) -> Finding:
    sequence = _number(entry)
    what = f"is the signature of {entry}, which is not there" if sequence and entry != file else "is no entry"
    return Finding(file, what, sequence or None, "stray")
