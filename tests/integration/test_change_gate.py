"""The gate on real hosts: batches, lost hosts, the window's end, two runs at once, a controller that dies."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.gated import Gated, Told, batches, observations, told
from tests.lab import Lab, command
from tests.program import PROJECT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

HOSTS = "app1,app2,legacy"
SLOW = {
    "service_restart_services": [{"name": "hello", "drain_command": ["sleep", "6"], "timeout": 7}],
    "service_restart_wait": 1.0,
}

#: Stands in for ssh: what the first execution of the module answers is lost, as when a connection drops.
DROPPING_SSH = """#!/bin/sh
case "$*" in *python*) ;; *) exec ssh "$@" ;; esac
cat >"{folder}/input.$$"
if grep -qa service_restart "{folder}/input.$$" && mkdir "{folder}/dropped" 2>/dev/null; then
    ssh "$@" <"{folder}/input.$$" >/dev/null 2>&1
    exit 255
fi
exec ssh "$@" <"{folder}/input.$$"
"""


class Restarts:
    """Calls of the procedure on some of the lab's hosts; each is a run of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def gated(self, **token: Any) -> Gated:
        self.count += 1
        under = {"change": "SJ-1"} if "window_end" in token else {"routine": True}
        return Gated(self.folder, f"lab-{os.getpid()}-{self.count}", {"batch_seconds": 30, **under, **token})

    @staticmethod
    def arguments(limit: str, **variables: Any) -> list[str]:
        inventory, playbook = Lab.inventory, PROJECT / "playbooks" / "restart-services.yml"
        return ["-i", str(inventory), "--limit", limit, "-e", json.dumps(variables), str(playbook)]

    def run(self, limit: str, token: dict[str, Any] | None = None, **variables: Any) -> tuple[int, Told, str]:
        return self.gated(**(token or {})).run(*self.arguments(limit, **variables))


@pytest.fixture
def restarts(lab: Lab, tmp_path: Path) -> Iterator[Restarts]:
    yield Restarts(tmp_path)
    for name in ("app1", "app2", "jump"):
        lab.shell(name, "rm -rf /run/weibao")
    lab.shell("legacy", "rm -rf /home/inspector/.weibao-*")


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def since(lab: Lab, host: str, unit: str) -> int:
    return int(lab.shell(host, f"systemctl show --value -p ActiveEnterTimestampMonotonic {unit}"))


def changed(found: Told) -> list[str]:
    return sorted(event["host"] for event in found if event["result"].get("changed"))


