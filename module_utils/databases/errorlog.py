"""How many errors a server has logged since a time: in its own file, or in the journal of the unit that runs it.

Equal messages are counted together whatever numbers they carry; one example of each is shown, masked.
"""

import bz2
import calendar
import glob
import gzip
import os
import re
import time
import zlib
from typing import IO, Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, cast

from ..host import journal, logs
from ..measuring import commands, files
from ..measuring.asking import ask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import messages
from .server import Server

#: Of a file the newest part is read, of a flood the first so many lines are counted.
LARGEST = 64 * 1024 * 1024
LONGEST_LINE = 8192
LONGEST_EXAMPLE = 2000
MOST_KINDS = 5000
SHOWN = 15
MESSAGE_LENGTH = 300

OPENERS: Dict[str, Callable[[str], Any]] = {".gz": gzip.open, ".bz2": bz2.open}

UNREADABLE = (".xz", ".zst", ".lz4", ".lzma", ".zip")

#: Seconds that a server may take from its first line to what it counts as its start.
START = 300

#: Units that run a server, for one whose process does not tell its own.
UNITS = ("mariadb.service", "mysql.service", "mysqld.service")

#: MariaDB since 10.1 and MySQL since 5.7; and the short form of their crashes and of older servers.
_ISO = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d)[T ] ?(?P<time>\d{1,2}:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)? (?P<rest>.*)"
)
_SHORT = re.compile(r"(?P<stamp>\d{6}) +(?P<time>\d{1,2}:\d\d:\d\d) (?P<rest>.*)")
_ERROR = re.compile(r"\[ERROR\]|got signal \d+|\[FATAL\]", re.I)
_LEADING = re.compile(r"^(?:\d+ )?(?:UTC - )?\[?ERROR\]? *(?:\[MY-\d+\] )?(?:\[\w+\] )?", re.I)


class Line(NamedTuple):
    """A line of an error log; ``moment`` in seconds of the epoch, ``error`` the message of an error, else None."""

    moment: float
    error: Optional[str]


class Digest:
    """Counts the errors of lines since a time, in bounded memory."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.count = 0
        self.lines = 0
        self.understood = 0
        self.oldest: Optional[float] = None
        self.kinds: Dict[str, List[Any]] = {}

    def add(self, text: str) -> None:
        """Count a line; those without a time belong to the one before."""
        if not text.strip():
            return
        self.lines += 1
        line = parse_line(text)
        if line is None:
            return
        self.understood += 1
        self.oldest = line.moment if self.oldest is None else min(self.oldest, line.moment)
        if line.error is None or line.moment < self.since:
            return
        self.count += 1
        kind = logs.same(line.error)
        if kind in self.kinds:
            self.kinds[kind][0] += 1
        elif len(self.kinds) < MOST_KINDS:
            self.kinds[kind] = [1, line.error[:LONGEST_EXAMPLE]]

    def commonest(self) -> List[Dict[str, Any]]:
        """Return the commonest messages with their counts, masked."""
        kinds = sorted(self.kinds.values(), key=lambda kind: (-kind[0], kind[1]))
        return [
            {"count": count, "message": messages.error(example)[:MESSAGE_LENGTH]} for count, example in kinds[:SHOWN]
        ]

    def as_json(self) -> Dict[str, Any]:
        """Return what another process of ours needs to know."""
        return {
            "count": self.count,
            "lines": self.lines,
            "understood": self.understood,
            "oldest": self.oldest,
            "messages": self.commonest(),
        }


def parse_line(text: str) -> Optional[Line]:
    """Return a line of an error log, None for one without a time; a time without a zone is the host's own."""
    match = _ISO.match(text) or _SHORT.match(text)
    if match is None:
        return None
    pattern = "%y%m%d %H:%M:%S" if match.re is _SHORT else "%Y-%m-%d %H:%M:%S"
    try:
        stamp = time.strptime("%s %s" % match.group("stamp", "time"), pattern)
    except ValueError:
        return None
    zone = match.groupdict().get("zone")
    if zone is None:
        moment = time.mktime(stamp)
    else:
        hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[4:6]))
        offset = (hours * 60 + minutes) * 60 * (-1 if zone[0] == "-" else 1)
        moment = calendar.timegm(stamp) - offset
    rest = match.group("rest")
    return Line(moment, _LEADING.sub("", rest).strip() if _ERROR.search(rest[:200]) else None)


