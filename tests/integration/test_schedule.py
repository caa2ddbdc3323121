"""The schedule under a clock that tests set: each occurrence is run, and once only, whatever happens."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.clock import clock_at, library
from tests.lab import Lab
from tests.program import Program
from tests.receiver import receiving
from tests.required import needs

ZONE = ZoneInfo("Asia/Shanghai")
INPUTS = "host_inspection_sample_seconds: 0.1\nhost_inspection_checks: ['cpu.*', 'filesystem.*']\n"
HEAD = """
schema_version: 1
number: T-1
title: 维保合同
system: 影像系统
provider: {name: 甲}
purchaser: {name: 乙}
timezone: Asia/Shanghai
term: {from: 2027-01-01, to: 2027-12-31}
"""

#: A host that nobody answers for.
GONE = (
    "all:\n  hosts:\n    gone:\n      ansible_host: 127.0.0.1\n      ansible_port: 9\n"
    "      ansible_ssh_common_args: -o ConnectTimeout=2\n"
)

pytestmark = needs(library(), "needs the Debian package faketime")


def owed(**cadences: str) -> str:
    """Obligations of procedure inspect by id, each with its cadence."""
    lines = [
        f"  - {{id: {name}, kind: procedure, procedure: inspect, cadence: {cadence}, clause: 巡检}}\n"
        for name, cadence in cadences.items()
    ]
    return "obligations:\n" + "".join(lines)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@dataclass(frozen=True)
class Scheduled:
    """A site with a contract, ticked at moments that tests choose."""

    program: Program

    def environment(self, moment: datetime, kill: int | None = None, within: str = "") -> dict[str, str]:
        more = clock_at(moment, self.program.environment()["PYTHONPATH"])
        return more | {"STEP_KILL": str(kill), "STEP_FOLDER": str(self.program.state / within)} if kill else more

    def tick(
        self, moment: datetime, *options: str, kill: int | None = None, within: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Tick, killed at one of the steps on what lies within the state, if any: names that begin so."""
        return self.program.run(
            "--json", "schedule", "tick", "--format", "none", "--fail-on", "never", *options,
            **self.environment(moment, kill, within),
        )  # fmt: skip

    def start(self, moment: datetime) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.program.command("--json", "schedule", "tick", "--format", "none", "--fail-on", "never"),
            cwd=self.program.project,
            env=self.program.environment(**self.environment(moment)),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def entries(self) -> list[dict[str, Any]]:
        """What the ledger says of the runs, oldest first."""
        paths = sorted((self.program.state / "ledger").rglob("*-run.json"))
        return [json.loads(path.read_text())["body"] for path in paths]

    def fulfilled(self) -> Counter[str]:
        """How often each occurrence was served by a complete run."""
        complete = (one for one in self.entries() if one["verdict"] == "complete")
        return Counter(key for one in complete for key in one["occurrences"])

    def at_work(self, moment: datetime) -> subprocess.Popen[str]:
        """Start a tick, and return it as soon as it inspects a host."""
        ticking = self.start(moment)
        assert ticking.stderr
        assert any("Inspect the host" in line for line in ticking.stderr)
        return ticking

    def verified(self) -> bool:
        # Long after the last tick: an entry of the future would be a finding.
        later = self.environment(at("2028-12-31T00:00"))
        return self.program.json("ledger", "verify", **later)["findings"] == []


Make = Callable[..., Scheduled]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    programs = count(1)

    def make_site(obligations: str, head: str = HEAD, hosts: str | None = None) -> Scheduled:
        own = Program(tmp_path / "home", tmp_path / "sites")
        name = f"own{next(programs)}"
        return Scheduled(own.make_site(name, hosts, group_vars__all=INPUTS, contract=head + obligations))

    return make_site


