"""The inspection record as a document: what is wrong, what is unknown, then everything and how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Document, Section, Signatory
from reports.documents import frame
from reports.documents.inspection_charts import charts
from reports.documents.inspection_details import detail_section
from reports.documents.inspection_findings import findings_section
from reports.documents.inspection_hosts import hosts_section
from reports.documents.inspection_logs import log_section
from reports.documents.inspection_provenance import provenance_section
from reports.documents.inspection_sheets import sheets
from reports.documents.inspection_unchecked import unchecked_section

if TYPE_CHECKING:
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording


def inspection_document(record: InspectionRecord, words: Wording) -> Document:
    """Return the inspection record as a document in the language and time zone of ``words``."""
    parts = (
        findings_section(record, words),
        unchecked_section(record, words),
        Section(words.term("charts_section"), charts(record, words)),
        hosts_section(record, words),
        detail_section(record, words),
        log_section(record, words),
        provenance_section(record, words),
        _signature_section(record, words),
    )
    return frame.framed(
        record,
        words,
        title=words.term("inspection_title"),
        created=record.ended,
        facts=_facts(record, words, frame.version_of(record.issue, words)),
        parts=parts,
        sheets=sheets(record, words),
    )


def _facts(record: InspectionRecord, words: Wording, version: str) -> tuple[tuple[str, str], ...]:
    parties, zone = record.parties, f"UTC{words.local(record.started).isoformat()[-6:]}"
    reviewer = words.term("to_sign", name=parties.reviewer) if parties.reviewer else words.term("to_name")
    clauses = [f"{identity} {clause}".strip() for identity, clause in record.obligations]
    found = (
        ("number", record.issue.number),
        ("version", version),
        ("purchaser", parties.purchaser),
        ("provider", parties.provider),
        ("contract", parties.contract),
        ("obligations", words.term("part_separator").join(clauses)),
        (
            "period",
            words.term("from_to", start=words.moment(record.started), end=words.moment(record.ended), zone=zone),
        ),
        ("inspector", parties.inspector or words.term("to_name")),
        ("reviewer", reviewer),
        ("scope", words.folded([host.name for host in record.hosts], 0)),
        ("content", _content(record, words)),
    )
    return tuple((words.term(name), value) for name, value in found if value)


def _content(record: InspectionRecord, words: Wording) -> str:
    """Return what was inspected: the sections of which something was measured, in the catalogue's order."""
    measured = {words.catalogue.section_of(check) for check in record.reading.measured}
    if not measured:
        return words.term("inspection_content_none")
    known = [section for section in words.catalogue.tables["sections"] if section in measured]
    names = words.term("list_separator").join(words.section(section) for section in known)
    return words.term("inspection_content", sections=names, measured=record.measured)


# -- signatures -------------------------------------------------------------------------------------------


def _signature_section(record: InspectionRecord, words: Wording) -> Section:
    parties, dash = record.parties, words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    signatories = (
        Signatory(words.term("prepared"), provider, parties.inspector or ""),
        Signatory(words.term("reviewed"), provider, parties.reviewer or ""),
        Signatory(words.term("approved"), purchaser, parties.approver or ""),
    )
    return frame.signature_section(signatories, parties, record.ledger, words.term("signatures_note"), words)
