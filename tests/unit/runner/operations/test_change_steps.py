"""The steps of a change: what the purchaser's people decide, with real keys; what does not count is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput, Refused
from runner.execution.progress import Lines
from runner.operations.book import open_book
from runner.operations.change_application import apply_for
from runner.operations.change_entries import ChangeRefused, known_changes, standing
from runner.operations.change_finish import close_abandoned
from runner.operations.change_marker import mark
from runner.operations.change_plan import differences
from runner.operations.change_steps import (
    Proof,
    attend,
    close,
    decide,
    to_sign,
    verify,
    withdraw,
)
from runner.site import Site
from tests.changing import key_pair
from tests.unit.runner.operations.change_desk import PEOPLE, ZONE, Desk, desk_of
from tests.verification import verify as verified


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_pair(folder, f"key-{number}") for number, name in enumerate((*PEOPLE, "冯新人"))}


@pytest.fixture
def desk(site: Site, tmp_path: Path, keys: dict[str, Path]) -> Desk:
    return desk_of(site, tmp_path, keys, "{}")


def test_from_the_request_to_the_close_each_step_is_an_entry_that_verifies(desk: Desk) -> None:
    asked = desk.ask()
    assert asked.case_name == "upgrade:C-1"
    found = {one["check"]: one["passed"] for one in asked.steps[0].body["feasibility"]}
    known = {"window": True, "blackout": True, "supervisor": True, "approvers": True}
    assert found == {"preview": None, "restart.present": None, **known}
    approved = desk.approve()
    assert approved.entry.body["obligations"] == ["A36"]
    assert standing(desk.site, "C-1").state == "approved"
    assert desk.sign_in().change.attending(datetime.now(ZONE))
    desk.run()
    desk.verify()
    closed = close(desk.checked, "C-1", "完成", "en")
    assert (closed.entry.body["event"], closed.entry.body["outcome"]) == ("done", "done")
    assert [step.name for step in closed.change.steps] == [
        *("requested", "approved", "signed-in", "started", "executed", "verified", "closed")
    ]
    found = verified(open_book(desk.site), desk.site.runs_folder, desk.site.attachments_folder)
    assert [one.problem for one in found] == ["tells the end of run run-1, which no entry before it lists"]


def test_numbers_are_given_in_turn_and_never_twice(desk: Desk) -> None:
    day = f"{datetime.now(ZONE):%Y%m%d}"
    with pytest.raises(BadInput, match="number: there is a change C-1 already"):
        [desk.ask() for _ in range(2)]
    path = desk.folder / "C-1.yml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("number:")))
    given = [apply_for(desk.checked, path, Lines, preview=False).change.number for _ in range(2)]
    assert given == [f"C-{day}-01", f"C-{day}-02"]
    one, other = (desk.change(number) for number in given)
    assert one.digest != other.digest, "what is approved tells which change it is"
    assert differences(one.plan, {**one.plan, "number": other.number})[0].as_dict()["what"] == "number"


def test_a_window_that_is_over_is_an_error_of_the_file(desk: Desk) -> None:
    with pytest.raises(BadInput, match=r"C-1\.yml:\d+: window\.to: the window is over"):
        desk.ask(window={"from": "2026-01-01 22:00", "to": "2026-01-02 02:00"})
    assert known_changes(desk.site) == {}


@pytest.mark.parametrize(
    ("by", "told", "codes"),
    [
        ("孙审计", {}, ["auditor"]),
        ("赵监督", {}, ["wrong_duty"]),
        ("张三", {}, ["not_purchaser", "requester", "foreign_key"]),
        ("钱批准", {"key": "吴批准"}, ["foreign_key"]),
        ("钱批准", {"as_": "吴批准"}, ["signature"]),
    ],
)
def test_an_approval_that_does_not_count_is_refused(
    desk: Desk, by: str, told: dict[str, Any], codes: list[str]
) -> None:
    desk.ask()
    with pytest.raises(ChangeRefused) as error:
        desk.approve(by, **told)
    assert desk.refused(error) == codes
    assert desk.change().approvals == ()


def test_who_was_enrolled_by_the_provider_alone_approves_nothing(
    desk: Desk, tmp_path: Path, keys: dict[str, Path]
) -> None:
    desk.ask()
    later = desk_of(desk.site, tmp_path, keys, "{}", 冯新人=("purchaser approver", "purchaser"))
    with pytest.raises(ChangeRefused) as error:
        later.approve("冯新人")
    assert later.refused(error) == ["enrolled_alone", "foreign_key"]


def test_the_requester_approves_nothing_of_their_own_whatever_the_environment_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SUDO_USER", "LOGNAME", "USER"):
        monkeypatch.setenv(name, "nobody")
    theirs = desk.as_login_of("钱批准")
    theirs.ask()
    with pytest.raises(ChangeRefused) as error:
        theirs.approve()
    assert desk.refused(error) == ["requester"]


def test_whose_key_signs_the_request_approves_nothing_of_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ask("C-0")
    with monkeypatch.context() as own:
        own.setenv("WEIBAO_SIGNING_KEY", str(desk.keys["钱批准"]))
        desk.ask()
    with pytest.raises(ChangeRefused) as error:
        desk.approve()
    assert desk.refused(error) == ["requester"]
    desk.approve("吴批准")


def test_a_login_of_nobody_requests_nothing(desk: Desk) -> None:
    nobody = desk.as_login_of("")
    with pytest.raises(Refused, match=r"nobody in force in people\.yml logs in as"):
        nobody.ask()
    assert known_changes(desk.site) == {}


def test_an_approval_that_expired_is_not_brought_again_with_another_date(
    site: Site, tmp_path: Path, keys: dict[str, Path]
) -> None:
    desk = desk_of(site, tmp_path, keys, "{approval_lasts: {minutes: 1}}")
    desk.ask()
    asked = to_sign(desk.checked, "C-1", "approved", "钱批准", reason="同意")
    for at in (None, str(datetime.now(ZONE) - timedelta(seconds=20))):
        proof = desk.signed("钱批准", asked.content)
        with pytest.raises(ChangeRefused) as error:
            decide(desk.checked, "C-1", "approved", "钱批准", "同意", proof, "en", at=at)
        assert desk.refused(error) == ["signature"]
    first = desk.approve().change.approvals[0]
    assert first.expires == first.step.at + timedelta(minutes=1)
    assert standing(desk.site, "C-1").state == "approved"


def test_a_paper_counts_where_somebody_vouches_for_it(desk: Desk, tmp_path: Path) -> None:
    paper = tmp_path / "批准.pdf"
    paper.write_text("同意")
    desk.ask()
    with pytest.raises(ChangeRefused) as error:
        decide(desk.checked, "C-1", "approved", "钱批准", "同意", Proof(paper=paper, vouched_by="谁"), "zh")
    assert desk.refused(error) == ["not_vouched"]
    for vouched_by, code in (("张三", "vouches_for_own"), ("李四", "vouched_otherwise")):
        with pytest.raises(ChangeRefused) as error:
            decide(desk.checked, "C-1", "approved", "钱批准", "同意", Proof(paper=paper, vouched_by=vouched_by), "zh")
        assert desk.refused(error) == [code]
    proof = Proof(paper=paper, vouched_by="李四")
    other = desk.as_login_of("李四")
    approved = decide(other.checked, "C-1", "approved", "钱批准", "同意", proof, "zh")
    with pytest.raises(ChangeRefused) as error:
        attend(other.checked, "C-1", "signed-in", "赵监督", proof, "zh")
    assert desk.refused(error) == ["used_before"]
    (attached,) = approved.entry.body["attachments"]
    assert (desk.site.attachments_folder / attached["sha256"]).read_text() == "同意"
    assert approved.change.approvals[0].on_paper
    with pytest.raises(BadInput, match="approved it already"):
        desk.approve()


def test_a_file_that_is_no_signature_is_an_error(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "no.sig").write_text("no")
    desk.ask()
    with pytest.raises(BadInput, match="is no SSH signature"):
        decide(desk.checked, "C-1", "approved", "钱批准", "同意", Proof(signature=tmp_path / "no.sig"), "zh")


def test_what_was_withdrawn_or_rejected_takes_no_further_step(desk: Desk) -> None:
    desk.ask()
    withdraw(desk.checked, "C-1", "改期", None, "en")
    desk.ask("C-2")
    decide(desk.checked, "C-2", "rejected", "钱批准", "不合适", Proof(), "en")
    for number, state in (("C-1", "withdrawn"), ("C-2", "rejected")):
        assert standing(desk.site, number).state == state
        with pytest.raises(ChangeRefused, match=f"it is {state}") as error:
            desk.approve(number=number)
        assert desk.refused(error) == ["ended"]
        assert close(desk.checked, number, "不做了", "en").entry.body["outcome"] == state


def test_only_the_supervisor_who_was_approved_signs_in_and_not_before_the_window(desk: Desk) -> None:
    desk.ask()
    with pytest.raises(ChangeRefused) as error:
        desk.sign_in("吴批准")
    assert desk.refused(error) == ["other_supervisor"]
    now = datetime.now(ZONE)
    desk.ask("C-2", window={"from": str(now + timedelta(hours=1)), "to": str(now + timedelta(hours=3))})
    with pytest.raises(ChangeRefused) as error:
        desk.sign_in(number="C-2")
    assert desk.refused(error) == ["attendance_early"]
    with pytest.raises(BadInput, match="is not signed in"):
        desk.sign_out()
    desk.sign_in()
    assert desk.sign_out().change.attending(datetime.now(ZONE)) == ()


def test_an_old_sign_in_is_not_brought_again_after_the_sign_out(desk: Desk) -> None:
    desk.ask()
    asked = to_sign(desk.checked, "C-1", "signed-in", "赵监督")
    proof = desk.signed("赵监督", asked.content)
    attend(desk.checked, "C-1", "signed-in", "赵监督", proof, "en", at=asked.at)
    with pytest.raises(ChangeRefused) as error:
        desk.sign_out(at=str(datetime.now(ZONE) - timedelta(minutes=30)))
    assert desk.refused(error) == ["left_before"]
    forged = to_sign(desk.checked, "C-1", "signed-out", "赵监督")
    with pytest.raises(ChangeRefused) as error:
        desk.sign_out(desk.signed("钱批准", forged.content), forged.at)
    assert desk.refused(error) == ["foreign_key"]
    desk.sign_out(desk.signed("赵监督", forged.content), forged.at)
    with pytest.raises(ChangeRefused) as error:
        attend(desk.checked, "C-1", "signed-in", "赵监督", desk.signed("赵监督", asked.content), "en", at=asked.at)
    assert desk.refused(error) == ["used_before", "signed_out_since"]


def test_an_emergency_is_closed_only_once_it_is_approved(site: Site, tmp_path: Path, keys: dict[str, Path]) -> None:
    desk = desk_of(site, tmp_path, keys, "{emergency: {approval_within: {hours: 24}}}")
    desk.ask(emergency=True)
    desk.run()
    verify(desk.checked, "C-1", "张三", "正常", Proof(), "en", passed=True)
    with pytest.raises(ChangeRefused) as error:
        close(desk.checked, "C-1", "完成", "en")
    assert desk.refused(error) == ["approvals_missing"]
    desk.approve()
    assert close(desk.checked, "C-1", "完成", "en").change.closing


def test_steps_out_of_order_are_refused(desk: Desk) -> None:
    desk.ask()
    with pytest.raises(ChangeRefused) as error:
        verify(desk.checked, "C-1", "张三", "正常", Proof(), "en", passed=True)
    assert desk.refused(error) == ["not_executed"]
    with pytest.raises(BadInput, match="was not executed, so there is nothing to verify"):
        desk.verify()
    desk.approve()
    with pytest.raises(ChangeRefused) as error:
        close(desk.checked, "C-1", "完成", "en")
    assert desk.refused(error) == ["not_executed"]
    desk.run("failed")
    with pytest.raises(ChangeRefused) as error:
        withdraw(desk.checked, "C-1", "迟了", None, "en")
    assert desk.refused(error) == ["executed"]
    with pytest.raises(ChangeRefused) as error:
        decide(desk.checked, "C-1", "rejected", "钱批准", "迟了", Proof(), "en")
    assert desk.refused(error) == ["executed"]
    with pytest.raises(BadInput, match="there is no such change; did you mean C-1"):
        desk.approve(number="C-11")


@pytest.mark.parametrize(
    ("by", "codes"), [("赵监督", ["no_proof"]), ("谁", ["unknown_person", "no_proof"]), ("李四", ["not_the_operator"])]
)
def test_nobody_verifies_in_the_name_of_somebody_else(desk: Desk, by: str, codes: list[str]) -> None:
    desk.ask()
    desk.approve()
    desk.run()
    with pytest.raises(ChangeRefused) as error:
        verify(desk.checked, "C-1", by, "正常", Proof(), "en", passed=True)
    assert desk.refused(error) == codes


@pytest.mark.parametrize(("outcome", "passed"), [("failed", True), ("done", False)])
def test_what_failed_is_closed_and_answers_nothing(desk: Desk, outcome: str, passed: bool) -> None:
    desk.ask()
    desk.approve()
    desk.run(outcome)
    desk.verify(passed=passed)
    closed = close(desk.checked, "C-1", "未成", "en").entry.body
    assert (closed["event"], closed["obligations"], closed["outcome"]) == (None, [], outcome)


def test_after_the_close_refusals_and_a_sign_out_are_told_and_nothing_else(desk: Desk) -> None:
    desk.ask()
    desk.approve()
    desk.sign_in()
    desk.run()
    desk.verify()
    close(desk.checked, "C-1", "完成", "en")
    before = verified(open_book(desk.site), desk.site.runs_folder, desk.site.attachments_folder)
    for attempt in (lambda: close(desk.checked, "C-1", "完成", "en"), desk.sign_in, desk.verify):
        with pytest.raises(ChangeRefused) as error:
            attempt()
        assert desk.refused(error) == ["ended"]
    assert [step.body["by"] for step in desk.change().of_step("refused")] == [None, "赵监督", "赵监督"]
    assert desk.sign_out().change.attending(datetime.now(ZONE)) == ()
    with pytest.raises(BadInput, match="is not signed in"):
        desk.sign_out()
    assert desk.change().state(datetime.now(ZONE)) == "closed"
    after = verified(open_book(desk.site), desk.site.runs_folder, desk.site.attachments_folder)
    assert [one.problem for one in after] == [one.problem for one in before]


@pytest.mark.parametrize(
    ("step", "by", "told", "codes"),
    [
        ("approved", "钱批准", {"reason": "同意"}, []),
        ("approved", "孙审计", {"reason": "同意"}, ["auditor"]),
        ("approved", "张三", {"reason": "同意"}, ["not_purchaser", "requester", "executor"]),
        ("rejected", "赵监督", {"reason": "不同意"}, ["wrong_duty"]),
        ("signed-in", "赵监督", {}, []),
        ("signed-in", "吴批准", {}, ["other_supervisor"]),
        ("verified", "孙审计", {"passed": True, "text": "正常"}, ["auditor"]),
    ],
)
def test_whose_word_would_not_count_is_told_before_they_sign(
    desk: Desk, step: str, by: str, told: dict[str, Any], codes: list[str]
) -> None:
    desk.ask()
    desk.run()
    entries = open_book(desk.site).head()
    assert [one.code for one in to_sign(desk.checked, "C-1", step, by, **told).doubts] == codes
    assert open_book(desk.site).head() == entries


def test_who_withdraws_is_in_people(desk: Desk) -> None:
    desk.ask()
    with pytest.raises(BadInput, match=r"is not valid in people\.yml"):
        withdraw(desk.checked, "C-1", "改期", "谁", "en")


def test_a_marker_without_a_start_is_swept(desk: Desk) -> None:
    desk.ask()
    with mark(desk.site, "C-1", "run-1"):
        pass
    assert list(close_abandoned(desk.site, open_book(desk.site))) == []
    assert desk.change().executions == ()
