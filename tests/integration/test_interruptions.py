"""kill -9 at any moment: no half entry, no worker after 5 s, and the next command seals the run as interrupted."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from runner.execution.processes import memory_folders
from tests.program import Program

INPUTS = "host_inspection_sample_seconds: 2\nhost_inspection_checks: ['cpu.*', 'filesystem.*']\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites").make_site("own", group_vars__all=INPUTS)


def workers(home: Path) -> list[psutil.Process]:
    """Every process of this test's runs: they all bear its home in their environment, the watchdog too."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("WEIBAO_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def gone_within(seconds: float, home: Path) -> bool:
    deadline = time.monotonic() + seconds
    while workers(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def leftovers(program: Program) -> list[Path]:
    """What this program's runs left in memory: their folders are named after them."""
    folders = [path for folder in memory_folders() for path in folder.glob("weibao-*")]
    return [path for path in folders if any(run.name in path.name for run in program.runs())]


@pytest.mark.parametrize("delay", [0.1, 0.4, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0])
def test_killed_at_any_moment(program: Program, delay: float) -> None:
    running = subprocess.Popen(
        program.command("run", "inspect"), env=program.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(delay)
    running.kill()
    running.wait()
    assert gone_within(5, program.home), workers(program.home)
    sealed = [path.parent.name for path in (program.state / "runs").glob("*/manifest.json")]
    marked = list((program.state / "runs" / ".open").glob("*.json"))
    listed = list((program.state / "ledger").rglob("*-run.json"))
    program.run("ledger", "show")  # the next command seals what was left; a verification writes nothing
    verified = program.json("ledger", "verify")
    assert verified["findings"] == []
    runs = program.runs()
    assert len(list((program.state / "ledger").rglob("*-run.json"))) == len(runs)
    assert list((program.state / "runs").glob(".open/*")) == []
    if marked:
        verdict = program.manifest()["verdict"]
        if marked[0].stem in sealed:
            assert verdict["state"] == "complete", "killed between the seal and the ledger"
        else:
            assert (verdict["state"], verdict["reasons"][0]["code"]) == ("incomplete", "interrupted")
    elif listed:
        assert program.manifest()["verdict"]["state"] == "complete"
    assert leftovers(program) == []


def test_when_the_watchdog_is_killed_too_the_next_command_ends_the_run(program: Program) -> None:
    running = subprocess.Popen(
        program.command("run", "inspect"), env=program.environment(), stderr=subprocess.PIPE, text=True
    )
    assert running.stderr
    for line in running.stderr:
        if "Inspect the host" in line:
            break
    watchdogs = [one for one in workers(program.home) if "runner.execution.watchdog" in one.cmdline()]
    assert len(watchdogs) == 1
    watchdogs[0].kill()
    running.kill()
    running.wait()
    running.stderr.close()
    assert workers(program.home), "ansible-playbook survives its parent"
    result = program.run("ledger", "show")
    assert "was interrupted: sealed as incomplete" in result.stderr
    assert gone_within(1, program.home)
    assert program.manifest()["verdict"]["state"] == "incomplete"
    assert leftovers(program) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_seals_at_once_and_exits_130(program: Program, number: signal.Signals) -> None:
    running = subprocess.Popen(
        program.command("run", "inspect"),
        env=program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr
    for line in running.stderr:
        if "Inspect the host" in line:
            break
    running.send_signal(number)
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 130, rest
    verdict = program.manifest()["verdict"]
    assert verdict["state"] == "incomplete"
    assert verdict["reasons"][0] == {"code": "cancelled", "parameters": {"signal": number.name}}
    assert program.run("ledger", "verify").returncode == 0
    assert gone_within(1, program.home)


def test_a_timeout_is_sealed_as_such_and_exits_4(program: Program) -> None:
    result = program.run("run", "inspect", "--timeout", "1")
    assert result.returncode == 4, result.stderr
    assert program.manifest()["verdict"]["reasons"][0] == {"code": "timed_out", "parameters": {"seconds": 1}}


def test_two_runs_at_once_do_no_harm(program: Program) -> None:
    both = [
        subprocess.Popen(program.command("run", "inspect", "--fail-on", "never"), env=program.environment(),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]  # fmt: skip
    assert [running.wait() for running in both] == [0, 0]
    assert program.json("ledger", "verify")["head"]["sequence"] == 4
