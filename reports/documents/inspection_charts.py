"""The charts of an inspection record: the few figures that people would rather look at than read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from reports.document import Bar, Chart, Tone

if TYPE_CHECKING:
    from reports.documents.inspection_record import Finding, InspectionRecord
    from reports.wording import Wording

#: More bars than this are a table, not a picture.
_MOST_BARS = 12

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
    several = len({finding.host for finding in record.findings}) > 1
    drawn = [_shares(record, words, "chart_filesystems", ("filesystem.used",), _mount(several))]
    if several:
        drawn.append(_shares(record, words, "chart_memory", ("memory.used",), _host))
        drawn.append(_shares(record, words, "chart_cpu", ("cpu.busy",), _host))
        drawn.append(_counts(words, "chart_updates", _pending(record)))
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
    found = [one for one in record.findings if one.check in checks and isinstance(one.value, (int, float))]
    if not found:
        return None
    shown = sorted(found, key=lambda one: -one.value)[:_MOST_BARS]
    limits = {tuple(sorted((key, one.limits.get(key)) for key in ("warning", "critical"))) for one in shown}
    marks = next(iter(limits)) if len(limits) == 1 else ()
    bars = tuple(
        Bar(label(one), one.value, words.result(one.check, one.value, one.unit, one.limits), cast("Tone", one.level))
        for one in shown
    )
    return Chart(
        title=_title(words, title, len(shown), len(found)),
        bars=bars,
        maximum=100,
        unit="%",
        marks=tuple((limit, cast("Tone", level)) for level, limit in marks if isinstance(limit, (int, float))),
        label_title=words.term("item"),
        value_title=words.term("value"),
    )


def _counts(words: Wording, title: str, counted: Iterable[tuple[str, int, str]]) -> Chart | None:
    """Return the chart of (label, count, level), the highest first; counts of zero are not drawn."""
    found = sorted((one for one in counted if one[1] > 0), key=lambda one: -one[1])
    if not found:
        return None
    shown = found[:_MOST_BARS]
    return Chart(
        title=_title(words, title, len(shown), len(found)),
        bars=tuple(Bar(label, count, words.plain(count), cast("Tone", level)) for label, count, level in shown),
        maximum=shown[0][1],
        label_title=words.term("item"),
        value_title=words.term("value"),
    )


def _title(words: Wording, key: str, shown: int, count: int) -> str:
    title = words.term(key)
    return words.term("chart_top", title=title, shown=shown, count=count) if shown < count else title


def _pending(record: InspectionRecord) -> list[tuple[str, int, str]]:
    return [
        (one.host, int(one.value), one.level)
        for one in record.findings
        if one.check == "packages.pending" and isinstance(one.value, (int, float))
    ]


def _log_units(record: InspectionRecord) -> list[tuple[str, int, str]]:
    tally: Counter[str] = Counter()
    for finding in record.findings:
        if finding.check == "log.errors":
            for entry in finding.detail.get("by_unit") or ():
                if isinstance(entry, Mapping) and isinstance(entry.get("count"), int):
                    tally[str(entry.get("unit"))] += entry["count"]
    return [(unit, count, "notice") for unit, count in tally.items()]
