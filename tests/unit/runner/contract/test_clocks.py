from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contract.model import Contract
from runner.contract.status import Row
from tests.unit.runner.contract.builders import Book, clock, contract, day, duty, moment, standing, working

P1 = duty(
    "A15", "sla", when={"grade": "P1"},
    clocks=[
        clock("respond"),
        clock("arrive", within={"hours": 1}, stops=["arrived"], if_needed=True),
        clock("restore", within={"hours": 2}, stops=["restored", "workaround"]),
    ],
)  # fmt: skip
P3 = duty("A17", "sla", when={"grade": "P3"}, clocks=[clock(within={"hours": 2})])


def one_clock(**keys: Any) -> Contract:
    return contract(duty("A01", "sla", clocks=[clock(**keys)]))


def the_row(of: Contract, book: Book, now: str) -> Row:
    (found,) = standing(of, book, now).rows
    return found


def clocks(of: Contract, book: Book, now: str) -> dict[str, str]:
    return {f"{one.obligation} {one.subject}": one.state for one in standing(of, book, now).rows if one.subject}


def test_each_clock_of_a_fault_runs_by_itself() -> None:
    of, book = contract(P1), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P1")
    assert clocks(of, book, "2026-03-02 10:10") == {
        "A15 respond": "due", "A15 arrive": "not assessed", "A15 restore": "due",
    }  # fmt: skip
    book.case("F-1", "responded", at="2026-03-02 10:15", arrive="not needed", who=["张三"])
    book.case("F-1", "workaround", at="2026-03-02 12:01")
    assert clocks(of, book, "2026-03-02 13:00") == {
        "A15 respond": "fulfilled", "A15 arrive": "waived", "A15 restore": "breached",
    }  # fmt: skip


def test_what_is_needed_if_needed_is_judged_by_a_record() -> None:
    of, book = contract(P1), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P1")
    found = standing(of, book, "2026-03-02 12:00").rows[1]
    assert (found.state, found.reason) == ("not assessed", "need_not_judged")
    judged = book.case("F-1", "judged", at="2026-03-02 10:05", arrive="not needed", who=["张三", "李四"])
    found = standing(of, book, "2026-03-02 12:00").rows[1]
    assert (found.state, found.reason, found.parameters) == ("waived", "not_needed", {"who": "张三, 李四"})
    assert found.evidence[-1] == judged
    book.case("F-1", "judged", at="2026-03-02 10:30", arrive="needed", who=["张三"])
    assert standing(of, book, "2026-03-02 12:00").rows[1].state == "breached"
    book.case("F-1", "arrived", at="2026-03-02 10:59")
    assert standing(of, book, "2026-03-02 12:00").rows[1].state == "fulfilled"


def test_reclassifying_adds_clocks_and_keeps_those_that_started() -> None:
    of, book = contract(P1, P3), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P3")
    assert list(clocks(of, book, "2026-03-02 10:10")) == ["A17 respond"]
    book.case("F-1", "graded", at="2026-03-02 10:10", grade="P1")
    assert list(clocks(of, book, "2026-03-02 10:11")) == ["A15 respond", "A15 arrive", "A15 restore", "A17 respond"]
    book.case("F-1", "responded", at="2026-03-02 10:14")
    assert clocks(of, book, "2026-03-02 10:20")["A15 respond"] == "fulfilled"


def test_a_wrong_grade_that_was_corrected_never_was() -> None:
    of, book = contract(P1), Book()
    wrong = book.case("F-1", "reported", at="2026-03-02 10:00", grade="P1")
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P3", corrects=wrong, written="2026-03-02 11:00")
    assert len(clocks(of, book, "2026-03-02 10:30")) == 3
    assert clocks(of, book, "2026-03-02 11:00") == {}


def test_what_a_case_must_be_may_be_told_by_several_records() -> None:
    of, book = contract(duty("A01", "sla", when={"grade": "P3", "difficulty": ["simple", "other"]})), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P3")
    assert clocks(of, book, "2026-03-02 10:01") == {}
    book.case("F-1", "classed", at="2026-03-02 10:05", difficulty="simple")
    assert the_row(of, book, "2026-03-02 10:06").due == moment("2026-03-02 10:15")


def test_a_case_of_another_kind_starts_nothing() -> None:
    of, book = contract(duty("A01", "sla")), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", kind="bug")
    assert clocks(of, book, "2026-03-02 12:00") == {}


def test_what_stops_a_clock_comes_after_what_starts_it() -> None:
    of, book = one_clock(starts=["arrived"], stops=["restored"], within={"hours": 4}), Book()
    book.case("F-1", "restored", at="2026-03-02 09:00")
    book.case("F-1", "arrived", at="2026-03-02 10:00")
    assert the_row(of, book, "2026-03-02 13:59").state == "due"
    assert the_row(of, book, "2026-03-02 14:01").state == "breached"
    book.case("F-1", "restored", at="2026-03-02 14:00")
    assert the_row(of, book, "2026-03-03").state == "fulfilled"


