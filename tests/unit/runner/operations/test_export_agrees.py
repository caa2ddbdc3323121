"""Whom `weibao ledger verify` believes, verify.sh of a pack believes, and nobody else: forgeries held against both."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from runner.evidence.canonical import canonical, parse_timestamp, timestamp
from runner.evidence.finding import Finding
from runner.evidence.ledger import Entry, Ledger
from runner.evidence.sshsig import CHECKPOINT
from runner.evidence.verify import Folders, Verification
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.export import export
from runner.operations.pack import SUMS, Pack
from runner.site import PROJECT, Site
from tests.packs import check, fill
from tests.signing import QuickSigner, key_body, trust_body
from tests.unit.runner.operations.contracted import PEOPLE, contracted

SITE, NEXT, THIEF = QuickSigner(b"site"), QuickSigner(b"next"), QuickSigner(b"thief")
DIRECTOR, ENGINEER, NEW = QuickSigner(b"director"), QuickSigner(b"engineer"), QuickSigner(b"new")
KEPT = PEOPLE.replace("{name: 张三, ", f'{{name: 张三, keys: ["{ENGINEER.public_key.line}"], ').replace(
    "{name: 赵六, ", f'{{name: 赵六, keys: ["{DIRECTOR.public_key.line}"], '
)
DATES = ("allowed_signers", "allowed_signers_utc", "allowed_signers_undated")
LONG_AGO = "2020-01-01T00:00:00.000000Z"
RECORD = {"schema_version": 1, "text": "forged"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[CheckedSite, Path]:
    """A site with keys that this test holds, and its pack."""
    folder = tmp_path_factory.mktemp("agrees")
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    site.keys_folder.mkdir(mode=0o700, exist_ok=True)
    key = site.keys_folder / "site"
    key.touch(0o600)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    key.write_bytes(SITE.private.private_bytes(*form))
    contracted(site)
    site.people_file.write_text(KEPT, encoding="utf-8")
    checked = check_site(site)
    fill(checked, folder)
    export(checked, folder / "pack")
    return checked, folder / "pack"


class Forgery:
    """A copy of a pack, whose ledger anybody appends to."""

    def __init__(self, pack: Path, site: Site) -> None:
        self.pack, self.site = pack, site
        self.ledger = Ledger(pack / "ledger", "own")
        self.start = self.ledger.head().sequence

    def add(self, signer: QuickSigner | None, kind: str, body: dict[str, Any], time: str | None = None) -> Entry:
        """Append an entry of any time."""
        head = self.ledger.head()
        content = {
            "schema_version": 1,
            "sequence": head.sequence + 1,
            "kind": kind,
            "time": time or timestamp(),
            "site": "own",
            "previous": head.digest,
            "signer": signer.fingerprint() if signer else None,
            "body": body,
        }
        raw = canonical(content)
        path = self.ledger.folder / "000" / f"{head.sequence + 1:06d}-{kind}.json"
        path.write_bytes(raw)
        if signer:
            path.with_name(f"{path.name}.sig").write_bytes(signer.sign(raw))
        return Entry(path, head.sequence + 1, kind, raw)

    def key(self, signer: QuickSigner, of: QuickSigner, step: str = "created", **told: Any) -> Entry:
        return self.add(signer, "key", key_body(of.public_key, step, **told))

    def adopts(self) -> dict[str, Any]:
        head = self.ledger.head()
        return {"sequence": head.sequence, "sha256": head.digest}

    def seal(self, signer: QuickSigner = SITE) -> None:
        """List and sign everything anew, and let keys/ say that every key is the site's, always."""
        (self.pack / "ledger" / ".lock").unlink(missing_ok=True)
        everybody = (NEXT, THIEF, NEW)
        for name in DATES:
            lines = [f'"site" namespaces="weibao-entry,weibao-checkpoint" {one.public_key.line}\n' for one in everybody]
            with (self.pack / "keys" / name).open("a") as file:
                file.writelines(lines)
        with (self.pack / "keys" / "fingerprints").open("a") as file:
            file.writelines(f"{one.fingerprint()} site\n" for one in everybody)
        for name in (SUMS, f"{SUMS}.sig"):
            (self.pack / name).unlink()
        anew = Pack(self.pack)
        for path in sorted(one for one in self.pack.rglob("*") if one.is_file()):
            data = path.read_bytes()
            path.unlink()
            anew.write(str(path.relative_to(self.pack)), data)
        sums = anew.sums()
        anew.seal(sums, signer.sign_as(CHECKPOINT, sums))

    def verified(self) -> list[Finding]:
        """What `weibao ledger verify` tells."""
        folders = Folders(self.site.runs_folder, self.site.attachments_folder, self.site.documents_folder)
        return list(Verification(self.ledger, folders, processes=1).findings())

    def found_by_program(self) -> set[int]:
        """The entries of which it tells; what runs are made of for these tests is none of its."""
        return {one.entry - self.start for one in self.verified() if one.entry and one.entry > self.start}

    def found_by_script(self, *arguments: str) -> set[int]:
        """The entries of which verify.sh tells; -1 stands for the pack's own signature."""
        code, lines = check(self.pack, *arguments)
        count = int(lines[-1].split()[0]) if code else 0
        names = [re.match(r"(?:ledger/\d{3}/(\d{6})-|(SHA256SUMS|ledger): )", line) for line in lines[:count]]
        return {(-1 if one[2] else int(one[1]) - self.start) if one else 0 for one in names}


