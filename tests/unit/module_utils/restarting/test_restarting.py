from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.module_utils.changing import probing
from ansible.module_utils.observations import problems
from ansible.module_utils.restarting import restarting
from ansible.module_utils.restarting.restarting import (
    Restart,
    foreseen,
    lead_back,
    longest,
    longest_back,
    read_services,
    restart,
    wait_problems,
)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def plan(log, monkeypatch, failing=(), before=None):
    """Two services whose commands leave their names in a file, in place of systemctl's."""
    note = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n'); sys.exit(sys.argv[2] in sys.argv[3:])"

    def noting(*words):
        return [sys.executable, "-c", note, str(log), " ".join(words), *failing]

    monkeypatch.setattr(
        restarting,
        "_systemctl",
        lambda plan, verb, service: restarting._command(noting(verb, service.unit), service.seconds),
    )
    entries = [
        {"name": name, "drain_command": noting("drain", name), "resume_command": noting("resume", name)}
        for name in ("back", "front")
    ]
    services, wrong = read_services(entries)
    assert wrong == []
    return Restart(services, probing.declared({"dns": [{"query": "localhost"}]}), before or BEFORE, 0.0, [])


def seen(subject, check="dns.answer"):
    return {"check": check, "subject": subject, "level": "ok", "reason": None}


BEFORE = [seen("localhost"), seen("localhost", "dns.time")]

#: With this before, the probes are never as they were.
OTHER = [*BEFORE, seen("elsewhere")]


def done(log):
    return log.read_text().splitlines() if log.exists() else []


def test_services_stop_from_the_last_and_start_from_the_first(log, monkeypatch):
    outcome = restart(plan(log, monkeypatch))
    assert (outcome.changed, outcome.word, outcome.drained) == (True, "done", [])
    stopped = ["drain back", "drain front", "stop front.service", "stop back.service"]
    assert done(log) == [*stopped, "start back.service", "start front.service", "resume back", "resume front"]
    assert [one.subject for one in outcome.steps.observations][-3:-1] == ["check the probes", "resume back.service"]


def test_each_step_is_an_observation_with_its_times(log, monkeypatch):
    found = restart(plan(log, monkeypatch)).steps.observations
    assert [problem for one in found for problem in problems(dict(one._asdict()))] == []
    assert all(one.detail["started"] <= one.detail["ended"] for one in found)
    assert {one.level for one in found} == {"ok"}


@pytest.mark.parametrize("failing", ["drain back", "stop back.service", "start front.service", "resume front"])
def test_where_a_step_fails_all_are_started_again(log, monkeypatch, failing):
    outcome = restart(plan(log, monkeypatch, failing=[failing]))
    assert (outcome.changed, outcome.word) == (True, "troubled")
    assert [line for line in done(log) if line.startswith("start")][-2:] == [
        "start back.service",
        "start front.service",
    ]
    failed = [one for one in outcome.steps.observations if one.level == "critical"]
    assert "command failed: " in failed[0].detail["problem"]
    assert outcome.steps.observations[-1].detail["way_back"]


def test_only_what_this_run_drained_gets_its_traffic_back(log, monkeypatch):
    outcome = restart(plan(log, monkeypatch, failing=["drain back"]))
    assert [line for line in done(log) if line.startswith(("drain", "resume"))] == ["drain back", "resume back"]
    assert outcome.drained == []


def test_what_is_not_as_it_was_gets_no_traffic_and_says_so(log, monkeypatch):
    outcome = restart(plan(log, monkeypatch, before=OTHER))
    assert [line for line in done(log) if line.startswith("resume")] == []
    assert outcome.drained == ["back.service", "front.service"]
    last = outcome.steps.observations[-1]
    assert (last.subject, last.level, last.detail["problem"]) == ("resume front.service", "critical", "left drained")


def test_a_command_is_told_by_its_program_alone(log, monkeypatch):
    work = restarting._command([sys.executable, "-c", "raise SystemExit('no such pool')", "-p", "geheim"], 30)
    assert work() == f"command failed: {Path(sys.executable).name}: no such pool"
    assert restarting._command(["sh", "-c", "sleep 30", "geheim"], 0.2)() == "not done within 0 s: sh"
    assert restarting._command(["no-such-tool", "geheim"], 1)() == "tool missing: no-such-tool"


def test_how_long_a_restart_and_its_way_back_may_take(log, monkeypatch):
    one = plan(log, monkeypatch)._replace(wait_seconds=60)
    assert (longest(one), longest_back(one)) == (2 * 4 * 120 + 60, 2 * 2 * 120 + 60)
    few = one.only(["back.service"])._replace(services=[one.services[0]._replace(drain=[], resume=[], seconds=5)])
    assert (longest(few), longest_back(few)) == (70, 65)


def test_the_way_back_does_every_step_whatever_becomes_of_the_others(log, monkeypatch):
    outcome = lead_back(plan(log, monkeypatch, failing=["start back.service"]), ["front.service"])
    assert done(log) == ["start back.service", "start front.service", "resume front"]
    assert (outcome.word, outcome.drained) == ("troubled", [])


def test_order_overrides_the_list(log):
    services, _ = read_services([{"name": "a", "order": 2}, {"name": "b"}, {"name": "c"}])
    assert [one.unit for one in services] == ["b.service", "c.service", "a.service"]


def test_everything_that_is_wrong_is_named():
    seconds = [-1, 0, 3601, float("nan"), float("inf")]
    entries = [{"name": f"s{index}", "timeout": one} for index, one in enumerate(seconds)]
    _, wrong = read_services([{"name": "a"}, {"name": "a.service"}, {"name": "a.timer"}, *entries])
    assert [part.split(": ")[1] for part in wrong] == [
        "a.service is named twice",
        "a.timer is no service",
        *(f"'s{index}.service'" for index in range(5)),
    ]
    assert [bool(wait_problems(one)) for one in (0, 60, -1, 3601, float("nan"))] == [False, False, True, True, True]


def test_what_check_mode_foresees_is_what_is_done_then(log, monkeypatch):
    intended = plan(log, monkeypatch)
    found = foreseen(intended)
    assert not log.exists()
    assert {(one.value, one.level) for one in found} == {("planned", "ok")}
    assert [one.subject for one in found] == [one.subject for one in restart(intended).steps.observations]
    assert [problem for one in found for problem in problems(dict(one._asdict()))] == []
    assert foreseen(intended._replace(services=[])) == []
