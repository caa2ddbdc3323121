"""What an inspection did not measure, and why: checks without a result, and kinds of checks that were left out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reports.document import Cell, Column, Paragraph, Row, Section, Table

if TYPE_CHECKING:
    from reports.documents.inspection_record import Finding, InspectionRecord
    from reports.wording import Wording

#: Sections that every host has something to say of: where one is absent, its checks were left out.
_ALWAYS_THERE = (
    "time",
    "cpu",
    "memory",
    "filesystem",
    "services",
    "process",
    "network",
    "logs",
    "packages",
    "security",
)
_LISTED_SUBJECTS = 24


def left_out(record: InspectionRecord, words: Wording) -> dict[str, list[str]]:
    """Return the sections that inspected hosts have no observation of at all, with these hosts."""
    absent: dict[str, list[str]] = defaultdict(list)
    for host in record.inspected:
        present = {words.catalogue.section_of(finding.check) for finding in host.findings}
        for section in _ALWAYS_THERE:
            if section not in present:
                absent[section].append(host.name)
    return {section: absent[section] for section in _ALWAYS_THERE if section in absent}


def unchecked_section(record: InspectionRecord, words: Wording) -> Section:
    """Return a row for each reason that something was not measured, with the hosts concerned and the remedy."""
    title = words.term("not_checked_section")
    columns = (
        Column(words.term("item"), 28),
        Column(words.term("reason"), 28),
        Column(words.term("hosts"), 17),
        Column(words.term("remedy"), 27),
    )
    rows = (*_restricted(record, words), *_unknown(record, words))
    if rows:
        lead = Paragraph(words.term("not_checked_lead"))
        return Section(title, (lead, Table(columns, rows, sheet=words.term("not_checked"))))
    if record.measured:
        return Section(title, (Paragraph(words.term("all_checked")),))
    return Section(title, (Paragraph(words.term("nothing_checked"), tone="critical"),))


def _restricted(record: InspectionRecord, words: Wording) -> list[Row]:
    reason, remedy = words.term("not_in_scope_reason"), words.term("not_in_scope_remedy")
    together: dict[str, list[str]] = defaultdict(list)
    for section, hosts in left_out(record, words).items():
        together[words.folded(hosts, len(record.hosts))].append(words.section(section))
    separator = words.term("list_separator")
    return [_row(separator.join(sections), reason, hosts, remedy) for hosts, sections in together.items()]


def _unknown(record: InspectionRecord, words: Wording) -> list[Row]:
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in record.findings:
        if finding.level == "unknown":
            groups[finding.check, words.reason(finding.reason), words.remedy(finding.reason)].append(finding)
    rows = []
    for (check, reason, remedy), found in groups.items():
        item = words.title(check)
        subjects = list(dict.fromkeys(one.subject for one in found if one.subject))
        if subjects:
            item = words.labelled(item, words.listed(subjects, _LISTED_SUBJECTS))
        rows.append(_row(item, reason, words.folded([one.host for one in found], len(record.hosts)), remedy))
    return rows


def _row(item: str, reason: str, hosts: str, remedy: str) -> Row:
    return Row((Cell(item), Cell(reason, tone="unknown"), Cell(hosts), Cell(remedy)))
