"""Contracts and ledgers for tests, a few words each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from runner.contract.compliance import Compliance, comply
from runner.contract.facts import EntryLine, Fact, facts
from runner.contract.model import Contract, ServiceHours
from runner.contract.status import Row
from runner.contract.working_time import OwnCalendar, WorkingTime

SHANGHAI = ZoneInfo("Asia/Shanghai")


def moment(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """Return the moment that a clock on the wall shows: "2026-03-04 10:15", or the midnight that begins a day."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def day(text: str) -> date:
    return date.fromisoformat(text)


def duty(name: str = "A01", kind: str = "record", **keys: Any) -> dict[str, Any]:
    """Return an obligation as a contract file has it; what its kind needs is filled in."""
    needed: dict[str, dict[str, Any]] = {
        "procedure": {"procedure": "inspect", "cadence": "monthly"},
        "record": {"cadence": "monthly"},
        "document": {"document": "inspection-record", "cadence": "monthly"},
        "sla": {"case": "fault", "clocks": [clock()]},
        "quota": {"quota": {"at_least": 2, "per": "year"}},
    }
    return {"id": name, "kind": kind, "clause": f"clause {name}", **needed[kind], **keys}


def clock(name: str = "respond", **keys: Any) -> dict[str, Any]:
    return {"name": name, "within": {"minutes": 15}, "starts": ["reported"], "stops": ["responded"], **keys}


def amended(start: str, *obligations: dict[str, Any], ended: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"from": day(start), "title": "t", "obligations": list(obligations), "ended": list(ended)}


def contract_data(*obligations: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "number": "N",
        "title": "T",
        "system": "S",
        "provider": {"name": "P"},
        "purchaser": {"name": "Q"},
        "timezone": "Asia/Shanghai",
        "term": {"from": day("2026-01-01"), "to": day("2026-12-31")},
        "obligations": list(obligations),
        **keys,
    }


def contract(*obligations: dict[str, Any], **keys: Any) -> Contract:
    return Contract.model_validate(contract_data(*obligations, **keys))


def working(
    zone: ZoneInfo = SHANGHAI,
    hours: dict[str, str] | None = None,
    days: dict[str, tuple[bool, str]] | None = None,
    covers: tuple[int, ...] = (),
) -> WorkingTime:
    own = {day(key): {"working": works, "name": name} for key, (works, name) in (days or {}).items()}
    calendar = OwnCalendar.model_validate({"schema_version": 1, "covers": covers, "days": own})
    return WorkingTime(zone, ServiceHours.model_validate(hours or {}), calendar)


class Book:
    """What a ledger holds, entry by entry, each written when it happened unless said otherwise."""

    def __init__(self, zone: ZoneInfo = SHANGHAI) -> None:
        self.lines: list[EntryLine] = []
        self.zone = zone

    def moment(self, text: str) -> datetime:
        return moment(text, self.zone)

    def _add(self, kind: str, at: str, written: str | None, body: dict[str, Any]) -> int:
        sequence = len(self.lines) + 1
        self.lines.append(EntryLine(sequence, kind, self.moment(written or at).isoformat(), body))
        return sequence

    def record(self, *obligations: str, at: str, written: str | None = None, **body: Any) -> int:
        told = {"obligations": list(obligations), "at": self.moment(at).isoformat(), **body}
        return self._add("record", at, written, told)

    def case(self, name: str, event: str, at: str, *obligations: str, kind: str = "fault", **body: Any) -> int:
        """Record an event of a case; further keys are attributes."""
        keys = {key: body.pop(key) for key in ("who", "written", "corrects", "period") if key in body}
        case = {"kind": kind, "id": name}
        return self.record(*obligations, at=at, case=case, event=event, attributes=body, **keys)

    def run(self, *obligations: str, at: str, verdict: str = "complete", **body: Any) -> int:
        return self._add(
            "run",
            at,
            None,
            {"obligations": list(obligations), "ended": self.moment(at).isoformat(), "verdict": verdict, **body},
        )

    def document(self, *obligations: str, step: str, at: str, **body: Any) -> int:
        told = {"obligations": list(obligations), "at": self.moment(at).isoformat(), "step": step, **body}
        return self._add("document", at, None, told)

    def waiver(self, obligation: str, period: str, at: str, by: str = "王五") -> int:
        body = {"obligations": [obligation], "period": period, "at": self.moment(at).isoformat(), "consent_by": by}
        return self._add("waiver", at, None, body)

    def facts(self, until: str) -> list[Fact]:
        return facts(self.lines, self.moment(until))


def standing(
    of: Contract, book: Book, now: str, calendar: WorkingTime | None = None, known: str | None = None
) -> Compliance:
    """Return the compliance of a contract at a moment."""
    calendar = calendar or WorkingTime(SHANGHAI, of.service_hours)
    return comply(of, book.facts(known or now), calendar, moment(now))


def row(of: Contract, book: Book, now: str, period: str | None = None, name: str = "A01") -> Row:
    """Return the only row of an obligation, or that of a period."""
    found = [one for one in standing(of, book, now).of(name) if period in (None, one.period)]
    assert len(found) == 1, found
    return found[0]


def states(of: Contract, book: Book, now: str, name: str = "A01") -> dict[str, str]:
    """Return the state of each period, or of each clock, of an obligation."""
    rows = standing(of, book, now).of(name)
    return {one.subject if one.kind == "sla" else one.period: one.state for one in rows}