@pytest.fixture
def forgery(exported: tuple[CheckedSite, Path], tmp_path: Path) -> Forgery:
    return Forgery(Path(shutil.copytree(exported[1], tmp_path / "pack")), exported[0].site)


# -- with only a purchaser's key --------------------------------------------------------------------------


def brings_the_sites_key(one: Forgery) -> None:
    one.key(DIRECTOR, NEXT, "replaced", replaces=SITE.fingerprint())
    one.add(NEXT, "record", RECORD)


def vouches(one: Forgery) -> None:
    one.add(None, "record", RECORD)
    one.key(DIRECTOR, DIRECTOR, holder="赵六", adopts=one.adopts())


def tells_people(one: Forgery) -> None:
    person = {"name": "乙", "duty": "engineer", "organisation": "provider", "keys": [NEW.public_key.line]}
    one.add(DIRECTOR, "trust", trust_body({**person, "valid_from": None, "valid_to": None}))
    one.add(NEW, "record", RECORD)


def ends_others(one: Forgery) -> None:
    one.key(DIRECTOR, ENGINEER, "revoked", holder="张三", since=LONG_AGO)
    one.key(DIRECTOR, SITE, "lost", since=LONG_AGO)
    one.key(DIRECTOR, SITE, "lost", since=LONG_AGO, holder="赵六")
    one.add(ENGINEER, "record", RECORD)
    one.add(SITE, "record", RECORD)


def names_others(one: Forgery) -> None:
    one.key(DIRECTOR, NEW, holder="张三")
    one.key(DIRECTOR, NEW, holder="site")
    one.add(NEW, "record", RECORD)


def tells_of_their_own(one: Forgery) -> None:
    one.add(DIRECTOR, "record", RECORD)
    one.key(DIRECTOR, NEW, holder="赵六")
    one.key(DIRECTOR, DIRECTOR, "lost", holder="赵六")
    one.add(DIRECTOR, "record", RECORD)
    one.add(NEW, "record", RECORD)


# -- without any of the site's keys -----------------------------------------------------------------------


def brings_their_own(one: Forgery) -> None:
    one.key(THIEF, THIEF, holder="mallory", adopts=one.adopts())
    one.add(THIEF, "record", RECORD)
    one.key(THIEF, THIEF, "lost", adopts=one.adopts())


def brings_and_vouches(one: Forgery) -> None:
    """What the key that brings itself signs is judged by it, so that it is told once; it vouches for nothing."""
    one.add(None, "record", RECORD)
    one.key(THIEF, THIEF, adopts=one.adopts())
    one.key(THIEF, NEXT, "replaced", adopts=one.adopts())
    one.key(NEXT, NEXT, "replaced", adopts=one.adopts())
    one.add(THIEF, "record", RECORD, LONG_AGO)


