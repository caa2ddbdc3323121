"""`weibao ledger export` from the command line, on a site with a real run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.packs import check
from tests.program import Program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("exported")
    site = Program(folder / "home", folder / "sites").make_site(
        "own", group_vars__all="host_inspection_checks: ['filesystem.*']\n"
    )
    site.json("run", "inspect", "--format", "none", "--fail-on", "never")
    return site


def test_a_site_without_a_contract_has_a_pack_too(program: Program, tmp_path: Path) -> None:
    printed = program.json("ledger", "export", str(tmp_path / "pack"))
    assert (printed["runs"], printed["findings"], printed["left_out"]) == (1, [], 0)
    code, lines = check(tmp_path / "pack")
    assert (code, lines[-1]) == (0, "verified")
    assert f"newest entry: {printed['head']['sequence']}:{printed['head']['sha256']}" in lines
    detail = next(iter((tmp_path / "pack" / "site" / "data" / "runs").rglob("*.js"))).read_text()
    told = json.loads(detail.partition(",")[2].removesuffix(");\n"))
    assert "Inspect the host" in told["tasks"]
    assert [host[1] for host in told["hosts"]] == ["ok"]
    assert told["observations"]


@pytest.mark.parametrize(("language", "words"), [("zh", "审计包已写入"), ("en", "The auditor's pack is in")])
def test_it_says_where_the_pack_is_and_how_to_check_it(
    program: Program, tmp_path: Path, language: str, words: str
) -> None:
    result = program.run("--lang", language, "ledger", "export", str(tmp_path / "pack"))
    assert (result.returncode, result.stdout.splitlines()[0]) == (0, f"{words} {tmp_path / 'pack'}")
    assert "sh verify.sh" in result.stdout


def test_bad_input_writes_nothing(program: Program, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for arguments, told in (
        ((str(tmp_path / "full"),), "is not empty"),
        ((str(tmp_path / "full" / "mine.txt"),), "is a file"),
        ((str(tmp_path / "new"), "--period", "sometime"), "--period sometime"),
        (("/proc/pack",), "cannot be written to"),
    ):
        result = program.run("ledger", "export", *arguments)
        assert result.returncode == 2, result.stdout + result.stderr
        assert told in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_damaged_evidence_is_told_with_exit_code_1_and_on_the_first_page(program: Program, tmp_path: Path) -> None:
    path = program.runs()[0] / "events.jsonl.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        result = program.run("ledger", "export", str(tmp_path / "pack"))
    finally:
        path.write_bytes(whole)
    assert result.returncode == 1
    assert "events.jsonl.gz: differs from what its manifest names" in result.stdout
    assert "differs from what its manifest names" in (tmp_path / "pack" / "site" / "data" / "main.js").read_text()
    assert check(tmp_path / "pack")[0] == 1


def test_a_full_disk_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    limited = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *program.command("ledger", "export", str(tmp_path / "pack"))]
    result = subprocess.run(
        limited, cwd=program.project, env=program.environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 5, result.stdout + result.stderr
    assert "the pack is not whole" in result.stderr
    assert not (tmp_path / "pack" / "SHA256SUMS").exists()
