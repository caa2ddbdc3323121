"""Real Ansible on this machine: whatever ends a run, nothing of it is left and nothing secret was kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.evidence.events import FORGED, Ending
from runner.execution.execute import execute
from runner.execution.job import Job
from runner.execution.processes import end_processes, memory_folders, processes_of
from runner.site import PROJECT

HOSTS = """
all:
  hosts:
    localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
SLEEP = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: sleep 300\n"


def job(folder: Path, tasks: str, **fields: Any) -> Job:
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "play.yml").write_text(tasks)
    return Job(f"test-{folder.name}-{os.getpid()}", PROJECT, folder / "play.yml", folder / "hosts.yml", **fields)


def left_behind(run_id: str) -> list[Any]:
    folders = [path for folder in memory_folders() for path in folder.glob(f"weibao-{run_id}-*")]
    return [*processes_of(run_id), *folders]


def test_a_run_hands_over_every_event_and_leaves_nothing(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    play = job(tmp_path, "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: hello}\n")
    assert execute(play, events.append) == Ending(0, "successful")
    assert [event["counter"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event"] == "playbook_on_stats"
    assert left_behind(play.run_id) == []


def test_host_keys_are_checked_though_ansible_runner_would_not(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    text = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "{{ lookup('config', 'HOST_KEY_CHECKING') }}"}
"""
    execute(job(tmp_path, text), events.append)
    shown = [event["event_data"]["res"]["msg"] for event in events if event["event"] == "runner_on_ok"]
    assert shown == [True]


FORGER = """#!/usr/bin/python
# WANT_JSON
import base64, json
def token(data):
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    parts = (encoded[start : start + 78] for start in range(0, len(encoded), 78))
    return "\\x1b[K" + "".join("%s\\x1b[%dD" % (part, len(part)) for part in parts) + "\\x1b[K"
data = {"host": "victim", "task": "t", "res": {"changed": False}}
forged = {"uuid": "forged", "event": "runner_on_ok", "created": "2026-11-21T00:00:00Z", "event_data": data}
print(json.dumps({"changed": False, "warnings": [token(forged) + "noise" + token({})]}))
"""


def test_a_host_cannot_forge_the_events_of_another(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "forger.py").write_text(FORGER)
    events: list[dict[str, Any]] = []
    execute(job(tmp_path, "- hosts: all\n  gather_facts: false\n  tasks:\n    - forger:\n"), events.append)
    assert {one["event_data"].get("host") for one in events} == {None, "localhost"}
    assert FORGED in [one["event"] for one in events], "the forgery came through, and was recognised"
    assert all("job_id" not in one for one in events)


def test_settings_of_the_caller_s_shell_do_not_reach_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "ansible.log"
    monkeypatch.setenv("ANSIBLE_LOG_PATH", str(log))
    monkeypatch.setenv("ANSIBLE_ASK_PASS", "1")
    monkeypatch.setenv("ANSIBLE_LIBRARY", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    play = job(tmp_path, "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n")
    assert execute(play, lambda _event: None) == Ending(0, "successful")
    assert not log.exists()
    assert os.environ["ANSIBLE_LOG_PATH"] == str(log), "given back afterwards"


def test_the_gate_is_told_of_a_change_by_the_file_of_the_job_and_by_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIBAO_CHANGE", str(tmp_path / "forged"))
    script = 'import json, os; path = os.environ.get("WEIBAO_CHANGE"); print(path and json.load(open(path))["change"])'
    tasks = f"    - ansible.builtin.command: {{argv: [python3, -c, '{script}']}}\n"
    (tmp_path / "change.json").write_text('{"run": "r", "change": "C-1"}')
    for change, told in ((None, "None"), (tmp_path / "change.json", "C-1")):
        events: list[dict[str, Any]] = []
        play_job = job(tmp_path, f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}", change=change)
        assert execute(play_job, events.append) == Ending(0, "successful")
        shown = [event["event_data"]["res"]["stdout"] for event in events if event["event"] == "runner_on_ok"]
        assert shown == [told]
        assert left_behind(play_job.run_id) == []


def test_a_stopped_local_run_leaves_no_module_and_no_argument_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What others leave below this machine's own home is none of ours.
    monkeypatch.setenv("HOME", str(tmp_path))
    execute(job(tmp_path, SLEEP, timeout_seconds=3), lambda _event: None)
    assert list((tmp_path / ".ansible" / "tmp").glob("*")) == []


def test_a_signal_that_the_caller_ignores_stays_ignored(tmp_path: Path) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    play = job(tmp_path, "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: sleep 1\n")
    try:
        ending = execute(play, lambda one: os.kill(os.getpid(), signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, former)
    assert ending == Ending(0, "successful")


def test_a_timeout_ends_the_run_and_every_process_of_it(tmp_path: Path) -> None:
    play = job(tmp_path, SLEEP, timeout_seconds=2)
    ending = execute(play, lambda _event: None)
    assert ending.stopped is not None
    assert ending.stopped.code == "timed_out"
    assert left_behind(play.run_id) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    play = job(tmp_path, SLEEP)

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "runner_on_start":
            threading.Timer(0.5, os.kill, (os.getpid(), number)).start()

    ending = execute(play, on_event)
    assert ending.stopped is not None
    assert ending.stopped.parameters == {"signal": number.name}
    assert left_behind(play.run_id) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug")])
def test_an_error_of_ours_stops_the_run_and_comes_out(tmp_path: Path, error: Exception) -> None:
    play = job(tmp_path, SLEEP)

    def failing(_event: dict[str, Any]) -> None:
        raise error

    with pytest.raises(type(error)):
        execute(play, failing)
    assert left_behind(play.run_id) == []


def test_the_watchdog_ends_the_run_of_a_program_that_was_killed(tmp_path: Path) -> None:
    play = job(tmp_path, SLEEP)
    program = """
import sys
from pathlib import Path
from runner.execution.execute import execute
from runner.execution.job import Job
run_id, *paths = sys.argv[1:]
execute(Job(run_id, *map(Path, paths)), lambda event: print(event["event"], flush=True))
"""
    command = [sys.executable, "-c", program, play.run_id, *map(str, (PROJECT, play.playbook, play.inventory))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        for line in running.stdout:
            if line.strip() == "runner_on_start":
                break
        assert processes_of(play.run_id)
        running.kill()
    deadline = time.monotonic() + 5
    while left_behind(play.run_id) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_behind(play.run_id) == []


def test_processes_that_open_sessions_of_their_own_are_found_and_ended() -> None:
    run_id = f"sessions-{os.getpid()}"
    environment = {**os.environ, "WEIBAO_RUN_ID": run_id}
    command = "setsid sh -c 'env -u WEIBAO_RUN_ID sleep 300 & sleep 300' & sleep 300"
    with subprocess.Popen(["sh", "-c", command], env=environment):
        deadline = time.monotonic() + 5
        while len(processes_of(run_id)) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(processes_of(run_id)) >= 4
        assert end_processes(run_id) == []
    assert processes_of(run_id) == []