def vouches_for_what_is_to_come(one: Forgery) -> None:
    one.key(ENGINEER, NEXT, "replaced", adopts={"sequence": one.start + 2, "sha256": "0" * 64})
    one.add(None, "record", RECORD)


def takes_the_root_back(one: Forgery) -> None:
    one.key(THIEF, THIEF)
    one.key(THIEF, SITE, "revoked", since=one_day(one, 400), adopts=one.adopts())


# -- with a key of the site that was given up -------------------------------------------------------------


def one_day(one: Forgery, after: int = 0) -> str:
    """The moment of the newest entry, or days after it."""
    newest: datetime = parse_timestamp(str(next(one.ledger.newest_first()).content["time"]))
    return timestamp(newest + timedelta(days=after))


def gives_up(one: Forgery, by: QuickSigner = ENGINEER, **told: Any) -> None:
    one.key(by, NEXT, "created", replaces=SITE.fingerprint())
    one.key(NEXT, SITE, "revoked", **told)


def signs_after_the_loss(one: Forgery) -> None:
    gives_up(one)
    one.add(SITE, "record", RECORD)
    one.key(SITE, THIEF, "replaced", adopts=one.adopts())
    one.key(SITE, SITE, adopts=one.adopts())
    one.key(SITE, SITE, holder="mallory", adopts=one.adopts())
    one.key(SITE, NEXT, "lost", since=LONG_AGO)


def dates_to_the_very_moment_of_the_loss(one: Forgery) -> None:
    gives_up(one)
    one.add(SITE, "record", RECORD, one_day(one))


def dates_back_before_the_loss(one: Forgery) -> None:
    gives_up(one, since=one_day(one))
    one.add(SITE, "record", RECORD, one_day(one, -1))


def signs_with_a_key_that_was_replaced(one: Forgery) -> None:
    one.key(SITE, NEXT, "replaced", replaces=SITE.fingerprint())
    one.add(SITE, "record", RECORD, one_day(one))
    one.key(SITE, SITE, "replaced")


def signed_before_the_loss_was_told(one: Forgery) -> None:
    since = timestamp()
    one.add(SITE, "record", RECORD)
    one.key(SITE, THIEF, "replaced")
    one.add(THIEF, "record", RECORD)
    gives_up(one, since=since)
    one.add(NEXT, "record", RECORD)


def hides_a_loss(one: Forgery, spoil: Callable[[Path], object]) -> None:
    """Somebody vouches for all before; what is not signed well is not taken for a loss."""
    lost = one.key(SITE, ENGINEER, "lost", holder="张三")
    one.key(SITE, SITE, "created", holder="李四", adopts=one.adopts())
    spoil(lost.path.with_name(f"{lost.path.name}.sig"))
    one.add(ENGINEER, "record", RECORD)


def takes_a_signature_away(one: Forgery) -> None:
    hides_a_loss(one, Path.unlink)


def spoils_a_signature(one: Forgery) -> None:
    hides_a_loss(one, lambda path: path.write_bytes(THIEF.sign(b"another")))


def signs_instead(one: Forgery) -> None:
    hides_a_loss(one, lambda path: path.write_bytes(THIEF.sign(path.with_suffix("").read_bytes())))


def names_the_loss_otherwise(one: Forgery) -> None:
    gives_up(one)
    for number in (1, 2):
        path = one.ledger.folder / "000" / f"{one.start + number:06d}-key.json"
        for suffix in ("", ".sig"):
            other = path.with_name(path.name.replace("key", "note"))
            Path(f"{path}{suffix}").rename(f"{other}{suffix}")
    one.add(SITE, "record", RECORD)


def knows_another_step(one: Forgery) -> None:
    one.key(SITE, NEXT, "retired")


