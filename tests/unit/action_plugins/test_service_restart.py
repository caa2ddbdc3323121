"""Role service_restart behind the gate in real plays over connection local; a program stands in place of systemctl."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible.module_utils.changing.hold import folder_of_account

from runner.operations.change_outcome import outcome_of
from tests.gated import Gated, batches, observations
from tests.program import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = "20260101T000000Z-test-service-restart"

#: Knows one service, which runs unless it was stopped; kills whoever calls it for the verb in a file, once.
SYSTEMCTL = """#!/bin/sh
cd {folder}
case "$1" in
show)
    [ -e stopped ] && state=inactive || state=active
    printf '%s\\n' Id=nginx.service LoadState=loaded ActiveState=$state ActiveEnterTimestampMonotonic=1 ;;
*)
    echo "$*" >>done
    [ "$1" = stop ] && touch stopped || rm -f stopped ;;
esac
if [ "$1" = "$(cat deadly)" ]; then
    : >deadly
    kill -9 $PPID
fi
"""

#: Lets modules take this machine for one with systemd.
WITH_SYSTEMD = """
import os.path
isdir = os.path.isdir
os.path.isdir = lambda path: path == "/run/systemd/system" or isdir(path)
"""


@dataclass(frozen=True)
class Play:
    folder: Path
    port: int

    def dies_at(self, verb: str) -> None:
        (self.folder / "deadly").write_text(verb)

    def run(self, when: str = "always") -> tuple[int, list[dict[str, Any]], str]:
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "service_inspection_tcp": [{"name": "it", "host": "127.0.0.1", "port": self.port}],
            "service_restart_services": [{"name": "nginx"}],
            "service_restart_when": when,
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": common, "hosts": {"h1": {}, "h2": {}}}}))
        token = {"run": RUN, "routine": True, "batch_seconds": 1}
        path = f"{self.folder}:{os.environ['PATH']}"
        playbook = str(PROJECT / "playbooks" / "restart-services.yml")
        return Gated(self.folder, RUN, token).run("-i", "hosts.yml", playbook, PATH=path, PYTHONPATH=str(self.folder))

    @property
    def done(self) -> list[str]:
        path = self.folder / "done"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    tool = tmp_path / "systemctl"
    tool.write_text(SYSTEMCTL.format(folder=tmp_path))
    tool.chmod(0o755)
    (tmp_path / "sitecustomize.py").write_text(WITH_SYSTEMD)
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Play(tmp_path, server.getsockname()[1])
        made.dies_at("")
        yield made
    lease = Path(folder_of_account()) / "change.json"
    if lease.exists() and json.loads(lease.read_text())["run"] == RUN:
        lease.unlink()


def test_a_restart_that_dies_is_led_back_and_ends_the_change(play: Play) -> None:
    play.dies_at("stop")
    code, told, printed = play.run()
    assert code == 2, printed
    assert play.done[:2] == ["stop nginx.service", "start nginx.service"]
    (failed,) = batches(told)
    assert (failed["value"], failed["detail"]["worse"], failed["detail"]["left"]) == ("failed", ["h1"], ["h2"])
    steps = [(one["subject"], one["level"]) for one in observations(told, "change.step")]
    assert steps[-1] == ("state after the way back", "ok"), printed
    assert not (Path(folder_of_account()) / "change.json").exists(), "given free"


def test_a_restart_that_dies_before_it_touched_anything_touches_nothing(play: Play) -> None:
    play.dies_at("show")
    code, _, printed = play.run()
    assert code == 2, printed
    assert "nothing was begun here" in printed
    assert play.done == []
    assert not (Path(folder_of_account()) / "change.json").exists(), "given free"


def test_where_nothing_dies_every_host_is_restarted(play: Play) -> None:
    code, told, printed = play.run()
    assert code == 0, printed
    assert play.done == ["stop nginx.service", "start nginx.service"] * 2
    assert [one["value"] for one in batches(told)] == ["passed", "passed"]


def test_what_cannot_be_told_to_be_due_pauses_the_change_and_is_not_done(play: Play) -> None:
    code, told, printed = play.run("due")  # of no process anything can be told
    assert code == 0, printed
    assert play.done == []
    (step,) = observations(told, "change.step")
    assert (step["subject"], step["level"]) == ("left alone nginx.service", "critical")
    assert step["detail"]["problem"] == "unmeasured: restart.due"
    (paused,) = batches(told)
    assert (paused["value"], paused["detail"]["unmeasured"], paused["detail"]["left"]) == ("paused", ["h1"], ["h2"])
    hosts = {name: {"outcome": "ok"} for name in ("h1", "h2")}
    found = outcome_of(hosts, {"hosts": hosts}, [{**one, "host": "h1"} for one in (step, paused)])
    assert (found.outcome, found.hosts["left"]) == ("paused", ("h1", "h2"))
