from __future__ import annotations

import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from runner.contract.base import Span
from runner.contract.model import Contract, ServiceHours
from runner.contract.obligations import Obligation
from tests.unit.runner.contract.builders import clock, contract, day, duty


def message(**keys: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Obligation.model_validate(keys)
    return " | ".join(one["msg"] for one in error.value.errors())


# -- one obligation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["procedure", "record", "document", "sla", "quota"])
def test_each_kind_is_valid_with_what_it_needs(kind: str) -> None:
    assert Obligation.model_validate(duty(kind=kind)).kind == kind


EVENT = {"cadence": "on event", "opened_by": ["asked"]}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"cadence": "fortnightly"}, "Input should be 'weekly'"),
        ({"cadence": None}, "cadence is missing"),
        ({"cadence": "once"}, "what is owed once says when it is due"),
        ({"cadence": "standing", "due": {"after": "term end"}}, "what is standing has no due date"),
        ({"proof_lasts": {"days": 1}}, "proof_lasts belongs to the cadence standing"),
        ({"cadence": "on event"}, "opened_by"),
        ({"opened_by": ["asked"]}, "opened_by"),
        ({"case": "fault"}, "case belongs to the cadence on event"),
        ({**EVENT, "when": {"grade": "P1"}}, "so case names the kind"),
        ({"cadence": "once", "due": {"after": "period end"}}, "only a cadence by the calendar has periods"),
        ({**EVENT, "due": {"after": "term end"}}, "what an event opens is due after an event"),
        ({"due": {"after": "signature"}}, "what comes again monthly is due after its period's start or end"),
        ({"due": {"after": "period end", "within": {"days": 1, "hours": 1}}}, "one of minutes, hours, days"),
        ({"due": {"after": "period end", "within": {}}}, "one of minutes, hours, days"),
        ({"due": {"after": "period end", "within": {"days": 0}}}, "greater than 0"),
        ({"due": {"after": "period end", "within": {"days": 8000}}}, "more than twenty years"),
        ({"clocks": [clock()]}, "clocks belong to an obligation of kind sla"),
        ({"quota": {"at_most": 1}}, "a quota belongs to an obligation of kind quota"),
        ({"id": "A 1"}, "match pattern"),
        ({"id": ""}, "match pattern"),
        ({"cadense": "monthly"}, "Extra inputs are not permitted"),
        ({"kind": "procedure"}, "names its procedure"),
        ({"kind": "document"}, "names its document"),
    ],
)
def test_a_record_that_cannot_be_meant_is_refused(keys: dict[str, Any], expected: str) -> None:
    assert expected in message(**{**duty(), **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"cadence": "monthly"}, "kind sla has no cadence"),
        ({"due": {"after": "reported"}, "opened_by": ["asked"]}, "kind sla has no due, opened_by"),
        ({"case": None}, "case is missing"),
        ({"clocks": []}, "at least one"),
        ({"clocks": [clock(), clock()]}, "clocks with the same name: respond"),
        ({"clocks": [clock("agreed")]}, "cannot be called agreed"),
        ({"clocks": [clock(stops=["reported"])]}, "the same event starts and stops this clock: reported"),
        ({"clocks": [clock(pauses=["held"])]}, "both pauses and resumes"),
        ({"clocks": [clock(pauses=["held"], resumes=["held"])]}, "the same event pauses and resumes"),
        ({"clocks": [clock(pauses=["responded"], resumes=["freed"])]}, "the same event pauses and stops"),
        ({"clocks": [clock(hours="service", within={"working_days": 3})]}, "working_days are whole days"),
        ({"clocks": [clock(hours="service", within={"hours": 9000})]}, "more than a year of it"),
        ({"clocks": [clock(hours="service", outside_service={"hours": 1})]}, "outside_service goes without hours"),
        ({"clocks": [clock(starts=[])]}, "at least 1 item"),
        ({"procedure": "inspect", "document": "faq"}, "kind sla has no procedure, document"),
        ({"gates": [{"name": "a", "before": "b"}, {"name": "a", "before": "c"}]}, "gates with the same name: a"),
        ({"clocks": [clock(hours="night")]}, "'always' or 'service'"),
    ],
)
def test_clocks_that_cannot_be_meant_are_refused(keys: dict[str, Any], expected: str) -> None:
    assert expected in message(**{**duty(kind="sla"), **keys})


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ({}, "one of at_most, at_least, at_least_percent"),
        ({"at_most": 1, "at_least": 1}, "one of at_most, at_least, at_least_percent"),
        ({"at_least_percent": 10, "counts": "x"}, "go together"),
        ({"at_most": 1, "of": "stock"}, "go together"),
        ({"at_least_percent": 10, "of": "stock"}, "counts is missing"),
        ({"at_most": 1, "items": ["a", "a"]}, "items named twice: a"),
        ({"at_most": -1}, "greater than or equal to 0"),
        ({"at_least": 0}, "greater than 0"),
        ({"at_most": 1, "per": "decade"}, "'week', 'month'"),
        ({"at_least": 1, "beyond": "agreement"}, "it goes with at_most"),
        ({"at_least": 1, "level": True}, "counts is missing"),
        ({"at_least_percent": 1, "of": "a", "counts": "b", "level": True}, "not a share"),
        ({"at_most": 1, "records_of": ["A", "A"]}, "records_of named twice: A"),
        ({"at_most": 1, "records_of": ["A"], "items": ["x"]}, "has no items"),
    ],
)
def test_quotas_that_cannot_be_meant_are_refused(quota: dict[str, Any], expected: str) -> None:
    assert expected in message(**duty(kind="quota", quota=quota))


