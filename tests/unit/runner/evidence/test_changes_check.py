"""What ledger verify finds in the entries of changes: their order, their digests, and what has no form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.change_rules import Rules
from tests.changing import CLERK, ENGINEER, HEAD, SUPERVISOR, Story, key_pair


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate((HEAD, SUPERVISOR))}


@pytest.fixture
def story(tmp_path: Path, keys: dict[str, Path]) -> Story:
    return Story(tmp_path, keys)


def ready(story: Story) -> None:
    story.request()
    story.approve()
    story.sign_in()


def test_a_plan_that_is_not_what_its_digest_says_is_found(story: Story) -> None:
    story.request(digest="d" * 64)
    assert story.problems() == ["the digest of change SJ-1 is not that of its plan"]


def test_a_number_is_requested_once(story: Story) -> None:
    first = story.request()
    story.request(procedure="other")
    assert story.problems() == [f"requests change SJ-1, which entry {first.sequence} requested already"]
    assert story.change().procedure == "restart-services"


@pytest.mark.parametrize("name", ["approved", "started", "closed"])
def test_what_nobody_requested_is_found(story: Story, name: str) -> None:
    told = {"digest": "d" * 64, "by": HEAD, "reason": "r", "run": "r", "outcome": "done", "text": None}
    story.step(name, "SJ-9", **told)
    assert story.problems() == ["tells of change SJ-9, which no entry before it requests"]


def test_a_start_of_another_plan_or_dated_otherwise_is_found(story: Story) -> None:
    ready(story)
    story.start(digest="d" * 64)
    assert story.problems() == ["starts change SJ-1 with dddddddddddddddd…, which was not requested"]


def test_a_start_that_is_dated_back_into_the_window_is_found(story: Story) -> None:
    story.request(window={"from": story.at(-3), "to": story.at(-1)}, at=story.at(-3))
    story.approve()
    story.sign_in(at=story.at(-2))
    story.start(at=story.at(-1.5))
    (found,) = story.problems()
    assert found.startswith("starts change SJ-1 at ")
    assert "but was written at" in found


def test_a_start_outside_of_the_window_is_found(story: Story) -> None:
    story.request(window={"from": story.at(-3), "to": story.at(-1)}, at=story.at(-3))
    story.approve()
    story.sign_in(at=story.at(-2))
    story.start()
    (found,) = story.problems()
    assert found.startswith("change SJ-1 was started, but the window closed on ")


def test_one_start_at_a_time_and_none_after_a_withdrawal(story: Story) -> None:
    ready(story)
    story.start()
    story.start(run="run-2")
    assert story.problems() == ["change SJ-1 was started, but run run-1 of this change has not ended"]
    story.request("SJ-2")
    story.approve(number="SJ-2")
    story.sign_in(number="SJ-2")
    story.step("withdrawn", "SJ-2", by=HEAD, reason="改期")
    story.start("SJ-2")
    assert "change SJ-2 was started, but the change was withdrawn" in story.problems()


def test_an_end_belongs_to_a_start_and_to_a_sealed_run(story: Story) -> None:
    ready(story)
    story.end()
    problem = "tells the end of run run-1, which change SJ-1 did not start, or which had ended"
    assert story.problems() == [problem]
    story.start()
    story.end(outcome="done")
    assert story.problems() == [problem, "tells the end of run run-1, which no entry before it lists"]
    story.end()
    assert story.problems().count(problem) == 2


def test_a_run_of_a_change_is_what_was_approved_and_started(story: Story) -> None:
    ready(story)
    story.start()
    story.seal()
    story.end(outcome="done")
    assert story.problems() == []
    story.request("SJ-2", window={"from": story.at(-1), "to": story.at(2)})
    story.seal("run-2", "SJ-2")
    assert story.problems() == ["lists a run under change SJ-2, which no entry starts"]


@pytest.mark.parametrize(
    ("sealed", "ended", "problem"),
    [
        (
            {"procedure": "other"},
            {},
            "run run-1 is not what change SJ-1 approves: its procedure is other, not restart-ser",
        ),
        ({"closure": {"digest": "x"}}, {}, "run run-1 is not what change SJ-1 approves: its closure is x, not ccc"),
        (
            {"approval": {"change": "SJ-1", "digest": "x"}},
            {},
            "run run-1 is not what change SJ-1 approves: its digest is x",
        ),
        ({"approval": None}, {}, "tells the end of run run-1, which 000007-run.json does not list under change SJ-1"),
        ({"hosts": ("app1", "db1")}, {}, "run run-1 came to hosts that change SJ-1 has not left: db1"),
        ({}, {"hosts": {"done": ["app1", "x"]}}, "tells of app1, x, but run run-1 was for app1, app2, legacy"),
        (
            {},
            {"hosts": {"done": ["app1"], "left": ["app1", "app2", "legacy"]}},
            "tells of app1, app1, app2, legacy, but",
        ),
    ],
)
def test_a_run_that_is_another_one_is_found(
    story: Story, sealed: dict[str, Any], ended: dict[str, Any], problem: str
) -> None:
    ready(story)
    story.start()
    story.seal(**sealed)
    story.end(outcome="done", **ended)
    assert any(one.startswith(problem) for one in story.problems()), story.problems()


def test_an_approval_is_for_one_execution(story: Story) -> None:
    ready(story)
    story.start()
    story.seal()
    story.end(outcome="done")
    story.start()
    story.end(outcome="done")
    found = story.problems()
    assert found[0].startswith("starts run run-1, which entry ")
    assert found[1] == "starts change SJ-1 again, of which run run-1 ended as done"


def test_what_was_interrupted_before_it_was_sealed_came_to_no_host(story: Story) -> None:
    ready(story)
    story.start()
    story.end(hosts={"done": ["app1", "app2", "legacy"]})
    assert story.problems() == ["tells the end of run run-1, which no entry before it lists"]


def test_whoever_enters_a_request_is_its_requester(story: Story) -> None:
    story.request(requester=CLERK)
    assert story.problems() == ["change SJ-1 is requested by 工程师乙, but entered by 工程师甲"]


@pytest.mark.parametrize("passed", [True, False])
def test_what_failed_or_was_not_verified_is_not_told_as_done(story: Story, passed: bool) -> None:
    ready(story)
    story.start()
    story.seal()
    story.end(outcome="done")
    story.verify(passed=passed)
    story.step("closed", outcome="done", text="完成", event="done")
    told = "closes change SJ-1 as done, which was not executed, or not verified as it should be"
    assert story.problems() == ([] if passed else [told])


def test_what_was_executed_is_neither_withdrawn_nor_rejected(story: Story) -> None:
    ready(story)
    story.start()
    story.end()
    story.step("withdrawn", by=ENGINEER, reason="迟了")
    story.step("rejected", digest=story.digest, by=HEAD, reason="迟了", signature=None, public_key=None)
    assert story.problems() == [f"{step} comes after change SJ-1 was executed" for step in ("withdrawn", "rejected")]


def test_nobody_signs_out_who_was_not_there(story: Story) -> None:
    story.request()
    story.sign_out()
    assert story.problems() == ["signs 系统负责人 out from change SJ-1, who was not signed in"]


def test_nothing_follows_the_end_and_what_was_not_executed_is_not_verified(story: Story) -> None:
    ready(story)
    story.verify()
    closing = story.step("closed", outcome="withdrawn", text=None)
    story.sign_in()
    assert story.problems() == [
        "verifies run run-1 of change SJ-1, which is not the one that was executed",
        f"signed-in comes after change SJ-1 was closed in entry {closing.sequence}",
    ]


def test_what_was_refused_and_who_left_after_the_close_is_told_and_no_finding(story: Story) -> None:
    ready(story)
    story.start()
    story.seal()
    story.end(outcome="done")
    story.verify()
    story.step("closed", outcome="done", text="完成", event="done")
    story.step("refused", attempt="execute", reasons=[{"code": "ended", "parameters": {"state": "closed"}}])
    story.sign_out()
    assert story.problems() == []
    (there,) = story.change().attendances
    assert there.out is not None
    assert [step.name for step in story.change().steps[-2:]] == ["refused", "signed-out"]
    story.sign_out()
    assert story.problems() == ["signs 系统负责人 out from change SJ-1, who was not signed in"]


@pytest.mark.parametrize("ended", ["withdrawn", "rejected"])
def test_so_it_is_after_a_withdrawal_or_a_rejection(story: Story, ended: str) -> None:
    ready(story)
    told = {"digest": story.digest, "signature": None, "public_key": None}
    story.step(ended, by=HEAD, reason="改期", **told)
    story.step("refused", attempt="execute", reasons=[{"code": "ended", "parameters": {"state": ended}}])
    story.sign_out()
    assert story.problems() == []


def test_an_emergency_starts_unapproved_where_the_contract_knows_it_and_its_approval_stays_owed(story: Story) -> None:
    story.request(rules=Rules(emergency=True), emergency=True)
    story.sign_in()
    start = story.start()
    assert story.problems() == []
    assert story.remarks() == [f"emergency change SJ-1 started in entry {start.sequence}, and its approval is owed"]
    story.approve()
    assert (story.problems(), story.remarks()) == ([], [])
    story.request("SJ-2", emergency=True)
    story.sign_in(number="SJ-2")
    story.start("SJ-2", run="run-2")
    assert story.problems() == ["change SJ-2 was started, but the contract knows no emergency change"]


def test_anybody_may_stop_a_change(story: Story) -> None:
    ready(story)
    story.step("rejected", digest=story.digest, by="谁", reason="不同意", signature=None, public_key=None)
    assert story.problems() == []
    assert story.remarks() == ["the rejection of change SJ-1 is told of 谁 by 工程师甲, and nothing proves it"]
    assert story.change().state(story.now) == "rejected"


NONE = {**Rules().as_dict(), "approvals": 0}
GOOD: dict[str, Any] = {
    "procedure": "p",
    "supervisor": "x",
    "hosts": {},
    "window": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    "reserve_minutes": 1,
    "steps": [],
    "automatic": False,
    "emergency": False,
    "terms": Rules().as_dict(),
}
PLAN: dict[str, Any] = {"window": {"from": "2026-01-01", "to": 3}}


@pytest.mark.parametrize(
    ("name", "told", "key"),
    [
        ("requested", {}, "request"),
        ("requested", {"request": {}, "plan": PLAN}, "plan"),
        ("requested", {"request": {}, "plan": {**GOOD, "terms": NONE}, "digest": "d" * 64, "requester": "x"}, "plan"),
        ("requested", {"request": {}, "plan": GOOD, "digest": "d", "requester": "x"}, "digest"),
        ("invented", {}, "step"),
        (["requested"], {}, "step"),
        ("approved", {"digest": "x", "by": HEAD, "reason": "x"}, "digest"),
        ("approved", {"attachments": [{}]}, "attachments"),
        ("approved", {"digest": "d" * 64, "by": HEAD, "reason": 3}, "reason"),
        ("signed-in", {"supervisor": ""}, "supervisor"),
        ("signed-in", {"at": "2026-01-01T00:00:00", "supervisor": "x"}, "at"),
        ("started", {"digest": "d" * 64}, "run"),
        ("executed", {"run": "r", "outcome": "well"}, "outcome"),
        ("executed", {"run": "r", "outcome": "done", "hosts": {"done": "app1"}}, "hosts"),
        ("verified", {"by": HEAD, "run": "r", "passed": "yes"}, "passed"),
        ("refused", {"attempt": "execute", "reasons": [{}]}, "reasons"),
    ],
)
def test_a_body_that_is_none_is_found_and_not_followed(story: Story, name: Any, told: dict[str, Any], key: str) -> None:
    story.step(name, **told)
    problem = f"is not what weibao writes of kind change: {key} is missing, or not what it must be"
    assert story.problems() == [problem]


def test_an_approval_that_was_changed_afterwards_is_found(story: Story) -> None:
    ready(story)
    path = next(path for _, kind, path in story.ledger.paths() if kind == "change")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace("停止 nginx".encode(), "停止 mysql".encode()))
    assert any("does not fit" in one for one in story.problems())
    assert "the digest of change SJ-1 is not that of its plan" in story.problems()
