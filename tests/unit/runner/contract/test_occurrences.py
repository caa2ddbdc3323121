from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contract.model import Contract, Term
from runner.contract.obligations import PERIODIC
from runner.contract.occurrences import Occurrence, Period, label_of, owed, periods, planned
from tests.unit.runner.contract.builders import amended, contract, day, duty, working

CALENDAR = working()
LENGTHS = [*PERIODIC, "week", "month", "quarter", "half-year", "year", "term"]
DAY = timedelta(days=1)


def term(start: str, end: str) -> Term:
    return Term.model_validate({"from": day(start), "to": day(end)})


def plan(of: Contract, first: str = "2000-01-01", last: str = "2099-12-31") -> list[Occurrence]:
    return list(planned(of, CALENDAR, day(first), day(last)))


def due_days(of: Contract, name: str = "A01") -> dict[str, str | None]:
    """The last day in time, by period."""
    return {
        one.period.label: str(CALENDAR.last_day(one.due)) if one.due else None
        for one in plan(of)
        if one.obligation.id == name
    }


@st.composite
def terms(draw: st.DrawFn) -> Term:
    start = draw(st.dates(date(2019, 1, 1), date(2032, 12, 31)))
    return Term.model_validate({"from": start, "to": start + timedelta(days=draw(st.integers(0, 1500)))})


# -- periods -----------------------------------------------------------------------------------------------


@given(term=terms(), length=st.sampled_from(LENGTHS), contract_year=st.booleans())
def test_periods_have_no_gap_and_no_overlap(term: Term, length: str, contract_year: bool) -> None:
    found = list(periods(length, term, date.min, date.max, contract_year=contract_year))
    assert (found[0].start, found[-1].end) == (term.start, term.end)
    assert all(one.end + DAY == after.start for one, after in pairwise(found))
    assert all(one.start <= one.end for one in found)
    assert len({one.label for one in found}) == len(found)
    assert not any(one.part for one in found[1:-1])


@given(term=terms(), length=st.sampled_from(LENGTHS), contract_year=st.booleans(), data=st.data())
def test_a_period_is_the_same_whenever_one_asks(
    term: Term, length: str, contract_year: bool, data: st.DataObject
) -> None:
    every = list(periods(length, term, date.min, date.max, contract_year=contract_year))
    first = data.draw(st.dates(term.start - 40 * DAY, term.end + 40 * DAY))
    last = data.draw(st.dates(first - 3 * DAY, term.end + 400 * DAY))
    asked = list(periods(length, term, first, last, contract_year=contract_year))
    assert asked == [one for one in every if first <= last and one.overlaps(first, last)]


@pytest.mark.parametrize(
    ("length", "day_in_it", "expected"),
    [
        ("weekly", "2027-01-02", Period(day("2026-12-28"), day("2027-01-03"), "2026W53")),
        ("weekly", "2024-12-30", Period(day("2024-12-30"), day("2025-01-05"), "2025W01")),
        ("monthly", "2028-02-29", Period(day("2028-02-01"), day("2028-02-29"), "2028-02")),
        ("quarterly", "2026-09-30", Period(day("2026-07-01"), day("2026-09-30"), "2026Q3")),
        ("half-yearly", "2026-07-01", Period(day("2026-07-01"), day("2026-12-31"), "2026H2")),
        ("yearly", "2026-12-31", Period(day("2026-01-01"), day("2026-12-31"), "2026")),
    ],
)
def test_periods_are_those_of_the_calendar(length: str, day_in_it: str, expected: Period) -> None:
    found = list(periods(length, term("2024-01-01", "2029-12-31"), day(day_in_it), day(day_in_it)))
    assert found == [expected]


def test_the_first_and_the_last_period_may_be_part() -> None:
    found = list(periods("monthly", term("2026-01-15", "2026-03-31"), date.min, date.max))
    assert [(one.label, one.start.day, one.part) for one in found] == [
        ("2026-01", 15, True), ("2026-02", 1, False), ("2026-03", 1, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-01", "2028-02-29", ["20260301-20270228", "20270301-20280229"]),
        ("2024-02-29", "2027-02-28", ["20240229-20250228", "20250301-20260228", "20260301-20270228"]),
        ("2026-07-15", "2027-01-01", ["20260715-20270714"]),
    ],
)
def test_years_of_the_contract_begin_with_its_term(start: str, end: str, expected: list[str]) -> None:
    found = list(periods("yearly", term(start, end), date.min, date.max, contract_year=True))
    assert [one.label for one in found] == expected
    assert [one.part for one in found] == [start == "2026-07-15"] * len(expected)


