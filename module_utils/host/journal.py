"""Reads the systemd journal through journalctl, entry by entry and within bounds."""

import contextlib
import datetime
import glob
import json
import os
import time
from typing import Any, Dict, Iterator, NamedTuple, Optional

from ..measuring import commands
from ..measuring.errors import Unmeasurable

FILES = ("/var/log/journal/*/*.journal", "/run/log/journal/*/*.journal")
FIELDS = "PRIORITY,MESSAGE,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT,_COMM"


#: The systemd whose journalctl can leave out fields that nobody asked for.
OUTPUT_FIELDS_SINCE = 236

#: In bytes of JSON, which writes a byte that is not text as a number.
LONGEST_ENTRY = 1 << 20


class Entry(NamedTuple):
    """A log entry: the unit or program that wrote it, its syslog priority (0 emerg ... 3 err), its raw message."""

    unit: str
    priority: int
    message: str


def exists() -> bool:
    """Return whether the host keeps a journal that journalctl could read."""
    return commands.available("journalctl") and any(glob.iglob(pattern) for pattern in _folders())


def _folders() -> Iterator[str]:
    for pattern in FILES:
        for path in glob.iglob(os.path.dirname(pattern)):
            yield path


def require_readable() -> None:
    """Raise Unmeasurable (source_missing, not_permitted) unless the system's journal can be read."""
    folders = list(_folders())
    if not folders:
        raise Unmeasurable("source_missing", source="journal")
    for folder in folders:
        if not os.access(folder, os.R_OK | os.X_OK):
            raise Unmeasurable("not_permitted", path=folder)
        system = os.path.join(folder, "system.journal")
        if os.path.exists(system) and not os.access(system, os.R_OK):
            raise Unmeasurable("not_permitted", path=system)


def moment(seconds: float) -> str:
    """Return a time of the epoch as every journalctl understands it: the host's local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def iso(seconds: float) -> str:
    """Return a time of the epoch as ISO 8601 in UTC."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).isoformat()


def reaches_back_to(timeout: float) -> Optional[float]:
    """Return the time of the oldest entry, in seconds of the epoch; None for an empty journal."""
    argv = ["journalctl", "-q", "--no-pager", "-o", "json"]
    with contextlib.closing(commands.lines(argv, timeout)) as entries:
        for line in entries:
            try:
                return int(_load(line)["__REALTIME_TIMESTAMP"]) / 1e6
            except (ValueError, KeyError, TypeError):
                continue  # a damaged entry
    return None


def errors(since: float, timeout: float) -> Iterator[Entry]:
    """Yield the entries of priority err and worse since a time, newest first."""
    argv = ["journalctl", "-q", "--no-pager", "-a", "-r", "-o", "json", "-p", "err", "--since", moment(since)]
    if version(timeout) >= OUTPUT_FIELDS_SINCE:
        argv.append("--output-fields=" + FIELDS)
    for line in commands.lines(argv, timeout, LONGEST_ENTRY):
        try:
            yield parse_entry(line)
        except (ValueError, KeyError, TypeError):
            yield Entry("", 3, "")  # damaged or too long, but an error all the same


def parse_entry(line: bytes) -> Entry:
    """Return a line of ``journalctl -o json``.

    A message is text, a list of byte values where it is not UTF-8, a list of texts where it was given twice, or null
    where it is too long. Raises ValueError, KeyError or TypeError for anything else.
    """
    entry = _load(line)
    message = entry.get("MESSAGE")
    if isinstance(message, list):
        if all(isinstance(part, int) for part in message):
            message = bytes(message).decode("utf-8", "replace")
        else:
            message = " ".join(str(part) for part in message)
    unit = entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM")
    if not isinstance(unit, str):
        unit = ""
    elif unit.startswith("session-") and unit.endswith(".scope"):
        unit = str(entry.get("SYSLOG_IDENTIFIER") or unit)
    return Entry(unit, int(entry["PRIORITY"]), message if isinstance(message, str) else "")


def _load(line: bytes) -> Dict[str, Any]:
    entry = json.loads(line.decode("utf-8", "replace"))
    if not isinstance(entry, dict):
        raise TypeError("not an entry")
    return entry


def version(timeout: float) -> int:
    """Return the version of systemd that journalctl belongs to; 0 where it does not say."""
    words = commands.run(["journalctl", "--version"], timeout).output.split()
    number = words[1].split(".")[0] if len(words) > 1 else ""
    return int(number) if number.isdigit() else 0