def errors(server: Server) -> Iterator[Observation]:
    """Yield how many errors the server has logged since the last inspection; of servers on this host only."""
    if not server.local:
        return
    path = server.instance.error_log or _told(server)
    if path:
        found, source = from_file(path, server.since, server.settings.timeout), path
    else:
        found, source = from_journal(_units(server), server), "journal"
    detail: Dict[str, Any] = {"source": source, "since": journal.iso(server.since)}
    if found["messages"]:
        detail["messages"] = found["messages"]
        detail["commonest"] = found["messages"][0]["message"]
    shortfall: Optional[Unmeasurable] = None
    if found["lines"] > 20 * max(found["understood"], 1) or (found["lines"] and not found["understood"]):
        shortfall = Unmeasurable("unparsable", source=source)
    elif found["oldest"] is None:
        if not found["older"]:
            shortfall = Unmeasurable("log_emptied", path=source)
    else:
        detail["reaches_back_to"] = journal.iso(found["oldest"])
        cut = found["cut"] or (not found["older"] and _begins_later(server, found["oldest"]))
        if cut and not logs.covers(cast("Any", server), found["oldest"]):
            detail["partial_coverage"] = True
            times = {"since": detail["since"], "reaches_back_to": detail["reaches_back_to"]}
            shortfall = Unmeasurable("partly_covered", **times)
    yield server.partly_seen("database.error_log", found["count"], detail, shortfall)


def _begins_later(server: Server, oldest: float) -> bool:
    """Return whether a log lacks what every server writes when it starts: somebody emptied it meanwhile."""
    try:
        return oldest > server.now - server.counter("uptime") + START
    except Unmeasurable:  # it is down
        return False


def _told(server: Server) -> str:
    """Return the file that a server says it logs to, as this host names it; empty for one that writes to its unit."""
    server.require_this_host()
    path = server.variables.get("log_error", "")
    if path in ("", "stderr"):
        return ""
    return os.path.normpath(os.path.join(server.variables.get("datadir", ""), path))


def _units(server: Server) -> Iterable[str]:
    """Return the unit whose journal a server writes to, or those that it may be."""
    pid = (files.optional(server.variables.get("pid_file", "")) or "").strip()
    for line in (files.optional("/proc/%s/cgroup" % pid) or "").splitlines() if pid.isdigit() else ():
        name = os.path.basename(line.rpartition(":")[2])
        if name.endswith(".service"):
            return (name,)
    return UNITS


def from_journal(units: Iterable[str], server: Server) -> Dict[str, Any]:
    """Return the digest of what units wrote to the journal. Raises Unmeasurable where it cannot be read."""
    timeout = server.settings.timeout
    journal.require_readable()
    digest = Digest(server.since)
    argv = ["journalctl", "-q", "--no-pager", "-a", "-o", "cat", "--since", journal.moment(server.since)]
    for unit in units:
        argv += ["-u", unit]
    for line in commands.lines(argv, timeout, LONGEST_LINE):
        digest.add(commands.text(line))
    # systemd's own messages about the unit stand among the server's, so not every line is in the server's form.
    found = dict(digest.as_json(), oldest=journal.reaches_back_to(timeout), cut=True, older=False)
    if digest.understood:
        found["lines"] = digest.understood
    return found


def from_file(path: str, since: float, timeout: float) -> Dict[str, Any]:
    """Return the digest of a log file and of those that were rotated since a time.

    Raises Unmeasurable: source_missing, not_permitted, not_supported, timed_out.
    """
    answer = ask(lambda asked: _read(asked, since), [path], timeout).get(path)
    if answer is None:
        raise Unmeasurable("timed_out", path=path, seconds=timeout)
    if "errno" in answer:
        raise files.reason(OSError(answer["errno"], os.strerror(answer["errno"])), answer["path"])
    return dict(answer)


def _read(path: str, since: float) -> Dict[str, Any]:
    """Return the digest as JSON can carry it; or the error's number and path.

    ``cut`` where lines may be missing; ``older`` where a file from before the period shows that its first ones are not.
    """
    digest = Digest(since)
    rotated = sorted(
        (one for one in glob.glob(glob.escape(path) + "[.-]*") if re.search(r"[.-]\d+(?:\.\w+)?\Z", one)),
        key=_modified,
        reverse=True,
    )
    recent = [one for one in rotated if _modified(one) >= since]
    cut = bool(rotated) and len(recent) == len(rotated)
    for one in [path] + recent:
        try:
            cut = _digest(one, digest) or cut
        except OSError as error:
            return {"errno": error.errno or 5, "path": one}
        except (EOFError, zlib.error):
            cut = True  # a damaged archive
    return dict(digest.as_json(), cut=cut, older=len(recent) < len(rotated))


def _digest(path: str, digest: Digest) -> bool:
    """Add a file's lines; return whether its beginning was passed over."""
    suffix = os.path.splitext(path)[1]
    opener = OPENERS.get(suffix)
    if opener is None and suffix in UNREADABLE:
        return True
    with opener(path) if opener else open(path, "rb") as stream:
        passed = 0 if opener else max(os.fstat(stream.fileno()).st_size - LARGEST, 0)
        if passed:
            stream.seek(passed)
            stream.readline(LONGEST_LINE)
        for raw in _lines(stream):
            digest.add(raw.decode("utf-8", "replace"))
    return passed > 0


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines cut to LONGEST_LINE; the rest of a longer one is skipped."""
    while True:
        line = raw = stream.readline(LONGEST_LINE)
        if not raw:
            return
        while raw and not raw.endswith(b"\n"):
            raw = stream.readline(LONGEST_LINE)
        yield line.rstrip(b"\r\n")


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
