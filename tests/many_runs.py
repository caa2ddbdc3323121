"""A site with very many sealed runs: written as the program writes them, but neither synced nor signed one by one."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.ledger import GENESIS
from runner.evidence.sealing import EVENTS, MANIFEST, OBSERVATIONS, entry_body

VERDICTS = ("complete",) * 17 + ("partial", "failed", "incomplete")
#: What a hostile host sends wherever it can.
HOSTILE = "</script><script>window.hacked = 1</script>\u2028\u202ergb\u0000 '\"<img src=x onerror=hacked=2>"


def write_runs(
    state: Path, count: int, until: datetime, hosts: int = 3, between: timedelta = timedelta(hours=2)
) -> None:
    """Write so many runs of ``inspect`` on so many hosts, each at a distance from the one before."""
    previous, names = GENESIS, [f"ris-app-{number}" for number in range(1, hosts)] + ["__proto__"]
    events = _zipped(_events(names))
    observations = _zipped(_observations(names))
    for sequence in range(1, count + 1):
        started = until - between * (count + 1 - sequence)
        manifest = _manifest(sequence, started, names, events, observations, state.name)
        folder = state / "runs" / str(manifest["run"])
        folder.mkdir(parents=True)
        raw = canonical(manifest)
        for name, data in ((EVENTS, events), (OBSERVATIONS, observations), (MANIFEST, raw)):
            (folder / name).write_bytes(data)
        previous = _append(state, sequence, started, entry_body(manifest, digest(raw)), previous)


def _append(state: Path, sequence: int, moment: datetime, body: dict[str, Any], previous: str) -> str:
    entry = {
        "schema_version": 1,
        "sequence": sequence,
        "kind": "run",
        "time": timestamp(moment + timedelta(minutes=5)),
        "site": state.name,
        "previous": previous,
        "signer": None,
        "body": body,
    }
    raw = canonical(entry)
    path = state / "ledger" / f"{sequence // 1000:03d}" / f"{sequence:06d}-run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return digest(raw)


def _zipped(lines: list[dict[str, Any]]) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)


def _events(hosts: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place, task in enumerate(("Inspect the host", "Write the settings", f"Odd {HOSTILE}")):
        for host in hosts:
            result: dict[str, Any] = {"changed": place == 1}
            if place == 1:
                result["diff"] = {"before": "one\ntwo\n", "after": f"one\n{HOSTILE}\n", "after_header": "/etc/app.conf"}
            failed = place == 2 and host == hosts[-1]
            if failed:
                result["msg"] = HOSTILE
            kind = "runner_on_failed" if failed else "runner_on_ok"
            data = {"host": host, "task": task, "task_uuid": f"task-{place}", "res": result, "ignore_errors": True}
            found.append({"counter": len(found) + 1, "event": kind, "event_data": data})
    return found


def _observations(hosts: list[str]) -> list[dict[str, Any]]:
    told = [
        ("filesystem.used", "/", 91.5, "percent", "critical", {"warning": 80, "critical": 90}),
        ("filesystem.used", HOSTILE, 12.0, "percent", "ok", {"warning": 80, "critical": 90}),
        ("memory.used", "", 42.0, "percent", "ok", {"warning": 90}),
    ]
    keys = ("check", "subject", "value", "unit", "level", "limits")
    return [
        {
            "host": host,
            "reason": None,
            "detail": {},
            "time": "2026-01-01T00:00:00Z",
            **dict(zip(keys, one, strict=True)),
        }
        for host in hosts
        for one in told
    ]


def _manifest(
    number: int, started: datetime, hosts: list[str], events: bytes, observations: bytes, site: str
) -> dict[str, Any]:
    state = VERDICTS[number % len(VERDICTS)]
    outcomes = {host: {"outcome": "ok", "message": None} for host in hosts}
    if state != "complete":
        outcomes[hosts[0]] = {"outcome": "unreachable", "message": HOSTILE}
    return {
        "schema_version": 1,
        "run": f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-inspect-{number:06x}",
        "site": site,
        "procedure": "inspect",
        "obligations": ["A01"],
        "operator": {"login": "zhangsan", "name": "张三"},
        "started": timestamp(started),
        "ended": timestamp(started + timedelta(minutes=4)),
        "arguments": {"check": False, "limit": None},
        "hosts": outcomes,
        "levels": {"critical": len(hosts), "ok": 2 * len(hosts)},
        "events": 3 * len(hosts),
        "verdict": {"state": state, "reasons": [], "missed": []},
        "files": {
            EVENTS: {"sha256": digest(events), "bytes": len(events)},
            OBSERVATIONS: {"sha256": digest(observations), "bytes": len(observations)},
        },
    }
