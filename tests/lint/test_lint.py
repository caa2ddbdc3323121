"""Everything that a machine can say of the source without running it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_no_mapping_of_tasks_has_a_key_twice() -> None:
    """A key beside the same one of what is merged in makes Ansible warn at each run."""
    paths = [path for folder in ("roles", "playbooks") for path in (PROJECT / folder).rglob("*.yml")]
    assert len(paths) > 20
    twice = [(path.name, key) for path in paths for key in _twice(yaml.compose(path.read_text(encoding="utf-8")))]
    assert twice == []


def _twice(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        own = [str(key.value) for key, _ in node.value if key.value != "<<"]
        merged = [value for key, value in node.value if key.value == "<<"]
        below = [str(key.value) for one in merged if isinstance(one, yaml.MappingNode) for key, _ in one.value]
        yield from (key for key in {*own, *below} if (own + below).count(key) > 1)
    for child in node.value if isinstance(node, yaml.CollectionNode) else ():
        for part in child if isinstance(child, tuple) else (child,):
            yield from _twice(part)


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
