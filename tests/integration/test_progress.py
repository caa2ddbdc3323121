"""On a terminal a run shows a bar; in a pipe it writes plain lines."""

from __future__ import annotations

from pathlib import Path

import pexpect

from tests.program import Program

INPUTS = "host_inspection_checks: ['filesystem.*']\nhost_inspection_sample_seconds: 1\n"


def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites").make_site("own", group_vars__all=INPUTS)


def test_a_terminal_gets_a_bar_and_the_summary(tmp_path: Path) -> None:
    own = program(tmp_path)
    command, *arguments = own.command("run", "inspect", "--format", "none", "--fail-on", "never")
    shown = pexpect.spawn(command, arguments, env=own.environment(TERM="xterm"), encoding="utf-8", dimensions=(40, 120))
    shown.expect("Inspect the host")
    shown.expect("failed 0")
    shown.expect("台账 000003")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 0


def test_a_pipe_gets_plain_lines_on_standard_error(tmp_path: Path) -> None:
    result = program(tmp_path).run("--lang", "en", "run", "inspect", "--format", "none", "--fail-on", "never")
    assert "task: Inspect the host" in result.stderr.splitlines()
    assert "\x1b" not in result.stderr + result.stdout
    assert result.stdout.startswith("run 2")
    assert "ledger 000003" in result.stdout
