"""The details of an inspection record: every item of few hosts, of a fleet's those that are not fine."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, cast

from reports.document import Cell, Column, Paragraph, Row, Section, Table, Tone
from reports.documents.inspection_hosts import anchor, aside, group_title, worst, worst_first, worst_groups

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.documents.finding import Finding
    from reports.documents.inspection_record import HostResult, InspectionRecord
    from reports.wording import Wording

#: With more hosts than this, their details start folded on a screen.
_MANY_HOSTS = 4


def detail_section(record: InspectionRecord, words: Wording) -> Section:
    """Return a table of item, result, level and evidence for each host."""
    title = words.term("details_section")
    if record.fleet:
        return _of_fleet(record, words)
    inspected = [host for host in record.hosts if host.findings]
    parts = tuple(
        _host(record, host, host.findings, words, collapsed=len(inspected) > _MANY_HOSTS) for host in inspected
    )
    return Section(title, sections=parts, spreadsheet=False)


def _of_fleet(record: InspectionRecord, words: Wording) -> Section:
    """Return the hosts of a fleet by group, those alone that have something to tell, with that."""
    sheet = words.term("all_items")
    parts = []
    for place, group in enumerate(worst_groups(record), 1):
        told = [(host, [one for one in host.findings if one.level != "ok"]) for host in worst_first(group.hosts)]
        hosts = tuple(_host(record, host, found, words, collapsed=True) for host, found in told if found)
        if hosts:
            parts.append(
                Section(
                    title=group_title(group, words),
                    sections=hosts,
                    anchor=f"details-{place}",
                    tone=cast("Tone", worst(group)),
                    collapsible=True,
                    collapsed=True,
                    aside=aside(group.hosts, words),
                )
            )
    return Section(
        words.term("details_section"),
        blocks=(Paragraph(words.term("details_only_bad", sheet=sheet), note=True),),
        sections=tuple(parts),
        spreadsheet=False,
        instead_on_paper=words.term("details_elsewhere", count=len(record.hosts), sheet=sheet),
    )


def _host(
    record: InspectionRecord, host: HostResult, findings: Iterable[Finding], words: Wording, *, collapsed: bool
) -> Section:
    columns = (
        Column(words.term("item"), 30),
        Column(words.term("result"), 18),
        Column(words.term("level"), words.share("level_share"), "center"),
        Column(words.term("evidence"), 44),
    )
    return Section(
        title=host.name,
        blocks=(Table(columns, tuple(_rows(findings, words))),),
        anchor=anchor(record, host),
        tone=cast("Tone", host.worst),
        collapsible=True,
        collapsed=collapsed,
        aside=aside((host,), words) if record.fleet else "",
    )


def _rows(findings: Iterable[Finding], words: Wording) -> list[Row]:
    rows = []
    for section, found in groupby(_ordered(findings, words), key=lambda one: words.catalogue.section_of(one.check)):
        rows.append(Row((Cell(words.section(section)),), heading=True))
        rows.extend(
            Row(
                (
                    Cell(words.title(one.check, one.subject)),
                    Cell(words.result(one.check, one.value, one.unit, one.limits)),
                    Cell(words.level(one.level), tone=cast("Tone", one.level)),
                    Cell(_evidence(one, words)),
                )
            )
            for one in found
        )
    return rows


def _ordered(findings: Iterable[Finding], words: Wording) -> list[Finding]:
    """Return findings in the catalogue's order, so that each section stands together."""
    sections = list(words.catalogue.tables["sections"])

    def place(finding: Finding) -> tuple[int, int, str]:
        section = words.catalogue.section_of(finding.check)
        known = sections.index(section) if section in sections else len(sections)
        return known, words.catalogue.order_of(finding.check), finding.subject

    return sorted(findings, key=place)


def _evidence(finding: Finding, words: Wording) -> str:
    evidence = words.evidence(finding.check, finding.detail)
    if finding.level != "unknown":
        return evidence
    return words.term("part_separator").join(part for part in (words.reason(finding.reason), evidence) if part)
