"""Red Hat's package management: updates that wait, how old the metadata is, what was left half done."""

import contextlib
import glob
import os
from typing import List, Optional, Set, Tuple

try:
    import sqlite3
except ImportError:  # a Python without it
    sqlite3 = None  # type: ignore[assignment]

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable

#: Where a repository's metadata is cached: dnf (and dnf 5) adds a digest to its id, yum does not.
CACHES = (
    "/var/cache/dnf/{id}-[0-9a-f]*/repodata/{name}",
    "/var/cache/libdnf5/{id}-[0-9a-f]*/repodata/{name}",
    "/var/cache/yum/*/*/{id}/{name}",
    "/var/cache/yum/*/*/{id}/gen/{name}",
    "/var/cache/yum/{id}/{name}",
)
#: Written when metadata is fetched or found unchanged: dnf touches primary then, yum cachecookie; a failure none.
FETCHED = ("repomd.xml", "*primary*", "cachecookie")
#: In the distribution's own repositories and nowhere else.
BASE_PACKAGE = "glibc"
HISTORY = "/var/lib/dnf/history.sqlite"
UNFINISHED = "/var/lib/yum/transaction-all.*"

#: Whoever changes the database holds one of these, or is one of those.
LOCKS = ("/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock")
PROGRAMS = ("dnf", "dnf5", "yum", "rpm")

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


def parse_repositories(output: str) -> List[str]:
    """Return the ids of ``repolist``; yum marks some with ! or * and adds the release and the architecture."""
    lines = [line.split() for line in output.splitlines()]
    words = [line[0] for line in lines if len(line) > 1 and line[:2] != ["repo", "id"]]
    return [word.lstrip("!*").partition("/")[0] for word in words if not word.endswith(":")]


def parse_providers(output: str) -> Set[str]:
    """Return the repositories that ``list --showduplicates`` names; installed packages have one that starts with @."""
    lines = (line.split() for line in output.splitlines())
    return {line[2] for line in lines if len(line) == 3 and not line[2].startswith("@")}


def security(tool: str, timeout: float) -> Optional[List[str]]:
    """Return the packages with a security update; None where the distribution's own repositories don't tell.

    Others don't vouch for it: EPEL says which of its own updates are for security, and no more.
    """
    listed = commands.run([tool, "-q", "-C", "--showduplicates", "list", BASE_PACKAGE], timeout, (0, 1)).output
    indexes = [path for repository in parse_providers(listed) for path in _cached(repository, "repomd.xml")]
    if not any('type="updateinfo"' in (files.optional(path) or "") for path in indexes):
        return None
    answer = commands.run([tool, "-q", "-C", "--security", "check-update"], timeout, (0, UPDATES_WAIT))
    return parse_check_update(answer.output)


def fetched(tool: str, timeout: float) -> Tuple[float, str]:
    """Return the enabled repository that was not asked for longest: when it last was, in seconds of the epoch, its id.

    Raises Unmeasurable: source_missing where no repository is enabled, or one was never fetched.
    """
    repositories = parse_repositories(commands.run([tool, "-q", "-C", "repolist"], timeout).output)
    if not repositories:
        raise Unmeasurable("source_missing", source="/etc/yum.repos.d")
    return min((_asked(repository), repository) for repository in repositories)


def _asked(repository: str) -> float:
    paths = [path for name in FETCHED for path in _cached(repository, name)]
    if not paths:
        raise Unmeasurable("source_missing", source="/var/cache/*/%s" % repository)
    return max(os.stat(path).st_mtime for path in paths)


def _cached(repository: str, name: str) -> List[str]:
    patterns = (pattern.format(id=glob.escape(repository), name=name) for pattern in CACHES)
    return [path for pattern in patterns for path in glob.glob(pattern)]


def interrupted(tool: str) -> List[str]:
    """Return what was begun but not finished: yum's files, or the last transaction in dnf's history (dnf 4).

    An older transaction that never ended was followed by one that did, so nothing is left of it.

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
            rows = history.execute("SELECT id, cmdline, dt_end FROM trans ORDER BY id DESC LIMIT 1").fetchall()
    except sqlite3.Error as error:
        raise Unmeasurable("command_failed", command=HISTORY, message=str(error)) from error
    return ["%s %s" % (number, arguments or "") for number, arguments, end in rows if end is None]
