"""The gate in real plays over connection local: what begins, what ends a play, and what is told of it."""

from __future__ import annotations

import json
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible.module_utils.changing.hold import folder_of_account

from tests.gated import Gated, batches, observations
from tests.program import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One run for all, since the hosts are one machine, which one run holds at a time.
RUN = "20260101T000000Z-test-change-gate"


class Play:
    """A changing play over hosts that are this machine; a change is a line in a file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.log = folder / "changed"
        self.first: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.plays = 1
        self.idle: list[str] = []
        self.hosts: dict[str, dict[str, Any]] = {f"h{number}": {} for number in range(1, 7)}
        self.token: dict[str, Any] | None = {"run": RUN, "routine": True, "batch_seconds": 1}
        self.environment: dict[str, str] = {}
        self.before: list[dict[str, Any]] | None = [
            {"check": check, "subject": "it", "level": "ok"} for check in ("tcp.reachable", "tcp.connect_time")
        ]
        rollback = folder / "roles" / "line" / "tasks"
        rollback.mkdir(parents=True)
        back = {"name": "Back", "command": f"sh -c 'echo back {{{{ inventory_hostname }}}} >>{self.log}'"}
        (rollback / "rollback.yml").write_text(yaml.safe_dump([back]))

    def end_host(self, *names: str) -> None:
        """Let the play end hosts before the gate, as it does with those that are not covered."""
        self.first = [{"name": "Leave out", "meta": "end_host", "when": f"inventory_hostname in {list(names)}"}]

    def run(self, *options: str) -> tuple[int, list[dict[str, Any]], str]:
        """Return the exit code, what each task told, and everything that was printed."""
        change = {"name": "Change", "command": f"sh -c 'echo {{{{ inventory_hostname }}}} >>{self.log}'"}
        outcome = f"{{{{ 'idle' if inventory_hostname in {self.idle} else 'done' }}}}"
        after = {
            "change_gate_work": {} if self.before is None else {"before": self.before, "outcome": outcome},
            "change_gate_probes": {"tcp": [{"name": "it", "host": "127.0.0.1", "port": "{{ it_port | int }}"}]},
            "change_gate_rollback": "line",
            "change_gate_patience": 0.0,
        }
        gate = {"name": "change_gate"}
        tasks = [
            {"name": "Begin", "import_role": {**gate, "tasks_from": "begin"}},
            *self.tasks,
            change,
            {"name": "End", "import_role": gate, "vars": after},
        ]
        play = {"hosts": "all", "gather_facts": False, "serial": [1, 2, "100%"], "tasks": [*self.first, *tasks]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play] * self.plays))
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "it_port": self.port}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": common, "hosts": self.hosts}}))
        play_of = Gated(self.folder, RUN, self.token, self.environment)
        roles = f"{PROJECT / 'roles'}:{self.folder / 'roles'}"
        return play_of.run("-i", "hosts.yml", "play.yml", *options, ANSIBLE_ROLES_PATH=roles)

    @property
    def changed(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    monkeypatch.setenv("HOME", str(tmp_path))  # where an account without root holds
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Play(tmp_path, server.getsockname()[1])
    lease = Path(folder_of_account()) / "change.json"
    if lease.exists() and json.loads(lease.read_text())["run"] == RUN:
        lease.unlink()


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_batches_pass_one_after_another(play: Play) -> None:
    code, told, printed = play.run()
    assert code == 0, printed
    assert sorted(play.changed) == sorted(play.hosts)
    found = batches(told)
    assert [(one["subject"], one["value"], one["level"]) for one in found] == [
        ("1", "passed", "ok"),
        ("2", "passed", "ok"),
        ("3", "passed", "ok"),
    ]
    assert [one["detail"]["done"] for one in found] == [["h1"], ["h2", "h3"], ["h4", "h5", "h6"]]
    assert [len(one["detail"]["left"]) for one in found] == [5, 3, 0]
    assert datetime.fromisoformat(found[0]["detail"]["ended"]) > datetime.fromisoformat(found[0]["detail"]["started"])
    assert not (Path(folder_of_account()) / "change.json").exists(), "given free"


@pytest.mark.parametrize(
    "environment", [{"WEIBAO_CHANGE": ""}, {"WEIBAO_CHANGE": "/nonexistent"}, {"WEIBAO_RUN_ID": "another"}]
)
def test_without_the_runner_s_token_the_play_stops_at_the_gate(play: Play, environment: dict[str, str]) -> None:
    play.environment = environment
    code, _, printed = play.run()
    assert code == 2
    assert play.changed == []
    assert "weibao change request FILE" in printed
    assert "--check" in printed


def test_a_token_beside_the_folder_of_its_run_proves_nothing(play: Play) -> None:
    forged = play.folder / f"{RUN}.json"
    forged.write_text(json.dumps({"schema_version": 1, "run": RUN, "routine": True}))
    forged.chmod(0o600)
    play.environment["WEIBAO_CHANGE"] = str(forged)
    assert play.run()[0] == 2
    assert play.changed == []


def test_check_mode_needs_no_token_and_changes_nothing(play: Play) -> None:
    play.token = None
    code, told, printed = play.run("--check")
    assert code == 0, printed
    assert play.changed == []
    assert batches(told) == []
    assert {event["host"] for event in told} == set(play.hosts), "the preview looks at every host"


def test_no_batch_begins_that_could_not_be_done_and_rolled_back(play: Play) -> None:
    play.token = {"change": "SJ-1", "window_end": in_seconds(60), "reserve_seconds": 50, "batch_seconds": 30}
    code, told, printed = play.run()
    assert code == 0, printed
    assert play.changed == []
    (closed,) = batches(told)
    assert (closed["value"], closed["level"]) == ("window closed", "notice")
    assert closed["detail"]["left"] == list(play.hosts)


def test_the_longest_batch_so_far_tells_what_the_next_one_takes(play: Play) -> None:
    play.tasks = [{"name": "Work", "command": "sleep 4", "when": "inventory_hostname == 'h1'"}]
    play.token = {"change": "SJ-1", "window_end": in_seconds(10), "reserve_seconds": 3, "batch_seconds": 1}
    started = time.monotonic()
    code, told, printed = play.run()
    if time.monotonic() - started > 9:
        pytest.skip("this machine is too slow for the window")
    assert code == 0, printed
    assert play.changed == ["h1"]
    assert [one["value"] for one in batches(told)] == ["passed", "window closed"]
    assert batches(told)[-1]["detail"]["left"] == ["h2", "h3", "h4", "h5", "h6"]


def test_of_a_batch_in_which_nothing_was_due_nothing_is_learnt(play: Play) -> None:
    play.idle = ["h1", "h3"]
    assert play.run("--limit", "h1,h2,h3")[0] == 0
    (memory,) = play.folder.glob(f"weibao-{RUN}-*/gate.json")
    assert [hosts for _, hosts in json.loads(memory.read_text())["batches"]] == [0, 1]


def test_a_host_whose_task_is_sent_late_has_what_is_left_of_the_window_by_then(play: Play) -> None:
    of = ["__change_gate_change.host_seconds", "__change_gate_begin.change.host_seconds"]
    play.tasks = [
        {"name": "Wait", "command": "sleep 2"},
        {"name": "Look", "debug": {"msg": [f"{{{{ {one} }}}}" for one in of]}},
    ]
    play.token = {"change": "SJ-1", "window_end": in_seconds(600), "reserve_seconds": 3, "batch_seconds": 1}
    code, told, printed = play.run("--limit", "h1")
    assert code == 0, printed
    (seconds,) = [event["result"]["msg"] for event in told if event["task"] == "Look"]
    assert int(seconds[0]) < int(seconds[1])
    play.token, play.tasks = {"routine": True}, play.tasks[1:]
    _, told, _ = play.run("--limit", "h1")
    assert [event["result"]["msg"] for event in told if event["task"] == "Look"] == [[None, None]]


def test_worse_than_before_is_led_back_and_ends_the_change(play: Play) -> None:
    play.hosts["h2"]["it_port"] = 1
    code, told, printed = play.run()
    assert code == 2, printed
    assert sorted(play.changed) == ["back h2", "h1", "h2", "h3"]
    failed = batches(told)[-1]
    assert (failed["value"], failed["level"]) == ("failed", "critical")
    assert (failed["detail"]["worse"], failed["detail"]["done"]) == (["h2"], ["h3"])
    assert failed["detail"]["left"] == ["h4", "h5", "h6"]
    assert "tcp.reachable it" in printed


def test_what_cannot_be_measured_pauses_the_change(play: Play) -> None:
    play.hosts["h3"]["change_gate_units"] = ["weibao-no-such-unit"]
    if Path("/run/systemd/system").is_dir():
        pytest.skip("here systemd can tell")
    code, told, printed = play.run()
    assert code == 0, printed
    assert sorted(play.changed) == ["h1", "h2", "h3"]
    paused = batches(told)[-1]
    assert (paused["value"], paused["level"], paused["detail"]["unmeasured"]) == ("paused", "unknown", ["h3"])


@pytest.mark.parametrize("way", ["unreachable", "failed"])
def test_a_host_that_is_lost_ends_the_change(play: Play, way: str) -> None:
    if way == "failed":
        play.tasks = [{"name": "Break", "fail": {"msg": "broken"}, "when": "inventory_hostname == 'h3'"}]
    else:
        play.hosts["h3"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    code, told, printed = play.run()
    assert code != 0, printed
    assert sorted(play.changed) == ["h1", "h2"]
    failed = batches(told)[-1]
    assert (failed["value"], failed["detail"]["lost"], failed["detail"]["done"]) == ("failed", ["h3"], ["h2"])
    assert failed["detail"]["left"] == ["h4", "h5", "h6"]


def test_a_canary_that_is_lost_lets_no_other_batch_begin(play: Play) -> None:
    play.tasks = [{"name": "Break", "fail": {"msg": "broken"}}]
    code, _, printed = play.run()
    assert code == 2, printed
    assert play.changed == []


def test_after_a_batch_that_was_lost_whole_none_begins_though_a_host_of_it_was_left_out(play: Play) -> None:
    play.end_host("h2")
    play.tasks = [{"name": "Break", "fail": {"msg": "broken"}, "when": "inventory_hostname == 'h3'"}]
    code, told, printed = play.run()
    assert code == 2, printed
    assert play.changed == ["h1"]
    failed = batches(told)[-1]
    assert (failed["subject"], failed["value"], failed["detail"]["lost"]) == ("2", "failed", ["h3"])
    assert failed["detail"]["left"] == ["h4", "h5", "h6"]


def test_after_a_batch_that_failed_none_begins_though_nobody_is_left_to_end_the_play(play: Play) -> None:
    play.end_host("h2")
    play.hosts["h3"]["it_port"] = 1
    back = [{"name": "Break", "fail": {"msg": "no way back"}}]
    (play.folder / "roles/line/tasks/rollback.yml").write_text(yaml.safe_dump(back))
    code, told, printed = play.run()
    assert code == 2, printed
    assert play.changed == ["h1", "h3"]
    assert [one["value"] for one in batches(told)] == ["passed", "failed"]
    assert not (Path(folder_of_account()) / "change.json").exists(), "given free though there was no way back"


def test_the_first_batch_is_the_first_that_begins(play: Play) -> None:
    play.end_host("h1", "h2")
    code, told, printed = play.run()
    assert code == 0, printed
    assert [(one["subject"], one["detail"]["done"]) for one in batches(told)] == [
        ("1", ["h3"]),
        ("2", ["h4", "h5", "h6"]),
    ]


def test_a_second_play_knows_of_the_first_and_of_the_hosts_that_it_leaves_out(play: Play) -> None:
    play.plays = 2
    again = f"inventory_hostname == 'h3' and 'h3' in lookup('file', '{play.log}')"
    play.tasks = [{"name": "Break", "fail": {"msg": "broken"}, "when": again}]
    play.log.write_text("")
    code, told, printed = play.run("--limit", "h1,h2,h3")
    assert code == 2, printed
    assert [one["value"] for one in batches(told)] == ["passed", "passed", "passed", "failed"]
    assert [one["subject"] for one in batches(told)] == ["1", "2", "3", "4"]
    assert batches(told)[-1]["detail"]["lost"] == ["h3"], "whatever it said in the first play"


@pytest.mark.parametrize(
    "variables",
    [
        {"__change_gate_end": {"decision": "passed", "worse": [], "batches": []}},
        {"__change_gate_begin": {"proceed": True, "change": {"run": "x", "lease_seconds": 1}}},
        {"__service_restart_work": {"before": []}},
        {"change_gate_rollback": ""},
    ],
)
def test_what_a_request_sets_does_not_switch_the_gate_off(play: Play, variables: dict[str, Any]) -> None:
    play.hosts["h1"]["it_port"] = 1
    code, _, printed = play.run("-e", json.dumps(variables))
    assert code == 2
    assert f"extra variables {next(iter(variables))}: are the gate's own" in printed
    assert play.changed == []


def test_a_host_that_cannot_be_judged_and_is_there_is_led_back(play: Play) -> None:
    play.hosts["h1"]["change_gate_units"] = ["no unit"]
    code, told, printed = play.run()
    assert code == 2, printed
    assert play.changed == ["h1", "back h1"]
    assert batches(told)[-1]["detail"]["worse"] == ["h1"]


def test_a_host_that_was_led_back_is_measured_again_and_given_free(play: Play) -> None:
    play.hosts["h1"]["it_port"] = 1
    _, told, printed = play.run("--limit", "h1")
    assert play.changed == ["h1", "back h1"], printed
    measured = [event for event in told if event["result"].get("judgement")]
    assert [event["result"]["judgement"]["word"] for event in measured] == ["worse", "worse"]
    assert not (Path(folder_of_account()) / "change.json").exists()


@pytest.mark.parametrize("way", ["healed", "not healed", "broken off"])
def test_a_way_back_ends_with_the_state_that_it_led_to(play: Play, way: str) -> None:
    play.hosts["h1"]["it_port"] = 1
    back: list[dict[str, Any]] = []
    if way != "not healed":
        back += [{"name": "Heal", "set_fact": {"it_port": play.port}}]
    if way == "broken off":
        back += [{"name": "Break", "fail": {"msg": "half a way back"}}]
    (play.folder / "roles/line/tasks/rollback.yml").write_text(yaml.safe_dump(back))
    code, told, printed = play.run("--limit", "h1")
    assert code == 2, printed
    (state,) = observations(told, "change.step")
    assert (state["subject"], state["detail"]["way_back"]) == ("state after the way back", True)
    problem = {"healed": None, "not healed": "worse: tcp.reachable it", "broken off": "worse"}[way]
    assert state["detail"].get("problem") == problem
    assert state["level"] == ("critical" if problem else "ok")
    found = [one for event in told for one in event["result"].get("observations", ())]
    assert [one["check"] for one in found[found.index(state) :]] == ["change.step", "tcp.reachable", "tcp.connect_time"]


def test_what_a_role_did_not_measure_before_is_no_state_to_judge_by(play: Play) -> None:
    play.before = []
    code, told, printed = play.run("--limit", "h1,h2")
    assert code == 0, printed
    assert [(one["value"], one["detail"]["unmeasured"]) for one in batches(told)] == [("paused", ["h1"])]
    play.before = None
    assert play.run("--limit", "h1,h2")[0] == 2
    assert play.changed == ["h1", "h1"]


def test_another_run_on_the_host_is_kept_out(play: Play) -> None:
    assert play.run("--limit", "h1")[0] == 0
    lease = {"run": "another", "change": "SJ-2", "boot": boot(), "until": 1e12}
    path = Path(folder_of_account()) / "change.json"
    path.write_text(json.dumps(lease))
    try:
        code, _, printed = play.run("--limit", "h1")
    finally:
        path.unlink()
    assert code == 2
    assert "run another holds this host" in printed


def boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
