"""Documents of changes as JSON, for other programs: the change with all of its entries, and what its runs did."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from reports.documents.change_words import ChangeWords
from runner.changes import HOST_ENDS

if TYPE_CHECKING:
    from reports.documents.change_record import ChangeRecord
    from reports.documents.change_run import ChangeRun
    from reports.documents.restart_record import RestartRecord
    from reports.wording import Wording

SCHEMA_VERSION = 1


def change_json(record: ChangeRecord, document: str, wording: Wording) -> list[bytes]:
    """Return an upgrade request or report as the parts of one JSON object; refusals are worded, too."""
    change, words = record.change, ChangeWords(wording)
    content = {
        **_head(record, document),
        "change": change.number,
        "case": change.case_name,
        "state": record.state,
        "requested": change.requested.isoformat(),
        "requester": change.requester,
        "request": change.request,
        "plan": change.plan,
        "digest": change.digest,
        "preview": record.asked.get("preview"),
        "feasibility": record.asked.get("feasibility") or [],
        "outcome": record.outcome or None,
        "hosts": {end: list(record.ended_as(end)) for end in HOST_ENDS},
        "entries": [
            {
                "sequence": step.sequence,
                "time": step.time.isoformat(),
                **step.body,
                **({"texts": [words.refusal(one) for one in step.body["reasons"]]} if step.name == "refused" else {}),
            }
            for step in change.steps
        ],
        "runs": [_run(run) for run in record.runs],
    }
    return _bytes(content)


def restart_json(record: RestartRecord) -> list[bytes]:
    """Return a restart record as the parts of one JSON object."""
    content = {**_head(record, "restart-record"), "change": record.change or None, "runs": [_run(record.run)]}
    return _bytes(content)


def _head(record: ChangeRecord | RestartRecord, document: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "document": document,
        "site": record.site,
        "created": record.created.isoformat(),
        "issue": dataclasses.asdict(record.issue),
        "parties": dataclasses.asdict(record.parties),
        "ledger": dataclasses.asdict(record.ledger) if record.ledger else None,
    }


def _run(run: ChangeRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "procedure": run.procedure,
        "started": run.started.isoformat(),
        "ended": run.ended.isoformat(),
        "state": run.state,
        "operator": run.operator,
        "check": run.check,
        "steps": [
            {
                "host": one.host,
                "name": one.name,
                "started": one.started.isoformat() if one.started else None,
                "ended": one.ended.isoformat() if one.ended else None,
                "failed": one.failed,
                "detail": one.finding.detail,
            }
            for one in run.steps
        ],
        "batches": [
            {"name": one.name, "hosts": list(one.hosts), "value": one.finding.value, "detail": one.finding.detail}
            for one in run.batches
        ],
        "findings": [dataclasses.asdict(one) for one in (*run.due, *run.others)],
    }


def _bytes(content: dict[str, Any]) -> list[bytes]:
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return [text.encode(errors="backslashreplace")]
