"""A digest of the errors in the log since the last inspection: how many, of whom, and the commonest messages.

Equal messages are counted together whatever numbers they carry; one example of each is shown, masked.
"""

import glob
import os
import re
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..masking import mask
from ..measuring.errors import Unmeasurable
from ..observations import Observation, rank
from . import journal, syslog
from .context import Context, Measures
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


class Counter:
    """Counts entries by unit and by kind of message, in bounded memory."""

    def __init__(self) -> None:
        self.errors = 0
        self.critical = 0
        self.units: Dict[str, int] = {}
        self.kinds: Dict[Tuple[str, str], Tuple[int, str]] = {}

    @property
    def full(self) -> bool:
        """Return whether there are so many that counting on tells nothing more."""
        return self.errors >= MOST_ENTRIES

    def add(self, entry: Entry) -> None:
        """Count an entry."""
        self.errors += 1
        self.critical += entry.priority <= 2
        unit = entry.unit if entry.unit in self.units or len(self.units) < MOST_KINDS else "..."
        self.units[unit] = self.units.get(unit, 0) + 1
        kind = (unit, same(entry.message))
        if kind not in self.kinds and len(self.kinds) >= MOST_KINDS:
            return
        count, example = self.kinds.get(kind, (0, entry.message))
        self.kinds[kind] = (count + 1, example)


class Span(NamedTuple):
    """How far a source goes: to ``oldest``, in seconds of the epoch (None: nothing); ``shortfall`` is what kept it."""

    source: str
    oldest: Optional[float]
    shortfall: Optional[Unmeasurable] = None


class Digest(NamedTuple):
    """What the log says; ``reaches_back_to`` in seconds of the epoch; ``shortfall`` tells what it does not say."""

    source: str
    counter: Counter
    reaches_back_to: float
    shortfall: Optional[Unmeasurable]


def same(message: str) -> str:
    """Return what equal messages have in common: the beginning without its numbers and identifiers."""
    return _VARIABLE.sub("#", message[:400])


def shown(message: str) -> str:
    """Return a message as it may leave the host: masked, on one line, at most MESSAGE_LENGTH characters."""
    return " ".join(mask(message).split())[:MESSAGE_LENGTH]


def from_journal(context: Context, counter: Counter) -> Span:
    """Count the errors of the systemd journal, newest first; what was read before a failure counts."""
    timeout = context.inputs.command_timeout
    journal.require_readable()
    oldest = journal.reaches_back_to(timeout)
    try:
        for entry in journal.errors(context.since, timeout):
            counter.add(entry)
            if counter.full:
                break
    except Unmeasurable as why:
        return Span("journal", oldest, why)
    return Span("journal", oldest)


def from_syslog(context: Context, counter: Counter, until: float) -> Span:
    """Count the errors of the syslog files before a time, newest first; what was read before a failure counts."""
    timeout = context.inputs.command_timeout
    found = syslog.sources(context.since)
    source = ", ".join(found.paths[:3])
    parsed, unparsed, oldest = 0, 0, until
    shortfall: Optional[Unmeasurable] = None
    try:
        for line in _within(timeout, syslog.read(found.paths, context.now), source):
            if line is None:
                unparsed += 1
            else:
                parsed += 1
                oldest = min(oldest, line.moment)
                if context.since <= line.moment < until and line.entry.priority <= 3:
                    counter.add(line.entry)
            if counter.full:
                break
        if found.complete:
            oldest = min(oldest, context.since)
    except Unmeasurable as why:
        shortfall = why
    if unparsed > parsed:
        shortfall = Unmeasurable("unparsable", source=source)
    return Span(source, oldest if parsed else None, shortfall)


def _within(timeout: float, lines: Iterator[Optional[syslog.Line]], path: str) -> Iterator[Optional[syslog.Line]]:
    """Yield lines until the time is up. Raises Unmeasurable: timed_out."""
    deadline = time.monotonic() + timeout
    for number, line in enumerate(lines, 1):
        yield line
        if number % 1000 == 0 and time.monotonic() > deadline:
            raise Unmeasurable("timed_out", path=path, seconds=timeout)


