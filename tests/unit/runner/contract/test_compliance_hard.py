"""Hard cases of compliance: terms that cut periods, leap days, changes of the clock, the past as it was known then."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from runner.contract.compliance import comply
from runner.contract.model import Contract
from runner.contract.status import Row
from tests.unit.runner.contract.builders import (
    Book,
    amended,
    clock,
    contract,
    day,
    duty,
    moment,
    row,
    standing,
    states,
    working,
)

BERLIN = ZoneInfo("Europe/Berlin")
GRACE = {"days": 5}


def term(start: str, end: str) -> dict[str, object]:
    return {"term": {"from": day(start), "to": day(end)}}


# -- terms that cut periods --------------------------------------------------------------------------------


def test_a_term_that_ends_in_a_quarter_owes_it_by_its_last_day() -> None:
    of, book = contract(duty(cadence="quarterly"), **term("2026-02-10", "2026-11-15"), grace=GRACE), Book()
    for period, due in (("2026Q1", "2026-04-01"), ("2026Q4", "2026-11-16")):
        found = row(of, book, "2026-11-16 00:00", period)
        assert (found.due, found.part) == (moment(due), True)
    assert states(of, book, "2026-11-16 00:00")["2026Q4"] == "overdue"
    book.record("A01", at="2026-11-18", period="2026Q4")
    assert states(of, book, "2027-03-01") == {
        "2026Q1": "breached", "2026Q2": "breached", "2026Q3": "breached", "2026Q4": "late",
    }  # fmt: skip


def test_a_term_of_a_single_day_owes_everything_on_it() -> None:
    of = contract(*(duty(f"A0{n}", cadence=cadence) for n, cadence in enumerate(("weekly", "yearly"))),
                  **term("2026-10-01", "2026-10-01"))  # fmt: skip
    assert {one.due for one in standing(of, Book(), "2026-10-02 00:00").rows} == {moment("2026-10-02")}
    assert all(one.part and one.state == "breached" for one in standing(of, Book(), "2026-10-02 00:00").rows)


def test_after_the_term_nothing_more_is_owed_and_nothing_is_forgotten() -> None:
    of, book = contract(duty(), **term("2026-01-01", "2026-03-31")), Book()
    book.record("A01", at="2026-04-10")  # of a month that was never owed
    assert states(of, book, "2031-01-01") == dict.fromkeys(("2026-01", "2026-02", "2026-03"), "breached")


REPORT = duty("A22", "document", cadence="on event", opened_by=["resolved"], case="fault",
              due={"after": "resolved", "within": {"working_days": 3}})  # fmt: skip


def test_a_case_that_began_in_the_term_is_brought_to_its_end_after_it() -> None:
    fed_back = clock("feed back", starts=["resolved"], stops=["told"])
    of = contract(REPORT, duty("A17", "sla", clocks=[fed_back]), **term("2026-01-01", "2026-03-31"))
    for reported, rows in (("2026-03-31 23:00", {"A22", "A17"}), ("2026-04-01 00:00", set())):
        book = Book()
        book.case("F-1", "reported", at=reported)
        book.case("F-1", "resolved", at="2026-04-01 02:00")
        assert {one.obligation for one in standing(of, book, "2026-04-02").rows if one.period} == rows
    ended = contract(REPORT, amendments=[amended("2026-04-01", ended=("A22",))])
    book = Book()
    book.case("F-1", "reported", at="2026-03-31 23:00")
    book.case("F-1", "resolved", at="2026-04-01 02:00")
    assert row(ended, book, "2026-04-02", name="A22").reason == "nothing_opened"


# -- leap days and ends of months --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed", "due"),
    [
        ("2028-01-31", "2028-03-01"),
        ("2027-01-31", "2027-03-01"),
        ("2028-02-29", "2028-03-30"),
        ("2026-08-31", "2026-10-01"),
    ],
)
def test_a_month_after_the_last_day_ends_with_the_last_day(signed: str, due: str) -> None:
    once = duty(cadence="once", due={"after": "signature", "within": {"months": 1}})
    of = contract(once, signed=day(signed), **term("2026-01-01", "2030-12-31"))
    assert row(of, Book(), "2030-01-01").due == moment(due)


def test_a_contract_signed_on_a_leap_day_has_years_without_gap() -> None:
    of = contract(duty(cadence="yearly"), year="contract", **term("2028-02-29", "2031-02-28"))
    rows = standing(of, Book(), "2031-03-01").rows
    assert [(one.period, one.due) for one in rows] == [
        ("20280229-20290228", moment("2029-03-01")),
        ("20290301-20300228", moment("2030-03-01")),
        ("20300301-20310228", moment("2031-03-01")),
    ]


# -- the clock on the wall ---------------------------------------------------------------------------------


def berlin(*obligations: dict[str, object], book: Book, now: str) -> tuple[Row, ...]:
    of = contract(*obligations, timezone="Europe/Berlin")
    return comply(of, book.facts("2030-01-01"), working(BERLIN), moment(now, BERLIN)).rows


@pytest.mark.parametrize(
    ("reported", "due"),
    [
        ("2026-03-29 01:30", "2026-03-29T06:30:00+02:00"),  # the hour from two to three is left out
        ("2026-10-25 01:30", "2026-10-25T04:30:00+01:00"),  # and is there twice
    ],
)
def test_hours_are_those_that_pass(reported: str, due: str) -> None:
    book = Book(BERLIN)
    book.case("F-1", "reported", at=reported)
    fault = duty("A01", "sla", clocks=[clock(within={"hours": 4})])
    for stopped, state in ((due, "fulfilled"), (due.replace(":30:00", ":30:01"), "breached")):
        told = Book(BERLIN)
        told.lines = list(book.lines)
        told.case("F-1", "responded", at="2026-10-25 12:00")
        told.lines[-1].body["at"] = stopped  # type: ignore[index]
        (found,) = berlin(fault, book=told, now="2026-11-01")
        assert found.due
        assert (found.due.isoformat(), found.state) == (due, state)


def test_a_month_in_which_the_clock_changes_ends_with_its_last_day() -> None:
    for now, state in (("2026-10-31 23:59", "due"), ("2026-11-01 00:00", "breached")):
        assert next(one for one in berlin(duty(), book=Book(), now=now) if one.period == "2026-10").state == state


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2026-03-02 10:14:59.999999", "fulfilled"),
        ("2026-03-02 10:15:00", "fulfilled"),
        ("2026-03-02 10:15:00.000001", "breached"),
    ],
)
def test_the_very_moment_is_in_time(at: str, state: str) -> None:
    of, book = contract(duty("A01", "sla")), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    assert [standing(of, book, at).rows[0].state] == [{"fulfilled": "due"}.get(state, state)]
    book.case("F-1", "responded", at=at)
    assert standing(of, book, "2026-03-03").rows[0].state == state


# -- holidays ----------------------------------------------------------------------------------------------


def test_seven_working_days_over_the_holidays_of_october() -> None:
    of = contract(
        duty("A04", cadence="quarterly"),
        duty("A05", "document", cadence="quarterly", due={"after": "A04", "within": {"working_days": 7}}),
        grace={"working_days": 2},
    )
    book = Book()
    book.record("A04", at="2026-09-28 16:00")
    for submitted, state in (
        ("2026-10-13 23:59", "fulfilled"), ("2026-10-14 00:00", "late"),
        ("2026-10-15 23:59", "late"), ("2026-10-16 00:00", "breached"),
    ):  # fmt: skip
        told = Book()
        told.lines = list(book.lines)
        told.document("A05", step="submitted", at=submitted, period="2026Q3")
        assert row(of, told, "2026-11-01", "2026Q3", "A05").state == state


# -- what was known when -----------------------------------------------------------------------------------


def test_the_past_is_told_as_it_was_known_then() -> None:
    of, book = contract(duty(), **term("2026-01-01", "2026-01-31")), Book()
    first = book.record("A01", at="2026-01-20", written="2026-02-10")
    book.record(at="2026-03-10", corrects=first)
    waiver = book.waiver("A01", "2026-01", at="2026-04-10")
    book.record(at="2026-05-10", corrects=waiver)
    book.record("A01", at="2026-01-21", written="2026-06-10")
    found = [row(of, book, f"2026-{month:02d}-15").state for month in range(1, 7)]
    assert found == ["due", "fulfilled", "breached", "waived", "breached", "fulfilled"]


def test_what_was_done_late_for_an_earlier_period_serves_that_one_alone() -> None:
    of, book = contract(duty(), grace=GRACE), Book()
    book.record("A01", at="2026-02-03", period="2026-01")
    assert states(of, book, "2026-02-04") == {"2026-01": "late", "2026-02": "due"}


def test_one_run_serves_one_period_of_an_obligation_whatever_it_claims() -> None:
    of, book = contract(duty(kind="procedure")), Book()
    book.run("A01", at="2026-02-10", occurrences=["A01/2026-01", "A01/2026-02"])
    assert states(of, book, "2026-02-11") == {"2026-01": "breached", "2026-02": "due"}
    assert row(of, book, "2026-02-11", "2026-01").evidence == (1,)


def test_evidence_for_a_period_that_is_none_counts_for_nothing() -> None:
    of, book = contract(duty()), Book()
    for period in ("2026-13", "2025-12", "2026Q1", "term", "#99"):
        book.record("A01", at="2026-01-10", period=period)
    assert states(of, book, "2026-01-11") == {"2026-01": "due"}


def test_what_was_written_under_a_clock_that_ran_ahead_counts_once_that_is_known() -> None:
    of, book = contract(duty()), Book()
    book.record("A01", at="2026-05-20")
    assert states(of, book, "2026-05-10")["2026-05"] == "due"
    assert row_of(standing(of, book, "2026-05-10", known="2030-01-01").rows, "2026-05").state == "fulfilled"


def row_of(rows: tuple[Row, ...], period: str) -> Row:
    return next(one for one in rows if one.period == period)


# -- unknown is never green --------------------------------------------------------------------------------

MONTHLY_PROOF = duty(cadence="standing", proof_lasts={"months": 1})


def test_what_is_standing_is_proved_for_as_long_as_its_newest_evidence_lasts() -> None:
    of, book = contract(MONTHLY_PROOF), Book()
    book.record("A01", at="2026-01-31 10:00")
    assert states(of, book, "2026-02-28 23:59") == {"term": "fulfilled"}
    found = row(of, book, "2026-03-01 00:01")
    assert (found.state, found.reason, found.parameters) == ("not assessed", "old_evidence", {"day": "2026-01-31"})
    book.record("A01", at="2026-03-05")
    found = row(of, book, "2026-04-05")
    assert (found.state, found.done) == ("fulfilled", moment("2026-03-05"))


def test_what_was_proved_up_to_the_end_of_the_term_stays_so() -> None:
    of, book = contract(MONTHLY_PROOF, duty("A02", cadence="standing")), Book()
    for name in ("A01", "A02"):
        book.record(name, at="2026-12-05")
    assert [one.state for one in standing(of, book, "2029-01-01").rows] == ["fulfilled", "fulfilled"]


def test_a_standing_run_that_missed_hosts_is_partial() -> None:
    of, book = contract(duty(kind="procedure", cadence="standing")), Book()
    book.run("A01", at="2026-01-05", verdict="incomplete")
    assert row(of, book, "2026-01-06").state == "not assessed"
    book.run("A01", at="2026-01-07", verdict="partial")
    assert (row(of, book, "2026-01-08").state, row(of, book, "2026-01-08").reason) == ("partial", "hosts_missed")


# -- due after another obligation --------------------------------------------------------------------------


def test_what_an_event_opens_may_be_due_after_that_month_s_inspection() -> None:
    asked = duty("A02", cadence="on event", opened_by=["asked"], due={"after": "A01", "within": {"days": 3}})
    of, book = contract(duty("A01"), asked), Book()
    book.record("A02", at="2026-03-10", event="asked")
    found = row(of, book, "2026-03-11", name="A02")
    assert (found.due, found.estimated) == (moment("2026-04-04"), True)
    book.record("A01", at="2026-03-20")
    found = row(of, book, "2026-03-21", name="A02")
    assert (found.due, found.estimated) == (moment("2026-03-24"), False)


def test_of_several_cases_each_follows_its_own() -> None:
    fault = {"cadence": "on event", "case": "fault"}
    answered = duty("A01", **fault, opened_by=["reported"])
    closed = duty("A02", **fault, opened_by=["resolved"], due={"after": "A01", "within": {"days": 2}})
    of, book = contract(answered, closed), Book()
    for name, answer in (("F-1", "2026-03-02 12:00"), ("F-2", "2026-03-04 12:00")):
        book.case(name, "reported", at="2026-03-02 10:00")
        book.case(name, "answered", answer, "A01")
        book.case(name, "resolved", at="2026-03-05 10:00")
    found = {one.period: one.due for one in standing(of, book, "2026-03-06").of("A02")}
    assert found == {"F-1": moment("2026-03-05"), "F-2": moment("2026-03-07")}


# -- minutes and days --------------------------------------------------------------------------------------


def hours_after(event: str, **keys: object) -> Contract:
    due = {"after": event, "within": {"hours": 2}}
    return contract(duty(cadence="on event", opened_by=["asked", "delayed"], due=due, **keys), grace=GRACE)


def test_days_of_grace_make_nothing_of_hours() -> None:
    book = Book()
    opened = book.record("A01", at="2026-03-02 10:00", event="delayed")
    book.record("A01", at="2026-03-02 12:01", period=f"#{opened}")
    assert row(hours_after("delayed"), book, "2026-03-03").state == "breached"
    assert row(hours_after("delayed", grace={"hours": 1}), book, "2026-03-03").state == "late"


def test_a_due_date_waits_for_its_own_event_whichever_other_opened_it() -> None:
    of, book = hours_after("delayed"), Book()
    opened = book.record("A01", at="2026-03-02 10:00", event="asked")
    assert (row(of, book, "2026-03-05").due, row(of, book, "2026-03-05").state) == (None, "due")
    book.record("A01", at="2026-03-05 10:00", event="delayed")
    assert row(of, book, "2026-03-05 11:00", f"#{opened}").due == moment("2026-03-05 12:00")
