"""Files that entries name by hash: changed, missing and unnamed ones are found, and only those."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runner.evidence.canonical import digest
from tests.signing import signed_ledger, trust_body
from tests.unit.runner.evidence.whole import OFFICER
from tests.verification import verify

HOUR = 3600


class Kept:
    """A ledger beside its two folders of kept files."""

    def __init__(self, folder: Path) -> None:
        self.ledger = signed_ledger(folder / "ledger")
        # Who consents to a waiver must be known before it.
        self.ledger.append("trust", trust_body(OFFICER))
        self.attachments, self.documents = folder / "attachments", folder / "documents"
        for path in (self.attachments, self.documents):
            path.mkdir()
        self.runs = folder / "runs"

    def put(self, folder: Path, content: bytes, age: float = 0) -> str:
        path = folder / digest(content)
        path.write_bytes(content)
        os.utime(path, (time.time() - age,) * 2)
        return path.name

    def name(self, kind: str, *hashes: str) -> None:
        key = "files" if kind == "document" else "attachments"
        told = {"at": "2026-03-31T10:00:00+08:00", "consent_by": "王芳"} if kind == "waiver" else {}
        self.ledger.append(kind, {**told, key: [{"name": "扫描件.pdf", "sha256": one, "bytes": 1} for one in hashes]})

    def findings(self) -> list[tuple[str, str]]:
        found = verify(self.ledger, self.runs, self.attachments, self.documents)
        return [(one.file, one.problem) for one in found]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.mark.parametrize("kind", ["record", "waiver", "document"])
def test_a_changed_or_missing_file_is_named_with_its_entry(kept: Kept, kind: str) -> None:
    folder = kept.documents if kind == "document" else kept.attachments
    hashes = [kept.put(folder, content, 2 * HOUR) for content in (b"one", b"two", b"three")]
    kept.name(kind, *hashes)
    assert kept.findings() == []
    (folder / hashes[0]).write_bytes(b"0ne")
    (folder / hashes[1]).unlink()
    assert kept.findings() == [
        (
            f"{folder.name}/{hashes[0]}",
            f"differs from what was recorded; named by 000003-{kind}.json (扫描件.pdf)",
        ),
        (f"{folder.name}/{hashes[1]}", f"missing, but named by 000003-{kind}.json (扫描件.pdf)"),
    ]


def test_a_file_that_no_entry_names_is_told_after_an_hour(kept: Kept) -> None:
    old = kept.put(kept.attachments, b"old", HOUR + 60)
    kept.put(kept.attachments, b"new", HOUR - 60)
    document = kept.put(kept.documents, b"document", HOUR + 60)
    assert kept.findings() == [
        (f"attachments/{old}", "no entry names this file"),
        (f"documents/{document}", "no entry names this file"),
    ]
    kept.name("record", old)
    kept.name("document", document)
    assert kept.findings() == []


def test_what_else_lies_among_the_documents_is_nobodys_business(kept: Kept) -> None:
    for folder, name in ((kept.documents, "inspection-record.html"), (kept.attachments, ".incoming.tmp")):
        (folder / name).write_text("x")
        os.utime(folder / name, (0, 0))
    assert kept.findings() == []
    (kept.attachments / "notes.txt").write_text("x")
    os.utime(kept.attachments / "notes.txt", (0, 0))
    assert kept.findings() == [("attachments/notes.txt", "no entry names this file")]


@pytest.mark.parametrize("files", ["no list", [None], [{"name": "x", "sha256": "../../etc/passwd"}], [["x"]]])
def test_an_entry_of_any_shape_stops_nothing_and_leads_nowhere_else(kept: Kept, files: object) -> None:
    kept.ledger.append("record", {"attachments": files})
    sha256 = kept.put(kept.attachments, b"x")
    kept.name("record", sha256)
    (kept.attachments / sha256).unlink()
    found = [file for file, _ in kept.findings()]
    assert found[-1] == f"attachments/{sha256}"
    assert set(found) <= {"attachments/", f"attachments/{sha256}"}


def test_a_folder_in_the_place_of_a_file_is_found(kept: Kept) -> None:
    sha256 = digest(b"x")
    (kept.attachments / sha256).mkdir()
    kept.name("record", sha256)
    ((file, problem),) = kept.findings()
    assert file == f"attachments/{sha256}"
    assert "cannot be read" in problem
