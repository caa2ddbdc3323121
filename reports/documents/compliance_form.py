"""The compliance report as fields of the purchaser's own Word form, beside those of every document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.documents.compliance_document import period_of, verdict
from reports.documents.compliance_record import TROUBLE, standing
from reports.documents.compliance_words import ComplianceWords
from reports.documents.form_fields import FormContext, common_fields
from runner.contract.status import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.wording import Wording
    from runner.contract.status import Row

_ROW = (
    *("obligation", "name", "kind", "clause", "owner", "what", "state"),
    *("due_date", "done_date", "margin", "evidence", "reason"),
)

#: The fields; those of a list or group stand below its name.
COMPLIANCE: Mapping[str, tuple[str, ...]] = {
    "": ("site", "as_of", "conclusion"),
    "counts": tuple(state.replace(" ", "_") for state in reversed(STATES)),
    "attention[]": _ROW,
    "rows[]": _ROW,
}


def compliance_fields(record: ComplianceRecord, document: str, wording: Wording) -> dict[str, Any]:
    """Return the fields of a compliance report; ``attention`` holds the rows that went wrong, the worst first."""
    words = ComplianceWords(wording, record.contract)
    rows = [(item, row) for item in record.items for row in item.rows]
    troubled = [one for one in rows if standing(one[1]) in TROUBLE]
    troubled.sort(key=lambda one: TROUBLE.index(standing(one[1])))
    context = FormContext(
        document=document,
        issue=record.issue,
        moment=record.created,
        contract=record.contract,
        obligations=tuple(item.obligation for item in record.items),
        period=period_of(record, words),
        prepared_by=record.parties.inspector or "",
        ledger=record.ledger,
    )
    return {
        **common_fields(context, wording),
        "reviewed_by": record.parties.reviewer or "",
        "approved_by": record.parties.approver or "",
        "site": record.site,
        "as_of": words.until(record.moment),
        "conclusion": verdict(record, words) if record.items else words.say("nothing_owed"),
        "counts": {state.replace(" ", "_"): record.counts[state] for state in reversed(STATES)},
        "attention": [_row(item, row, record, words) for item, row in troubled],
        "rows": [_row(item, row, record, words) for item, row in rows],
    }


def _row(item: Item, row: Row, record: ComplianceRecord, words: ComplianceWords) -> dict[str, str]:
    one = item.obligation
    values = (
        *(one.id, words.name(one), words.kind(one), one.clause, words.say(f"owner_{one.responsible}")),
        *(words.what(row), words.state(standing(row))),
        *(words.due(row), words.done(row), words.margin(row, one, record.moment)),
        *(words.evidence(row.evidence), words.reason(row)),
    )
    return dict(zip(_ROW, values, strict=True))
