"""A digest of the errors in the log since the last inspection: how many, of whom, and the commonest messages.

Equal messages are counted together whatever numbers they carry; one example of each is shown, masked.
"""

import re
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..masking import mask
from ..observations import Observation
from . import commands, journal, syslog
from .context import Context, Measures
from .errors import Unmeasurable
from .journal import Entry

MOST_ENTRIES = 200000
MOST_KINDS = 20000
MOST_UNITS = 15
MOST_MESSAGES = 15
MESSAGE_LENGTH = 200

#: What differs between messages that say the same: numbers in any base, identifiers, quoted names.
_VARIABLE = re.compile(
    r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-fA-F]{12,}\b|[0-9]+"
)


class Digest(NamedTuple):
    """What a log says; ``reaches_back_to`` in seconds of the epoch, None where it says nothing at all."""

    source: str
    errors: int
    critical: int
    units: Dict[str, int]
    kinds: Dict[Tuple[str, str], Tuple[int, str]]
    reaches_back_to: Optional[float]
    truncated: bool


class _Counter:
    """Counts entries by unit and by kind of message, in bounded memory."""

    def __init__(self) -> None:
        self.errors = 0
        self.critical = 0
        self.units: Dict[str, int] = {}
        self.kinds: Dict[Tuple[str, str], Tuple[int, str]] = {}

    def add(self, entry: Entry) -> None:
        self.errors += 1
        self.critical += entry.priority <= 2
        unit = entry.unit if entry.unit in self.units or len(self.units) < MOST_KINDS else "..."
        self.units[unit] = self.units.get(unit, 0) + 1
        kind = (unit, same(entry.message))
        if kind not in self.kinds and len(self.kinds) >= MOST_KINDS:
            return
        count, example = self.kinds.get(kind, (0, entry.message))
        self.kinds[kind] = (count + 1, example)

    def digest(self, source: str, reaches_back_to: Optional[float], truncated: bool) -> Digest:
        return Digest(source, self.errors, self.critical, self.units, self.kinds, reaches_back_to, truncated)


def same(message: str) -> str:
    """Return what equal messages have in common: the beginning without its numbers and identifiers."""
    return _VARIABLE.sub("#", message[:400])


def shown(message: str) -> str:
    """Return a message as it may leave the host: masked, on one line, at most MESSAGE_LENGTH characters."""
    return " ".join(mask(message).split())[:MESSAGE_LENGTH]


def from_journal(since: float, timeout: float) -> Digest:
    """Return the digest of the systemd journal; what was read within the time counts."""
    journal.require_readable()
    oldest = journal.reaches_back_to(timeout)
    counter, truncated = _Counter(), False
    try:
        for entry in journal.errors(since, timeout):
            counter.add(entry)
            if counter.errors >= MOST_ENTRIES:
                truncated = True
                break
    except Unmeasurable as why:
        if why.code != "timed_out" or not counter.errors:
            raise
        truncated = True
    return counter.digest("journal", oldest, truncated)


def from_syslog(since: float, now: float, timeout: float) -> Digest:
    """Return the digest of the syslog files; what was read within the time counts."""
    paths = syslog.sources(since)
    deadline = time.monotonic() + timeout
    counter, oldest, truncated = _Counter(), None, False  # type: Tuple[_Counter, Optional[float], bool]
    for number, line in enumerate(syslog.read(paths, now)):
        if oldest is None:
            oldest = line.moment
        if line.moment >= since and line.entry.priority <= 3:
            counter.add(line.entry)
        if counter.errors >= MOST_ENTRIES or (number % 1000 == 0 and time.monotonic() > deadline):
            truncated = True
            break
    return counter.digest(", ".join(paths[-3:]), oldest, truncated)


def digest(context: Context) -> Digest:
    """Return the digest of the journal, or of the syslog files where there is none."""
    if commands.available("journalctl") and journal.exists():
        return from_journal(context.since, context.inputs.command_timeout)
    return from_syslog(context.since, context.now, context.inputs.command_timeout)


def _detail(context: Context, found: Digest) -> Dict[str, Any]:
    detail: Dict[str, Any] = dict(context.scope("container"), source=found.source)
    detail["since"] = journal.iso(context.since)
    detail["reaches_back_to"] = journal.iso(found.reaches_back_to) if found.reaches_back_to else None
    if found.reaches_back_to is None or found.reaches_back_to > context.since:
        detail["partial_coverage"] = True
    if found.truncated:
        detail["truncated"] = True
    return detail


def errors(context: Context) -> Iterator[Observation]:
    """Yield how many errors and how many critical messages the log holds."""
    found = context.once(digest)
    units = sorted(found.units.items(), key=lambda item: (-item[1], item[0]))
    kinds = sorted(found.kinds.items(), key=lambda item: (-item[1][0], item[0]))
    messages: List[Dict[str, Any]] = [
        {"unit": unit, "count": count, "message": shown(example)}
        for (unit, _), (count, example) in kinds[:MOST_MESSAGES]
    ]
    detail = _detail(context, found)
    by_unit = [{"unit": unit, "count": count} for unit, count in units[:MOST_UNITS]]
    yield context.observe(
        "log.errors", found.errors, dict(detail, by_unit=by_unit, messages=messages, kinds=len(kinds))
    )
    yield context.observe("log.critical", found.critical, detail)


MEASURES: Measures = ((("log.errors", "log.critical"), errors),)
