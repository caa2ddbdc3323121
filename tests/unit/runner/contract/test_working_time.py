from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contract.base import Span
from runner.contract.working_time import months_after, year_after
from tests.unit.runner.contract.builders import SHANGHAI, day, moment, working

CALENDAR = working()
DAYS = st.dates(date(2004, 1, 1), date(2031, 12, 31))
MOMENTS = st.datetimes(
    datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2030-12-31"), timezones=st.just(UTC)
)
ALL_DAY = {"days": "all", "from": "00:00", "to": "24:00"}


@pytest.mark.parametrize(
    ("start", "count", "expected", "skipped"),
    [
        ("2026-09-28", 7, "2026-10-13", 8),  # National Day, then a Saturday that makes up for it
        ("2026-02-12", 7, "2026-02-28", 9),  # Spring Festival, made up for on both Saturdays
        ("2026-10-09", 1, "2026-10-10", 0),
        ("2026-12-31", 1, "2027-01-01", 0),
        ("2025-12-31", 2, "2026-01-05", 3),  # New Year's Day, made up for on Sunday
    ],
)
def test_the_nth_working_day(start: str, count: int, expected: str, skipped: int) -> None:
    counted = CALENDAR.add(day(start), count)
    assert counted.day == day(expected)
    assert len(counted.skipped) == skipped


def test_the_days_passed_over_and_those_made_up_say_why() -> None:
    counted = CALENDAR.add(day("2026-09-28"), 7)
    assert [(one.date, one.name) for one in counted.skipped[:7]] == [
        (date(2026, 10, number), "National Day") for number in range(1, 8)
    ]
    assert counted.skipped[7].why == "weekend"
    assert [(one.date, one.why, one.name) for one in counted.unusual] == [
        (day("2026-10-10"), "make-up", "National Day"),
    ]


@given(day=st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_published_days_are_those_of_the_state_council(day: date) -> None:
    found = CALENDAR.day(day)
    off, name = chinese_calendar.get_holiday_detail(day)
    assert (found.working, found.name or None) == (not off, name)
    assert not found.provisional


def test_a_year_that_nobody_published_is_provisional_until_the_site_covers_it() -> None:
    assert CALENDAR.day(day("2031-03-03")).provisional
    assert CALENDAR.add(day("2026-12-30"), 2).provisional
    assert not CALENDAR.add(day("2026-12-29"), 2).provisional
    known = working(covers=(2031,), days={"2031-03-03": (False, "院庆")})
    assert not known.day(day("2031-03-03")).provisional
    assert known.add(day("2031-02-28"), 1).day == day("2031-03-04")
    assert not known.add(day("2031-02-28"), 1).provisional


def test_days_that_nobody_published_are_provisional_though_those_after_them_are_known() -> None:
    known = working(covers=(2028,))
    assert not known.add(day("2028-01-03"), 5).provisional
    assert known.add(day("2027-12-28"), 5).provisional


def test_a_day_of_the_site_overrides_the_statutory_one() -> None:
    calendar = working(
        days={"2026-10-01": (True, "值班"), "2026-10-08": (False, "院庆"), "2031-05-01": (False, "劳动节")}
    )
    assert calendar.add(day("2026-09-30"), 1).day == day("2026-10-01")
    assert calendar.add(day("2026-09-30"), 2).day == day("2026-10-09")
    assert calendar.day(day("2026-10-08")).why == "site"
    assert not calendar.day(day("2031-05-01")).provisional


@given(start=DAYS, count=st.integers(1, 120))
def test_working_days_are_monotonic_and_without_gap(start: date, count: int) -> None:
    one, next_one = CALENDAR.add(start, count).day, CALENDAR.add(start, count + 1).day
    assert start < one < next_one
    assert CALENDAR.day(one).working
    assert not any(CALENDAR.day(one + timedelta(days=n)).working for n in range(1, (next_one - one).days))
    assert CALENDAR.working_days_between(start, one) == count


@given(start=DAYS, count=st.integers(1, 60))
def test_a_later_start_never_ends_earlier(start: date, count: int) -> None:
    assert CALENDAR.add(start, count).day <= CALENDAR.add(start + timedelta(days=1), count).day


# -- deadlines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"minutes": 15}, "2026-01-31 16:45"),
        ({"hours": 24}, "2026-02-01 16:30"),
        ({"days": 1}, "2026-02-02"),
        ({"months": 1}, "2026-03-01"),
        ({"working_days": 1}, "2026-02-03"),
    ],
)
def test_days_end_with_their_last_day_and_hours_with_the_minute(span: dict[str, int], expected: str) -> None:
    found = CALENDAR.deadline(moment("2026-01-31 16:30"), Span.model_validate(span))
    assert found.moment == moment(expected)


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-03-02 16:00", 90, "2026-03-02 17:30"),  # to the closing minute
        ("2026-03-02 16:00", 91, "2026-03-03 08:01"),
        ("2026-03-02 17:30", 15, "2026-03-03 08:15"),
        ("2026-03-02 22:00", 15, "2026-03-03 08:15"),
        ("2026-03-02 05:00", 15, "2026-03-02 08:15"),
        ("2026-03-06 17:00", 60, "2026-03-09 08:30"),  # over a weekend
        ("2026-09-30 17:00", 60, "2026-10-08 08:30"),  # over National Day
        ("2026-03-02 08:00", 19 * 60, "2026-03-03 17:30"),  # two whole days
    ],
)
def test_service_hours_run_on_working_days_alone(start: str, minutes: int, expected: str) -> None:
    assert CALENDAR.deadline(moment(start), Span(minutes=minutes), service=True).moment == moment(expected)


