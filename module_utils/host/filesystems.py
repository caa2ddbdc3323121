"""How full the file systems are, and whether one has turned read-only."""

import os
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

from ..measuring import files
from ..measuring.asking import ask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from .context import Context, Measures
from .mounts import (
    Mount,
    distinct,
    is_memory,
    is_read_only,
    parse_fstab,
    parse_mountinfo,
    storage,
    unexpectedly_read_only,
)

#: Of mount points that are asked, and of file systems that are reported.
MOST_ASKED = 1000
MAXIMUM = 200


class Space(NamedTuple):
    """A file system's space in bytes and its inodes; ``available`` is what an ordinary user can have."""

    size: int
    used: int
    available: int
    inodes: int
    inodes_used: int


class Answers(NamedTuple):
    """The space of each file system, or why it cannot be told; and how many file systems there are beside them."""

    mounts: List[Tuple[Mount, Union[Space, Unmeasurable]]]
    left_out: int


def space(figures: Sequence[int]) -> Space:
    """Return the first fields of statvfs(3): bsize, frsize, blocks, bfree, bavail, files, ffree."""
    _block, unit, blocks, free, available, inodes, inodes_free = figures[:7]
    return Space(blocks * unit, (blocks - free) * unit, available * unit, inodes, max(inodes - inodes_free, 0))


def used_percent(space_: Space) -> float:
    """Return the percentage that df shows: of what is used and what an ordinary user can still have."""
    reachable = space_.used + space_.available
    return 100.0 * space_.used / reachable if reachable else 0.0


def look(point: str) -> Union[List[Any], int]:
    """Return whether a regular file is mounted there, and the fields of statvfs(3); or the number of the error."""
    try:
        return [stat.S_ISREG(os.stat(point).st_mode), list(os.statvfs(point))]
    except OSError as error:
        return error.errno or 0


def _answers(context: Context) -> Answers:
    """Return the space of each file system, all asked at the same time, those of dead servers and disks too."""
    table = parse_mountinfo(os.fsdecode(files.read_bytes("/proc/self/mountinfo")))
    candidates = storage(table, context.inputs.ignored_mounts)
    asked = candidates[:MOST_ASKED]
    answers = ask(look, [mount.point for mount in asked], context.inputs.command_timeout)
    # Containers have single files mounted over /etc/hosts and others. Errors are kept, but where a file system has
    # another mount point that answers, that one speaks for it.
    asked.sort(key=lambda mount: not isinstance(answers.get(mount.point), list))
    whole = distinct([mount for mount in asked if not _is_file(answers.get(mount.point))])
    left_out = len(candidates) - len(asked) + len(whole[MAXIMUM:])
    return Answers([(mount, _space(context, mount, answers)) for mount in whole[:MAXIMUM]], left_out)


def _is_file(answer: Any) -> bool:
    return isinstance(answer, list) and bool(answer[0])


def _space(context: Context, mount: Mount, answers: Dict[str, Any]) -> Union[Space, Unmeasurable]:
    answer = answers.get(mount.point)
    if answer is None:
        return Unmeasurable("timed_out", path=mount.point, seconds=context.inputs.command_timeout)
    if isinstance(answer, list):
        return space(answer[1])
    error = OSError(answer, os.strerror(answer))
    why = files.reason(error, mount.point)
    if why.code == "not_supported":  # an error of the disk or the server
        return Unmeasurable("command_failed", command="statvfs " + mount.point, message=error.strerror)
    return why


def usage(context: Context) -> Iterator[Observation]:
    """Yield how full each file system is; when it will be full takes a history, which the controller has."""
    for mount, answer in context.once(_answers).mounts:
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
    yield from context.left_out("filesystem.used", context.once(_answers).left_out)


def inodes(context: Context) -> Iterator[Observation]:
    """Yield how many of its inodes each file system uses; some file systems have no fixed number."""
    for mount, answer in context.once(_answers).mounts:
        if isinstance(answer, Unmeasurable):
            yield context.unknown("filesystem.inodes", answer.code, subject=mount.point, **answer.parameters)
        elif answer.size and answer.inodes:
            detail = {"inodes": answer.inodes, "used": answer.inodes_used}
            percent = 100.0 * answer.inodes_used / answer.inodes
            yield context.observe("filesystem.inodes", percent, detail, mount.point)
    yield from context.left_out("filesystem.inodes", context.once(_answers).left_out)


def read_only(context: Context) -> Iterator[Observation]:
    """Yield whether a file system that should be writable has turned read-only."""
    fstab = parse_fstab(files.optional("/etc/fstab") or "")
    for mount, answer in context.once(_answers).mounts:
        if is_memory(mount) or mount.type == "overlay":
            continue
        detail: Dict[str, object] = {"device": mount.source, "type": mount.type}
        if is_read_only(mount):
            detail["mounted_read_only"] = True
        flag = int(unexpectedly_read_only(mount, fstab))
        if isinstance(answer, Unmeasurable) and answer.code != "not_permitted" and not flag:
            # What answers nothing takes nothing either, whatever its options say.
            yield context.unknown("filesystem.read_only", answer.code, detail, mount.point, **answer.parameters)
        else:
            yield context.observe("filesystem.read_only", flag, detail, mount.point)
    yield from context.left_out("filesystem.read_only", context.once(_answers).left_out)


MEASURES: Measures = (
    (("filesystem.used", "filesystem.time_to_full"), usage),
    (("filesystem.inodes",), inodes),
    (("filesystem.read_only",), read_only),
)
