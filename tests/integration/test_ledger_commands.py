"""The ledger from the command line: flip one byte, and be told which file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("ledger")
    site = Program(folder / "home", folder / "sites").make_site(
        "own", group_vars__all="host_inspection_checks: ['filesystem.*']\n"
    )
    site.json("run", "inspect", "--format", "none", "--fail-on", "never")
    return site


def test_an_untouched_ledger_verifies(program: Program) -> None:
    assert program.json("ledger", "verify")["findings"] == []
    shown = program.json("ledger", "show")["entries"]
    assert [entry["body"]["verdict"] for entry in shown] == ["complete"]
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
    entry = next((program.state / "ledger").rglob("*.json"))
    whole = entry.read_bytes()
    entry.write_bytes(b"{}")
    try:
        assert "000/000001-run.json: is not an entry" in program.run("ledger", "verify").stdout
        shown = program.run("ledger", "show")
        assert shown.returncode == 0
        assert "000001-run.json: is not an entry" in shown.stdout
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
