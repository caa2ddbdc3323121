from __future__ import annotations

import pytest
from ansible.module_utils.host import inspection
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.thresholds import CHECKS, DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.observations import problems


def test_every_check_is_measured_exactly_once():
    measured = [check for checks, _ in inspection.measures() for check in checks]
    assert sorted(measured) == sorted(CHECKS)


def context(**inputs):
    return Context(Inputs(DEFAULT_THRESHOLDS, **inputs))


def test_only_what_was_asked_for_is_run(monkeypatch):
    def never(_asked):
        pytest.fail("ran")

    subjects = [(checks, function) for checks, function in inspection.measures() if checks == ("host.uptime",)]
    monkeypatch.setattr(inspection, "measures", lambda: (*subjects, (("cpu.busy",), never)))
    assert [seen.check for seen in inspection.inspect(context(checks=["host.*"]))] == ["host.uptime"]


def test_one_crash_in_a_whole_inspection(monkeypatch):
    def broken(_asked):
        raise ZeroDivisionError
        yield

    measures = tuple(
        (checks, broken if "memory.used" in checks else function) for checks, function in inspection.measures()
    )
    monkeypatch.setattr(inspection, "measures", lambda: measures)
    found = list(inspection.inspect(context(checks=["memory.*", "host.*", "pressure.*"])))
    levels = {seen.check: seen.level for seen in found}
    assert levels["memory.used"] == "unknown"
    assert levels["memory.swap_used"] != "unknown"
    assert [problem for seen in found for problem in problems(seen._asdict())] == []


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


@pytest.mark.parametrize(("pattern", "count"), [("cpu.*", 4), ("host.uptime", 1), ("*", len(CHECKS)), ("nothing", 0)])
def test_patterns_of_checks(pattern, count):
    assert len(inspection.matching(pattern)) == count
