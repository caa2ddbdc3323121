"""What is asked of sudo is what the README tells a host's owner to allow, and a refusal is never a fine value."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
from ansible.module_utils.host import elevation
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.measuring.errors import Unmeasurable

PROJECT = Path(__file__).resolve().parents[4]
README = PROJECT / "roles" / "host_inspection" / "README.md"
LAB = PROJECT / "molecule" / "lab" / "files" / "hosts" / "sudoers-inspector"


def documented():
    """Return the sudoers file that the README shows."""
    text = README.read_text(encoding="utf-8")
    return textwrap.dedent(re.search(r"^    Defaults:inspector.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)[0]).strip()


def test_the_readme_allows_what_is_asked_of_sudo_and_nothing_else():
    groups = {}
    for allowed in elevation.ALLOWED:
        arguments = re.sub(r"([,:=\\])", r"\\\1", allowed.arguments)  # sudoers(5) wants these escaped
        groups.setdefault(allowed.group, []).append(" ".join((*elevation.BOUND, allowed.program, arguments)))
    lists = [f"Cmnd_Alias WEIBAO_{name} = \\\n    " + ", \\\n    ".join(entries) for name, entries in groups.items()]
    names = ", ".join(f"WEIBAO_{name}" for name in groups)
    last = f"inspector ALL=(root) NOPASSWD: {names}"
    assert documented() == "\n".join(["Defaults:inspector !requiretty", *lists, last])


def test_the_lab_grants_what_the_readme_says():
    lines = LAB.read_text(encoding="utf-8").splitlines()
    assert "\n".join(line for line in lines if not line.startswith("#")) == documented()


def test_sudo_understands_the_text(tmp_path):
    if shutil.which("visudo") is None:
        pytest.skip("sudo is not installed here; the lab's host without root has it")
    (tmp_path / "sudoers").write_text(documented() + "\n")
    answer = subprocess.run(
        ["visudo", "-c", "-f", tmp_path / "sudoers"], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    "command",
    [
        elevation.FIND,
        elevation.STAT + " /proc/1/fd/0 /proc/4194304/fd/1023",
        "smartctl --json --scan-open",
        "/usr/local/sbin/smartctl --json -i -H -A -d auto /dev/sdaa",
        "smartctl --json -i -H -A -d auto /dev/nvme0",
        "smartctl --json -l error -d megaraid,12 /dev/bus/0",
        "smartctl --json -i -H -A -d sat+megaraid,3 /dev/bus/0",
        "storcli64 /call/vall show J nolog",
        "/opt/MegaRAID/perccli/perccli64 /call/vall show J nolog",
    ],
)
def test_a_command_is_covered_wherever_its_program_lies(command):
    assert elevation.covering(command.split()) is not None


@pytest.mark.parametrize(
    "command",
    [
        "find /proc -delete",
        elevation.FIND.replace("/proc/*/fd/*", "/proc/1/fd/3"),
        elevation.FIND + " -delete",
        elevation.FIND.replace("/bin/cat", "/bin/rm"),
        "smartctl --json -i -H -A -d auto -s off /dev/sda",
        "smartctl --json -i -H -A -d auto /dev/sda -t long",
        "smartctl --json -i -H -A -d auto /dev/sda1",
        "smartctl --json -l error -d megaraid,0 /dev/bus/0 /dev/sda",
        "storcli64 /call/vall delete J nolog",
        "stat /etc/shadow",
        "cat /etc/shadow",
    ],
)
def test_no_pattern_lets_anything_through_that_could_change_a_host(command):
    assert elevation.covering(command.split()) is None


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """Put a sudo of our own first in the path: sudo(script) → the function that runs FIND, and what sudo was asked."""

    def install(script, *, allowed=True, timeout=20.0):
        asked = tmp_path / "asked"
        asked.touch()
        if script is not None:
            (tmp_path / "sudo").write_text(f'#!/bin/sh\necho "$*" >>{asked}\nshift 2\n{script}\n')
            (tmp_path / "sudo").chmod(0o755)
        path = os.pathsep.join([str(tmp_path), "/usr/bin", "/bin"]) if script is not None else str(tmp_path)
        monkeypatch.setattr(elevation.commands, "SEARCH_PATH", path)
        context = Context(Inputs({}, sudo=allowed, command_timeout=timeout))
        context.privileged = False
        return lambda accepted=(0,): elevation.run(context, elevation.FIND.split(), accepted), asked

    return install


def reason(run, *arguments):
    with pytest.raises(Unmeasurable) as caught:
        run(*arguments)
    return caught.value.code, caught.value.parameters


def test_the_command_is_asked_for_without_a_password_and_ends_itself(sudo):
    run, asked = sudo("echo done")
    assert run().output == "done\n"
    assert asked.read_text() == f"-n -- /usr/bin/timeout -k 5 60 {elevation.FIND}\n"


@pytest.mark.parametrize(
    "words",
    [
        "sudo: a password is required",
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: no tty present and no askpass program specified",
        "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set",
        "Sorry, user inspector is not allowed to execute '/usr/bin/find /proc' as root on legacy.",
        "Sorry, user inspector may not run sudo on legacy.",
        "inspector is not in the sudoers file.  This incident will be reported.",
        "inspector is not allowed to run sudo on legacy.  This incident will be reported.",
        "sudo: unable to resolve host legacy: Name or service not known\nsudo: a password is required",
    ],
)
def test_a_refusal_is_not_permitted_and_not_asked_for_again(sudo, words):
    run, asked = sudo(f'cat >&2 <<"END"\n{words}\nEND\nexit 1')
    assert reason(run) == ("not_permitted", {"command": "sudo /usr/bin/find"})
    assert reason(run) == ("not_permitted", {"command": "sudo /usr/bin/find"})
    assert len(asked.read_text().splitlines()) == 1


def test_a_warning_of_sudo_is_no_refusal(sudo):
    run, _ = sudo("echo 'sudo: unable to resolve host legacy: Name or service not known' >&2; exit 1")
    assert run((0, 1)).code == 1
    run, _ = sudo("echo 'sudo: unable to resolve host legacy' >&2; echo 'find: gone' >&2; exit 1")
    code, parameters = reason(run)
    assert (code, parameters["command"]) == ("command_failed", "sudo /usr/bin/find")
    assert parameters["message"].endswith("find: gone")


def test_where_sudo_is_missing_nothing_is_permitted(sudo):
    run, _ = sudo(None)
    assert reason(run) == ("not_permitted", {"command": "sudo /usr/bin/find"})


def test_without_the_input_sudo_is_never_asked(sudo):
    run, asked = sudo("echo done", allowed=False)
    assert reason(run) == ("not_permitted", {"command": "find"})
    assert asked.read_text() == ""


def test_a_command_that_gives_no_answer_is_left_behind(sudo):
    run, _ = sudo("exec sleep 5", timeout=0.3)
    assert reason(run) == ("timed_out", {"command": "sudo /usr/bin/find", "seconds": 0.3})


@pytest.mark.parametrize("code", [124, 137])
def test_a_command_that_had_to_end_itself_has_timed_out(sudo, code):
    run, _ = sudo(f"echo half; exit {code}")
    assert reason(run) == ("timed_out", {"command": "sudo /usr/bin/find", "seconds": 60})


def test_root_asks_nobody(sudo, monkeypatch):
    _, asked = sudo("echo done")
    context = Context(Inputs({}, sudo=True))
    context.privileged = True
    assert elevation.run(context, ["echo", "hello"]).output == "hello\n"
    assert asked.read_text() == ""