# -- due dates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (None, "2026-10-31"),
        ({"after": "period end"}, "2026-10-31"),
        ({"after": "period end", "within": {"working_days": 3}}, "2026-11-04"),
        ({"after": "period end", "within": {"months": 1}}, "2026-11-30"),
        ({"after": "period end", "within": {"hours": 12}}, "2026-11-01"),
        ({"after": "period start"}, "2026-10-01"),
        ({"after": "period start", "within": {"days": 5}}, "2026-10-05"),  # the first five days
        ({"after": "period start", "within": {"working_days": 2}}, "2026-10-09"),
        ({"after": "period start", "within": {"months": 1}}, "2026-10-31"),
        ({"after": "period start", "within": {"hours": 36}}, "2026-10-02"),
    ],
)
def test_a_month_is_due_by_its_start_or_its_end(due: dict[str, Any] | None, expected: str) -> None:
    of = contract(duty(due=due))
    assert due_days(of)["2026-10"] == expected


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ({"after": "signature", "within": {"months": 1}}, "2026-01-26"),
        ({"after": "signature", "within": {"working_days": 2}}, "2025-12-30"),
        ({"after": "term start", "within": {"days": 30}}, "2026-01-31"),  # the day itself does not count
        ({"after": "term end"}, "2026-12-31"),
        ({"after": "term end", "within": {"months": 1}}, "2027-01-31"),
    ],
)
def test_what_is_owed_once_is_due_by_a_day_of_the_contract(due: dict[str, Any], expected: str) -> None:
    of = contract(duty(cadence="once", due=due), signed=day("2025-12-26"))
    assert due_days(of) == {"term": expected}


def test_what_the_signature_makes_due_is_owed_from_that_day_on() -> None:
    due = {"after": "signature", "within": {"days": 3}}
    of = contract(duty("A01", cadence="once", due=due), duty("A02", cadence="standing"), signed=day("2025-12-26"))
    assert [one.key for one in plan(of, "2025-12-27", "2025-12-28")] == ["A01/term"]


def test_working_days_of_a_year_that_nobody_published_are_provisional() -> None:
    due = {"after": "period end", "within": {"working_days": 3}}
    of = contract(duty(due=due), duty("A02"), term={"from": day("2026-01-01"), "to": day("2027-12-31")})
    found = {one.key: one.provisional for one in plan(of)}
    assert not found["A01/2026-11"]
    assert found["A01/2026-12"]
    assert found["A01/2027-05"]
    assert not found["A02/2027-05"]  # the end of a month needs no calendar


