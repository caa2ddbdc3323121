"""Files that entries name: there as a whole before the entry, whatever kills the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError
from runner.evidence.canonical import digest
from runner.evidence.ledger import Ledger
from runner.operations.attachments import GivenFile, NamedFile, examine, keep, writing
from runner.operations.records import RecordRequest, add_record
from runner.site import Site
from tests.unit.runner.operations.contracted import NOW, contracted
from tests.verification import verify

#: Records one thing with an attachment again and again, each time in a process that dies one step later.
DYING = """
import os, sys
from datetime import datetime
from pathlib import Path
from runner.evidence import ledger
from runner.operations import attachments
from runner.operations.check_site import check_site
from runner.operations.records import RecordRequest, add_record
from runner.site import Site
from tests.dying import die_at

site = Site("own", Path(sys.argv[1]), Path(sys.argv[2]))
checked, now = check_site(site), datetime.fromisoformat(sys.argv[4])
steps = (os, "link"), (os, "fsync"), (attachments, "sync_folder"), (ledger, "sync_folder"), (ledger, "create_new")
died = 0
for step in range(1, 40):
    child = os.fork()
    if child == 0:
        die_at(step, *steps)
        file = Path(sys.argv[3], f"{step}.txt")
        file.write_text(f"paper {step}")
        add_record(checked, RecordRequest(("A48",), at="2026-06-01", attach=(file,), text=str(step)), now)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status) or died)
    died += 1
sys.exit(99)
"""


def test_a_program_killed_at_any_step_leaves_no_half_entry_and_no_entry_without_its_file(
    site: Site, tmp_path: Path
) -> None:
    contracted(site)
    arguments = (str(site.folder), str(site.state), str(tmp_path), NOW.isoformat())
    result = subprocess.run([sys.executable, "-c", DYING, *arguments], check=False)
    died = result.returncode
    assert 8 <= died < 40, "it died at each of its steps in turn, and then got through"
    book = Ledger(site.ledger_folder, site.name)
    assert not list(verify(book, site.runs_folder, site.attachments_folder, site.documents_folder))
    entries = list(book.entries())
    assert entries[-1].body["text"] == str(died + 1)
    assert [entry.kind for entry in entries[:2]] == ["key", "trust"]
    for entry in entries[2:]:
        (named,) = entry.body["attachments"]
        assert digest((site.attachments_folder / named["sha256"]).read_bytes()) == named["sha256"]
    assert not list(site.attachments_folder.glob(".*")), "what a dead program left beside is gone"


def test_the_same_file_is_kept_once(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("same")
    attach = (tmp_path / "one.txt", tmp_path / "two.txt", tmp_path / "one.txt")
    body = add_record(checked, RecordRequest(("A48",), attach=attach), NOW).entry.body
    assert [one["name"] for one in body["attachments"]] == ["one.txt", "two.txt"]
    assert len(list(site.attachments_folder.iterdir())) == 1


def test_a_file_that_changes_while_it_is_read_is_refused(site: Site, tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.write_text("before")
    given = examine([paper], "--attach")
    paper.write_text("after")
    with writing(site), pytest.raises(BadInput, match=r"--attach .*paper: has changed while it was read"):
        keep(given, site.attachments_folder)
    assert not list(site.attachments_folder.iterdir())


def test_a_pipe_in_the_place_of_a_file_makes_nobody_wait(site: Site, tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.write_text("before")
    given = examine([paper], "--attach")
    paper.unlink()
    os.mkfifo(paper)
    with pytest.raises(BadInput, match="is no file"):
        examine([paper], "--attach")
    with writing(site), pytest.raises(BadInput, match="has changed while it was read"):
        keep(given, site.attachments_folder)


def test_a_file_that_grows_is_read_no_further_than_it_reached(site: Site) -> None:
    endless = GivenFile("--attach", Path("/dev/zero"), NamedFile("video", "0" * 64, 1 << 21))
    with writing(site), pytest.raises(BadInput, match="has changed while it was read"):
        keep([endless], site.attachments_folder)


def test_a_file_that_would_fill_the_disk_is_refused_before_it_is_copied(site: Site) -> None:
    huge = GivenFile("--attach", Path("/dev/zero"), NamedFile("video", "0" * 64, 1 << 60))
    with writing(site), pytest.raises(MachineError, match=r"1099511627776 MiB are to be kept, too much for the \d+ "):
        keep([huge], site.attachments_folder)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("x" * 300, "cannot be read: File name too long"),
        ("..", "is no file"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("dangling", "is not there"),
        ("empty", "is empty"),
        ("/proc/self/mem", "cannot be read: Input/output error"),
        ("paper/paper", "cannot be read: Not a directory"),
    ],
)
def test_what_is_no_readable_file_is_told_by_name(tmp_path: Path, path: str, problem: str) -> None:
    (tmp_path / "paper").write_text("x")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(BadInput) as error:
        examine([tmp_path / path], "--attach")
    assert str(error.value) == f"--attach {tmp_path / path}: {problem}"


def test_a_kept_file_that_was_changed_is_not_taken_for_the_same(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    (tmp_path / "paper").write_text("x")
    request = RecordRequest(("A48",), attach=(tmp_path / "paper",))
    named = add_record(checked, request, NOW).entry.body["attachments"][0]
    (site.attachments_folder / named["sha256"]).write_text("y")
    with pytest.raises(MachineError, match="was changed after it was kept"):
        add_record(checked, request, NOW)
    assert Ledger(site.ledger_folder, "own").head().sequence == 3


def test_a_name_that_is_no_text_does_not_keep_a_file_out(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    paper = tmp_path / "\udcff.txt"
    paper.write_text("x")
    body = add_record(checked, RecordRequest(("A48",), attach=(paper,)), NOW).entry.body
    assert body["attachments"][0]["name"] == "\ufffd.txt"


def test_a_folder_that_takes_no_file_is_a_clear_error(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    (tmp_path / "paper").write_text("x")
    site.attachments_folder.rmdir()
    site.attachments_folder.write_text("in the way")
    with pytest.raises(MachineError, match="cannot keep paper"):
        add_record(checked, RecordRequest(("A48",), attach=(tmp_path / "paper",)), NOW)
    assert Ledger(site.ledger_folder, "own").head().sequence == 0


def test_two_at_once_never_correct_the_same_entry(site: Site) -> None:
    checked = contracted(site)
    add_record(checked, RecordRequest(("A48",)), NOW)
    script = (
        "import sys\nfrom datetime import datetime\nfrom pathlib import Path\n"
        "from runner.operations.check_site import check_site\n"
        "from runner.operations.records import RecordRequest, add_record\nfrom runner.site import Site\n"
        "site = Site('own', Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "request = RecordRequest(('A48',), corrects=3)\n"
        "add_record(check_site(site), request, datetime.fromisoformat(sys.argv[3]))\n"
    )
    arguments = (sys.executable, "-c", script, str(site.folder), str(site.state), NOW.isoformat())
    both = [subprocess.Popen(arguments, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(one.wait() for one in both) == [0, 1]
    assert Ledger(site.ledger_folder, "own").head().sequence == 4
