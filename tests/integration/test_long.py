"""The heaviest sizes, for `make test-long`."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import time
from pathlib import Path

import pytest

from runner.evidence.events import Ending, EventStream
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import LineFile
from tests.integration.test_interruptions import INPUTS, gone_within, leftovers
from tests.program import Program

pytestmark = pytest.mark.long


def test_a_million_events_need_no_more_memory_than_a_thousand(tmp_path: Path) -> None:
    stream = EventStream(Redactor({"password": "never-in-there"}))
    file = LineFile(tmp_path / "events.jsonl.gz")
    peak = 0
    for counter in range(1, 1_000_001):
        data = {"host": f"h{counter % 200}", "task": "t", "res": {"changed": False, "msg": "x" * 400}}
        line, _ = stream.take({"counter": counter, "event": "runner_on_ok", "event_data": data})
        file.write(line)
        if counter == 1000:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file.close()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown < 4096, f"{grown} KiB"
    reasons = {reason.code for reason in stream.verdict(Ending(0, "successful"), observations_owed=False).reasons}
    assert reasons >= {"no_stats"}


def test_sixty_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path / "home", tmp_path / "sites").make_site("own", group_vars__all=INPUTS)
    chance = random.Random(20261121)
    for _ in range(60):
        running = subprocess.Popen(
            program.command("run", "inspect"),
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.05, 4.5))
        running.kill()
        running.wait()
        assert gone_within(5, program.home)
    program.run("ledger", "show")  # seals what was left; a verification writes nothing
    verified = program.json("ledger", "verify")
    assert verified["findings"] == []
    entries = [json.loads(path.read_text()) for path in sorted((program.state / "ledger").rglob("*-run.json"))]
    assert sorted(entry["body"]["run"] for entry in entries) == [path.name for path in program.runs()]
    assert len(entries) == len(program.runs()) > 40
    assert leftovers(program) == []
