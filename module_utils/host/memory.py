"""Memory, swap, kills for want of memory, uncorrectable errors, and the time lost waiting (pressure)."""

import re
from typing import Any, Dict, Iterator, Optional

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import container, journal
from .context import Context, Measures
from .identity import machine_seconds, uptime_seconds

EDAC = "/sys/devices/system/edac/mc"

#: What the kernel writes for each process that it kills (mm/oom_kill.c), of which older ones announce it as "Kill".
_KILLED = re.compile(rb"\bKilled process \d+")


def parse_meminfo(text: str) -> Dict[str, int]:
    """Return /proc/meminfo in bytes."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split()
        if fields and fields[0].isdigit():
            found[name] = int(fields[0]) * (1024 if fields[1:] == ["kB"] else 1)
    return found


def available(meminfo: Dict[str, int]) -> int:
    """Return the bytes that new work can have without swapping; estimated before Linux 3.14."""
    if "MemAvailable" in meminfo:
        return meminfo["MemAvailable"]
    return sum(meminfo.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))


def parse_pressure(text: str, line: str) -> float:
    """Return avg60 of the ``some`` or ``full`` line of a pressure file. Raises Unmeasurable: unparsable."""
    for row in text.splitlines():
        fields = row.split()
        if fields[:1] == [line]:
            return float(dict(field.split("=", 1) for field in fields[1:])["avg60"])
    raise Unmeasurable("unparsable", source="pressure")


def used(context: Context) -> Iterator[Observation]:
    """Yield how much memory is used; in a container with a limit, of that limit."""
    own = container.memory(context.surroundings)
    if own is not None and own.limit is not None:
        detail = {"total_bytes": own.limit, "available_bytes": max(own.limit - own.used, 0)}
        yield context.observe("memory.used", 100.0 * own.used / own.limit, dict(detail, scope="container"))
        return
    meminfo = parse_meminfo(files.read("/proc/meminfo"))
    total, free = meminfo["MemTotal"], available(meminfo)
    detail = {"total_bytes": total, "available_bytes": free}
    yield context.observe("memory.used", 100.0 * (total - free) / total, dict(context.scope("machine"), **detail))


def swap(context: Context) -> Iterator[Observation]:
    """Yield how much swap is used; a host without swap uses none of it."""
    own = container.memory(context.surroundings)
    meminfo = parse_meminfo(files.read("/proc/meminfo"))
    total = meminfo.get("SwapTotal", 0)
    taken, scope = total - meminfo.get("SwapFree", 0), "machine"
    if own is not None and own.swap_used is not None and own.swap_limit is not None:
        total, taken, scope = min(total, own.swap_limit), own.swap_used, "container"
    percent = 100.0 * taken / total if total else 0
    detail: Dict[str, Any] = dict(context.scope(scope), swap_bytes=total)
    yield context.observe("memory.swap_used", percent, detail)


def oom_kills(context: Context) -> Iterator[Observation]:
    """Yield how many processes the kernel killed for want of memory.

    The kernel counts since it started, so old kills would count for ever: where its log tells, only those since the
    last inspection do.
    """
    own = container.memory(context.surroundings)
    count: Optional[int] = own.oom_kills if own is not None else None
    scope, seconds = "container", uptime_seconds(context)
    if count is None:
        count = container.parse_figures(files.read("/proc/vmstat")).get("oom_kill")
        scope, seconds = "machine", machine_seconds()
    if count is None:
        raise Unmeasurable("not_supported", feature="oom_kill in /proc/vmstat")
    detail: Dict[str, Any] = dict(context.scope(scope), over_seconds=int(seconds))
    if count and not context.surroundings.container and context.since > context.now - seconds:
        try:
            logged = _logged_kills(context)
        except Unmeasurable:
            pass  # the count since the start remains
        else:
            detail.update(since_boot=count, over_seconds=int(context.now - context.since))
            count = logged
    yield context.observe("memory.oom_kills", count, detail)


def _logged_kills(context: Context) -> int:
    """Return the kills in the kernel's log since the last inspection. Raises Unmeasurable where it may lack some."""
    timeout = context.inputs.command_timeout
    journal.require_readable()
    oldest = journal.reaches_back_to(timeout)
    if oldest is None or oldest > context.since:
        raise Unmeasurable("source_missing", source="journal")
    argv = ["journalctl", "-q", "--no-pager", "-k", "-o", "cat", "--since", journal.moment(context.since)]
    return sum(1 for line in commands.lines(argv, timeout) if _KILLED.search(line))


def uncorrected_errors(context: Context) -> Iterator[Observation]:
    """Yield the uncorrectable memory errors, where the machine can count them (EDAC)."""
    if context.surroundings.container:
        return
    counts = {}
    for name in files.names(EDAC):
        count = files.number("%s/%s/ue_count" % (EDAC, name)) if name.startswith("mc") else None
        if count is not None:
            counts[name] = count
    if counts:
        yield context.observe("memory.ecc_uncorrected", sum(counts.values()), {"controllers": counts})


def pressure(context: Context) -> Iterator[Observation]:
    """Yield the share of the last minute in which work waited for CPU, memory or disk."""
    where = context.surroundings
    for resource, line in (("cpu", "some"), ("memory", "full"), ("io", "full")):
        check = "pressure." + resource
        path, scope = "/proc/pressure/" + resource, "machine"
        own = "%s/%s.pressure" % (where.folders.get(resource, ""), resource)
        if where.version == 2 and files.optional(own):
            path, scope = own, "container"
        try:
            average = parse_pressure(files.read(path), line)
        except Unmeasurable as why:
            if why.code == "not_permitted":
                yield context.unknown(check, why.code, **why.parameters)
            else:
                yield context.unknown(check, "not_supported", feature="pressure stall information")
        else:
            yield context.observe(check, average, context.scope(scope))


MEASURES: Measures = (
    (("memory.used",), used),
    (("memory.swap_used",), swap),
    (("memory.oom_kills",), oom_kills),
    (("memory.ecc_uncorrected",), uncorrected_errors),
    (("pressure.cpu", "pressure.memory", "pressure.io"), pressure),
)
