"""Whatever happens while an entry is appended, there is no half entry and none is lost; what went wrong is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import MachineError
from runner.evidence.ledger import Ledger
from runner.evidence.signing import site_signer
from tests.required import needs
from tests.signing import key_body
from tests.verification import verify

APPEND = """
import os, subprocess, sys
from pathlib import Path
from runner.evidence import ledger, signing
from tests.dying import die_at

step = int(sys.argv[2])
signer = signing.site_signer(Path(sys.argv[1]) / "keys")
book = ledger.Ledger(Path(sys.argv[1]) / "ledger", "test", signer)
die_at(step, (ledger, "create_new"), (ledger, "sync_folder"), (subprocess, "run"), (Path, "unlink"),
       *((os, name) for name in ("link", "fsync", "close", "open")))
book.append(sys.argv[3], {"step": step})
"""


def begun(folder: Path) -> Ledger:
    """A ledger signed by ssh-keygen, with the entry that tells its key."""
    (folder / "ledger").mkdir(parents=True)
    signer = site_signer(folder / "keys")
    book = Ledger(folder / "ledger", "test", signer)
    book.append("key", key_body(signer.public_key))
    return book


def append(folder: Path, step: int, kind: str = "note", **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", APPEND, str(folder), str(step), kind]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **variables})


def steps_of(book: Ledger) -> list[int]:
    return [entry.body["step"] for entry in book.entries() if entry.kind != "key"]


def test_a_writer_killed_at_any_step_leaves_the_whole_entry_or_none(tmp_path: Path) -> None:
    book = begun(tmp_path)
    whole: list[int] = []
    for step in range(1, 60):
        result = append(tmp_path, step, "note" if step % 2 else "other")
        assert list(verify(book, tmp_path / "runs")) == []
        added = steps_of(book)[len(whole) :]
        assert added in ([], [step]), "one entry, or none"
        whole += added
        if result.returncode == 0:
            break
        assert result.returncode == -9
    assert 10 < step < 59
    assert whole[-1] == step
    book.append("note", {"step": 0})
    assert list(verify(book, tmp_path / "runs")) == []
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(list(book.folder.rglob("*.sig"))) == len(list(book.folder.rglob("*.json")))


needs_mounts = needs(os.geteuid() == 0 and shutil.which("unshare"), "mounting takes root and unshare")


def mounted(folder: Path, options: str, then: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command with a small file system over a folder that nobody else sees."""
    command = f"mount -t tmpfs -o {options} none {folder} && {then}"
    return subprocess.run(["unshare", "-m", "sh", "-c", command], check=False, capture_output=True, text=True)


FULL = """
import sys
from pathlib import Path
from runner.errors import MachineError
from runner.evidence.ledger import Ledger
from tests.verification import verify
from tests.unit.runner.evidence.test_append_faults import begun

folder = Path(sys.argv[1])
book = begun(folder)
try:
    while True:
        book.append("note", {"filled": "x" * 3000})
except MachineError as error:
    print(error)
entries = list(book.entries())
assert list(verify(book, folder / "runs")) == [], list(verify(book, folder / "runs"))
assert not list(folder.rglob("*.tmp"))
assert len(entries) > 10
newest = entries[-1].path
signature = newest.with_name(newest.name + ".sig")
kept = newest.read_bytes(), signature.read_bytes()
for path in (newest, signature):
    path.unlink()
assert book.append("note", {"after": "there is room again"}).sequence == len(entries)
"""


@needs_mounts
def test_a_full_disk_is_told_and_leaves_no_half_entry(tmp_path: Path) -> None:
    script = tmp_path / "fill.py"
    script.write_text(FULL)
    folder = tmp_path / "small"
    folder.mkdir()
    result = mounted(folder, "size=256k", f"PYTHONPATH={Path.cwd()} {sys.executable} {script} {folder}/site")
    if "mount:" in result.stderr:
        pytest.skip("nothing can be mounted here")
    assert result.returncode == 0, result.stderr
    assert "cannot append to the ledger: No space left on device" in result.stdout


@needs_mounts
def test_a_read_only_disk_takes_nothing_says_so_and_can_be_verified(tmp_path: Path) -> None:
    book = begun(tmp_path)
    check = (
        "from pathlib import Path; from runner.evidence.ledger import Ledger;"
        "from tests.verification import verify;"
        f"print(list(verify(Ledger(Path('{book.folder}'), 'test'), Path('{tmp_path}/runs'))))"
    )
    append_there = f'{sys.executable} -c "$APPEND" {tmp_path} 0 note 2>&1'
    command = (
        f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} || exit 77;"
        f'{sys.executable} -c "{check}"; {append_there}'
    )
    environment = {**os.environ, "APPEND": APPEND, "PYTHONPATH": str(Path.cwd())}
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], check=False, capture_output=True, text=True, env=environment
    )
    if result.returncode == 77:
        pytest.skip("nothing can be mounted here")
    assert result.stdout.splitlines()[0] == "[]"
    assert f"{book.folder}: cannot append to the ledger: Read-only file system" in result.stdout
    assert steps_of(book) == []


def test_a_folder_that_takes_no_entry_is_a_clear_error_and_leaves_no_signature(tmp_path: Path) -> None:
    book = begun(tmp_path)
    (book.folder / "000").rename(tmp_path / "aside")
    (book.folder / "000").write_text("in the way")
    with pytest.raises(MachineError, match="cannot append to the ledger"):
        book.append("note", {})
    (book.folder / "000").unlink()
    (tmp_path / "aside").rename(book.folder / "000")
    assert list(verify(book, tmp_path / "runs")) == []


def test_a_key_that_is_gone_or_cannot_sign_leaves_no_entry(tmp_path: Path) -> None:
    book = begun(tmp_path)
    (tmp_path / "keys" / "site").rename(tmp_path / "away")
    with pytest.raises(MachineError, match="the key that signs the ledger cannot be read"):
        book.append("note", {})
    (tmp_path / "keys" / "site").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "keys" / "site").chmod(0o600)
    with pytest.raises(MachineError, match="ssh-keygen fails"):
        book.append("note", {})
    assert [entry.kind for entry in book.entries()] == ["key"]
    assert sorted(path.name for path in (book.folder / "000").iterdir()) == ["000001-key.json", "000001-key.json.sig"]


def test_a_clock_that_was_set_back_loses_nothing_and_is_told(tmp_path: Path) -> None:
    from tests.clock import library  # noqa: PLC0415 - this test alone

    if library() is None:
        pytest.skip("libfaketime is not installed")
    book = begun(tmp_path)
    set_back = append(tmp_path, 0, LD_PRELOAD=str(library()), FAKETIME="-3d")
    assert set_back.returncode == 0
    assert "before entry 1 of" in set_back.stderr
    assert "set it right; ledger verify tells of it" in set_back.stderr
    afterwards = append(tmp_path, 0)
    assert (afterwards.returncode, afterwards.stderr) == (0, "")
    ((entry, problem),) = [(one.entry, one.problem) for one in verify(book, tmp_path / "runs")]
    assert entry == 2
    assert problem.startswith(("its time lies 3 days, 0:00:0", "its time lies 2 days, 23:59:"))
    assert problem.endswith("before that of entry 1: the clock was set back, or it is dated back")
    assert len(list(book.entries())) == 3
