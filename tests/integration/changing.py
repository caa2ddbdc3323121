"""A procedure that changes files, in a copy of the project, on hosts that are all this machine."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.changing import login
from tests.program import Program, copy_project

ZONE = ZoneInfo("Asia/Shanghai")

PLAYBOOK = """
- name: Write a line
  hosts: all
  gather_facts: false
  serial: "{{ weibao_batches | default([1, '100%']) }}"
  vars:
    weibao_procedure:
      {changes_hosts: true, repeatable: false, observations: true, feasibility: [change.step]}
  tasks:
    - name: Begin a batch
      ansible.builtin.import_role: {name: change_gate, tasks_from: begin}
    - name: Write
      write_line:
        path: "{{ line_file }}"
        line: "{{ inventory_hostname }}"
        seconds: "{{ line_seconds | default(0) }}"
      register: __change_gate_after
    - name: Decide
      change_gate: {at: end}
      run_once: true
      register: __change_gate_end
      when: not ansible_check_mode
    - name: End
      ansible.builtin.meta: end_play
      when: not ansible_check_mode and __change_gate_end.decision != 'passed'
"""

MODULE = """#!/usr/bin/python
import time
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule({"path": {}, "line": {}, "seconds": {"type": "float"}}, supports_check_mode=True)
    if not module.check_mode:
        with open(module.params["path"], "a") as file:
            file.write(module.params["line"] + "\\n")
        time.sleep(module.params["seconds"])
    step = {"check": "change.step", "subject": "write", "value": 0, "unit": "seconds", "level": "ok", "limits": {},
            "reason": None, "detail": {}}
    module.exit_json(changed=True, observations=[step], judgement={"word": "unchanged"})


main()
"""

HOSTS = """
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  hosts:
    app1: {weibao_depends_on: [db1]}
    app2:
    app3:
    db1:
"""

CONTRACT = """
schema_version: 1
number: HT-1
title: 维保合同
system: 示教系统
provider: {name: 甲}
purchaser: {name: 乙}
timezone: Asia/Shanghai
changes: {attendance_beforehand: true, reserve: {minutes: 1}}
obligations:
  - {id: A36, kind: record, clause: 升级申请, cadence: on event, opened_by: [planned], case: upgrade}
"""


DYING = """
import os, signal, sys
import runner.operations.change_execute as module
from runner.operations.run_procedure import Prepared
when, name = sys.argv[1:3]
place = Prepared if name == "run" else module
original = getattr(place, name)
def dying(*arguments, **more):
    if when == "after":
        original(*arguments, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, dying)