def printed(result: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert result.returncode == code, result.stdout + result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_tick_runs_what_is_due_once(make: Make) -> None:
    site = make(owed(A01="monthly", A34="weekly", A43="standing"))
    first = printed(site.tick(at("2027-01-01T00:05")))
    assert [one["occurrences"] for one in first["runs"]] == [["A01/2027-01", "A34/2026W53", "A43/term"]]
    second = printed(site.tick(at("2027-01-01T00:20")))
    assert (second["runs"], second["next_runs"][0]["at"]) == ([], "2027-01-04T00:00:00+08:00")
    assert printed(site.tick(at("2027-01-04T00:00")))["runs"][0]["occurrences"] == ["A34/2027W01", "A43/term"]
    lines = site.program.json(
        "schedule", "list", "--from", "2027-01-01", "--to", "2027-01-31", **site.environment(at("2027-01-05T08:00"))
    )["lines"]
    assert {(one["obligation"], one["period"], one["state"]) for one in lines} >= {
        ("A01", "2027-01", "fulfilled"), ("A34", "2026W53", "fulfilled"), ("A34", "2027W02", "planned"),
    }  # fmt: skip
    assert site.verified()


def test_an_outage_is_made_up_for_in_one_tick_oldest_first(make: Make) -> None:
    site = make(owed(A01="monthly"))
    runs = printed(site.tick(at("2027-03-02T08:00")))["runs"]
    assert [one["occurrences"] for one in runs] == [["A01/2027-01"], ["A01/2027-02"], ["A01/2027-03"]]
    assert set(site.fulfilled().values()) == {1}


def test_two_ticks_at_once_do_no_harm(make: Make) -> None:
    site = make(owed(A01="monthly"))
    both = [site.start(at("2027-01-01T08:00")) for _ in range(2)]
    found = []
    for one in both:
        out, err = one.communicate(timeout=120)
        assert one.returncode == 0, out + err
        found.append(json.loads(out))
    assert sorted(len(one["runs"]) for one in found) == [0, 1]
    assert site.fulfilled() == {"A01/2027-01": 1}


def test_a_run_by_hand_that_goes_on_is_left_alone(make: Make) -> None:
    site = make(owed(A01="monthly"))
    moment = at("2027-01-01T08:00")
    by_hand = subprocess.Popen(
        site.program.command("run", "inspect", "--format", "none"),
        env=site.program.environment(**site.environment(moment)),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not list((site.program.state / "runs").glob(".open/*.json")):
        time.sleep(0.02)
    beside = printed(site.tick(moment))
    assert (beside["runs"], beside["running"]) == ([], ["inspect"])
    assert by_hand.wait() in (0, 1)
    assert printed(site.tick(moment + timedelta(minutes=15)))["next_runs"][0]["reason"] == "planned"
    assert len(site.entries()) == 1


def test_a_failed_run_is_tried_again_after_an_hour(make: Make) -> None:
    site = make(owed(A01="monthly"), hosts=GONE)
    moment = at("2027-01-01T08:00")
    assert printed(site.tick(moment), 4)["next_runs"][0]["reason"] == "retry"
    assert printed(site.tick(moment + timedelta(minutes=15)))["runs"] == []
    assert len(printed(site.tick(moment + timedelta(minutes=75)), 4)["runs"]) == 1
    assert site.fulfilled() == {}


def test_a_signal_ends_the_tick_and_the_next_one_makes_the_run_again(make: Make) -> None:
    site = make(owed(A01="monthly"))
    moment = at("2027-02-01T08:00")
    ticking = site.at_work(moment)
    ticking.send_signal(signal.SIGTERM)
    out, _ = ticking.communicate(timeout=60)
    assert ticking.returncode == 130, out
    # No second run was begun, although another month is open.
    assert [one["verdict"] for one in site.entries()] == ["incomplete"]
    printed(site.tick(moment + timedelta(minutes=15)))
    assert site.fulfilled() == {"A01/2027-01": 1, "A01/2027-02": 1}


def test_a_document_that_a_killed_tick_did_not_write_is_written_by_the_next(make: Make) -> None:
    site = make(owed(A01="monthly"))
    moment, html = at("2027-01-01T08:00"), ("--format", "html")
    assert site.tick(moment, *html, kill=1, within="documents/.inspection").returncode == -signal.SIGKILL
    assert ([one["verdict"] for one in site.entries()], list((site.program.state / "documents").iterdir())) == (
        ["complete"], [],
    )  # fmt: skip
    found = printed(site.tick(moment + timedelta(minutes=15), *html))
    (run,) = site.entries()
    assert [one["run"] for one in found["late"]] == [run["run"]]
    assert [Path(path).is_file() for path in found["late"][0]["documents"]] == [True]
    assert found["runs"] == []
    assert printed(site.tick(moment + timedelta(minutes=30), *html))["late"] == []


def test_what_a_killed_tick_did_not_tell_is_told_by_the_next(make: Make) -> None:
    site = make(owed(A01="monthly"), hosts=GONE)
    moment = at("2027-01-01T08:00")
    with receiving() as receiver:
        channel = f"schema_version: 1\nchannels:\n  - {{name: duty, url: '{receiver.url}'}}\n"
        (site.program.sites / site.program.site / "notify.yml").write_text(channel)
        assert site.tick(moment, kill=1, within=".notify.lock").returncode == -signal.SIGKILL
        assert ([one["verdict"] for one in site.entries()], receiver.titles) == (["failed"], [])
        for minutes in (15, 30):
            assert printed(site.tick(moment + timedelta(minutes=minutes)))["runs"] == []
        assert len(receiver.titles) == 1


def test_what_must_not_be_repeated_waits_for_a_person_who_is_told(make: Make) -> None:
    site = make(owed(A01="monthly"), HEAD + "procedures: {inspect: {repeatable: false}}\n")
    with receiving() as receiver:
        channel = f"schema_version: 1\nchannels:\n  - {{name: duty, url: '{receiver.url}'}}\n"
        (site.program.sites / site.program.site / "notify.yml").write_text(channel)
        waits_for_a_person(site)
        # Told when it was found, and again a day and more later.
        assert len(receiver.titles) == 2
        assert all("未完成" in title for title in receiver.titles)


def waits_for_a_person(site: Scheduled) -> None:
    moment = at("2027-01-01T08:00")
    ticking = site.at_work(moment)
    ticking.kill()
    ticking.communicate()
    for later in (timedelta(minutes=15), timedelta(minutes=30), timedelta(days=40)):
        found = printed(site.tick(moment + later), 3)
        assert (found["runs"], found["next_runs"][0]["reason"]) == ([], "not_repeatable")
    assert [one["verdict"] for one in site.entries()] == ["incomplete"]
    result = site.program.run(
        "schedule", "tick", **site.environment(moment + timedelta(days=40, minutes=15)), WEIBAO_LANG="en"
    )
    assert (result.returncode, "must not be repeated" in result.stdout) == (3, True)


def test_bad_files_are_told_and_nothing_is_changed(make: Make) -> None:
    site = make(owed(A01="daily"))
    result = site.tick(at("2027-01-01T08:00"))
    assert result.returncode == 2
    assert "contract.yml" in result.stderr
    site = make(owed(A01="monthly"))
    (site.program.sites / site.program.site / "hosts.yml").write_text("all: [")
    result = site.tick(at("2027-01-01T08:00"))
    assert result.returncode == 2
    assert "hosts.yml" in result.stderr
    assert site.entries() == []


def test_the_calendar_file_and_the_timer_from_the_command_line(make: Make, tmp_path: Path) -> None:
    site = make(owed(A01="monthly"))
    clock = site.environment(at("2027-03-05T08:00"))
    found = site.program.json("schedule", "ics", "--from", "2027-01-01", "--to", "2027-12-31", **clock)
    assert (found["events"], Path(found["file"]).parent) == (12, site.program.state / "documents")
    shown = site.program.run("schedule", "ics", "--output", "-", **clock)
    assert shown.stdout.startswith("BEGIN:VCALENDAR")
    assert site.program.run("schedule", "list", "--from", "2027-05-01", "--to", "2027-04-01").returncode == 2
    assert site.program.run("schedule", "list", "--from", "yesterday").returncode == 2
    for system in ("systemd", "cron"):
        dry = site.program.json("schedule", "install", "--dry-run", "--with", system)
        assert dry["outcome"] == "would_write"
        assert all("schedule" in one["text"] for one in dry["files"] if not one["path"].endswith(".timer"))


# -- a year, killed between any two steps --------------------------------------------------------------------


@dataclass
class Killing:
    """At which of its changes of the state folder a tick is killed: at each of them in turn, then from the start."""

    step: int
    stride: int
    kills: int

    def tick(self, site: Scheduled, moment: datetime) -> None:
        """Make a tick that is killed at the next step; where it has no more of them, it ends by itself."""
        if site.tick(moment, kill=self.step).returncode != -signal.SIGKILL:
            self.step = 0
        self.step += self.stride


def year(site: Scheduled, expected: set[str], killing: Killing, delays: Iterator[float] | None = None) -> None:
    """Tick through the year; ticks are killed before one is let through, some of them after a delay while they run."""
    moment = at("2027-01-01T00:00")
    while moment < at("2028-01-01T00:00"):
        for _ in range(killing.kills):
            killing.tick(site, moment)
            # More than the longest time between two attempts.
            moment += timedelta(hours=25)
        for delay in islice(delays or (), 1):
            ticking = site.start(moment)
            time.sleep(delay)
            ticking.kill()
            ticking.communicate()
            moment += timedelta(hours=25)
        coming = printed(site.tick(moment))["next_runs"]
        assert len(coming) <= 1
        following = datetime.fromisoformat(coming[0]["at"]) if coming else at("2028-01-01T00:00")
        moment = max(following, moment + timedelta(minutes=15))
    assert site.fulfilled() == dict.fromkeys(expected, 1)
    assert list((site.program.state / "runs").glob(".open/*.json")) == []
    assert site.verified()
    lines = site.program.json(
        "schedule", "list", "--from", "2027-01-01", "--to", "2027-12-31", **site.environment(at("2027-12-31T23:00"))
    )["lines"]
    states = {f"{one['obligation']}/{one['period']}": one["state"] for one in lines}
    # Of a week that the term cuts to three days, the kills take more.
    assert states == {key: "breached" if key == "A34/2026W53" else "fulfilled" for key in expected}
    assert all(one["done"] for one in lines)


MONTHS = {f"A01/2027-{month:02d}" for month in range(1, 13)}
QUARTERS = {f"A04/2027Q{quarter}" for quarter in range(1, 5)}
HALVES = {"A42/2027H1", "A42/2027H2"}


def test_a_year_of_ticks_killed_between_steps_fulfils_each_occurrence_once(make: Make) -> None:
    site = make(owed(A04="quarterly", A42="half-yearly"))
    # From the first look at the ledger, past the marker, the seal and the entry, to the end of the run.
    year(site, QUARTERS | HALVES, Killing(step=9, stride=2, kills=3))
    verdicts = Counter(one["verdict"] for one in site.entries())
    assert verdicts["complete"] == 4
    assert verdicts["incomplete"] >= 2, "some of the kills interrupted a run"


@pytest.mark.long
def test_a_year_of_weeks_killed_at_every_step(make: Make) -> None:
    site = make(owed(A34="weekly", A01="monthly", A04="quarterly"))
    weeks = {"A34/2026W53", *(f"A34/2027W{week:02d}" for week in range(1, 53))}
    chance = random.Random(20271231)
    delays = (chance.uniform(0.3, 4) for _ in count())
    year(site, MONTHS | QUARTERS | weeks, Killing(step=1, stride=1, kills=2), delays)


@pytest.mark.long
@pytest.mark.lab
def test_a_year_of_ticks_on_the_lab(lab: Lab, make: Make) -> None:
    site = make(owed(A01="monthly", A04="quarterly", A42="half-yearly"))
    folder = site.program.sites / site.program.site
    shutil.copytree(lab.inventory.parent / "group_vars", folder / "group_vars", dirs_exist_ok=True)
    shutil.copy(lab.inventory, folder / "hosts.yml")
    chance = random.Random(20271130)
    delays = (chance.uniform(1, 20) for _ in count())
    year(site, MONTHS | QUARTERS | HALVES, Killing(step=1, stride=1, kills=3), delays)
