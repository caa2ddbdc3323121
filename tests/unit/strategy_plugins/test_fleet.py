from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import PROJECT

HOSTS = 30


def play(strategy: str, hosts: str = "all") -> list[dict[str, Any]]:
    """A play in which hosts end early, fail, are rescued, include tasks, and notify a handler."""
    number = "(inventory_hostname | regex_replace('[a-z]', '') | int)"
    return [
        {
            "hosts": hosts,
            "gather_facts": False,
            "strategy": strategy,
            "tasks": [
                {"meta": "end_host", "when": f"{number} % 7 == 0"},
                {"command": "true", "changed_when": True, "notify": "told"},
                {"include_tasks": "more.yml", "when": f"{number} % 2 == 0"},
                {"block": [{"fail": None, "when": f"{number} % 5 == 0"}], "rescue": [{"debug": None}]},
                {"fail": None, "when": f"{number} % 11 == 0"},
                {"debug": None},
            ],
            "handlers": [{"name": "told", "debug": None}],
        }
    ]


def stats(folder: Path, content: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    (folder / "play.yml").write_text(yaml.safe_dump(content))
    (folder / "more.yml").write_text(yaml.safe_dump([{"debug": None}, {"debug": None}]))
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {f"h{number}": gone if number in (3, 22) else local for number in range(1, HOSTS + 1)}
    hosts |= {"lost1": gone, "lost2": gone}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(folder),
        "ANSIBLE_STDOUT_CALLBACK": "stats",
        "ANSIBLE_FORKS": "5",
        "ANSIBLE_SSH_RETRIES": "0",
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    (folder / "stats.py").write_text(STATS)
    done = subprocess.run(
        [program, "-i", "hosts.yml", "play.yml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    return done.returncode, json.loads(line)


#: A callback that prints nothing but what became of each host.
STATS = """
import json
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_VERSION = "stdout", "stats", 2.0

    def v2_playbook_on_stats(self, stats):
        print(json.dumps({host: stats.summarize(host) for host in sorted(stats.processed)}))
"""


@pytest.mark.parametrize(("hosts", "count"), [("all", HOSTS + 2 - 4), ("lost*", 2)])
def test_every_host_ends_as_with_ansible_s_own_strategy(hosts: str, count: int, tmp_path: Path) -> None:
    code, ended = stats(tmp_path, play("fleet", hosts))
    assert len(ended) == count, "all but those that a meta task ended before anything was done"
    assert sum(host["unreachable"] for host in ended.values()) == (4 if hosts == "all" else 2)
    assert (code, ended) == stats(tmp_path, play("host_pinned", hosts))
