"""Names that any system can hold, whatever people call their files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import MachineError
from runner.operations.pack import Pack, is_plain, kept_path, plain_name, run_folder


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_fat32_and_windows_hold(name: str) -> None:
    found = plain_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", found)
    assert len(found) <= 100
    assert not found.endswith(".")
    assert is_plain(found)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("HT-1-inspection-record-2026-03-v1.docx", "HT-1-inspection-record-2026-03-v1.docx"),
        ("会议纪要.pdf", "file.pdf"),
        ("a:b?c*.PDF", "a_b_c.PDF"),
        ("CON.txt", "_CON.txt"),
        ("../../etc/passwd", "etc_passwd"),
        ("-rf.sh", "rf.sh"),
        (".bashrc", "bashrc"),
        ("", "file"),
    ],
)
def test_what_opens_a_file_stays(name: str, found: str) -> None:
    assert plain_name(name) == found


def test_runs_lie_in_the_folder_of_their_day() -> None:
    assert run_folder("20261122T033000Z-inspect-c87454") == "20261122/20261122T033000Z-inspect-c87454"
    assert run_folder("odd") == "other/odd"


@pytest.mark.parametrize("path", ["../out", "a/../b", "/etc/x", "a//b", ".hidden", "a b", "a\nb", "A/é"])
def test_no_other_name_is_ever_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(MachineError, match="no name for a file"):
        Pack(tmp_path).write(path, b"")
    assert list(tmp_path.iterdir()) == []


def test_the_list_is_in_the_order_in_which_a_shell_walks(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    for path in ("a.b/c", "a/b", "a-b", "B", "a/a/z"):
        pack.write(path, b"")
    assert [line.split("  ")[1] for line in pack.sums().decode().splitlines()] == ["B", "a/a/z", "a/b", "a-b", "a.b/c"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("evil.html", "evil.html.txt"),
        ("e.SVG", "e.SVG.txt"),
        ("a.js", "a.js.txt"),
        ("a.pdf", "a.pdf"),
        ("a.png", "a.png"),
    ],
)
def test_what_would_run_when_it_is_opened_is_kept_as_text(name: str, found: str) -> None:
    assert kept_path("attachments", "ab" * 32, name) == f"attachments/ab/{'ab' * 32}/{found}"
