"""The hosts that a playbook is meant for, by Ansible's own reading of the inventory.

Asked in a process of its own, beside the run: reading an inventory takes Ansible half a second, and its answer
is needed only when the run is judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """
import json, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
source, limit, *patterns = json.loads(sys.argv[1])
try:
    inventory = InventoryManager(loader=DataLoader(), sources=[source])
    unlimited = [host.name for pattern in patterns for host in inventory.get_hosts(pattern)]
    parts = [part for part in (limit or "").split(",") if part and part[0] not in "!&@~" and "*" not in part]
    unknown = [part for part in parts if not inventory.get_hosts(part)]
    inventory.subset(limit)
    hosts = [host.name for pattern in patterns for host in inventory.get_hosts(pattern)]
    print(json.dumps({"site": sorted(set(unlimited)), "hosts": sorted(set(hosts)), "unknown": unknown}))
except AnsibleError as error:
    print(json.dumps({"error": str(error)}))
"""


class Targets:
    """The answer to come: which hosts the run is meant for, and which the site has for this playbook."""

    def __init__(self, project: Path, playbook: Path, inventory: Path, limit: str | None) -> None:
        question = json.dumps([str(inventory), limit, *_patterns(playbook)])
        self._limit = limit
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, question],
            env={**os.environ, "ANSIBLE_CONFIG": str(project / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer: dict[str, list[str]] | None = None
        if limit is not None:
            self._check_limit()

    def _check_limit(self) -> None:
        """Raise BadInput where a part of the limit, or all of it, matches no host."""
        answer = self._read()
        if answer["unknown"]:
            raise BadInput(f"--limit {self._limit}: matches no host: {', '.join(answer['unknown'])}")
        if not answer["hosts"]:
            raise BadInput(f"--limit {self._limit}: matches no host of the site")

    def _read(self) -> dict[str, list[str]]:
        if self._answer is None:
            printed, _ = self._process.communicate()
            answer: dict[str, Any] = json.loads(printed) if printed else {"error": "the inventory cannot be read"}
            if "error" in answer and self._limit is not None:
                raise BadInput(f"--limit {self._limit}: {answer['error']}")
            # Without a limit Ansible says the same in the run, where it is recorded.
            self._answer = {key: answer.get(key, []) for key in ("site", "hosts", "unknown")}
        return self._answer

    def hosts(self) -> list[str]:
        """Return the hosts that the run is meant for."""
        return self._read()["hosts"]

    def left_out(self) -> list[str]:
        """Return the site's hosts that a limit leaves out."""
        answer = self._read()
        return sorted(set(answer["site"]) - set(answer["hosts"]))

    def close(self) -> None:
        """End the question where nobody waits for its answer any more."""
        if self._answer is None:
            self._process.kill()
            self._process.communicate()


def _patterns(playbook: Path) -> list[str]:
    """Return the host patterns of a playbook's plays; a templated one stands for all hosts."""
    patterns: list[str] = []
    for play in read_yaml(playbook).data or ():
        hosts = play.get("hosts") if isinstance(play, dict) else None
        if hosts:
            text = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
            patterns.append("all" if "{{" in text else text)
    return patterns or ["all"]
