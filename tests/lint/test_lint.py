"""Everything that a machine can say of the source without running it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

LINTERS = {
    "ruff": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "mypy of the plugins": ["mypy", *sorted(map(str, PROJECT.glob("*_plugins/*.py")))],
    "mypy of the modules": ["mypy", *sorted(map(str, (PROJECT / "library").glob("*.py")))],
    "vermin": ["vermin", "--target=3.6-", "--no-tips", "--violations", "library", "module_utils"],
    "lint-imports": ["lint-imports", "--no-logo"],
    "yamllint": ["yamllint", "--strict", "."],
    "ansible-lint": ["ansible-lint", "--offline", "--strict"],
}


@pytest.mark.parametrize("linter", LINTERS)
def test_linter_is_content(linter: str) -> None:
    program, *arguments = LINTERS[linter]
    result = subprocess.run([BIN / program, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["runtime", "test", "benchmark"])
def test_locks_pin_every_requirement_by_hash_and_name_no_address(name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    requirements = [block for block in re.split(r"\n(?=\S)", text.strip()) if block]
    assert len(requirements) > 20
    assert all("==" in block and "--hash=sha256:" in block for block in requirements)


def test_every_dependency_has_a_reason() -> None:
    lines = (PROJECT / "pyproject.toml").read_text().splitlines()
    dependencies = [line for line in lines if re.match(r'  "[A-Za-z][\w.-]*[><=]*[\d.<>=,]*",', line)]
    dependencies = [line for line in dependencies if not line.strip().startswith(('"runner', '"reports', '"module'))]
    assert len(dependencies) > 20
    assert [line for line in dependencies if "#" not in line] == []


def test_no_file_is_long_without_a_reason() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py", "*.yml", "*.j2", "*.sh"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    known = {"reports/catalog/checks.yml", "reports/catalog/terms.yml"}  # the catalogue: one entry a check, words
    known.add("reports/audit_site/verify.sh")  # an auditor reads and compares one file
    long = [name for name in tracked if not name.startswith(("tests/fixtures/", "inventories/")) and name not in known]
    assert [name for name in long if len((PROJECT / name).read_text().splitlines()) > 400] == []