def test_records_are_read_in_the_order_in_which_things_happened() -> None:
    of, book = one_clock(), Book()
    book.case("F-1", "responded", at="2026-03-02 10:10", written="2026-03-02 10:11")
    book.case("F-1", "reported", at="2026-03-02 10:00", written="2026-03-02 12:00")
    found = the_row(of, book, "2026-03-02 13:00")
    assert (found.state, found.margin_seconds, found.evidence) == ("fulfilled", 300, (2, 1))


def test_the_grace_of_the_contract_is_not_for_clocks() -> None:
    of, book = contract(duty("A01", "sla"), grace={"days": 5}), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    assert the_row(of, book, "2026-03-02 10:16").state == "breached"
    assert the_row(of, book, "2026-03-02 10:16").margin_seconds == -60


def test_a_clock_around_the_clock_may_end_at_midnight() -> None:
    of, book = one_clock(within={"hours": 24}), Book()
    book.case("F-1", "reported", at="2026-03-02 00:00")
    book.case("F-1", "responded", at="2026-03-03 00:00")
    assert the_row(of, book, "2026-03-04").state == "fulfilled"


# -- service hours -----------------------------------------------------------------------------------------


def test_a_clock_of_service_hours_sleeps_at_night_and_on_holidays() -> None:
    of, book = one_clock(within={"hours": 2}, hours="service"), Book()
    book.case("F-1", "reported", at="2026-09-30 17:00")
    found = the_row(of, book, "2026-10-08 09:00")
    assert (found.due, found.state) == (moment("2026-10-08 09:30"), "due")
    assert the_row(of, book, "2026-10-08 09:31").state == "breached"


def test_a_clock_over_years_that_nobody_published_is_provisional() -> None:
    of = contract(duty("A01", "sla", clocks=[clock(within={"working_days": 3})]))
    book = Book()
    book.case("F-1", "reported", at="2026-12-30 10:00")
    assert the_row(of, book, "2026-12-31").provisional
    assert the_row(of, book, "2026-12-31").due == moment("2027-01-05")


NIGHTS = {"within": {"minutes": 30}, "outside_service": {"hours": 1}}


@pytest.mark.parametrize(
    ("reported", "due"),
    [
        ("2026-03-02 08:00", "08:30"),  # with the minute at which service begins
        ("2026-03-02 07:59", "08:59"),
        ("2026-03-02 17:29", "17:59"),  # it runs on when service is over
        ("2026-03-02 17:30", "18:30"),
        ("2026-03-02 23:45", "2026-03-03 00:45"),
        ("2026-03-07 10:00", "11:00"),  # a Saturday
        ("2026-10-01 10:00", "11:00"),  # National Day
        ("2026-10-10 10:00", "10:30"),  # a Saturday that makes up for it
    ],
)
def test_a_clock_may_allow_more_where_it_starts_outside_service(reported: str, due: str) -> None:
    of, book = one_clock(**NIGHTS), Book()
    book.case("F-1", "reported", at=reported)
    found = the_row(of, book, reported)
    assert (found.due, found.state) == (moment(due if len(due) > 5 else f"{reported[:10]} {due}"), "due")
    assert not found.provisional


def test_whether_service_is_owed_hangs_on_days_that_nobody_published() -> None:
    of = contract(
        duty("A01", "sla", clocks=[clock(**NIGHTS)]), term={"from": day("2026-01-01"), "to": day("2030-12-31")}
    )
    for reported, provisional in (("2029-05-02 10:00", True), ("2029-05-02 22:00", False)):
        book = Book()
        book.case("F-1", "reported", at=reported)
        assert the_row(of, book, reported).provisional is provisional
    always = working(hours={"days": "all"})
    assert always.service_at(moment("2029-05-05 10:00")) == (True, False)
    assert working(hours={"from": "08:00", "to": "24:00"}).service_at(moment("2026-03-02 23:59")) == (True, False)


def test_what_a_clock_allows_outside_service_may_be_counted_in_days() -> None:
    of, book = one_clock(within={"hours": 2}, outside_service={"working_days": 1}), Book()
    book.case("F-1", "reported", at="2026-03-06 20:00")
    book.case("F-1", "responded", at="2026-03-10 00:00")
    found = the_row(of, book, "2026-03-11")
    assert (found.due, found.state) == (moment("2026-03-10"), "breached")  # midnight is the next day


# -- clocks that are held ----------------------------------------------------------------------------------

HELD = {"within": {"hours": 4}, "pauses": ["held"], "resumes": ["freed"]}


@pytest.mark.parametrize(
    ("events", "due"),
    [
        ([], "14:00"),
        ([("held", "11:00"), ("freed", "12:30")], "15:30"),
        ([("held", "11:00"), ("held", "11:30"), ("freed", "12:00")], "15:00"),  # held once, however often it is told
        ([("held", "11:00"), ("freed", "12:00"), ("held", "14:30"), ("freed", "15:00")], "15:30"),
        ([("held", "14:00"), ("freed", "15:00")], "14:00"),  # too late: it had run out
        ([("freed", "11:00")], "14:00"),
        ([("held", "09:00"), ("freed", "11:00")], "15:00"),  # held before it started
        ([("held", "08:00"), ("freed", "09:00")], "14:00"),
        ([("held", "11:00"), ("responded", "12:00"), ("freed", "13:00")], "15:00"),  # stopped while it was held
    ],
)
def test_a_clock_that_is_held_ends_later_by_as_long(events: list[tuple[str, str]], due: str) -> None:
    of, book = one_clock(**HELD), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    for event, at in events:
        book.case("F-1", event, at=f"2026-03-02 {at}")
    assert the_row(of, book, "2026-03-03").due == moment(f"2026-03-02 {due}")