def test_service_to_midnight_ends_with_the_day() -> None:
    late = working(hours={"days": "working", "from": "12:00", "to": "24:00"})
    assert late.deadline(moment("2026-03-02 23:00"), Span(hours=1), service=True).moment == moment("2026-03-03")
    assert late.deadline(moment("2026-03-02 23:00"), Span(hours=2), service=True).moment == moment("2026-03-03 13:00")
    assert late.last_day(moment("2026-03-03")) == day("2026-03-02")


@given(start=MOMENTS, hours=st.integers(1, 300))
def test_service_around_the_clock_is_as_long_as_the_clock(start: datetime, hours: int) -> None:
    always = working(hours=ALL_DAY)
    span = Span(hours=hours)
    assert always.deadline(start, span, service=True) == always.deadline(start, span)


@given(start=MOMENTS, hours=st.integers(1, 300))
def test_a_deadline_leaves_exactly_the_service_it_allows(start: datetime, hours: int) -> None:
    end = CALENDAR.deadline(start, Span(hours=hours), service=True).moment
    assert CALENDAR.service_between(start, end) == timedelta(hours=hours)


@given(start=MOMENTS, minutes=st.integers(1, 4000), span=st.sampled_from(["minutes", "hours", "days", "working_days"]))
def test_deadlines_are_monotonic(start: datetime, minutes: int, span: str) -> None:
    length = Span.model_validate({span: max(minutes // 60, 1) if span != "minutes" else minutes})
    later = start + timedelta(minutes=minutes)
    assert start < CALENDAR.deadline(start, length).moment <= CALENDAR.deadline(later, length).moment


def test_a_night_that_lasts_an_hour_more_or_less_is_counted_by_the_clock_that_runs() -> None:
    berlin = working(ZoneInfo("Europe/Berlin"), hours=ALL_DAY)
    start = moment("2026-03-28 12:00", ZoneInfo("Europe/Berlin"))  # summer time begins in the night
    end = berlin.deadline(start, Span(hours=24)).moment
    assert (end.astimezone(UTC) - start.astimezone(UTC), end.hour) == (timedelta(hours=24), 13)
    assert berlin.deadline(start, Span(hours=24), service=True).moment == end
    assert berlin.service_between(start, end) == timedelta(hours=24)


# -- deadlines that are moved ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "held", "resumed", "expected"),
    [
        ({"hours": 4}, "2026-03-06 11:00", "2026-03-06 13:30", "2026-03-06 16:30"),
        ({"working_days": 3}, "2026-03-06 11:00", "2026-03-06 18:00", "2026-03-12"),  # within a day nothing is lost
        ({"working_days": 3}, "2026-03-06 11:00", "2026-03-09 11:00", "2026-03-13"),  # a weekend is no working day
        ({"days": 3}, "2026-03-06 11:00", "2026-03-09 11:00", "2026-03-13"),
        ({"months": 1}, "2026-03-06 11:00", "2026-03-09 11:00", "2026-04-10"),
    ],
)
def test_a_clock_that_was_held_ends_later(span: dict[str, int], held: str, resumed: str, expected: str) -> None:
    length = Span.model_validate(span)
    deadline = CALENDAR.deadline(moment("2026-03-06 10:00"), length)
    found = CALENDAR.later(deadline, moment(held), moment(resumed), length, service=False)
    assert found.moment == moment(expected)


def test_a_clock_of_service_hours_is_held_for_service_alone() -> None:
    span = Span(hours=2)
    deadline = CALENDAR.deadline(moment("2026-03-06 16:00"), span, service=True)
    assert deadline.moment == moment("2026-03-09 08:30")
    found = CALENDAR.later(deadline, moment("2026-03-06 17:00"), moment("2026-03-09 09:00"), span, service=True)
    assert found.moment == moment("2026-03-09 10:00")


def test_grace_counts_from_the_day_that_a_deadline_ends() -> None:
    end_of_july = CALENDAR.end_of(day("2026-07-31"))
    assert CALENDAR.extended(end_of_july, Span(days=5)).moment == CALENDAR.end_of(day("2026-08-05"))
    assert CALENDAR.extended(end_of_july, Span(hours=5)).moment == moment("2026-08-01 05:00")
    assert CALENDAR.extended(moment("2026-07-31 10:00"), Span(days=1)).moment == CALENDAR.end_of(day("2026-08-01"))


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-01-31", 1, "2024-02-29"), ("2026-11-30", 3, "2027-02-28")],
)
def test_a_month_ends_on_the_same_day_or_on_its_last(start: str, months: int, expected: str) -> None:
    assert months_after(day(start), months) == day(expected)


def test_a_year_from_29_february_ends_with_february() -> None:
    assert [year_after(day("2024-02-29"), number) for number in (1, 3, 4)] == [
        day("2025-03-01"), day("2027-03-01"), day("2028-02-29"),
    ]  # fmt: skip


def test_moments_are_told_in_the_zone_of_the_contract() -> None:
    found = CALENDAR.deadline(datetime(2026, 3, 2, 1, tzinfo=UTC), Span(hours=1)).moment
    assert (found.tzinfo, found.hour) == (SHANGHAI, 10)