sys.argv[1:3] = []
from runner.cli import main
main()
"""


@dataclass(frozen=True)
class Changing:
    """Calls of the program on such a site, and what its people can do."""

    program: Program
    folder: Path

    def lines(self, number: str) -> list[str]:
        """What the procedure has written under a change, a line a host."""
        path = self.folder / f"{number}.lines"
        return path.read_text().split() if path.exists() else []

    def request(self, number: str, hosts: list[str], **more: Any) -> Path:
        """Write a request of a change whose window is open."""
        now = datetime.now(ZONE)
        own = {} if "procedure" in more else {"line_file": str(self.folder / f"{number}.lines")}
        asked = {
            "number": number,
            "procedure": "write-lines",
            "hosts": hosts,
            "variables": {**own, **more.pop("variables", {})},
            **dict.fromkeys(("content", "reason", "risk", "impact", "backup", "rollback"), "如实填写"),
            "steps": [{"name": "写一行", "minutes": 0.1}],
            "window": {"from": f"{now - timedelta(minutes=5)}", "to": f"{now + timedelta(hours=1)}"},
            "supervisor": "赵监督",
            "batches": [1, "100%"],
            **more,
        }
        path = self.folder / f"{number}.yml"
        path.write_text(yaml.safe_dump(asked, allow_unicode=True))
        return path

    def apply_for(self, number: str, *hosts: str, preview: bool = False, code: int = 0, **more: Any) -> dict[str, Any]:
        path = self.request(number, list(hosts), **more)
        options = [] if preview else ["--no-preview", "--format", "none"]
        printed = self.program.json("change", "request", str(path), *options, code=code)
        return dict(printed["entry"]["body"])

    def sign(self, number: str, step: str, by: str, *more: str) -> list[str]:
        """Sign what a step needs, as its person does; return the options that go with it."""
        bytes_file = self.folder / f"{number}-{step}-{len(list(self.folder.iterdir()))}"
        shown = self.program.run(
            "change", "show", number, "--to-sign", step, "--by", by, *more, "--output", str(bytes_file)
        )
        assert shown.returncode == 0, shown.stderr
        command = ("ssh-keygen", "-Y", "sign", "-n", "weibao-approval", "-f", str(self.folder / by), str(bytes_file))
        subprocess.run(command, check=True, capture_output=True)
        at = [word.split()[0] for word in shown.stderr.split("--at ")[1:]]
        return ["--by", by, *more, *(["--at", at[0]] if at else []), "--signature", f"{bytes_file}.sig"]

    def approve(self, number: str, by: str = "钱批准") -> dict[str, Any]:
        return self.program.json("change", "approve", number, *self.sign(number, "approve", by, "--reason", "同意"))

    def sign_in(self, number: str) -> dict[str, Any]:
        return self.program.json("change", "sign-in", number, *self.sign(number, "sign-in", "赵监督"))

    def ready(self, number: str, *hosts: str, **more: Any) -> None:
        """Apply for a change, have it approved, and sign the supervisor in; ``code`` 1 where it is not feasible."""
        self.apply_for(number, *hosts, **more)
        self.approve(number)
        self.sign_in(number)

    def steps(self, number: str) -> list[dict[str, Any]]:
        return list(self.program.json("change", "show", number)["change"]["steps"])

    def outcome(self, number: str) -> tuple[str, dict[str, list[str]]]:
        """The outcome that the ledger tells, and the hosts by it; it tells of one execution only."""
        (ended,) = (one for one in self.steps(number) if one["step"] == "executed")
        return ended["outcome"], {key: names for key, names in ended["hosts"].items() if names}

    def dies(self, point: str, *arguments: str) -> None:
        """Call the program, which dies with SIGKILL before or after a step of an execution."""
        command = [sys.executable, "-c", DYING, *point.split(), *arguments]
        environment = {**self.program.environment(), "WEIBAO_SITE": self.program.site}
        died = subprocess.run(command, cwd=self.program.project, env=environment, capture_output=True, check=False)
        assert died.returncode == -9, died.stderr

    def refused(self, *arguments: str) -> list[str]:
        """Expect exit 3, and return the codes that the ledger tells of."""
        result = self.program.run(*arguments)
        assert result.returncode == 3, result.stdout + result.stderr
        number = next(one for one in arguments if one.startswith("U-"))
        last = self.steps(number)[-1]
        assert last["step"] == "refused"
        return [one["code"] for one in last["reasons"]]


def changing(folder: Path, hosts: str = HOSTS, **files: str) -> Changing:
    """Make the copy, the site, and the keys of its people."""
    project = copy_project(folder / "project")
    (project / "playbooks" / "write-lines.yml").write_text(PLAYBOOK)
    (project / "library" / "write_line.py").write_text(MODULE)
    people = "schema_version: 1\npeople:\n"
    told = (
        ("钱批准", "purchaser approver", "purchaser"),
        ("赵监督", "supervisor", "purchaser"),
        ("孙审计", "auditor", "purchaser"),
        ("张三", "engineer", "provider"),
    )
    for name, duty, organisation in told:
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name))
        subprocess.run(command, check=True)
        key = (folder / f"{name}.pub").read_text().strip()
        own = f", login: {login()}" if name == "张三" else ""
        people += f"  - {{name: {name}, duty: {duty}, organisation: {organisation}, keys: [{key}]{own}}}\n"
    program = replace(Program(folder / "home", folder / "sites"), project=project)
    return Changing(program.make_site("own", hosts, contract=CONTRACT, people=people, **files), folder)
