from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contract.compliance import comply
from runner.contract.status import STATES
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

GRACE = {"days": 5}

# -- what events open --------------------------------------------------------------------------------------

ANALYSIS = duty(
    "A22", "document", cadence="on event", opened_by=["resolved"], case="fault", when={"grade": ["P1", "P2"]},
    due={"after": "resolved", "within": {"working_days": 3}},
)  # fmt: skip


def test_a_case_opens_what_it_is_asked_for() -> None:
    of = contract(ANALYSIS)
    book = Book()
    book.case("F-1", "reported", at="2026-03-02 10:00", grade="P1")
    book.case("F-2", "reported", at="2026-03-02 10:00", grade="P3")
    assert row(of, book, "2026-03-02 11:00", name="A22").reason == "nothing_opened"
    book.case("F-1", "resolved", at="2026-03-02 12:00")
    book.case("F-2", "resolved", at="2026-03-02 12:00")
    found = row(of, book, "2026-03-02 13:00", name="A22")
    assert (found.period, found.due, found.state) == ("F-1", moment("2026-03-06"), "due")
    report = book.document("A22", step="submitted", at="2026-03-05 17:00", case={"kind": "fault", "id": "F-1"})
    found = row(of, book, "2026-03-09", name="A22")
    assert (found.state, found.evidence) == ("fulfilled", (report,))


def test_cases_of_two_kinds_may_share_a_number() -> None:
    of = contract(duty(cadence="on event", opened_by=["reported"], case="fault"))
    book = Book()
    book.case("1", "reported", at="2026-03-02 10:00")
    book.case("1", "closed", "2026-03-02 11:00", "A01", kind="bug")
    assert row(of, book, "2026-03-03").state == "due"
    book.case("1", "closed", "2026-03-02 12:00", "A01", kind="fault")
    assert row(of, book, "2026-03-03").state == "fulfilled"


def test_a_due_date_may_follow_another_event_of_the_case() -> None:
    of = contract(
        duty(cadence="on event", opened_by=["reported"], case="fault", due={"after": "resolved", "within": {"days": 1}})
    )
    book = Book()
    book.case("F-1", "reported", at="2026-03-02 10:00")
    assert (row(of, book, "2026-03-20").due, row(of, book, "2026-03-20").state) == (None, "due")
    book.case("F-1", "resolved", at="2026-03-20 10:00")
    assert row(of, book, "2026-03-21").due == moment("2026-03-22")


def test_events_that_were_written_out_of_order_count_in_the_order_of_time() -> None:
    of = contract(ANALYSIS)
    book = Book()
    book.case("F-1", "resolved", at="2026-03-03 12:00", written="2026-03-03 12:00")
    book.case("F-1", "resolved", at="2026-03-02 12:00", written="2026-03-04 09:00", grade="P2")
    assert row(of, book, "2026-03-05", name="A22").due == moment("2026-03-06")


ASKED = duty(cadence="on event", opened_by=["asked"], due={"after": "asked", "within": {"days": 5}})


def test_what_was_asked_for_without_a_case_is_named_by_its_number() -> None:
    of = contract(ASKED)
    book = Book()
    first = book.record("A01", at="2026-03-02", event="asked")
    second = book.record("A01", at="2026-03-03", event="asked")
    book.record("A01", at="2026-03-04")  # which of the two it answers, nobody can tell
    assert states(of, book, "2026-03-05") == {f"#{first}": "due", f"#{second}": "due"}
    book.record("A01", at="2026-03-05", period=f"#{first}")
    book.record("A01", at="2026-03-06")  # now only one is left
    assert states(of, book, "2026-03-07") == {f"#{first}": "fulfilled", f"#{second}": "fulfilled"}


def test_what_was_waived_waits_for_nothing() -> None:
    of = contract(ASKED)
    book = Book()
    first = book.record("A01", at="2026-03-02", event="asked")
    second = book.record("A01", at="2026-03-03", event="asked")
    book.waiver("A01", f"#{first}", at="2026-03-04")
    book.record("A01", at="2026-03-05")
    assert states(of, book, "2026-03-06") == {f"#{first}": "waived", f"#{second}": "fulfilled"}


