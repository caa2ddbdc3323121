from __future__ import annotations

import datetime
import time

import pytest
from ansible.module_utils.host import services
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_failed_units_of_real_hosts(captured, suite):
    assert services.parse_failed(captured(suite + "/systemctl-failed.txt")) == ["broken.service"]
    broken, flapping = services.parse_show(captured(suite + "/systemctl-show.txt"))
    assert (broken.name, broken.result) == ("broken.service", "exit-code")
    assert 6_700 < broken.since < 6_800  # seconds after the machine started
    assert (flapping.result, round(flapping.since)) == ("success", round(broken.since))


def test_a_unit_that_never_ran_has_no_time():
    text = "Result=resources\nId=a.service\nStateChangeTimestampMonotonic=0\nInactiveEnterTimestampMonotonic=0\n"
    assert services.parse_show(text) == [services.Unit("a.service", "resources", None)]


@pytest.fixture
def systemd(monkeypatch):
    """Let systemctl say: systemd({"show": "...", "is-system-running": "degraded"}) → a context."""

    def says(answers):
        def run(argv, _timeout, accepted=(0,)):
            return services.commands.Completed(0, answers.get(argv[1], ""), "")

        monkeypatch.setattr(services, "running", lambda: True)
        monkeypatch.setattr(services.commands, "run", run)
        return Context(Inputs(DEFAULT_THRESHOLDS))

    return says


def test_since_when_a_unit_failed_is_told_in_utc(systemd):
    elapsed = time.monotonic() - 3600
    show = f"Result=exit-code\nId=a.service\nInactiveEnterTimestampMonotonic={int(elapsed * 1e6)}\n"
    (seen,) = services.failed(systemd({"list-units": "a.service loaded failed", "show": show}))
    since = datetime.datetime.fromisoformat(seen.detail["since"])
    assert since.utcoffset() == datetime.timedelta(0)
    assert abs(time.time() - 3600 - since.timestamp()) < 2


def test_units_beyond_the_limit_are_counted(systemd, monkeypatch):
    monkeypatch.setattr(services, "MAXIMUM", 2)
    units = "".join(f"{name}.service loaded failed\n" for name in "abcde")
    show = "\n\n".join(f"Result=exit-code\nId={name}.service" for name in "ab")
    found = list(services.failed(systemd({"list-units": units, "show": show})))
    assert [seen.subject for seen in found] == ["a.service", "b.service", ""]
    assert found[-1].reason == {"code": "left_out", "parameters": {"count": 3}}


@pytest.mark.parametrize(
    ("word", "level"),
    [("running", "ok"), ("degraded", "notice"), ("starting", "notice"), ("maintenance", "critical")],
)
def test_each_state_of_systemd_has_its_level_and_keeps_its_word(systemd, word, level):
    (seen,) = services.state(systemd({"is-system-running": word + "\n"}))
    assert (seen.value, seen.level) == (word, level)


@pytest.mark.parametrize("word", ["offline", "unknown", "", "something new"])
def test_a_state_that_nobody_knows_is_unknown(systemd, word):
    with pytest.raises(Unmeasurable):
        list(services.state(systemd({"is-system-running": word})))


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
