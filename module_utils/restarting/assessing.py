"""Whether a service's restart is due: how long it runs, how much memory it holds, which replaced files it uses."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..measuring.observer import Observer, capped
from ..measuring.taking import take
from ..observations import Observation, rank

TIMEOUT = 10.0
PROPERTIES = ("LoadState", "ActiveState", "ActiveEnterTimestampMonotonic", "ControlGroup")

#: Where systemd keeps its groups of processes: the unified hierarchy, or its own one beside others.
HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")

DELETED = " (deleted)"
#: Mappings without a file, or of files that no update replaces.
NO_FILES = (
    ("/memfd:", "/anon_hugepage", "/dmabuf:", "anon_inode:", "/dev/", "/SYSV", "/[")  # memory with a name
    + ("/run/", "/tmp/", "/var/tmp/")  # noqa: S108 - compared, not used
)

#: Whether the service is there and runs: what is not cannot be restarted.
PRESENT = "restart.present"
#: The figures that make a restart due.
FIGURES = ("restart.uptime", "restart.memory", "restart.memory_growth", "restart.updates")
GROWTH = "restart.memory_growth"


class Running(NamedTuple):
    """What systemd says of a service; ``since`` in seconds of the monotonic clock, None where it does not run.

    ``state`` is its word for a service that does not run, or is not there at all.
    """

    since: Any
    pids: List[int]
    state: str = "active"


def parse_properties(output: str) -> Dict[str, str]:
    """Return ``systemctl show`` of one unit as a mapping."""
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def replaced_files(maps: str) -> List[str]:
    """Return the files in /proc/PID/maps that are mapped to be executed and have no name any more, each once."""
    found = []
    for line in maps.splitlines():
        fields = line.split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and fields[5].endswith(DELETED):
            path = fields[5][: -len(DELETED)]
            if not path.startswith(NO_FILES):
                found.append(path)
    return sorted(set(found))


def resident_kilobytes(status: str) -> int:
    """Return what a process holds in memory for itself, by /proc/PID/status; 0 for one of the kernel."""
    sizes = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith(" kB")}
    return int(sizes.get("RssAnon") or sizes.get("VmRSS") or 0)


def look(service: str) -> Running:
    """Return what systemd and the kernel know of a service. Raises Unmeasurable."""
    argv = ["systemctl", "show", "--no-pager", "-p", ",".join(PROPERTIES), "--", service]
    found = parse_properties(commands.run(argv, TIMEOUT).output)
    if found.get("ActiveState") not in ("active", "reloading", "refreshing"):
        # Of a unit that is not there, that is all there is to say; it is inactive, too.
        there = found.get("LoadState", "loaded") == "loaded"
        return Running(None, [], found.get("ActiveState" if there else "LoadState", ""))
    entered = found.get("ActiveEnterTimestampMonotonic", "")
    if not entered.isdigit() or not int(entered):
        raise Unmeasurable("unparsable", source="systemctl show")
    return Running(int(entered) / 1e6, _processes(found.get("ControlGroup", "")))


def _processes(group: str) -> List[int]:
    """Return the processes of a group and of those below it."""
    for root in HIERARCHIES if group else ():
        top = root + group
        if os.path.isdir(top):
            lists = [files.optional(os.path.join(folder, "cgroup.procs")) for folder, _, _ in os.walk(top)]
            return sorted(int(pid) for text in lists if text for pid in text.split())
    return []


def assess(observer: Observer, services: Sequence[str], uptime: float) -> Tuple[List[Observation], List[str]]:
    """Return what tells whether restarts are due, and the services whose restart is; ``uptime`` is the host's, in s.

    A service that does not run is not due: what is down is mended, not restarted on a schedule.
    """
    found: List[Observation] = []
    due = []
    for service in services:
        figures = take(observer, (PRESENT, *FIGURES), lambda one, name=service: _figures(one, name, uptime), service)  # type: ignore[misc]
        verdict = _verdict(observer, service, figures)
        found += figures + [verdict]
        if verdict.value == 1:
            due.append(service)
    return found, due


def _figures(observer: Observer, service: str, uptime: float) -> Iterator[Observation]:
    running = look(service)
    yield observer.observe(PRESENT, int(running.since is not None), {"state": running.state}, service)
    if running.since is None:
        raise Unmeasurable("not_running", service=service)
    yield observer.observe("restart.uptime", max(0.0, uptime - running.since) / 86400, {}, service)
    if not running.pids:
        raise Unmeasurable("source_missing", source="cgroup.procs")
    total = resident_kilobytes_of_machine(files.read("/proc/meminfo"))
    held = sum(resident_kilobytes(files.optional("/proc/%d/status" % pid) or "") for pid in running.pids)
    detail = {"used_bytes": held * 1024, "processes": len(running.pids)}
    yield observer.observe("restart.memory", 100.0 * held / total, detail, service)
    # One look cannot tell; the controller compares with an earlier run, where there is one.
    yield observer.unknown("restart.memory_growth", "needs_history", subject=service)
    replaced = set()
    for pid in running.pids:
        try:
            replaced.update(replaced_files(files.read("/proc/%d/maps" % pid)))
        except Unmeasurable as why:
            if why.code != "source_missing":  # it ended
                raise
    yield observer.observe("restart.updates", len(replaced), capped("files", sorted(replaced)), service)


def resident_kilobytes_of_machine(meminfo: str) -> int:
    """Return MemTotal of /proc/meminfo. Raises Unmeasurable."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    raise Unmeasurable("unparsable", source="/proc/meminfo")


def _verdict(observer: Observer, service: str, figures: Sequence[Observation]) -> Observation:
    """Return whether a restart is due; not known where a figure is missing and no other one makes it due."""
    reasons = [one.check for one in figures if one.check != PRESENT and rank(one.level) >= rank("warning")]
    if reasons:
        return observer.observe("restart.due", 1, {"due_for": reasons}, service)
    missing = [one for one in figures if one.level == "unknown" and one.check != GROWTH]
    if missing:
        why: Dict[str, Any] = missing[0].reason or {}
        return observer.unknown("restart.due", why["code"], {}, service, **why["parameters"])
    return observer.observe("restart.due", 0, {}, service)
