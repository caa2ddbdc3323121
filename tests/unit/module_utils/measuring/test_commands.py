from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest
from ansible.module_utils.measuring import commands
from ansible.module_utils.measuring.errors import Unmeasurable


def test_a_command_gives_its_output_and_an_accepted_exit_code():
    answer = commands.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 5, accepted=(3,))
    assert answer == (3, "out\n", "err\n")


def test_commands_speak_english_and_read_nothing(monkeypatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("LC_MESSAGES", "zh_CN.UTF-8")
    answer = commands.run(["sh", "-c", "cat; echo $LC_ALL,$LANG,$LC_MESSAGES"], 5)
    assert answer.output == "C,,\n"


def test_output_that_is_not_utf8_is_text_all_the_same():
    assert commands.run(["printf", "\\377ok"], 5).output == "\ufffdok"


def test_tools_in_sbin_are_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commands.available("ldconfig")


@pytest.mark.parametrize("own", ["", ".", ":/usr/bin", "bin:", "/opt/x/bin:."])
def test_tools_are_never_looked_for_in_the_current_folder(own):
    folders = commands.search_path(own).split(":")
    assert all(folder.startswith("/") for folder in folders)
    assert ("/opt/x/bin" in folders) is ("/opt" in own)


def test_a_child_that_outlives_a_command_and_keeps_its_pipes_is_not_waited_for():
    answer = commands.run(["sh", "-c", "echo out; sleep 60 & exit 3"], 30, accepted=(3,))
    assert answer == (3, "out\n", "")


def test_nothing_goes_by_what_python_3_6_does_not_keep_of_a_command(monkeypatch):
    """There, what communicate() had read so far is lost when its time is over."""

    def communicate(self, *_, **__):
        raise AssertionError

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)
    script = "yes out | head -c 300000; yes err | head -c 300000 >&2; sleep 60 & exit 0"
    answer = commands.run(["sh", "-c", script], 30)
    assert (len(answer.output), len(answer.errors)) == (300000, 300000)


def test_a_command_that_closes_its_pipes_is_waited_for():
    assert commands.run(["sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 3"], 30, accepted=(3,)).code == 3
    with pytest.raises(Unmeasurable) as caught:
        commands.run(["sh", "-c", "exec >&- 2>&-; sleep 30"], 0.3)
    assert caught.value.code == "timed_out"


@pytest.mark.parametrize(
    ("argv", "code", "parameters"),
    [
        (["no-such-tool", "-x"], "tool_missing", {"tool": "no-such-tool"}),
        (["sh", "-c", "echo bad >&2; exit 2"], "command_failed", {"message": "bad"}),
        (
            ["sh", "-c", "echo patient 110101199003071234 >&2; exit 2"],
            "command_failed",
            {"message": "patient [identity]"},
        ),
        (["false"], "command_failed", {"command": "false", "message": "exit code 1"}),
        (["sleep", "30"], "timed_out", {"command": "sleep 30", "seconds": 0.2}),
    ],
)
def test_why_a_command_gave_nothing_is_told(argv, code, parameters):
    with pytest.raises(Unmeasurable) as caught:
        commands.run(argv, 0.2)
    assert caught.value.code == code
    assert parameters.items() <= caught.value.parameters.items()


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path):
    mark = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(Unmeasurable):
        commands.run(["sh", "-c", f"sh -c 'echo $$ > {mark}; sleep 60' & wait"], 0.5)
    assert time.monotonic() - started < 3
    child = int(mark.read_text())
    for _ in range(50):
        if not _alive(child):
            return
        time.sleep(0.1)
    pytest.fail("the child of a timed-out command is still at work")


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_lines_come_one_by_one_and_long_ones_are_cut():
    script = "import sys; sys.stdout.write('a\\n' + 'b' * 300000 + '\\nlast')"
    assert list(commands.lines(["python3", "-c", script], 10, longest=10)) == [b"a", b"b" * 10, b"last"]


def test_whoever_has_seen_enough_ends_the_command():
    with contextlib.closing(commands.lines(["yes"], 10)) as endless:
        assert next(endless) == b"y"
    children = commands.run(["ps", "-o", "comm=", "--ppid", str(os.getpid())], 5).output.split()
    assert "yes" not in children


def test_lines_that_never_come_time_out():
    with pytest.raises(Unmeasurable) as caught:
        list(commands.lines(["sleep", "30"], 0.2))
    assert caught.value.code == "timed_out"
