"""The compliance report as OSCAL assessment results (NIST, https://pages.nist.gov/OSCAL), for tools that read those.

The contract stands for the assessment plan, an obligation for a control, a row for an observation. An obligation of
which something was judged has a finding: satisfied only where every row was fulfilled in time, waived or is not due
yet. OSCAL knows no third answer, so what could not be assessed is not satisfied, for a reason that says so.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC
from typing import TYPE_CHECKING, Any

from reports.documents.compliance_record import IDLE, standing
from reports.documents.compliance_words import ComplianceWords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.wording import Wording
    from runner.contract.status import Row

#: The version of OSCAL whose published JSON schema the tests hold this export to.
VERSION = "1.2.3"

_NAMESPACE = uuid.UUID("b6d0f0c4-6a0f-5c39-9c39-6c6f2b7f3f10")
#: What stands in ``ns`` of the properties that are this program's own.
_OWN = "urn:weibao:compliance"
_REASONS = {"breached": "fail", "overdue": "fail"}


def as_oscal(record: ComplianceRecord, wording: Wording) -> bytes:
    """Return the report as the bytes of an OSCAL assessment-results file; the same record gives the same bytes."""
    return (json.dumps(_Writer(record, wording).results(), ensure_ascii=False, indent=1) + "\n").encode(
        errors="backslashreplace"
    )


class _Writer:
    """Writes one record; ids follow from the record, so that a second export has the same."""

    def __init__(self, record: ComplianceRecord, wording: Wording) -> None:
        self.record = record
        self.words = ComplianceWords(wording, record.contract)
        head = record.ledger.digest if record.ledger else ""
        self.base = f"{record.site}/{record.issue.number}/{_time(record.moment)}/{head}"

    def id(self, *path: str) -> str:
        """Return the UUID of a part."""
        return str(uuid.uuid5(_NAMESPACE, "/".join((self.base, *path))))

    def results(self) -> dict[str, Any]:
        record, contract = self.record, self.record.contract
        start = record.working.midnight(contract.term.start) if contract.term else record.moment
        result: dict[str, Any] = {
            "uuid": self.id("result"),
            "title": _line(self.words.say("title")),
            "description": self.words.say("details_section"),
            "start": _time(min(start, record.moment)),
            "end": _time(record.moment),
            "props": [_own("forecast", "yes")] if record.forecast else [],
            "reviewed-controls": {"control-selections": [{"include-controls": self._controls()}]},
            "observations": [self._observation(item, row) for item, row in self._rows()],
            "findings": list(self._findings()),
        }
        return {
            "assessment-results": {
                "uuid": self.id("results"),
                "metadata": self._metadata(),
                "import-ap": {"href": f"#{self.id('contract')}"},
                "results": [{key: value for key, value in result.items() if value}],
                "back-matter": {"resources": [self._contract()]},
            }
        }

    def _metadata(self) -> dict[str, Any]:
        record, words = self.record, self.words.words
        parties = [(side, name) for side in ("provider", "purchaser") if (name := getattr(record.parties, side))]
        return {
            "title": _line(f"{self.words.say('title')} {record.issue.number}"),
            "last-modified": _time(record.created),
            "version": str(record.issue.version),
            "oscal-version": VERSION,
            "roles": [{"id": side, "title": _line(words.term(side))} for side, _ in parties],
            "parties": [
                {"uuid": self.id("party", side), "type": "organization", "name": _line(name)} for side, name in parties
            ],
            "responsible-parties": [{"role-id": side, "party-uuids": [self.id("party", side)]} for side, _ in parties],
        }

    def _contract(self) -> dict[str, Any]:
        contract = self.record.contract
        return {
            "uuid": self.id("contract"),
            "title": _line(f"{contract.number} {contract.title}"),
            "description": contract.system,
            "rlinks": [{"href": "contract.yml", "media-type": "application/yaml"}],
        }

    def _controls(self) -> list[dict[str, str]]:
        return [{"control-id": _token(item.obligation.id)} for item in self.record.items]

    def _rows(self) -> Iterator[tuple[Item, Row]]:
        for item in self.record.items:
            for row in item.rows:
                if standing(row) != IDLE:
                    yield item, row

    def _observation(self, item: Item, row: Row) -> dict[str, Any]:
        one, words = item.obligation, self.words
        reason = words.reason(row)
        said = [words.state(standing(row)), words.margin(row, one, self.record.moment), reason]
        properties = {
            "obligation": one.id,
            "kind": one.kind,
            "responsible": one.responsible,
            "period": row.period,
            "subject": row.subject,
            "state": row.state,
            "due": _time(row.due) if row.due else "",
            "provisional": "yes" if row.provisional else "",
            "estimated": "yes" if row.estimated else "",
            "used": "" if row.used is None else f"{row.used:g}",
            "allowed": "" if row.allowed is None else f"{row.allowed:g}",
            "margin-seconds": "" if row.margin_seconds is None else f"{row.margin_seconds:.0f}",
        }
        found: dict[str, Any] = {
            "uuid": self._row_id(item, row),
            "title": _line(f"{words.named(one)} {words.what(row)}"),
            "description": words.words.term("part_separator").join(part for part in said if part),
            "props": [_own(name, value) for name, value in properties.items() if value.strip()],
            "methods": ["EXAMINE"],
            "collected": _time(row.done or self.record.moment),
        }
        if row.evidence:
            found["relevant-evidence"] = [self._evidence(number) for number in row.evidence]
        return found

    def _evidence(self, number: int) -> dict[str, str]:
        name = self.record.files.get(number, f"{number:06d}.json")
        return {"href": f"ledger/{number // 1000:03d}/{name}", "description": f"#{number}"}

    def _row_id(self, item: Item, row: Row) -> str:
        return self.id("row", item.obligation.id, row.period, row.subject, str(row.evidence))

    def _findings(self) -> Iterator[dict[str, Any]]:
        for item in self.record.items:
            worst = item.standing
            judged = [row for row in item.rows if standing(row) not in (IDLE, "due")]
            if not judged:
                continue
            satisfied = worst in ("fulfilled", "waived", "due")
            one = item.obligation
            yield {
                "uuid": self.id("finding", one.id),
                "title": _line(self.words.named(one)),
                "description": one.clause,
                "target": {
                    "type": "objective-id",
                    "target-id": _token(one.id),
                    "status": {
                        "state": "satisfied" if satisfied else "not-satisfied",
                        "reason": "pass" if satisfied else _REASONS.get(worst, "other"),
                        "remarks": self.words.counts(item.counts.items()),
                    },
                },
                "related-observations": [{"observation-uuid": self._row_id(item, row)} for row in judged],
            }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _own(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": _OWN, "value": _line(value)}


def _line(text: str) -> str:
    """Return a text as OSCAL takes it: one line without blanks at its ends, never empty."""
    return " ".join(text.split()) or "-"


def _token(name: str) -> str:
    """Return an obligation's id as OSCAL takes it: it starts with a letter or an underscore."""
    return name if name[0].isalpha() else f"_{name}"
