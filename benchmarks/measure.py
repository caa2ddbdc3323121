"""What the benchmarks share: the machine's name, timing, and one way to print a comparison."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def machine() -> str:
    """Return what the figures were measured on."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return each side's median seconds over rounds in which the sides take turns, so that drift hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            taken[name].append(seconds(work))
    for name, values in taken.items():
        print(f"  {name:<58} {statistics.median(values):8.3f} s   ({', '.join(f'{one:.2f}' for one in values)})")
    return {name: statistics.median(values) for name, values in taken.items()}


def verdict(claim: str, value: float, limit: float, *, at_least: bool) -> None:
    """Print one figure against its claim."""
    holds = value >= limit if at_least else value <= limit
    print(f"  {claim:<58} {value:8.2f} {'≥' if at_least else '≤'} {limit}   {'holds' if holds else 'MISSED'}")
