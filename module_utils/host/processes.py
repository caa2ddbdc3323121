"""The processes of the host: zombies, open files against their limits, and what each file descriptor holds.

One walk over /proc serves every subject that asks; a process that ends meanwhile is left out.
"""

import os
import re
import stat
import time
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..masking import mask
from ..observations import Observation, rank
from . import files
from .context import Context, Measures, capped
from .errors import Unmeasurable
from .mounts import Mount, holding, is_network, parse_mountinfo

#: Deleted files that hold memory or devices, not space on a disk.
NOT_ON_DISK = (
    "/memfd:",
    "/dev/shm/",  # noqa: S108
    "/dev/zero",
    "/SYSV",
    "/[aio]",
    "/anon_hugepage",
    "/drm mm object",
    "/i915",
)


class Process(NamedTuple):
    """A process as the kernel describes it."""

    pid: int
    name: str
    state: str
    parent: int


class Usage(NamedTuple):
    """How many files a process holds open, and its own soft limit (None without one)."""

    process: Process
    open: int
    limit: Optional[int]


class DeletedFile(NamedTuple):
    """A file that has no name any more but still takes space; ``bytes`` as allocated on disk."""

    pid: int
    process: str
    path: str
    bytes: int


class Snapshot(NamedTuple):
    """One walk over /proc.

    ``hidden`` counts the processes whose descriptors may not be looked at, ``uncounted`` those of them that may not
    even be counted, ``served`` the deleted files on mounts of other hosts or processes, which are not asked: they may
    never answer.
    """

    processes: List[Process]
    usages: List[Usage]
    deleted: List[DeletedFile]
    sockets: Dict[int, Process]
    hidden: int
    uncounted: int
    truncated: bool
    served: int


def parse_stat(text: str) -> Process:
    """Return /proc/PID/stat; the name between parentheses may hold spaces and parentheses itself."""
    head, _, tail = text.rpartition(")")
    pid, _, name = head.partition("(")
    state, parent = tail.split()[:2]
    return Process(int(pid), name, state, int(parent))


def parse_open_limit(text: str) -> Optional[int]:
    """Return the soft limit of open files from /proc/PID/limits; None for unlimited."""
    for line in text.splitlines():
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else None
    return None


def snapshot(context: Context) -> Snapshot:
    """Return what one walk over /proc finds, within the time that a command may take."""
    deadline = time.monotonic() + context.inputs.command_timeout
    found = Snapshot([], [], [], {}, 0, 0, False, 0)
    descend = any(context.wants(check) for check in DESCRIPTOR_CHECKS)
    inodes: Set[Tuple[int, int]] = set()
    hidden, uncounted, served, truncated = 0, 0, 0, False
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            process = parse_stat(files.read("/proc/%s/stat" % name))
        except (Unmeasurable, ValueError):
            continue  # it ended between the listing and the reading
        found.processes.append(process)
        truncated = time.monotonic() > deadline
        if not descend or truncated:
            continue
        try:
            served += _descriptors(process, found, inodes)
        except PermissionError:
            hidden += 1
            uncounted += not _count(process, found)
    return found._replace(hidden=hidden, uncounted=uncounted, truncated=truncated, served=served)


def _descriptors(process: Process, found: Snapshot, inodes: Set[Tuple[int, int]]) -> int:
    """Add what a process holds open; return how many files were not asked. Raises PermissionError."""
    folder = "/proc/%d/fd" % process.pid
    try:
        names = os.listdir(folder)
        targets = [(name, _link(folder + "/" + name)) for name in names]
    except PermissionError:
        raise
    except OSError:
        return 0  # it ended
    _use(process, found, len(names))
    deleted = []
    for name, target in targets:
        if target.startswith("socket:["):
            found.sockets.setdefault(int(target[8:-1]), process)
        elif target.endswith(" (deleted)") and not target.startswith(NOT_ON_DISK):
            deleted.append((name, target))
    mounts = parse_mountinfo(files.optional("/proc/%d/mountinfo" % process.pid) or "") if deleted else []
    served = 0
    for name, target in deleted:
        if may_hang(process, name, target, mounts):
            served += 1
            continue
        held = _deleted(process, folder + "/" + name, target, inodes)
        if held is not None:
            found.deleted.append(held)
    return served


def may_hang(process: Process, descriptor: str, target: str, mounts: Sequence[Mount]) -> bool:
    """Return whether a file that a process holds open may never answer: it is served, or nobody knows its mount."""
    about = files.optional("/proc/%d/fdinfo/%s" % (process.pid, descriptor)) or ""
    number = re.search(r"^mnt_id:\s*(\d+)$", about, re.MULTILINE)  # Linux 3.15
    mount = holding(mounts, int(number.group(1)) if number else None, target)
    return mount is None or is_network(mount)


def _count(process: Process, found: Snapshot) -> bool:
    """Add how many files a process holds open as the size of its folder tells (Linux 6.2); False where it does not."""
    try:
        count = os.stat("/proc/%d/fd" % process.pid).st_size
    except OSError:
        return True  # it ended
    if count:
        _use(process, found, count)
    return count > 0


