from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contract.model import Contract
from tests.unit.runner.contract.builders import Book, contract, day, duty, row, standing


def quota(**keys: Any) -> Contract:
    return contract(duty("A01", "quota", quota=keys), grace={"days": 5})


def figures(of: Contract, book: Book, now: str) -> dict[str, tuple[float | None, float | None, str]]:
    return {one.subject or one.period: (one.used, one.allowed, one.state) for one in standing(of, book, now).rows}


def test_a_cap_is_breached_at_once_and_fulfilled_when_its_period_is_over() -> None:
    of, book = quota(at_most=2, per="half-year"), Book()
    for at in ("2026-01-05", "2026-02-05"):
        book.record("A01", at=at)
    assert figures(of, book, "2026-06-30 23:59") == {"2026H1": (2, 2, "due")}
    assert figures(of, book, "2026-07-01 00:00") == {"2026H1": (2, 2, "fulfilled")}
    third = book.record("A01", at="2026-02-06")
    found = row(of, book, "2026-02-07", "2026H1")
    assert (found.state, found.used, found.evidence[-1], found.done) == ("breached", 3, third, None)


def test_a_cap_of_nothing_is_kept_by_nothing() -> None:
    of, book = quota(at_most=0, per="month"), Book()
    assert figures(of, book, "2026-02-01 00:00") == {"2026-01": (0, 0, "fulfilled")}
    book.record("A01", at="2026-01-05")
    assert figures(of, book, "2026-02-01 00:00") == {"2026-01": (1, 0, "breached")}


def test_a_minimum_is_reached_by_the_record_that_reaches_it() -> None:
    of, book = quota(at_least=300, counts="videos", per="term"), Book()
    book.record("A01", at="2026-01-05", quantities={"videos": 280})
    book.record("A01", at="2026-02-05", quantities={"pages": 900})
    assert figures(of, book, "2026-03-01") == {"term": (280, 300, "due")}
    book.record("A01", at="2026-03-05 11:00", quantities={"videos": 20})
    book.record("A01", at="2026-04-05", quantities={"videos": 5})
    found = row(of, book, "2026-05-01")
    assert (found.state, found.used, str(found.done)) == ("fulfilled", 305, "2026-03-05 11:00:00+08:00")


BANKS = {"at_least_percent": 10, "of": "questions", "counts": "questions updated", "items": ["住培", "执医"]}


def test_a_share_is_of_the_stock_at_the_start_of_the_year_for_each_item() -> None:
    of, book = quota(**BANKS), Book()
    book.record("A01", at="2025-11-01", item="住培", quantities={"questions": 900})
    book.record("A01", at="2025-12-20", item="住培", quantities={"questions": 1000})
    book.record("A01", at="2026-02-01", item="住培", quantities={"questions": 1200, "questions updated": 60})
    book.record("A01", at="2026-03-01", item="执医", quantities={"questions": 500})
    book.record("A01", at="2026-04-01", item="执医", quantities={"questions": 600, "questions updated": 50})
    assert figures(of, book, "2026-05-01") == {"住培": (60, 100, "due"), "执医": (50, 50, "fulfilled")}


def test_a_share_of_what_nobody_told_is_not_assessed() -> None:
    of, book = quota(**BANKS), Book()
    book.record("A01", at="2026-02-01", item="住培", quantities={"questions updated": 60})
    found = standing(of, book, "2026-05-01").rows[0]
    assert (found.state, found.reason, found.parameters, found.allowed) == (
        "not assessed", "no_stock", {"of": "questions"}, None,
    )  # fmt: skip


def test_each_item_has_its_own_figure_and_without_items_all_count() -> None:
    book = Book()
    book.record("A01", at="2026-02-01", item="甲")
    book.record("A01", at="2026-02-02", item="乙")
    book.record("A01", at="2026-02-03")
    assert figures(quota(at_most=1, items=["甲", "乙"]), book, "2026-03-01") == {
        "甲": (1, 1, "due"),
        "乙": (1, 1, "due"),
    }
    assert figures(quota(at_most=1), book, "2026-03-01") == {"2026": (3, 1, "breached")}


def test_a_record_counts_in_the_period_that_it_names_else_in_that_of_its_day() -> None:
    of, book = quota(at_least=1, per="month"), Book()
    book.record("A01", at="2026-02-03", period="2026-01")
    assert {key: used for key, (used, _, _) in figures(of, book, "2026-02-04").items()} == {"2026-01": 1, "2026-02": 0}


def test_runs_documents_and_what_is_corrected_do_not_count() -> None:
    of, book = quota(at_most=0), Book()
    book.run("A01", at="2026-01-02")
    book.document("A01", step="submitted", at="2026-01-03")
    wrong = book.record("A01", at="2026-01-04")
    book.record(at="2026-01-04", corrects=wrong)
    assert figures(of, book, "2026-02-01") == {"2026": (0, 0, "due")}


