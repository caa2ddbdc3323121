"""The hosts that a playbook is meant for, by Ansible's own reading of the inventory.

Asked in a process of its own, beside the run: reading an inventory takes Ansible half a second, and its answer
is needed only when the run is judged.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.execution.environment import environment_of
from runner.inventory_file import NOT_COVERED
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from runner.execution.frozen import Frozen

_PROGRAM = """
import json, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
source, limit, not_covered, *patterns = json.loads(sys.argv[1])
try:
    inventory = InventoryManager(loader=DataLoader(), sources=[source])
    groups = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
    assets = {host: inventory.get_host(host).vars.get("weibao_asset") for host in groups.pop(not_covered, ())}
    def covered(hosts):
        return [host.name for host in hosts if host.name not in assets]
    unlimited = [host for pattern in patterns for host in covered(inventory.get_hosts(pattern))]
    parts = [part for part in (limit or "").split(",") if part and part[0] not in "!&@~" and "*" not in part]
    unknown = [part for part in parts if not inventory.get_hosts(part)]
    inventory.subset(limit)
    hosts = [host for pattern in patterns for host in covered(inventory.get_hosts(pattern))]
    named = {name: members for name, members in groups.items() if name not in ("all", "ungrouped")}
    print(json.dumps({"site": sorted(set(unlimited)), "hosts": sorted(set(hosts)), "unknown": unknown,
                      "groups": named, "assets": assets}))
except AnsibleError as error:
    print(json.dumps({"error": str(error)}))
"""


class Targets:
    """The answer to come: which hosts the run is meant for, and which the site has for this playbook."""

    def __init__(self, frozen: Frozen, limit: str | None) -> None:
        question = json.dumps([str(frozen.inventory), limit, NOT_COVERED, *host_patterns(frozen.playbook)])
        self._limit = limit
        self._told = frozen.told
        # A pipe would hold the answer for a large site, and the process with it, until somebody reads it.
        self._printed = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, question],
            env=environment_of(frozen.project, frozen.run_id),
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.DEVNULL,
        )
        self._answer: dict[str, Any] | None = None
        if limit is not None:
            try:
                self._check_limit()
            except BadInput:
                self.close()
                raise

    def _check_limit(self) -> None:
        """Raise BadInput where a part of the limit, or all of it, matches no host."""
        answer = self._read()
        if answer["unknown"]:
            raise BadInput(f"--limit {self._limit}: matches no host: {', '.join(answer['unknown'])}")
        if not answer["hosts"]:
            raise BadInput(f"--limit {self._limit}: matches no host of the site")

    def _read(self) -> dict[str, Any]:
        if self._answer is None:
            self._process.wait()
            self._printed.seek(0)
            printed = self._printed.read()
            answer: dict[str, Any] = json.loads(printed) if printed else {"error": "the inventory cannot be read"}
            if "error" in answer and self._limit is not None:
                raise BadInput(self._told(f"--limit {self._limit}: {answer['error']}"))
            # Without a limit Ansible says the same in the run, where it is recorded.
            self._answer = {"site": [], "hosts": [], "unknown": [], "groups": {}, "assets": {}, **answer}
        return self._answer

    def hosts(self) -> list[str]:
        """Return the hosts that the run is meant for."""
        hosts: list[str] = self._read()["hosts"]
        return hosts

    def groups(self) -> dict[str, list[str]]:
        """Return the site's groups with those of their hosts that the run is meant for, empty ones left out."""
        wanted = set(self.hosts())
        groups = {name: [host for host in hosts if host in wanted] for name, hosts in self._read()["groups"].items()}
        return {name: hosts for name, hosts in groups.items() if hosts}

    def not_covered(self) -> list[dict[str, str]]:
        """Return what the site has declared and this program cannot look at, whatever the limit."""
        declared = sorted(self._read()["assets"].items())
        assets = ((host, asset if isinstance(asset, dict) else {}) for host, asset in declared)
        return [
            {"host": host, **{key: str(asset.get(key, "")) for key in ("kind", "product")}} for host, asset in assets
        ]

    def left_out(self) -> list[str]:
        """Return the site's hosts that a limit leaves out."""
        answer = self._read()
        return sorted(set(answer["site"]) - set(answer["hosts"]))

    def close(self) -> None:
        """End the question where nobody waits for its answer any more."""
        if self._answer is None:
            self._process.kill()
            self._process.wait()
        self._printed.close()


def host_patterns(playbook: Path) -> list[str]:
    """Return the host patterns of a playbook's plays; a templated one stands for all hosts."""
    patterns: list[str] = []
    for play in read_yaml(playbook).data or ():
        hosts = play.get("hosts") if isinstance(play, dict) else None
        if hosts:
            text = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
            patterns.append("all" if "{{" in text else text)
    return patterns or ["all"]
