"""The compliance report as JSON, for other programs: every row, with the entries of the ledger that tell so."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from reports.documents.compliance_record import IDLE, standing
from reports.documents.compliance_words import ComplianceWords

if TYPE_CHECKING:
    from datetime import datetime

    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.wording import Wording
    from runner.contract.status import Row

SCHEMA_VERSION = 1


def as_json(record: ComplianceRecord, wording: Wording) -> bytes:
    """Return the report as the bytes of one JSON object; reasons are in the language of ``wording``."""
    content = {"schema_version": SCHEMA_VERSION, "document": "compliance-report", **facts(record, wording)}
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(errors="backslashreplace")


def facts(record: ComplianceRecord, wording: Wording) -> dict[str, Any]:
    """Return the report as plain values of JSON; due dates are exclusive, times have their offset."""
    words, chosen, term = ComplianceWords(wording, record.contract), record.chosen, record.contract.term
    return {
        "site": record.site,
        "issue": dataclasses.asdict(record.issue),
        "parties": dataclasses.asdict(record.parties),
        "term": {"from": str(term.start), "to": str(term.end)} if term else None,
        "as_of": _time(record.moment, words),
        "created": _time(record.created, words),
        "forecast": record.forecast,
        "period": (
            {"label": chosen.label, "from": str(chosen.days.first), "to": str(chosen.days.last)} if chosen else None
        ),
        "counts": dict(record.counts),
        "evidence_considered": record.evidence,
        "next_due": {
            item.obligation.id: {
                "due": _time(item.next_due.moment, words),
                "provisional": item.next_due.provisional,
                "estimated": item.next_due.estimated,
            }
            for item in record.items
            if item.next_due
        },
        "rows": [_row(item, row, record, words) for item in record.items for row in item.rows],
        "ledger": dataclasses.asdict(record.ledger) if record.ledger else None,
    }


def _row(item: Item, row: Row, record: ComplianceRecord, words: ComplianceWords) -> dict[str, Any]:
    one, late = item.obligation, words.late(row, record.moment)
    return {
        "obligation": one.id,
        "kind": one.kind,
        "title": one.name,
        "clause": one.clause,
        "responsible": one.responsible,
        "period": row.period or None,
        "part": row.part,
        "subject": row.subject or None,
        "state": row.state,
        "owed": standing(row) != IDLE,
        "due": _time(row.due, words),
        "done": _time(row.done, words),
        "provisional": row.provisional,
        "estimated": row.estimated,
        "evidence": [{"sequence": number, "file": record.files.get(number)} for number in row.evidence],
        "reason": {"code": row.reason, "text": words.reason(row)} if row.reason else None,
        "used": row.used,
        "allowed": row.allowed,
        "margin_seconds": row.margin_seconds,
        "late_seconds": late.total_seconds() if late is not None else None,
    }


def _time(moment: datetime | None, words: ComplianceWords) -> str | None:
    return words.words.local(moment).isoformat() if moment else None
