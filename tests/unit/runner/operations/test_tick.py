from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.commands.schedule import tick_code
from runner.errors import BadInput, ExitCode, MachineError
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.events import Ending, Reason
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import OpenRun, SealedRun
from runner.execution.progress import Lines
from runner.operations.follow_up import left_over
from runner.operations.look_ahead import Look
from runner.operations.run_procedure import ListedRun
from runner.operations.schedule import Turn
from runner.operations.tick import Manner, Ran, Tick, runs_going_on, tick
from runner.site import Site
from tests.receiver import receiving
from tests.unit.runner.operations.changed import DIGEST, NUMBER, PLAN, approve, changed, request, tell

TURN = Turn("inspect", ("A01/2026-01",), None)


@dataclass
class Shown:
    """What a tick says while it works."""

    lines: list[str] = field(default_factory=list)

    @property
    def manner(self) -> Manner:
        return Manner("zh", (), Lines, lambda turn: self.lines.append(turn.procedure), self.lines.append)


def ran(site: Site, verdict: str, *, stopped: str | None = None, levels: dict[str, int] | None = None) -> Ran:
    manifest = {"verdict": {"state": verdict}, "levels": levels or {}}
    ledger = Ledger(site.ledger_folder, site.name)
    ending = Ending(0, "successful", Reason(stopped) if stopped else None)
    return Ran(TURN, ListedRun(SealedRun(site.runs_folder / "r", manifest), ledger.append("run", {}), ending), None)


def test_nothing_due_leaves_the_site_as_it_is(site: Site) -> None:
    shown = Shown()
    done = tick(site, shown.manner)
    assert (done, shown.lines, done.ran, tick_code(done, "critical")) == (done, [], [], ExitCode.DONE)
    assert list(site.ledger_folder.rglob("*.json")) == []


def test_a_second_tick_leaves_the_work_to_the_first(site: Site) -> None:
    with (site.state / ".tick.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = tick(site, Shown().manner)
        assert (done.busy, tick_code(done, "critical")) == (True, ExitCode.DONE)
    assert not tick(site, Shown().manner).busy


def test_state_that_cannot_be_kept_is_told(site: Site) -> None:
    (site.state / ".tick.lock").mkdir()
    with pytest.raises(MachineError, match="cannot keep state here"):
        tick(site, Shown().manner)


def test_a_contract_that_cannot_be_read_is_told(site: Site) -> None:
    site.contract_file.write_text("schema_version: 1\nterm: {from: 2026-13-01}\n")
    with pytest.raises(BadInput, match=r"contract\.yml"):
        tick(site, Shown().manner)


def test_a_tick_that_hangs_is_told_by_the_next(site: Site) -> None:
    for since, hangs in ((datetime.now(UTC) - timedelta(hours=23), False), (datetime(2026, 1, 1, tzinfo=UTC), True)):
        with (site.state / ".tick.lock").open("w") as lock:
            lock.write(timestamp(since))
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            if hangs:
                with pytest.raises(MachineError, match=r"at work since 2026-01-01 00:00 UTC and hangs"):
                    tick(site, Shown().manner)
            else:
                assert tick(site, Shown().manner).busy
    assert not tick(site, Shown().manner).busy


def test_a_run_by_hand_that_hangs_makes_the_tick_fail(site: Site) -> None:
    now = datetime.now(UTC)
    for started, code in ((now - timedelta(hours=23), ExitCode.DONE), (now - timedelta(hours=25), ExitCode.MACHINE)):
        assert tick_code(Tick(running={"inspect": started}), "never") == code


def test_a_marker_is_a_run_that_goes_on_unless_it_is_damaged_or_of_a_part(site: Site) -> None:
    assert runs_going_on(site.runs_folder) == {}
    since = datetime.now(UTC)
    told = {"started": timestamp(since)}
    whole = OpenRun(site.runs_folder, "run-1", {"procedure": "inspect", "obligations": ["A01"], **told})
    part = OpenRun(site.runs_folder, "run-2", {"procedure": "clean", "obligations": [], **told})
    (site.runs_folder / ".open" / "run-3.json").write_text(json.dumps(["x"]))
    (site.runs_folder / ".open" / "run-4.json").write_bytes(b"\xff")
    assert runs_going_on(site.runs_folder) == {"inspect": since}
    for run in (whole, part):
        run.close_files()
        run.listed()
    assert runs_going_on(site.runs_folder) == {}


@pytest.mark.parametrize("noted", ["", "[]", "{", '{"inspect": "run-1"}'])
def test_what_a_run_owes_is_owed_until_it_is_noted_even_if_the_note_is_damaged(site: Site, noted: str) -> None:
    (site.state / ".followed.json").write_text(noted)
    assert left_over(site, {"inspect": "run-2"}) == ["run-2"]
    (site.state / ".followed.json").write_text('{"inspect": "run-2"}')
    assert left_over(site, {"inspect": "run-2"}) == []


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"verdict": "complete"}, ExitCode.DONE),
        ({"verdict": "complete", "levels": {"critical": 1}}, ExitCode.FINDINGS),
        ({"verdict": "partial"}, ExitCode.RUN_FAILED),
        ({"verdict": "incomplete", "stopped": "cancelled"}, ExitCode.INTERRUPTED),
    ],
)
def test_the_code_says_the_worst_of_the_runs(site: Site, what: dict[str, Any], code: ExitCode) -> None:
    assert tick_code(Tick(ran=[ran(site, "complete"), ran(site, **what)]), "critical") == code