def test_what_was_done_unasked_stands_for_itself() -> None:
    of = contract(ASKED)
    book = Book()
    done = book.record("A01", at="2026-03-02")
    found = row(of, book, "2026-03-03")
    assert (found.period, found.state, found.evidence) == (f"#{done}", "fulfilled", (done,))


def test_one_run_may_be_for_another_period_of_each_obligation() -> None:
    of = contract(duty("A01", "procedure"), duty("A02", "procedure", cadence="quarterly"))
    book = Book()
    book.run("A01", "A02", at="2026-05-10", occurrences=["A01/2026-04", "A02/2026Q1"])
    book.run("A01", "A02", at="2026-05-12", occurrences=["A01/2026-05"])
    assert states(of, book, "2026-05-20")["2026-04"] == "breached"  # late: there is no grace
    assert row(of, book, "2026-05-20", "2026-04").evidence == (1,)
    assert row(of, book, "2026-05-20", "2026-05").evidence == (2,)
    assert [row(of, book, "2026-05-20", period, "A02").evidence for period in ("2026Q1", "2026Q2")] == [(1,), (2,)]


def test_what_happens_outside_the_term_opens_nothing() -> None:
    of = contract(ASKED, duty("A02", "sla"), signed=day("2025-12-26"))
    for at, expected in (("2025-12-25", "nothing_opened"), ("2025-12-27", ""), ("2027-01-01", "nothing_opened")):
        book = Book()
        book.record("A01", at=at, event="asked")
        book.case("F-1", "reported", at=at)
        assert {one.reason for one in standing(of, book, "2027-02-01").rows} == {expected}


# -- amendments --------------------------------------------------------------------------------------------


def test_evidence_counts_for_the_version_that_held_on_its_day() -> None:
    of = contract(duty(), amendments=[amended("2026-07-15", duty(cadence="quarterly"))])
    book = Book()
    book.record("A01", at="2026-07-10")
    assert states(of, book, "2026-09-30")["2026-07"] == "fulfilled"
    assert states(of, book, "2026-09-30")["2026Q3"] == "due"
    book.record("A01", at="2026-07-20")
    assert states(of, book, "2026-09-30")["2026Q3"] == "fulfilled"


def test_one_fault_has_the_clock_of_the_version_that_held_when_it_was_reported() -> None:
    quicker = duty("A01", "sla", clocks=[clock(within={"minutes": 10})])
    of = contract(duty("A01", "sla"), amendments=[amended("2026-07-01", quicker)])
    book = Book()
    book.case("F-1", "reported", at="2026-06-30 23:55")
    book.case("F-2", "reported", at="2026-07-01 00:00")
    found = {one.period: one.due for one in standing(of, book, "2026-08-01").rows}
    assert found == {"F-1": moment("2026-07-01 00:10"), "F-2": moment("2026-07-01 00:10")}


def test_an_amended_quota_and_event_have_one_row_each() -> None:
    cap = duty("A02", "quota", quota={"at_most": 4, "per": "year"})
    of = contract(
        ASKED, duty("A02", "quota", quota={"at_most": 1, "per": "year"}),
        amendments=[amended("2026-07-01", duty(cadence="on event", opened_by=["asked"]), cap)],
    )  # fmt: skip
    book = Book()
    book.record("A01", at="2026-03-02", event="asked")
    book.record("A02", at="2026-03-02")
    book.record("A02", at="2026-03-03")
    assert [one.due for one in standing(of, book, "2026-08-01").of("A01")] == [moment("2026-03-08")]
    assert [(one.allowed, one.state) for one in standing(of, book, "2026-08-01").of("A02")] == [(4, "due")]


# -- properties --------------------------------------------------------------------------------------------

