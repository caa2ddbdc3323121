"""Who attended a change and who verified it: judged when it counts and again by ledger verify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.change_rules import Rules
from runner.evidence.approvals import counting_attendances, start_reasons
from tests.changing import AUDITOR, CLERK, DUTIES, ENGINEER, HEAD, SUPERVISOR, Story, key_pair


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate((*DUTIES, "新人"))}


@pytest.fixture
def story(tmp_path: Path, keys: dict[str, Path]) -> Story:
    return Story(tmp_path, keys)


def now() -> datetime:
    return datetime.now(UTC)


# -- presence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "told", "problem"),
    [
        (AUDITOR, {}, "审计员 is an auditor"),
        (ENGINEER, {}, "工程师甲 is not of the purchaser"),
        (HEAD, {}, "信息科主任 is not 系统负责人, whom the plan names as supervisor"),
        (SUPERVISOR, {"key": HEAD}, "was made with SHA256:"),
        (SUPERVISOR, {"digest": "d" * 64}, "not what was requested"),
        (SUPERVISOR, {"supervisor": HEAD}, "the signature of 信息科主任 does not fit"),
    ],
)
def test_what_is_no_presence_is_told(story: Story, who: str, told: dict[str, Any], problem: str) -> None:
    story.request()
    story.approve()
    story.sign_in(who, **told)
    assert counting_attendances(story.change(), story.keyring()) == ()
    assert start_reasons(story.change(), story.keyring(), now(), CLERK)[0].code == "nobody_attends"
    assert any(problem in one for one in story.problems()), story.problems()


def test_who_signed_out_is_away_and_their_old_words_do_not_bring_them_back(story: Story) -> None:
    story.request()
    story.approve()
    signed = story.sign_in().body
    first = story.change().attendances[0].step.sequence
    story.sign_out()
    assert story.change().attending(now()) == ()
    story.step("signed-in", **{key: signed[key] for key in ("supervisor", "digest", "signature", "public_key", "at")})
    assert [one.partition(": ")[2] for one in story.problems()] == [
        f"what proves the decision of 系统负责人 stands in entry {first} already",
        "系统负责人 signed out after that",
    ]
    story.sign_in()
    assert start_reasons(story.change(), story.keyring(), now(), ENGINEER) == ()


def test_presence_is_signed_in_the_window_unless_the_contract_lets_it_be_signed_before(story: Story) -> None:
    window = {"from": story.at(1), "to": story.at(4)}
    story.request(window=window)
    story.sign_in()
    assert [one.code for one in start_reasons(story.change(), story.keyring(), now(), ENGINEER)] == [
        "before_window",
        "approvals_missing",
        "nobody_attends",
        "attendance_early",
    ]
    story.request("SJ-2", Rules(attendance_beforehand=True), window=window)
    story.approve(number="SJ-2")
    story.sign_in(number="SJ-2")
    later = now() + timedelta(hours=2)
    assert start_reasons(story.change("SJ-2"), story.keyring(), later, ENGINEER) == ()


def test_a_sign_out_that_is_dated_back_brings_no_old_words_to_life(story: Story) -> None:
    story.request(at=story.at(-2))
    story.approve()
    story.sign_in(at=story.at(-0.5))
    story.sign_out(at=story.at(-0.9))
    told = f"系统负责人 signed out on {hour(story, -0.9)}, before they signed in"
    assert story.problems() == [f"the sign-out from change SJ-1 does not count: {told}"]
    story.sign_in(at=story.at(-0.4))
    assert [one.code for one in start_reasons(story.change(), story.keyring(), now(), ENGINEER)] == [
        "nobody_attends",
        "signed_out_since",
    ]


def hour(story: Story, hours: float) -> str:
    return f"{datetime.fromisoformat(story.at(hours)):%Y-%m-%d %H:%M}"


def test_a_sign_out_may_be_signed_and_then_the_signature_must_hold(story: Story) -> None:
    story.request()
    story.sign_in()
    told = {"supervisor": SUPERVISOR}
    story.sign_out(**story.sign("signed-out", SUPERVISOR, "SJ-1", told, {}))
    assert (story.problems(), story.remarks()) == ([], [])
    story.sign_in()
    story.sign_out(**story.sign("signed-out", SUPERVISOR, "SJ-1", told, {"key": HEAD}))
    (found,) = story.problems()
    assert found.startswith("the sign-out from change SJ-1 does not count: the signature of 系统负责人 was made with")


# -- verification -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "told", "problem"),
    [
        (SUPERVISOR, {}, None),
        (ENGINEER, {"signature": None, "public_key": None}, None),
        (SUPERVISOR, {"signature": None, "public_key": None}, "系统负责人 neither signed nor is there a paper"),
        (SUPERVISOR, {"passed": True, "text": "另一句话"}, "the signature of 系统负责人 does not fit"),
        (SUPERVISOR, {"key": HEAD}, "the signature of 系统负责人 was made with"),
        (CLERK, {"signature": None, "public_key": None}, "工程师甲 tells what 工程师乙 found"),
        (AUDITOR, {}, "审计员 is an auditor"),
        (HEAD, {"at": "2020-01-01T00:00:00+08:00"}, "信息科主任 verified on 2020-01-01 00:00 what had not ended"),
    ],
)
def test_the_purchasers_word_that_all_is_well_is_proved(
    story: Story, by: str, told: dict[str, Any], problem: str | None
) -> None:
    story.request()
    story.approve()
    story.sign_in()
    story.start()
    story.end()
    story.verify(by, **told)
    found = story.problems()
    if problem is None:
        assert found == []
    else:
        assert found[0].startswith(f"the verification of change SJ-1 does not count: {problem}")
