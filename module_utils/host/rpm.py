"""Red Hat's package management: updates that wait, how old the metadata is, what was left half done."""

import contextlib
import glob
import os
from typing import List, Optional

try:
    import sqlite3
except ImportError:  # a Python without it
    sqlite3 = None  # type: ignore[assignment]

from . import commands
from .errors import Unmeasurable

METADATA = (
    "/var/cache/dnf/*/repodata/repomd.xml",
    "/var/cache/libdnf5/*/repodata/repomd.xml",
    "/var/cache/yum/*/*/*/repomd.xml",
    "/var/cache/yum/*/*/repomd.xml",
    "/var/cache/yum/*/repomd.xml",
)
UPDATE_INFORMATION = (
    "/var/cache/dnf/*/repodata/*updateinfo*",
    "/var/cache/libdnf5/*/repodata/*updateinfo*",
    "/var/cache/yum/*/*/*/*updateinfo*",
    "/var/cache/yum/*/*/*/gen/*updateinfo*",
)
HISTORY = "/var/lib/dnf/history.sqlite"
UNFINISHED = "/var/lib/yum/transaction-all.*"

#: ``check-update`` answers with this where updates wait (dnf(8)).
UPDATES_WAIT = 100


def parse_check_update(output: str) -> List[str]:
    """Return the package names of ``check-update``: name.architecture, version, repository, wrapped where long."""
    names: List[str] = []
    fields: List[str] = []
    for line in output.splitlines():
        if line.startswith(("Obsoleting Packages", "Security:")):
            break
        if not line.strip():
            fields = []
            continue
        fields += line.split()
        if len(fields) >= 3:
            if len(fields) == 3 and "." in fields[0]:
                names.append(fields[0].rpartition(".")[0])
            fields = []
    return names


def pending(tool: str, timeout: float) -> List[str]:
    """Return the packages for which the cached metadata knows an update. Raises Unmeasurable."""
    answer = commands.run([tool, "-q", "-C", "check-update"], timeout, accepted=(0, UPDATES_WAIT))
    return parse_check_update(answer.output)


def security(tool: str, timeout: float) -> Optional[List[str]]:
    """Return the packages with a security update; None where no repository tells which updates are for security."""
    if not any(glob.glob(pattern) for pattern in UPDATE_INFORMATION):
        return None
    answer = commands.run([tool, "-q", "-C", "--security", "check-update"], timeout, (0, UPDATES_WAIT))
    return parse_check_update(answer.output)


def metadata_changed() -> float:
    """Return when the newest metadata was fetched, in seconds of the epoch. Raises Unmeasurable: source_missing."""
    paths = [path for pattern in METADATA for path in glob.glob(pattern)]
    if not paths:
        raise Unmeasurable("source_missing", source="/var/cache/dnf, /var/cache/yum")
    return max(os.stat(path).st_mtime for path in paths)


def interrupted(tool: str) -> List[str]:
    """Return the transactions that were begun but not finished: yum's files, or dnf's history (dnf 4).

    Raises Unmeasurable: not_supported, source_missing.
    """
    if tool == "yum" and not os.path.exists(HISTORY):
        return sorted(os.path.basename(path) for path in glob.glob(UNFINISHED))
    if not os.path.exists(HISTORY):
        raise Unmeasurable("source_missing", source=HISTORY)
    if sqlite3 is None:
        raise Unmeasurable("not_supported", feature="sqlite3 of Python")
    try:
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % HISTORY, uri=True, timeout=5)) as history:
            rows = history.execute("SELECT id, cmdline FROM trans WHERE dt_end IS NULL ORDER BY id").fetchall()
    except sqlite3.Error as error:
        raise Unmeasurable("command_failed", command=HISTORY, message=str(error)) from error
    return ["%s %s" % (number, arguments or "") for number, arguments in rows]
