"""Whatever is changed in the evidence without the key is found, and told with the entry or the file that it is in."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.evidence.canonical import canonical, digest
from runner.evidence.finding import Finding
from runner.evidence.ledger import Ledger
from tests.signing import QuickSigner, key_body
from tests.unit.runner.evidence.whole import Evidence, thief

NUMBER = re.compile(r"(\d{6})-")


def some_file(evidence: Evidence, chance: random.Random) -> Path:
    return chance.choice(evidence.files())


def flip(evidence: Evidence, chance: random.Random) -> None:
    """One byte of any file becomes another."""
    path = some_file(evidence, chance)
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    path.write_bytes(content)


def cut(evidence: Evidence, chance: random.Random) -> None:
    """A file ends early, or is gone; an entry may go with its signature, unless it is the newest."""
    path = some_file(evidence, chance)
    content = path.read_bytes()
    newest = evidence.entries()[-1]
    if path.is_relative_to(evidence.ledger.folder) and chance.random() < 0.3:
        entry = chance.choice(evidence.entries()[:-1])
        entry.unlink()
        entry.with_name(f"{entry.name}.sig").unlink()
    elif chance.random() < 0.3 and path != newest:
        path.unlink()
    else:
        path.write_bytes(content[: chance.randrange(len(content))])


def insert(evidence: Evidence, chance: random.Random) -> None:
    """Bytes come into a file, or an entry and its signature, or a file, into the folders."""
    path = some_file(evidence, chance)
    how = chance.random()
    if how < 0.6:
        content = path.read_bytes()
        place = chance.randrange(len(content) + 1)
        path.write_bytes(content[:place] + chance.randbytes(chance.randrange(1, 9)) + content[place:])
        return
    entry = chance.choice(evidence.entries())
    number = chance.randrange(1, len(evidence.entries()) + 3)
    twin = entry.with_name(f"{number:06d}-{chance.choice(('note', 'run', 'key', 'waiver'))}.json")
    if twin.exists():
        twin = twin.with_name(twin.name.replace(".json", "-x.json"))
    shutil.copy(entry, twin)
    if how < 0.9:
        shutil.copy(f"{entry}.sig", f"{twin}.sig")


def reorder(evidence: Evidence, chance: random.Random) -> None:
    """Two entries change places, with their signatures; their numbers inside may follow."""
    one, other = chance.sample(evidence.entries(), 2)
    for suffix in ("", ".sig"):
        first, second = Path(f"{one}{suffix}"), Path(f"{other}{suffix}")
        first_content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(first_content)
    if chance.random() < 0.5:
        for path in (one, other):
            content = json.loads(path.read_bytes())
            content["sequence"] = int(path.name[:6])
            path.write_bytes(canonical(content))


def swap(evidence: Evidence, chance: random.Random) -> None:
    """Two files of one kind change places."""
    kind = chance.choice((".json", ".sig", ".gz", ""))
    one, other = chance.sample([path for path in evidence.files() if path.suffix == kind], 2)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def replace_signature(evidence: Evidence, chance: random.Random) -> None:
    """A signature is of another entry, of another key, or was made for something else."""
    entry = chance.choice(evidence.entries())
    signature = entry.with_name(f"{entry.name}.sig")
    other = chance.choice([path for path in evidence.entries() if path != entry])
    made: Callable[[], bytes] = chance.choice(
        (
            lambda: Path(f"{other}.sig").read_bytes(),
            lambda: thief().sign(entry.read_bytes()),
            lambda: QuickSigner().sign_as(chance.choice(("weibao-approval", "file")), entry.read_bytes()),
            lambda: QuickSigner().sign(other.read_bytes()),
        )
    )
    signature.write_bytes(made())


def chain_anew(evidence: Evidence, chance: random.Random) -> None:
    """An entry says something else, and all after it follow; whoever does that has not the site's key."""
    entries = evidence.entries()
    start = chance.randrange(1, len(entries))
    signer = thief()
    how = chance.choice(("old signatures", "own key", "own key, site's name", "own key, vouched for", "no signatures"))
    previous = digest(entries[start - 1].read_bytes())
    for path in entries[start:]:
        content = json.loads(path.read_bytes())
        if path == entries[start]:
            content["body"]["forged"] = chance.randrange(1000)
        content["previous"] = previous
        if how in ("own key", "own key, vouched for"):
            content["signer"] = signer.fingerprint()
        elif how == "no signatures":
            content["signer"] = None
        raw = canonical(content)
        path.write_bytes(raw)
        previous = digest(raw)
        if how.startswith("own key"):
            Path(f"{path}.sig").write_bytes(signer.sign(raw))
        elif how == "no signatures":
            Path(f"{path}.sig").unlink()
    if how in ("own key, vouched for", "no signatures"):
        holder = chance.choice(("site", "mallory"))
        adopts = {"sequence": len(entries), "sha256": previous}
        evidence.ledger = Ledger(evidence.ledger.folder, "test", signer)
        evidence.ledger.append("key", key_body(signer.public_key, holder=holder, adopts=adopts))


MUTATIONS = (flip, cut, insert, reorder, swap, replace_signature, chain_anew)


def numbers(paths: list[Path]) -> set[int]:
    """The numbers of the entries that paths belong to."""
    return {int(found[1]) for path in paths if (found := NUMBER.match(path.name))}


def located(finding: Finding, evidence: Evidence, changed: list[Path]) -> bool:
    """Whether a finding names a changed file, or the entry that it is of, or the one that follows a removed one."""
    names = {str(path.relative_to(evidence.folder)) for path in changed}
    tails = {name.partition("/")[2] for name in names}
    at = numbers(changed)
    return finding.file in names | tails or finding.entry in at | {number + 1 for number in at}


def mutate(evidence: Evidence, seed: int) -> None:
    chance = random.Random(seed)
    mutation = MUTATIONS[seed % len(MUTATIONS)]
    try:
        while not (changed := evidence.changed()):
            mutation(evidence, chance)
        findings = evidence.findings()
        told = f"{mutation.__name__}, seed {seed}, changed {[path.name for path in changed]}: {findings}"
        assert findings, told
        assert located(findings[0], evidence, changed), told
        in_files = [path for path in changed if not path.is_relative_to(evidence.ledger.folder)]
        for path in in_files:
            name = str(path.relative_to(evidence.folder)).removeprefix("runs/")
            assert any(one.file in (name, name.partition("/")[0]) for one in findings), told
    finally:
        evidence.restore()


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path)


def test_what_nobody_changed_verifies(evidence: Evidence) -> None:
    assert evidence.findings() == []
    assert len(evidence.entries()) == 10


@pytest.mark.parametrize("mutation", range(len(MUTATIONS)), ids=[one.__name__ for one in MUTATIONS])
def test_each_of_some_mutations_is_found_and_located(evidence: Evidence, mutation: int) -> None:
    for seed in range(mutation, 45 * len(MUTATIONS), len(MUTATIONS)):
        mutate(evidence, seed)
    assert evidence.findings() == []


@pytest.mark.long
def test_each_of_ten_thousand_mutations_is_found_and_located(evidence: Evidence) -> None:
    for seed in range(1_000, 11_000):
        mutate(evidence, seed)
    assert evidence.findings() == []
