"""The inspection record as a document: what is wrong, what is unknown, then everything and how it was made."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from module_utils.observations import rank
from reports.document import (
    Anchor,
    Block,
    Cell,
    Column,
    Document,
    Figure,
    Figures,
    Labels,
    Paragraph,
    Row,
    Section,
    Signatory,
    Signatures,
    Table,
    Tone,
)
from reports.documents.inspection_charts import charts
from reports.documents.inspection_details import detail_section, hosts_section, log_section, sheets
from reports.documents.inspection_provenance import provenance_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.documents.inspection_record import Finding, InspectionRecord
    from reports.wording import Wording

#: How many exceptions the conclusion names.
_FOREMOST = 3

#: From so many hosts on, equal exceptions share a row of the first page; each host's own figure is in its details.
_MANY_ALIKE = 4


def inspection_document(record: InspectionRecord, words: Wording) -> Document:
    """Return the inspection record as a document in the language and time zone of ``words``."""
    version = words.term("draft" if record.issue.draft else "issued", version=record.issue.version)
    head = words.term("ledger", head=record.ledger.printed) if record.ledger else words.term("ledger_none")
    parts = (
        _findings_section(record, words),
        _unchecked_section(record, words),
        Section(words.term("charts_section"), charts(record, words)),
        hosts_section(record, words),
        detail_section(record, words),
        log_section(record, words),
        provenance_section(record, words),
        _signature_section(record, words),
    )
    return Document(
        language=words.catalogue.language,
        title=words.term("inspection_title"),
        subtitle=record.parties.system or "",
        number=record.issue.number,
        version=version,
        draft=record.issue.draft,
        created=record.ended,
        author=record.parties.inspector or "",
        facts=_facts(record, words, version),
        sections=_numbered([part for part in parts if part.blocks or part.sections], words),
        footer=head,
        labels=Labels(
            page=words.catalogue.word("terms", "page"),
            overview=words.term("overview"),
            chart=words.term("chart"),
            contents=words.term("contents"),
        ),
        sheets=sheets(record, words),
    )


def _numbered(sections: list[Section], words: Wording) -> tuple[Section, ...]:
    numerals = words.term("numerals").split()
    return tuple(
        Section(
            title=words.term("heading", numeral=numeral, title=section.title),
            blocks=section.blocks,
            sections=section.sections,
            anchor=f"section-{place}",
            tone=section.tone,
            collapsible=section.collapsible,
            spreadsheet=section.spreadsheet,
        )
        for place, (numeral, section) in enumerate(zip(numerals, sections, strict=False), 1)
    )


def _facts(record: InspectionRecord, words: Wording, version: str) -> tuple[tuple[str, str], ...]:
    parties, zone = record.parties, f"UTC{words.local(record.started).isoformat()[-6:]}"
    checks = {finding.check for finding in record.findings}
    reviewer = words.term("to_sign", name=parties.reviewer) if parties.reviewer else words.term("to_name")
    clauses = [f"{identity} {clause}".strip() for identity, clause in record.obligations]
    found = (
        ("number", record.issue.number),
        ("version", version),
        ("purchaser", parties.purchaser),
        ("provider", parties.provider),
        ("contract", parties.contract),
        (
            "period",
            words.term("from_to", start=words.moment(record.started), end=words.moment(record.ended), zone=zone),
        ),
        ("scope", words.folded([host.name for host in record.hosts], 0)),
        ("inspector", parties.inspector or words.term("to_name")),
        ("reviewer", reviewer),
        ("content", words.term("inspection_content", checks=len(checks), observations=len(record.findings))),
        ("obligations", words.term("part_separator").join(clauses)),
    )
    return tuple((words.term(name), value) for name, value in found if value)


# -- the first section: conclusion, key figures, every exception, missed hosts ----------------------------


def _findings_section(record: InspectionRecord, words: Wording) -> Section:
    blocks: list[Block] = [
        Paragraph(_conclusion(record, words), tone=cast("Tone", record.tone)),
        _figures(record, words),
        _exceptions(record, words),
    ]
    blocks += _missed(record, words)
    blocks += _notices(record, words)
    return Section(words.term("findings_section"), tuple(blocks), tone=cast("Tone", record.tone))


def _conclusion(record: InspectionRecord, words: Wording) -> str:
    counts, missed = record.counts, record.missed
    figures = {
        **counts,
        "expected": len(record.hosts),
        "reached": len(record.hosts) - len(missed),
        "observations": len(record.findings),
        "missed": [host.name for host in missed],
    }
    sentences = [words.term(f"state_{record.state}", **figures)]
    if record.reasons:
        reasons = words.term("part_separator").join(words.verdict_reason(reason) for reason in record.reasons)
        sentences.append(words.term("because", reasons=reasons))
    sentences.append(words.term(_worst(counts), **figures))
    foremost = _bad(record)[:_FOREMOST]
    if foremost:
        items = words.term("part_separator").join(
            f"{one.host} {words.title(one.check, one.subject)} {words.result(one.check, one.value, one.unit)}"
            for one in foremost
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
    expected = len(record.hosts)
    reached = expected - len(record.missed)
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


def _bad(record: InspectionRecord) -> list[Finding]:
    """Return warnings and criticals, the worst first, then in the catalogue's order of hosts."""
    bad = [finding for finding in record.findings if finding.level in ("warning", "critical")]
    return sorted(bad, key=lambda finding: -rank(finding.level))


def _exceptions(record: InspectionRecord, words: Wording) -> Block:
    bad = _bad(record)
    if not bad:
        return Paragraph(words.term("no_exceptions"))
    columns = (
        Column(words.term("level"), words.share("level_share"), "center"),
        Column(words.term("host"), 13),
        Column(words.term("item"), 20),
        Column(words.term("result"), 12),
        Column(words.term("limit"), 12),
        Column(words.term("solution"), 35),
    )
    rows = tuple(_exception(found, words) for found in _alike(bad, words))
    return Table(columns, rows, words.term("exceptions"), sheet=words.term("exceptions_sheet"))


