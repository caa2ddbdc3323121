"""Reads syslog files, rotated and compressed ones too, within bounds.

They carry no priority, so words tell it: what says error, failed or fatal counts as an error.
"""

import bz2
import calendar
import datetime
import glob
import gzip
import os
import re
import time
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional

try:
    import lzma
except ImportError:  # a Python without it
    lzma = None  # type: ignore[assignment]

from ..measuring import files
from ..measuring.errors import Unmeasurable
from .journal import Entry

FILES = ("/var/log/syslog", "/var/log/messages")
LONGEST_LINE = 8192
BLOCK = 1 << 18

#: How rotated files are opened, by their ending; Python cannot read what is compressed in another way.
OPENERS: Dict[str, Callable[[str], Any]] = {".gz": gzip.open, ".bz2": bz2.open}
if lzma is not None:
    OPENERS[".xz"] = lzma.open

_TRADITIONAL = re.compile(
    r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d) "
    r"(?P<host>\S+) (?P<tag>[^\s:\[]+)(?:\[\d+\])?: ?(?P<message>.*)"
)
_ISO = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d) "
    r"(?P<host>\S+) (?P<tag>[^\s:\[]+)(?:\[\d+\])?: ?(?P<message>.*)"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_CRITICAL = re.compile(r"\b(?:emerg(?:ency)?|panic|crit(?:ical)?|fatal|alert:)\b|\bkernel BUG\b|Out of memory", re.I)
_ERROR = re.compile(
    r"\b(?:errors?|err|fail(?:ed|ure|ures)?|segfault|denied|refused|corrupt(?:ed|ion)?|I/O error|unable to|cannot)\b",
    re.I,
)
_HARMLESS = re.compile(r"\b(?:0|no|without) (?:errors?|failures?)\b|\bfail(?:ed|ures?)[=: ]+0\b", re.I)


class Line(NamedTuple):
    """A line of a syslog file; ``moment`` in seconds of the epoch."""

    moment: float
    entry: Entry


def parse_line(text: str, now: float) -> Optional[Line]:
    """Return a line in the traditional (RFC 3164: local time, no year) or ISO 8601 form, None for anything else."""
    match = _ISO.match(text)
    if match:
        zone = match.group("zone").replace(":", "").replace("Z", "+0000")
        stamp = datetime.datetime.strptime(match.group("stamp") + zone, "%Y-%m-%dT%H:%M:%S%z")
        moment = stamp.timestamp()
    else:
        match = _TRADITIONAL.match(text)
        if match is None:
            return None
        moment = _guess_year(match, now)
    message = match.group("message")
    return Line(moment, Entry(match.group("tag"), priority(message), message))


def priority(message: str) -> int:
    """Return the syslog priority that a message's words suggest: 2 critical, 3 error, 6 information."""
    if _CRITICAL.search(message):
        return 2
    return 3 if _ERROR.search(_HARMLESS.sub("", message)) else 6


def _guess_year(match: Any, now: float) -> float:
    hour, minute, second = (int(part) for part in match.group("time").split(":"))
    month, day = MONTHS.index(match.group("month")) + 1, int(match.group("day"))
    year = time.localtime(now).tm_year
    for candidate in (year, year - 1):
        if day > calendar.monthrange(candidate, month)[1]:
            continue
        moment = time.mktime((candidate, month, day, hour, minute, second, 0, 0, -1))
        if moment <= now + 86400:
            return moment
    return now


class Sources(NamedTuple):
    """The files to read, newest first; ``complete`` if an older one ends before the time that was asked for."""

    paths: List[str]
    complete: bool


def sources(since: float) -> Sources:
    """Return the files that may hold entries since a time.

    Raises Unmeasurable: source_missing where the host keeps no such file, not_permitted.
    """
    current = [path for path in FILES if os.path.isfile(path)]
    if not current:
        raise Unmeasurable("source_missing", source="journal, " + ", ".join(FILES))
    live = max(current, key=_modified)
    rotated = [path for path in glob.glob(live + "[.-]*") if re.search(r"[.-]\d+(\.\w+)?\Z", path)]
    recent = sorted((path for path in rotated if _modified(path) >= since), key=_modified, reverse=True)
    chosen = [live, *recent]
    for path in chosen:
        if not os.access(path, os.R_OK):
            raise Unmeasurable("not_permitted", path=path)
    return Sources(chosen, len(recent) < len(rotated))


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def read(paths: List[str], now: float) -> Iterator[Optional[Line]]:
    """Yield the lines of syslog files, None for each that is in no known form; plain files are read from their end.

    Raises Unmeasurable as files.read() does, and not_supported for a file compressed in an unknown way.
    """
    for path in paths:
        ending = os.path.splitext(path)[1]
        compressed = ending if re.search(r"\d\.\w*[a-z]\w*\Z", path) else ""
        if compressed and compressed not in OPENERS:
            raise Unmeasurable("not_supported", feature=path)
        try:
            with OPENERS[compressed](path) if compressed else open(path, "rb") as stream:
                for raw in _forwards(stream) if compressed else _backwards(stream):
                    if raw:
                        yield parse_line(raw.decode("utf-8", "replace"), now)
        except Exception as error:
            if isinstance(error, OSError) and error.errno:
                raise files.reason(error, path) from error
            raise Unmeasurable("unparsable", source=path) from error  # a damaged archive


def _forwards(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines cut to LONGEST_LINE; the rest of a longer one is skipped."""
    while True:
        line = raw = stream.readline(LONGEST_LINE)
        if not raw:
            return
        while raw and not raw.endswith(b"\n"):
            raw = stream.readline(LONGEST_LINE)
        yield line.rstrip(b"\n")


def _backwards(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines from the last to the first, cut to LONGEST_LINE."""
    position = stream.seek(0, os.SEEK_END)
    rest = b""
    while position > 0:
        size = min(position, BLOCK)
        position -= size
        stream.seek(position)
        first, *lines = (stream.read(size) + rest).split(b"\n")
        for line in reversed(lines):
            yield line[:LONGEST_LINE]
        rest = first[:LONGEST_LINE]
    yield rest
