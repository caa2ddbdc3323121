"""How full the file systems are, and whether one has turned read-only."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterator, List, NamedTuple, Tuple, Union

from ..observations import Observation
from . import commands, files
from .context import Context, Measures
from .errors import Unmeasurable
from .mounts import (
    Mount,
    is_memory,
    is_network,
    is_read_only,
    parse_fstab,
    parse_mountinfo,
    storage,
    unexpectedly_read_only,
)

#: Asks for a file system's space in a process of its own, which may be left behind if the server never answers.
ASK = "import json, os, sys; s = os.statvfs(sys.argv[1]); print(json.dumps(list(s)[:8]))"

MAXIMUM = 200


class Space(NamedTuple):
    """A file system's space in bytes and its inodes; ``available`` is what an ordinary user can have."""

    size: int
    used: int
    available: int
    inodes: int
    inodes_used: int


Answers = List[Tuple[Mount, Union[Space, Unmeasurable]]]


def space(figures: Tuple[int, ...]) -> Space:
    """Return the first fields of statvfs(3): bsize, frsize, blocks, bfree, bavail, files, ffree."""
    _block, unit, blocks, free, available, inodes, inodes_free = figures[:7]
    return Space(blocks * unit, (blocks - free) * unit, available * unit, inodes, max(inodes - inodes_free, 0))


def used_percent(space_: Space) -> float:
    """Return the percentage that df shows: of what is used and what an ordinary user can still have."""
    reachable = space_.used + space_.available
    return 100.0 * space_.used / reachable if reachable else 0.0


def _ask(mount: Mount, timeout: float) -> Union[Space, Unmeasurable]:
    try:
        if not is_network(mount):
            return space(tuple(os.statvfs(mount.point)))
        answer = commands.run([sys.executable, "-I", "-c", ASK, mount.point], timeout)
        return space(tuple(json.loads(answer.output)))
    except OSError as error:
        return files.reason(error, mount.point)
    except Unmeasurable as why:
        if why.code == "timed_out":
            return Unmeasurable("timed_out", path=mount.point, seconds=timeout)
        return Unmeasurable("command_failed", command="statvfs", message=str(why.parameters.get("message", "")))


def _answers(context: Context) -> Answers:
    """Return the space of each file system, all asked at the same time."""
    chosen = storage(
        parse_mountinfo(os.fsdecode(files.read_bytes("/proc/self/mountinfo"))), context.inputs.ignored_mounts
    )[:MAXIMUM]
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda mount: (mount, _ask(mount, context.inputs.command_timeout)), chosen))


def usage(context: Context) -> Iterator[Observation]:
    """Yield how full each file system is; when it will be full takes a history, which the controller has."""
    for mount, answer in context.once(_answers):
        if isinstance(answer, Unmeasurable):
            yield context.unknown("filesystem.used", answer.code, subject=mount.point, **answer.parameters)
        elif answer.size:
            detail = {
                "size_bytes": answer.size,
                "used_bytes": answer.used,
                "available_bytes": answer.available,
                "device": mount.source,
                "type": mount.type,
            }
            yield context.observe("filesystem.used", used_percent(answer), detail, mount.point)
            if not is_memory(mount) and not is_read_only(mount):
                yield context.unknown("filesystem.time_to_full", "needs_history", subject=mount.point)


def inodes(context: Context) -> Iterator[Observation]:
    """Yield how many of its inodes each file system uses; some file systems have no fixed number."""
    for mount, answer in context.once(_answers):
        if isinstance(answer, Unmeasurable):
            yield context.unknown("filesystem.inodes", answer.code, subject=mount.point, **answer.parameters)
        elif answer.size and answer.inodes:
            detail = {"inodes": answer.inodes, "used": answer.inodes_used}
            percent = 100.0 * answer.inodes_used / answer.inodes
            yield context.observe("filesystem.inodes", percent, detail, mount.point)


def read_only(context: Context) -> Iterator[Observation]:
    """Yield whether a file system that should be writable has turned read-only."""
    fstab = parse_fstab(files.optional("/etc/fstab") or "")
    for mount, _ in context.once(_answers):
        if is_memory(mount) or mount.type == "overlay":
            continue
        detail: Dict[str, object] = {"device": mount.source, "type": mount.type}
        if is_read_only(mount):
            detail["mounted_read_only"] = True
        flag = int(unexpectedly_read_only(mount, fstab))
        yield context.observe("filesystem.read_only", flag, detail, mount.point)


MEASURES: Measures = (
    (("filesystem.used", "filesystem.time_to_full"), usage),
    (("filesystem.inodes",), inodes),
    (("filesystem.read_only",), read_only),
)
