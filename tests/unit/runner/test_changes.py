"""The fold over the entries of changes: how each stands at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.change_fold import changes
from runner.change_rules import Rules
from runner.changes import STEPS, Change

START = datetime(2026, 11, 22, 22, tzinfo=UTC)

PLAN = {
    "procedure": "restart-services",
    "hosts": {"b": "2", "a": "1", "c": "3"},
    "window": {"from": START.isoformat(), "to": (START + timedelta(hours=4)).isoformat()},
    "reserve_minutes": 30,
    "steps": [{"name": "x", "minutes": 5}, {"name": "y", "minutes": 2.5}],
    "automatic": True,
    "emergency": False,
    "terms": Rules().as_dict(),
}

TOLD: dict[str, dict[str, Any]] = {
    "requested": {"requester": "甲", "request": {}, "plan": PLAN, "digest": "d"},
    "approved": {"digest": "d", "by": "王", "reason": "r", "signature": "s"},
    "rejected": {"digest": "d", "by": "王", "reason": "r"},
    "withdrawn": {"by": "甲", "reason": "r"},
    "signed-in": {"supervisor": "李", "digest": "d", "signature": "s"},
    "signed-out": {"supervisor": "李"},
    "refused": {"attempt": "execute", "reasons": []},
    "started": {"run": "r1", "digest": "d"},
    "executed": {"run": "r1", "outcome": "paused", "hosts": {"done": ["a"], "left": ["b", "c"]}},
    "verified": {"by": "李", "passed": True, "text": ""},
    "closed": {"outcome": "done", "text": ""},
}


def line(sequence: int, step: str, number: str = "C-1", **told: Any) -> tuple[int, str, str, dict[str, Any]]:
    at = (START + timedelta(minutes=sequence)).isoformat()
    common = {"change": number, "step": step, "at": at, "case": {"kind": "upgrade", "id": number}}
    operator = {"operator": {"login": "root", "name": "甲"}}
    return sequence, "change", at, {**common, **operator, **TOLD[step], **told}


def told(*steps: str | tuple[str, dict[str, Any]]) -> Change:
    named = [(one, {}) if isinstance(one, str) else one for one in steps]
    return changes(line(number, step, **more) for number, (step, more) in enumerate(named))["C-1"]


def state(*steps: str | tuple[str, dict[str, Any]], hours: float = 1) -> str:
    return told(*steps).state(START + timedelta(hours=hours))


def test_a_change_goes_from_the_request_to_its_end() -> None:
    path = ["requested", "approved", "signed-in", "started", "executed", "verified", "closed"]
    states = [state(*path[:length]) for length in range(1, len(path) + 1)]
    assert states == ["requested", "approved", "approved", "running", "executed", "verified", "closed"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (("requested", "rejected"), "rejected"),
        (("requested", "approved", "withdrawn"), "withdrawn"),
        (("requested", "approved", "started", "withdrawn"), "running"),
        (("requested", "approved", "started", "executed", "verified", ("started", {"run": "r2"})), "running"),
        (("requested", "approved", "refused"), "approved"),
        (("requested", "requested", "approved"), "approved"),
        (("requested", ("executed", {"run": "other"})), "requested"),
        (("requested", "approved", "closed", "started"), "closed"),
        ((("requested", {"plan": {**PLAN, "terms": Rules(approval_minutes=5).as_dict()}}), "approved"), "expired"),
    ],
)
def test_where_a_change_stands_follows_from_its_entries(steps: Any, expected: str) -> None:
    assert state(*steps) == expected


def test_what_was_not_executed_in_the_window_has_expired() -> None:
    assert state("requested", "approved", hours=5) == "expired"
    assert state("requested", "approved", "started", "executed", hours=5) == "executed"


def test_approvals_count_by_people_and_only_those_that_are_given() -> None:
    two = ("requested", {"plan": {**PLAN, "terms": Rules(approvals=2).as_dict()}})
    assert state(two, "approved", "approved") == "requested"
    assert state(two, "approved", ("approved", {"by": "陈"})) == "approved"
    assert told("requested", "approved").state(START, approvals=()) == "requested"


def test_what_was_left_is_told_over_all_executions() -> None:
    change = told("requested", "approved", "started", "executed")
    assert change.hosts == ("a", "b", "c")
    assert change.remainder == ("b", "c")
    again = [("started", {"run": "r2"}), ("executed", {"run": "r2", "hosts": {"done": ["b"], "failed": ["c"]}})]
    change = told("requested", "approved", "started", "executed", *again)
    assert (change.remainder, change.run, change.running) == (("c",), "r2", None)


def test_presence_lasts_from_the_moment_that_was_signed_until_they_sign_out() -> None:
    change = told("requested", "signed-in", "signed-out", "signed-in")
    assert [len(change.attending(START + timedelta(minutes=minute, seconds=1))) for minute in range(4)] == [0, 1, 0, 1]
    assert [one.until is None for one in change.attendances] == [False, True]


def test_the_plan_is_told_in_words_of_its_own() -> None:
    change = told("requested")
    assert (change.minutes, change.reserve, change.automatic, change.emergency) == (
        7.5,
        timedelta(minutes=30),
        True,
        False,
    )
    assert (change.case_name, change.procedure, change.steps[0].operator) == ("upgrade:C-1", "restart-services", "甲")
    plan = {**PLAN, "steps": [{"name": "x", "minutes": None}]}
    assert told(("requested", {"plan": plan, "case": None})).minutes is None


def test_other_kinds_and_changes_that_nobody_requested_are_passed_over() -> None:
    lines = [(1, "record", START.isoformat(), {}), line(2, "approved"), line(3, "requested", "C-2")]
    assert list(changes(lines)) == ["C-2"]


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_any_order_of_steps_is_folded(steps: list[str]) -> None:
    found = changes(line(number, step) for number, step in enumerate(steps))
    assert set(found) <= {"C-1"}
    for change in found.values():
        assert change.state(START) in (
            "requested",
            "approved",
            "rejected",
            "withdrawn",
            "running",
            "executed",
            "verified",
            "closed",
        )
        assert set(change.remainder) <= set(change.hosts)
        assert change.running is None or change.executions[-1].running
