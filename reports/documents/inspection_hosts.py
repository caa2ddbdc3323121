"""The hosts of an inspection record: a row for each of few, groups that fold their hosts for a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from module_utils.observations import LEVELS, rank
from reports.document import Block, Cell, Column, Paragraph, Row, Section, Table, Tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.documents.inspection_record import Group, HostResult, InspectionRecord
    from reports.wording import Wording

_LEVELS = tuple(reversed(LEVELS))
#: So many troubled hosts of a fleet are printed; nobody reads a longer list on paper.
_MOST_PRINTED = 100


def hosts_section(record: InspectionRecord, words: Wording) -> Section:
    """Return one row per host, the worst first; nothing for a single host."""
    title = words.term("hosts_section")
    if len(record.hosts) < 2:
        return Section(title)
    if record.fleet:
        return _of_fleet(record, words)
    return Section(title, (_table(record.hosts, record, words, sheet=title),))


def _of_fleet(record: InspectionRecord, words: Wording) -> Section:
    lead = Paragraph(words.term("hosts_lead", count=len(record.hosts)), note=True)
    groups = worst_groups(record)
    everything = _everything(record, words)
    folded = tuple(
        Section(
            title=group_title(group, words),
            blocks=(_table(group.hosts, record, words),),
            anchor=_anchor_of(record, group),
            tone=cast("Tone", worst(group)),
            collapsible=True,
            collapsed=True,
            spreadsheet=False,
            aside=aside(group.hosts, words),
            only="screen",
        )
        for group in groups
    )
    blocks = (lead, _groups(groups, record, words), *_troubled(record, words), everything)
    return Section(words.term("hosts_section"), blocks, folded)


def worst_groups(record: InspectionRecord) -> list[Group]:
    """Return the groups of hosts, the worst first."""
    return sorted(record.groups, key=_badness)


def _badness(group: Group) -> tuple[int, int, int, int]:
    """Return the key that sorts the worst group first."""
    missed = sum(host.missed for host in group.hosts)
    counts = [sum(host.counts[level] for host in group.hosts) for level in ("critical", "warning")]
    return (-int(missed > 0), -rank(worst(group)), -counts[0] - missed, -counts[1])


def worst(group: Group) -> str:
    """Return the worst level of a group; a missed host is as bad as a critical."""
    if any(host.missed for host in group.hosts):
        return "critical"
    return max((host.worst for host in group.hosts), key=rank, default="unknown")


def group_title(group: Group, words: Wording) -> str:
    """Return the name of a group and how many hosts it has."""
    return words.term("group_title", group=group.name or words.term("ungrouped"), count=len(group.hosts))


def aside(hosts: Iterable[HostResult], words: Wording) -> str:
    """Return how many hosts were missed and how many findings have each level that is not fine."""
    hosts = tuple(hosts)
    figures = [(words.term("group_missed"), sum(host.missed for host in hosts))]
    figures += [(words.level(level), sum(host.counts[level] for host in hosts)) for level in _LEVELS if level != "ok"]
    return " · ".join(words.term("group_figure", name=name, count=count) for name, count in figures if count)


def _anchor_of(record: InspectionRecord, group: Group) -> str:
    return f"group-{record.groups.index(group) + 1}"


def _groups(groups: Sequence[Group], record: InspectionRecord, words: Wording) -> Table:
    columns = (
        Column(words.term("group"), 24),
        Column(words.term("group_hosts"), 10, "right"),
        Column(words.term("group_missed"), 9, "right"),
        Column(words.term("worst_level"), 13, "center"),
        *_level_columns(words),
    )
    rows = []
    for group in groups:
        missed = sum(host.missed for host in group.hosts)
        level = max((host.worst for host in group.hosts if host.observed), key=rank, default="unknown")
        rows.append(
            Row(
                (
                    Cell(group.name or words.term("ungrouped"), anchor=_anchor_of(record, group)),
                    Cell(str(len(group.hosts)), len(group.hosts)),
                    Cell(str(missed), missed, "critical" if missed else ""),
                    Cell(words.level(level), tone=cast("Tone", level)),
                    *_level_cells(group.hosts),
                )
            )
        )
    return Table(columns, tuple(rows), sheet=words.term("groups"), compact=True, overview=True)


def _level_columns(words: Wording) -> tuple[Column, ...]:
    return tuple(Column(words.level(level), words.share("count_share"), "right") for level in _LEVELS)


def _level_cells(hosts: Sequence[HostResult]) -> tuple[Cell, ...]:
    cells = []
    for level in _LEVELS:
        number = sum(host.counts[level] for host in hosts)
        cells.append(Cell(str(number), number, cast("Tone", level) if number and level != "ok" else ""))
    return tuple(cells)


def _table(hosts: Sequence[HostResult], record: InspectionRecord, words: Wording, *, sheet: str = "") -> Table:
    columns = (
        Column(words.term("host"), 17),
        Column(words.title("host.identity"), 36),
        Column(words.term("outcome"), 16, "center"),
        *_level_columns(words),
    )
    rows = tuple(Row((*_cells(host, record, words), *_level_cells((host,)))) for host in worst_first(hosts))
    return Table(columns, rows, sheet=sheet, compact=True)


def worst_first(hosts: Iterable[HostResult]) -> list[HostResult]:
    """Return hosts, the missed ones first, then the worst."""
    return sorted(hosts, key=lambda host: (not host.missed, -rank(host.worst)))


def _cells(host: HostResult, record: InspectionRecord, words: Wording) -> tuple[Cell, ...]:
    system = next((finding.value for finding in host.find("host.identity")), None)
    return (
        Cell(host.name, anchor=anchor(record, host)),
        Cell(words.plain(system)),
        Cell(words.outcome(host.outcome), tone="critical" if host.missed else ""),
    )


def _group_of(record: InspectionRecord, words: Wording) -> dict[str, str]:
    return {host.name: group.name or words.term("ungrouped") for group in record.groups for host in group.hosts}


def _troubled(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return, for paper, the hosts that somebody has to act on, the worst of them."""
    troubled = sorted(
        (host for host in record.hosts if host.troubled),
        key=lambda host: (not host.missed, -host.counts["critical"], -host.counts["warning"]),
    )
    if not troubled:
        return []
    group = _group_of(record, words)
    columns = (
        Column(words.term("host"), 24),
        Column(words.term("group"), 20),
        Column(words.term("outcome"), 16, "center"),
        *_level_columns(words),
    )
    rows = tuple(
        Row(
            (
                Cell(host.name),
                Cell(group[host.name]),
                Cell(words.outcome(host.outcome), tone="critical" if host.missed else ""),
                *_level_cells((host,)),
            )
        )
        for host in troubled[:_MOST_PRINTED]
    )
    title = words.term("hosts_troubled")
    table = Table(columns, rows, title, compact=True, only="paper")
    if len(troubled) <= _MOST_PRINTED:
        return [table]
    sheet = words.term("hosts_section")
    more = words.term("hosts_more", count=len(troubled), shown=_MOST_PRINTED, sheet=sheet)
    return [table, Paragraph(more, note=True, only="paper")]


def _everything(record: InspectionRecord, words: Wording) -> Table:
    """Return, for spreadsheets, every host of a fleet with its group and what the machine said of it."""
    group = _group_of(record, words)
    columns = (
        Column(words.term("host"), 18),
        Column(words.title("host.identity"), 28),
        Column(words.term("outcome"), 12, "center"),
        *_level_columns(words),
        Column(words.term("group"), 14),
        Column(words.term("message"), 30),
    )
    rows = tuple(
        Row(
            (
                *_cells(host, record, words),
                *_level_cells((host,)),
                Cell(group[host.name]),
                Cell(words.plain(host.message) if host.message else ""),
            )
        )
        for host in worst_first(record.hosts)
    )
    return Table(columns, rows, sheet=words.term("hosts_section"), compact=True, only="sheet")


def anchor(record: InspectionRecord, host: HostResult) -> str:
    """Return the name by which the details of a host are linked; empty where there are none."""
    shown = host.observed - host.counts["ok"] if record.fleet else host.observed
    return f"host-{host.place}" if shown else ""
