"""README stays true: its commands, its help blocks, its pictures, its exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import ExitCode

PROJECT = Path(__file__).resolve().parents[2]
READMES = ["README.md", "README.zh-CN.md"]


def text(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def help_blocks(name: str) -> list[tuple[str, str]]:
    return re.findall(r"```console\n\$ weibao ([^\n]*--help)\n(.*?)\n```", text(name), re.DOTALL)


@pytest.mark.parametrize("name", READMES)
def test_help_blocks_are_what_the_program_prints(name: str) -> None:
    assert len(help_blocks(name)) >= 3
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    for arguments, shown in help_blocks(name):
        command = [sys.executable, "-m", "runner.cli", *arguments.split()]
        printed = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
        assert shown == printed.stdout.rstrip().replace("python -m runner.cli", "weibao"), arguments


@pytest.mark.parametrize("name", READMES)
def test_pictures_and_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text(name))
    assert any(link.endswith(".png") for link in links)
    assert [link for link in links if "://" not in link and not (PROJECT / link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_the_two_commands_are_targets_of_make(name: str) -> None:
    commands = re.findall(r"^\$ make (\S+)$", text(name), re.MULTILINE)
    assert commands[:2] == ["demo", "test"]
    makefile = text("Makefile")
    assert [target for target in commands if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("name", READMES)
def test_exit_codes_are_those_of_the_program(name: str) -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", text(name), re.MULTILINE)]
    assert codes == sorted(ExitCode)
    for code, shown in re.findall(r"(?m)^\| (\d+) \| (.+?) \|$", text(name)):
        assert shown, code


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert re.search(r"^make test$", text(".ci/run"), re.MULTILINE)
    assert "WEIBAO_REQUIRE_LAB=1" in text(".ci/run")


def test_the_folders_of_the_layout_are_there() -> None:
    folders = re.findall(r"`(\w+)/`", text("README.md").split("## Layout")[1].split("## ")[0])
    assert len(folders) > 8
    assert [folder for folder in folders if folder != "var" and not (PROJECT / folder).is_dir()] == []