def is_honest(one: Forgery) -> None:
    one.add(DIRECTOR, "waiver", {"consent_by": "赵六", "at": "2026-07-01T10:00:00+08:00"})
    one.add(ENGINEER, "record", RECORD)
    one.add(None, "record", RECORD)
    one.key(ENGINEER, ENGINEER, holder="张三", adopts=one.adopts())
    gives_up(one, by=SITE)
    one.add(NEXT, "record", RECORD)


#: What is done, and of which entries both must tell, counted from the pack's newest; -1 is the pack's own signature.
FORGERIES: list[tuple[Callable[[Forgery], None], QuickSigner, set[int]]] = [
    (brings_the_sites_key, NEXT, {-1, 1, 2}),
    (vouches, SITE, {1, 2}),
    (tells_people, SITE, {1, 2}),
    (ends_others, SITE, {1, 2, 3}),
    (names_others, NEW, {-1, 1, 2, 3}),
    (tells_of_their_own, SITE, {4, 5}),
    (brings_their_own, THIEF, {-1, 1, 2, 3}),
    (brings_and_vouches, NEXT, {1, 2, 5}),
    (vouches_for_what_is_to_come, NEXT, {1, 2}),
    (signs_after_the_loss, SITE, {-1, 3, 4, 5, 6, 7}),
    (dates_to_the_very_moment_of_the_loss, SITE, {-1, 3}),
    (dates_back_before_the_loss, SITE, {-1, 3}),
    (signs_with_a_key_that_was_replaced, NEXT, {-1, 2, 3}),
    (signed_before_the_loss_was_told, NEXT, {1, 2, 3}),
    (takes_a_signature_away, SITE, {1}),
    (spoils_a_signature, SITE, {1}),
    (signs_instead, SITE, {1}),
    (names_the_loss_otherwise, SITE, {1, 2}),
    (knows_another_step, SITE, {1}),
    (is_honest, NEXT, set()),
]


@pytest.mark.parametrize(("forge", "seals", "found"), FORGERIES, ids=[one[0].__name__ for one in FORGERIES])
def test_the_script_finds_what_the_program_finds(
    forgery: Forgery, forge: Callable[[Forgery], None], seals: QuickSigner, found: set[int]
) -> None:
    forge(forgery)
    assert forgery.found_by_program() == found - {-1}
    forgery.seal(seals)
    assert forgery.found_by_script() == found


def test_who_takes_the_root_back_is_no_root(forgery: Forgery) -> None:
    takes_the_root_back(forgery)
    forgery.seal(THIEF)
    assert forgery.found_by_program() >= {1}
    assert forgery.found_by_script() >= {1}


@pytest.mark.parametrize("name", ["-/000000", "999/000000", "000/000000", "000/x00001"])
def test_a_key_entry_outside_of_the_chain_is_none(forgery: Forgery, name: str) -> None:
    """One that sorts before all others would be the root."""
    entry = forgery.add(THIEF, "key", key_body(THIEF.public_key))
    target = forgery.ledger.folder / f"{name}-key.json"
    target.parent.mkdir(exist_ok=True)
    for suffix in ("", ".sig"):
        Path(f"{entry.path}{suffix}").rename(f"{target}{suffix}")
    forgery.seal(THIEF)
    assert any(f"{name}-key.json" in one.file for one in forgery.verified())
    _, lines = check(forgery.pack)
    assert f"ledger/{name}-key.json: lies where no entry of its name belongs" in lines
    assert f"the first key of the site, on which all rests: {SITE.fingerprint()}" in lines
    assert any(line.startswith(f"SHA256SUMS: is signed with {THIEF.fingerprint()}") for line in lines)
    assert any("files of entries, but only" in line or "where entry" in line for line in lines)


def test_how_much_the_purchasers_people_signed_is_told(forgery: Forgery) -> None:
    forgery.add(DIRECTOR, "record", RECORD)
    forgery.seal()
    code, lines = check(forgery.pack)
    assert (code, lines[-1]) == (0, "verified")
    assert "signed with keys of the purchaser's people: 1" in lines
