"""What a purchaser's own Word form may name: the plain fields of any document, stable and listed in docs/forms.md.

Every value is text ready for people, a figure, or a flag for conditions; what is not known is empty text. Lists repeat
rows. Names avoid those that Jinja's own objects have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reports.document import LedgerHead
    from reports.documents.inspection_record import Issue
    from reports.wording import Wording
    from runner.contract.facts import Fact
    from runner.contract.model import Contract
    from runner.contract.obligations import Obligation
    from runner.contract.people import Person

#: The fields of every document; those of a list or group stand below its name.
COMMON: Mapping[str, tuple[str, ...]] = {
    "": (
        *("number", "version", "status", "draft", "title", "date"),
        *("contract_number", "contract_title", "system", "provider", "purchaser", "hotline"),
        *("period", "case", "prepared_by", "reviewed_by", "approved_by", "ledger"),
    ),
    "obligations[]": ("id", "title", "clause", "deliverable"),
    "records[]": (
        *("entry", "time", "obligations", "event", "item"),
        *("who", "text", "attributes", "quantities", "attachments"),
    ),
}

#: Fields that are figures or flags, by the last part of their name; the others are text.
_FIGURES = frozenset(
    {
        *("version", "entry", "hosts", "inspected", "missed", "not_covered"),
        *("critical", "warning", "unknown", "notice", "ok"),
        *("place", "count", "reserve_minutes", "approvals_needed"),
        *("breached", "overdue", "partial", "not_assessed", "late", "beyond_cap", "due", "waived", "fulfilled"),
    }
)
_FLAGS = frozenset({"draft", "complete", "emergency", "automatic", "verified"})


@dataclass(frozen=True)
class FormContext:
    """What is known of a document besides its own content: for what it is issued, by whom, and what was recorded."""

    document: str
    issue: Issue
    moment: datetime
    contract: Contract
    people: Sequence[Person] = ()
    obligations: Sequence[Obligation] = ()
    facts: Sequence[Fact] = ()
    period: str = ""
    case: str = ""
    prepared_by: str = ""
    ledger: LedgerHead | None = None


def common_fields(context: FormContext, words: Wording) -> dict[str, Any]:
    """Return the fields that every document has."""
    contract, issue = context.contract, context.issue
    return {
        "number": issue.number,
        "version": issue.version,
        "status": words.term("draft" if issue.draft else "issued", version=issue.version),
        "draft": issue.draft,
        "title": words.catalogue.word("documents", context.document),
        "date": words.moment(context.moment)[:10],
        "contract_number": contract.number,
        "contract_title": contract.title,
        "system": contract.system,
        "provider": contract.provider.name,
        "purchaser": contract.purchaser.name,
        "hotline": contract.provider.hotline or "",
        "period": context.period,
        "case": context.case,
        "prepared_by": context.prepared_by,
        "reviewed_by": _holder(context, "project manager"),
        "approved_by": _holder(context, "purchaser approver"),
        "ledger": context.ledger.printed if context.ledger else "",
        "obligations": [_obligation(one) for one in context.obligations],
        "records": [_record(fact, words) for fact in context.facts if fact.kind == "record"],
    }


def _holder(context: FormContext, duty: str) -> str:
    """Return who has a duty, other than who prepared the document."""
    names = (one.name for one in context.people if one.duty == duty and one.name != context.prepared_by)
    return next(names, "")


def _obligation(one: Obligation) -> dict[str, str]:
    return {"id": one.id, "title": one.name, "clause": one.clause, "deliverable": one.deliverable or ""}


def _record(fact: Fact, words: Wording) -> dict[str, Any]:
    body, separator = fact.body, words.term("list_separator")
    return {
        "entry": fact.sequence,
        "time": words.moment(fact.at),
        "obligations": separator.join(fact.obligations),
        "event": fact.event,
        "item": body.get("item") or "",
        "who": separator.join(body.get("who") or ()),
        "text": body.get("text") or "",
        "attributes": separator.join(f"{key}={value}" for key, value in fact.attributes.items()),
        "quantities": separator.join(
            f"{key} {words.plain(value)}" for key, value in (body.get("quantities") or {}).items()
        ),
        "attachments": separator.join(one["name"] for one in body.get("attachments") or ()),
    }


def names_of(fields: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted names of fields, a list's with [], as docs/forms.md lists them."""
    names: list[str] = []
    for key, value in fields.items():
        if isinstance(value, dict):
            names += names_of(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            names += names_of(value[0], f"{prefix}{key}[].") if value else [f"{prefix}{key}[]"]
        else:
            names.append(f"{prefix}{key}")
    return names


def example(*tables: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return fields of which every list has a member: a form that takes them names no field that does not exist."""
    fields: dict[str, Any] = {}
    for table in tables:
        for place, names in table.items():
            values = {name: 1 if name in _FIGURES else name in _FLAGS or "…" for name in names}
            if place.endswith("[]"):
                fields[place[:-2]] = [values]
            elif place:
                fields[place] = values
            else:
                fields |= values
    return fields