def test_the_code_says_what_waits_and_what_could_not_be_run(site: Site) -> None:
    waiting = Tick(look=Look((Turn("clean", ("A10/2026-01",), None, "not_repeatable"),)), ran=[ran(site, "complete")])
    assert tick_code(waiting, "never") == ExitCode.REFUSED
    change = Tick(look=Look((Turn("clean", ("A10/2026-01",), None, "needs_change"),)))
    assert tick_code(change, "never") == ExitCode.DONE
    assert tick_code(Tick(problems=[(TURN, MachineError("full"))]), "never") == ExitCode.MACHINE


def test_a_change_that_does_not_begin_by_itself_is_told_once(site: Site) -> None:
    checked = changed(site)
    plan = {**PLAN, "automatic": True, "supervisor": "王建国"}
    told = digest(canonical(plan))
    request(checked, plan=plan, digest=told)
    with receiving() as receiver:
        site.notifications_file.write_text(f"schema_version: 1\nchannels: [{{name: duty, url: '{receiver.url}'}}]\n")
        quiet = tick(site, Shown().manner)
        assert (quiet.left, quiet.sent) == ([], []), "nobody has approved it"
        approve(checked, digest=told)
        (first, second) = (tick(site, Shown().manner) for _ in range(2))
        for done in (first, second):
            assert [(one.change.number, [why["code"] for why in one.reasons]) for one in done.left] == [
                (NUMBER, ["nobody_attends"])
            ]
            assert tick_code(done, "never") == ExitCode.REFUSED
        assert ([one.error for one in first.sent], second.sent) == ([None], [])
        (message,) = receiver.received
        assert message["title"] == f"【维保】手术示教系统：变更 {NUMBER} 已批准，但未自动实施"
        assert "没有监督人在场" in message["message"]
    tell(checked, "withdrawn", by="张伟", reason="改期")
    assert tick(site, Shown().manner).left == []


def test_a_tick_ends_what_no_program_carries_out_any_more(site: Site) -> None:
    checked = changed(site)
    request(checked)
    tell(checked, "started", run="run-1", digest=DIGEST, event="started")
    done = tick(site, Shown().manner)
    assert [one.as_dict() for one in done.recovered] == [{"change": NUMBER, "outcome": "not begun"}]
    assert tick(site, Shown().manner).recovered == []
