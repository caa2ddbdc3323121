"""What of changes counts for compliance: judged by keys and people, over a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.change_rules import Rules
from runner.errors import MachineError
from runner.operations.change_facts import counting_changes
from runner.operations.facts import facts_of
from runner.site import Site
from tests.changing import CLERK, ENGINEER, HEAD, SECOND, SUPERVISOR, Story, key_pair


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    names = (HEAD, SECOND, SUPERVISOR, ENGINEER, CLERK)
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate(names)}


@pytest.fixture
def story(tmp_path: Path, keys: dict[str, Path]) -> Story:
    return Story(tmp_path, keys)


def otherwise(story: Story) -> dict[int, dict[str, Any]]:
    """What counts otherwise than it says, by number: obligations and event."""
    found = counting_changes([one for one in story.lines() if one.kind == "change"], story.keyring())
    return {number: {key: body[key] for key in ("obligations", "event")} for number, body in found.items()}


NOTHING = {"obligations": [], "event": None}


def test_an_approval_that_holds_counts_as_it_says(story: Story) -> None:
    story.request()
    story.approve(obligations=["A36.approval"])
    assert otherwise(story) == {}


@pytest.mark.parametrize(
    "told",
    [{"by": ENGINEER}, {"key": SECOND}, {"reason": "x"}, {"digest": "d" * 64}, {"signature": None, "public_key": None}],
)
def test_one_that_does_not_hold_leaves_the_approval_owed(story: Story, told: dict[str, Any]) -> None:
    story.request()
    wrong = story.approve(told.pop("by", HEAD), obligations=["A36.approval"], **told)
    assert otherwise(story) == {wrong.sequence: NOTHING}


def test_of_several_approvals_the_one_counts_that_completes_them(story: Story) -> None:
    story.request(rules=Rules(approvals=2))
    first = story.approve(obligations=["A36.approval"])
    again = story.approve(obligations=["A36.approval"])
    assert otherwise(story) == {first.sequence: NOTHING, again.sequence: NOTHING}
    story.approve(SECOND, obligations=["A36.approval"])
    assert otherwise(story) == {first.sequence: NOTHING, again.sequence: NOTHING}


@pytest.mark.parametrize(
    ("watched", "told", "counts"),
    [
        ("to the end", {}, True),
        ("not at all", {}, False),
        ("from the start on", {}, False),
        ("to the end", {"key": HEAD}, False),
        ("to the end", {"passed": False}, False),
        ("to the end", {"by": CLERK, "signature": None}, False),
        ("to the end", {"by": ENGINEER, "signature": None}, True),
    ],
)
def test_a_success_answers_the_supervision_only_where_all_of_it_was_watched(
    story: Story, watched: str, told: dict[str, Any], counts: bool
) -> None:
    story.request()
    if watched != "not at all":
        story.sign_in()
    story.start()
    if watched == "from the start on":
        story.sign_out()
    story.end(outcome="done")
    done = story.verify(told.pop("by", SUPERVISOR), obligations=["A37"], **told)
    assert otherwise(story) == ({} if counts else {done.sequence: NOTHING})


def test_what_failed_answers_no_supervision(story: Story) -> None:
    story.request()
    story.sign_in()
    story.start()
    story.end(outcome="failed")
    done = story.verify(obligations=["A37"])
    assert otherwise(story) == {done.sequence: NOTHING}


def test_nothing_is_owed_for_what_was_stopped_before_anything_was_done(story: Story) -> None:
    request = story.request()
    story.step("withdrawn", by=ENGINEER, reason="改期")
    assert otherwise(story) == {request.sequence: NOTHING}
    story.request("SJ-2", rules=Rules(emergency=True), emergency=True)
    story.start("SJ-2")
    story.step("rejected", "SJ-2", digest=story.digest, by=HEAD, reason="不同意", signature=None)
    assert list(otherwise(story)) == [request.sequence]


def test_the_facts_of_a_site_are_those_that_count(story: Story, tmp_path: Path) -> None:
    site = Site("test", tmp_path / "site", story.folder)
    story.request()
    story.approve(ENGINEER, obligations=["A36.approval"])
    until = datetime.now(UTC) + timedelta(hours=1)
    assert [(one.event, one.obligations) for one in facts_of(site, until)] == [("planned", ()), ("", ())]
    story.approve(obligations=["A36.approval"])
    assert [one.obligations for one in facts_of(site, until)] == [(), (), ("A36.approval",)]


def test_an_entry_that_is_none_of_ours_stops_compliance_and_is_named(story: Story, tmp_path: Path) -> None:
    site = Site("test", tmp_path / "site", story.folder)
    story.step("requested", plan={})
    with pytest.raises(MachineError, match="is not what weibao writes"):
        facts_of(site, datetime.now(UTC))
