"""Locks are held by real processes, as dpkg and rpm hold theirs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible.module_utils.host import locks

HOLD = """
import fcntl, sys
stream = open(sys.argv[1], sys.argv[2])
fcntl.lockf(stream, int(sys.argv[3]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A file that another process locks with the given mode and kind of lock."""
    processes = []

    def hold(mode, kind):
        path = tmp_path / "lock"
        path.touch()
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, path, mode, str(int(kind))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return str(path), process

    yield hold
    for process in processes:
        process.communicate(timeout=10)


def test_who_holds_a_lock_until_it_ends(held):
    path, process = held("w", locks.fcntl.LOCK_EX)
    assert locks.holder(path).startswith("python")
    process.communicate(timeout=10)
    assert locks.holder(path) is None


def test_a_reader_changes_nothing(held):
    path, _ = held("r", locks.fcntl.LOCK_SH)
    assert locks.holder(path) is None


def test_a_lock_that_does_not_exist_is_free(tmp_path):
    assert locks.holder(str(tmp_path / "none")) is None