EVERY = contract(
    duty("A01", "procedure", cadence="weekly"),
    duty("A02", cadence="quarterly", due={"after": "A01", "within": {"working_days": 7}}),
    duty("A03", cadence="on event", opened_by=["asked"], due={"after": "asked", "within": {"days": 5}}),
    duty("A04", "sla", clocks=[clock(pauses=["held"], resumes=["freed"], hours="service")]),
    duty("A05", "quota", quota={"at_most": 3, "per": "month"}),
    duty("A06", cadence="once", due={"after": "term end"}),
    duty("A07", cadence="standing", proof_lasts={"months": 1}),
    duty("A08", "quota", quota={"at_least": 5, "counts": "stock", "level": True, "per": "quarter"}),
    duty("A09", "quota", quota={"at_most": 2, "records_of": ["A03", "A02"], "per": "month", "beyond": "agreement"}),
    grace=GRACE,
    amendments=[amended("2026-05-10", duty("A01", "procedure", cadence="monthly"), ended=("A05",))],
)


NAMES = list(EVERY.versions_of)


@st.composite
def books(draw: st.DrawFn) -> Book:
    book = Book()
    for _ in range(draw(st.integers(0, 12))):
        at = (moment("2025-12-20") + timedelta(minutes=draw(st.integers(0, 560_000)))).strftime("%Y-%m-%d %H:%M")
        name = draw(st.sampled_from(NAMES))
        match draw(st.integers(0, 3)):
            case 0:
                book.run(name, at=at, verdict=draw(st.sampled_from(["complete", "partial", "incomplete"])))
            case 1:
                stock = {"stock": draw(st.integers(0, 9))}
                book.record(name, at=at, event=draw(st.sampled_from([None, "asked"])), quantities=stock)
            case 2:
                event = draw(st.sampled_from(["reported", "held", "freed", "responded"]))
                book.case(draw(st.sampled_from(["F-1", "F-2"])), event, at=at)
            case _:
                book.waiver(name, draw(st.sampled_from(["2026-03", "2026Q1", "term", "F-1"])), at=at)
    return book


@given(book=books(), minutes=st.integers(0, 600_000))
def test_every_obligation_has_rows_of_known_states_and_no_two_alike(book: Book, minutes: int) -> None:
    now = moment("2025-12-20") + timedelta(minutes=minutes)
    rows = comply(EVERY, book.facts("2030-01-01"), working(), now).rows
    assert {one.obligation for one in rows} == set(NAMES)
    assert {one.state for one in rows} <= set(STATES)
    assert len({(one.obligation, one.period, one.subject) for one in rows}) == len(rows)
    assert all(one.reason for one in rows if one.state == "not assessed")


@given(book=books(), minutes=st.integers(0, 600_000), later=st.integers(0, 100_000))
def test_what_is_due_becomes_overdue_and_breached_and_never_better_by_waiting(
    book: Book, minutes: int, later: int
) -> None:
    orders = {"A07": ["fulfilled", "not assessed"]}  # evidence of what is standing grows old
    now = moment("2025-12-20") + timedelta(minutes=minutes)
    facts = book.facts(now.strftime("%Y-%m-%d %H:%M"))
    before = {(one.obligation, one.period, one.subject): one for one in comply(EVERY, facts, working(), now).rows}
    after = comply(EVERY, facts, working(), now + timedelta(minutes=later)).rows
    for one in after:
        known = before.get((one.obligation, one.period, one.subject))
        if known is None or known.kind == "quota" or one.state == known.state:
            continue
        order = orders.get(one.obligation, ["due", "overdue", "breached"])
        assert order.index(one.state) > order.index(known.state)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "America/New_York"])
def test_a_day_ends_where_the_contract_is(zone: str) -> None:
    of = contract(duty(), timezone=zone)
    zoned = of.zone()
    assert zoned is not None
    calendar = working(zoned)
    found = comply(of, [], calendar, moment("2026-01-31 23:59", zoned)).rows
    assert [one.state for one in found] == ["due"]
    assert comply(of, [], calendar, moment("2026-02-01 00:01", zoned)).rows[0].state == "breached"