@pytest.mark.parametrize(
    ("year", "expected"),
    [("calendar", {"2026": 1, "2027": 1}), ("contract", {"20260301-20270228": 2})],
)
def test_a_year_is_the_contract_s_or_the_calendar_s(year: str, expected: dict[str, int]) -> None:
    of = contract(
        duty("A01", "quota", quota={"at_most": 8}), year=year, term={"from": day("2026-03-01"), "to": day("2028-02-29")}
    )
    book = Book()
    book.record("A01", at="2026-12-31")
    book.record("A01", at="2027-01-01")
    assert {key: used for key, (used, _, _) in figures(of, book, "2027-02-01").items()} == expected


def test_the_first_part_of_a_year_says_so() -> None:
    of = contract(duty("A01", "quota"), term={"from": day("2026-11-01"), "to": day("2027-12-31")})
    assert [(one.period, one.part) for one in standing(of, Book(), "2027-02-01").rows] == [
        ("2026", True),
        ("2027", False),
    ]


# -- what is beyond a cap ----------------------------------------------------------------------------------


def test_more_than_a_cap_is_a_breach_or_a_matter_for_an_agreement() -> None:
    book = Book()
    for at in ("2026-01-05", "2026-01-06"):
        book.record("A01", at=at)
    for beyond, state in (("agreement", "beyond cap"), ("breach", "breached"), (None, "breached")):
        of = quota(at_most=1, per="month", beyond=beyond)
        assert [figures(of, book, now)["2026-01"] for now in ("2026-01-07", "2026-03-01")] == [(2, 1, state)] * 2
        assert figures(of, book, "2026-03-01")["2026-02"] == (0, 1, "fulfilled")


def test_what_was_agreed_on_beyond_a_cap_is_waived() -> None:
    of, book = quota(at_most=0, per="month", beyond="agreement"), Book()
    book.record("A01", at="2026-01-05")
    book.waiver("A01", "2026-01", at="2026-01-06")
    assert row(of, book, "2026-01-07", "2026-01").state == "waived"


# -- whose records count -----------------------------------------------------------------------------------

VISIT = duty("V", cadence="on event", case="ticket", opened_by=["asked"])
REPORT = duty("R", "document", cadence="on event", opened_by=["updated"])


def counting(*names: str, **keys: Any) -> Contract:
    return contract(duty("A01", "quota", quota={"records_of": list(names), **keys}), VISIT, REPORT)


def test_a_cap_counts_each_time_that_what_it_names_was_done() -> None:
    of, book = counting("V", at_most=1, per="year"), Book()
    book.case("T-1", "asked", "2026-02-01 10:00", "V", kind="ticket")
    assert figures(of, book, "2026-02-02")["2026"] == (0, 1, "due")  # asked is not done
    done = book.case("T-1", "visited", "2026-02-03 10:00", "V", kind="ticket")
    book.case("T-1", "noted", "2026-02-04 10:00", "V", kind="ticket")  # the same visit
    assert figures(of, book, "2026-02-05")["2026"] == (1, 1, "due")
    assert row(of, book, "2026-02-05").evidence == (done,)
    book.case("T-2", "asked", "2026-02-06 10:00", "V", kind="ticket")
    book.case("T-2", "visited", "2026-02-06 12:00", "V", "A01", kind="ticket")  # names both: once all the same
    book.record("A01", at="2026-02-07")  # a visit that no ticket asked for
    assert figures(of, book, "2026-02-08")["2026"] == (3, 1, "breached")


def test_what_is_waived_or_taken_back_was_not_done() -> None:
    of, book = counting("V", at_most=0, per="year"), Book()
    book.case("T-1", "asked", "2026-02-01 10:00", "V", kind="ticket")
    book.waiver("V", "T-1", at="2026-02-02")
    wrong = book.case("T-1", "visited", "2026-02-03 10:00", "V", kind="ticket")
    book.record(at="2026-02-04", corrects=wrong)
    assert figures(of, book, "2026-02-05")["2026"] == (0, 0, "due")


def test_a_document_counts_when_it_is_submitted_and_in_the_period_of_that_day() -> None:
    of, book = counting("R", "V", at_least=1, per="quarter"), Book()
    opened = book.record("R", at="2026-03-30", event="updated")
    book.document("R", step="issued", at="2026-03-31", period=f"#{opened}")
    book.document("R", step="submitted", at="2026-04-01", period=f"#{opened}")
    book.document("R", step="received", at="2026-04-02", period=f"#{opened}")
    found = {one.period: one.used for one in standing(of, book, "2026-05-01").of("A01")}
    assert found == {"2026Q1": 0, "2026Q2": 1}


def test_quantities_that_a_named_obligation_tells_are_added_up() -> None:
    of, book = counting("V", at_least=5, counts="hours", per="term"), Book()
    book.case("T-1", "asked", "2026-02-01 10:00", "V", kind="ticket")
    for at in ("2026-02-02 10:00", "2026-02-03 10:00"):
        told = {"kind": "ticket", "id": "T-1"}
        book.record("V", at=at, case=told, event="worked", quantities={"hours": 2})
    assert figures(of, book, "2026-02-05")["term"] == (4, 5, "due")


