from __future__ import annotations

import json
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import MachineError
from runner.evidence.canonical import canonical, digest
from runner.evidence.ledger import GENESIS, Ledger
from tests.signing import QuickSigner, signed_ledger
from tests.verification import verify


def make(folder: Path, entries: int = 3) -> Ledger:
    """A signed ledger: its key's entry, then notes."""
    return signed_ledger(folder, entries - 1)


def append_ten(folder: Path) -> None:
    for number in range(10):
        Ledger(folder, "test", QuickSigner()).append("note", {"number": number})


def test_entries_are_numbered_and_chained(tmp_path: Path) -> None:
    ledger = make(tmp_path)
    entries = list(ledger.entries())
    assert [entry.path.name for entry in entries] == ["000001-key.json", "000002-note.json", "000003-note.json"]
    assert [entry.content["previous"] for entry in entries] == [GENESIS, entries[0].digest, entries[1].digest]
    assert ledger.head().digest == entries[2].digest
    assert list(verify(ledger, tmp_path / "runs")) == []


def test_the_chain_can_be_checked_with_sha256sum_alone(tmp_path: Path) -> None:
    entries = list(make(tmp_path).entries())
    printed = subprocess.run(["sha256sum", entries[0].path], capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == json.loads(entries[1].path.read_text())["previous"]


def test_a_thousand_entries_fill_a_folder_and_the_next_begins_another(tmp_path: Path) -> None:
    ledger = make(tmp_path, 1)
    first = next(ledger.entries())
    content = {**first.content, "sequence": 999}
    first.path.unlink()
    (tmp_path / "000" / "000999-key.json").write_bytes(canonical(content))
    assert ledger.append("note", {}).path == tmp_path / "001" / "001000-note.json"
    assert [entry.sequence for entry in ledger.entries()] == [999, 1000]


def test_two_writers_never_share_a_number(tmp_path: Path) -> None:
    make(tmp_path, 1)
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(append_ten, [tmp_path] * 4))
    assert [entry.sequence for entry in Ledger(tmp_path, "test").entries()] == list(range(1, 42))
    assert list(verify(Ledger(tmp_path, "test"), tmp_path / "runs")) == []


def test_a_folder_that_takes_no_entry_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "000").write_text("in the way")
    with pytest.raises(MachineError, match="cannot append to the ledger"):
        Ledger(tmp_path, "test").append("note", {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found_and_located(tmp_path: Path, data: st.DataObject) -> None:
    ledger = Ledger(tmp_path, "test") if (tmp_path / "000").exists() else make(tmp_path, 4)
    entries = list(ledger.entries())
    victim = data.draw(st.sampled_from(entries[:-1]))
    place = data.draw(st.integers(0, len(victim.raw) - 1))
    changed = bytearray(victim.raw)
    changed[place] ^= data.draw(st.integers(1, 255))
    victim.path.write_bytes(changed)
    try:
        files = [finding.file for finding in verify(ledger, tmp_path / "runs")]
    finally:
        victim.path.write_bytes(victim.raw)
    following = entries[victim.sequence].path
    assert str(following.relative_to(tmp_path)) in files or str(victim.path.relative_to(tmp_path)) in files


def test_removed_swapped_and_renumbered_entries_are_found(tmp_path: Path) -> None:
    ledger = make(tmp_path, 4)
    paths = [entry.path for entry in ledger.entries()]
    second = paths[1].read_bytes()
    paths[1].unlink()
    assert [(one.file, one.entry) for one in verify(ledger, tmp_path / "runs")] == [
        *[("000/000003-note.json", 3)] * 2,
        ("000/000002-note.json.sig", 2),
    ]
    paths[1].write_bytes(paths[2].read_bytes())
    paths[2].write_bytes(second)
    assert {one.file for one in verify(ledger, tmp_path / "runs")} >= {"000/000002-note.json", "000/000003-note.json"}


def test_canonical_json_is_sorted_utf8_with_a_final_newline() -> None:
    assert canonical({"b": 1, "a": "维保"}) == '{\n "a": "维保",\n "b": 1\n}\n'.encode()
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
