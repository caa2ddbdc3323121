"""What an inspection did not measure, and why: checks without a result, and kinds of checks that were left out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reports.document import Cell, Column, Paragraph, Row, Section, Table
from reports.documents import folding

if TYPE_CHECKING:
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

#: Sections that every host has something to say of: where one is absent, its checks were left out.
ALWAYS_THERE = (
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
#: With more rows than this, unknowns of one check for one kind of reason share a row, whatever else differs.
_MOST_ROWS = 60


def left_out(record: InspectionRecord, words: Wording) -> dict[str, list[str]]:
    """Return the sections that inspected hosts have no observation of at all, with these hosts."""
    absent: dict[str, list[str]] = defaultdict(list)
    for host in record.inspected:
        present = {words.catalogue.section_of(check) for check in host.checks}
        for section in ALWAYS_THERE:
            if section not in present:
                absent[section].append(host.name)
    return {section: absent[section] for section in ALWAYS_THERE if section in absent}


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
        together[folding.hosts(hosts, record, words)].append(words.section(section))
    separator = words.term("list_separator")
    return [_row(separator.join(sections), reason, hosts, remedy) for hosts, sections in together.items()]


def _unknown(record: InspectionRecord, words: Wording) -> list[Row]:
    unknown = [one for one in record.findings if one.level == "unknown"]
    groups = folding.grouped(unknown, lambda one: (one.check, words.reason(one.reason), words.remedy(one.reason)))
    if len(groups) > _MOST_ROWS:
        groups = folding.grouped(unknown, lambda one: (one.check, (one.reason or {}).get("code")))
    # What one cause hides, such as a database that does not answer, is one row.
    alike = folding.grouped(groups, lambda found: (_causes(found, words), _subjects(found), _hosts(found)))
    return [_unknown_row(together, record, words) for together in alike]


def _causes(found: list[Finding], words: Wording) -> tuple[str, ...]:
    reasons = dict.fromkeys(words.reason(one.reason) for one in found)
    return (words.remedy(found[0].reason), *reasons)


def _subjects(found: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.subject for one in found if one.subject))


def _hosts(found: list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.host for one in found))


def _unknown_row(together: list[list[Finding]], record: InspectionRecord, words: Wording) -> Row:
    """Return the row of checks with the same causes, subjects and hosts."""
    found = together[0]
    item = words.listed([words.title(one[0].check) for one in together], _LISTED_SUBJECTS)
    subjects = _subjects(found)
    if subjects:
        item = words.labelled(item, words.listed(subjects, _LISTED_SUBJECTS))
    remedy, *reasons = _causes(found, words)
    return _row(item, words.listed(reasons, 1), folding.hosts(_hosts(found), record, words), remedy)


def _row(item: str, reason: str, hosts: str, remedy: str) -> Row:
    return Row((Cell(item), Cell(reason, tone="unknown"), Cell(hosts), Cell(remedy)))
