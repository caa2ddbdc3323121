"""Who runs the program: by the account, and not by what anybody can say in their environment."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from runner.site import PROJECT
from tests.changing import login

ASK = """
import os
from runner.contract.people import People
from runner.operations.manifest import operator
os.setuid(int(os.environ["AS"]))
print(operator(People(schema_version=1))["login"])
"""


def asked(account: int, **environment: str) -> str:
    """Return the login that a program of an account tells."""
    given = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "AS": str(account), **environment}
    command = (sys.executable, "-c", ASK)
    return subprocess.run(command, cwd=PROJECT, env=given, check=True, capture_output=True, text=True).stdout.strip()


def test_a_name_in_the_environment_is_nobody() -> None:
    names = dict.fromkeys(("SUDO_USER", "LOGNAME", "USER"), "nobody")
    assert asked(os.getuid(), **names) == login()


@pytest.mark.skipif(os.getuid() != 0 or login() != "root", reason="only root can become somebody else")
def test_nobody_is_behind_a_sudo_that_the_system_does_not_show() -> None:
    other, nobody = pwd.getpwnam("daemon"), str(pwd.getpwnam("nobody").pw_uid)
    assert asked(other.pw_uid, SUDO_UID=nobody) == "daemon"
    assert asked(0, SUDO_UID=nobody) == "root"
