"""Tells a container from a machine, and reads the container's own limits and figures (cgroup v1 and v2)."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from ..measuring import files

#: Inode of the initial PID namespace (linux/proc_ns.h): whoever is in it shares the machine's processes.
INITIAL_PID_NAMESPACE = 4026531836
INITIAL_UTS_NAMESPACE = 4026531838

#: cgroup v1 writes "no limit" as a page-rounded 2^63.
UNLIMITED = 1 << 60


class Surroundings(NamedTuple):
    """What the host is to its kernel; ``folders`` maps cgroup controllers to the container's own folders."""

    container: bool
    kind: str
    version: int
    folders: Dict[str, str]


class Mount(NamedTuple):
    """A mounted cgroup hierarchy: its root within the hierarchy, where it is mounted, its controllers."""

    root: str
    point: str
    version: int
    controllers: List[str]


class CgroupMemory(NamedTuple):
    """A container's memory in bytes; ``used`` is without page cache that can be dropped at once."""

    used: int
    limit: Optional[int]
    oom_kills: Optional[int]
    swap_used: Optional[int]
    swap_limit: Optional[int]


def surroundings() -> Surroundings:
    """Return whether this host is a container, and where its cgroup's figures are."""
    pid, uts = _namespace("pid"), _namespace("uts")
    environment = (files.optional("/proc/1/environ") or "").split("\0")
    marks = [line.split("=", 1)[1] for line in environment if line.startswith("container=")]
    kind = (
        (files.optional("/run/systemd/container") or "").strip()
        or (marks[0] if marks else "")
        or ("podman" if os.path.exists("/run/.containerenv") else "")
        or ("docker" if os.path.exists("/.dockerenv") else "")
    )
    container = is_container(pid, uts, kind)
    if not container:
        return Surroundings(False, "", 0, {})
    mounts = parse_mounts(files.optional("/proc/self/mountinfo") or "")
    paths = parse_paths(files.optional("/proc/1/cgroup") or "")
    return Surroundings(True, kind or "container", *_folders(mounts, paths))


def is_container(pid_namespace: Optional[int], uts_namespace: Optional[int], mark: str) -> bool:
    """Return whether namespaces and marks speak for a container.

    A mark alone does not: virtual machines made from a container image carry it too. A PID namespace of its own does;
    where it is shared with the machine, a mark and a UTS namespace of its own do.
    """
    if pid_namespace is None:
        return bool(mark)
    if pid_namespace != INITIAL_PID_NAMESPACE:
        return True
    return bool(mark) and uts_namespace not in (None, INITIAL_UTS_NAMESPACE)


def parse_mounts(mountinfo: str) -> List[Mount]:
    """Return the cgroup hierarchies of /proc/self/mountinfo."""
    mounts = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        version = 2 if kind[0] == "cgroup2" else 1
        mounts.append(Mount(fields[3], fields[4], version, kind[2].split(",")))
    return mounts


def parse_paths(cgroup: str) -> Dict[str, str]:
    """Return /proc/PID/cgroup as controller → path; the unified hierarchy has the controller ``""``."""
    paths = {}
    for line in cgroup.splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            for controller in parts[1].split(","):
                paths[controller] = parts[2]
    return paths


def _folders(mounts: List[Mount], paths: Dict[str, str]) -> Tuple[int, Dict[str, str]]:
    folders: Dict[str, str] = {}
    for mount in mounts:
        if mount.version != 1:
            continue
        for controller in ("memory", "cpu", "cpuacct"):
            if controller in mount.controllers:
                folders[controller] = _folder(mount, paths.get(controller, "/"))
    if folders:
        return 1, folders
    for mount in mounts:
        if mount.version == 2:
            folder = _folder(mount, paths.get("", "/"))
            return 2, dict.fromkeys(("memory", "cpu", "cpuacct", "io"), folder)
    return 0, {}


def _folder(mount: Mount, path: str) -> str:
    """Return the folder of PID 1's cgroup, as seen through a mount that may start below the hierarchy's root."""
    for ending in ("/init.scope", "/init"):
        if path.endswith(ending):
            path = path[: -len(ending)] or "/"
    if mount.root not in ("/", path) and path.startswith(mount.root + "/"):
        path = path[len(mount.root) :]
    elif mount.root == path or path.startswith("/.."):
        path = "/"
    folder = os.path.normpath(mount.point + path)
    return folder if os.path.isdir(folder) else mount.point


def cpu_quota(where: Surroundings) -> Optional[float]:
    """Return how many CPUs' worth of time the container may use; None without a limit."""
    folder = where.folders.get("cpu")
    if folder is None:
        return None
    if where.version == 2:
        quota, _, period = (files.optional(folder + "/cpu.max") or "max").strip().partition(" ")
        return int(quota) / int(period or 100000) if quota.isdigit() else None
    granted, interval = files.number(folder + "/cpu.cfs_quota_us"), files.number(folder + "/cpu.cfs_period_us")
    return granted / interval if granted and interval and granted > 0 else None


def cpu_seconds(where: Surroundings) -> Optional[float]:
    """Return the CPU time that the container has used so far, in seconds."""
    if where.version == 2:
        figures = parse_figures(files.optional(where.folders["cpu"] + "/cpu.stat") or "")
        return figures["usage_usec"] / 1e6 if "usage_usec" in figures else None
    folder = where.folders.get("cpuacct")
    used = files.number(folder + "/cpuacct.usage") if folder else None
    return None if used is None else used / 1e9


def memory(where: Surroundings) -> Optional[CgroupMemory]:
    """Return the container's memory; None where its cgroup cannot be seen. A limit of None is no limit."""
    folder = where.folders.get("memory")
    if folder is None:
        return None
    stat = parse_figures(files.optional(folder + "/memory.stat") or "")
    if where.version == 2:
        used = files.number(folder + "/memory.current")
        events = parse_figures(files.optional(folder + "/memory.events") or "")
        swap_limit = files.number(folder + "/memory.swap.max")
        return _memory(
            used,
            stat.get("inactive_file", 0),
            files.number(folder + "/memory.max"),
            events.get("oom_kill"),
            (files.number(folder + "/memory.swap.current"), swap_limit),
        )
    control = parse_figures(files.optional(folder + "/memory.oom_control") or "")
    both, limit = files.number(folder + "/memory.memsw.limit_in_bytes"), _v1_limit(folder)
    swap_limit = both - limit if both is not None and both < UNLIMITED and limit is not None else None
    return _memory(
        files.number(folder + "/memory.usage_in_bytes"),
        stat.get("total_inactive_file", stat.get("inactive_file", 0)),
        limit,
        control.get("oom_kill"),
        (stat.get("total_swap"), swap_limit),
    )


def _v1_limit(folder: str) -> Optional[int]:
    limit = files.number(folder + "/memory.limit_in_bytes")
    return limit if limit is not None and limit < UNLIMITED else None


def _memory(
    used: Optional[int],
    droppable: int,
    limit: Optional[int],
    oom_kills: Optional[int],
    swap: Tuple[Optional[int], Optional[int]],
) -> Optional[CgroupMemory]:
    if used is None:
        return None
    return CgroupMemory(max(used - droppable, 0), limit, oom_kills, *swap)


def parse_figures(text: str) -> Dict[str, int]:
    """Return the ``name number`` lines of a cgroup or kernel file."""
    figures = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 2 and parts[1].isdigit():
            figures[parts[0]] = int(parts[1])
    return figures


def _namespace(kind: str) -> Optional[int]:
    try:
        return os.stat("/proc/self/ns/" + kind).st_ino
    except OSError:
        return None
