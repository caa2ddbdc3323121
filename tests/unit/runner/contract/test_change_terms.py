"""What a contract says of changes, and how their entries answer what its clauses owe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from runner.change_rules import Rules
from runner.contract.changes import ChangeTerms, answering, knows_case
from runner.contract.load import load_contract
from runner.site import PROJECT, Site
from tests.unit.runner.contract.builders import Book, contract, day, duty, moment, row, working

UPGRADE = {"cadence": "on event", "case": "upgrade"}
CLAUSES = (
    duty("A36", "document", opened_by=["planned"], **UPGRADE),
    duty("A36.approval", opened_by=["planned"], **UPGRADE),
    duty("A37", opened_by=["started"], **UPGRADE),
    duty("A38", "document", opened_by=["done"], **UPGRADE),
)


def terms(**keys: Any) -> ChangeTerms:
    return ChangeTerms.model_validate(keys)


# -- terms ------------------------------------------------------------------------------------------------


def test_without_terms_the_careful_ones_hold() -> None:
    assert contract().changes == terms()
    assert terms().rules() == Rules()
    assert terms(emergency={"approval_within": {"hours": 24}}).rules().emergency
    assert Rules.of(terms(approvals=3).rules().as_dict()).approvals == 3


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"approvals": 0}, "greater than or equal to 1"),
        ({"approvers": []}, "at least 1 item"),
        ({"approvers": ["auditor"]}, "'purchaser approver' or 'supervisor'"),
        ({"supervisors": ["engineer"]}, "'purchaser approver' or 'supervisor'"),
        ({"reserve": {"days": 1}}, "reserve is in minutes or hours, at most a day"),
        ({"reserve": {"hours": 25}}, "reserve is in minutes or hours, at most a day"),
        ({"approval_lasts": {"working_days": 3}}, "approval_lasts is in minutes, hours, days"),
        ({"emergency": {}}, "Field required"),
        ({"blackouts": [{"from": day("2026-02-02"), "to": day("2026-02-01"), "reason": "x"}]}, "before it starts"),
        ({"approval": 1}, "Extra inputs"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        terms(**keys)
    assert problem in str(caught.value)


def test_a_slip_in_the_terms_is_told_with_its_line(site: Site) -> None:
    text = site.contract_file.read_text(encoding="utf-8") + "changes:\n  approvers: [auditor]\n"
    site.contract_file.write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match=r"contract.yml:\d+: changes.approvers.0: "):
        load_contract(site)


def test_approvals_last_as_the_terms_say() -> None:
    given, end = moment("2026-03-02 10:00"), moment("2026-03-08")
    assert terms().rules().expires(given, end) == moment("2026-04-01 10:00")
    assert terms(approval_lasts={"hours": 4}).rules().expires(given, end) == moment("2026-03-02 14:00")
    assert terms(approval_lasts={"minutes": 5}).rules().expires(given, end) == moment("2026-03-02 10:05")
    assert terms(approval_lasts=None).rules().expires(given, end) == end
    assert terms().approval_owed(given, working()) is None
    owed = terms(emergency={"approval_within": {"hours": 24}}).approval_owed(given, working())
    assert owed == moment("2026-03-03 10:00")
    assert terms(reserve={"hours": 1}).reserve_time == timedelta(hours=1)


def test_a_blackout_is_in_the_way_where_a_window_touches_one_of_its_days() -> None:
    of = terms(blackouts=[{"from": day("2026-02-10"), "to": day("2026-02-20"), "reason": "春节保障"}])
    for first, last, found in (
        ("2026-02-09 20:00", "2026-02-09 23:59", False),
        ("2026-02-09 20:00", "2026-02-10 02:00", True),
        ("2026-02-20 23:00", "2026-02-21 02:00", True),
        ("2026-02-21 00:00", "2026-02-21 02:00", False),
        ("2026-02-01 00:00", "2026-03-01 00:00", True),
    ):
        assert bool(of.blackout(moment(first), moment(last), working())) == found
    end = moment("2026-02-12 02:00")
    assert of.closes(moment("2026-02-09 20:00"), end, working()) == moment("2026-02-10 00:00")
    assert of.closes(moment("2026-02-09 20:00"), moment("2026-02-09 22:00"), working()) == moment("2026-02-09 22:00")
    assert of.closes(moment("2026-02-21 20:00"), moment("2026-02-22"), working()) == moment("2026-02-22")


def test_the_shipped_terms_are_those_of_the_clauses() -> None:
    for name in ("hospital-a", "platform-b"):
        site = Site(name, PROJECT / "inventories" / name, PROJECT / "var" / name)
        assert load_contract(site).changes == terms()


# -- what entries answer ------------------------------------------------------------------------------------


def test_a_step_answers_the_records_that_its_event_opened() -> None:
    of = contract(*CLAUSES)
    when = moment("2026-03-02")
    assert answering(of, "upgrade", "planned", when, working()) == ("A36.approval",)
    assert answering(of, "upgrade", "started", when, working()) == ("A37",)
    assert answering(of, "upgrade", "done", when, working()) == ()
    assert answering(of, "upgrade", "planned", moment("2027-01-05"), working()) == ()
    late = answering(of, "upgrade", "planned", moment("2027-01-05"), working(), moment("2026-12-30"))
    assert late == ("A36.approval",)
    assert (knows_case(of, "upgrade"), knows_case(of, "fault")) == (True, False)


def change(book: Book, step: str, at: str, *obligations: str, event: str | None = None, **told: Any) -> int:
    case = {"kind": "upgrade", "id": "SJ-1"}
    body = {"step": step, "obligations": list(obligations), "case": case, "event": event, **told}
    return book._add("change", at, None, {**body, "at": moment(at).isoformat()})


def test_a_change_opens_and_answers_what_its_case_owes() -> None:
    of, book = contract(*CLAUSES), Book()
    change(book, "requested", "2026-03-02 10:00", event="planned")
    assert [row(of, book, "2026-03-03", name=one).state for one in ("A36", "A36.approval")] == ["due", "due"]
    assert row(of, book, "2026-03-03", name="A37").reason == "nothing_opened"
    approved = change(book, "approved", "2026-03-02 12:00", "A36.approval")
    found = row(of, book, "2026-03-03", name="A36.approval")
    assert (found.state, found.period, found.evidence) == ("fulfilled", "SJ-1", (approved,))
    change(book, "started", "2026-03-04 22:00", event="started")
    assert row(of, book, "2026-03-05", name="A37").state == "due"
    change(book, "verified", "2026-03-04 23:00", "A37")
    change(book, "closed", "2026-03-05 09:00", event="done")
    assert row(of, book, "2026-03-06", name="A37").state == "fulfilled"
    assert row(of, book, "2026-03-06", name="A38").state == "due"
    book.document("A38", step="submitted", at="2026-03-06 10:00", case={"kind": "upgrade", "id": "SJ-1"})
    assert row(of, book, "2026-03-07", name="A38").state == "fulfilled"


def test_a_step_that_is_no_event_opens_nothing() -> None:
    of = contract(duty("B01", opened_by=["approved"], **UPGRADE))
    book = Book()
    change(book, "approved", "2026-03-02 10:00")
    assert row(of, book, "2026-03-03", name="B01").reason == "nothing_opened"


def test_the_approval_of_an_emergency_is_owed_until_it_comes_with_no_grace() -> None:
    of, book = contract(*CLAUSES, grace={"days": 5}), Book()
    change(book, "requested", "2026-03-02 10:00", event="planned")
    owed = {"A36.approval": moment("2026-03-03 11:00").isoformat()}
    change(book, "started", "2026-03-02 11:00", event="started", due=owed)
    found = row(of, book, "2026-03-03 10:59", name="A36.approval")
    assert (found.state, found.due) == ("due", moment("2026-03-03 11:00"))
    assert row(of, book, "2026-03-03 11:01", name="A36.approval").state == "breached"
    assert row(of, book, "2026-03-03 11:01", name="A36").due is None
    change(book, "approved", "2026-03-03 10:00", "A36.approval")
    assert row(of, book, "2026-03-04", name="A36.approval").state == "fulfilled"
