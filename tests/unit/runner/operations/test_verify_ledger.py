"""A site's ledger as the program keeps it: verified, held against checkpoints, its old runs moved elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.checkpoint import read_checkpoint
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import EVENTS
from runner.evidence.verify import Outside, verified_run
from runner.operations import archive
from runner.operations.archive import STAY, Archived, archive_runs
from runner.operations.book import open_book
from runner.operations.checkpoint import write_checkpoint
from runner.operations.verify_ledger import Verified, verify_ledger
from runner.site import Site
from tests.changing import HEAD, SUPERVISOR, Story, key_pair
from tests.unit.runner.evidence.sealed import list_run, seal_run

TOMORROW = datetime.now(UTC).date() + timedelta(days=2)


def watch(*_: object) -> None:
    pass


def verified(site: Site, outside: Outside | None = None) -> Verified:
    return verify_ledger(site, outside or Outside(), watch)


def with_runs(site: Site, count: int) -> Site:
    """A site with so many sealed runs."""
    book = open_book(site)
    for number in range(count):
        list_run(book, seal_run(site.runs_folder, f"r{number:02d}"))
    return site


def moved(site: Site, place: Path) -> Archived:
    return archive_runs(site, TOMORROW, place, watch)


def left(site: Site) -> list[str]:
    return sorted(path.name for path in site.runs_folder.iterdir() if path.name != ".open")


# -- verifying --------------------------------------------------------------------------------------------


def test_a_ledger_as_the_program_keeps_it_verifies_and_nothing_is_written(site: Site) -> None:
    with_runs(site, 2)
    before = {path: path.stat().st_mtime_ns for path in site.state.rglob("*")}
    found = verified(site)
    assert (found.findings, found.remarks, found.entries) == ([], [], 4)
    assert found.site_key == next(open_book(site).entries()).body["fingerprint"]
    assert {path: path.stat().st_mtime_ns for path in site.state.rglob("*")} == before


def test_several_processes_find_what_one_finds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(site, 3)
    (site.runs_folder / "r01" / EVENTS).write_bytes(b"x")
    entry = site.ledger_folder / "000" / "000004-run.json"
    entry.write_bytes(entry.read_bytes() + b" ")
    alone = verify_ledger(site, Outside(), watch, processes=1).findings
    for name in ("parallel.WORTH_SECONDS", "seen_entries._PIECE", "runs_check._PIECE"):
        monkeypatch.setattr(f"runner.evidence.{name}", 0 if "WORTH" in name else 1)
    assert verify_ledger(site, Outside(), watch, processes=2).findings == alone
    assert len(alone) == 4


def test_processes_that_verify_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from runner.evidence.parallel import in_order\n"
        "def work(path):\n"
        "    Path(path).write_text(str(os.getpid())); time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    list(in_order(work, sys.argv[1:], 60, 2))\n"
    )
    files = [tmp_path / "one", tmp_path / "two"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path.cwd()), str(tmp_path)))}
    program = subprocess.Popen([sys.executable, str(script), *map(str, files)], env=environment)
    pids = [int(waited(file)) for file in files]
    program.kill()
    program.wait()
    for pid in pids:
        waited_for_end(pid)


def waited(file: Path) -> str:
    while not (file.is_file() and file.read_text()):
        os.sched_yield()
    return file.read_text()


def waited_for_end(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            os.sched_yield()


def test_a_site_without_a_ledger_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no ledger of site x here; see --home"):
        verified(Site("x", tmp_path, tmp_path / "x"))


# -- checkpoints ------------------------------------------------------------------------------------------


def test_a_checkpoint_is_what_ssh_keygen_verifies_and_the_ledger_is_held_against(site: Site, tmp_path: Path) -> None:
    with_runs(site, 1)
    handed = write_checkpoint(site, tmp_path / "head.json")
    assert handed.entry.body["head"] == {"sequence": 3, "sha256": handed.checkpoint.sha256}
    allowed = tmp_path / "allowed"
    allowed.write_text(open_book(site).keyring().allowed_signers())
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "site", "-n", "weibao-checkpoint"]
    with handed.file.open("rb") as file:
        subprocess.run([*command, "-s", str(handed.signature)], stdin=file, check=True, capture_output=True)
    outside = Outside(checkpoints=(read_checkpoint(handed.file),))
    assert verified(site, outside).findings == []
    assert open_book(site).append("note", {}).sequence == 5
    assert verified(site, outside).findings == []


def test_a_checkpoint_is_never_overwritten_and_needs_its_folder(site: Site, tmp_path: Path) -> None:
    write_checkpoint(site, tmp_path / "head.json")
    for place, words in ((tmp_path / "head.json", "is there already"), (tmp_path / "no" / "x", "there is no folder")):
        with pytest.raises(BadInput, match=words):
            write_checkpoint(site, place)
    (tmp_path / "mine.sig").write_bytes(b"mine")
    with pytest.raises(BadInput, match="is there already, and is no checkpoint's signature"):
        write_checkpoint(site, tmp_path / "mine")
    assert (tmp_path / "mine.sig").read_bytes() == b"mine"
    assert open_book(site).head().sequence == 3


@pytest.mark.parametrize("torn", [False, True])
def test_a_checkpoint_whose_program_was_killed_half_way_can_be_written_again(
    site: Site, tmp_path: Path, torn: bool
) -> None:
    handed = write_checkpoint(site, tmp_path / "head.json")
    handed.file.unlink()
    if torn:
        handed.signature.write_bytes(b"")
    handed = write_checkpoint(site, tmp_path / "head.json")
    outside = Outside(checkpoints=(read_checkpoint(handed.file),))
    assert verified(site, outside).findings == []


def test_a_checkpoint_entry_of_another_head_is_found(site: Site, tmp_path: Path) -> None:
    write_checkpoint(site, tmp_path / "head.json")
    open_book(site).append("checkpoint", {"head": {"sequence": 2, "sha256": "0" * 64}})
    ((entry, problem),) = [(one.entry, one.problem) for one in verified(site).findings]
    assert entry == 4
    assert problem.startswith("is of a head that is not in this ledger: entry 2, ")


# -- archives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["disk", "old.tar"])
def test_old_runs_move_and_verification_follows(site: Site, tmp_path: Path, name: str) -> None:
    with_runs(site, STAY + 3)
    place = tmp_path / name
    done = moved(site, place)
    assert (done.moved, done.stay) == (("r00", "r01", "r02"), STAY)
    assert done.entry
    assert done.entry.body["place"] == str(place)
    assert left(site) == [f"r{number:02d}" for number in range(3, STAY + 3)]
    assert verified(site).findings == []
    assert moved(site, tmp_path / "again").entry is None
    place.rename(tmp_path / "unplugged")
    ((file, problem),) = [(one.file, one.problem) for one in verified(site).findings]
    assert file == str(place)
    assert "3 runs lie there, which cannot be verified: r00, r01, r02" in problem


def test_one_changed_byte_in_a_tar_is_found(site: Site, tmp_path: Path) -> None:
    with_runs(site, STAY + 1)
    moved(site, tmp_path / "old.tar")
    with tarfile.open(tmp_path / "old.tar") as tar:
        place = tar.getmember(f"r00/{EVENTS}").offset_data + 20
    content = bytearray((tmp_path / "old.tar").read_bytes())
    content[place] ^= 1
    (tmp_path / "old.tar").write_bytes(content)
    assert [Path(one.file).name for one in verified(site).findings] == ["old.tar", EVENTS]


def test_a_packed_run_says_how_to_unpack_it(site: Site, tmp_path: Path) -> None:
    with_runs(site, STAY + 1)
    moved(site, tmp_path / "old.tar")
    book = Ledger(site.ledger_folder, site.name)
    with pytest.raises(BadInput, match=r"was moved to an archive; first: tar .*") as refused:
        verified_run(book, site.runs_folder, "r00")
    subprocess.run(str(refused.value).partition("first: ")[2].split(), check=True)
    assert verified_run(book, site.runs_folder, "r00").run_id == "r00"
    assert verified(site).findings == []


def test_a_run_that_is_not_what_was_sealed_stays_with_all_others(site: Site, tmp_path: Path) -> None:
    with_runs(site, STAY + 2)
    (site.runs_folder / "r01" / EVENTS).write_bytes(b"x")
    with pytest.raises(VerificationError, match=r"nothing was moved, because\nr01/events\.jsonl\.gz: differs"):
        moved(site, tmp_path / "disk")
    assert len(left(site)) == STAY + 2
    assert not (tmp_path / "disk").exists()


def test_places_that_are_none_are_bad_input(site: Site, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("x")
    (tmp_path / "file").write_text("x")
    for place, words in (
        (site.state / "old", "within the site's own state"),
        (tmp_path / "unmounted" / "old", "is the disk mounted"),
        (tmp_path / "there.tar", "is there already"),
        (tmp_path / "file", "is no folder"),
    ):
        with pytest.raises(BadInput, match=words):
            moved(site, place)


def test_a_disk_that_takes_no_more_moves_nothing(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_runs(site, STAY + 1)
    monkeypatch.setattr(archive, "_SPARE", 1 << 60)
    with pytest.raises(MachineError, match="are to be moved there"):
        moved(site, tmp_path / "disk")
    assert verified(site).findings == []
    assert len(left(site)) == STAY + 1


DYING = """
import os, shutil, sys
from datetime import date
from pathlib import Path
from runner.evidence import ledger
from runner.operations import archive
from runner.site import Site
from tests.dying import die_at

