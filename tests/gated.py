"""Plays behind the gate of changes, as the runner would start them: with a token, and every task's result told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.observations import problems

from tests.program import PROJECT

#: Prints each task's results, without what Ansible adds to them.
CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_VERSION = "stdout", "told", 2.0

    def tell(self, outcome, result):
        said = {key: value for key, value in result._result.items() if key != "invocation"}
        task = result._task_fields["name"] if hasattr(result, "_task_fields") else result.task_fields["name"]
        host = (result.host if hasattr(result, "host") else result._host).get_name()
        print(json.dumps({"outcome": outcome, "task": task, "host": host, "result": said}))

    def v2_runner_on_ok(self, result):
        self.tell("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.tell("failed", result)

    def v2_runner_on_unreachable(self, result):
        self.tell("unreachable", result)
"""

Told = list[dict[str, Any]]


@dataclass(frozen=True)
class Gated:
    """Calls of ansible-playbook in a folder, for a run with a token, or none; each has a folder of its own for it."""

    folder: Path
    run_id: str
    token: dict[str, Any] | None
    more: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        (self.folder / "told.py").write_text(CALLBACK)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("WEIBAO_", "ANSIBLE_"))}
        settings = {
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(self.folder),
            "ANSIBLE_STDOUT_CALLBACK": "told",
            "WEIBAO_RUN_ID": self.run_id,
        }
        if self.token is not None:
            path = Path(tempfile.mkdtemp(prefix=f"weibao-{self.run_id}-", dir=self.folder)) / "change.json"
            path.write_text(json.dumps({"schema_version": 1, "run": self.run_id, **self.token}))
            path.chmod(0o600)
            settings["WEIBAO_CHANGE"] = str(path)
        return subprocess.Popen(
            [Path(sys.executable).with_name("ansible-playbook"), *arguments],
            cwd=self.folder,
            env={**kept, **settings, **self.more, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, Told, str]:
        """Return the exit code, what each task told, and everything that was printed."""
        process = self.start(*arguments, **environment)
        printed, _ = process.communicate(timeout=300)
        return process.returncode, told(printed), printed


def told(printed: str) -> Told:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def observations(found: Told, check: str) -> list[dict[str, Any]]:
    claimed = [one for event in found for one in event["result"].get("observations", ())]
    assert [problem for one in claimed for problem in problems(one)] == []
    return [one for one in claimed if one["check"] == check]


def batches(found: Told) -> list[dict[str, Any]]:
    return observations(found, "change.batch")
