"""Reads syslog files, rotated and compressed ones too, within bounds.

They carry no priority, so words tell it: what says error, failed or fatal counts as an error.
"""

import calendar
import datetime
import glob
import gzip
import os
import re
import time
from typing import IO, Any, Iterator, List, NamedTuple, Optional, Union

from . import files
from .errors import Unmeasurable
from .journal import Entry

FILES = ("/var/log/syslog", "/var/log/messages")
LONGEST_LINE = 8192

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


def sources(since: float) -> List[str]:
    """Return the files that may hold entries since a time, oldest first.

    Raises Unmeasurable: source_missing where the host keeps no such file, not_permitted.
    """
    current = [path for path in FILES if os.path.isfile(path)]
    if not current:
        raise Unmeasurable("source_missing", source="journal, " + ", ".join(FILES))
    rotated = [path for path in glob.glob(current[0] + "[.-]*") if re.search(r"[.-]\d+(\.gz)?\Z", path)]
    recent = sorted((path for path in rotated if _modified(path) >= since), key=_modified)
    chosen = [*recent, current[0]]
    for path in chosen:
        if not os.access(path, os.R_OK):
            raise Unmeasurable("not_permitted", path=path)
    return chosen


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def read(paths: List[str], now: float) -> Iterator[Line]:
    """Yield the lines of syslog files in order. Raises Unmeasurable as files.read() does."""
    for path in paths:
        try:
            with _opened(path) as stream:
                for text in _lines(stream):
                    line = parse_line(text, now)
                    if line is not None:
                        yield line
        except (EOFError, OSError) as error:
            raise files.reason(error if isinstance(error, OSError) else OSError(str(error)), path) from error


def _opened(path: str) -> Union[IO[bytes], gzip.GzipFile]:
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


def _lines(stream: Any) -> Iterator[str]:
    """Yield lines cut to LONGEST_LINE; the rest of a longer one is skipped."""
    while True:
        raw = stream.readline(LONGEST_LINE)
        if not raw:
            return
        text = raw.decode("utf-8", "replace").rstrip("\n")
        while raw and not raw.endswith(b"\n"):
            raw = stream.readline(LONGEST_LINE)
        yield text
