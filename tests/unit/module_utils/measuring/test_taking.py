from __future__ import annotations

import json
import re

from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.measuring.observer import Observer, capped
from ansible.module_utils.measuring.taking import bounded, clean, take
from hypothesis import given
from hypothesis import strategies as st

OBSERVER = Observer(
    {"cpu.busy": "percent", "cpu.steal": "percent", "unit.failed": "flag", "filesystem.used": "percent"},
    {"unit.failed": {"critical": 1}},
)


@given(
    st.recursive(
        st.text(st.characters()) | st.integers() | st.none() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner) | st.tuples(inner),
    )
)
def test_whatever_a_host_says_becomes_valid_unicode_without_control_characters(value):
    text = json.dumps(clean(value), ensure_ascii=False)
    assert text.encode("utf-8").decode("utf-8") == text
    assert not re.search("[\x00-\x1f\x7f\ud800-\udfff]", text)


def test_names_that_are_not_utf8_can_be_shown():
    assert clean({"path": "/mnt/\udcff\udcfe\n\x00"}) == {"path": "/mnt/\ufffd\ufffd\ufffd\ufffd"}


def test_a_result_that_is_too_long_loses_its_longest_details_first():
    observations = [
        OBSERVER.observe("filesystem.used", 1, {"text": "x" * size}, f"/{size}")._asdict() for size in (10, 5000, 300)
    ]
    kept = bounded(observations, 1500)
    assert len(json.dumps(kept)) <= 1500
    assert [seen["detail"].get("truncated", False) for seen in kept] == [False, True, False]


def test_a_subject_that_crashes_costs_only_its_own_checks():
    def broken(asked):
        yield asked.observe("cpu.busy", 5)
        raise RuntimeError("a bug")

    found = take(OBSERVER, ["cpu.busy", "cpu.steal"], broken)
    assert [(seen.check, seen.level) for seen in found] == [("cpu.busy", "ok"), ("cpu.steal", "unknown")]
    assert found[1].reason["code"] == "check_crashed"
    assert "RuntimeError: a bug (test_taking.py:" in found[1].reason["parameters"]["error"]


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
        (seen,) = take(OBSERVER, ["cpu.busy"], broken)
        assert "hunter2" not in str(seen.reason)
        assert "1101" not in str(seen.reason)


def test_a_subject_that_stops_after_some_of_its_parts_is_not_complete():
    def stops(asked):
        yield asked.observe("unit.failed", 1, subject="a.service")
        raise Unmeasurable("timed_out", command="systemctl", seconds=20)

    found = take(OBSERVER, ["unit.failed"], stops)
    assert [(seen.subject, seen.level) for seen in found] == [("a.service", "critical"), ("", "unknown")]


def test_what_a_subject_left_open_is_unknown_of_that_subject():
    def stops(asked):
        yield asked.observe("cpu.busy", 5, subject="one")
        raise Unmeasurable("timed_out", command="probe", seconds=20)

    found = take(OBSERVER, ["cpu.busy", "cpu.steal"], stops, subject="one")
    assert [(seen.check, seen.subject, seen.level) for seen in found] == [
        ("cpu.busy", "one", "ok"),
        ("cpu.steal", "one", "unknown"),
    ]


def test_a_list_says_when_it_was_cut():
    assert capped("names", [1, 2], 2) == {"names": [1, 2]}
    assert capped("names", [1, 2, 3], 2) == {"names": [1, 2], "truncated": True}
