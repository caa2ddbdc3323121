"""The first page of an inspection record: conclusion, key figures, missed hosts, every exception, what to do."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar, cast

from module_utils.observations import rank
from reports.document import Block, Cell, Column, Figure, Figures, Paragraph, Row, Section, Table, Tone
from reports.documents.inspection_unchecked import left_out

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from reports.documents.inspection_record import Finding, InspectionRecord
    from reports.wording import Wording

Member = TypeVar("Member")

#: How many exceptions the conclusion names.
_FOREMOST = 3

#: From so many hosts on, equal exceptions share a row of the first page; each host's own figure is in its details.
_MANY_ALIKE = 4

#: With more kinds of failure than this, missed hosts are told by outcome; each one's message is with the provenance.
_MANY_FAILURES = 6


def findings_section(record: InspectionRecord, words: Wording) -> Section:
    """Return the first section: whatever is bad stands in it, the worst first."""
    restrictions = tuple(_restrictions(record, words))
    tone = _tone(record, restricted=bool(restrictions))
    blocks: list[Block] = [Paragraph(_conclusion(record, words, restricted=bool(restrictions)), tone=tone)]
    blocks += [Paragraph(restriction, tone="warning") for restriction in restrictions]
    blocks.append(_figures(record, words))
    blocks += _missed(record, words)
    blocks += _exceptions(record, words)
    blocks += _notices(record, words)
    return Section(words.term("findings_section"), tuple(blocks), tone=tone)


def _tone(record: InspectionRecord, *, restricted: bool) -> Tone:
    return cast("Tone", max(record.tone, "warning", key=rank) if restricted else record.tone)


def _restrictions(record: InspectionRecord, words: Wording) -> Iterator[str]:
    """Yield what the inspection was not meant to look at: hosts outside of its limit, kinds of checks."""
    arguments = record.manifest.get("arguments") or {}
    if arguments.get("limit") is not None:
        hosts = words.folded(arguments.get("left_out") or (), 0) or words.term("none")
        yield words.term("limited", limit=arguments["limit"], hosts=hosts)
    sections = left_out(record, words)
    if sections:
        yield _sections_left_out(record, sections, words)


def _sections_left_out(record: InspectionRecord, sections: Mapping[str, list[str]], words: Wording) -> str:
    items = []
    for section, hosts in sections.items():
        name = words.section(section)
        everywhere = len(hosts) == len(record.inspected)
        items.append(
            name if everywhere else words.term("not_in_scope_item", section=name, hosts=words.folded(hosts, 0))
        )
    return words.term("not_in_scope", items=words.term("list_separator").join(items))


def _conclusion(record: InspectionRecord, words: Wording, *, restricted: bool) -> str:
    counts, missed = record.counts, record.missed
    figures = {
        **counts,
        "expected": len(record.hosts),
        "reached": len(record.inspected),
        "measured": record.measured,
        "missed": [host.name for host in missed],
    }
    state = "restricted" if restricted and record.complete else record.state
    sentences = [words.term(f"state_{state}", **figures)]
    if record.reasons:
        reasons = words.term("part_separator").join(words.verdict_reason(reason) for reason in record.reasons)
        sentences.append(words.term("because", reasons=reasons))
    sentences.append(words.term(_worst(counts), **figures))
    foremost = _bad(record)[:_FOREMOST]
    if foremost:
        items = words.term("part_separator").join(
            f"{one.host} {words.title(one.check, one.subject)} {_result(one, words)}" for one in foremost
        )
        sentences.append(words.term("foremost", items=items))
    if counts["unknown"]:
        sentences.append(words.term("unknown_count", **figures))
    if (record.manifest.get("arguments") or {}).get("check"):
        sentences.append(words.term("check_mode"))
    return words.term("sentence_gap").join(sentences)


def _worst(counts: Mapping[str, int]) -> str:
    if counts["critical"]:
        return "worst_critical"
    if counts["warning"]:
        return "worst_warning"
    return "worst_none" if counts["ok"] or counts["notice"] else "worst_nothing"


def _figures(record: InspectionRecord, words: Wording) -> Figures:
    expected, reached = len(record.hosts), len(record.inspected)
    tone: Tone = "ok" if record.complete and reached else "critical"
    counts = record.counts
    levels: tuple[Tone, ...] = ("critical", "warning", "unknown", "notice", "ok")
    return Figures(
        (
            Figure(words.term("figure_hosts"), f"{reached} / {expected}", tone),
            *(
                Figure(words.term(f"figure_{level}"), str(counts[level]), level if counts[level] else "", counts[level])
                for level in levels
            ),
        )
    )


# -- missed hosts -----------------------------------------------------------------------------------------


def _missed(record: InspectionRecord, words: Wording) -> list[Block]:
    if not record.missed:
        return []
    columns = (
        Column(words.term("host"), 20),
        Column(words.term("outcome"), 14, "center"),
        Column(words.term("message"), 66),
    )
    by_message = _grouped(record.missed, lambda host: (host.outcome, host.message))
    failures = by_message if len(by_message) <= _MANY_FAILURES else _grouped(record.missed, lambda host: host.outcome)
    rows = tuple(
        Row(
            (
                Cell(words.folded([host.name for host in hosts], 0)),
                Cell(words.term(f"outcome_{hosts[0].outcome}"), tone="critical"),
                Cell(words.listed(list(dict.fromkeys(host.message for host in hosts)), 1)),
            )
        )
        for hosts in failures
    )
    title = words.term("missed")
    return [Table(columns, rows, title, sheet=title, compact=True, overview=True)]


# -- exceptions and notices -------------------------------------------------------------------------------


def _bad(record: InspectionRecord) -> list[Finding]:
    """Return warnings and criticals, the worst first, then in the order of hosts."""
    bad = [finding for finding in record.findings if finding.level in ("warning", "critical")]
    return sorted(bad, key=lambda finding: -rank(finding.level))


def _exceptions(record: InspectionRecord, words: Wording) -> list[Block]:
    bad = _bad(record)
    if not bad:
        return [Paragraph(words.term("no_exceptions"))] if record.measured else []
    columns = (
        Column(words.term("level"), words.share("level_share"), "center"),
        Column(words.term("host"), 15),
        Column(words.term("item"), 46),
        Column(words.term("result"), 15),
        Column(words.term("limit"), 13),
    )
    rows = tuple(_exception(found, len(record.hosts), words) for found in _alike(bad, words))
    exceptions, solutions = words.term("exceptions"), words.term("solutions")
    return [
        Table(columns, rows, exceptions, sheet=exceptions, compact=True, overview=True),
        Table(
            (Column(words.term("item"), 24), Column(solutions, 76)),
            tuple(
                Row((Cell(words.title(check)), Cell(words.advice(check))))
                for check in dict.fromkeys(one.check for one in bad)
            ),
            solutions,
            sheet=solutions,
        ),
    ]


def _alike(bad: list[Finding], words: Wording) -> list[list[Finding]]:
    """Return exceptions in their order, one by one; what many hosts share stands together, so that a page holds it."""
    groups = _grouped(
        bad, lambda one: (one.level, one.check, one.subject, words.limit(one.check, one.limits, one.level))
    )
    rows = [part for group in groups for part in ([group] if len(group) >= _MANY_ALIKE else [[one] for one in group])]
    place = {id(one): number for number, one in enumerate(bad)}
    return sorted(rows, key=lambda row: place[id(row[0])])


def _exception(found: list[Finding], everything: int, words: Wording) -> Row:
    one = found[0]
    return Row(
        (
            Cell(words.level(one.level), tone=cast("Tone", one.level)),
            Cell(words.folded([each.host for each in found], everything)),
            Cell(words.title(one.check, one.subject)),
            Cell(_range(found, words)),
            Cell(words.limit(one.check, one.limits, one.level)),
        )
    )


def _range(found: list[Finding], words: Wording) -> str:
    """Return one result, or from which to which the results of several hosts go."""
    results = dict.fromkeys(_result(one, words) for one in found)
    if len(results) > 1 and all(isinstance(one.value, (int, float)) for one in found):
        ranked = sorted(found, key=lambda one: one.value)
        return words.term("span", low=_result(ranked[0], words), high=_result(ranked[-1], words))
    return words.listed(list(results))


def _notices(record: InspectionRecord, words: Wording) -> list[Block]:
    noticed = [finding for finding in record.findings if finding.level == "notice"]
    if not noticed:
        return []
    columns = (
        Column(words.term("item"), 20),
        Column(words.term("result"), 34),
        Column(words.term("solution"), 46),
    )
    rows = tuple(
        Row(
            (
                Cell(words.title(found[0].check)),
                Cell(_results(found, len(record.hosts), words)),
                Cell(words.advice(found[0].check)),
            )
        )
        for found in _grouped(noticed, lambda one: one.check)
    )
    title = words.term("notices")
    return [Table(columns, rows, title, sheet=title)]


def _results(findings: list[Finding], everything: int, words: Wording) -> str:
    """Return the results of one check over hosts and subjects: equal ones together, those of many hosts as a range."""
    parts = []
    for alike in _grouped(findings, lambda one: one.subject):
        groups = [alike] if len(alike) >= _MANY_ALIKE else _grouped(alike, lambda one: _result(one, words))
        for found in groups:
            hosts = words.folded([one.host for one in found], everything)
            parts.append(" ".join(part for part in (hosts, found[0].subject, _range(found, words)) if part))
    return words.term("part_separator").join(parts)


def _result(one: Finding, words: Wording) -> str:
    return words.result(one.check, one.value, one.unit, one.limits)


def _grouped(members: Sequence[Member], key: Callable[[Member], Hashable]) -> list[list[Member]]:
    """Return members with equal keys together, in the order in which they first come."""
    groups: dict[Hashable, list[Member]] = defaultdict(list)
    for member in members:
        groups[key(member)].append(member)
    return list(groups.values())