# -- a stock that must be there at every moment ------------------------------------------------------------


def stock(**keys: Any) -> Contract:
    return quota(counts="videos", level=True, **{"at_least": 300, "per": "quarter", **keys})


def counted(*told: tuple[str, float]) -> Book:
    book = Book()
    for at, videos in told:
        book.record("A01", at=at, quantities={"videos": videos})
    return book


def test_a_stock_is_told_as_it_stands_and_never_added_up() -> None:
    of, book = stock(), counted(("2026-02-01", 310), ("2026-02-20", 305))
    assert figures(of, book, "2026-02-10") == {"2026Q1": (310, 300, "fulfilled")}
    assert figures(of, book, "2026-03-01") == {"2026Q1": (305, 300, "fulfilled")}


def test_a_stock_that_nobody_counted_in_a_period_is_not_assessed() -> None:
    of = stock()
    assert figures(of, Book(), "2026-02-01") == {"2026Q1": (None, 300, "not assessed")}
    book = counted(("2026-02-01", 310))
    assert figures(of, book, "2026-04-02")["2026Q2"] == (310, 300, "not assessed")
    found = row(of, book, "2026-04-02", "2026Q2")
    assert (found.reason, found.parameters) == ("no_level", {"of": "videos"})


def test_a_stock_that_was_once_too_small_is_told_by_its_worst_moment() -> None:
    of, book = stock(), counted(("2026-02-01", 310), ("2026-02-10 10:00", 299))
    assert figures(of, book, "2026-02-10 10:00")["2026Q1"][2] == "overdue"
    assert figures(of, book, "2026-02-15 23:59")["2026Q1"][2] == "overdue"
    assert figures(of, book, "2026-02-16 00:00")["2026Q1"] == (299, 300, "breached")
    mended = counted(("2026-02-01", 310), ("2026-02-10 10:00", 299), ("2026-02-12", 300))
    assert figures(of, mended, "2026-03-01")["2026Q1"] == (300, 300, "late")
    late = counted(("2026-02-10 10:00", 299), ("2026-03-12", 300))
    assert figures(of, late, "2026-03-13")["2026Q1"] == (300, 300, "breached")


def test_what_is_too_small_at_the_end_of_a_period_is_so_in_the_next() -> None:
    of, book = stock(), counted(("2026-02-10", 200), ("2026-05-10", 300), ("2026-07-02", 301))
    assert {key: state for key, (_, _, state) in figures(of, book, "2026-08-01").items()} == {
        "2026Q1": "breached", "2026Q2": "breached", "2026Q3": "fulfilled",
    }  # fmt: skip


def test_of_two_figures_for_one_moment_the_later_record_holds() -> None:
    assert figures(stock(), counted(("2026-02-10", 200), ("2026-02-10", 300)), "2026-03-01")["2026Q1"][2] == "fulfilled"


def test_a_stock_may_have_a_cap_and_items_of_its_own() -> None:
    of, book = stock(at_least=None, at_most=10, items=["甲", "乙"], beyond="agreement"), Book()
    book.record("A01", at="2026-02-01", item="甲", quantities={"videos": 11})
    book.record("A01", at="2026-02-01", item="乙", quantities={"videos": 10})
    assert figures(of, book, "2026-03-01") == {"甲": (11, 10, "beyond cap"), "乙": (10, 10, "fulfilled")}


# -- figures -----------------------------------------------------------------------------------------------


def test_a_share_of_nothing_asks_for_nothing() -> None:
    of, book = quota(at_least_percent=10, of="questions", counts="questions updated", per="quarter"), Book()
    book.record("A01", at="2026-01-01", quantities={"questions": 0})
    assert figures(of, book, "2026-02-01") == {"2026Q1": (0, 0, "due")}
    assert figures(of, book, "2026-04-01 00:00") == {"2026Q1": (0, 0, "fulfilled")}


def test_what_happens_after_the_last_period_counts_in_none() -> None:
    of, book = quota(at_most=0), Book()
    book.record("A01", at="2025-12-31")
    book.record("A01", at="2027-01-01")
    assert figures(of, book, "2027-02-01") == {"2026": (0, 0, "fulfilled")}


def test_a_record_for_a_period_of_another_obligation_counts_on_its_day() -> None:
    of, book = quota(at_most=3, per="year"), Book()
    book.record("A01", at="2026-02-03", period="2026-01")
    assert figures(of, book, "2026-02-04") == {"2026": (1, 3, "due")}


@given(amounts=st.lists(st.integers(0, 5), max_size=12), least=st.integers(1, 20))
def test_what_is_used_is_the_sum_and_the_state_follows_from_it(amounts: list[int], least: int) -> None:
    of, book = quota(at_least=least, counts="visits", per="term"), Book()
    for number, amount in enumerate(amounts, 1):
        book.record("A01", at=f"2026-01-{number:02d}", quantities={"visits": amount})
    found = row(of, book, "2026-02-01")
    assert found.used == sum(amounts)
    assert (found.state == "fulfilled") == (sum(amounts) >= least) == (found.done is not None)
