"""The gate of changes: how soon it decides after a batch, and what it costs in SSH executions.

    make lab && .venv/bin/python -m benchmarks.changes [--rounds 5]

Over SSH to the lab's hosts, on the same machine. Nothing is due there, so nothing is restarted; the peer is the
same play without the gate.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.lab import LAB
from benchmarks.measure import machine, verdict
from runner.site import PROJECT

HOSTS = ("app1", "app2", "jump")
BATCHES = [1, "100%"]
RUN = "benchmark-of-changes"

#: Stands in for ssh: notes each execution, then becomes it.
COUNTING_SSH = '#!/bin/sh\necho >>"{log}"\nexec ssh "$@"\n'

#: Notes when the controller has each reply.
CALLBACK = """
import json, time
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_VERSION = "stdout", "replies", 2.0

    def v2_runner_on_ok(self, result):
        print(json.dumps([time.time(), result._task.action, result._result.get("decision")]), flush=True)
"""


@dataclass(frozen=True)
class Played:
    """One play: how many times SSH was executed, and the seconds from each batch's last reply to its decision."""

    executions: int
    waits: list[float]


def play(folder: Path, *, gated: bool) -> Played:
    """Run the play on the lab's hosts, with the gate or without."""
    folder.mkdir()
    log, ssh = folder / "ssh.log", folder / "ssh"
    ssh.write_text(COUNTING_SSH.format(log=log))
    ssh.chmod(0o700)
    (folder / "replies.py").write_text(CALLBACK)
    content = yaml.safe_load((PROJECT / "playbooks" / "restart-services.yml").read_text())
    variables: dict[str, object] = {"weibao_batches": BATCHES, "ansible_ssh_executable": str(ssh)}
    if not gated:
        content[0]["tasks"] = [{"ansible.builtin.import_role": {"name": "service_restart"}}]
        probes = {
            name: f"{{{{ service_inspection_{name} | default([]) }}}}" for name in ("units", "tcp", "http", "dns")
        }
        variables |= {
            "__change_gate_change": {"run": RUN, "lease_seconds": 10},
            "change_gate_probes": probes,
        }
    playbook, token = folder / "play.yml", folder / f"weibao-{RUN}-1" / "change.json"
    token.parent.mkdir(mode=0o700)
    playbook.write_text(yaml.safe_dump(content))
    token.write_text(json.dumps({"schema_version": 1, "run": RUN, "routine": True, "batch_seconds": 60}))
    token.chmod(0o600)
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(folder),
        "ANSIBLE_STDOUT_CALLBACK": "replies",
        "WEIBAO_RUN_ID": RUN,
        "WEIBAO_CHANGE": str(token),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(LAB / "hosts.yml"), "--limit", ",".join(HOSTS), "-e", json.dumps(variables)]
    done = subprocess.run(
        [*command, str(playbook)], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    replies = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return Played(len(log.read_text().splitlines()), waits(replies))


def waits(replies: list[tuple[float, str, str | None]]) -> list[float]:
    """Return the seconds from the last probe's reply to each decision."""
    found, last = [], 0.0
    for moment, action, decision in replies:
        if action == "change_probe":
            last = moment
        elif decision:
            assert decision == "passed", decision
            found.append(moment - last)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    print(f"{len(HOSTS)} SSH hosts of the lab on the same machine, in {len(BATCHES)} batches")
    with tempfile.TemporaryDirectory() as name:
        # Taking turns, so that drift of the machine hits both alike; SSH connections are warm after the first. The
        # gate comes second, since it gives the hosts free.
        rounds = [
            (play(Path(name) / f"{one}-without", gated=False), play(Path(name) / f"{one}-with", gated=True))
            for one in range(options.rounds)
        ]
    decided = [wait for _, gated in rounds for wait in gated.waits]
    added = max(gated.executions - without.executions for without, gated in rounds)
    print(f"  {rounds[-1][1].executions} SSH executions with the gate, {rounds[-1][0].executions} without")
    print(f"  {len(decided)} decisions, from {1000 * min(decided):.0f} to {1000 * max(decided):.0f} ms")
    # Each host is in one batch.
    verdict("SSH executions added, a host and batch", added / len(HOSTS), 1, at_least=False)
    verdict("ms from the last probe's reply to the decision, at most", 1000 * max(decided), 50, at_least=False)


if __name__ == "__main__":
    main()
