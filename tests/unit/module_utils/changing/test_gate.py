from __future__ import annotations

import pytest
from ansible.module_utils.changing import gate
from hypothesis import given
from hypothesis import strategies as st


def seen(check, level, subject="it", code=None):
    return {"check": check, "subject": subject, "level": level, "reason": {"code": code} if code else None}


OK, DOWN = seen("unit.active", "ok"), seen("unit.active", "critical")
SLOW = seen("http.time", "warning")
ANSWERS = seen("http.answer", "ok")
UNMEASURED = seen("unit.active", "unknown", code="timed_out")
SHADOW = seen("http.time", "unknown", code="no_answer")
INIT_SCRIPT = seen("unit.active", "unknown", code="init_script")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ([OK], [OK], "unchanged"),
        ([DOWN], [OK], "unchanged"),
        ([DOWN], [DOWN], "unmeasured"),
        ([DOWN, ANSWERS], [DOWN, ANSWERS], "unchanged"),
        ([DOWN, SLOW], [DOWN, SLOW], "unmeasured"),
        ([OK, SHADOW], [OK, SLOW], "unchanged"),
        ([OK], [OK, SLOW], "unmeasured"),
        ([], [OK], "unmeasured"),
        ([INIT_SCRIPT, ANSWERS], [INIT_SCRIPT, ANSWERS], "unchanged"),
        ([INIT_SCRIPT], [INIT_SCRIPT], "unmeasured"),
        ([OK], [DOWN], "worse"),
        ([OK], [DOWN, UNMEASURED | {"subject": "other"}], "worse"),
        ([], [DOWN], "worse"),
        ([UNMEASURED], [DOWN], "worse"),
        ([OK], [UNMEASURED], "unmeasured"),
        ([UNMEASURED], [UNMEASURED], "unmeasured"),
        ([UNMEASURED], [OK], "unmeasured"),
        ([OK], [], "unmeasured"),
        ([], [], "unmeasured"),
        ([OK, SLOW], [DOWN, SHADOW], "worse"),
        ([DOWN, SHADOW], [DOWN, SHADOW], "unmeasured"),
        ([DOWN, SHADOW], [OK], "unchanged"),
    ],
)
def test_a_host_is_judged_against_the_state_before(before, after, word):
    assert gate.judge(before, after).word == word


def test_what_is_worse_or_not_measured_is_named():
    judged = gate.judge([OK, seen("tcp.reachable", "ok", "db")], [DOWN])
    assert judged == ("worse", ["unit.active it"], ["tcp.reachable db"])


def test_a_failed_step_makes_a_host_worse_whatever_the_probes_say():
    assert gate.judge([OK], [OK], "troubled").word == "worse"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [([], [], "unchanged"), ([DOWN], [DOWN], "unchanged"), ([OK], [DOWN], "worse"), ([OK], [UNMEASURED], "unmeasured")],
)
def test_a_host_with_nothing_due_needs_no_probe_that_is_well(before, after, word):
    assert gate.judge(before, after, "idle").word == word


def test_a_host_that_was_left_although_it_was_due_pauses_the_change():
    assert gate.judge([OK], [OK], "left") == ("unmeasured", [], ["unit.active it"])


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ([], "no probe is well"),
        ([OK], ""),
        ([DOWN], "no probe is well"),
        ([DOWN, SLOW], "no probe is well"),
        ([DOWN, ANSWERS], ""),
        ([OK, UNMEASURED], "unmeasured: unit.active it"),
        ([SHADOW], "no probe is well"),
    ],
)
def test_a_host_is_touched_only_where_it_can_be_judged_afterwards(before, problem):
    assert gate.unjudgeable(before) == problem


@pytest.mark.parametrize(
    ("judged", "word"),
    [
        ({"a": "unchanged", "b": "unchanged"}, "passed"),
        ({"a": "unchanged", "b": "unmeasured"}, "paused"),
        ({"a": "unmeasured", "b": "worse"}, "failed"),
        ({"a": "unchanged"}, "failed"),
        ({"a": "unchanged", "b": None}, "failed"),
        ({"a": "unchanged", "b": "no such word"}, "failed"),
        ({}, "failed"),
    ],
)
def test_a_batch_passes_only_where_every_host_is_as_it_was(judged, word):
    decision = gate.decide(["a", "b"], judged)
    assert decision.word == word
    assert sorted(decision.done + decision.worse + decision.unmeasured + decision.lost) == ["a", "b"]


def test_a_batch_of_no_host_is_none_to_go_on_from():
    assert gate.decide([], {}).word == "paused"


@pytest.mark.parametrize(
    ("past", "planned", "hosts", "seconds"),
    [
        ([], 90, 3, 90),
        ([], None, 3, 0),
        ([(3, 1)], 1800, 8, 1800),
        ([(100, 1)], 90, 3, 100),
        ([(10, 1), (7, 3)], None, 8, 10),
        ([(10, 1)], None, 40, 30),
        ([(60, 32)], None, 16, 30),
        ([], 600, 1000, 37800),
        ([(3, 0)], 600, 1000, 37800),
        ([(3, 0)], None, 3, 0),
    ],
)
def test_the_longest_batch_tells_how_long_the_next_one_takes(past, planned, hosts, seconds):
    assert gate.estimate(past, planned, hosts, forks=16) == seconds


@given(left=st.floats(-10, 1e6), reserve=st.floats(0, 1e5), seconds=st.floats(0, 1e5))
def test_no_batch_begins_that_could_not_be_done_and_rolled_back(left, reserve, seconds):
    opening = gate.opening(left, reserve, seconds)
    assert opening.proceed == (left > 0 and seconds + reserve <= left)
    assert opening.lease_seconds >= gate.SHORTEST_HOLD


def test_without_a_window_time_does_not_matter():
    assert gate.opening(None, 1800, 600) == (True, 600, 2400, None)


def test_a_host_is_held_until_the_window_ends_and_hosts_that_begin_late_have_less_of_it():
    assert gate.opening(3600, 1200, 600) == (True, 600, 3600, 3600)
    assert gate.opening(3600, 1200, 600, goes=3) == (True, 600, 3600, 3200)
