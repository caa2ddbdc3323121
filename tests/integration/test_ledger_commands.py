"""The ledger from the command line: flip one byte, and be told which file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program


def inspected(folder: Path) -> Program:
    """A site of its own, inspected once."""
    site = Program(folder / "home", folder / "sites").make_site(
        "own", group_vars__all="host_inspection_checks: ['filesystem.*']\n"
    )
    site.json("run", "inspect", "--format", "none", "--fail-on", "never")
    return site


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return inspected(tmp_path_factory.mktemp("ledger"))


def test_an_untouched_ledger_verifies(program: Program) -> None:
    verified = program.json("ledger", "verify")
    assert (verified["findings"], verified["remarks"]) == ([], [])
    shown = program.json("ledger", "show")["entries"]
    assert [entry["kind"] for entry in shown] == ["run", "trust", "key"]
    assert shown[0]["body"]["verdict"] == "complete"
    assert verified["site_key"] == shown[2]["body"]["fingerprint"]
    assert "000001" in program.run("ledger", "show").stdout


@pytest.mark.parametrize("name", ["manifest.json", "events.jsonl.gz", "observations.jsonl.gz"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_one_flipped_byte_is_named_with_its_file(program: Program, name: str, place: float) -> None:
    path = program.runs()[0] / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(len(changed) * place)] ^= 1
    path.write_bytes(changed)
    try:
        result = program.run("ledger", "verify")
    finally:
        path.write_bytes(whole)
    assert result.returncode == 1
    assert f"{path.parent.name}/{name}: differs from what" in result.stdout or "is not a manifest" in result.stdout


def test_a_damaged_entry_is_named_and_stops_neither_runs_nor_their_records(program: Program) -> None:
    entry = next((program.state / "ledger").rglob("*-run.json"))
    whole = entry.read_bytes()
    entry.write_bytes(b"{}")
    try:
        assert "000/000003-run.json: is not an entry" in program.run("ledger", "verify").stdout
        shown = program.run("ledger", "show")
        assert shown.returncode == 0
        assert "000003-run.json: is not an entry" in shown.stdout
        assert program.run("run", "inspect", "--fail-on", "never").returncode == 0
    finally:
        entry.write_bytes(whole)


def test_documents_are_written_again_from_sealed_evidence_with_the_same_bytes(program: Program, tmp_path: Path) -> None:
    written = []
    for folder in ("one", "two"):
        arguments = ("--format", "html,json", "--output", str(tmp_path / folder))
        printed = program.json("report", "inspection-record", *arguments)
        written.append([Path(path).read_bytes() for path in printed["documents"]])
    assert written[0] == written[1]


def test_a_report_of_a_period_takes_its_newest_run(program: Program) -> None:
    year = program.manifest()["started"][:4]
    written = program.json("report", "inspection-record", "--format", "json", "--period", year)
    assert written["run"] == program.runs()[-1].name
    assert program.run("report", "inspection-record", "--period", "1999").returncode == 2


def test_a_checkpoint_shows_what_was_cut_off_since(tmp_path: Path) -> None:
    program = inspected(tmp_path)
    given = tmp_path / "head.json"
    program.json("ledger", "checkpoint", "--to", str(tmp_path / "earlier.json"))
    handed = program.json("ledger", "checkpoint", "--to", str(given))
    assert handed["files"] == [str(given), f"{given}.sig"]
    assert program.run("ledger", "verify", "--checkpoint", str(given)).returncode == 0
    head = f"{handed['head']['sequence']}:{handed['head']['sha256'][:32]}"
    assert program.json("ledger", "verify", "--head", head)["held_against"] == ["the given head"]
    newest = sorted((program.state / "ledger").rglob("*.json*"))[-4:]
    kept = [(path, path.read_bytes()) for path in newest]
    for path in newest:
        path.unlink()
    try:
        assert program.run("ledger", "verify").returncode == 0
        for option in (("--checkpoint", str(given)), ("--head", head)):
            result = program.run("ledger", "verify", *option)
            assert result.returncode == 1
            assert "its tail was cut off" in result.stdout
    finally:
        for path, content in kept:
            path.write_bytes(content)
    result = program.run("ledger", "verify", "--head", "12")
    assert result.returncode == 2
    assert "write the number and the 32 digits as printed" in result.stderr


def test_old_runs_stay_where_the_next_is_compared_with_them(program: Program, tmp_path: Path) -> None:
    result = program.run("ledger", "archive", "--before", "2199-01-01", "--to", str(tmp_path / "old.tar"))
    assert result.returncode == 0
    assert "no run is to be moved" in result.stdout
    assert "stay: the next ones are compared with them" in result.stdout
    assert not (tmp_path / "old.tar").exists()
