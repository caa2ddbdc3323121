from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput, MachineError, Refused
from runner.evidence.canonical import digest
from runner.evidence.ledger import Ledger
from runner.evidence.signing import OWN_KEY, key_of
from runner.evidence.sshsig import ENTRY, verify_signature
from runner.operations.book import Book, open_book
from runner.operations.keys import show_keys
from runner.site import Site
from tests.signing import QuickSigner, key_body
from tests.verification import verify

PEOPLE = "schema_version: 1\npeople:\n"
NOW = datetime.now(UTC)


def pair(folder: Path, name: str) -> tuple[Path, str]:
    """Make a key pair; return the private file and the public line."""
    path = folder / name
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)), check=True)
    return path, path.with_suffix(".pub").read_text().strip()


def line(name: str, organisation: str, *keys: str, more: str = "") -> str:
    duty = "purchaser approver" if organisation == "purchaser" else "engineer"
    return f"  - {{name: {name}, duty: {duty}, organisation: {organisation}, keys: [{', '.join(keys)}]{more}}}\n"


@pytest.fixture
def people(site: Site) -> Callable[..., None]:
    def write(*lines: str) -> None:
        site.people_file.write_text(PEOPLE + "".join(lines) if lines else "schema_version: 1\npeople: []\n")

    return write