def test_a_clock_that_is_still_held_keeps_its_margin() -> None:
    of, book = one_clock(**HELD), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    book.case("F-1", "held", at="2026-03-02 12:00")
    for now in ("2026-03-02 13:00", "2026-03-02 20:00", "2026-03-09 10:00"):
        found = the_row(of, book, now)
        assert (found.state, found.margin_seconds) == ("due", 7200)


def test_working_days_are_held_by_working_days() -> None:
    of, book = one_clock(**{**HELD, "within": {"working_days": 3}}), Book()
    book.case("F-1", "reported", at="2026-03-05 10:00")  # a Thursday: until Tuesday
    book.case("F-1", "held", at="2026-03-06 10:00")
    book.case("F-1", "freed", at="2026-03-09 10:00")
    assert the_row(of, book, "2026-03-10").due == moment("2026-03-12")


@given(
    steps=st.lists(st.tuples(st.sampled_from(["held", "freed"]), st.integers(0, 600)), max_size=8),
    stop=st.one_of(st.none(), st.integers(0, 900)),
)
def test_a_clock_never_gains_more_than_it_was_held(steps: list[tuple[str, int]], stop: int | None) -> None:
    of, book, start = one_clock(**HELD), Book(), moment("2026-03-02 10:00")

    def tell(event: str, minutes: int) -> None:
        book.case("F-1", event, at=(start + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M"))

    tell("reported", 0)
    for event, minutes in steps:
        tell(event, minutes)
    if stop is not None:
        tell("responded", stop)
    found = the_row(of, book, "2026-03-03 10:00")
    assert found.due
    assert start + timedelta(hours=4) <= found.due
    assert found.margin_seconds is not None
    assert found.margin_seconds <= 4 * 3600
    end = found.done or moment("2026-03-03 10:00")
    assert found.due - start <= timedelta(hours=4) + (end - start)


def test_what_held_a_clock_or_moved_its_deadline_is_evidence_too() -> None:
    book = Book()
    told = [
        book.case("F-1", event, at=f"2026-03-02 1{hour}:00") for hour, event in enumerate(("reported", "held", "freed"))
    ]
    agreed = book.case("F-1", "agreed on", at="2026-03-02 14:00", agreed="2026-03-20")
    stopped = book.case("F-1", "responded", at="2026-03-02 15:00")
    book.case("F-1", "held", at="2026-03-02 16:00")
    assert the_row(one_clock(**HELD, agreed=True), book, "2026-03-03").evidence == (*told, agreed, stopped)
    assert the_row(one_clock(**HELD), book, "2026-03-03").evidence == (*told, stopped)


# -- agreed deadlines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "due"),
    [
        ("2026-03-20", "2026-03-21"),
        ("2026-03-20T15:00:00+08:00", "2026-03-20 15:00"),
        ("2026-03-20T07:00:00+00:00", "2026-03-20 15:00"),
        ("2026-03-20T15:00", "2026-03-20 15:00"),
        ("soon", "2026-03-07"),  # what nobody can read moves nothing
    ],
)
def test_both_sides_may_agree_on_another_deadline(told: str, due: str) -> None:
    of, book = one_clock(within={"working_days": 3}, agreed=True), Book()
    book.case("F-1", "reported", at="2026-03-03 10:00")
    book.case("F-1", "agreed on", at="2026-03-04 10:00", agreed=told)
    assert the_row(of, book, "2026-03-05").due == moment(due)


def test_an_agreed_day_ends_at_midnight_whatever_the_clock_counts_in() -> None:
    of, book = one_clock(within={"hours": 2}, agreed=True), Book()
    book.case("F-1", "reported", at="2026-03-03 10:00", agreed="2026-03-20")
    book.case("F-1", "responded", at="2026-03-21 00:00")
    assert the_row(of, book, "2026-03-22").state == "breached"


def test_the_last_agreement_holds_and_only_where_the_contract_allows_one() -> None:
    book = Book()
    book.case("F-1", "reported", at="2026-03-03 10:00", agreed="2026-03-20")
    book.case("F-1", "agreed on", at="2026-03-04 10:00", agreed="2026-03-25")
    assert the_row(one_clock(agreed=True), book, "2026-03-05").due == moment("2026-03-26")
    assert the_row(one_clock(), book, "2026-03-05").due == moment("2026-03-03 10:15")


def test_a_case_is_told_by_its_events_whatever_the_zone_of_the_reader() -> None:
    of, book = one_clock(), Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    found = standing(of, book, "2026-03-02 11:00", working()).rows[0]
    assert found.due == moment("2026-03-02 10:15")
    assert found.due.utcoffset() == timedelta(hours=8)
