"""Who may approve and attend a change: signed by ssh-keygen, judged when it counts and again by ledger verify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.change_rules import Rules
from runner.evidence.approvals import counting_approvals, start_reasons
from runner.evidence.ledger import Ledger
from runner.evidence.signing import SshSigner
from runner.public_key import parse_public_key
from tests.changing import AUDITOR, CLERK, DUTIES, ENGINEER, HEAD, SECOND, SUPERVISOR, Story, key_pair, paper, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate((*DUTIES, "新人"))}


@pytest.fixture
def story(tmp_path: Path, keys: dict[str, Path]) -> Story:
    return Story(tmp_path, keys)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_signed_approval_and_presence_let_a_change_start_and_all_of_it_verifies(story: Story) -> None:
    story.request()
    story.approve()
    story.sign_in()
    assert start_reasons(story.change(), story.keyring(), now(), ENGINEER) == ()
    story.start()
    story.end()
    story.verify()
    story.sign_out()
    story.step("closed", outcome="interrupted", text=None)
    assert story.problems() == []
    told = "the sign-out from change SJ-1 is told of 系统负责人 by 工程师甲, and nothing proves it"
    assert story.remarks() == [told]


@pytest.mark.parametrize(
    ("by", "told", "problem"),
    [
        (HEAD, {"reason": "随便"}, "the signature of 信息科主任 does not fit"),
        (HEAD, {"digest": "d" * 64}, "what 信息科主任 signed is dddddddddddddddd, not what was requested"),
        (HEAD, {"reason": " "}, "信息科主任 gave no reason"),
        (HEAD, {"signature": "none"}, "the signature of 信息科主任 is no SSH signature"),
        (HEAD, {"key": ENGINEER}, "was made with SHA256:"),
        (HEAD, {"key": SECOND}, "was made with SHA256:"),
        (ENGINEER, {}, "工程师甲 is not of the purchaser"),
        (AUDITOR, {}, "审计员 is an auditor, who decides nothing"),
        (SUPERVISOR, {}, "系统负责人 has none of the duties that may: purchaser approver"),
        ("新人", {}, "新人 is in nobody's list of the purchaser's people"),
        (HEAD, {"signature": None, "public_key": None}, "信息科主任 neither signed nor is there a paper"),
        (HEAD, paper(vouched_by="谁", operator="谁"), "nobody in force vouches for the paper of 信息科主任"),
        (HEAD, paper(operator=ENGINEER), "工程师甲 entered the paper of 信息科主任, for which 工程师乙 is to vouch"),
        (
            HEAD,
            paper(vouched_by=ENGINEER, operator=ENGINEER),
            "工程师甲, who vouches for the paper of 信息科主任, requested",
        ),
        (HEAD, {"at": "2020-01-01T00:00:00+08:00"}, "is dated 2020-01-01, before the change was requested"),
        (HEAD, {"at": "2190-01-01T00:00:00+08:00"}, "is dated 2190-01-01 00:00, after it was written down"),
    ],
)
def test_what_is_no_approval_is_told_and_lets_nothing_start(
    story: Story, by: str, told: dict[str, Any], problem: str
) -> None:
    story.request()
    story.approve(by, **told)
    assert counting_approvals(story.change(), story.keyring()) == ()
    reasons = start_reasons(story.change(), story.keyring(), now(), ENGINEER)
    assert [one.code for one in reasons if one.code.startswith(("approvals", "nobody"))] == [
        "approvals_missing",
        "nobody_attends",
    ]
    found = [one for one in story.problems() if one.startswith("the approval of change SJ-1 does not count: ")]
    assert any(problem in one for one in found), found


def test_an_approval_of_another_change_with_the_same_plan_is_none(story: Story) -> None:
    story.request()
    signed = story.approve().body
    story.request("SJ-2")
    story.step(
        "approved", "SJ-2", **{key: signed[key] for key in ("digest", "at", "by", "reason", "signature", "public_key")}
    )
    told = [one.partition(": ")[2] for one in story.problems()]
    assert told[0].endswith("before the change was requested") or told[0].startswith("what proves the decision")
    assert any(one.startswith("the signature of 信息科主任 does not fit") for one in told)


@pytest.mark.parametrize("told", [{"requester": HEAD}, {"operator": {"login": "x", "name": HEAD}}])
def test_nobody_approves_what_they_requested_or_entered(story: Story, told: dict[str, Any]) -> None:
    story.request(**told)
    story.approve()
    assert story.problems()[-1:] == ["the approval of change SJ-1 does not count: 信息科主任 requested the change"]


def test_nobody_executes_what_they_approved(story: Story) -> None:
    story.request()
    story.approve()
    story.sign_in()
    codes = [one.code for one in start_reasons(story.change(), story.keyring(), now(), HEAD)]
    assert codes == ["approvals_missing", "executor"]
    story.start(operator={"login": "x", "name": HEAD})
    assert story.problems() == [
        "change SJ-1 was started, but 0 of 1 approvals that count",
        "change SJ-1 was started, but 信息科主任 executes the change",
    ]


def test_who_was_enrolled_by_the_provider_alone_approves_nothing_until_the_purchaser_consents(story: Story) -> None:
    story.tell_people(*DUTIES, "新人")
    story.request()
    story.approve("新人")
    assert story.problems() == [
        (
            "the approval of change SJ-1 does not count: 新人 was enrolled by the provider alone: "
            "the purchaser has not consented to it"
        ),
        (
            f"the approval of change SJ-1 does not count: the signature of 新人 was made with "
            f"{fingerprint(story, '新人')}, which was no key of theirs in force then"
        ),
    ]
    consent = {"paper": {"name": "p.pdf", "sha256": "e" * 64, "bytes": 3}, "vouched_by": HEAD}
    story.tell_people(*DUTIES, "新人", consent=consent)
    story.approve("新人")
    assert [one.by for one in counting_approvals(story.change(), story.keyring())] == ["新人"]
    assert "the approval of change SJ-1 is of somebody whom a paper put in force, in entry 6" in story.remarks()


def fingerprint(story: Story, name: str) -> str:
    return parse_public_key(public(story.keys[name])).fingerprint


def test_an_approval_by_somebody_whose_duty_ended_is_none(tmp_path: Path, keys: dict[str, Path]) -> None:
    story = Story(tmp_path, keys)
    ended = [story.person(HEAD, valid_to="2026-01-01"), story.person(ENGINEER)]
    story.ledger.append("trust", {**story.tell_people(*DUTIES).body, "people": ended, "consent": None})
    story.request()
    # The purchaser's people stay in force until the purchaser consents to others.
    story.approve()
    assert story.problems() == []
    consent = {"paper": {"name": "p.pdf", "sha256": "e" * 64, "bytes": 3}, "vouched_by": ENGINEER}
    body = story.tell_people(*DUTIES).body
    story.ledger.append("trust", {**body, "people": ended, "consent": consent})
    story.approve()
    assert any("信息科主任 had no duty on" in one for one in story.problems())


def test_several_different_people_must_approve_where_the_contract_says_so(story: Story) -> None:
    story.request(rules=Rules(approvals=2))
    story.approve()
    story.approve()
    story.sign_in()
    (reason,) = start_reasons(story.change(), story.keyring(), now(), ENGINEER)
    assert reason.as_dict() == {"code": "approvals_missing", "parameters": {"given": 1, "needed": 2}}
    story.approve(SECOND)
    assert start_reasons(story.change(), story.keyring(), now(), ENGINEER) == ()


def test_an_approval_expires_by_the_moment_that_was_signed_and_is_not_brought_again(story: Story) -> None:
    story.request(rules=Rules(approval_minutes=60))
    signed = story.approve().body
    story.sign_in()
    assert start_reasons(story.change(), story.keyring(), now(), ENGINEER) == ()
    late = now() + timedelta(hours=2)
    assert [one.code for one in start_reasons(story.change(), story.keyring(), late, ENGINEER)] == [
        "approvals_missing",
        "approval_expired",
    ]
    assert story.change().state(late) == "expired"
    # Neither the same words again, nor with another moment, last any longer.
    again = {key: signed[key] for key in ("digest", "at", "by", "reason", "signature", "public_key")}
    first = story.change().approvals[0].step.sequence
    story.step("approved", **again)
    story.step("approved", **{**again, "at": now().isoformat(), "expires": None})
    used = f"the approval of change SJ-1 does not count: what proves the decision of 信息科主任 stands in entry {first}"
    assert [one for one in story.problems() if one.startswith(used)] == [f"{used} already"] * 2
    assert any("the signature of 信息科主任 does not fit" in one for one in story.problems())
    assert len(counting_approvals(story.change(), story.keyring())) == 1


def test_a_paper_counts_and_is_remarked_as_the_lower_assurance(story: Story) -> None:
    story.request()
    story.approve(**paper())
    assert counting_approvals(story.change(), story.keyring())
    assert story.problems() == []
    (remark,) = story.remarks()
    assert remark == "the approval of change SJ-1 rests on a paper: 工程师乙 vouches for it; look at the paper"
    story.sign_in()
    codes = [one.code for one in start_reasons(story.change(), story.keyring(), now(), CLERK)]
    assert codes == ["approvals_missing", "vouches_for_own"]


def test_a_paper_holds_several_approvals_of_one_change_and_proves_nothing_else(story: Story) -> None:
    story.request(rules=Rules(approvals=2))
    first = story.approve(**paper()).sequence
    story.approve(SECOND, **paper())
    assert len(counting_approvals(story.change(), story.keyring())) == 2
    assert story.problems() == []
    story.sign_in(**paper())
    story.approve(**paper())
    story.request("SJ-2")
    story.approve(number="SJ-2", **paper())
    assert [one.partition(": ")[2] for one in story.problems()] == [
        f"what proves the decision of {by} stands in entry {first} already" for by in (SUPERVISOR, HEAD, HEAD)
    ]


def test_whoever_signs_an_entry_with_their_own_key_has_a_part_in_it(story: Story, keys: dict[str, Path]) -> None:
    def signing(name: str) -> Ledger:
        return Ledger(story.ledger.folder, "test", SshSigner(keys[name], parse_public_key(public(keys[name]))))

    by_site, story.ledger = story.ledger, signing(HEAD)
    story.request()
    story.ledger = by_site
    story.approve()
    assert story.problems() == ["the approval of change SJ-1 does not count: 信息科主任 requested the change"]
    story.approve(SECOND)
    story.sign_in()
    story.ledger = signing(SECOND)
    story.start()
    assert "change SJ-1 was started, but 副主任 executes the change" in story.problems()


def test_a_login_of_nobody_neither_requests_nor_executes(story: Story) -> None:
    story.request(operator={"login": "nobody", "name": None}, requester="nobody")
    story.approve()
    story.sign_in()
    assert [one.code for one in start_reasons(story.change(), story.keyring(), now(), "nobody")] == ["unknown_operator"]
    story.start(operator={"login": "nobody", "name": None})
    assert story.problems() == [
        "change SJ-1 is requested by nobody, who is nobody in force",
        "change SJ-1 was started, but nobody in force logs in as nobody",
    ]


def test_the_schedule_carries_out_what_is_automatic_under_any_login(story: Story) -> None:
    story.request(automatic=True)
    story.approve()
    story.sign_in()
    assert start_reasons(story.change(), story.keyring(), now(), "weibao-timer") == ()
    story.start(operator={"login": "weibao-timer", "name": None})
    assert story.problems() == []


def test_a_key_that_was_lost_approves_nothing_since(story: Story) -> None:
    story.request()
    since = story.at(-2)
    story.approve()
    lost = {"step": "lost", "fingerprint": fingerprint(story, HEAD), "public_key": public(story.keys[HEAD])}
    operator = {"login": "x", "name": None}
    none = dict.fromkeys(("reason", "replaces", "adopts"))
    story.ledger.append(
        "key", {"schema_version": 1, **lost, **none, "holder": HEAD, "since": since, "operator": operator}
    )
    assert counting_approvals(story.change(), story.keyring()) == ()


def test_an_approval_from_before_its_giver_was_in_force_is_remarked(story: Story) -> None:
    story.request()
    moment = now().isoformat()
    consent = {"paper": {"name": "p.pdf", "sha256": "e" * 64, "bytes": 3}, "vouched_by": HEAD}
    story.tell_people(*DUTIES, "新人", consent=consent)
    story.approve("新人", **paper(), at=moment)
    assert story.problems() == []
    assert any(one.endswith("put who gave it in force") for one in story.remarks())
