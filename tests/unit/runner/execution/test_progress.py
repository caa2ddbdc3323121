from __future__ import annotations

from typing import Any

import pytest

from runner.evidence.events import EventStream
from runner.evidence.redaction import Redactor
from runner.execution.progress import Lines

HOSTS = [f"web-{number}" for number in range(40)]


def test_each_tenth_of_a_fleet_is_told_while_hosts_come_one_after_another(capsys: pytest.CaptureFixture[str]) -> None:
    lines, stream = Lines(), EventStream(Redactor({}))
    stream.expect(HOSTS)

    def follow(kind: str, task: str, host: str | None = None) -> None:
        # Tasks of the same name are two by their ids.
        data: dict[str, Any] = {"task": task.partition(" ")[0], "task_uuid": task}
        data |= {"host": host, "res": {"msg": "x"}} if host else {}
        event: dict[str, Any] = {"counter": stream.count + 1, "event": kind, "event_data": data}
        stream.take(event)
        lines.follow(event, stream)

    for host in HOSTS:  # as host_pinned leads them: each at a stretch
        for task in ("look 1", "look 2"):
            follow("playbook_on_task_start", task)
            follow("runner_on_ok", task, host)
    told = [line for line in capsys.readouterr().err.splitlines() if "steps" in line]
    assert told == [f"{done} of 80 steps, 0 hosts failed" for done in range(8, 81, 8)]
