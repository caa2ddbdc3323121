"""A change from its application to its end, with real keys, real Ansible, and programs that die in between."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from runner.evidence.sealing import open_sealed
from tests.clock import clock_at, library
from tests.integration.changing import CONTRACT, HOSTS, ZONE, Changing, changing


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Changing:
    """One site for all: each test has a change of its own."""
    return changing(tmp_path_factory.mktemp("changes"))


def waits(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def started(site: Changing, number: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Begin to execute a change, and return the program once it has touched its first host."""
    running = subprocess.Popen(
        site.program.command("--json", "change", "execute", number, "--format", "none", *arguments),
        cwd=site.program.project, env=site.program.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    waits(lambda: bool(site.lines(number)) or running.poll() is not None)
    return running


def test_the_whole_path(site: Changing) -> None:
    asked = site.apply_for("U-1", "app1", "app2", "app3", preview=True)
    checks = ("preview", "change.step", "window", "blackout", "supervisor", "approvers")
    assert {one["check"]: one["passed"] for one in asked["feasibility"]} == dict.fromkeys(checks, True)
    assert site.lines("U-1") == []
    assert site.refused("change", "execute", "U-1") == ["approvals_missing", "nobody_attends"]
    assert site.approve("U-1")["entry"]["body"]["obligations"] == ["A36"]
    assert site.refused("change", "execute", "U-1") == ["nobody_attends"]
    site.sign_in("U-1")
    done = site.program.json("run", "write-lines", "--change", "U-1", "--format", "none")
    assert (done["outcome"], done["hosts"]["done"], done["remainder"]) == ("done", ["app1", "app2", "app3"], [])
    assert (sorted(site.lines("U-1")), site.lines("U-1")[0]) == (["app1", "app2", "app3"], "app1")
    approval = site.program.manifest()["approval"]
    assert approval["digest"] == asked["digest"]
    assert [(one["by"], one["assurance"]) for one in approval["approvals"]] == [("钱批准", "signature")]
    assert site.refused("change", "execute", "U-1") == ["executed"]
    assert site.refused("change", "close", "U-1", "--text", "好") == ["not_verified"]
    signed = site.sign("U-1", "verify", "赵监督", "--passed", "--text", "正常")
    site.program.json("change", "verify", "U-1", *signed)
    site.program.json("change", "close", "U-1", "--text", "完成")
    assert site.program.json("change", "list")["changes"][0]["state"] == "closed"
    assert site.program.json("ledger", "verify")["findings"] == []


def test_what_was_edited_after_the_approval_is_named_and_a_typo_elsewhere_is_not(site: Changing) -> None:
    site.ready("U-2", "app1")
    project, folder = site.program.project, site.program.sites / "own"
    (project / "roles" / "host_inspection" / "README.md").write_text("a typo\n")
    (folder / "host_vars").mkdir()
    (folder / "host_vars" / "app2.yml").write_text("other: 1\n")
    files = [project / "library" / "write_line.py", project / "ansible.cfg"]
    for path in files:
        shutil.copy(path, f"{path}.saved")
        path.write_text(path.read_text() + "# changed\n")
    (folder / "host_vars" / "app1.yml").write_text("mine: 1\n")
    result = site.program.run("--lang", "en", "change", "execute", "U-2")
    assert result.returncode == 3
    for word in ("library/write_line.py: changed", "ansible.cfg: changed", "host app1: mine: added"):
        assert word in result.stderr
    assert "app2" not in result.stderr
    assert "README" not in result.stderr
    for path in files:
        Path(f"{path}.saved").rename(path)
    (folder / "host_vars" / "app1.yml").unlink()
    assert site.program.json("change", "execute", "U-2", "--format", "none")["outcome"] == "done"


@pytest.mark.parametrize(
    ("point", "outcome", "lines"),
    [
        ("before mark", None, []),
        ("after mark", None, []),
        ("before run", "not begun", []),
        ("after run", "done", ["app2"]),
        ("before finish", "done", ["app2"]),
        ("after finish", "done", ["app2"]),
    ],
)
def test_killed_between_two_steps(site: Changing, point: str, outcome: str | None, lines: list[str]) -> None:
    number = f"U-{point.replace(' ', '-')}"
    site.ready(number, "app2")
    site.dies(point, "change", "execute", number, "--format", "none")
    assert site.lines(number) == lines
    if outcome is None:  # nothing had begun, so the next one may begin
        assert site.program.json("change", "execute", number, "--format", "none")["outcome"] == "done"
        assert site.lines(number) == ["app2"]
    else:
        site.program.run("change", "list")
        ended = "left" if outcome == "not begun" else "done"
        assert site.outcome(number) == (outcome, {ended: ["app2"]})
        if outcome == "done":
            assert site.refused("change", "execute", number) == ["executed"]
        else:  # the approval is not used up by what came to no host
            assert site.program.json("change", "execute", number, "--format", "none")["outcome"] == "done"
        assert site.lines(number) == ["app2"]
    assert list((site.program.state / "changing").glob("*")) == []
    assert site.program.json("ledger", "verify")["findings"] == []


def test_killed_while_it_runs_two_at_once_and_none_is_repeated(site: Changing) -> None:
    site.ready("U-3", "app1", "app3", variables={"line_seconds": 20})
    site.ready("U-4", "app1")
    site.ready("U-5", "app2")
    running = started(site, "U-3")
    assert site.refused("change", "execute", "U-3") == ["running"]
    assert site.refused("change", "execute", "U-4") == ["other_change"]
    assert site.program.json("change", "execute", "U-5", "--format", "none")["outcome"] == "done"
    running.kill()
    running.wait()
    told = site.program.run("change", "list")
    assert "change U-3 was interrupted" in told.stderr
    assert site.outcome("U-3") == ("interrupted", {"left": ["app3"], "failed": ["app1"]})
    assert site.refused("change", "execute", "U-3") == ["executed"]
    assert site.lines("U-3") == ["app1"]


def test_what_fails_before_it_starts_uses_no_approval_up(site: Changing) -> None:
    site.ready("U-21", "app1")
    playbook = site.program.project / "playbooks" / "write-lines.yml"
    text = playbook.read_text()
    playbook.write_text(text + "- [\n")
    broken = site.program.run("change", "execute", "U-21")
    assert (broken.returncode, "write-lines.yml" in broken.stderr) == (2, True)
    playbook.rename(playbook.with_suffix(".gone"))
    assert site.refused("change", "execute", "U-21") == ["differs"]
    playbook.write_text(text)
    assert site.program.json("change", "execute", "U-21", "--format", "none")["outcome"] == "done"


def test_the_approver_executes_nothing_and_terms_do_not_change_behind_an_approval(site: Changing) -> None:
    site.ready("U-22", "app1")
    key = {"WEIBAO_SIGNING_KEY": str(site.folder / "钱批准")}
    refused = site.program.run("--lang", "en", "change", "execute", "U-22", **key)
    assert (refused.returncode, "钱批准" in refused.stderr) == (3, True)
    contract = site.program.sites / "own" / "contract.yml"
    text = contract.read_text()
    contract.write_text(text.replace("changes: {", "changes: {approvals: 2, "))
    assert site.refused("change", "execute", "U-22") == ["differs"]
    contract.write_text(text)
    assert site.program.json("change", "execute", "U-22", "--format", "none")["outcome"] == "done"


def test_a_change_on_what_it_depends_on_is_in_the_way(site: Changing) -> None:
    site.ready("U-6", "db1", variables={"line_seconds": 8})
    site.ready("U-7", "app1")
    running = started(site, "U-6")
    assert site.refused("change", "execute", "U-7") == ["dependent_change"]
    assert running.wait() == 0


def test_a_supervisor_who_leaves_ends_it_with_the_batch_that_goes_on(site: Changing) -> None:
    site.ready("U-8", "app1", "app2", "app3", variables={"line_seconds": 6})
    running = started(site, "U-8")
    site.program.json("change", "sign-out", "U-8", "--by", "赵监督")
    running.wait()
    assert running.returncode == 4
    assert site.outcome("U-8") == ("window closed", {"done": ["app1"], "left": ["app2", "app3"]})
    assert site.lines("U-8") == ["app1"]
    # A person may go on with the rest, once the supervisor is back.
    assert site.refused("change", "execute", "U-8") == ["nobody_attends"]
    time.sleep(1)  # the moment of a signature is told by the second
    site.sign_in("U-8")
    assert site.program.json("change", "execute", "U-8", "--format", "none")["hosts"]["done"] == ["app2", "app3"]
    assert sorted(site.lines("U-8")) == ["app1", "app2", "app3"]


def test_outside_of_the_window_and_with_too_little_of_it_left(site: Changing) -> None:
    now = datetime.now(ZONE)
    later = {"from": f"{now + timedelta(minutes=30)}", "to": f"{now + timedelta(hours=2)}"}
    site.ready("U-9", "app1", window=later)
    assert site.refused("change", "execute", "U-9") == ["before_window"]
    site.ready("U-10", "app1", steps=[{"name": "慢", "minutes": 50}], reserve_minutes=30, code=1)
    assert site.refused("change", "execute", "U-10") == ["no_time"]


def test_nothing_runs_into_days_without_changes(site: Changing) -> None:
    day = datetime.now(ZONE).date() + timedelta(days=2)
    contract = site.program.sites / "own" / "contract.yml"
    before = contract.read_text()
    blackouts = f"{{blackouts: [{{from: {day}, to: {day}, reason: 保障}}], "
    contract.write_text(before.replace("changes: {", f"changes: {blackouts}"))
    now = datetime.now(ZONE)
    window = {"from": f"{now - timedelta(minutes=5)}", "to": f"{now + timedelta(hours=50)}"}
    try:
        site.ready("U-15", "app1", window=window, steps=[{"name": "很慢", "minutes": 48 * 60}], code=1)
        assert site.refused("change", "execute", "U-15") == ["blackout"]
        # What fits before is done; for it the window ends where the blackout begins.
        site.ready("U-16", "app1", window=window, code=1)
        done = site.program.json("change", "execute", "U-16", "--format", "none")
        assert done["outcome"] == "done"
        run = open_sealed(site.program.state / "runs", done["run"])
        ends = [one["detail"]["window_end"] for one in run.observations() if one["check"] == "change.batch"]
        assert {datetime.fromisoformat(one) for one in ends} == {datetime.combine(day, datetime.min.time(), ZONE)}
    finally:
        contract.write_text(before)


@pytest.mark.skipif(library() is None, reason="the Debian package faketime is not installed")
def test_a_clock_that_was_set_back_starts_nothing(site: Changing) -> None:
    site.ready("U-11", "app1")
    back = clock_at(datetime.now(ZONE) - timedelta(minutes=3), str(site.program.project))
    result = site.program.run("--lang", "en", "change", "execute", "U-11", **back)
    assert (result.returncode, site.lines("U-11")) == (3, [])
    assert "set it right" in result.stderr


def test_a_tick_carries_an_automatic_change_out_once(site: Changing) -> None:
    site.ready("U-12", "app3", automatic=True)
    site.apply_for("U-13", "app3", automatic=True)
    site.ready("U-14", "app3")
    done = site.program.json("schedule", "tick", "--format", "none")
    assert [(one["change"], one["outcome"]) for one in done["changes"]] == [("U-12", "done")]
    again = site.program.json("schedule", "tick", "--format", "none")
    assert (again["changes"], again["refused"], site.lines("U-12")) == ([], [], ["app3"])


def test_without_a_change_nothing_passes(site: Changing) -> None:
    result = site.program.run("run", "write-lines")
    assert (result.returncode, "only under an approved change" in result.stderr) == (3, True)
    assert site.program.run("run", "write-lines", "--change", "U-1", "--check").returncode == 2
    assert site.program.run("change", "execute", "U-404").returncode == 2


def test_what_the_contract_calls_routine_passes_the_gate_without_a_change(site: Changing) -> None:
    routine = CONTRACT + "procedures: {write-lines: {change: routine}}\n"
    lines = f"line_file: {site.folder / 'U-routine.lines'}\n"
    program = site.program.make_site("routine", HOSTS, contract=routine, group_vars__all=lines)
    result = program.run("run", "write-lines", "--limit", "app1", "--format", "none")
    assert (result.returncode, site.lines("U-routine")) == (0, ["app1"]), result.stderr
    assert program.manifest()["approval"] is None
