from __future__ import annotations

import pytest
from ansible.module_utils.host import services
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_failed_units_of_real_hosts(captured, suite):
    assert services.parse_failed(captured(suite + "/systemctl-failed.txt")) == ["broken.service"]
    broken, flapping = services.parse_show(captured(suite + "/systemctl-show.txt"))
    assert (broken.name, broken.result) == ("broken.service", "exit-code")
    assert broken.since.startswith("Sun 2026-11-22 ")
    assert (flapping.result, flapping.since) == ("success", "")


def test_old_systemctl_marks_failed_units_with_a_dot():
    assert services.parse_failed("\u25cf a.service loaded failed failed A\n* b.service loaded failed failed\n\n") == [
        "a.service",
        "b.service",
    ]


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_restarts_in_the_journals_of_real_hosts(captured, suite):
    lines = captured(suite + "/journal-restarts.jsonl").encode().splitlines()
    restarts = [services.parse_restart(line) for line in lines]
    assert {unit for unit, _ in restarts} == {"flapping.service"}
    assert services.most_within([moment for _, moment in restarts], 300) == len(restarts) >= 3


@pytest.mark.parametrize(
    ("moments", "most"),
    [([], 0), ([5], 1), ([0, 301, 602], 1), ([0, 300], 2), ([0, 100, 200, 400, 450, 500], 4), ([500, 0, 499, 1], 2)],
)
def test_the_worst_five_minutes(moments, most):
    assert services.most_within(moments, 300) == most


@given(st.lists(st.integers(0, 5000)))
def test_the_worst_span_is_that_of_trying_them_all(moments):
    spans = [sum(start <= moment <= start + 300 for moment in moments) for start in moments]
    assert services.most_within(moments, 300) == max(spans, default=0)
