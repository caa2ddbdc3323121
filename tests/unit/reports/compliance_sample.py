"""A contract of all five kinds, half a year of its ledger, and how it stands: what the tests of compliance bend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reports.catalogue import load_catalogue
from reports.document import LedgerHead, Paragraph, Section, Table
from reports.documents.compliance_periods import Days
from reports.documents.compliance_record import Basis, Chosen, ComplianceRecord, compliance_record
from reports.wording import Wording
from runner.contract.compliance import comply
from runner.contract.facts import EntryLine, Fact, facts
from runner.contract.model import Contract
from runner.contract.people import Person
from runner.contract.working_time import WorkingTime

ZONE = ZoneInfo("Asia/Shanghai")
WORKING = WorkingTime(ZONE)
#: The end of June: the moment that most tests ask about.
MOMENT = datetime(2026, 7, 1, tzinfo=ZONE)

OBLIGATIONS: tuple[dict[str, Any], ...] = (
    {"id": "A01", "kind": "procedure", "procedure": "inspect", "cadence": "monthly", "title": "月度巡检"},
    {"id": "A02", "kind": "document", "document": "inspection-summary", "cadence": "quarterly", "title": "巡检汇总"},
    {
        "id": "A05",
        "kind": "document",
        "document": "health-report",
        "cadence": "quarterly",
        "title": "健康检查报告",
        "due": {"after": "period end", "within": {"working_days": 7}},
        "deliverable": "系统健康检查报告",
        "ours": True,
        "note": "期限自季末起算。",
        "gates": [{"name": "采购人确认", "before": "submission", "by": "purchaser"}],
    },
    {"id": "A11", "kind": "record", "cadence": "standing", "title": "数据恢复手册"},
    {
        "id": "A15",
        "kind": "sla",
        "title": "一级故障",
        "case": "fault",
        "when": {"grade": "P1"},
        "clocks": [
            {"name": "respond", "within": {"minutes": 15}, "starts": ["reported"], "stops": ["responded"]},
            {
                "name": "arrive",
                "within": {"hours": 1},
                "starts": ["reported"],
                "stops": ["arrived"],
                "if_needed": True,
            },
            {"name": "restore", "within": {"hours": 2}, "starts": ["reported"], "stops": ["restored"]},
        ],
    },
    {"id": "A16", "kind": "sla", "title": "二级故障", "case": "fault", "when": {"grade": "P2"},
     "clocks": [{"name": "respond", "within": {"minutes": 30}, "starts": ["reported"], "stops": ["responded"]}]},
    {"id": "A46", "kind": "record", "cadence": "on event", "opened_by": ["asked"], "title": "配合等保测评"},
    {"id": "B08", "kind": "quota", "title": "现场诊断上限", "quota": {"at_most": 2, "per": "year"}},
    {"id": "A52", "kind": "quota", "title": "操作培训", "quota": {"at_least": 2, "per": "term"}},
)  # fmt: skip

PEOPLE = (
    Person(name="李敏", duty="project manager", organisation="provider"),
    Person(name="赵前任", duty="purchaser approver", organisation="purchaser", valid_to=date(2026, 3, 31)),
    Person(name="王建国", duty="purchaser approver", organisation="purchaser", valid_from=date(2026, 4, 1)),
    Person(name="陈监督", duty="supervisor", organisation="purchaser"),
)


def contract(*obligations: dict[str, Any], **more: Any) -> Contract:
    """Return a contract of these obligations, by default of every kind; each has a clause."""
    given = {
        "schema_version": 1,
        "number": "HT-1",
        "title": "维保合同",
        "system": "手术示教系统",
        "provider": {"name": "华东医信"},
        "purchaser": {"name": "滨江医院"},
        "timezone": "Asia/Shanghai",
        "term": {"from": date(2026, 1, 1), "to": date(2027, 12, 31)},
        "grace": {"days": 5},
        "obligations": [{"clause": f"{one['id']}的条款原文", **one} for one in obligations or OBLIGATIONS],
    }
    return Contract.model_validate(given | more)


def at(text: str) -> datetime:
    """Return a moment in the contract's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def entry(kind: str, moment: str, *obligations: str, **body: Any) -> tuple[datetime, str, dict[str, Any]]:
    """Return an entry of the ledger that tells of a moment, written a minute later."""
    told = at(moment)
    key = "ended" if kind == "run" else "at"
    return told + timedelta(minutes=1), kind, {"obligations": list(obligations), key: told.isoformat(), **body}


def fault(name: str, event: str, moment: str, **body: Any) -> tuple[datetime, str, dict[str, Any]]:
    """Return the record of an event of a P1 fault."""
    case = {"kind": "fault", "id": name}
    return entry("record", moment, "A15", case=case, event=event, **{"attributes": {"grade": "P1"}, **body})


#: January and March to May inspected in time, February too late; June not at all.
ENTRIES = (
    entry("run", "2026-01-28T10:00", "A01", verdict="complete"),
    entry("run", "2026-03-04T10:00", "A01", verdict="complete", period="2026-02"),
    entry("run", "2026-03-20T10:00", "A01", verdict="complete"),
    entry("document", "2026-04-02T10:00", "A02", step="submitted", period="2026Q1"),
    entry("document", "2026-04-07T10:00", "A05", step="submitted", period="2026Q1"),
    entry("run", "2026-04-20T10:00", "A01", verdict="complete"),
    fault("F-001", "reported", "2026-05-10T09:00"),
    fault("F-001", "responded", "2026-05-10T09:10"),
    fault("F-001", "restored", "2026-05-10T12:00", attributes={"arrive": "not needed"}, who=["王建国"]),
    entry("run", "2026-05-20T10:00", "A01", verdict="complete"),
    entry("record", "2026-05-21T10:00", "B08", "A52"),
    entry("record", "2026-05-22T10:00", "B08"),
    entry("record", "2026-05-23T10:00", "B08"),
)


def told(entries: Sequence[tuple[datetime, str, dict[str, Any]]], moment: datetime) -> list[Fact]:
    """Return entries as the facts that a ledger of them holds at a moment."""
    lines = [EntryLine(place, kind, time.isoformat(), body) for place, (time, kind, body) in enumerate(entries, 1)]
    return facts(lines, moment)


def record(
    *,
    of: Contract | None = None,
    entries: Sequence[tuple[datetime, str, dict[str, Any]]] = ENTRIES,
    moment: datetime = MOMENT,
    created: datetime = MOMENT + timedelta(hours=8),
    period: tuple[str, date, date] | None = None,
) -> ComplianceRecord:
    """Return how a contract stands by entries of its ledger."""
    kept = of or contract()
    found = told(entries, moment)
    chosen = Chosen(period[0], Days(*period[1:])) if period else None
    return compliance_record(
        Basis("hospital-a", kept, WORKING, found, PEOPLE),
        comply(kept, found, WORKING, moment),
        created,
        chosen,
        LedgerHead("hospital-a", len(entries), "1a2b3c4d" * 8),
    )


def words_of(language: str) -> Wording:
    """Return the words of a language, in the contract's zone."""
    return Wording(load_catalogue(language), ZONE)


def said(part: Section) -> str:
    """Return what the paragraphs and tables of a section say."""
    lines = [block.text for block in part.blocks if isinstance(block, Paragraph)]
    for block in part.blocks:
        if isinstance(block, Table):
            lines += [block.title, *(cell.lines for row in block.rows for cell in row.cells)]
    return "\n".join(lines)
