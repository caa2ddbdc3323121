from __future__ import annotations

import pytest
from ansible.module_utils.measuring.observer import Observer
from ansible.module_utils.services import units
from ansible.module_utils.services.thresholds import DEFAULT_THRESHOLDS, UNITS

#: As `systemctl show` of systemd 252 answers: a running, a failed, a missing, a masked, a restarting unit, an alias.
SHOWN = """\
Result=success
StateChangeTimestampMonotonic=2000000
Id=ssh.service
LoadState=loaded
ActiveState=active
SubState=running

Result=exit-code
StateChangeTimestampMonotonic=3000000
Id=broken.service
LoadState=loaded
ActiveState=failed
SubState=failed

Result=success
StateChangeTimestampMonotonic=0
Id=none.service
LoadState=not-found
ActiveState=inactive
SubState=dead

Result=success
StateChangeTimestampMonotonic=0
Id=hidden.service
LoadState=masked
ActiveState=inactive
SubState=dead

Result=exit-code
StateChangeTimestampMonotonic=4000000
Id=flapping.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart

StateChangeTimestampMonotonic=5000000
Id=mariadb.service
LoadState=loaded
ActiveState=reloading
SubState=reload
"""
NAMES = [f"{name}.service" for name in ("ssh", "broken", "none", "hidden", "flapping", "mysql")]


@pytest.fixture
def systemd(monkeypatch):
    """Let systemctl say a text: systemd(text) → the arguments of each call."""

    def says(text):
        calls = []

        def run(argv, _timeout):
            calls.append(argv)
            return units.commands.Completed(0, text, "")

        monkeypatch.setattr(units, "running", lambda: True)
        monkeypatch.setattr(units.commands, "run", run)
        return calls

    return says


def look(names):
    return list(units.active(Observer(UNITS, DEFAULT_THRESHOLDS), names, 5.0))


def test_each_unit_is_asked_for_in_one_call(systemd):
    calls = systemd(SHOWN)
    seen = look(NAMES)
    assert [(each.subject, each.value, each.level) for each in seen] == [
        ("ssh.service", 1, "ok"),
        ("broken.service", 0, "critical"),
        ("none.service", 0, "critical"),
        ("hidden.service", 0, "critical"),
        ("flapping.service", 0, "critical"),
        ("mysql.service", 1, "ok"),
    ]
    (argv,) = calls
    assert argv[-7:] == ["--", *NAMES]


def test_the_detail_says_what_came_instead(systemd):
    systemd(SHOWN)
    details = [{key: value for key, value in each.detail.items() if key != "since"} for each in look(NAMES)]
    assert details == [
        {"state": "active"},
        {"state": "failed", "result": "exit-code"},
        {"state": "not-found"},
        {"state": "masked"},
        {"state": "auto-restart", "result": "exit-code"},
        {"state": "reloading", "unit": "mariadb.service"},
    ]


@pytest.mark.parametrize(
    ("source", "sub", "level"),
    [
        ("/etc/init.d/oracle", "exited", "unknown"),
        ("/etc/rc.d/init.d/oracle", "exited", "unknown"),
        ("/etc/init.d/oracle", "running", "ok"),
        ("", "exited", "ok"),
    ],
)
def test_a_unit_made_of_an_init_script_says_active_long_after_its_process_died(systemd, source, sub, level):
    systemd(f"Id=oracle.service\nLoadState=loaded\nActiveState=active\nSubState={sub}\nSourcePath={source}\n")
    (seen,) = look(["oracle.service"])
    assert seen.level == level
    assert (seen.reason is None) == (level == "ok")


def test_fewer_answers_than_questions_are_unknown_not_shifted(systemd):
    systemd(SHOWN.partition("\n\n")[2])
    assert {each.reason["code"] for each in look(NAMES)} == {"unparsable"}


def test_without_systemd_nothing_is_fine(monkeypatch):
    monkeypatch.setattr(units, "running", lambda: False)
    seen = look(NAMES)
    assert [each.subject for each in seen] == NAMES
    assert [each.reason for each in seen] == [{"code": "not_running", "parameters": {"service": "systemd"}}] * 6


def test_nothing_declared_nothing_asked(monkeypatch):
    monkeypatch.setattr(units, "running", lambda: pytest.fail("asked"))
    assert look([]) == []
