"""One reading of a run's observations: of few hosts all are kept, of a fleet only what its documents show.

A fleet of 2,000 hosts gives well over a hundred thousand observations, nearly all of them fine: they are counted, and
read a second time where a file lists them all.
"""

from __future__ import annotations

import heapq
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports.documents.finding import Finding, finding_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: Checks whose highest figures are drawn, and how many bars a drawing has.
CHARTED = ("filesystem.used", "memory.used", "cpu.busy", "packages.pending")
MOST_BARS = 12
#: What is kept of each host of a fleet although it is fine.
_ALWAYS_KEPT = ("host.identity",)
#: Of the messages that a fleet logged, so many are told, each so long.
MOST_MESSAGES = 40
MESSAGE_LENGTH = 300
_TEXTS = ("host", "check", "subject", "unit", "level", "time")
#: Figures in a message (process ids, addresses, times) don't make it another message.
_FIGURES = re.compile(r"0x[0-9a-f]+|[0-9]+")


@dataclass(frozen=True)
class Logged:
    """One message that hosts logged, its figures aside; ``text`` is how it read first."""

    unit: str
    text: str
    count: int
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class LogDigest:
    """The errors that all hosts logged: counts by unit, and the most frequent messages.

    ``asked`` hosts were to tell, ``measured`` could, ``noisy`` had something to tell.
    """

    asked: int = 0
    measured: int = 0
    noisy: int = 0
    errors: int = 0
    kinds: int = 0
    units: Mapping[str, int] = field(default_factory=dict)
    messages: tuple[Logged, ...] = ()


@dataclass
class HostReading:
    """What is kept of one host: its findings, how many of each level there were, and which checks answered."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    checks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """What is kept of all hosts.

    ``measured`` are the checks that had a result anywhere; ``highest`` are a fleet's highest figures of each charted
    check, ``figures`` how many there were.
    """

    hosts: Mapping[str, HostReading]
    measured: frozenset[str]
    logs: LogDigest
    highest: Mapping[str, tuple[Finding, ...]]
    figures: Mapping[str, int]


def read(observations: Iterable[Mapping[str, Any]], *, everything: bool) -> Reading:
    """Return what documents need of a run's observations; ``everything`` keeps those that are fine too."""
    hosts: dict[str, HostReading] = {}
    measured: set[str] = set()
    highest, logs = _Highest(), _Logs()
    shared: dict[Any, Any] = {}
    for host, rows in groupby(observations, key=lambda one: str(one["host"])):
        kept = hosts.setdefault(host, HostReading())
        checks = set(kept.checks)
        for row in rows:
            finding = finding_of(_compact(row, shared))
            kept.counts[finding.level] += 1
            checks.add(finding.check)
            if finding.level != "unknown":
                measured.add(finding.check)
            highest.add(finding)
            if finding.check == "log.errors":
                logs.add(finding)
            if everything or finding.level != "ok" or finding.check in _ALWAYS_KEPT:
                kept.findings.append(finding)
        # Hosts that answer the same checks share one set of them.
        kept.checks = shared.setdefault(frozenset(checks), frozenset(checks))
    return Reading(hosts, frozenset(measured), logs.digest(), *highest.taken())


def _compact(row: Mapping[str, Any], shared: dict[Any, Any]) -> dict[str, Any]:
    """Return an observation whose texts and limits are the same objects as those of the observations before."""
    texts = {key: sys.intern(row[key]) for key in _TEXTS if type(row.get(key)) is str}
    limits = row.get("limits") or {}
    return {**row, **texts, "limits": shared.setdefault(("limits", *sorted(limits.items())), limits)}


def is_drawn(one: Finding) -> bool:
    """Return whether a chart shows a finding: it has a figure, and counts of nothing are left out."""
    if isinstance(one.value, bool) or not isinstance(one.value, (int, float)):
        return False
    return one.value > 0 or one.check != "packages.pending"


class _Highest:
    """Keeps the highest figures of each charted check, the first of equal ones."""

    def __init__(self) -> None:
        self.heaps: dict[str, list[tuple[float, int, Finding]]] = {check: [] for check in CHARTED}
        self.count: Counter[str] = Counter()

    def add(self, one: Finding) -> None:
        heap = self.heaps.get(one.check)
        if heap is None or not is_drawn(one):
            return
        self.count[one.check] += 1
        heapq.heappush(heap, (one.value, -self.count[one.check], one))
        if len(heap) > MOST_BARS:
            heapq.heappop(heap)

    def taken(self) -> tuple[dict[str, tuple[Finding, ...]], dict[str, int]]:
        ordered = {check: tuple(one for *_, one in sorted(heap, reverse=True)) for check, heap in self.heaps.items()}
        return ordered, dict(self.count)


class _Logs:
    """Counts what hosts logged, message by message."""

    def __init__(self) -> None:
        self.asked = self.measured = self.noisy = self.errors = 0
        self.units: Counter[str] = Counter()
        self.first: dict[tuple[str, str], str] = {}
        self.count: Counter[tuple[str, str]] = Counter()
        self.hosts: dict[tuple[str, str], list[str]] = {}

    def add(self, one: Finding) -> None:
        self.asked += 1
        if one.level == "unknown":
            return
        self.measured += 1
        if not isinstance(one.value, (int, float)) or not one.value:
            return
        self.noisy += 1
        self.errors += int(one.value)
        for entry in _entries(one.detail.get("by_unit")):
            self.units[str(entry.get("unit"))] += _count(entry)
        for entry in _entries(one.detail.get("messages")):
            text = str(entry.get("message") or "")[:MESSAGE_LENGTH]
            key = str(entry.get("unit") or ""), _FIGURES.sub("#", text)
            self.first.setdefault(key, text)
            self.count[key] += _count(entry)
            self.hosts.setdefault(key, []).append(one.host)

    def digest(self) -> LogDigest:
        most = self.count.most_common(MOST_MESSAGES)
        return LogDigest(
            asked=self.asked,
            measured=self.measured,
            noisy=self.noisy,
            errors=self.errors,
            kinds=len(self.count),
            units=dict(self.units),
            messages=tuple(Logged(key[0], self.first[key], count, tuple(self.hosts[key])) for key, count in most),
        )


def _entries(value: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in value or () if isinstance(entry, Mapping)) if isinstance(value, list) else iter(())


def _count(entry: Mapping[str, Any]) -> int:
    count = entry.get("count")
    return count if isinstance(count, int) else 0


class SecondReading:
    """All observations once more, host by host: what a host sent in several parts waits compressed for its turn."""

    def __init__(self, observations: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._parts: dict[str, list[bytes]] = {}
        for host, rows in groupby(observations(), key=lambda one: str(one["host"])):
            part = zlib.compress(json.dumps(list(rows), ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)
            self._parts.setdefault(host, []).append(part)

    def take(self, host: str) -> list[Finding]:
        """Return what a host sent, which is then forgotten."""
        parts = self._parts.pop(host, ())
        return [
            finding_of(row)
            for part in parts
            for row in json.loads(zlib.decompress(part).decode("utf-8", "surrogatepass"))
        ]