def digest(context: Context) -> Digest:
    """Return the digest of the journal and, for the time before it begins, of the syslog files.

    Hosts that keep their journal in memory (RHEL, openEuler, Kylin) have the time before their start in files only.
    Raises Unmeasurable: source_missing where neither holds a single entry.
    """
    counter = Counter()
    spans: List[Span] = []
    if journal.exists():
        spans.append(from_journal(context, counter))
    begins = next((span.oldest for span in spans if span.oldest is not None), context.now + 86400)
    if not counter.full and not covers(context, begins):
        try:
            spans.append(from_syslog(context, counter, begins))
        except Unmeasurable as why:
            if not spans:
                raise
            if why.code != "source_missing":
                spans.append(Span("", None, why))
    reached = [span.oldest for span in spans if span.oldest is not None]
    shortfall = next((span.shortfall for span in spans if span.shortfall), None)
    source = ", ".join(span.source for span in spans if span.oldest is not None)
    if not reached:
        raise shortfall or Unmeasurable("source_missing", source=", ".join(span.source for span in spans))
    if shortfall is None and not counter.full and not covers(context, min(reached)):
        times = {"since": journal.iso(context.since), "reaches_back_to": journal.iso(min(reached))}
        shortfall = Unmeasurable("partly_covered", **times)
    return Digest(source, counter, min(reached), shortfall)


def covers(context: Context, oldest: float) -> bool:
    """Return whether a log that begins then covers the period: nine tenths of it, or all the time that the host exists.

    Nobody can have lost a log from before the host's first day.
    """
    missing, period = oldest - context.since, context.now - context.since
    return missing <= 0.1 * period or oldest <= _born() + 86400


def _born() -> float:
    """Return when the host first started, in seconds of the epoch, as far as what it makes then tells; else 0."""
    paths = ["/etc/machine-id"] + glob.glob("/etc/ssh/ssh_host_*_key.pub")
    return min((os.stat(path).st_mtime for path in paths if os.path.exists(path)), default=0.0)


def errors(context: Context) -> Iterator[Observation]:
    """Yield how many errors and how many critical messages the log holds."""
    found = context.once(digest)
    counter = found.counter
    detail: Dict[str, Any] = dict(context.scope("container"), source=found.source)
    detail["since"] = journal.iso(context.since)
    detail["reaches_back_to"] = journal.iso(found.reaches_back_to)
    if not covers(context, found.reaches_back_to):
        detail["partial_coverage"] = True
    if counter.full or (found.shortfall and found.shortfall.code == "timed_out"):
        detail["truncated"] = True
    yield _whole(context, found, "log.errors", counter.errors, dict(detail, **_tally(counter)))
    yield _whole(context, found, "log.critical", counter.critical, detail)


def _tally(counter: Counter) -> Dict[str, Any]:
    units = sorted(counter.units.items(), key=lambda item: (-item[1], item[0]))
    kinds = sorted(counter.kinds.items(), key=lambda item: (-item[1][0], item[0]))
    messages: List[Dict[str, Any]] = [
        {"unit": _name(unit), "count": count, "message": shown(example)}
        for (unit, _), (count, example) in kinds[:MOST_MESSAGES]
    ]
    by_unit = [{"unit": _name(unit), "count": count} for unit, count in units[:MOST_UNITS]]
    return {"by_unit": by_unit, "messages": messages, "kinds": len(kinds)}


def _name(unit: str) -> str:
    """Return a unit's or a program's name as it may leave the host: syslog lets anyone write anything there."""
    return unit if unit.endswith(".service") else shown(unit)


def _whole(context: Context, found: Digest, check: str, count: int, detail: Dict[str, Any]) -> Observation:
    """Return what was counted; but where entries are missing and the rest is no worse than a notice, it is unknown."""
    seen = context.observe(check, count, detail)
    if found.shortfall is None or rank(seen.level) > rank("unknown"):
        return seen
    why = found.shortfall
    return context.unknown(check, why.code, dict(detail, seen=count), **why.parameters)


MEASURES: Measures = ((("log.errors", "log.critical"), errors),)
