"""Who signed what, and whether they were believed then; heads and checkpoints from outside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.errors import BadInput
from runner.evidence.anchor import parse_head
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.checkpoint import Checkpoint, read_checkpoint
from runner.evidence.ledger import Ledger
from runner.evidence.verify import Folders, Outside, Verification
from tests.signing import QuickSigner, key_body, signed_ledger, trust_body
from tests.unit.runner.evidence.whole import OFFICER, Evidence, thief
from tests.verification import verify

NEXT = QuickSigner(b"next")


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path)


def by(evidence: Evidence, signer: QuickSigner | None) -> Ledger:
    """The same ledger, appended to with another key."""
    return Ledger(evidence.ledger.folder, "test", signer)


def told(evidence: Evidence, outside: Outside | None = None) -> list[tuple[int | None, str]]:
    return [(one.entry, one.problem) for one in evidence.findings(outside)]


# -- keys -------------------------------------------------------------------------------------------------


def test_a_key_may_be_replaced_by_the_one_that_is_believed(evidence: Evidence) -> None:
    old = evidence.ledger
    old.append("key", key_body(NEXT.public_key, "replaced", replaces=QuickSigner().fingerprint()))
    by(evidence, NEXT).append("note", {})
    assert told(evidence) == []
    late = old.append("note", {})
    ((entry, problem),) = told(evidence)
    assert entry == late.sequence
    assert f"is signed by {QuickSigner().fingerprint()}, a key that is not believed at" in problem


def test_a_key_that_only_vouches_for_itself_is_found_unless_it_was_told_by_other_means(evidence: Evidence) -> None:
    stranger = by(evidence, NEXT)
    brought = stranger.append("key", key_body(NEXT.public_key))
    stranger.append("note", {})
    ((entry, problem),) = told(evidence)
    assert entry == brought.sequence
    assert "vouched for by no key that was known before" in problem
    assert told(evidence, Outside(keys=(NEXT.fingerprint(),))) == []


def test_a_stranger_can_neither_append_nor_tell_keys_nor_people(evidence: Evidence) -> None:
    stranger = by(evidence, thief())
    noted = stranger.append("note", {})
    stranger.append("trust", trust_body())
    stranger.append("key", key_body(NEXT.public_key, "replaced"))
    by(evidence, NEXT).append("note", {})
    assert [entry for entry, _ in told(evidence)] == list(range(noted.sequence, noted.sequence + 4))
    assert evidence.verification().signers.keyring.in_force() is None


def test_a_loss_that_is_told_late_takes_back_what_was_signed_since(evidence: Evidence) -> None:
    since = datetime.now(UTC)
    stolen = evidence.ledger
    theirs = stolen.append("note", {"by": "the thief"})
    stolen.append("key", key_body(thief().public_key, "replaced"))
    by(evidence, thief()).append("note", {"by": "the thief, with a key of theirs"})
    ours = by(evidence, NEXT)
    ours.append("key", key_body(NEXT.public_key))
    ours.append("key", key_body(QuickSigner().public_key, "revoked", since=timestamp(since), reason="stolen"))
    ours.append("note", {})
    found = told(evidence, Outside(keys=(NEXT.fingerprint(),)))
    assert [entry for entry, _ in found] == [theirs.sequence + number for number in range(3)]


def test_what_is_vouched_for_is_a_remark(evidence: Evidence) -> None:
    nobody = by(evidence, None)
    nobody.append("note", {})
    head = nobody.append("note", {})
    assert [problem for _, problem in told(evidence)] == ["is not signed"] * 2
    adopts = {"sequence": head.sequence, "sha256": head.digest}
    evidence.ledger.append("key", key_body(NEXT.public_key, "replaced", adopts=adopts))
    verification = evidence.verification()
    assert list(verification.findings()) == []
    ((files, problem),) = [(one.file, one.problem) for one in verification.remarks]
    assert files == f"entries {head.sequence - 1} to {head.sequence}"
    assert problem.startswith("is not signed; vouched for by root since ")
    wrong = {"sequence": head.sequence, "sha256": "0" * 64}
    by(evidence, NEXT).append("key", key_body(thief().public_key, "replaced", adopts=wrong))
    assert told(evidence) == [
        (head.sequence + 2, f"vouches for another entry {head.sequence} than the one that is there")
    ]


@pytest.mark.parametrize("holder", ["mallory", "site"])
@pytest.mark.parametrize("resigned", [True, False])
def test_who_brings_a_key_vouches_for_nothing_with_it(evidence: Evidence, holder: str, *, resigned: bool) -> None:
    forged = by(evidence, thief() if resigned else None).append("record", {"note": "forged"})
    adopts = {"sequence": forged.sequence, "sha256": forged.digest}
    stranger = by(evidence, thief())
    brought = stranger.append("key", key_body(thief().public_key, holder=holder, adopts=adopts))
    assert sorted(entry or 0 for entry, _ in told(evidence)) == [forged.sequence, brought.sequence]
    newest = {"sequence": brought.sequence, "sha256": brought.digest}
    stranger.append("key", key_body(NEXT.public_key, "replaced", adopts=newest))
    assert {forged.sequence, brought.sequence} <= {entry for entry, _ in told(evidence)}
    if holder == "site":
        known = told(evidence, Outside(keys=(thief().fingerprint(),)))
        assert known == [], "unless the auditor was told of it by other means"


def test_who_takes_the_first_key_back_is_not_the_first_in_its_place(evidence: Evidence) -> None:
    stranger = by(evidence, thief())
    brought = stranger.append("key", key_body(thief().public_key))
    adopts = {"sequence": brought.sequence, "sha256": brought.digest}
    since = timestamp(datetime(2020, 1, 1, tzinfo=UTC))
    stranger.append("key", key_body(QuickSigner().public_key, "revoked", since=since, adopts=adopts))
    assert {entry for entry, _ in told(evidence)} == set(range(1, brought.sequence + 1))


def test_people_who_are_told_anew_after_a_loss_are_told_to_the_auditor(evidence: Evidence) -> None:
    ours = by(evidence, NEXT)
    ours.append("key", key_body(NEXT.public_key))
    adopts = {"sequence": 11, "sha256": evidence.ledger.head().digest}
    since = timestamp(datetime(2020, 1, 1, tzinfo=UTC))
    ours.append("key", key_body(QuickSigner().public_key, "revoked", since=since, adopts=adopts))
    trust = ours.append("trust", trust_body({**OFFICER, "name": "李雷"}))
    verification = evidence.verification(Outside(keys=(NEXT.fingerprint(),)))
    assert [one.entry for one in verification.findings()] == [6], "the waiver, of whom nobody told"
    assert (trust.sequence, "000/000013-trust.json") in [(one.entry, one.file) for one in verification.remarks]
    assert "for entry 2 does not count; compare the two" in verification.remarks[-1].problem


def test_nobody_vouches_for_what_is_to_come(evidence: Evidence) -> None:
    own = evidence.ledger.head().sequence + 1
    adopts = {"sequence": own + 1, "sha256": "0" * 64}
    evidence.ledger.append("key", key_body(NEXT.public_key, holder="甲", adopts=adopts))
    by(evidence, None).append("note", {})
    assert told(evidence) == [
        (own, f"it vouches for entry {own + 1}, which was not there yet"),
        (own + 1, "is not signed"),
    ]


def test_a_loss_without_a_zone_is_a_finding_not_a_crash(evidence: Evidence) -> None:
    lost = evidence.ledger.append("key", key_body(NEXT.public_key, "lost", since="2020-01-01T00:00:00"))
    assert [entry for entry, _ in told(evidence)] == [lost.sequence]


def test_a_ledger_from_before_keys_is_one_finding_until_it_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    old = Ledger(tmp_path / "ledger", "test")
    for number in range(3):
        last = old.append("note", {"number": number})
    assert told_of(old) == ["no entry is signed"]
    adopts = {"sequence": last.sequence, "sha256": last.digest}
    Ledger(old.folder, "test", QuickSigner()).append("key", key_body(QuickSigner().public_key, adopts=adopts))
    assert told_of(old) == []
    old.append("note", {})
    assert told_of(old) == ["is not signed"]


def told_of(ledger: Ledger) -> list[str]:
    return [one.problem for one in verify(ledger, ledger.folder.parent / "runs")]


def test_many_entries_of_a_stranger_are_one_finding(evidence: Evidence) -> None:
    stranger = by(evidence, thief())
    for number in range(101):
        stranger.append("note", {"number": number})
    (one,) = evidence.findings()
    assert (one.file, one.entry) == ("entries 11 to 111", 11)
    assert one.problem.startswith(f"each is signed by {thief().fingerprint()}, a key that is not believed at 20")


# -- people -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "at", "good"),
    [
        ("王芳", "2026-02-01T00:00:00Z", True),
        ("王芳", "2025-02-01T00:00:00Z", False),
        ("李雷", "2026-02-01T00:00:00Z", False),
    ],
)
def test_a_waiver_names_a_person_of_the_purchaser_in_force(evidence: Evidence, name: str, at: str, good: bool) -> None:
    waiver = evidence.ledger.append("waiver", {"consent_by": name, "at": at})
    found = told(evidence)
    assert [entry for entry, _ in found] == ([] if good else [waiver.sequence])
    evidence.ledger.append("record", {"corrects": waiver.sequence})
    assert told(evidence) == [], "one that was taken back counts no more"


def test_the_provider_cannot_enrol_who_approves(evidence: Evidence) -> None:
    evidence.ledger.append("trust", trust_body(OFFICER, {**OFFICER, "name": "李雷"}, changed=["李雷"]))
    waiver = evidence.ledger.append("waiver", {"consent_by": "李雷", "at": "2026-02-01T00:00:00Z"})
    ((entry, problem),) = told(evidence)
    assert entry == waiver.sequence
    assert "'李雷', who is no person of the purchaser in force on 2026-02-01" in problem


DIRECTOR, ENGINEER = QuickSigner(b"director"), QuickSigner(b"engineer")
WITH_KEY = {**OFFICER, "keys": [DIRECTOR.public_key.line]}
OF_PROVIDER = {**OFFICER, "name": "甲", "organisation": "provider", "keys": [ENGINEER.public_key.line]}


def test_the_purchasers_keys_tell_of_no_other_key_and_of_nobody(tmp_path: Path) -> None:
    ledger = signed_ledger(tmp_path / "ledger")
    ledger.append("trust", trust_body(WITH_KEY, OF_PROVIDER))
    theirs = Ledger(ledger.folder, "test", DIRECTOR)
    theirs.append("key", key_body(DIRECTOR.public_key))
    theirs.append("trust", trust_body(WITH_KEY))
    theirs.append("key", key_body(ENGINEER.public_key, "lost", holder="甲"))
    may_not = f"tells of keys or people, signed by {DIRECTOR.fingerprint()}, which may not do that"
    assert told_of(ledger) == [may_not] * 3
    theirs.append("key", key_body(DIRECTOR.public_key, "lost", holder="王芳"))
    Ledger(ledger.folder, "test", ENGINEER).append("key", key_body(NEXT.public_key))
    verification = Verification(Ledger(ledger.folder, "test"), Folders(tmp_path / "runs"))
    assert len(list(verification.findings())) == 3
    assert verification.signers.keyring.site_key == NEXT.public_key
    assert [one.problem for one in verification.remarks] == [
        "signed by 王芳, a person of the purchaser",
        f"brings the site's key {NEXT.fingerprint()}; 甲 signed that",
    ]


def test_without_people_nobody_consents(tmp_path: Path) -> None:
    old = tmp_path / "ledger"
    old.mkdir()
    waiver = {"at": "2026-03-31T10:00:00+08:00", "consent_by": "王芳", "obligations": ["A48"]}
    before = Ledger(old, "test").append("waiver", waiver)
    signed = Ledger(old, "test", QuickSigner())
    adopts = {"sequence": before.sequence, "sha256": before.digest}
    signed.append("key", key_body(QuickSigner().public_key, adopts=adopts))
    assert told_of(signed) == [], "from before there were keys"
    signed.append("waiver", waiver)
    assert told_of(signed) == ["consent by '王芳', who is no person of the purchaser in force on 2026-03-31"]


def test_what_rests_on_a_paper_or_is_dated_before_is_told(evidence: Evidence) -> None:
    new = {**OFFICER, "name": "李雷"}
    paper = {"paper": {"name": "x.pdf", "sha256": "0" * 64, "bytes": 1}, "vouched_by": "王芳"}
    trust = evidence.ledger.append("trust", trust_body(OFFICER, new, consent=paper))
    waiver = evidence.ledger.append("waiver", {"consent_by": "李雷", "at": "2026-02-01T00:00:00Z"})
    verification = evidence.verification()
    list(verification.findings())
    assert [one.entry for one in verification.remarks] == [trust.sequence, waiver.sequence, waiver.sequence]
    assert "puts people of the purchaser in force by a paper" in verification.remarks[0].problem
    assert "somebody whom a paper put in force, in entry 11" in verification.remarks[1].problem
    assert "the consent is of 2026-02-01, before entry 11 of" in verification.remarks[2].problem
    evidence.ledger.append("record", {"corrects": waiver.sequence})
    verification = evidence.verification()
    list(verification.findings())
    assert [one.entry for one in verification.remarks] == [trust.sequence]


# -- outside ----------------------------------------------------------------------------------------------


def checkpoint(evidence: Evidence, made_by: QuickSigner | None = None, /, **other: object) -> Path:
    """A checkpoint of the newest entry, in a file."""
    head = evidence.ledger.head()
    signer = made_by or QuickSigner()
    one = Checkpoint("test", head.sequence, head.digest, timestamp(), signer.fingerprint())
    path = evidence.folder.with_name(f"{evidence.folder.name}.checkpoint")
    raw = canonical({**json.loads(one.as_bytes()), **other})
    path.write_bytes(raw)
    path.with_name(f"{path.name}.sig").write_bytes(signer.sign_as("weibao-checkpoint", raw))
    return path


def written_anew(evidence: Evidence, start: int) -> None:
    """The holder of the key changes an entry, and all that follow; what verifies by itself then."""
    paths = evidence.entries()
    previous = digest(paths[start - 1].read_bytes())
    for path in paths[start:]:
        content = json.loads(path.read_bytes())
        content["previous"] = previous
        if path == paths[start]:
            content["body"]["number"] = "another"
        raw = canonical(content)
        path.write_bytes(raw)
        Path(f"{path}.sig").write_bytes(QuickSigner().sign(raw))
        previous = digest(raw)


def drop_tail(evidence: Evidence, count: int) -> None:
    for path in evidence.entries()[-count:]:
        path.unlink()
        Path(f"{path}.sig").unlink()


@pytest.mark.parametrize("count", [1, 3])
def test_a_dropped_tail_shows_against_an_outside_checkpoint(evidence: Evidence, count: int) -> None:
    outside = Outside(checkpoints=(read_checkpoint(checkpoint(evidence)),))
    assert told(evidence, outside) == []
    drop_tail(evidence, count)
    assert told(evidence) == []
    ((entry, problem),) = told(evidence, outside)
    assert entry == 10 - count
    assert problem.startswith(f"ends with entry {10 - count}, but checkpoint ")
    assert problem.endswith("names entry 10: its tail was cut off")


def test_a_history_that_the_holder_of_the_key_wrote_anew_shows_against_a_checkpoint_and_a_head(
    evidence: Evidence,
) -> None:
    given = read_checkpoint(checkpoint(evidence))
    head = parse_head(evidence.ledger.head().grouped())
    evidence.ledger.append("note", {})
    assert told(evidence, Outside((head,), (given,))) == []
    written_anew(evidence, 7)
    assert told(evidence) == []
    found = told(evidence, Outside((head,), (given,)))
    assert [entry for entry, _ in found] == [10, 10]
    assert all("the history up to here was rewritten" in problem for _, problem in found)


def test_a_whole_other_ledger_shows_by_the_key_that_signed_the_checkpoint(evidence: Evidence, tmp_path: Path) -> None:
    given = read_checkpoint(checkpoint(evidence, thief()))
    ((_, problem),) = told(evidence, Outside(checkpoints=(given,)))
    assert f"is signed by {thief().fingerprint()}, by this ledger no key of the site" in problem


def test_a_checkpoint_that_was_changed_or_is_of_elsewhere_is_found(evidence: Evidence) -> None:
    path = checkpoint(evidence)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"sequence": 10', b'"sequence": 11'))
    found = evidence.findings(Outside(checkpoints=(read_checkpoint(path),)))
    assert [one.file for one in found] == [f"{path}.sig", "ledger"]
    other = evidence.findings(Outside(checkpoints=(read_checkpoint(checkpoint(evidence, site="other")),)))
    assert [one.problem for one in other] == ["is a checkpoint of site other, not of test"]
    named = evidence.findings(Outside(checkpoints=(read_checkpoint(checkpoint(evidence, signer="SHA256:x")),)))
    assert "names SHA256:x as its signer, but is signed by" in named[0].problem


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"schema_version": 1}', b'{"schema_version": 2, "site": "x"}', b"\xff"]
)
def test_what_is_no_checkpoint_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"--checkpoint .*x: "):
        read_checkpoint(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_checkpoint(tmp_path / "missing")


DIGITS = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.mark.parametrize(
    "text",
    [
        f"000123:{DIGITS}",
        f"123:{DIGITS.upper()}",
        "000123 · 0a1b2c3d 4e5f6071 8293a4b5 c6d7e8f9",
        f"#123 {DIGITS}\n",
        f"123：{DIGITS}",
    ],
)
def test_a_printed_head_can_be_typed_back(text: str) -> None:
    anchor = parse_head(text)
    assert (anchor.sequence, anchor.digits) == (123, DIGITS)


@pytest.mark.parametrize(
    "text", ["", "123", f":{DIGITS}", f"123:{DIGITS[:31]}", f"123:{DIGITS}{'0' * 33}", "123:xyz", f"0:{DIGITS}"]
)
def test_what_is_no_head_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="--head"):
        parse_head(text)


# -- time -------------------------------------------------------------------------------------------------


def test_an_entry_dated_back_or_ahead_is_found(evidence: Evidence) -> None:
    last = evidence.entries()[-1]
    for shift, words in ((-timedelta(days=3), "before that of entry 9"), (timedelta(days=3), "lies in the future")):
        content = json.loads(last.read_bytes())
        content["time"] = timestamp(datetime.now(UTC) + shift)
        raw = canonical(content)
        last.write_bytes(raw)
        Path(f"{last}.sig").write_bytes(QuickSigner().sign(raw))
        ((entry, problem),) = told(evidence)
        assert entry == 10
        assert words in problem
