"""What whoever can write to the disk puts there to keep others from verifying: each is a finding, and nothing stops."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput
from runner.evidence.anchor import Anchor, parse_fingerprint
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.checkpoint import read_checkpoint
from runner.evidence.keys import consent_bytes
from runner.evidence.ledger import GENESIS, Ledger
from runner.evidence.reading import LARGEST_SIGNATURE, open_regular, read_regular
from runner.evidence.seen_entries import strays
from runner.evidence.sshsig import APPROVAL, SignatureError, armored, verify_signature
from runner.evidence.verify import Folders, Outside, Verification
from runner.public_key import PublicKey, string
from tests.signing import QuickSigner, key_body, signed_ledger, trust_body
from tests.unit.runner.evidence.whole import OFFICER, Evidence, thief

R1 = {"run": "r1", "manifest_sha256": "0" * 64}

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("run", {}),
    ("run", {"run": "a\0b", "manifest_sha256": "x"}),
    ("run", {"run": "a" * 5000, "manifest_sha256": "x"}),
    ("run", {"run": "../runs/r1", "manifest_sha256": "x"}),
    ("run", {"run": "..", "manifest_sha256": "x"}),
    ("run", {"run": "r9", "manifest_sha256": None}),
    ("archive", {"x": 1}),
    ("archive", {"runs": 5, "place": "/nowhere"}),
    ("archive", {"runs": [5], "place": "/nowhere"}),
    ("archive", {"runs": [R1], "place": "/nowhere//x"}),
    ("archive", {"runs": [R1], "place": "//nowhere/x.tar"}),
    ("archive", {"runs": [R1], "place": "/n" + "x" * 5000}),
    ("archive", {"runs": [R1], "place": "/a\0b"}),
    ("archive", {"runs": [R1], "place": "/a/../b"}),
    ("archive", {"runs": [R1], "place": "relative"}),
    ("archive", {"runs": [R1], "place": "/nowhere", "sha256": 5}),
]

#: What a fuzzed body holds.
VALUES: list[Any] = [None, True, 0, -1, 1 << 70, 1.5, "", "r1", "/", "//x", "\0", "x" * 5000, [], [[]], {}, "²", "2026"]


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path)


@pytest.fixture
def limited() -> Iterator[None]:
    """Reading what never ends would keep the tests for ever."""

    def end(*_: object) -> None:
        raise TimeoutError("it never ends")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def told(evidence: Evidence) -> str:
    return "\n".join(map(str, evidence.findings()))


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_a_body_that_weibao_does_not_write_is_a_finding_and_leads_nowhere(
    evidence: Evidence, kind: str, body: dict[str, Any]
) -> None:
    evidence.ledger.append(kind, body)
    found = evidence.findings()
    assert [one.entry for one in found] == [11]
    assert f"is not what weibao writes of kind {kind}" in found[0].problem


def test_an_archive_is_followed_only_where_it_is_one(evidence: Evidence) -> None:
    (evidence.folders.runs / "r1").rename(evidence.folder / "elsewhere")
    evidence.ledger.append("archive", {"runs": [R1], "place": "/nowhere//x.tar", "sha256": "0" * 64})
    assert "r1/manifest.json: missing, but named by" in told(evidence)


@pytest.mark.parametrize("place", ["file/below", "loop", "closed"])
def test_an_archive_that_cannot_be_reached_is_a_finding(evidence: Evidence, place: str) -> None:
    (evidence.folder / "file").write_bytes(b"")
    (evidence.folder / "loop").symlink_to(evidence.folder / "loop")
    os.mkfifo(evidence.folder / "closed")
    manifest = digest((evidence.folders.runs / "r1" / "manifest.json").read_bytes())
    (evidence.folders.runs / "r1").rename(evidence.folder / "elsewhere")
    runs = [{"run": "r1", "manifest_sha256": manifest}]
    evidence.ledger.append("archive", {"runs": runs, "place": str(evidence.folder / place), "sha256": None})
    (found,) = evidence.findings()
    assert found.file == str(evidence.folder / place)
    assert "but by 000011-archive.json 1 runs lie there, which cannot be verified: r1" in found.problem


def test_bodies_of_any_shape_stop_nothing(evidence: Evidence) -> None:
    keys = ("run", "runs", "place", "sha256", "manifest_sha256", "head", "at", "consent_by", "corrects", "attachments")
    rnd = random.Random(5)
    for _ in range(300):
        kind = rnd.choice(("run", "archive", "checkpoint", "waiver", "record", "document"))
        evidence.ledger.append(kind, {key: rnd.choice(VALUES) for key in rnd.sample(keys, 5)})
    assert "is not what weibao writes of kind archive" in told(evidence)


@pytest.mark.parametrize(
    "file",
    [
        "runs/r1/manifest.json",
        "runs/r1/events.jsonl.gz",
        "ledger/000/000004-run.json.sig",
        "ledger/000/000004-run.json",
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "device", "link"])
@pytest.mark.usefixtures("limited")
def test_what_is_no_regular_file_is_not_read(evidence: Evidence, file: str, kind: str) -> None:
    path = evidence.folder / file
    path.rename(evidence.folder / "was")
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else evidence.folder / "was")
    assert {one.entry for one in evidence.findings()} & {3, 4}


@pytest.mark.usefixtures("limited")
def test_an_attachment_that_is_a_pipe_is_not_read(evidence: Evidence) -> None:
    (path,) = (evidence.folder / "attachments").iterdir()
    path.unlink()
    os.mkfifo(path)
    assert "cannot be read (is no regular file), but named by 000005-record.json" in told(evidence)


def test_a_signature_of_any_size_is_not_read(evidence: Evidence) -> None:
    with Path(f"{evidence.entries()[3]}.sig").open("r+b") as file:
        file.truncate(LARGEST_SIGNATURE + 1)
    assert "000/000004-run.json: its signature cannot be read: File too large" in told(evidence)


def test_only_regular_files_are_read_and_links_where_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "file", 7) == b"content"
    assert read_regular(tmp_path / "link", follow=True) == b"content"
    for name, largest, problem in (
        ("link", 7, "is a link"),
        ("file", 6, "File too large"),
        ("", 7, "Is a directory"),
        ("none", 7, "No such file"),
        ("a\0b", 7, "is no name of a file"),
    ):
        with pytest.raises(OSError, match=problem):
            read_regular(tmp_path / name, largest)
    with pytest.raises(OSError, match="is no regular file"):
        open_regular(Path("/dev/zero"))


@pytest.mark.parametrize("curve", [b"nist", b"2-nistp256", b"", b"nistp384"])
def test_a_curve_that_is_not_the_kinds_own_is_no_key(curve: bytes) -> None:
    kind = string(b"ecdsa-sha2-nistp256")
    blob = kind + string(curve) + string(b"\4" + b"\1" * 64)
    head = string(blob) + string(b"weibao-entry") + string(b"") + string(b"sha512")
    signature = armored(b"SSHSIG" + (1).to_bytes(4) + head + string(kind + string(string(b"\1") + string(b"\1"))))
    with pytest.raises(SignatureError, match="holds the curve"):
        verify_signature(signature, b"data", "weibao-entry")


@pytest.mark.parametrize("folder", ["²", "٣", "00 0"])
def test_a_folder_of_other_digits_holds_no_entries(evidence: Evidence, folder: str) -> None:
    path = evidence.ledger.folder / folder
    path.mkdir()
    assert told(evidence) == ""
    (path / "000012-note.json").write_bytes(b"{}")
    assert told(evidence) == f"{folder}/000012-note.json: is no entry"


NO_CHECKPOINT = {
    "schema_version": 1,
    "site": [],
    "sequence": True,
    "sha256": "0" * 64,
    "time": "2026-01-01T00:00:00Z",
    "signer": 5,
}


@pytest.mark.parametrize("content", [b"[" * 60_000, b"[]", canonical(NO_CHECKPOINT)])
def test_a_checkpoint_of_any_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(content)
    Path(f"{path}.sig").write_bytes(b"x")
    with pytest.raises(BadInput, match="is not a checkpoint"):
        read_checkpoint(path)


# -- names and tails --------------------------------------------------------------------------------------


def test_an_entry_that_was_given_another_name_is_found(evidence: Evidence) -> None:
    path = evidence.entries()[-1]
    for one in (path, Path(f"{path}.sig")):
        one.rename(one.with_name("0" + one.name))
    assert "000/0000010-notification.json: has the wrong name: it must be 000010-notification.json" in told(evidence)


def test_of_a_tail_that_was_cut_off_the_signatures_that_are_left_are_found(evidence: Evidence) -> None:
    for path in evidence.entries()[-3:]:
        path.unlink()
    assert [one.file for one in evidence.findings()] == [f"000/{n:06d}-notification.json.sig" for n in (9, 10)]


def test_what_a_program_left_that_died_is_no_finding(evidence: Evidence) -> None:
    evidence.entries()[-1].unlink()
    assert evidence.findings() == []


def test_entries_appended_meanwhile_are_no_strays(evidence: Evidence) -> None:
    known = {str(path.relative_to(evidence.ledger.folder)): number for number, _, path in evidence.ledger.paths()}
    for number in range(3):
        evidence.ledger.append("notification", {"number": number})
    assert list(strays(evidence.ledger, known)) == []


def test_the_folder_of_a_run_that_is_a_link_is_told(evidence: Evidence) -> None:
    run = evidence.folders.runs / "r1"
    run.rename(evidence.folder / "elsewhere")
    run.symlink_to(evidence.folder / "elsewhere")
    verification = evidence.verification()
    assert list(verification.findings()) == []
    assert [str(one) for one in verification.remarks] == [
        "r1/: is a link: its files lie elsewhere, where others may change them (entry 3)"
    ]


# -- keys -------------------------------------------------------------------------------------------------


def test_what_the_purchasers_people_signed_is_told(tmp_path: Path) -> None:
    """Whoever has such a key can write the newest entries anew, but not unseen."""
    ledger, director = signed_ledger(tmp_path / "ledger"), QuickSigner(b"director")
    ledger.append("trust", trust_body({**OFFICER, "keys": [director.public_key.line]}))
    theirs = Ledger(ledger.folder, "test", director)
    for number in range(2):
        theirs.append("note", {"number": number})
    verification = Verification(Ledger(ledger.folder, "test"), Folders(tmp_path / "runs"))
    assert list(verification.findings()) == []
    assert [str(one) for one in verification.remarks] == ["entries 3 to 4: signed by 王芳, a person of the purchaser"]


def test_a_loss_that_is_told_late_takes_back_the_consent_that_a_thief_gave(tmp_path: Path) -> None:
    ledger, director = signed_ledger(tmp_path / "ledger"), QuickSigner(b"director")
    officer = {**OFFICER, "keys": [director.public_key.line]}
    approver = {**OFFICER, "name": "mallory"}
    ledger.append("trust", trust_body(officer))
    since = timestamp()
    asked = ledger.append("trust", trust_body(officer, approver))
    signature = director.sign_as(APPROVAL, consent_bytes(asked.body["people_sha256"], asked.digest)).decode()
    consent = {"by": "王芳", "public_key": director.public_key.line, "signature": signature}
    consented = ledger.append("trust", trust_body(officer, approver, consent=consent))
    waiver = ledger.append("waiver", {"consent_by": "mallory", "at": "2026-02-01T00:00:00Z"})
    verification = Verification(ledger, Folders(tmp_path / "runs"))
    assert list(verification.findings()) == []
    ledger.append("key", key_body(director.public_key, "revoked", holder="王芳", since=since))
    found = list(Verification(ledger, Folders(tmp_path / "runs")).findings())
    assert [one.entry for one in found] == [consented.sequence, waiver.sequence]
    assert "a key that was given up since before that" in found[0].problem


def test_a_key_that_was_given_up_signs_nothing_after_that_however_it_is_dated(evidence: Evidence) -> None:
    following = QuickSigner(b"next")
    evidence.ledger.append("key", key_body(following.public_key, "replaced", replaces=QuickSigner().fingerprint()))
    ours = Ledger(evidence.ledger.folder, "test", following)
    lost = ours.append("key", key_body(QuickSigner().public_key, "lost"))
    theirs = evidence.ledger.append("note", {})
    raw = canonical({**theirs.content, "time": lost.content["time"]})
    theirs.path.write_bytes(raw)
    Path(f"{theirs.path}.sig").write_bytes(QuickSigner().sign(raw))
    assert [one.entry for one in evidence.findings()] == [theirs.sequence]


# -- what is known from outside ---------------------------------------------------------------------------


def rewritten(evidence: Evidence, signer: QuickSigner, *, names: PublicKey | None = None) -> None:
    """Write everything anew with another root, whose owner may name the real key as the site's next."""
    previous = GENESIS
    for path in evidence.entries():
        content = json.loads(path.read_bytes())
        if content["kind"] == "key":
            content["body"] = key_body(signer.public_key)
        raw = canonical({**content, "previous": previous, "signer": signer.fingerprint()})
        path.write_bytes(raw)
        Path(f"{path}.sig").write_bytes(signer.sign(raw))
        previous = digest(raw)
    if names:
        old = signer.fingerprint()
        Ledger(evidence.ledger.folder, "test", signer).append("key", key_body(names, "replaced", replaces=old))


