from __future__ import annotations

import subprocess
import sys

import pytest
from ansible.module_utils.host import elevation, open_files, processes
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.open_files import Held, Status
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable

ABOUT = "pos:\t209715200\nflags:\t02100001\nmnt_id:\t343\nino:\t3343146\n"


def test_a_deleted_file_comes_with_what_the_kernel_knows_of_its_descriptor():
    text = (
        "/dev/null/proc/1/fd/0\0socket:[2588103]/proc/1/fd/12\0"
        f"/var/log/x.log (deleted)/proc/360/fd/3\0{ABOUT}/proc/360/fd/3\0//proc/360/fd/4\0"
    )
    assert open_files.parse_listing(text) == {
        1: {"0": Held("/dev/null"), "12": Held("socket:[2588103]")},
        360: {"3": Held("/var/log/x.log (deleted)", ABOUT), "4": Held("/")},
    }


def test_a_target_may_hold_anything():
    odd = "/tmp/a\n/proc/1/fd/0\nmnt_id:\t1\n\u6587\u4ef6 (deleted)"
    assert open_files.parse_listing(f"{odd}/proc/7/fd/3\0") == {7: {"3": Held(odd)}}
    assert open_files.parse_listing("") == {}


def test_what_stat_prints():
    text = "64768-3343146-81a4-0-409600-/proc/360/fd/3\nstat: odd\n"
    assert open_files.parse_status(text) == [Status("/proc/360/fd/3", 64768, 3343146, 0o100644, 0, 209715200)]


def test_only_what_may_not_be_known_is_denied():
    errors = (
        "find: '/proc/1569/fd/6': No such file or directory\n"
        "find: '/proc/1483': No such process\n"
        "/bin/cat: ../fdinfo/./9: No such file or directory\n"
        "find: '/proc/5/fd': Permission denied\n"
        "find: '/proc/1/fd/0': Permission denied\n"
        "stat: cannot stat '/proc/7/fd/3': Permission denied\n"
    )
    assert open_files.parse_denied(errors) == {1, 5, 7}


HOLDER = (
    "import os, sys; f = open(sys.argv[1], 'wb'); f.write(b'x' * 3000000); f.flush(); os.fsync(f.fileno());"
    "g = os.dup(f.fileno()); os.unlink(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
)


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds a deleted file open, twice."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "gone away")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.close()


@pytest.fixture
def ordinary(tmp_path, monkeypatch):
    """Make an inspection that may not look into any process: ordinary(script of sudo) → its context, what was asked."""

    def denied(*_):
        raise PermissionError

    monkeypatch.setattr(processes, "_descriptors", denied)

    def make(script='exec "$@"', **inputs):
        asked = tmp_path / "asked"
        asked.touch()
        (tmp_path / "sudo").write_text(f'#!/bin/sh\necho "$*" >>{asked}\nshift 2\n{script}\n')
        (tmp_path / "sudo").chmod(0o755)
        monkeypatch.setattr(elevation.commands, "SEARCH_PATH", f"{tmp_path}:/usr/bin:/bin")
        context = Context(Inputs(DEFAULT_THRESHOLDS, **{"sudo": True, **inputs}))
        context.privileged = False
        return context, asked

    return make


def test_a_file_that_another_user_holds_is_found_through_sudo_and_counts_once(ordinary, holder, tmp_path):
    context, _ = ordinary()
    walk = context.once(processes.snapshot)
    held = [file for file in walk.deleted if file.pid == holder.pid]
    assert [file.path for file in held] == [str(tmp_path / "gone away")]
    assert 3_000_000 <= held[0].bytes < 3_100_000
    assert next(usage.open for usage in walk.usages if usage.process.pid == holder.pid) >= 5
    assert walk.refusal is None


def test_a_file_on_a_network_mount_is_not_asked_for(ordinary, holder, monkeypatch):
    monkeypatch.setattr(processes, "is_network", lambda _mount: True)
    context, asked = ordinary()
    walk = context.once(processes.snapshot)
    assert walk.served >= 2
    assert walk.deleted == []
    assert "stat" not in asked.read_text()


def test_many_files_are_asked_for_in_bounded_command_lines(ordinary, monkeypatch):
    context, asked = ordinary("echo")
    paths = [f"/proc/{pid}/fd/3" for pid in range(120)]
    assert list(open_files.statuses(context, paths, set())) == []
    assert [line.count("/proc/") for line in asked.read_text().splitlines()] == [50, 50, 20]
    context, _ = ordinary("echo", command_timeout=1e-9)
    with pytest.raises(Unmeasurable) as caught:
        list(open_files.statuses(context, paths, set()))
    assert caught.value.code == "timed_out"


REFUSE = "echo 'sudo: a password is required' >&2; exit 1"


@pytest.mark.parametrize(
    ("script", "command"),
    [(REFUSE, "sudo /usr/bin/find"), (f'case "$*" in *stat*) {REFUSE};; esac; exec "$@"', "sudo /usr/bin/stat")],
)
def test_what_sudo_refuses_is_unknown(ordinary, holder, script, command):
    context, asked = ordinary(script)
    (seen,) = processes.deleted_open(context)
    assert (seen.level, seen.value) == ("unknown", None)
    assert seen.reason == {"code": "not_permitted", "parameters": {"command": command}}
    assert seen.detail["hidden_processes"] >= 1
    assert asked.read_text().count(command.split("/")[-1] + " ") == 1


def test_a_process_that_even_root_may_not_look_into_stays_unknown(ordinary, holder):
    script = f'"$@"; echo "find: \'/proc/{holder.pid}/fd\': Permission denied" >&2; exit 1'
    (seen,) = processes.deleted_open(ordinary(script)[0])
    assert (seen.level, seen.reason["code"]) == ("unknown", "not_permitted")


def test_a_find_that_shows_nothing_at_all_has_failed(ordinary):
    (seen,) = processes.deleted_open(ordinary("exit 0")[0])
    assert (seen.level, seen.reason["code"]) == ("unknown", "command_failed")


def test_without_the_input_sudo_is_not_asked(ordinary, holder):
    context, asked = ordinary(sudo=False)
    (seen,) = processes.deleted_open(context)
    assert seen.reason == {"code": "not_permitted", "parameters": {"path": "/proc/*/fd"}}
    assert asked.read_text() == ""


def test_without_a_check_that_needs_descriptors_sudo_is_not_asked(ordinary):
    context, asked = ordinary(checks=["process.zombies"])
    list(processes.zombies(context))
    assert asked.read_text() == ""
