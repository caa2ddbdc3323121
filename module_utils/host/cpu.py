"""Load, and where the CPU's time went: over the day where sysstat keeps it, else while we watched."""

import time
from typing import Dict, Iterator, NamedTuple, Optional

from ..measuring import files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import container, sysstat
from .context import Context, Measures
from .identity import cores


class Load(NamedTuple):
    """The load averages over 1, 5 and 15 minutes."""

    one: float
    five: float
    fifteen: float


class CpuTimes(NamedTuple):
    """The machine's CPU time since boot, in ticks (proc(5), /proc/stat); guest time is within user."""

    user: int
    nice: int
    system: int
    idle: int
    iowait: int
    irq: int
    softirq: int
    steal: int


class Stat(NamedTuple):
    """The CPU times and how many CPUs are online."""

    times: CpuTimes
    cpus: int


class Shares(NamedTuple):
    """How the CPU time between two readings was spent, in percent; steal and iowait are not busy."""

    busy: float
    steal: float
    iowait: float


def parse_loadavg(text: str) -> Load:
    """Return /proc/loadavg."""
    one, five, fifteen = text.split()[:3]
    return Load(float(one), float(five), float(fifteen))


def parse_stat(text: str) -> Stat:
    """Return /proc/stat; kernels that know fewer kinds of time have zeros for the rest."""
    times, cpus = CpuTimes(0, 0, 0, 0, 0, 0, 0, 0), 0
    for line in text.splitlines():
        if line.startswith("cpu "):
            figures = [int(field) for field in line.split()[1:9]]
            times = CpuTimes(*(figures + [0] * (8 - len(figures))))
        elif line.startswith("cpu"):
            cpus += 1
    return Stat(times, max(cpus, 1))


def shares(before: CpuTimes, after: CpuTimes) -> Optional[Shares]:
    """Return the shares between two readings; None if no tick passed. iowait may run backwards: it counts as zero."""
    spent = [max(after[kind] - before[kind], 0) for kind in range(len(after))]
    total = sum(spent)
    if not total:
        return None
    user, nice, system, _idle, iowait, irq, softirq, steal = [100.0 * ticks / total for ticks in spent]
    return Shares(user + nice + system + irq + softirq, steal, iowait)


def load(context: Context) -> Iterator[Observation]:
    """Yield the load of the last five minutes per core.

    The kernel counts the whole machine's tasks, in a container too, so they are divided by the machine's cores.
    """
    averages = parse_loadavg(files.read("/proc/loadavg"))
    cpus = parse_stat(files.read("/proc/stat")).cpus
    detail: Dict[str, object] = dict(context.scope("machine"), cores=cpus)
    detail.update(load1=averages.one, load5=averages.five, load15=averages.fifteen)
    yield context.observe("cpu.load_per_core", averages.five / cpus, detail)


def spent(context: Context) -> Iterator[Observation]:
    """Yield how the CPUs spent their time: the averages of sysstat, or a sample where it has none.

    A container's own time is sampled: sysstat counts the machine's.
    """
    averages = None
    if not context.surroundings.container:
        try:
            averages = sysstat.cpu(context)
        except Unmeasurable:
            pass  # a sample remains
    if averages is None:
        yield from sampled(context)
        return
    detail = {"source": "sysstat", "span_seconds": int(averages.span)}
    for check, percent in (("busy", averages.busy), ("steal", averages.steal), ("iowait", averages.iowait)):
        yield context.observe("cpu." + check, percent, detail)


def sampled(context: Context) -> Iterator[Observation]:
    """Yield how the CPUs spent their time over the sampled interval."""
    where = context.surroundings
    own_before = container.cpu_seconds(where) if where.container and where.folders else None
    before, started = parse_stat(files.read("/proc/stat")), time.monotonic()
    time.sleep(context.inputs.sample_seconds)
    after, elapsed = parse_stat(files.read("/proc/stat")), time.monotonic() - started
    own_after = container.cpu_seconds(where) if own_before is not None else None
    found = shares(before.times, after.times)
    if found is None:
        raise Unmeasurable("unparsable", source="/proc/stat")
    sample = {"source": "sample", "sample_seconds": round(elapsed, 2)}
    machine = dict(context.scope("machine"), **sample)
    quota = container.cpu_quota(where)
    if own_before is not None and own_after is not None and quota is not None:
        percent = min(100.0 * (own_after - own_before) / elapsed / min(quota, cores(context)), 100.0)
        detail = dict(context.scope("container"), cores=round(cores(context), 2), **sample)
        yield context.observe("cpu.busy", percent, detail)
    else:
        yield context.observe("cpu.busy", found.busy, machine)
    yield context.observe("cpu.steal", found.steal, machine)
    yield context.observe("cpu.iowait", found.iowait, machine)


MEASURES: Measures = (
    (("cpu.load_per_core",), load),
    (("cpu.busy", "cpu.steal", "cpu.iowait"), spent),
)
