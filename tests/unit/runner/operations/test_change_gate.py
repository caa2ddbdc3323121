"""Why a change may not start: each reason by itself, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.change_rules import Rules
from runner.changes import Change
from runner.contract.changes import Blackout
from runner.operations.change_gate import Circumstances, reachable, ready, refusals, waiting
from runner.operations.change_token import token_of
from tests.changing import DUTIES, ENGINEER, HEAD, SUPERVISOR, Story, key_pair


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate(DUTIES)}


@pytest.fixture
def story(tmp_path: Path, keys: dict[str, Path]) -> Story:
    return Story(tmp_path, keys)


def around(story: Story, **told: Any) -> Circumstances:
    return replace(Circumstances(datetime.now(UTC), (ENGINEER,), story.keyring()), **told)


def codes(story: Story, change: Change | None = None, **told: Any) -> list[str]:
    return [one.code for one in refusals(change or story.change(), around(story, **told))]


def prepared(story: Story, number: str = "SJ-1", **told: Any) -> Change:
    story.request(number, **told)
    story.approve(number=number)
    story.sign_in(number=number)
    return story.change(number)


def test_what_is_approved_attended_and_unchanged_may_start(story: Story) -> None:
    assert codes(story, prepared(story)) == []


def test_all_reasons_are_told_at_once(story: Story) -> None:
    story.request()
    differs = [{"what": "file", "name": f"roles/r/{number}", "how": "changed"} for number in range(30)]
    now = datetime.now(UTC)
    blackout = Blackout.model_validate({"from": date(2026, 2, 10), "to": date(2026, 2, 20), "reason": "春节保障"})
    found = codes(story, differences=differs, blackout=blackout, newest=now + timedelta(minutes=1))
    assert found == [
        *("approvals_missing", "nobody_attends"),
        *["differs"] * 20,
        *("differs_more", "blackout", "clock_behind"),
    ]


@pytest.mark.parametrize(("outcome", "again"), [("paused", True), ("window closed", True), ("failed", False)])
def test_only_a_person_goes_on_and_only_where_nothing_went_wrong(story: Story, outcome: str, again: bool) -> None:
    prepared(story)
    story.start()
    assert codes(story) == ["running"]
    story.end(outcome=outcome, hosts={"done": ["app1"], "left": ["app2", "legacy"]})
    assert codes(story) == ([] if again else ["executed"])
    assert codes(story, automatic=True) == ["executed"]


def test_what_is_not_known_to_be_in_order_is_not_repeated_by_itself(story: Story) -> None:
    prepared(story)
    story.start()
    story.end(outcome="paused", hosts={"done": ["app1"], "unsure": ["app2", "legacy"]})
    assert (story.change().remainder, codes(story)) == ((), ["executed"])


def test_a_batch_and_the_way_back_must_fit_into_what_is_left(story: Story) -> None:
    end = datetime.now(UTC) + timedelta(minutes=34)
    window = {"from": story.at(-1), "to": end.isoformat()}
    change = prepared(story, window=window)
    assert codes(story, change) == ["no_time"]
    longer = {**window, "to": (end + timedelta(minutes=2)).isoformat()}
    assert codes(story, replace(change, plan={**change.plan, "window": longer})) == []
    assert codes(story, change, now=end + timedelta(minutes=1)) == ["after_window"]


def test_a_change_on_the_same_or_a_dependent_host_is_in_the_way(story: Story) -> None:
    mine = prepared(story)
    story.request("SJ-2", hosts={"app2": "2" * 64, "db1": "4" * 64})
    story.start("SJ-2", "run-2")
    other = story.change("SJ-2")
    assert codes(story, mine, others=[mine, other]) == ["other_change"]
    far = replace(other, plan={**other.plan, "hosts": {"db1": ""}})
    assert codes(story, mine, others=[far]) == []
    for depends in ({"app1": ["cache"], "cache": ["db1"]}, {"db1": ["legacy"]}):
        assert codes(story, mine, others=[far], depends_on=depends) == ["dependent_change"]
    ended = replace(far, executions=())
    assert codes(story, mine, others=[ended], depends_on={"app1": ["db1"]}) == []


def test_a_circle_of_dependencies_ends() -> None:
    assert reachable(["a"], {"a": ["b"], "b": ["c"], "c": ["a"]}) == {"a", "b", "c"}


def test_a_prerequisite_that_failed_stops_and_what_is_asked_anew_does_not(story: Story) -> None:
    change = prepared(story)
    found = [
        {"check": "preview", "passed": False, "reason": None},
        {"check": "upgrade.space", "passed": None, "reason": None},
        {"check": "approvers", "passed": False, "reason": None},
    ]
    first = replace(change.steps[0], body={**change.steps[0].body, "feasibility": found})
    assert codes(story, replace(change, steps=(first, *change.steps[1:]))) == ["prerequisite"]


def test_who_carries_it_out_neither_approves_nor_attends_it(story: Story) -> None:
    change = prepared(story)
    assert codes(story, change, executors=(HEAD,)) == ["approvals_missing", "executor"]
    assert codes(story, change, executors=(SUPERVISOR,)) == ["nobody_attends", "executor"]


def test_the_schedule_takes_what_is_automatic_ready_and_was_not_refused(story: Story) -> None:
    prepared(story)
    prepared(story, "SJ-2", automatic=True)
    story.request("SJ-3", automatic=True)
    known = {number: story.change(number) for number in ("SJ-1", "SJ-2", "SJ-3")}
    assert [one.number for one in ready(known, datetime.now(UTC), story.keyring())] == ["SJ-2"]
    # That somebody may not approve or sign in says nothing of the execution.
    for attempt in ("approve", "sign-in", "withdraw", "close"):
        story.step("refused", "SJ-2", attempt=attempt, reasons=[])
    assert ready({"SJ-2": story.change("SJ-2")}, datetime.now(UTC), story.keyring()) != []
    story.step("refused", "SJ-2", attempt="execute", reasons=[])
    assert ready({"SJ-2": story.change("SJ-2")}, datetime.now(UTC), story.keyring()) == []


def test_nobody_starts_by_itself_what_nobody_has_approved(story: Story) -> None:
    rules = Rules(emergency=True)
    story.request(rules=rules, automatic=True, emergency=True)
    story.sign_in()
    change = story.change()
    assert ready({"SJ-1": change}, datetime.now(UTC), story.keyring()) == []
    assert codes(story, change, automatic=True) == ["automatic_emergency"]
    assert codes(story, change) == []


def test_an_approved_change_that_does_not_begin_by_itself_waits_and_says_why(story: Story) -> None:
    def told(change: Change, hours: float = 0) -> list[str]:
        now = datetime.now(UTC) + timedelta(hours=hours)
        return [str(why["code"]) for one in waiting({"x": change}, now, story.keyring()) for why in one.reasons]

    story.request(automatic=True)
    assert told(story.change()) == [], "nobody has approved it"
    story.approve()
    assert told(story.change()) == ["nobody_attends"]
    assert told(story.change(), -2) == [], "its window has not come"
    assert "after_window" in told(story.change(), 4)
    assert told(story.change(), 24 * 8) == []
    story.sign_in()
    assert told(story.change()) == [], "it begins with the next tick"
    story.step("refused", attempt="execute", reasons=[{"code": "blackout", "parameters": {}}])
    assert told(story.change()) == ["blackout"]
    assert told(replace(story.change(), plan={**story.change().plan, "automatic": False})) == []
    story.step("withdrawn", by=ENGINEER, reason="x")
    assert told(story.change()) == []


def test_steps_that_do_not_say_how_long_they_take_count_for_a_minute_each(story: Story) -> None:
    end = datetime.now(UTC) + timedelta(minutes=35)
    steps = [{"name": "停止", "minutes": None}, {"name": "启动", "minutes": 5}]
    change = prepared(story, window={"from": story.at(-1), "to": end.isoformat()}, steps=steps)
    assert codes(story, change) == ["no_time"]
    assert token_of(change, "run-1", change.window[1])["batch_seconds"] == 6 * 60
