"""The inspection record as fields of the purchaser's own Word form, beside those of every document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.document import Paragraph
from reports.documents import folding
from reports.documents.inspection_exceptions import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.document import Document
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import Asset, HostResult, InspectionRecord
    from reports.wording import Wording

_LEVELS = ("critical", "warning", "unknown", "notice", "ok")

#: The fields; those of a list or group stand below its name.
INSPECTION: Mapping[str, tuple[str, ...]] = {
    "": ("site", "run", "started", "ended", "verdict", "complete", "scope", "content", "conclusion"),
    "counts": ("hosts", "inspected", "missed", "not_covered", *_LEVELS),
    "hosts[]": ("name", "outcome", "worst", *_LEVELS),
    "exceptions[]": ("level", "host", "item", "result", "limit", "solution", "comparison", "evidence"),
    "not_measured[]": ("host", "item", "reason", "remedy"),
    "missed[]": ("name", "outcome", "message", "advice"),
    "not_covered[]": ("host", "kind", "product", "subject", "advice"),
    "gone[]": ("level", "host", "item", "result"),
    "results[]": ("host", "section", "item", "result", "limit", "level"),
}


def inspection_fields(record: InspectionRecord, document: Document, words: Wording) -> dict[str, Any]:
    """Return the fields of an inspection record; of a fleet, ``results`` holds only what is not fine."""
    facts = dict(document.facts)
    first = document.sections[0].blocks[0]
    return {
        "site": record.site,
        "run": record.run,
        "started": words.moment(record.started),
        "ended": words.moment(record.ended),
        "verdict": words.term(f"verdict_{record.state}"),
        "complete": record.complete,
        "scope": facts.get(words.term("scope"), ""),
        "content": facts.get(words.term("content"), ""),
        "conclusion": first.text if isinstance(first, Paragraph) else "",
        "counts": {
            "hosts": len(record.hosts),
            "inspected": len(record.inspected),
            "missed": len(record.missed),
            "not_covered": len(record.assets),
            **{level: record.counts[level] for level in _LEVELS},
        },
        "hosts": [_host(host, words) for host in record.hosts],
        "exceptions": [_exception(one, record, words) for one in record.bad],
        "not_measured": [_not_measured(one, words) for one in record.findings if one.level == "unknown"],
        "missed": [_missed(host, words) for host in record.missed],
        "not_covered": [_asset(one, words) for one in record.assets],
        "gone": [
            {
                "level": words.level(one.level),
                "host": one.host,
                "item": words.title(one.check, one.subject),
                "result": folding.result(one, words),
            }
            for one in (record.compared.gone if record.compared else ())
        ],
        "results": [_result(one, words) for one in record.findings],
    }


def _host(host: HostResult, words: Wording) -> dict[str, Any]:
    return {
        "name": host.name,
        "outcome": words.outcome(host.outcome),
        "worst": words.level(host.worst),
        **{level: host.counts[level] for level in _LEVELS},
    }


def _exception(one: Finding, record: InspectionRecord, words: Wording) -> dict[str, str]:
    return {
        "level": words.level(one.level),
        "host": one.host,
        "item": words.title(one.check, one.subject),
        "result": folding.result(one, words),
        "limit": words.limit(one.check, one.limits, one.level),
        "solution": words.advice(one.check),
        "comparison": status_of([one], record, words) if record.compared else "",
        "evidence": words.evidence(one.check, one.detail),
    }


def _not_measured(one: Finding, words: Wording) -> dict[str, str]:
    return {
        "host": one.host,
        "item": words.title(one.check, one.subject),
        "reason": words.reason(one.reason),
        "remedy": words.remedy(one.reason),
    }


def _missed(host: HostResult, words: Wording) -> dict[str, str]:
    return {
        "name": host.name,
        "outcome": words.outcome(host.outcome),
        "message": host.message or "",
        "advice": words.outcome_advice(host.outcome),
    }


def _asset(one: Asset, words: Wording) -> dict[str, str]:
    return {
        "host": one.host,
        "kind": words.asset(one.kind),
        "product": one.product,
        "subject": one.subject,
        "advice": words.asset_advice(one.kind),
    }


def _result(one: Finding, words: Wording) -> dict[str, str]:
    return {
        "host": one.host,
        "section": words.section(words.catalogue.section_of(one.check)),
        "item": words.title(one.check, one.subject),
        "result": folding.result(one, words),
        "limit": words.limit(one.check, one.limits, one.level),
        "level": words.level(one.level),
    }
