from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput, MachineError, Refused
from runner.evidence.keys import ENDING
from runner.evidence.ledger import Ledger
from runner.evidence.signing import OWN_KEY, key_of, next_signer
from runner.evidence.verify import Outside
from runner.operations.book import Book, open_book
from runner.operations.check_site import check_site
from runner.operations.compliance import Question, assess
from runner.operations.keys import (
    Loss,
    accept_paper,
    accept_signature,
    add_key,
    lose_key,
    replace_key,
    request_consent,
    show_keys,
)
from runner.operations.records import WaiverRequest, waive
from runner.operations.verify_ledger import verify_ledger
from runner.site import Site
from tests.unit.runner.operations.contracted import contracted
from tests.unit.runner.operations.test_book import kinds, line, note, pair, problems, signers
from tests.verification import verify


def people(site: Site, *lines: str) -> None:
    site.people_file.write_text("schema_version: 1\npeople:\n" + "".join(lines))


def sign(path: Path, content: bytes, namespace: str = "weibao-approval") -> Path:
    """Sign as a purchaser's person does, on a machine of their own."""
    file = path.with_name(f"request-{len(list(path.parent.glob('request-*')))}")
    file.write_bytes(content)
    command = ("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(path), str(file))
    subprocess.run(command, check=True, capture_output=True)
    return file.with_name(f"{file.name}.sig")


# -- the site's key ---------------------------------------------------------------------------------------


def test_a_replaced_key_is_gone_and_its_entries_verify(site: Site) -> None:
    note(site)
    old = key_of(site.keys_folder / "site")
    entry = replace_key(site, "yearly")
    new = key_of(site.keys_folder / "site")
    assert entry.body | {"operator": None} == {
        "schema_version": 1,
        "step": "replaced",
        "fingerprint": new.fingerprint,
        "public_key": new.line,
        "holder": "site",
        "reason": "yearly",
        "replaces": old.fingerprint,
        "since": None,
        "adopts": None,
        "operator": None,
    }
    note(site)
    assert signers(site) == [*[old.fingerprint] * 4, new.fingerprint]
    assert [path.name for path in site.keys_folder.iterdir()] == ["site"]
    assert problems(site) == []


def test_a_key_in_an_empty_ledger_is_made_and_replaced(site: Site) -> None:
    replace_key(site, None)
    assert problems(site) == []


def test_a_replacement_that_died_after_it_was_told_is_finished_by_the_next_program(site: Site) -> None:
    note(site)
    old = (site.keys_folder / "site").read_bytes()
    replace_key(site, None)
    (site.keys_folder / "site").rename(site.keys_folder / "site.next")
    (site.keys_folder / "site").write_bytes(old)
    (site.keys_folder / "site").chmod(0o600)
    note(site)
    assert problems(site) == []
    assert not (site.keys_folder / "site.next").exists()


def test_a_replacement_that_died_before_it_was_told_changes_nothing(site: Site) -> None:
    note(site)
    left = next_signer(site.keys_folder)
    note(site)
    assert len(set(signers(site))) == 1
    replace_key(site, None)
    assert key_of(site.keys_folder / "site") == left.public_key
    assert problems(site) == []


def test_a_lost_key_has_a_successor_that_an_engineer_vouches_for(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, public = pair(tmp_path, "engineer")
    people(site, line("甲", "provider", public))
    note(site)
    (site.keys_folder / "site").unlink()
    monkeypatch.setenv(OWN_KEY, str(path))
    created, lost = lose_key(site, Loss("the disk broke"))
    assert (created.body["step"], lost.body["step"], lost.body["reason"]) == ("created", "lost", "the disk broke")
    assert created.content["signer"] == key_of(path).fingerprint
    assert lost.content["signer"] == key_of(site.keys_folder / "site").fingerprint
    note(site)
    assert problems(site) == []


def test_a_lost_key_that_nobody_can_vouch_for_is_found_by_the_auditor(site: Site) -> None:
    note(site)
    (site.keys_folder / "site").unlink()
    created, _ = lose_key(site, Loss("x"))
    note(site)
    (problem,) = problems(site)
    assert "is vouched for by no key that was known before" in problem
    assert created.path.name in problem


def test_a_stolen_key_is_not_believed_from_when_it_was_stolen(site: Site) -> None:
    note(site)
    stolen = key_of(site.keys_folder / "site")
    created, revoked = lose_key(site, Loss("copied", since="2020-01-01", stolen=True))
    assert created.content["signer"] == created.body["fingerprint"], "what a thief may have vouches for nothing"
    assert revoked.body["step"] == "revoked"
    assert show_keys(site).keyring.given_up(stolen.fingerprint)
    for entry in list(Ledger(site.ledger_folder, site.name).entries())[:3]:
        assert any(entry.path.name in problem for problem in problems(site))


def test_somebody_who_looked_at_them_vouches_for_what_a_stolen_key_signed(site: Site) -> None:
    note(site)
    created, _ = lose_key(site, Loss("copied", since="2020-01-01", stolen=True, adopt=True))
    assert len(problems(site)) == 4, "a key that nobody vouches for vouches for nothing"
    outside = Outside(keys=(created.body["fingerprint"],))
    verified = verify_ledger(site, outside, lambda *_: None)
    assert verified.findings == []
    assert "vouched for by" in verified.remarks[0].problem


def test_a_loss_that_died_half_way_is_finished_and_takes_no_good_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(site)
    old = key_of(site.keys_folder / "site")
    tell = Book.tell_key

    def dying(self: Book, step: str, *arguments: Any, **told: Any) -> Any:
        if step in ENDING:
            raise KeyboardInterrupt
        return tell(self, step, *arguments, **told)

    for loss in (Loss("copied", stolen=True), Loss("thrown away")):
        monkeypatch.setattr(Book, "tell_key", dying)
        with pytest.raises(KeyboardInterrupt):
            lose_key(site, loss)
        monkeypatch.setattr(Book, "tell_key", tell)
        new = key_of(site.keys_folder / "site")
        (ended,) = lose_key(site, loss)
        assert ended.body["fingerprint"] == old.fingerprint
        keyring = show_keys(site).keyring
        assert keyring.given_up(old.fingerprint)
        assert not keyring.given_up(new.fingerprint)
        assert keyring.site_key == new
        old = new
    assert len(lose_key(site, Loss("another one"))) == 2
    replace_key(site, None)
    assert len(lose_key(site, Loss("after an ordinary replacement"))) == 2


def test_a_key_that_is_still_there_vouches_for_its_successor(site: Site) -> None:
    note(site)
    created, lost = lose_key(site, Loss("will be thrown away"))
    assert (created.body["step"], lost.body["since"]) == ("created", None)
    assert created.content["signer"] == lost.body["fingerprint"]
    assert problems(site) == []


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (Loss("x", "SHA256:x"), "--key SHA256:x: is not in the ledger"),
        (Loss("x", since="gestern"), "--since gestern: is no time"),
        (Loss("x", since="2100-01-01"), "--since 2100-01-01: lies in the future"),
    ],
)
def test_a_loss_that_makes_no_sense_changes_nothing(site: Site, loss: Loss, reason: str) -> None:
    note(site)
    with pytest.raises(BadInput, match=reason):
        lose_key(site, loss)
    assert kinds(site) == ["key", "trust", "note"]
    assert [path.name for path in site.keys_folder.iterdir()] == ["site"]


