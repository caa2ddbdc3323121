"""The charts of an inspection record: the few figures that people would rather look at than read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from reports.document import Bar, Chart, Tone
from reports.documents.inspection_reading import MOST_BARS, is_drawn

if TYPE_CHECKING:
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

Labeller = Callable[["Finding"], str]

_RESOURCES = (
    "cpu.busy",
    "cpu.iowait",
    "memory.used",
    "memory.swap_used",
    "pressure.cpu",
    "pressure.memory",
    "pressure.io",
)


def charts(record: InspectionRecord, words: Wording) -> tuple[Chart, ...]:
    """Return the charts that this record has figures for."""
    several = sum(host.observed > 0 for host in record.hosts) > 1
    drawn = [_shares(record, words, "chart_filesystems", ("filesystem.used",), _mount(several))]
    if several:
        drawn.append(_shares(record, words, "chart_memory", ("memory.used",), _host))
        drawn.append(_shares(record, words, "chart_cpu", ("cpu.busy",), _host))
        drawn.append(_updates(record, words))
    else:
        drawn.append(_shares(record, words, "chart_resources", _RESOURCES, lambda one: words.title(one.check)))
    drawn.append(_counts(words, "chart_logs", _log_units(record)))
    return tuple(chart for chart in drawn if chart)


def _host(finding: Finding) -> str:
    return finding.host


def _mount(several: bool) -> Labeller:
    return lambda finding: f"{finding.host} {finding.subject}" if several else finding.subject


def _shares(
    record: InspectionRecord, words: Wording, title: str, checks: Sequence[str], label: Labeller
) -> Chart | None:
    """Return the chart of figures in percent, the highest first, with their limits where they share them."""
    shown, count = _highest(record, checks)
    if not shown:
        return None
    limits = {tuple(sorted((key, one.limits.get(key)) for key in ("warning", "critical"))) for one in shown}
    marks = next(iter(limits)) if len(limits) == 1 else ()
    bars = tuple(
        Bar(label(one), one.value, words.result(one.check, one.value, one.unit, one.limits), cast("Tone", one.level))
        for one in shown
    )
    return Chart(
        title=_title(words, title, len(shown), count),
        bars=bars,
        maximum=100,
        unit="%",
        marks=tuple((limit, cast("Tone", level)) for level, limit in marks if isinstance(limit, (int, float))),
        label_title=words.term("item"),
        value_title=words.term("value"),
    )


def _highest(record: InspectionRecord, checks: Sequence[str]) -> tuple[list[Finding], int]:
    """Return the highest figures of checks, and how many there are; a fleet's were kept when they were read."""
    if record.fleet:
        found = [one for check in checks for one in record.reading.highest.get(check, ())]
        count = sum(record.reading.figures.get(check, 0) for check in checks)
    else:
        found = [one for one in record.findings if one.check in checks and is_drawn(one)]
        count = len(found)
    return sorted(found, key=lambda one: -one.value)[:MOST_BARS], count


def _counts(words: Wording, title: str, counted: Iterable[tuple[str, int, str]], several: int = 0) -> Chart | None:
    """Return the chart of (label, count, level), the highest first; counts of zero are not drawn.

    ``several`` is how many there are in all, where ``counted`` holds only the highest.
    """
    found = sorted((one for one in counted if one[1] > 0), key=lambda one: -one[1])
    if not found:
        return None
    shown = found[:MOST_BARS]
    return Chart(
        title=_title(words, title, len(shown), max(several, len(found))),
        bars=tuple(Bar(label, count, words.plain(count), cast("Tone", level)) for label, count, level in shown),
        maximum=shown[0][1],
        label_title=words.term("item"),
        value_title=words.term("value"),
    )


def _title(words: Wording, key: str, shown: int, count: int) -> str:
    title = words.term(key)
    return words.term("chart_top", title=title, shown=shown, count=count) if shown < count else title


def _updates(record: InspectionRecord, words: Wording) -> Chart | None:
    found, count = _highest(record, ("packages.pending",))
    return _counts(words, "chart_updates", [(one.host, int(one.value), one.level) for one in found], count)


def _log_units(record: InspectionRecord) -> list[tuple[str, int, str]]:
    return [(unit, count, "notice") for unit, count in record.logs.units.items()]
