"""`make demo` on this machine: exit 0, and four files that hold this machine's real figures."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from tests.program import PROJECT, Program
from tests.texts import text_of


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Program]:
    home = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "WEIBAO_HOME": str(home)}
    result = subprocess.run(["make", "demo"], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout, Program(home, home)


@pytest.fixture(scope="module")
def documents(demo: tuple[str, Program]) -> dict[str, Path]:
    paths = [Path(path) for path in re.findall(r"^\w+  (/\S+)$", demo[0], re.MULTILINE)]
    return {path.suffix: path for path in paths}


def test_it_prints_where_four_files_lie(documents: dict[str, Path]) -> None:
    assert set(documents) == {".html", ".docx", ".pdf", ".xlsx"}


@pytest.mark.parametrize("form", [".html", ".docx", ".pdf", ".xlsx"])
def test_each_holds_the_real_figures_of_this_machine(documents: dict[str, Path], form: str) -> None:
    text = re.sub(r"\s", "", text_of(documents[form]))
    for fact in ("日常系统巡检记录", platform.node(), platform.release()):
        assert re.sub(r"\s", "", fact) in text, fact
    lines = Path("/proc/meminfo").read_text().splitlines()
    total = next(int(line.split()[1]) * 1024 for line in lines if "MemTotal" in line)
    assert f"{total / 2**30:.1f}GiB" in text
    root = os.statvfs("/")
    used = 100 * (root.f_blocks - root.f_bfree) / (root.f_blocks - root.f_bfree + root.f_bavail)
    shown = [float(found) for found in re.findall(r"\d+(?:\.\d+)?(?=[%|])", text)]
    assert any(abs(figure - used) < 1.0 for figure in shown), used


def test_each_names_the_run_and_the_head_of_the_ledger(demo: tuple[str, Program], documents: dict[str, Path]) -> None:
    _, program = demo
    head = program.json("ledger", "verify")["head"]
    run = program.runs()[-1].name
    for path in documents.values():
        text = re.sub(r"\s", "", text_of(path))
        assert run in text, path
        assert head["sha256"][:8] in text, path