def _alike(bad: list[Finding], words: Wording) -> list[list[Finding]]:
    """Return exceptions in their order, one by one; what many hosts share stands together, so that a page holds it."""
    groups: dict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for one in bad:
        limit = words.limit(one.check, one.value, one.limits, one.level)
        groups[one.level, one.check, one.subject, limit].append(one)
    rows: list[list[Finding]] = []
    for one in bad:
        limit = words.limit(one.check, one.value, one.limits, one.level)
        group = groups[one.level, one.check, one.subject, limit]
        if len(group) < _MANY_ALIKE:
            rows.append([one])
        elif group[0] is one:
            rows.append(group)
    return rows


def _exception(found: list[Finding], words: Wording) -> Row:
    one = found[0]
    return Row(
        (
            Cell(words.level(one.level), tone=cast("Tone", one.level)),
            Cell(words.folded([each.host for each in found], 0)),
            Cell(words.title(one.check, one.subject)),
            Cell(_range(found, words)),
            Cell(words.limit(one.check, one.value, one.limits, one.level)),
            Cell(words.advice(one.check)),
        )
    )


def _range(found: list[Finding], words: Wording) -> str:
    """Return one result, or from which to which the results of several hosts go."""
    results = dict.fromkeys(words.result(one.check, one.value, one.unit) for one in found)
    if len(results) > 1 and all(isinstance(one.value, (int, float)) for one in found):
        ranked = sorted(found, key=lambda one: one.value)
        low, high = (words.result(one.check, one.value, one.unit) for one in (ranked[0], ranked[-1]))
        return words.term("span", low=low, high=high)
    return words.listed(list(results))


def _missed(record: InspectionRecord, words: Wording) -> list[Block]:
    if not record.missed:
        return []
    columns = (
        Column(words.term("host"), 20),
        Column(words.term("outcome"), 15, "center"),
        Column(words.term("message"), 65),
    )
    rows = tuple(
        Row(
            (
                Cell(host.name),
                Cell(words.term(f"outcome_{host.outcome}"), tone="critical"),
                Cell(words.plain(host.message)),
            )
        )
        for host in record.missed
    )
    return [Table(columns, rows, words.term("missed"), sheet=words.term("missed_sheet"))]


def _notices(record: InspectionRecord, words: Wording) -> list[Block]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in record.findings:
        if finding.level == "notice":
            grouped[finding.check].append(finding)
    if not grouped:
        return []
    columns = (
        Column(words.term("item"), 22),
        Column(words.term("result"), 45),
        Column(words.term("solution"), 33),
    )
    rows = tuple(
        Row((Cell(words.title(check)), Cell(_results(found, words)), Cell(words.advice(check))))
        for check, found in grouped.items()
    )
    return [Table(columns, rows, words.term("notices"), sheet=words.term("notices_sheet"))]


def _results(findings: list[Finding], words: Wording) -> str:
    """Return the results of one check over hosts and subjects, equal ones with their hosts folded."""
    hosts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings:
        hosts[finding.subject, words.result(finding.check, finding.value, finding.unit)].append(finding.host)
    return words.term("part_separator").join(
        " ".join(part for part in (words.folded(names, 0), subject, result) if part)
        for (subject, result), names in hosts.items()
    )


# -- what was not checked ---------------------------------------------------------------------------------


def _unchecked_section(record: InspectionRecord, words: Wording) -> Section:
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in record.findings:
        if finding.level == "unknown":
            groups[finding.check, words.reason(finding.reason), words.remedy(finding.reason)].append(finding)
    title = words.term("not_checked_section")
    if not groups:
        return Section(title, (Paragraph(words.term("all_checked")),))
    reached = len(record.hosts) - len(record.missed)
    columns = (
        Column(words.term("item"), 28),
        Column(words.term("reason"), 28),
        Column(words.term("hosts"), 17),
        Column(words.term("remedy"), 27),
    )
    rows = []
    for (check, reason, remedy), found in groups.items():
        subjects = dict.fromkeys(one.subject for one in found if one.subject)
        item = words.labelled(words.title(check), words.listed(list(subjects), 24)) if subjects else words.title(check)
        hosts = words.folded([one.host for one in found], reached)
        rows.append(Row((Cell(item), Cell(reason, tone="unknown"), Cell(hosts), Cell(remedy))))
    lead = Paragraph(words.term("not_checked_lead"))
    return Section(title, (lead, Table(columns, tuple(rows), sheet=words.term("not_checked"))))


# -- signatures -------------------------------------------------------------------------------------------


def _signature_section(record: InspectionRecord, words: Wording) -> Section:
    parties, dash = record.parties, words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    block = Signatures(
        titles=(
            words.term("step"),
            words.term("organisation"),
            words.term("name"),
            words.term("signature"),
            words.term("date"),
        ),
        signatories=(
            Signatory(words.term("prepared"), provider, parties.inspector or ""),
            Signatory(words.term("reviewed"), provider, parties.reviewer or ""),
            Signatory(words.term("approved"), purchaser, parties.approver or ""),
        ),
        seals=tuple(
            words.term("seal", party=name or words.term(side))
            for name, side in ((parties.provider, "provider"), (parties.purchaser, "purchaser"))
        ),
        date_blank=words.term("date_blank"),
        note=words.term("signatures_note"),
    )
    anchor = (Anchor(record.ledger, words.term("made_ledger"), words.term("ledger_note")),) if record.ledger else ()
    return Section(words.term("signatures"), (block, *anchor), spreadsheet=True)