site = Site("own", Path(sys.argv[1]), Path(sys.argv[2]))
die_at(int(sys.argv[4]), (os, "link"), (os, "unlink"), (shutil, "copy2"), (shutil, "rmtree"),
       (archive, "sync_folder"), (Path, "rename"), (Path, "unlink"), (ledger, "create_new"))
archive.archive_runs(site, date.fromisoformat(sys.argv[5]), Path(sys.argv[3]), lambda *_: None)
"""


@pytest.mark.parametrize("kind", ["disk", "old{}.tar"])
def test_a_move_that_is_killed_at_any_step_loses_nothing_and_can_be_done_again(
    site: Site, tmp_path: Path, kind: str
) -> None:
    with_runs(site, STAY + 2)
    for step in range(1, 60):
        place = tmp_path / kind.format(step)
        arguments = (str(site.folder), str(site.state), str(place), str(step), TOMORROW.isoformat())
        died = subprocess.run([sys.executable, "-c", DYING, *arguments], check=False).returncode
        assert verified(site).findings == []
        if died == 0:
            break
        assert died == -9
    assert 8 < step < 59
    moved(site, tmp_path / "after.tar")
    assert len(left(site)) == STAY
    assert verified(site).findings == []


def test_how_far_it_is_is_told(site: Site) -> None:
    with_runs(site, 2)
    told: list[tuple[str, int, int]] = []
    verify_ledger(site, Outside(), lambda *one: told.append(one))
    assert told == [("entries", 4, 4), ("runs", 2, 2)]


def test_how_a_change_ended_follows_from_what_its_run_observed(tmp_path: Path) -> None:
    story = Story(tmp_path, {name: key_pair(tmp_path, name) for name in (HEAD, SUPERVISOR)})
    site = Site("test", tmp_path / "site", tmp_path)

    def found() -> list[str]:
        return [one.problem for one in verified(site).findings]

    for number, told in (("SJ-1", {"outcome": "failed", "hosts": {"left": ["app1", "app2", "legacy"]}}), ("SJ-2", {})):
        story.request(number)
        story.approve(number=number)
        story.sign_in(number=number)
        story.start(number, run=number)
        story.seal(number, number)
        story.end(number, run=number, **{"outcome": "done", **told})
        assert found() == [] or number == "SJ-2"
    # No batch of it told that any host was done.
    told_hosts = "app1, app2, legacy"
    assert found() == [
        f"tells that run SJ-2 ended as done (done: {told_hosts}); by what it observed, as failed (left: {told_hosts})"
    ]
