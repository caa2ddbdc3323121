from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.contract.model import ServiceHours
from runner.contract.working_time import OwnCalendar, WorkingTime
from runner.operations.run_hours import RunHours, first_moment
from tests.unit.runner.operations.contracts import ZONE, moment

OWN = OwnCalendar(schema_version=1, days={date(2026, 7, 1): {"working": False, "name": "院庆"}})
WORKING = WorkingTime(ZONE, ServiceHours(), OWN)

NIGHT = RunHours(between=(time(22), time(5)))
NOON = RunHours(between=(time(12), time(13, 30)))
SERVICE = RunHours(service=True)


def test_without_hours_every_moment_will_do() -> None:
    assert first_moment(moment("2026-07-01T03:00"), RunHours(), WORKING) == moment("2026-07-01T03:00")


def test_hours_of_the_day() -> None:
    for wanted, found in (
        ("2026-07-01T11:59", "2026-07-01T12:00"),
        ("2026-07-01T12:00", "2026-07-01T12:00"),
        ("2026-07-01T13:29", "2026-07-01T13:29"),
        ("2026-07-01T13:30", "2026-07-02T12:00"),
    ):
        assert first_moment(moment(wanted), NOON, WORKING) == moment(found)


def test_hours_over_midnight() -> None:
    for wanted, found in (
        ("2026-07-01T00:00", "2026-07-01T00:00"),
        ("2026-07-01T04:59", "2026-07-01T04:59"),
        ("2026-07-01T05:00", "2026-07-01T22:00"),
        ("2026-07-01T23:30", "2026-07-01T23:30"),
    ):
        assert first_moment(moment(wanted), NIGHT, WORKING) == moment(found)


def test_hours_until_the_end_of_the_day() -> None:
    late = RunHours(between=(time(20), time.max))
    assert first_moment(moment("2026-07-01T23:59:59.999999"), late, WORKING) == moment("2026-07-01T23:59:59.999999")
    assert first_moment(moment("2026-07-02T00:00"), late, WORKING) == moment("2026-07-02T20:00")


def test_service_hours_leave_out_what_the_site_does_not_work() -> None:
    assert first_moment(moment("2026-07-01T09:00"), SERVICE, WORKING) == moment("2026-07-02T08:00")
    # 1 to 7 October are a holiday, 10 October is worked for it.
    assert first_moment(moment("2026-09-30T18:00"), SERVICE, WORKING) == moment("2026-10-08T08:00")
    assert first_moment(moment("2026-10-10T10:00"), SERVICE, WORKING) == moment("2026-10-10T10:00")


def test_both_hours_must_hold() -> None:
    both = RunHours(service=True, between=(time(17), time(23)))
    assert first_moment(moment("2026-07-02T17:30"), both, WORKING) == moment("2026-07-03T17:00")
    assert (
        first_moment(moment("2026-07-02T09:00"), RunHours(service=True, between=(time(22), time(5))), WORKING) is None
    )


def test_another_zone_asks_for_the_same_moment() -> None:
    assert first_moment(datetime(2026, 7, 1, 1, tzinfo=UTC), NOON, WORKING) == moment("2026-07-01T12:00")


@given(
    st.integers(0, 330 * 86400).map(lambda seconds: moment("2026-01-01") + timedelta(seconds=seconds)),
    st.booleans(),
    st.none() | st.tuples(st.times(), st.times()).filter(lambda hours: hours[0] != hours[1]),
)
def test_the_first_moment_is_a_fixed_point_and_never_before(
    wanted: datetime, service: bool, between: tuple[time, time] | None
) -> None:
    hours = RunHours(service, between)
    found = first_moment(wanted, hours, WORKING)
    if found is not None:
        assert found >= wanted
        assert first_moment(found, hours, WORKING) == found