def wait_for(process: subprocess.Popen[str], task: str, host: str) -> list[str]:
    """Read what a play tells until a task is done on a host; return the lines."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("{") and json.loads(line)["task"].startswith(task) and json.loads(line)["host"] == host:
            return lines
    raise AssertionError(f"{task} was not done on {host}:\n{''.join(lines)}")


def wait_until(lab: Lab, host: str, script: str) -> None:
    lab.shell(host, f"for _ in $(seq 300); do if {script}; then exit 0; fi; sleep 0.1; done; exit 1")


def test_services_are_restarted_in_batches_on_three_hosts(lab: Lab, restarts: Restarts) -> None:
    units = {"app1": "hello", "app2": "nginx", "legacy": "chrony"}
    before = {host: since(lab, host, unit) for host, unit in units.items()}
    code, found, printed = restarts.run(HOSTS, service_restart_when="always", weibao_batches=[1, "100%"])
    assert code == 0, printed
    assert [(one["value"], one["detail"]["done"]) for one in batches(found)] == [
        ("passed", ["app1"]),
        ("passed", ["app2", "legacy"]),
    ]
    assert changed(found) == ["app1", "app2", "legacy"]
    assert all(since(lab, host, unit) > before[host] for host, unit in units.items())
    steps = observations(found, "change.step")
    assert [one["subject"] for one in steps][:5] == [
        "stop nginx.service",
        "stop hello.service",
        "start hello.service",
        "start nginx.service",
        "check the probes",
    ]
    assert all(one["level"] == "ok" and one["detail"]["started"] <= one["detail"]["ended"] for one in steps)
    assert lab.shell("app1", "ls /run/weibao") == "lock\n", "given free"
    assert lab.shell("legacy", "ls /home/inspector/.weibao-*") == "lock\n"


def test_a_replaced_program_makes_a_restart_due_and_a_second_run_changes_nothing(lab: Lab, restarts: Restarts) -> None:
    lab.shell("app1", "p=$(readlink -f /usr/bin/python3); cp -p $p $p.new; mv $p.new $p")
    code, found, printed = restarts.run("app1,app2")
    assert code == 0, printed
    assert changed(found) == ["app1"]
    (due,) = [one for one in observations(found, "restart.due") if one["value"] == 1]
    assert (due["subject"], due["detail"]["due_for"]) == ("hello.service", ["restart.updates"])
    code, found, printed = restarts.run("app1,app2")
    assert (code, changed(found)) == (0, []), printed
    assert {one["value"] for one in observations(found, "restart.due")} == {0}


def test_the_assessment_alone_needs_no_change_and_touches_nothing(lab: Lab, restarts: Restarts) -> None:
    before = since(lab, "app1", "hello")
    gated = Gated(restarts.folder, "none", None)
    variables = {"service_restart_when": "always"}
    code, found, printed = gated.run("--check", *restarts.arguments(HOSTS, **variables))
    assert code == 0, printed
    assert {event["host"] for event in found if event["result"].get("observations")} == set(HOSTS.split(","))
    assert batches(found) == []
    assert since(lab, "app1", "hello") == before
    assert lab.shell("app1", "ls -A /run/weibao 2>/dev/null || true") in ("", "lock\n")
    code, found, printed = gated.run(*restarts.arguments(HOSTS, **variables))
    assert code == 2
    assert "weibao change request FILE" in printed
    assert since(lab, "app1", "hello") == before


def test_a_host_that_dies_between_batches_ends_the_change(lab: Lab, restarts: Restarts) -> None:
    variables = {"service_restart_when": "always", "weibao_batches": [1, 2, "100%"]}
    process = restarts.gated().start(*restarts.arguments("app1,app2,jump,legacy", **variables))
    lines = wait_for(process, "Restart the services", "app1")
    lab.kill("app2")
    try:
        rest, _ = process.communicate(timeout=200)
    finally:
        lab.start("app2")
    found = told("".join(lines) + rest)
    assert process.returncode not in (0, None)
    last = batches(found)[-1]
    assert (last["value"], last["level"]) == ("failed", "critical")
    assert (last["detail"]["lost"], last["detail"]["done"], last["detail"]["left"]) == (["app2"], ["jump"], ["legacy"])
    assert "legacy" not in changed(found)


def test_what_does_not_start_again_is_led_back_and_ends_the_change(lab: Lab, restarts: Restarts) -> None:
    drop_in = "/run/systemd/system/hello.service.d"
    lab.shell("app1", f"mkdir -p {drop_in}; printf '[Service]\\nExecStartPre=/bin/false\\n' >{drop_in}/planted.conf")
    lab.shell("app1", "systemctl daemon-reload")
    try:
        variables = {"service_restart_when": "always", "service_restart_wait": 1.0}
        code, found, printed = restarts.run("app1,app2", **variables)
    finally:
        lab.shell(
            "app1", f"rm -r {drop_in}; systemctl daemon-reload; systemctl reset-failed hello; systemctl start hello"
        )
    assert code == 2, printed
    (failed,) = batches(found)
    assert (failed["value"], failed["detail"]["worse"], failed["detail"]["left"]) == ("failed", ["app1"], ["app2"])
    steps = observations(found, "change.step")
    assert next(one for one in steps if one["level"] == "critical")["subject"] == "start hello.service"
    assert [one["subject"] for one in steps if one["detail"].get("way_back")].count("start again nginx.service") == 2
    assert "unit.active hello.service" in printed
    assert "app2" not in {event["host"] for event in found}
    assert lab.shell("app1", "ls /run/weibao") == "lock\n", "given free"


def test_a_window_that_closes_mid_way_leaves_the_remainder(lab: Lab, restarts: Restarts) -> None:
    # 14 s are left for the play to begin, and the first batch takes longer than that.
    window = {"window_end": in_seconds(103), "reserve_seconds": 9, "batch_seconds": 80}
    slow = [{"name": "hello", "drain_command": ["sleep", "15"], "timeout": 16}]
    variables: dict[str, Any] = {"service_restart_services": slow, "service_restart_wait": 1.0}
    variables |= {"service_restart_when": "always", "weibao_batches": [1, "100%"]}
    code, found, printed = restarts.run("app1,app2", window, **variables)
    assert code == 0, printed
    assert [one["value"] for one in batches(found)] == ["passed", "window closed"]
    assert batches(found)[-1]["detail"]["left"] == ["app2"]
    assert changed(found) == ["app1"]


def test_a_host_whose_services_may_take_longer_than_the_window_is_left_and_pauses(lab: Lab, restarts: Restarts) -> None:
    before = since(lab, "app1", "nginx")
    window = {"window_end": in_seconds(120), "reserve_seconds": 9, "batch_seconds": 1}
    code, found, printed = restarts.run("app1,app2", window, service_restart_when="always")
    assert code == 0, printed
    (paused,) = batches(found)
    assert (paused["value"], paused["detail"]["unmeasured"], paused["detail"]["left"]) == ("paused", ["app1"], ["app2"])
    assert changed(found) == []
    assert {one["detail"]["action"] for one in observations(found, "change.step")} == {"left alone"}
    assert since(lab, "app1", "nginx") == before
    assert lab.shell("app1", "ls /run/weibao") == "lock\n", "given free"


def test_what_a_host_has_not_or_does_not_run_is_left_alone(lab: Lab, restarts: Restarts) -> None:
    before = since(lab, "app1", "nginx")
    lab.shell("app1", "systemctl stop hello")
    try:
        code, found, printed = restarts.run("app1,db1", service_restart_when="always", service_restart_wait=1.0)
        states = lab.shell("app1", "systemctl is-active hello nginx || true")
    finally:
        lab.shell("app1", "systemctl start hello")
    assert code == 0, printed
    assert [(one["value"], one["detail"]["done"]) for one in batches(found)] == [
        ("passed", ["app1"]),
        ("passed", ["db1"]),
    ]
    assert states == "inactive\nactive\n"
    assert since(lab, "app1", "nginx") > before
    steps = [one["subject"] for one in observations(found, "change.step")]
    restarted = ["stop nginx.service", "start nginx.service", "check the probes"]
    assert steps == ["left alone hello.service", *restarted, "nothing due"]


@pytest.mark.parametrize("retries", [None, 1])
def test_a_connection_that_drops_restarts_nothing_twice(lab: Lab, restarts: Restarts, retries: int | None) -> None:
    ssh = restarts.folder / "ssh"
    ssh.write_text(DROPPING_SSH.format(folder=restarts.folder))
    ssh.chmod(0o700)
    started = "journalctl -q -u nginx -o cat | grep -c '^Started' || true"
    before = int(lab.shell("app1", started))
    variables: dict[str, Any] = {"ansible_ssh_executable": str(ssh), "service_restart_when": "always"}
    again: dict[str, Any] = {} if retries is None else {"ansible_ssh_retries": retries}
    code, found, printed = restarts.run("app1,app2", **variables, **again)
    assert int(lab.shell("app1", started)) == before + 1, printed
    if retries is None:
        assert "app2" not in {event["host"] for event in found}
        assert code == 4, printed
        assert batches(found) == []
    else:  # sent again, it tells what it did
        assert code == 0, printed
        assert [(one["value"], one["detail"]["done"]) for one in batches(found)] == [
            ("passed", ["app1"]),
            ("passed", ["app2"]),
        ]
        assert {one["detail"].get("way_back") for one in observations(found, "change.step")} == {None}


def test_one_run_at_a_time_changes_a_host(lab: Lab, restarts: Restarts) -> None:
    variables = {"service_restart_when": "always", **SLOW}
    first = restarts.gated()
    process = first.start(*restarts.arguments("app1", **variables))
    wait_until(lab, "app1", "test -e /run/weibao/change.json")
    code, found, printed = restarts.run("app1", service_restart_when="always")
    assert code == 2, printed
    assert f"run {first.run_id} is at work on this host" in printed
    assert changed(found) == []
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0, rest


def test_a_host_whose_controller_died_is_free_when_its_hold_is_over(lab: Lab, restarts: Restarts) -> None:
    first = restarts.gated(batch_seconds=1)  # so that the hold is the shortest
    process = first.start(*restarts.arguments("app1", service_restart_when="always", **SLOW))
    wait_until(lab, "app1", "test -e /run/weibao/change.json")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, _, printed = restarts.run("app1", service_restart_when="always")
    assert code == 2
    assert f"run {first.run_id} " in printed
    deadline = time.monotonic() + 120
    while code != 0 and time.monotonic() < deadline:
        time.sleep(3)
        code, _, printed = restarts.run("app1", service_restart_when="always")
    assert code == 0, printed
    assert (
        command(["podman", "exec", "weibao-lab-app1", "systemctl", "is-active", "hello", "nginx"]) == "active\nactive\n"
    )
