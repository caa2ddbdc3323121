"""A pack that somebody forged without the site's key: whoever wrote keys/ is not believed, only what entries tell."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.evidence.canonical import digest
from runner.evidence.ledger import Ledger
from runner.evidence.sshsig import CHECKPOINT
from runner.operations.check_site import CheckedSite
from runner.operations.export import Exported, export
from runner.operations.pack import SUMS, Pack
from runner.public_key import parse_public_key
from runner.site import PROJECT, Site
from tests.packs import check, fill
from tests.signing import QuickSigner, key_body, trust_body
from tests.unit.runner.operations.contracted import contracted

THIEF = QuickSigner(b"thief")
DATES = ("allowed_signers", "allowed_signers_utc", "allowed_signers_undated")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("forged")
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    checked: CheckedSite = contracted(site)
    fill(checked, folder)
    return export(checked, folder / "pack")


@pytest.fixture
def pack(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "pack"))


def seal(pack: Path) -> None:
    """Add the thief's key to keys/ as the site's, and list and sign everything with it."""
    (pack / "ledger" / ".lock").unlink(missing_ok=True)
    for name in DATES:
        line = f'"site" namespaces="weibao-entry,weibao-checkpoint" {THIEF.public_key.line}\n'
        (pack / "keys" / name).write_text((pack / "keys" / name).read_text() + line)
    known = pack / "keys" / "fingerprints"
    known.write_text(known.read_text() + f"{THIEF.fingerprint()} site\n")
    for name in (SUMS, f"{SUMS}.sig"):
        (pack / name).unlink()
    anew = Pack(pack)
    for path in sorted(one for one in pack.rglob("*") if one.is_file()):
        data = path.read_bytes()
        path.unlink()
        anew.write(str(path.relative_to(pack)), data)
    sums = anew.sums()
    anew.seal(sums, THIEF.sign_as(CHECKPOINT, sums))


def ledger_of(pack: Path) -> Ledger:
    return Ledger(pack / "ledger", "own", THIEF)


def test_a_key_that_no_entry_tells_of_may_not_sign_the_pack(pack: Path) -> None:
    ledger_of(pack).append("record", {"schema_version": 1, "text": "forged"})
    seal(pack)
    code, lines = check(pack)
    assert code == 1
    assert any(f"signed with {THIEF.fingerprint()}, a key that no entry makes believed" in line for line in lines)
    assert any(line.startswith(f"SHA256SUMS: is signed with {THIEF.fingerprint()}") for line in lines)


@pytest.mark.parametrize("holder", ["site", "mallory"])
@pytest.mark.parametrize("step", ["created", "replaced", "lost", "revoked"])
def test_a_key_entry_that_its_own_key_signs_makes_nothing_believed(pack: Path, holder: str, step: str) -> None:
    """It adopts everything before it, what was changed there, too."""
    ledger = ledger_of(pack)
    head = ledger.head()
    told = {"holder": holder, "adopts": {"sequence": head.sequence, "sha256": head.digest}}
    ledger.append("key", key_body(THIEF.public_key, step, **told))
    seal(pack)
    code, lines = check(pack)
    assert code == 1
    words = "vouched for by no key" if holder == "site" and step in ("created", "replaced") else "that no entry makes"
    assert any("-key.json: " in line and words in line for line in lines), lines


def test_people_whom_nobody_believed_tells_of_are_none(pack: Path) -> None:
    person = {"name": "mallory", "duty": "engineer", "organisation": "provider", "keys": [THIEF.public_key.line]}
    ledger_of(pack).append("trust", trust_body({**person, "valid_from": None, "valid_to": None}))
    seal(pack)
    code, lines = check(pack)
    assert code == 1
    assert any("-trust.json: signed with" in line for line in lines), lines


def test_nobody_vouches_for_entries_that_do_not_come_before(pack: Path) -> None:
    """Entries are re-chained without a key; a key entry of another key adopts them all, and more than there are."""
    entry = min((pack / "ledger" / "000").glob("*-waiver.json"))
    entry.write_text(entry.read_text().replace("合并", "取消"))
    _chain(pack)
    ledger = ledger_of(pack)
    told: dict[str, Any] = {"adopts": {"sequence": 9999, "sha256": "0" * 64}, "holder": "mallory"}
    ledger.append("key", key_body(THIEF.public_key, **told))
    seal(pack)
    code, lines = check(pack)
    assert code == 1
    assert any(line.startswith(f"{entry.relative_to(pack)}: the signature") for line in lines)


def _chain(pack: Path) -> None:
    last = ""
    for path in sorted((pack / "ledger" / "000").glob("*.json")):
        lines = path.read_text().splitlines(keepends=True)
        lines = [f' "previous": "{last}",\n' if last and one.startswith(' "previous"') else one for one in lines]
        path.write_text("".join(lines))
        last = digest(path.read_bytes())


def test_a_history_of_the_thiefs_own_shows_another_first_key(pack: Path, exported: Exported) -> None:
    shutil.rmtree(pack / "ledger")
    (pack / "ledger").mkdir()
    ledger_of(pack).append("key", key_body(THIEF.public_key))
    # The thief may even tell of the real key, which anybody knows, as the one that follows.
    real = parse_public_key(" ".join((pack / "keys" / "allowed_signers").read_text().split()[-2:]))
    ledger_of(pack).append("key", key_body(real, "replaced"))
    seal(pack)
    code, lines = check(pack, exported.fingerprint)
    assert code == 1
    assert f"the first key of the site, on which all rests: {THIEF.fingerprint()}" in lines
    assert any(f"begins with the key {THIEF.fingerprint()}, and no key that you gave" in line for line in lines)


def test_a_key_entry_vouches_only_for_what_comes_before_it(pack: Path) -> None:
    """Even where the auditor was told the key: it cannot adopt what is appended later."""
    ledger = ledger_of(pack)
    told: dict[str, Any] = {"adopts": {"sequence": 9999, "sha256": "0" * 64}}
    ledger.append("key", key_body(THIEF.public_key, **told))
    Ledger(ledger.folder, "own", None).append("record", {"schema_version": 1, "text": "unsigned"})
    seal(pack)
    code, lines = check(pack, THIEF.fingerprint())
    assert code == 1
    assert any("vouches for entry 9999, which does not come before it" in line for line in lines), lines
    assert any(line.endswith("-record.json: not signed") for line in lines), lines