@pytest.fixture
def engineer(tmp_path: Path, people: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The private key of an engineer whom people.yml knows, and who signs with it."""
    path, public = pair(tmp_path, "engineer")
    people(line("甲", "provider", public))
    monkeypatch.setenv(OWN_KEY, str(path))
    return path


def note(site: Site, **body: Any) -> Any:
    return open_book(site).append("note", body)


def kinds(site: Site) -> list[str]:
    return [entry.kind for entry in Ledger(site.ledger_folder, site.name).entries()]


def problems(site: Site) -> list[str]:
    return [str(one) for one in verify(Ledger(site.ledger_folder, site.name), site.runs_folder)]


def signers(site: Site) -> list[str]:
    """The fingerprints of the keys that signed each entry, its signature verified."""
    found = []
    for entry in Ledger(site.ledger_folder, site.name).entries():
        signature = entry.path.with_name(f"{entry.path.name}.sig").read_bytes()
        key = verify_signature(signature, entry.raw, ENTRY)
        assert key.fingerprint == entry.content["signer"]
        found.append(key.fingerprint)
    return found


def test_before_the_first_entry_the_key_and_the_people_are_told(site: Site) -> None:
    assert note(site).sequence == 3
    key, trust, _ = Ledger(site.ledger_folder, site.name).entries()
    assert (key.kind, key.body["step"], key.body["holder"], key.body["adopts"]) == ("key", "created", "site", None)
    assert trust.kind == "trust"
    assert trust.body["contract_sha256"] == digest(site.contract_file.read_bytes())
    assert trust.body["people_sha256"] == digest(site.people_file.read_bytes())
    assert len(set(signers(site))) == 1
    assert problems(site) == []


def test_a_stock_ssh_keygen_verifies_the_entries(site: Site, tmp_path: Path) -> None:
    entry = note(site)
    (tmp_path / "signers").write_text(open_book(site).keyring().allowed_signers())
    command = ("ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "site", "-n", ENTRY)
    signature = ("-s", f"{entry.path}.sig")
    subprocess.run((*command, *signature), input=entry.raw, check=True, capture_output=True)


def test_looking_makes_no_key_and_writes_nothing(site: Site) -> None:
    open_book(site)
    open_book(site).keyring()
    assert not site.keys_folder.exists()
    assert kinds(site) == []


def test_people_and_contract_are_told_again_only_where_they_changed(site: Site, people: Callable[..., None]) -> None:
    book = open_book(site)
    book.append("note", {})
    book.append("note", {})
    note(site)
    assert kinds(site) == ["key", "trust", "note", "note", "note"]
    people(line("甲", "provider"))
    book.append("note", {})
    site.contract_file.write_text(site.contract_file.read_text() + "# told\n")
    book.append("note", {})
    assert kinds(site)[5:] == ["trust", "note", "trust", "note"]


def test_people_that_are_not_in_order_keep_no_entry_from_being_written(site: Site) -> None:
    note(site)
    site.people_file.write_text("people: [\n")
    note(site)
    assert kinds(site)[2:] == ["note", "note"]


def test_a_contract_does_not_wait_for_people_that_are_not_in_order(
    site: Site, people: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    people(line("主任", "purchaser"))
    note(site)
    told = site.people_file.read_bytes()
    site.people_file.write_text("people: [\n")
    site.contract_file.write_text(site.contract_file.read_text() + "# told\n")
    note(site)
    note(site)
    assert kinds(site)[2:] == ["note", "trust", "note", "note"]
    trust = list(Ledger(site.ledger_folder, site.name).entries())[3].body
    assert trust["contract_sha256"] == digest(site.contract_file.read_bytes())
    assert (trust["people_sha256"], [one["name"] for one in trust["people"]]) == (digest(told), ["主任"])
    assert "the ledger is not told of these people" in caplog.text
    assert problems(site) == []


@pytest.mark.parametrize("days", [", valid_to: 9999-12-31", ", valid_from: 0001-01-01"])
def test_days_at_the_ends_of_time_stop_nothing(
    site: Site, people: Callable[..., None], tmp_path: Path, days: str
) -> None:
    people(line("甲", "provider", pair(tmp_path, "engineer")[1], more=days))
    note(site)
    note(site)
    assert kinds(site) == ["key", "trust", "note", "note"]
    assert problems(site) == []
    assert "甲" in open_book(site).keyring().allowed_signers()


def test_a_duty_that_is_ended_for_the_past_takes_back_nothing_that_was_signed(
    site: Site, engineer: Path, people: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    note(site)
    monkeypatch.delenv(OWN_KEY)
    people(line("甲", "provider", engineer.with_suffix(".pub").read_text().strip(), more=", valid_to: 2020-01-01"))
    note(site)
    assert problems(site) == []
    monkeypatch.setenv(OWN_KEY, str(engineer))
    with pytest.raises(BadInput, match="甲 is not valid"):
        note(site)


def test_what_a_stranger_appended_changes_nothing_for_any_command(site: Site, people: Callable[..., None]) -> None:
    people(line("主任", "purchaser"))
    note(site)
    told = list(Ledger(site.ledger_folder, site.name).entries())[1].body
    thief = QuickSigner(b"thief")
    stranger = Ledger(site.ledger_folder, site.name, thief)
    people_told = [{**told["people"][0], "name": "our man"}]
    paper = {"paper": {"name": "x", "sha256": "0" * 64}, "vouched_by": "our man"}
    stranger.append("trust", {**told, "people": people_told, "consent": paper})
    stranger.append("key", key_body(thief.public_key, holder="mallory"))
    Ledger(site.ledger_folder, site.name).append("trust", {**told, "people": []})
    for keyring in (Book(site).keyring(), show_keys(site).keyring):
        assert [one.name for one in keyring.in_force() or ()] == ["主任"]
        assert keyring.valid_at(thief.fingerprint(), NOW) is None


def test_what_the_program_seals_by_itself_is_signed_by_the_site(site: Site, engineer: Path) -> None:
    Book(site).append("note", {})
    assert kinds(site) == ["key", "note"]
    assert len(set(signers(site))) == 1
    assert problems(site) == []


def test_a_ledger_from_before_signatures_is_vouched_for(site: Site) -> None:
    old = Ledger(site.ledger_folder, site.name)
    for number in range(3):
        old.append("note", {"number": number})
    head = old.head()
    note(site)
    key = next(entry for entry in old.entries() if entry.kind == "key")
    assert key.body["adopts"] == {"sequence": 3, "sha256": head.digest}
    assert problems(site) == []
    old.append("note", {})
    assert any("000007-note.json" in one for one in problems(site)), "after the key nothing is unsigned"


def note_ten(site: Site) -> None:
    book = open_book(site)
    for number in range(10):
        book.append("note", {"number": number})


def test_several_programs_begin_a_ledger_at_once(site: Site) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(note_ten, [site] * 4))
    assert kinds(site) == ["key", "trust", *["note"] * 40]
    assert len(set(signers(site))) == 1
    assert problems(site) == []


def test_a_program_killed_at_any_step_of_the_first_entries_leaves_a_ledger_that_verifies(site: Site) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from runner.evidence import ledger, signing\nfrom runner.operations.book import open_book\n"
        "from runner.site import Site\nfrom tests.dying import die_at\n"
        "steps = (ledger, 'create_new'), (ledger, 'write_new'), (ledger, 'sync_folder'), (os, 'link'), (os, 'fsync')\n"
        "early = (signing.subprocess, 'Popen'), (signing.EarlyCall, 'give'), (signing.EarlyCall, 'taken')\n"
        "die_at(int(sys.argv[3]), *steps, *early, (signing, '_run'))\n"
        "book = open_book(Site('own', Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "for number in range(2): book.append('note', {})\n"
    )
    died = 0
    for step in range(1, 60):
        one = Site("own", site.folder, site.state / str(step))
        one.prepare()
        arguments = (str(one.folder), str(one.state), str(step))
        result = subprocess.run([sys.executable, "-c", script, *arguments], check=False)
        died += result.returncode == -9
        assert problems(one) == [] or kinds(one) == []
        note(one)
        assert problems(one) == []
        assert kinds(one)[:3] == ["key", "trust", "note"]
        if result.returncode == 0:
            break
    assert died >= 20


# -- engineers --------------------------------------------------------------------------------------------


def test_an_engineer_signs_what_they_append(site: Site, engineer: Path) -> None:
    note(site)
    first, second, third = signers(site)
    assert first == second != third == key_of(engineer).fingerprint
    assert problems(site) == []


def test_an_engineers_key_is_asked_for_nothing_before_it_is_their_turn(
    site: Site, engineer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.operations.book.started_early", None)
    assert note(site).content["signer"] == key_of(engineer).fingerprint


def test_a_public_key_with_a_comment_in_people_is_the_same_key(site: Site, engineer: Path) -> None:
    note(site)
    trust = next(entry for entry in Ledger(site.ledger_folder, site.name).entries() if entry.kind == "trust")
    assert trust.body["people"][0]["keys"] == [key_of(engineer).line]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "is nobody's in .*people.yml"),
        (("past",), "甲 is not valid in people.yml on"),
    ],
)
def test_a_key_that_is_nobodys_is_refused_before_anything_is_done(
    site: Site, engineer: Path, people: Callable[..., None], lines: tuple[str, ...], reason: str
) -> None:
    public = engineer.with_suffix(".pub").read_text().strip()
    people(*(line("甲", "provider", public, more=", valid_to: 2020-01-01") for _ in lines))
    with pytest.raises(BadInput, match=reason):
        open_book(site)
    assert kinds(site) == []
    assert not site.keys_folder.exists()


def test_an_engineers_key_that_others_can_read_is_refused_before_anything_is_done(site: Site, engineer: Path) -> None:
    engineer.chmod(0o644)
    with pytest.raises(MachineError, match="others can read this private key"):
        open_book(site)


def test_a_purchasers_person_signs_nothing_before_they_are_in_force(
    site: Site, tmp_path: Path, people: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    note(site)
    path, public = pair(tmp_path, "director")
    people(line("主任", "purchaser", public))
    monkeypatch.setenv(OWN_KEY, str(path))
    with pytest.raises(BadInput, match="主任 waits for the purchaser's consent"):
        open_book(site)


def test_only_people_in_force_can_consent(site: Site, people: Callable[..., None]) -> None:
    people(line("主任", "purchaser"))
    note(site)
    people(line("主任", "purchaser"), line("新人", "purchaser"))
    book = open_book(site)
    book.append("note", {})
    book.check_in_force("主任", NOW, "--consent")
    with pytest.raises(Refused, match="--consent 新人: waits for the purchaser's consent"):
        book.check_in_force("新人", NOW, "--consent")


# -- a key that is gone -----------------------------------------------------------------------------------


def test_a_key_that_is_gone_stops_the_program_before_it_does_anything(site: Site) -> None:
    note(site)
    (site.keys_folder / "site").unlink()
    with pytest.raises(MachineError, match=r"is gone; put it back .*weibao ledger keys lost"):
        open_book(site)
    with pytest.raises(MachineError, match="is gone"):
        Book(site).append("note", {})
    assert not (site.keys_folder / "site").exists(), "no other key is made in its place"


def test_another_key_in_its_place_signs_nothing(site: Site, tmp_path: Path) -> None:
    note(site)
    other, _ = pair(tmp_path, "other")
    (site.keys_folder / "site").write_bytes(other.read_bytes())
    with pytest.raises(MachineError, match=r"but the ledger names SHA256:.* as the site's key"):
        note(site)
    assert kinds(site) == ["key", "trust", "note"]


def test_without_ssh_keygen_nothing_is_begun(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="ssh-keygen is missing"):
        open_book(site)


def test_a_damaged_entry_about_a_key_is_no_reason_to_vouch_for_what_is_unsigned(site: Site) -> None:
    note(site)
    key = next(Ledger(site.ledger_folder, site.name).entries())
    key.path.write_bytes(b"{}\n")
    note(site)
    adopted = [
        entry.body["adopts"]
        for entry in Ledger(site.ledger_folder, site.name).entries()
        if entry.kind == "key" and entry is not key and entry.sequence > 1
    ]
    assert adopted == [None]
    assert problems(site)
