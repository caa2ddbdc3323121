from __future__ import annotations

import json

import pytest
from ansible.module_utils import observations as subject
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
LIMITS = st.dictionaries(st.sampled_from(subject.GRADES), NUMBERS | st.none())
TABLES = st.builds(
    lambda own, patterns: {**own, "subjects": patterns} if patterns else own,
    LIMITS,
    st.dictionaries(st.sampled_from(["/var*", "/data", "*"]), LIMITS, max_size=2),
)
THRESHOLDS = st.dictionaries(st.sampled_from(["filesystem.used", "memory.used", "time.offset"]), TABLES)


@pytest.mark.parametrize(
    ("value", "limits", "level"),
    [
        (79.9, {"warning": 80, "critical": 90}, "ok"),
        (80, {"warning": 80, "critical": 90}, "warning"),
        (90, {"warning": 80, "critical": 90}, "critical"),
        (1, {"notice": 1}, "notice"),
        (30, {"warning": 30, "critical": 7, "below": True}, "ok"),
        (29.9, {"warning": 30, "critical": 7, "below": True}, "warning"),
        (-3, {"warning": 30, "critical": 7, "below": True}, "critical"),
        (99, {"warning": None, "critical": None}, "ok"),
        (99, {"critical": 90, "warning": None}, "critical"),
        (0, {}, "ok"),
        (10**400, {"warning": 80}, "warning"),
    ],
)
def test_a_limit_is_reached_at_it_or_below_it_where_below_is_set(value, limits, level):
    assert subject.grade(value, limits) == level


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None, "81", [81]])
def test_what_is_no_finite_number_is_never_graded(value):
    with pytest.raises(ValueError, match="cannot grade"):
        subject.grade(value, {"warning": 80})


@given(NUMBERS, LIMITS)
def test_a_level_is_the_worst_whose_limit_is_reached(value, limits):
    reached = [level for level in subject.GRADES if limits.get(level) is not None and value >= limits[level]]
    assert subject.grade(value, limits) == (reached[0] if reached else "ok")


@given(NUMBERS, NUMBERS, st.fixed_dictionaries({"warning": NUMBERS, "critical": NUMBERS, "below": st.booleans()}))
def test_getting_worse_never_improves_the_level(one, other, limits):
    better, worse = sorted([one, other], reverse=limits["below"])
    assert subject.rank(subject.grade(worse, limits)) >= subject.rank(subject.grade(better, limits))


@given(THRESHOLDS, THRESHOLDS)
def test_merging_keeps_every_override_and_every_default_that_was_not_overridden(defaults, overrides):
    merged = subject.merge_thresholds(defaults, overrides)
    for check in {*defaults, *overrides}:
        ours, theirs = defaults.get(check, {}), overrides.get(check, {})
        for key in {*ours, *theirs} - {"subjects"}:
            assert merged[check][key] == (theirs[key] if key in theirs else ours[key])
        patterns = {**ours.get("subjects", {}), **theirs.get("subjects", {})}
        assert merged[check].get("subjects", {}) == patterns


@given(THRESHOLDS, THRESHOLDS)
def test_merging_changes_neither_side(defaults, overrides):
    before = json.dumps([defaults, overrides])
    subject.merge_thresholds(defaults, overrides)
    assert json.dumps([defaults, overrides]) == before


@given(THRESHOLDS)
def test_merging_nothing_or_itself_changes_nothing(defaults):
    assert subject.merge_thresholds(defaults, {}) == defaults
    assert subject.merge_thresholds(defaults, defaults) == defaults


def test_the_longest_pattern_that_matches_a_subject_is_laid_last():
    thresholds = {
        "filesystem.used": {
            "warning": 80,
            "critical": 90,
            "subjects": {"/data/*": {"warning": 85}, "/data/archive": {"warning": 95, "critical": None}},
        }
    }
    assert subject.limits_for(thresholds, "filesystem.used", "/") == {"warning": 80, "critical": 90}
    assert subject.limits_for(thresholds, "filesystem.used", "/data/db") == {"warning": 85, "critical": 90}
    assert subject.limits_for(thresholds, "filesystem.used", "/data/archive") == {"warning": 95, "critical": None}


def test_every_mistake_in_written_thresholds_is_named_at_once():
    written = {
        "no.such": {"warning": 1},
        "a": 5,
        "b": {"warming": 1, "below": "yes", "critical": "90", "subjects": {"/x": 3, "/y": {"notice": True}}},
    }
    found = subject.threshold_problems(written, ("a", "b"))
    assert [problem.split(":")[0] for problem in found] == [
        "no.such",
        "a",
        "b.warming",
        "b.below",
        "b.critical",
        "b.subjects./x",
        "b.subjects./y.notice",
    ]


def test_thresholds_that_are_no_mapping_are_named():
    assert subject.threshold_problems([1], ()) == ["must map check ids to limits"]


def test_an_observation_holds_its_own_schema():
    seen = subject.observe({"x": {"warning": 1}}, "x", "/var", 2, "count", {"a": 1})
    assert (seen.level, seen.limits) == ("warning", {"warning": 1})
    assert subject.problems(seen._asdict()) == []
    missed = subject.unknown("x", "", "timed_out", command="dnf", seconds=20)
    assert missed.reason == {"code": "timed_out", "parameters": {"command": "dnf", "seconds": 20}}
    assert subject.problems(missed._asdict()) == []


def test_a_word_without_limits_is_fine_and_with_limits_is_a_mistake():
    assert subject.observe({}, "systemd.state", "", "running").level == "ok"
    with pytest.raises(ValueError, match="cannot grade"):
        subject.observe({"systemd.state": {"warning": 1}}, "systemd.state", "", "running")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"check": ""}, "check is empty"),
        ({"check": 5}, "check is not text"),
        ({"value": [1]}, "value is neither"),
        ({"value": float("nan")}, "not finite"),
        ({"level": "fine"}, "level is not one of"),
        ({"level": "unknown"}, "without a reason"),
        ({"reason": "because"}, "reason is not a mapping"),
        ({"detail": None}, "detail is not a mapping"),
        ({"extra": 1}, "surplus extra"),
    ],
)
def test_what_breaks_the_schema_is_named(change, problem):
    candidate = {**subject.observe({}, "x", "", 1)._asdict(), **change}
    assert any(problem in found for found in subject.problems(candidate))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_garbage_passes_or_crashes(candidate):
    assert subject.problems(candidate)
