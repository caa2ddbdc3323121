"""What the module does with calls of one run on one host, in this process; systemctl notes what it is asked."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible.module_utils.changing import hold, probing
from ansible.module_utils.changing.hold import Hold
from ansible.module_utils.restarting import assessing, restarting

from tests.unit.library.test_changing_modules import MODULES

MODULE = MODULES["service_restart"]
WELL = [{"check": "unit.active", "subject": "db.service", "level": "ok", "reason": None}]
CHANGE = {"run": "mine", "change": "SJ-1", "lease_seconds": 100, "reserve_seconds": 0, "host_seconds": None}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return what systemctl is asked, on a host where every service runs and is well."""
    asked = []
    monkeypatch.setattr(hold, "folder_of_account", lambda: str(tmp_path / "hold"))
    monkeypatch.setattr(probing, "ask", lambda _: WELL)
    monkeypatch.setattr(assessing, "look", lambda _: assessing.Running(0.0, [1]))
    monkeypatch.setattr(
        restarting, "_systemctl", lambda _, verb, service: lambda: asked.append(f"{verb} {service.unit}")
    )
    return asked


def call(*names, change=CHANGE):
    services, _ = restarting.read_services([{"name": name} for name in names])
    plan = restarting.Restart(services, probing.declared({}), [], 1.0, [])
    given = {"state": "restarted", "when": "always", "thresholds": {}, "change": change}
    return MODULE.work(SimpleNamespace(check_mode=False, params=given), plan)


def steps(result):
    found = [one for one in result["observations"] if one["check"] == "change.step"]
    return [(one["subject"], one["level"], one["detail"].get("problem")) for one in found]


def test_a_second_call_of_a_run_with_other_services_works(asked):
    assert [call(name)["outcome"] for name in ("db", "web")] == ["done", "done"]
    assert asked == ["stop db.service", "start db.service", "stop web.service", "start web.service"]


def test_a_call_that_is_sent_again_after_its_end_returns_what_it_did(asked):
    first = call("db")
    again = call("db", change={**CHANGE, "host_seconds": 5, "lease_seconds": 10})
    assert again == json.loads(json.dumps(first))
    assert asked == ["stop db.service", "start db.service"]


@pytest.mark.parametrize("names", [("db",), ("web", "db")])
def test_what_a_call_has_begun_and_not_ended_is_led_back(asked, monkeypatch, names):
    def die(_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(MODULE, "restart", die)
        with pytest.raises(SystemExit):
            call("db")
    result = call(*names)
    assert (result["outcome"], result["restarted"], asked) == ("troubled", ["db.service"], ["start db.service"])


def test_the_host_s_next_run_knows_nothing_of_it(asked):
    call("db")
    with Hold("mine") as held:
        held.release()
    call("db", change={**CHANGE, "run": "next"})
    assert asked == ["stop db.service", "start db.service"] * 2


def test_what_is_left_for_want_of_time_says_so(asked):
    result = call("db", change={**CHANGE, "host_seconds": 300})
    assert (result["outcome"], result["changed"], asked) == ("left", False, [])
    assert steps(result) == [("left alone db.service", "critical", "too late, may take 362 s, has 300 s")]


def test_what_is_left_as_it_could_not_be_judged_says_so(asked, monkeypatch):
    monkeypatch.setattr(probing, "ask", lambda _: [{**WELL[0], "level": "critical"}])
    result = call("db")
    assert (result["outcome"], asked) == ("left", [])
    assert steps(result) == [("left alone db.service", "critical", "no probe is well")]
