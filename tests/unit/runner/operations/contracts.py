"""Contracts and facts for tests of the schedule: a year of inspections, and entries as the ledger holds them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from runner.contract.facts import EntryLine, Fact, facts
from runner.contract.model import Contract
from runner.contract.working_time import OwnCalendar, WorkingTime
from runner.operations.schedule import Scheduler
from runner.procedures import Procedure

ZONE = ZoneInfo("Asia/Shanghai")

INSPECT = Procedure(
    "inspect", Path("inspect.yml"), changes_hosts=False, repeatable=True, observations=True, documents=()
)
CLEAN = Procedure("clean", Path("clean.yml"), changes_hosts=True, repeatable=False, observations=False, documents=())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def owed(name: str, cadence: str = "monthly", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "procedure", "procedure": "inspect", "cadence": cadence, "clause": "巡检", **more}


def contract(*obligations: dict[str, Any], **more: Any) -> Contract:
    given = {
        "schema_version": 1,
        "number": "T-1",
        "title": "维保合同",
        "system": "影像系统",
        "provider": {"name": "甲"},
        "purchaser": {"name": "乙"},
        "timezone": "Asia/Shanghai",
        "term": {"from": moment("2026-01-01").date(), "to": moment("2026-12-31").date()},
        "obligations": list(obligations),
        **more,
    }
    return Contract.model_validate(given)


def run(
    sequence: int, ended: str, *occurrences: str, verdict: str = "complete", procedure: str = "inspect"
) -> EntryLine:
    """An entry of a run for some occurrences; of one for none in particular, name the obligations alone."""
    keys = list(occurrences) if any("/" in one for one in occurrences) else None
    at = moment(ended).isoformat()
    body = {
        "run": f"run-{sequence}",
        "procedure": procedure,
        "obligations": [one.partition("/")[0] for one in occurrences],
        "occurrences": keys,
        "ended": at,
        "verdict": verdict,
    }
    return EntryLine(sequence, "run", at, body)


def record(sequence: int, at: str, *obligations: str, **more: Any) -> EntryLine:
    body = {"obligations": list(obligations), "at": moment(at).isoformat(), **more}
    return EntryLine(sequence, more.pop("kind", "record"), moment(at).isoformat(), body)


def facts_until(now: str, *lines: EntryLine) -> list[Fact]:
    return facts(lines, moment(now))


def scheduler(agreed: Contract, now: str, *lines: EntryLine) -> Scheduler:
    calendar = OwnCalendar(schema_version=1, days={})
    working = WorkingTime(ZONE, agreed.service_hours, calendar)
    procedures = {one.name: one for one in (INSPECT, CLEAN)}
    return Scheduler(agreed, facts_until(now, *lines), working, procedures, moment(now))
