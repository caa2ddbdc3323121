"""A compliance report's rows as flat data for a spreadsheet: every row, every entry of evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Sheet
from reports.documents.compliance_record import standing
from reports.documents.compliance_words import TONES
from runner.contract.status import STATES

if TYPE_CHECKING:
    from reports.document import Scalar
    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.documents.compliance_words import ComplianceWords
    from runner.contract.status import Row

_TITLES = (
    *("obligation", "name", "kind", "clause", "owner", "what", "subject", "state", "due", "provisional_title"),
    *("done", "how_late", "margin_minutes", "used", "allowed", "evidence", "files", "reason"),
)


def sheets(record: ComplianceRecord, words: ComplianceWords) -> tuple[Sheet, ...]:
    """Return the sheet of every row."""
    rows = tuple(_row(item, row, record, words) for item in record.items for row in item.rows)
    tones = tuple((words.state(name), TONES[name]) for name in STATES if name in TONES)
    header = tuple(words.say(title) for title in _TITLES)
    return (Sheet(words.say("all_rows"), header, rows, tones),) if rows else ()


def _row(item: Item, row: Row, record: ComplianceRecord, words: ComplianceWords) -> tuple[Scalar, ...]:
    one = item.obligation
    files = [record.files[number] for number in row.evidence if number in record.files]
    return (
        one.id,
        one.name,
        words.kind(one),
        one.clause,
        words.say(f"owner_{one.responsible}"),
        words.period(row),
        words.subject(row),
        words.state(standing(row)),
        words.date(row.due) if row.due else None,
        words.marks(provisional=row.provisional, estimated=row.estimated) or None,
        words.words.moment(row.done) if row.done else None,
        words.lateness(row, record.moment) or None,
        round(row.margin_seconds / 60, 1) if row.margin_seconds is not None else None,
        row.used,
        row.allowed,
        " ".join(f"#{number}" for number in row.evidence) or None,
        " ".join(files) or None,
        words.reason(row) or None,
    )