def test_a_quota_has_neither_cadence_nor_case() -> None:
    assert "kind quota has no cadence" in message(**duty(kind="quota", cadence="monthly"))
    assert "a quota has no case" in message(**duty(kind="quota", case="fault"))


def test_one_word_stands_for_a_list_of_one() -> None:
    one = Obligation.model_validate(duty(kind="sla", when={"grade": "P1", "scope": ["a", "b"]}))
    assert one.when == {"grade": ("P1",), "scope": ("a", "b")}


def test_a_span_tells_its_unit_and_how_many() -> None:
    spans = [Span(minutes=15), Span(hours=2), Span(days=3), Span(working_days=7), Span(months=1)]
    assert [(one.count, one.unit, one.exact) for one in spans] == [
        (15, "minutes", True), (2, "hours", True), (3, "days", False), (7, "working_days", False), (1, "months", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"from": "17:30", "to": "08:00"}, "end before they start"),
        ({"from": "08:00", "to": "08:30"}, "shorter than an hour"),
        ({"from": 800}, 'written "08:30"'),
        ({"to": "24:30"}, 'written "08:30"'),
        ({"to": "8:30"}, 'written "08:30"'),
        ({"from": datetime.time(8)}, 'written "08:30"'),
    ],
)
def test_service_hours_that_cannot_be_meant_are_refused(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        ServiceHours.model_validate(keys)


def test_service_may_last_to_midnight() -> None:
    assert ServiceHours.model_validate({"from": "00:00", "to": "24:00"}).end == datetime.time.max


def test_a_procedure_may_have_hours_of_its_own() -> None:
    terms = {"inspect": {"change": "routine", "hours": "service", "between": {"from": "22:00", "to": "05:00"}}}
    found = contract(duty(kind="procedure"), procedures=terms).procedures["inspect"]
    assert found.between
    assert (found.hours, found.between.start, found.between.end) == ("service", datetime.time(22), datetime.time(5))
    with pytest.raises(ValidationError, match="hours that end when they start"):
        contract(procedures={"inspect": {"between": {"from": "22:00", "to": "22:00"}}})


# -- versions ----------------------------------------------------------------------------------------------


def amended() -> Contract:
    return contract(
        duty("A01"), duty("A02"),
        amendments=[
            {"from": day("2026-05-01"), "title": "t", "obligations": [duty("A01", clause="b"), duty("A03")]},
            {"from": day("2026-08-01"), "title": "t", "obligations": [duty("A01", clause="c")], "ended": ["A02"]},
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2026-04-30", {"A01": "clause A01", "A02": "clause A02"}),
        ("2026-05-01", {"A01": "b", "A02": "clause A02", "A03": "clause A03"}),
        ("2026-07-31", {"A01": "b", "A02": "clause A02", "A03": "clause A03"}),
        ("2026-08-01", {"A01": "c", "A03": "clause A03"}),
    ],
)
def test_obligations_hold_from_day_to_day(on: str, expected: dict[str, str]) -> None:
    assert {one.id: one.clause for one in amended().on(day(on))} == expected


def test_versions_tell_their_days() -> None:
    of = amended()
    found = {(one.obligation.id, one.obligation.clause): of.days_of(one) for one in of.versions}
    assert found["A01", "b"] == (day("2026-05-01"), day("2026-07-31"))
    assert found["A02", "clause A02"] == (day("2026-01-01"), day("2026-07-31"))
    assert found["A03", "clause A03"] == (day("2026-05-01"), day("2026-12-31"))
    signed = contract(duty(), signed=day("2025-12-26"))
    assert signed.days_of(signed.versions[0]) == (day("2025-12-26"), day("2026-12-31"))


def test_a_procedure_knows_whom_it_serves_in_any_version() -> None:
    of = contract(
        duty("A01", "procedure"), duty("A02"),
        amendments=[{"from": day("2026-05-01"), "title": "t", "obligations": [duty("A02", procedure="inspect")]}],
    )  # fmt: skip
    assert of.fulfilled_by("inspect") == ("A01", "A02")
