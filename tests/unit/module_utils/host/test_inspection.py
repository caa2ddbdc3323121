from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible.module_utils.host import inspection
from ansible.module_utils.host.context import Context, Inputs, capped
from ansible.module_utils.host.errors import Unmeasurable
from ansible.module_utils.host.thresholds import CHECKS, DEFAULT_THRESHOLDS, UNITS
from ansible.module_utils.observations import problems, threshold_problems
from hypothesis import given
from hypothesis import strategies as st

README = Path(__file__).resolve().parents[4] / "roles" / "host_inspection" / "README.md"


def test_every_check_is_measured_exactly_once():
    measured = [check for checks, _ in inspection.measures() for check in checks]
    assert sorted(measured) == sorted(CHECKS)


def test_the_default_limits_are_valid_and_of_known_checks():
    assert threshold_problems(DEFAULT_THRESHOLDS, CHECKS) == []


def test_the_table_of_the_readme_is_what_applies():
    rows = re.findall(r"^\| `(.+?)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", README.read_text(), re.MULTILINE)
    assert rows == [
        (
            check,
            unit,
            *(
                ("< " if limits.get("below") else "") + str(limits[level]) if level in limits else ""
                for level in ("notice", "warning", "critical")
            ),
        )
        for check, unit in UNITS.items()
        for limits in [DEFAULT_THRESHOLDS.get(check, {})]
    ]


def context(**inputs):
    return Context(Inputs(DEFAULT_THRESHOLDS, **inputs))


def test_a_subject_that_crashes_costs_only_its_own_checks():
    def broken(asked):
        yield asked.observe("cpu.busy", 5)
        raise RuntimeError("a bug")

    found = inspection.take(context(), ["cpu.busy", "cpu.steal"], broken)
    assert [(seen.check, seen.level) for seen in found] == [("cpu.busy", "ok"), ("cpu.steal", "unknown")]
    assert found[1].reason["code"] == "check_crashed"
    assert "RuntimeError: a bug (test_inspection.py:" in found[1].reason["parameters"]["error"]


def test_a_reason_in_the_host_s_own_words_is_masked():
    def fails(_asked):
        raise Unmeasurable(
            "command_failed", command="mysql -uroot -phunter2", message="x" * 180 + " 110101199003071234"
        )
        yield

    def crashes(_asked):
        raise ValueError("x" * 280 + " 110101199003071234")
        yield

    for broken in (fails, crashes):
        (seen,) = inspection.take(context(), ["cpu.busy"], broken)
        assert "hunter2" not in str(seen.reason)
        assert "1101" not in str(seen.reason)


def test_a_subject_that_stops_after_some_of_its_parts_is_not_complete():
    def stops(asked):
        yield asked.observe("unit.failed", 1, subject="a.service")
        raise Unmeasurable("timed_out", command="systemctl", seconds=20)

    found = inspection.take(context(), ["unit.failed"], stops)
    assert [(seen.subject, seen.level) for seen in found] == [("a.service", "critical"), ("", "unknown")]


def test_only_what_was_asked_for_is_run(monkeypatch):
    def never(_asked):
        pytest.fail("ran")

    subjects = [(checks, function) for checks, function in inspection.measures() if checks == ("host.uptime",)]
    monkeypatch.setattr(inspection, "measures", lambda: (*subjects, (("cpu.busy",), never)))
    assert [seen["check"] for seen in inspection.inspect(context(checks=["host.*"]))] == ["host.uptime"]


def test_one_crash_in_a_whole_inspection(monkeypatch):
    def broken(_asked):
        raise ZeroDivisionError
        yield

    measures = tuple(
        (checks, broken if "memory.used" in checks else function) for checks, function in inspection.measures()
    )
    monkeypatch.setattr(inspection, "measures", lambda: measures)
    found = inspection.inspect(context(checks=["memory.*", "host.*", "pressure.*"]))
    levels = {seen["check"]: seen["level"] for seen in found}
    assert levels["memory.used"] == "unknown"
    assert levels["memory.swap_used"] != "unknown"
    assert [problem for seen in found for problem in problems(seen)] == []


@given(
    st.recursive(
        st.text(st.characters()) | st.integers() | st.none() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner) | st.tuples(inner),
    )
)
def test_whatever_a_host_says_becomes_valid_unicode_without_control_characters(value):
    text = json.dumps(inspection.clean(value), ensure_ascii=False)
    assert text.encode("utf-8").decode("utf-8") == text
    assert not re.search("[\x00-\x1f\x7f\ud800-\udfff]", text)


def test_names_that_are_not_utf8_can_be_shown():
    assert inspection.clean({"path": "/mnt/\udcff\udcfe\n\x00"}) == {"path": "/mnt/\ufffd\ufffd\ufffd\ufffd"}


def test_a_result_that_is_too_long_loses_its_longest_details_first():
    observations = [
        context().observe("filesystem.used", 1, {"text": "x" * size}, f"/{size}")._asdict() for size in (10, 5000, 300)
    ]
    bounded = inspection.bounded(observations, 1500)
    assert len(json.dumps(bounded)) <= 1500
    assert [seen["detail"].get("truncated", False) for seen in bounded] == [False, True, False]


def test_a_question_is_asked_once_even_if_it_cannot_be_answered():
    asked = []

    def question(_context):
        asked.append(1)
        raise Unmeasurable("timed_out", command="slow", seconds=20)

    host = context()
    for _ in range(3):
        with pytest.raises(Unmeasurable):
            host.once(question)
    assert asked == [1]


def test_a_list_says_when_it_was_cut():
    assert capped("names", [1, 2], 2) == {"names": [1, 2]}
    assert capped("names", [1, 2, 3], 2) == {"names": [1, 2], "truncated": True}


@pytest.mark.parametrize(("pattern", "count"), [("cpu.*", 4), ("host.uptime", 1), ("*", len(CHECKS)), ("nothing", 0)])
def test_patterns_of_checks(pattern, count):
    assert len(inspection.matching(pattern)) == count
