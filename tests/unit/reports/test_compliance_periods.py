"""Labels of periods mean days, and what is no label means none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.documents.compliance_periods import Days, days_of
from runner.contract.model import Term
from runner.contract.obligations import Obligation
from runner.contract.occurrences import label_of
from tests.unit.reports.compliance_sample import contract

TERM = Term.model_validate({"from": date(2026, 3, 1), "to": date(2029, 2, 28)})


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026H1", "2026-01-01", "2026-06-30"),
        ("2026H2", "2026-07-01", "2026-12-31"),
        ("2026Q1", "2026-01-01", "2026-03-31"),
        ("2026Q4", "2026-10-01", "2026-12-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026W01", "2025-12-29", "2026-01-04"),
        ("20260301-20270228", "2026-03-01", "2027-02-28"),
        ("term", "2026-03-01", "2029-02-28"),
    ],
)
def test_labels_mean_days(label: str, first: str, last: str) -> None:
    assert days_of(label, TERM) == Days(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "label", ["", "F-001", "#17", "2026-13", "2026-00", "2026W54", "2026Q5", "9999-12", "20260230-20270101", "26"]
)
def test_what_is_no_label_means_nothing(label: str) -> None:
    assert days_of(label, TERM) is None


def test_a_contract_without_a_term_has_no_term_to_speak_of() -> None:
    assert days_of("term", None) is None


@given(
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.sampled_from(["weekly", "monthly", "quarterly", "half-yearly", "yearly"]),
    st.sampled_from(["calendar", "contract"]),
)
def test_every_label_of_a_contract_can_be_read(day: date, cadence: str, year: str) -> None:
    kept = contract(year=year)
    one = Obligation.model_validate({"id": "A1", "kind": "record", "clause": "x", "cadence": cadence})
    days = days_of(label_of(one, day, kept), kept.term)
    assert days is not None
    assert day in days
    assert days.last - days.first < timedelta(days=367)


def test_months_are_those_that_a_day_lies_in() -> None:
    assert list(Days(date(2026, 11, 30), date(2027, 2, 1)).months()) == [(2026, 11), (2026, 12), (2027, 1), (2027, 2)]
