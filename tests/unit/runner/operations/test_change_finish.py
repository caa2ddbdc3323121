"""The end of an execution that no program told, of its window, and what it left for the next one."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runner.change_request import read_request
from runner.changes import Change
from runner.errors import BadInput, MachineError
from runner.evidence.canonical import parse_timestamp
from runner.evidence.sealing import OpenRun, marker_path, seal
from runner.execution.frozen import CHANGE_FILE
from runner.execution.processes import private_folder, remove_private_folders
from runner.operations.book import open_book
from runner.operations.change_documents import REPORT, write_change_document
from runner.operations.change_entries import known_changes, words_for
from runner.operations.change_finish import Closed, close_abandoned, close_unmarked
from runner.operations.change_marker import mark
from runner.operations.change_remainder import remainder_request
from runner.operations.change_token import end_window, token_of
from runner.operations.check_site import CheckedSite
from runner.operations.recover import recover
from runner.site import Site
from tests.unit.runner.operations.changed import DIGEST, NUMBER, changed, request, tell

ZONE = ZoneInfo("Asia/Shanghai")


#: Of a run that was stopped when it had come to one of its hosts.
MANIFEST = {
    "started": "2026-11-22T22:00:00+08:00",
    "ended": "2026-11-22T22:01:00+08:00",
    "hosts": {"app1": {"outcome": "not_finished", "changed": 1}},
    "ending": {"stopped": {"code": "interrupted"}},
}


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    found = changed(site)
    request(found)
    return found


def start(checked: CheckedSite, run: str = "run-1", number: str = NUMBER) -> None:
    tell(checked, "started", number, run=run, digest=DIGEST, event="started")


def end(checked: CheckedSite, outcome: str = "paused", run: str = "run-1", **hosts: list[str]) -> None:
    tell(checked, "executed", run=run, outcome=outcome, hosts=hosts)


def change(checked: CheckedSite) -> Change:
    return known_changes(checked.site)[NUMBER]


# -- what died ----------------------------------------------------------------------------------------------


def test_an_execution_without_a_marker_is_closed_once(checked: CheckedSite) -> None:
    start(checked)
    (closed,) = close_unmarked(checked.site)
    assert (closed.change, closed.outcome) == (NUMBER, "not begun")
    assert change(checked).executions[-1].hosts["left"] == ("app1", "app2")
    assert close_unmarked(checked.site) == []


def test_what_goes_on_or_is_still_to_be_sealed_is_not_closed(checked: CheckedSite) -> None:
    start(checked)
    with mark(checked.site, NUMBER, "run-1") as held:
        assert close_unmarked(checked.site) == []
        run = OpenRun(checked.site.runs_folder, "run-1", {})
        held.done()
        assert close_unmarked(checked.site) == []
    run.close_files()
    run.listed()
    assert len(close_unmarked(checked.site)) == 1


def test_what_another_command_is_sealing_is_left_to_whoever_comes_after_it(checked: CheckedSite) -> None:
    start(checked)
    mark(checked.site, NUMBER, "run-1").lock.close()
    run = OpenRun(checked.site.runs_folder, "run-1", {})
    assert list(close_abandoned(checked.site, open_book(checked.site))) == []
    assert change(checked).running
    run.close_files()
    seal(run.folder, MANIFEST)
    run.listed()
    (closed,) = close_abandoned(checked.site, open_book(checked.site))
    assert (closed.outcome, change(checked).executions[-1].hosts["failed"]) == ("interrupted", ("app1",))


@pytest.mark.parametrize("lost", ["marker", "manifest"])
@pytest.mark.parametrize("marked", [True, False])
def test_what_lost_its_evidence_is_not_told_as_if_it_had_not_begun(
    checked: CheckedSite, tmp_path: Path, lost: str, *, marked: bool
) -> None:
    start(checked)
    if marked:
        mark(checked.site, NUMBER, "run-1").lock.close()
    run = OpenRun(checked.site.runs_folder, "run-1", {})
    run.close_files()
    run.listed()
    if lost == "marker":
        shutil.rmtree(run.folder)
        marker_path(checked.site.runs_folder, "run-1").write_text("{")
    recovered = [*recover(checked.site), *close_unmarked(checked.site)]
    assert [str(one.outcome) for one in recovered if isinstance(one, Closed)] == ["interrupted"]
    assert change(checked).executions[-1].hosts["failed"] == ("app1", "app2")
    assert change(checked).running is None
    assert write_change_document(checked, NUMBER, REPORT, "zh", ("json",), tmp_path).paths


def test_each_marker_is_held_against_the_ledger_as_it_is_by_then(checked: CheckedSite) -> None:
    request(checked, "SJ-2")
    for run in ("run-1", "run-2"):
        mark(checked.site, NUMBER, run).lock.close()
    start(checked)
    ends = close_abandoned(checked.site, open_book(checked.site))
    assert next(ends).change == NUMBER
    start(checked, "run-2", "SJ-2")
    assert [one.change for one in ends] == ["SJ-2"]
    assert list((checked.site.state / "changing").iterdir()) == []


# -- the window -----------------------------------------------------------------------------------------------


def test_a_run_is_told_that_its_window_has_ended_or_whoever_asks_is_told_that_it_is_not(checked: CheckedSite) -> None:
    now = datetime.now(UTC)
    end_window(checked.site, "run-1", now)  # it is over
    with mark(checked.site, NUMBER, "run-1"):
        with pytest.raises(MachineError, match="run run-1 could not be told that its window has ended"):
            end_window(checked.site, "run-1", now)
        path = private_folder("run-1") / CHANGE_FILE
        try:
            path.write_text(json.dumps(token_of(change(checked), "run-1", change(checked).window[1])))
            end_window(checked.site, "run-1", now)
            told = json.loads(path.read_bytes())
        finally:
            remove_private_folders("run-1")
    assert (parse_timestamp(told["window_end"]), told["change"], told["batch_seconds"]) == (now, NUMBER, 300)


# -- what is left -----------------------------------------------------------------------------------------------


def left(checked: CheckedSite) -> str:
    return remainder_request(checked, NUMBER, words_for(checked, "en"))


def test_what_is_left_is_a_request_that_wants_a_window(checked: CheckedSite, tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "number": "SJ-9",
        "case": "upgrade:SJ-9",
        "procedure": "restart-services",
        "hosts": ["app"],
        "variables": {"service_restart_services": [{"name": "nginx"}]},
        **dict.fromkeys(("content", "reason", "risk", "impact", "backup", "rollback"), "如实填写"),
        "steps": [{"name": "停止 nginx", "minutes": None}],
        "window": {"from": "2026-11-22T22:00:00+08:00", "to": "2026-11-23T02:00:00+08:00"},
        "reserve_minutes": None,
        "supervisor": "王建国",
        "batches": [1, "100%"],
        "automatic": False,
        "emergency": True,
    }
    request(checked, "SJ-9", request=asked)
    tell(checked, "started", "SJ-9", run="run-9", digest=DIGEST, event="started")
    hosts = {"unsure": ["app1"], "left": ["app2"]}
    tell(checked, "executed", "SJ-9", run="run-9", outcome="paused", hosts=hosts)
    text = remainder_request(checked, "SJ-9", words_for(checked, "en"))
    assert "hosts:\n- app2\n# - app1  # " in text
    path = tmp_path / "next.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"window\.from: a moment is written") as caught:
        read_request(path, ZONE)
    assert {line.partition(": ")[2][:7] for line in str(caught.value).splitlines()} == {"window."}
    day = datetime.now(ZONE) + timedelta(days=1)
    path.write_text(text.replace("from: ''", f"from: '{day}'").replace("to: ''", f"to: '{day + timedelta(hours=1)}'"))
    found = read_request(path, ZONE).request.as_dict()
    same = asked.keys() - {"number", "case", "hosts", "window", "emergency"}
    assert {key: found[key] for key in same} == {key: asked[key] for key in same}
    assert (found["number"], found["case"], found["hosts"], found["emergency"]) == (None, None, ["app2"], False)


def test_what_left_nothing_asks_for_nothing(checked: CheckedSite) -> None:
    with pytest.raises(BadInput, match="was not carried out"):
        left(checked)
    start(checked)
    with pytest.raises(BadInput, match="it is being carried out"):
        left(checked)
    end(checked, "done", done=["app1", "app2"])
    with pytest.raises(BadInput, match="has left nothing"):
        left(checked)