def test_there_is_nothing_to_lose_in_an_empty_ledger(site: Site) -> None:
    with pytest.raises(BadInput, match="--key site: is not in the ledger"):
        lose_key(site, Loss("x"))


# -- keys of people ---------------------------------------------------------------------------------------


def test_a_persons_key_is_told_once_people_yml_has_it(site: Site, tmp_path: Path) -> None:
    path, public = pair(tmp_path, "engineer")
    people(site, line("甲", "provider"))
    with pytest.raises(BadInput) as refused:
        add_key(site, "甲", path.with_suffix(".pub"))
    assert f"keys: [{public}]" in str(refused.value)
    assert kinds(site) == []
    people(site, line("甲", "provider", public))
    assert add_key(site, "甲", path.with_suffix(".pub")).body["holder"] == "甲"
    assert kinds(site) == ["key", "trust", "key"]
    assert [span.holder.name for span in show_keys(site).keyring.spans()] == ["site", "甲"]
    assert problems(site) == []


def test_a_key_that_is_not_the_persons_is_refused(site: Site, tmp_path: Path) -> None:
    path, public = pair(tmp_path, "engineer")
    people(site, line("甲", "provider", public), line("乙", "provider"))
    for name, file, reason in (
        ("丙", path.with_suffix(".pub"), "NAME 丙: is not in"),
        ("乙", path.with_suffix(".pub"), "is the key of 甲"),
        ("甲", path, "is a private key"),
        ("甲", tmp_path / "nothing", "cannot be read"),
    ):
        with pytest.raises(BadInput, match=reason):
            add_key(site, name, file)


