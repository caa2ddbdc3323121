"""Compliance over a long ledger: 90 obligations of three years and 100,000 entries, with the index and without.

    python -m benchmarks.compliance [--entries 100000] [--faults 2000] [--rounds 3]

Every entry is a fact that compliance has to weigh: a record, run or document for each period of each obligation, five
records for each of the faults (two a day), and runs for the rest, as a schedule that runs every quarter of an hour
makes. They are written as the ledger writes them, each with the hash of the one before it, but not synced one by one.
The program is measured as a user calls it, from start to exit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.measure import machine, seconds, verdict
from runner.contract.model import Contract
from runner.contract.occurrences import planned
from runner.contract.working_time import WorkingTime
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.index import NAME as INDEX
from runner.evidence.ledger import GENESIS, SCHEMA_VERSION
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.contract.obligations import Obligation

SITE = "three-years"
PROGRAM = [sys.executable, "-m", "runner.cli"]
PARTY = {"name": "示例单位"}
GRADES = ("P1", "P2", "P3")
#: What happens in a case, and so many minutes after it was reported.
EVENTS = {"reported": 0, "responded": 10, "arrived": 50, "restored": 100, "resolved": 900}

Told = tuple[datetime, str, dict[str, Any]]


def obligations() -> Iterator[dict[str, Any]]:
    """Yield 90 obligations of every kind and cadence."""
    cadences = cycle(("weekly", "monthly", "quarterly", "half-yearly", "yearly"))
    for number in range(90):
        one: dict[str, Any] = {"id": f"C{number:02d}", "title": f"第 {number} 项义务", "clause": "合同条款原文" * 6}
        if number < 4:
            one |= {"kind": "procedure", "procedure": "inspect", "cadence": next(cadences)}
        elif number < 35:
            one |= {"kind": "record", "cadence": next(cadences)}
        elif number < 55:
            one |= {"kind": "document", "document": "health-report", "cadence": next(cadences)}
            one["due"] = {"after": "period end", "within": {"working_days": 7}}
        elif number < 60:
            one |= {"kind": "record", "cadence": "on event", "case": "fault", "opened_by": ["resolved"]}
            one["due"] = {"after": "resolved", "within": {"working_days": 3}}
        elif number < 75:
            clocks = [
                {"name": name, "within": {"minutes": limit}, "starts": ["reported"], "stops": [event]}
                for name, limit, event in (("respond", 15, "responded"), ("arrive", 60, "arrived"))
            ]
            clocks.append({"name": "restore", "within": {"hours": 2}, "starts": ["reported"], "stops": ["restored"]})
            one |= {"kind": "sla", "case": "fault", "when": {"grade": GRADES[number % 3]}, "clocks": clocks}
        elif number < 80:
            one |= {"kind": "quota", "quota": {"at_most": 5000, "per": "year"}}
        else:
            one |= {"kind": "record", "cadence": "standing"}
        yield one


def site(folder: Path, first: date, last: date) -> Contract:
    """Write a site of one host, this machine, with the contract; return the contract."""
    place = folder / "sites" / SITE
    place.mkdir(parents=True)
    content = {
        "schema_version": 1,
        "number": "HT-90",
        "title": "三年维保合同",
        "system": "医院信息系统",
        "provider": PARTY,
        "purchaser": PARTY,
        "timezone": "Asia/Shanghai",
        "term": {"from": first, "to": last},
        "grace": {"days": 5},
        "obligations": list(obligations()),
    }
    (place / "contract.yml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    (place / "people.yml").write_text("---\nschema_version: 1\npeople: []\n")
    (place / "hosts.yml").write_text("all:\n  hosts:\n    here: {ansible_connection: local}\n")
    return Contract.model_validate(content)


def told(contract: Contract, working: WorkingTime, count: int, faults: int, until: datetime) -> list[Told]:
    """Return so many things that happened: each occurrence once, the faults, and runs for the rest."""
    assert contract.term is not None
    chance, start = random.Random(90), working.midnight(contract.term.start)
    found = [
        _kept(one.obligation, one.period.label, one.due, until, chance)
        for one in planned(contract, working, contract.term.start, working.date_of(until))
    ]
    length = (until - start).total_seconds() - 86400
    for number in range(1, faults + 1):
        found += _fault(number, start + timedelta(seconds=length * chance.random()))
    found = found[:count]
    rest = count - len(found)
    found += [_run(start + timedelta(seconds=length * place / rest), "C00", None) for place in range(rest)]
    return sorted(found, key=lambda one: one[0])


def _kept(one: Obligation, label: str, due: datetime | None, until: datetime, chance: random.Random) -> Told:
    moment = min((due or until) - timedelta(days=1, hours=chance.randint(0, 40)), until)
    if one.kind == "procedure":
        return _run(moment, one.id, label)
    body = {"obligations": [one.id], "period": label, "at": timestamp(moment), "who": ["张伟"], "text": "已完成" * 20}
    if one.kind == "document":
        return moment, "document", {**body, "document": one.document, "step": "submitted", "number": "D-1"}
    return moment, "record", body


def _run(moment: datetime, name: str, label: str | None) -> Told:
    body = {
        "run": f"{moment:%Y%m%dT%H%M%S}-inspect-1a2b3c",
        "manifest_sha256": GENESIS,
        "procedure": "inspect",
        "obligations": [name, "C01", "C02", "C03"] if label else [name],
        "operator": {"login": "weibao", "name": None},
        "started": timestamp(moment - timedelta(minutes=3)),
        "ended": timestamp(moment),
        "check": False,
        "limit": None,
        "verdict": "complete",
        "levels": {"ok": 180, "notice": 9, "warning": 2},
        "period": label,
    }
    return moment, "run", body


def _fault(number: int, start: datetime) -> Iterator[Told]:
    names = [f"C{one:02d}" for one in range(55, 60)]
    for event, minutes in EVENTS.items():
        moment = start + timedelta(minutes=minutes)
        yield (
            moment,
            "record",
            {
                "obligations": [*names, "C75"] if event == "arrived" else names,
                "case": {"kind": "fault", "id": f"F-{number:05d}"},
                "event": event,
                "attributes": {"grade": GRADES[number % 3]} if event == "reported" else {},
                "at": timestamp(moment),
                "who": ["张伟"],
                "text": "处理情况说明" * 10,
            },
        )


def write(ledger: Path, entries: list[Told]) -> None:
    """Write entries as the ledger does, in a chain, without waiting for the disk each time."""
    previous = GENESIS
    for sequence, (moment, kind, body) in enumerate(entries, 1):
        raw = canonical(
            {
                "schema_version": SCHEMA_VERSION,
                "sequence": sequence,
                "kind": kind,
                "time": timestamp(moment + timedelta(minutes=1)),
                "site": SITE,
                "previous": previous,
                "signer": None,
                "body": {"schema_version": 1, **body},
            }
        )
        chapter = ledger / f"{sequence // 1000:03d}"
        if sequence % 1000 == 0 or sequence == 1:
            chapter.mkdir(parents=True, exist_ok=True)
        (chapter / f"{sequence:06d}-{kind}.json").write_bytes(raw)
        previous = digest(raw)


def call(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Run the program; return seconds, the highest memory in MB, and what it printed."""
    environment = {**os.environ, "WEIBAO_SITES": str(folder / "sites"), "WEIBAO_HOME": str(folder / "home")}
    printed = folder / "printed"
    start = time.perf_counter()
    with (
        printed.open("wb") as output,
        subprocess.Popen(
            [*PROGRAM, "--site", SITE, *arguments], cwd=PROJECT, env=environment, stdout=output
        ) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - start
    assert process.returncode in (0, 1), f"{arguments}: exit {process.returncode}"
    return taken, usage.ru_maxrss / 1000, printed.read_text()


def measured(rounds: int, work: Callable[[], tuple[float, float, str]]) -> tuple[float, float]:
    """Return the median seconds and the highest memory of some rounds."""
    taken = [work() for _ in range(rounds)]
    print(f"    rounds: {', '.join(f'{one[0]:.2f} s' for one in taken)}; {max(one[1] for one in taken):.0f} MB")
    return median(one[0] for one in taken), max(one[1] for one in taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--faults", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contract = site(folder, date(now.year - 2, 1, 1), date(now.year, 12, 31))
        working = WorkingTime(contract.zone() or UTC)
        entries = told(contract, working, options.entries, options.faults, now - timedelta(minutes=5))
        ledger, index = folder / "home" / SITE / "ledger", folder / "home" / SITE / "cache" / INDEX
        print(machine())
        taken = seconds(lambda: write(ledger, entries))
        # Nothing is owed after the newest run: it was told, and its documents were written.
        newest = next(body["run"] for _, kind, body in reversed(entries) if kind == "run")
        (ledger.parent / ".followed.json").write_text(json.dumps({"inspect": newest}))
        print(f"90 obligations of three years, {len(entries)} entries written in {taken:.1f} s")
        _report(folder, index, options.rounds, len(entries))


def _report(folder: Path, index: Path, rounds: int, entries: int) -> None:
    def without() -> tuple[float, float, str]:
        index.unlink(missing_ok=True)
        return call(folder, "compliance")

    slow, most = measured(rounds, without)
    fast, more = measured(rounds, lambda: call(folder, "compliance"))
    content = json.loads(call(folder, "--json", "compliance")[2])
    counts = {state: count for state, count in content["counts"].items() if count}
    assert content["evidence_considered"] == entries
    print(f"  {len(content['rows'])} rows: {counts}")
    verdict("seconds with the index", fast, 2, at_least=False)
    verdict("seconds without it, making it", slow, 15, at_least=False)
    verdict("MB of memory", max(most, more), 500, at_least=False)
    assert json.loads(call(folder, "--json", "schedule", "tick")[2])["runs"] == [], "something was due"
    idle, _ = measured(rounds, lambda: call(folder, "schedule", "tick"))
    verdict("seconds of a tick with nothing due", idle, 0.5, at_least=False)


if __name__ == "__main__":
    main()
