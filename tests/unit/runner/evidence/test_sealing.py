from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.canonical import digest_file
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import (
    EVENTS,
    MANIFEST,
    LineFile,
    OpenRun,
    abandoned_runs,
    open_sealed,
    read_lines,
    remove_unnamed_markers,
    salvage,
    seal,
)
from runner.evidence.verify import verified_run
from tests.signing import signed_ledger
from tests.unit.runner.evidence.sealed import list_run, seal_run
from tests.verification import verify


def sealed(runs: Path, run_id: str = "r1") -> OpenRun:
    run = OpenRun(runs, run_id, {"run": run_id})
    run.events.write('{"counter":1}')
    run.observations.write('{"check":"x"}')
    run.close_files()
    seal(run.folder, {"run": run_id})
    return run


def test_a_sealed_run_reads_back_and_names_its_files_by_hash(tmp_path: Path) -> None:
    sealed(tmp_path).listed()
    run = open_sealed(tmp_path, "r1")
    assert list(run.events()) == [{"counter": 1}]
    assert list(run.observations()) == [{"check": "x"}]
    assert run.manifest["files"][EVENTS]["bytes"] == (run.folder / EVENTS).stat().st_size
    assert list(abandoned_runs(tmp_path)) == []


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        file = LineFile(tmp_path / name)
        file.write("line")
        file.close()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("run_id", ["", "missing", "..", "../runs", "."])
def test_a_run_that_is_not_there_is_bad_input(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(BadInput, match="no sealed run"):
        open_sealed(tmp_path, run_id)


def test_a_run_that_goes_on_is_not_abandoned_and_a_dead_one_is(tmp_path: Path) -> None:
    run = OpenRun(tmp_path, "alive", {"run": "alive"})
    probe = (
        "import sys; from pathlib import Path; from runner.evidence.sealing import abandoned_runs;"
        "print([one.run_id for one in abandoned_runs(Path(sys.argv[1]))])"
    )
    seen = subprocess.run([sys.executable, "-c", probe, str(tmp_path)], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
    run.close_files()
    dying = (
        "import os, sys; from pathlib import Path; from runner.evidence.sealing import OpenRun;"
        "OpenRun(Path(sys.argv[1]), 'dead', {'run': 'dead'}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False)
    dead = list(abandoned_runs(tmp_path))
    assert [one.run_id for one in dead] == ["dead"]
    assert list(abandoned_runs(tmp_path)) == [], "locked by us now"
    dead[0].salvage()
    assert list(read_lines(dead[0].folder / EVENTS)) == []
    dead[0].listed()
    run.listed()


@pytest.mark.parametrize("keep", [0, 5, 12, 40, 200, 399])
def test_a_torn_file_is_made_whole_with_what_can_be_read(tmp_path: Path, keep: int) -> None:
    path = tmp_path / EVENTS
    file = LineFile(path)
    lines = [f'{{"counter":{number},"noise":"{number * 7919 % 104729}"}}' for number in range(200)]
    for line in lines:
        file.write(line)
    file.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: min(keep, len(whole) - 9)])
    salvage(path)
    kept = [one["counter"] for one in read_lines(path)]
    assert kept == list(range(len(kept)))


def test_a_power_cut_that_leaves_zeros_costs_nothing_that_was_written_before_them(tmp_path: Path) -> None:
    path = tmp_path / EVENTS
    file = LineFile(path)
    for number in range(200):
        file.write(f'{{"counter":{number},"noise":"{number * 7919 % 104729}"}}')
    file.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-200] + bytes(4096))
    salvage(path)
    kept = [one["counter"] for one in read_lines(path)]
    assert kept == list(range(len(kept)))
    assert len(kept) > 100


def test_lines_after_one_that_is_no_record_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / EVENTS
    file = LineFile(path)
    for line in ('{"counter":1}', '{"counter"', '{"counter":3}'):
        file.write(line)
    file.close()
    salvage(path)
    assert list(read_lines(path)) == [{"counter": 1}]