CADENCES = st.sampled_from([*PERIODIC, "once", "standing"])
SPANS = st.sampled_from([None, {"working_days": 7}, {"days": 3}, {"months": 1}, {"hours": 5}])


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Contracts of one obligation, and up to two amendments that change its cadence, keep it, end or bring it back."""
    span, within = draw(terms()), draw(SPANS)
    due = {"after": draw(st.sampled_from(["period start", "period end"])), **({"within": within} if within else {})}

    def version(cadence: str) -> dict[str, Any]:
        fixed = {"after": "term start", "within": {"days": 20}}
        return duty(cadence=cadence, due={"once": fixed, "standing": None}.get(cadence, due))

    first = draw(CADENCES)
    days = sorted(draw(st.sets(st.integers(1, max((span.end - span.start).days, 1)), max_size=2)))
    amendments = []
    for number in days if span.end > span.start else []:
        cadence = draw(st.one_of(st.just(first), CADENCES, st.none()))
        change = {"obligations": [version(cadence)]} if cadence else {"ended": ["A01"]}
        amendments.append({"from": span.start + timedelta(days=number), "title": "t", **change})
    dates = {"from": span.start, "to": span.end}
    return contract(
        version(first), term=dates, amendments=amendments, year=draw(st.sampled_from(["calendar", "contract"]))
    )


@given(of=contracts())
def test_what_is_owed_has_no_gap_and_no_overlap_while_the_obligation_holds(of: Contract) -> None:
    assert of.term
    found = plan(of)
    held = [each for each in _days(of.term.start, of.term.end) if of.on(each)]
    owed_on = Counter(each for one in found for each in _days(one.period.start, one.period.end))
    assert all(owed_on[each] for each in held)
    # A cadence that comes back within a period of its own keeps that period whole, across what held in between;
    # what is owed once, or standing, has the term for its period.
    lengths = ["term" if (name := one.obligation.cadence) in ("once", "standing") else name for one in of.versions]
    returns = len(lengths) == 3 and lengths[0] == lengths[2] != lengths[1]
    assert returns or all(owed_on[each] == 1 for each in held)
    assert len({one.key for one in found}) == len(found)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@given(of=contracts(), data=st.data())
def test_what_is_planned_is_the_same_whenever_one_asks(of: Contract, data: st.DataObject) -> None:
    assert of.term
    first = data.draw(st.dates(of.term.start - 40 * DAY, of.term.end + 40 * DAY))
    last = first + data.draw(st.integers(0, 500)) * DAY
    asked = list(planned(of, CALENDAR, first, last))
    assert asked == [one for one in plan(of) if one.period.overlaps(first, last)]


@given(span=terms(), cadence=st.sampled_from(PERIODIC), within=SPANS, anchor=st.sampled_from(["start", "end"]))
def test_due_dates_are_monotonic(span: Term, cadence: str, within: dict[str, int] | None, anchor: str) -> None:
    due = {"after": f"period {anchor}", "within": within}
    of = contract(duty(cadence=cadence, due=due), term={"from": span.start, "to": span.end})
    found = [one.due for one in plan(of)]
    assert all(one is not None for one in found)
    assert found == sorted(one for one in found if one)
    assert all(one.due and one.due > CALENDAR.midnight(one.period.start) for one in plan(of))


# -- amendments --------------------------------------------------------------------------------------------


def shares(of: Contract, name: str = "A01") -> list[tuple[str, str, str, str]]:
    return [
        (one.cadence or "", period.label, f"{period.start:%m-%d}", f"{period.end:%m-%d}")
        for one, period in owed(name, of, date.min, date.max)
    ]


QUARTER = {"term": {"from": day("2026-01-01"), "to": day("2026-03-31")}}


def test_an_amended_obligation_is_owed_as_it_holds_on_the_last_day_of_a_period() -> None:
    of = contract(duty(), **QUARTER, amendments=[amended("2026-02-15", duty(clause="new"))])
    found = [(one.obligation.clause, one.period.label, one.period.part) for one in plan(of)]
    assert found == [("clause A01", "2026-01", False), ("new", "2026-02", False), ("new", "2026-03", False)]


def test_a_new_cadence_leaves_a_part_before_and_a_part_after() -> None:
    of = contract(duty(), **QUARTER, amendments=[amended("2026-02-15", duty(cadence="quarterly"))])
    assert shares(of) == [
        ("monthly", "2026-01", "01-01", "01-31"),
        ("monthly", "2026-02", "02-01", "02-14"),
        ("quarterly", "2026Q1", "02-15", "03-31"),
    ]
    assert due_days(of)["2026-02"] == "2026-02-14"
    assert [one.period.part for one in plan(of)] == [False, True, True]


def test_what_ends_in_a_period_is_owed_for_the_days_before() -> None:
    of = contract(duty(), duty("A02"), **QUARTER, amendments=[amended("2026-02-15", ended=("A01",))])
    assert shares(of)[-1] == ("monthly", "2026-02", "02-01", "02-14")
    assert len(shares(of, "A02")) == 3


def test_what_joins_in_a_period_is_owed_from_that_day_on() -> None:
    of = contract(duty("A02"), **QUARTER, amendments=[amended("2026-02-15", duty("A01"))])
    assert shares(of)[0] == ("monthly", "2026-02", "02-15", "02-28")


def test_what_is_owed_once_stays_one_thing_when_it_is_amended() -> None:
    once = {"cadence": "once", "due": {"after": "term end"}}
    of = contract(duty(**once), **QUARTER, amendments=[amended("2026-02-15", duty(**once, clause="new"))])
    assert [(one.key, one.obligation.clause) for one in plan(of)] == [("A01/term", "new")]


# -- due after another obligation --------------------------------------------------------------------------


def after(name: str, **within: int) -> dict[str, Any]:
    return {"after": name, "within": within}


def test_what_follows_another_obligation_is_estimated_by_its_due_date() -> None:
    of = contract(duty("A04", cadence="quarterly"), duty("A05", cadence="quarterly", due=after("A04", working_days=7)))
    found = {one.key: one for one in plan(of)}
    assert found["A05/2026Q3"].estimated
    assert not found["A04/2026Q3"].estimated
    assert due_days(of, "A05")["2026Q3"] == "2026-10-15"  # over National Day


def test_a_quarter_follows_its_last_month() -> None:
    late = duty("A01", due=after("period end", days=5))
    of = contract(late, duty("A02", cadence="quarterly", due=after("A01", days=3)))
    assert due_days(of, "A02") == {
        "2026Q1": "2026-04-08", "2026Q2": "2026-07-08", "2026Q3": "2026-10-08", "2026Q4": "2027-01-08",
    }  # fmt: skip


def test_a_chain_of_anchors_is_followed_to_its_end() -> None:
    of = contract(duty("A01"), duty("A02", due=after("A01", days=1)), duty("A03", due=after("A02", days=1)))
    assert due_days(of, "A03")["2026-05"] == "2026-06-02"


def test_a_circle_ends() -> None:
    of = contract(duty("A01", due=after("A02", days=1)), duty("A02", due=after("A01", days=1)))
    assert set(due_days(of, "A01").values()) == {None}


def test_labels_name_the_period_of_a_day() -> None:
    of = contract(duty("A01", cadence="weekly"), duty("A02", cadence="standing"), duty("A03", cadence="yearly"))
    one, two, three = of.obligations
    assert label_of(one, day("2026-02-15"), of) == "2026W07"
    assert label_of(two, day("2026-02-15"), of) == "term"
    assert label_of(three, day("2026-02-15"), of) == "2026"


def test_nothing_is_planned_without_a_term_nor_of_what_events_tell() -> None:
    assert plan(contract(duty(), term=None)) == []
    of = contract(duty("A01", "sla"), duty("A02", "quota"), duty("A03", cadence="on event", opened_by=["asked"]))
    assert plan(of) == []