@pytest.mark.parametrize("names", [False, True])
def test_a_history_of_another_root_is_found_where_the_real_key_is_told(evidence: Evidence, names: bool) -> None:
    real = QuickSigner()
    assert evidence.findings(Outside(keys=(real.fingerprint(),))) == []
    rewritten(evidence, thief(), names=real.public_key if names else None)
    assert evidence.findings() == []
    found = "\n".join(map(str, evidence.findings(Outside(keys=(real.fingerprint(),)))))
    assert f"ledger: rests on {thief().fingerprint()}, and on no key that --key names" in found
    assert (f"by its key entries {real.fingerprint()}, which --key names, is no key of the site" in found) != names


def test_a_history_that_leads_to_the_key_that_is_told_verifies(evidence: Evidence) -> None:
    second = QuickSigner(b"second")
    body = key_body(second.public_key, "replaced", replaces=QuickSigner().fingerprint())
    evidence.ledger.append("key", body)
    Ledger(evidence.ledger.folder, "test", second).append("notification", {"number": 4})
    assert evidence.findings(Outside(keys=(second.fingerprint(),))) == []
    both = Outside(keys=(second.fingerprint(), thief().fingerprint()))
    (found,) = evidence.findings(both)
    assert thief().fingerprint() in found.problem


@pytest.mark.parametrize(
    "text", ["", "SHA256:", "SHA256:" + "a" * 42, "MD5:" + "a" * 43, "a" * 43, "SHA256:" + "-" * 43]
)
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    assert parse_fingerprint(f" {thief().fingerprint()}\n") == thief().fingerprint()
    with pytest.raises(BadInput, match="write the whole fingerprint"):
        parse_fingerprint(text)


def test_what_is_the_same_as_outside_is_told(evidence: Evidence) -> None:
    head = evidence.ledger.head()
    good = Anchor(head.sequence, head.digest, "a document")
    verification = evidence.verification(Outside(anchors=(good, Anchor(3, "0" * 64, "another"))))
    assert len(list(verification.findings())) == 1
    assert verification.same == [good]