def test_an_engineers_lost_key_signs_nothing_any_more(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, public = pair(tmp_path, "engineer")
    people(site, line("甲", "provider", public))
    note(site)
    fingerprint = key_of(path).fingerprint
    (lost,) = lose_key(site, Loss("left in a taxi", fingerprint))
    assert lost.body["holder"] == "甲"
    monkeypatch.setenv(OWN_KEY, str(path))
    with pytest.raises(BadInput, match="was given up as lost"):
        open_book(site)
    monkeypatch.delenv(OWN_KEY)
    with pytest.raises(BadInput, match="was given up already"):
        lose_key(site, Loss("again", fingerprint))
    with pytest.raises(BadInput, match="was given up as lost"):
        add_key(site, "甲", path.with_suffix(".pub"))
    assert problems(site) == []


# -- the purchaser's people -------------------------------------------------------------------------------


@pytest.fixture
def director(site: Site, tmp_path: Path) -> Path:
    """The key of a purchaser's person in force, while another waits."""
    path, public = pair(tmp_path, "director")
    people(site, line("主任", "purchaser", public))
    note(site)
    people(site, line("主任", "purchaser", public), line("新人", "purchaser"))
    return path


def approvers(site: Site) -> list[str]:
    return [one.name for one in show_keys(site).in_force]


def test_a_purchasers_person_puts_another_in_force(site: Site, director: Path) -> None:
    request = request_consent(site)
    assert request.changed == ("新人",)
    assert ([one.name for one in request.added], request.removed) == (["新人"], ())
    assert (approvers(site), show_keys(site).waiting) == (["主任"], ("新人",))
    signature = sign(director, request.content)
    signature.write_bytes(signature.read_bytes().replace(b"\n", b"\r\n"))
    entry = accept_signature(site, "主任", signature)
    assert entry.body["consent"]["by"] == "主任"
    assert (approvers(site), show_keys(site).waiting) == (["主任", "新人"], ())
    with pytest.raises(BadInput, match="nothing waits for the purchaser's consent"):
        request_consent(site)
    assert problems(site) == []


def test_a_purchasers_person_tells_of_no_keys_but_their_own(
    site: Site, director: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, public = pair(tmp_path, "engineer")
    own = key_of(director).line
    people(site, line("主任", "purchaser", own), line("甲", "provider", public))
    note(site)
    monkeypatch.setenv(OWN_KEY, str(director))
    for tell in (lambda: add_key(site, "甲", tmp_path / "engineer.pub"), lambda: lose_key(site, Loss("gone"))):
        with pytest.raises(BadInput, match="主任 is of the purchaser, and tells of no keys but their own"):
            tell()
    assert add_key(site, "主任", director.with_suffix(".pub")).body["holder"] == "主任"
    assert problems(site) == []


def test_what_does_not_consent_is_refused(site: Site, director: Path, tmp_path: Path) -> None:
    request = request_consent(site)
    stranger, _ = pair(tmp_path, "stranger")
    for name, signature, reason in (
        ("主任", sign(stranger, request.content), r"nobody, not for 主任 \(purchaser\)"),
        ("主任", sign(director, request.content + b" "), "does not fit"),
        ("主任", sign(director, request.content, "file"), "was made for 'file'"),
        ("新人", sign(director, request.content), r"for 主任 \(purchaser\), not for 新人 \(purchaser\)"),
        ("主任", stranger, "is no SSH signature"),
        ("主任", tmp_path / "nothing", "cannot be read"),
    ):
        with pytest.raises(BadInput, match=reason):
            accept_signature(site, name, signature)
    assert approvers(site) == ["主任"]


def test_a_consent_is_for_the_people_that_were_signed_for(site: Site, director: Path) -> None:
    signature = sign(director, request_consent(site).content)
    site.people_file.write_text(site.people_file.read_text() + line("又一人", "purchaser"))
    with pytest.raises(BadInput, match="does not fit"):
        accept_signature(site, "主任", signature)
    assert show_keys(site).waiting == ("又一人", "新人")


def test_a_signed_paper_puts_people_in_force_and_is_kept(site: Site, tmp_path: Path, director: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF")
    with pytest.raises(BadInput, match="--vouched-by 谁: is not in"):
        accept_paper(site, scan, "谁")
    consent = accept_paper(site, scan, "主任").body["consent"]
    assert (consent["vouched_by"], consent["paper"]["name"]) == ("主任", "scan.pdf")
    assert (site.attachments_folder / consent["paper"]["sha256"]).read_bytes() == b"%PDF"
    assert approvers(site) == ["主任", "新人"]
    ledger = Ledger(site.ledger_folder, site.name)
    assert [str(one) for one in verify(ledger, site.runs_folder, site.attachments_folder)] == []


def test_a_waiver_needs_somebody_in_force(site: Site, director: Path) -> None:
    told = site.people_file.read_bytes()
    contracted(site)
    site.people_file.write_bytes(told)
    request = WaiverRequest("A48", "2026Q1", "新人", "合并到第二季度")
    now = datetime.now(UTC)
    with pytest.raises(Refused, match="--consent 新人: waits for the purchaser's consent"):
        waive(check_site(site), request, now)
    accept_signature(site, "主任", sign(director, request_consent(site).content))
    assert waive(check_site(site), request, now).rows[0].state == "waived"


def test_compliance_counts_no_waiver_of_somebody_who_was_not_in_force(site: Site, director: Path) -> None:
    told = site.people_file.read_bytes()
    contracted(site)
    site.people_file.write_bytes(told)
    now = datetime.now(UTC)
    body = {"schema_version": 1, "obligations": ["A48"], "period": "2026Q1", "at": now.isoformat(), "reason": "x"}
    more = {"attachments": [], "operator": {"login": "root", "name": None}, "corrects": None}
    open_book(site).append("waiver", {**body, **more, "consent_by": "新人"})
    assert assess(check_site(site), Question()).counts["waived"] == 0
    open_book(site).append("waiver", {**body, **more, "consent_by": "主任"})
    assert assess(check_site(site), Question()).counts["waived"] == 1


def test_a_lost_key_of_the_site_is_in_nobodys_way_of_telling_it(site: Site) -> None:
    note(site)
    (site.keys_folder / "site").unlink()
    with pytest.raises(MachineError, match="is gone"):
        note(site)
    assert show_keys(site).keyring.site_key
    lose_key(site, Loss("x"))
    note(site)