def _use(process: Process, found: Snapshot, count: int) -> None:
    limits = files.optional("/proc/%d/limits" % process.pid)
    if limits is not None:
        found.usages.append(Usage(process, count, parse_open_limit(limits)))


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""


def _deleted(process: Process, path: str, target: str, inodes: Set[Tuple[int, int]]) -> Optional[DeletedFile]:
    try:
        status = os.stat(path)
    except OSError:
        return None
    inode = (status.st_dev, status.st_ino)
    if status.st_nlink or not stat.S_ISREG(status.st_mode) or inode in inodes:
        return None
    inodes.add(inode)
    return DeletedFile(process.pid, process.name, target[: -len(" (deleted)")], status.st_blocks * 512)


def running(context: Context, names: Iterable[str]) -> List[str]:
    """Return which of these programs run here, sorted; those in containers on this host don't count."""
    wanted = frozenset(names)
    found = (process for process in context.once(snapshot).processes if process.name in wanted)
    return sorted({process.name for process in found if _shares_namespace(process.pid)})


def _shares_namespace(pid: int) -> bool:
    """Return whether a process is in our own PID namespace: one in a nested one has a number for each (Linux 4.1)."""
    for line in (files.optional("/proc/%d/status" % pid) or "").splitlines():
        if line.startswith("NSpid:"):
            return len(line.split()) == 2
    return True


def zombies(context: Context) -> Iterator[Observation]:
    """Yield how many processes ended without their parent taking notice."""
    walk = context.once(snapshot)
    names = {process.pid: process.name for process in walk.processes}
    dead = [process for process in walk.processes if process.state == "Z"]
    parents: Dict[int, int] = {}
    for process in dead:
        parents[process.parent] = parents.get(process.parent, 0) + 1
    ranked = sorted(parents.items(), key=lambda item: -item[1])
    holders = [{"parent": pid, "process": names.get(pid, ""), "count": count} for pid, count in ranked]
    yield context.observe("process.zombies", len(dead), dict(capped("parents", holders), processes=len(names)))


def descriptors(context: Context) -> Iterator[Observation]:
    """Yield how near the worst process is to its own limit of open files."""
    walk = context.once(snapshot)
    limited = [(100.0 * usage.open / usage.limit, usage) for usage in walk.usages if usage.limit]
    if not limited:
        raise Unmeasurable("not_permitted", path="/proc/*/fd")
    percent, worst = max(limited, key=lambda item: item[0])
    detail = {
        "process": worst.process.name,
        "pid": worst.process.pid,
        "open": worst.open,
        "limit": worst.limit,
    }
    yield _complete(context, context.observe("process.descriptors", percent, detail), walk.uncounted, walk.truncated)


def deleted_open(context: Context) -> Iterator[Observation]:
    """Yield the bytes that deleted files still take because a process holds them open; each file counts once."""
    walk = context.once(snapshot)
    held = sorted(walk.deleted, key=lambda file: -file.bytes)
    shown = [dict(file._asdict(), path=mask(file.path)) for file in held if file.bytes]
    detail = capped("holders", shown, 10)
    if walk.served:
        detail["not_asked"] = walk.served
    total = sum(file.bytes for file in held)
    yield _complete(context, context.observe("filesystem.deleted_open", total, detail), walk.hidden, walk.truncated)


def _complete(context: Context, seen: Observation, hidden: int, truncated: bool) -> Observation:
    """Return what was seen; but where processes were hidden and the rest is no worse than a notice, it is unknown."""
    if not hidden and not truncated:
        return seen
    detail = dict(seen.detail, hidden_processes=hidden)
    if rank(seen.level) > rank("unknown"):
        return seen._replace(detail=detail)
    detail["seen"] = seen.value
    if truncated:
        return context.unknown(seen.check, "timed_out", detail, path="/proc", seconds=context.inputs.command_timeout)
    return context.unknown(seen.check, "not_permitted", detail, path="/proc/*/fd")


def system_descriptors(context: Context) -> Iterator[Observation]:
    """Yield how near the kernel is to its limit of open files."""
    fields = files.read("/proc/sys/fs/file-nr").split()
    used, limit = int(fields[0]) - int(fields[1]), int(fields[2])
    detail = dict(context.scope("machine"), open=used, limit=limit)
    yield context.observe("system.descriptors", 100.0 * used / limit, detail)


MEASURES: Measures = (
    (("process.zombies",), zombies),
    (("process.descriptors",), descriptors),
    (("system.descriptors",), system_descriptors),
    (("filesystem.deleted_open",), deleted_open),
)

#: The checks that need every process's descriptors; without them /proc is walked a level less deep.
DESCRIPTOR_CHECKS = (
    "process.descriptors",
    "filesystem.deleted_open",
    "network.listening",
    "network.unexpected_port",
    "network.missing_port",
)
