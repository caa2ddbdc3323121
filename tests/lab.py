"""The lab as tests see it: made and removed by its playbooks, looked at through SSH and from outside.

The hosts are those of inventories/lab/hosts.yml. Nothing here knows how they are made: molecule/lab/ does.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import testinfra
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from testinfra.host import Host

PROJECT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "molecule" / "lab" / "files"
INVENTORY = PROJECT / "inventories" / "lab" / "hosts.yml"
STATE = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "weibao-lab"

# Programs of the virtualenv that runs the tests come first, as if it were activated; testinfra looks there too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class LabError(Exception):
    """The lab, or a command in it, did not do what it must; the message holds the output."""


def obstacle() -> str | None:
    """Tell why the lab cannot run on this machine, or None if it can."""
    answer = subprocess.run([SCRIPTS / "preflight.sh"], capture_output=True, text=True, check=False)
    return None if answer.returncode == 0 else (answer.stdout or answer.stderr).strip()


def command(
    arguments: Sequence[str | Path], environment: Mapping[str, str] | None = None, timeout: float = 1200
) -> str:
    """Run a program in the project's folder; return its standard output.

    `environment` is added to the tests' own; `timeout` is in seconds. Raises LabError, with the output.
    """
    line = " ".join(map(str, arguments))
    try:
        done = subprocess.run(
            arguments,
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as stopped:
        said = b"".join(words for words in (stopped.stdout, stopped.stderr) if isinstance(words, bytes))
        raise LabError(f"{line}: not done after {timeout} s\n{said.decode(errors='replace')}") from None
    if done.returncode != 0:
        raise LabError(f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Lab:
    """The hosts of the lab."""

    inventory = INVENTORY

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The hosts' names, in the inventory's order."""
        groups = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["lab"]["children"]
        return tuple(name for group in groups.values() for name in group["hosts"])

    def create(self) -> str:
        """Make every host that is missing, broken or out of date; return Ansible's output."""
        return self._playbook("create.yml")

    def destroy(self) -> str:
        """Remove every host; return Ansible's output."""
        return self._playbook("destroy.yml")

    def status(self) -> dict[str, str]:
        """Return each host's state in podman's words, "missing" where there is none."""
        if shutil.which("podman") is None:
            return dict.fromkeys(self.names, "missing")
        listed = json.loads(command(["podman", "ps", "--all", "--format", "json"], timeout=60))
        states = {container["Names"][0]: container["State"] for container in listed}
        return {name: states.get(_container(name), "missing") for name in self.names}

    def answers(self) -> bool:
        """Tell whether every host is up. One whose processes went with a session still counts as running for podman."""
        ready = (subprocess.run([SCRIPTS / "ready.sh", _container(name), "1"], check=False) for name in self.names)
        return set(self.status().values()) == {"running"} and all(done.returncode == 0 for done in ready)

    def host(self, name: str) -> Host:
        """Return a host as testinfra sees it, through SSH with what the inventory says."""
        return testinfra.get_host(f"ansible://{name}", ansible_inventory=str(INVENTORY))

    def podman(self, name: str, *arguments: str, timeout: float = 120) -> str:
        """Run a command in a host from outside, past its sshd; return its output or raise LabError."""
        return command(["podman", "exec", _container(name), *arguments], timeout=timeout)

    def shell(self, name: str, script: str, timeout: float = 120) -> str:
        """Run a shell script in a host from outside, as root; return its output, or raise LabError if a line fails."""
        return self.podman(name, "sh", "-euc", script, timeout=timeout)

    def pause(self, name: str) -> None:
        """Freeze a host: what talks to it hangs."""
        command(["podman", "pause", _container(name)], timeout=60)

    def resume(self, name: str) -> None:
        """Let a frozen host go on."""
        command(["podman", "unpause", _container(name)], timeout=60)

    def kill(self, name: str) -> None:
        """End a host at once, as if its power were cut."""
        command(["podman", "kill", _container(name)], timeout=60)

    def start(self, name: str) -> None:
        """Start a host that was killed, and wait until its services and its sshd are up."""
        # Not in the project: what looks after a container leaves a file there, should the container run out of memory.
        command(["env", f"--chdir={STATE}", "podman", "--runtime", "runc", "start", _container(name)], timeout=60)
        command([SCRIPTS / "ready.sh", _container(name), "60"], timeout=120)

    def journal(self, name: str, lines: int = 40) -> str:
        """Return the last lines of a host's journal, or why there are none."""
        try:
            return self.podman(name, "journalctl", "--no-pager", "--lines", str(lines))
        except LabError as error:
            return str(error)

    def _playbook(self, name: str) -> str:
        return command(
            ["ansible-playbook", "-i", INVENTORY, PROJECT / "molecule" / "lab" / name],
            {"WEIBAO_LAB_OWNER": str(os.getpid())},
        )


def _container(name: str) -> str:
    return f"weibao-lab-{name}"


@contextmanager
def in_use() -> Iterator[bool]:
    """Hold the lab for this process, so that no other one removes it; yield whether to remove it at the end.

    A lab that someone made by hand is only borrowed. What a killed run has left is removed like a lab of our
    own: the file still says that this run had made it. Raises LabError if another run holds the lab.
    """
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (STATE / "in-use").open("a+", encoding="utf-8") as holder:
        holder.seek(0)
        process, _, origin = holder.read().partition(" ")
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"the lab is in use by the test run with process id {process}") from None
        ours = origin == "made" or not Lab().answers()
        _replace(holder, f"{os.getpid()} {'made' if ours else 'borrowed'}")
        yield ours
        _replace(holder, "")


def _replace(holder: TextIO, text: str) -> None:
    holder.truncate(0)
    holder.write(text)
    holder.flush()
