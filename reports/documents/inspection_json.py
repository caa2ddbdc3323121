"""The inspection record as JSON, for other programs: written host by host, since a fleet's does not fit in memory."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.documents.finding import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.documents.finding import Finding
    from reports.documents.inspection_record import HostResult, InspectionRecord

SCHEMA_VERSION = 1


def as_json(record: InspectionRecord) -> Iterator[bytes]:
    """Yield the parts of one JSON object: the record's facts by name, each host with all of its findings."""
    facts = _facts(record)
    yield b"{"
    for place, key in enumerate(sorted([*facts, "hosts"])):
        yield f"{',' if place else ''}\n {json.dumps(key)}: ".encode()
        if key == "hosts":
            yield from _hosts(record)
        else:
            yield _dumped(facts[key], 1)
    yield b"\n}\n"


def _hosts(record: InspectionRecord) -> Iterator[bytes]:
    yield b"["
    for host, findings in record.everything():
        yield b",\n  " if host.place > 1 else b"\n  "
        # A fleet's host has a line of its own: indented, it would take four times as long to write.
        yield _dumped(_host(record, host, findings), None if record.fleet else 1)
    yield b"\n ]"


def _host(record: InspectionRecord, host: HostResult, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "name": host.name,
        "outcome": host.outcome,
        "message": host.message,
        "tasks": host.tasks,
        "missed": host.missed,
        "counts": host.counts,
        "findings": [
            {
                **{name: getattr(one, name) for name in FIELDS},
                "comparison": (record.status(one) or None) if one.bad else None,
            }
            for one in findings
        ],
    }


def _facts(record: InspectionRecord) -> dict[str, Any]:
    compared = record.compared
    return {
        "schema_version": SCHEMA_VERSION,
        "document": "inspection-record",
        "issue": dataclasses.asdict(record.issue),
        "parties": dataclasses.asdict(record.parties),
        "site": record.site,
        "run": record.run,
        "started": record.started,
        "ended": record.ended,
        "obligations": record.obligations,
        "state": record.state,
        "reasons": record.reasons,
        "counts": record.counts,
        "groups": {group.name: [host.name for host in group.hosts] for group in record.groups},
        "not_covered": [dataclasses.asdict(one) for one in record.assets],
        "comparison": _comparison(compared) if compared else None,
        "ledger": dataclasses.asdict(record.ledger) if record.ledger else None,
    }


def _comparison(compared: Any) -> Mapping[str, Any]:
    return {
        "runs": [{"run": run, "started": started} for run, started in compared.runs],
        "gone": [dataclasses.asdict(one) for one in compared.gone],
        "unconfirmed": [dataclasses.asdict(one) for one in compared.unconfirmed],
    }


def _dumped(value: Any, indent: int | None) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True, default=datetime.isoformat)
    return text.encode(errors="backslashreplace")  # half a character, which UTF-8 cannot hold, stays JSON's own escape
