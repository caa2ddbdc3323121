"""Checkpoints and archives on disks that are full, know no links, or do not let go of what was moved."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from runner.errors import MachineError, VerificationError
from runner.evidence.checkpoint import read_checkpoint
from runner.evidence.run_files import RunFiles
from runner.operations import archive, checkpoint
from runner.operations.archive import STAY
from runner.operations.book import open_book
from runner.operations.checkpoint import write_checkpoint
from runner.site import Site
from tests.unit.runner.operations.test_verify_ledger import left, moved, verified, with_runs


@pytest.mark.parametrize("full", ["head.json", "head.json.sig"])
def test_a_checkpoint_that_the_disk_does_not_take_can_be_written_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    real = checkpoint.write_new

    def write(path: Path, data: bytes) -> None:
        real(path, data[:10] if path.name == full else data)
        if path.name == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "write_new", write)
    with pytest.raises(MachineError, match="cannot be written: No space left on device"):
        write_checkpoint(site, tmp_path / "head.json")
    assert not list(tmp_path.glob("head.json*"))
    monkeypatch.undo()
    handed = write_checkpoint(site, tmp_path / "head.json")
    assert read_checkpoint(handed.file).checkpoint == handed.checkpoint


def test_the_folder_of_a_checkpoint_is_on_the_disk_when_the_ledger_says_so(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, list[str]]] = []
    real = checkpoint.sync_folder

    def sync(folder: Path) -> None:
        real(folder)
        synced.append((folder, sorted(path.name for path in folder.glob("head*"))))

    monkeypatch.setattr(checkpoint, "sync_folder", sync)
    write_checkpoint(site, tmp_path / "head.json")
    assert synced == [(tmp_path, ["head.json", "head.json.sig"])]


def test_what_another_program_put_in_the_place_of_a_checkpoint_stays(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = checkpoint.write_new

    def write(path: Path, data: bytes) -> None:
        (tmp_path / "head.json").write_bytes(b"theirs")
        real(path, data)

    monkeypatch.setattr(checkpoint, "write_new", write)
    with pytest.raises(MachineError, match="File exists"):
        write_checkpoint(site, tmp_path / "head.json")
    assert [path.read_bytes() for path in tmp_path.glob("head*")] == [b"theirs"]


@pytest.fixture
def linkless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk that runs move to knows no links, as FAT does."""
    real = os.link

    def link(source: Path, target: Path) -> None:
        if target.suffix == ".tar":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(target))
        real(source, target)

    monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("linkless")
def test_runs_move_to_a_disk_without_links(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(site, STAY + 2)
    assert moved(site, tmp_path / "old.tar").moved == ("r00", "r01")
    assert verified(site).findings == []
    assert [path.name for path in tmp_path.glob("*old.tar*")] == ["old.tar"]
    with_more = with_runs(site, 0)
    (tmp_path / "taken.tar").write_bytes(b"theirs")
    monkeypatch.setattr(archive, "_check_place", lambda *_: None)
    monkeypatch.setattr(archive, "STAY", STAY - 1)
    with pytest.raises(MachineError, match="cannot be moved: File exists"):
        moved(with_more, tmp_path / "taken.tar")
    assert (tmp_path / "taken.tar").read_bytes() == b"theirs"


def test_an_old_copy_that_cannot_be_removed_is_told_as_such(site: Site, tmp_path: Path) -> None:
    with_runs(site, STAY + 1)
    run = site.runs_folder / "r00"
    run.rename(tmp_path / "r00")
    run.symlink_to(tmp_path / "r00")
    kept = sorted(path.name for path in (tmp_path / "r00").iterdir())
    words = r"runs were moved to .*disk, as entry \d+ says; .*the old copy of run r00 cannot be removed: is a link"
    with pytest.raises(MachineError, match=words):
        moved(site, tmp_path / "disk")
    assert sorted(path.name for path in (tmp_path / "r00").iterdir()) == kept
    assert open_book(site).entry(open_book(site).head().sequence, "archive")
    assert verified(site).findings == []
    run.unlink()
    (tmp_path / "r00").rename(run)
    assert moved(site, tmp_path / "disk").removed == 1
    assert len(left(site)) == STAY


@pytest.mark.parametrize("name", ["..", ".", "", "../other", "a/b", "a\0b"])
def test_nothing_but_a_run_is_ever_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "other").mkdir()
    with pytest.raises(VerificationError, match="nothing is removed there"):
        archive._remove(RunFiles(tmp_path / "runs", name))
    assert (tmp_path / "runs").is_dir()
    assert (tmp_path / "other").is_dir()


def test_an_entry_of_a_run_that_leads_elsewhere_moves_nothing(site: Site, tmp_path: Path) -> None:
    with_runs(site, STAY + 1)
    open_book(site).append("run", {"run": "../keys", "manifest_sha256": "0" * 64, "procedure": "x"})
    assert moved(site, tmp_path / "disk").moved == ("r00",)
    assert site.keys_folder.is_dir()
