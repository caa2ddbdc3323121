"""The compliance record: rows as they stand, what a period leaves of them, what comes next, and who signs."""

from __future__ import annotations

from datetime import date, timedelta

from reports.documents.compliance_record import IDLE, ComplianceRecord, standing
from tests.unit.reports.compliance_sample import ENTRIES, MOMENT, OBLIGATIONS, at, contract, entry, fault, record

Q2 = ("2026Q2", date(2026, 4, 1), date(2026, 6, 30))


def states(found: ComplianceRecord, name: str) -> dict[str, str]:
    item = next(item for item in found.items if item.obligation.id == name)
    return {f"{row.period} {row.subject}".strip(): standing(row) for row in item.rows}


def test_every_obligation_has_an_item_with_a_row() -> None:
    found = record()
    assert [item.obligation.id for item in found.items] == [one["id"] for one in OBLIGATIONS]
    assert all(item.rows for item in found.items)


def test_rows_stand_as_the_ledger_tells() -> None:
    found = record()
    assert states(found, "A01") == {
        "2026-01": "fulfilled",
        "2026-02": "late",
        "2026-03": "fulfilled",
        "2026-04": "fulfilled",
        "2026-05": "fulfilled",
        "2026-06": "overdue",
    }
    assert states(found, "A15") == {"F-001 respond": "fulfilled", "F-001 arrive": "waived", "F-001 restore": "breached"}
    assert states(found, "B08") == {"2026": "breached"}
    assert states(found, "A52") == {"term": "due"}


def test_what_no_event_opened_is_idle_and_not_unassessed() -> None:
    found = record()
    assert states(found, "A46") == {"": IDLE}
    assert states(found, "A11") == {"term": "not assessed"}
    assert found.counts[IDLE] == 2  # A16 and A46
    assert found.counts["not assessed"] == 1


def test_an_obligation_stands_as_badly_as_its_worst_row() -> None:
    item = next(item for item in record().items if item.obligation.id == "A01")
    assert item.standing == "overdue"
    assert list(item.counts.items()) == [("overdue", 1), ("late", 1), ("fulfilled", 4)]


def test_what_fell_due_is_what_can_be_told() -> None:
    found = record()
    assert {name: count for name, count in found.counts.items() if count} == {
        "breached": 2,
        "overdue": 2,
        "not assessed": 1,
        "late": 2,
        "due": 2,
        "waived": 1,
        "fulfilled": 6,
        IDLE: 2,
    }
    assert (found.judged, found.owed) == (12, 16)


def test_a_period_keeps_what_was_owed_due_or_done_in_it() -> None:
    found = record(period=Q2)
    assert list(states(found, "A01")) == ["2026-04", "2026-05", "2026-06"]
    # The report of the first quarter was due, and submitted, in April.
    assert list(states(found, "A05")) == ["2026Q1", "2026Q2"]
    assert list(states(found, "B08")) == ["2026"]
    assert states(found, "A11") == {"term": "not assessed"}


def test_a_period_in_which_nothing_was_owed_leaves_a_row_that_says_so() -> None:
    found = record(period=("2026Q1", date(2026, 1, 1), date(2026, 3, 31)))
    (row,) = (row for row in found.rows if row.obligation == "A15")
    assert (row.state, row.reason, standing(row)) == ("not assessed", "not_in_period", IDLE)


def test_a_case_that_is_still_open_concerns_later_periods() -> None:
    entries = [*ENTRIES[:6], fault("F-009", "reported", "2026-02-10T09:00")]
    found = record(entries=entries, period=Q2)
    assert states(found, "A15")["F-009 restore"] == "breached"
    closed = record(entries=[*entries, fault("F-009", "restored", "2026-02-10T10:00")], period=Q2)
    assert "F-009 restore" not in states(closed, "A15")


def test_what_an_entry_opened_concerns_the_period_in_which_it_was_asked_for() -> None:
    asked = entry("record", "2026-05-05T09:00", "A46", event="asked")
    assert list(states(record(entries=[asked], period=Q2), "A46")) == ["#1"]
    first = ("2026Q1", date(2026, 1, 1), date(2026, 3, 31))
    assert states(record(entries=[asked], period=first), "A46") == {"": IDLE}


def test_the_next_due_date_is_of_what_is_open_or_comes_next() -> None:
    due = {item.obligation.id: item.next_due for item in record().items}
    assert due["A01"] is not None
    assert due["A01"].moment == at("2026-08-01")
    assert due["A05"] is not None
    assert due["A05"].moment == at("2026-07-10")
    assert due["A46"] is None


def test_a_year_that_nobody_published_makes_the_next_due_date_provisional() -> None:
    found = record(moment=at("2026-12-31T12:00"))
    due = {item.obligation.id: item.next_due for item in found.items}
    assert due["A05"] is not None
    assert due["A05"].provisional


def test_people_sign_who_are_in_office() -> None:
    assert record().parties.approver == "王建国"
    assert record(moment=at("2026-03-01")).parties.approver == "赵前任"


def test_a_moment_after_the_making_is_a_forecast() -> None:
    assert not record().forecast
    assert record(created=MOMENT - timedelta(days=1)).forecast


def test_an_amended_obligation_stands_once_as_it_holds() -> None:
    later = {"id": "A01", "kind": "procedure", "procedure": "inspect", "cadence": "quarterly", "clause": "改为每季度"}
    kept = contract(amendments=[{"from": date(2026, 7, 1), "title": "补充协议", "obligations": [later]}])
    found = [item for item in record(of=kept, moment=at("2026-09-01")).items if item.obligation.id == "A01"]
    assert [item.obligation.clause for item in found] == ["改为每季度"]
    assert [row.period for row in found[0].rows][-2:] == ["2026-06", "2026Q3"]