def test_what_a_program_left_that_died_before_its_marker_is_removed(tmp_path: Path) -> None:
    dying = (
        "import os, sys; from pathlib import Path; from runner.evidence.sealing import OpenRun;"
        "Path.rename = lambda *_: os.kill(os.getpid(), 9); OpenRun(Path(sys.argv[1]), 'dead', {'run': 'dead'})"
    )
    subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False)
    assert [one.name for one in (tmp_path / ".open").iterdir()] == ["dead.new"]
    remove_unnamed_markers(tmp_path)
    assert list((tmp_path / ".open").iterdir()) == []
    assert list(abandoned_runs(tmp_path)) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / EVENTS
    path.write_bytes(b"no gzip")
    with pytest.raises(MachineError, match=f"{path}: damaged"):
        list(read_lines(path))


def test_a_damaged_marker_tells_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / ".open").mkdir()
    (tmp_path / ".open" / "x.json").write_text("")
    (found,) = abandoned_runs(tmp_path)
    assert found.intent is None
    found.lock.close()


def test_a_document_s_run_must_be_what_its_entry_names(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    runs = tmp_path / "runs"
    run = sealed(runs)
    run.listed()
    ledger = Ledger(tmp_path / "ledger", "test")
    with pytest.raises(BadInput, match="no run 'r1' in the ledger"):
        verified_run(ledger, runs, "r1")
    ledger.append("run", {"run": "r1", "manifest_sha256": digest_file(run.folder / MANIFEST)})
    assert verified_run(ledger, runs, "r1").run_id == "r1"
    (run.folder / EVENTS).write_bytes(b"rewritten")
    with pytest.raises(VerificationError, match=f"r1/{EVENTS}: differs"):
        verified_run(ledger, runs, "r1")


@pytest.mark.parametrize("content", ['{"body": {"a": "\\ud800"}}', '{"body": {"a": NaN}}', "null", "[]", "{}", "x", ""])
def test_an_entry_of_any_content_is_a_finding_not_a_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "000").mkdir()
    (tmp_path / "000" / "000001-run.json").write_text(content)
    assert list(verify(Ledger(tmp_path, "test"), tmp_path / "runs"))


@pytest.mark.parametrize("files", ['"x"', '{"events.jsonl.gz": 1}', "null", '{"events.jsonl.gz": {}}'])
def test_a_manifest_of_any_content_is_a_finding_not_a_crash(tmp_path: Path, files: str) -> None:
    runs = tmp_path / "runs"
    run = seal_run(runs, "r1")
    (run.folder / MANIFEST).write_text(f'{{"files": {files}}}')
    ledger = signed_ledger(tmp_path / "ledger")
    ledger.append("run", {"run": "r1", "manifest_sha256": digest_file(run.folder / MANIFEST)})
    assert {one.file.partition("/")[0] for one in verify(ledger, runs)} == {"r1"}


def test_every_changed_or_missing_file_of_a_run_is_found(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = seal_run(runs, "r1")
    ledger = signed_ledger(tmp_path / "ledger")
    assert [(one.file, one.problem) for one in verify(ledger, runs)] == [("r1", "no entry names this run")]
    list_run(ledger, run)
    assert list(verify(ledger, runs)) == []
    events = (run.folder / EVENTS).read_bytes()
    (run.folder / EVENTS).write_bytes(events[:-1] + bytes([events[-1] ^ 1]))
    assert [(one.file, one.entry) for one in verify(ledger, runs)] == [(f"r1/{EVENTS}", 2)]
    (run.folder / EVENTS).unlink()
    assert [one.problem for one in verify(ledger, runs)] == ["missing, but named by its manifest"]
    (run.folder / MANIFEST).write_text("{}")
    assert {one.file for one in verify(ledger, runs)} == {f"r1/{MANIFEST}"}


def test_a_run_that_goes_on_is_no_finding(tmp_path: Path) -> None:
    run = OpenRun(tmp_path / "runs", "r1", {})
    assert list(verify(signed_ledger(tmp_path / "ledger"), tmp_path / "runs")) == []
    run.close_files()
    run.listed()
