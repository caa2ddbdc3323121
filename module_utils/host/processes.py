"""The processes of the host: zombies, open files against their limits, and what each file descriptor holds.

One walk over /proc serves every subject that asks; a process that ends meanwhile is left out.
"""

import os
import re
import stat
import time
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..masking import mask
from ..measuring import files
from ..measuring.errors import Unmeasurable
from ..measuring.observer import capped
from ..observations import Observation, rank
from . import open_files
from .context import Context, Measures
from .mounts import Mount, holding, is_network, parse_mountinfo
from .open_files import Status

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


#: What the kernel writes behind the path of a file that has no name any more.
DELETED = " (deleted)"


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
    never answer. ``invisible`` counts what the kernel keeps from us altogether (proc(5), hidepid), at the least;
    ``refusal`` says why root could not tell what is hidden, where it was to be asked.
    """

    processes: List[Process]
    usages: List[Usage]
    deleted: List[DeletedFile]
    sockets: Dict[int, Process]
    hidden: int = 0
    uncounted: int = 0
    truncated: bool = False
    served: int = 0
    invisible: int = 0
    refusal: Optional[Unmeasurable] = None


#: Files that are counted already, by device and inode.
Inodes = Set[Tuple[int, int]]


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
    found = Snapshot([], [], [], {})
    descend = any(context.wants(check) for check in DESCRIPTOR_CHECKS)
    inodes: Inodes = set()
    hidden: List[Process] = []
    served, truncated = 0, False
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    invisible = int("1" not in names)
    for name in names:
        try:
            process = parse_stat(files.read("/proc/%s/stat" % name))
        except (Unmeasurable, ValueError) as why:
            invisible += isinstance(why, Unmeasurable) and why.code == "not_permitted"
            continue  # or it ended between the listing and the reading
        found.processes.append(process)
        truncated = time.monotonic() > deadline
        if not descend or truncated:
            continue
        try:
            served += _descriptors(process, found, inodes)
        except PermissionError:
            hidden.append(process)
    found = found._replace(truncated=truncated, served=served, invisible=invisible)
    if descend and not truncated and (hidden or invisible) and context.inputs.sudo and not context.privileged:
        try:
            return _with_root(context, found, hidden, inodes)
        except Unmeasurable as why:
            found = found._replace(refusal=why)
    uncounted = sum(not _count(process, found) for process in hidden)
    return found._replace(hidden=len(hidden) + invisible, uncounted=uncounted + invisible)


def _descriptors(process: Process, found: Snapshot, inodes: Inodes) -> int:
    """Add what a process holds open; return how many files were not asked. Raises PermissionError."""
    folder = "/proc/%d/fd" % process.pid
    try:
        names = os.listdir(folder)
        targets = {name: _link(folder + "/" + name) for name in names}
    except PermissionError:
        raise
    except OSError:
        return 0  # it ended
    deleted = _sort(process, targets, found)
    mounts = parse_mountinfo(files.optional("/proc/%d/mountinfo" % process.pid) or "") if deleted else []
    served = 0
    for name, target in deleted:
        about = files.optional("/proc/%d/fdinfo/%s" % (process.pid, name)) or ""
        if may_hang(about, target, mounts):
            served += 1
        else:
            _ask(process, folder + "/" + name, target, found, inodes)
    return served


def _with_root(context: Context, found: Snapshot, hidden: Sequence[Process], inodes: Inodes) -> Snapshot:
    """Return the walk with what root knows of the processes that we may not look into.

    Raises Unmeasurable where root may not tell anything.
    """
    listed, denied = open_files.listing(context)
    named = {process.pid: process for process in found.processes}
    own = set(named) - {process.pid for process in hidden}
    uncounted, unseen, served = len(denied), set(denied), found.served
    candidates: Dict[str, Tuple[Process, str]] = {}
    for pid in sorted(set(listed) - own):
        process = named.get(pid) or Process(pid, "", "", 0)
        deleted = _sort(process, {name: held.target for name, held in listed[pid].items()}, found)
        mounts = files.optional("/proc/%d/mountinfo" % pid) if deleted else ""
        if mounts is None:
            if found.invisible or os.path.exists("/proc/%d" % pid):
                unseen.add(pid)
            continue  # or it ended
        table = parse_mountinfo(mounts)
        for name, target in deleted:
            if may_hang(listed[pid][name].about, target, table):
                served += 1
            else:
                candidates["/proc/%d/fd/%s" % (pid, name)] = (process, target)
    refusal = None
    try:
        for status in open_files.statuses(context, list(candidates), unseen):
            if status.path in candidates:
                process, target = candidates[status.path]
                _hold(process, target, status, found, inodes)
    except Unmeasurable as why:
        refusal, unseen = why, unseen | {process.pid for process, _ in candidates.values()}
    return found._replace(hidden=len(unseen), uncounted=uncounted, served=served, refusal=refusal)


def _sort(process: Process, targets: Dict[str, str], found: Snapshot) -> List[Tuple[str, str]]:
    """Add how many files a process holds open, and its sockets; return those that have no name any more."""
    _use(process, found, len(targets))
    deleted = []
    for name, target in targets.items():
        if target.startswith("socket:["):
            found.sockets.setdefault(int(target[8:-1]), process)
        elif target.endswith(DELETED) and not target.startswith(NOT_ON_DISK):
            deleted.append((name, target))
    return deleted


def may_hang(about: str, target: str, mounts: Sequence[Mount]) -> bool:
    """Return whether an open file may never answer: it is served, or nobody knows its mount.

    ``about`` is /proc/PID/fdinfo/N, ``mounts`` those that its process sees.
    """
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


def _ask(process: Process, path: str, target: str, found: Snapshot, inodes: Inodes) -> None:
    try:
        status = os.stat(path)
    except OSError:
        return
    asked = Status(path, status.st_dev, status.st_ino, status.st_mode, status.st_nlink, status.st_blocks * 512)
    _hold(process, target, asked, found, inodes)


def _hold(process: Process, target: str, status: Status, found: Snapshot, inodes: Inodes) -> None:
    """Add a file if it has no name and is not known yet."""
    inode = (status.device, status.inode)
    if not status.links and stat.S_ISREG(status.mode) and inode not in inodes:
        inodes.add(inode)
        found.deleted.append(DeletedFile(process.pid, process.name, target[: -len(DELETED)], status.bytes))


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
    seen = context.observe("process.zombies", len(dead), dict(capped("parents", holders), processes=len(names)))
    yield _complete(context, seen, walk.invisible, False, Unmeasurable("not_permitted", path="/proc"))


def descriptors(context: Context) -> Iterator[Observation]:
    """Yield how near the worst process is to its own limit of open files."""
    walk = context.once(snapshot)
    limited = [(100.0 * usage.open / usage.limit, usage) for usage in walk.usages if usage.limit]
    if not limited:
        raise walk.refusal or Unmeasurable("not_permitted", path="/proc/*/fd")
    percent, worst = max(limited, key=lambda item: item[0])
    detail = {
        "process": worst.process.name,
        "pid": worst.process.pid,
        "open": worst.open,
        "limit": worst.limit,
    }
    seen = context.observe("process.descriptors", percent, detail)
    yield _complete(context, seen, walk.uncounted, walk.truncated, walk.refusal)


def deleted_open(context: Context) -> Iterator[Observation]:
    """Yield the bytes that deleted files still take because a process holds them open; each file counts once."""
    walk = context.once(snapshot)
    held = sorted(walk.deleted, key=lambda file: -file.bytes)
    shown = [dict(file._asdict(), path=mask(file.path)) for file in held if file.bytes]
    detail = capped("holders", shown, 10)
    if walk.served:
        detail["not_asked"] = walk.served
    total = sum(file.bytes for file in held)
    seen = context.observe("filesystem.deleted_open", total, detail)
    yield _complete(context, seen, walk.hidden, walk.truncated, walk.refusal)


def _complete(
    context: Context, seen: Observation, hidden: int, truncated: bool, refusal: Optional[Unmeasurable]
) -> Observation:
    """Return what was seen; but where processes were hidden and the rest is no worse than a notice, it is unknown."""
    if not hidden and not truncated:
        return seen
    detail = dict(seen.detail, hidden_processes=hidden)
    if rank(seen.level) > rank("unknown"):
        return seen._replace(detail=detail)
    detail["seen"] = seen.value
    if truncated:
        return context.unknown(seen.check, "timed_out", detail, path="/proc", seconds=context.inputs.command_timeout)
    why = refusal or Unmeasurable("not_permitted", path="/proc/*/fd")
    return context.unknown(seen.check, why.code, detail, **why.parameters)


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
