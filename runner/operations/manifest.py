"""A run's manifest: what was intended, known before it starts, and what came of it, known at its end."""

from __future__ import annotations

import os
import platform
import pwd
import secrets
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.evidence.canonical import timestamp

if TYPE_CHECKING:
    from runner.contract.people import People
    from runner.evidence.events import Ending, EventStream
    from runner.evidence.redaction import Redactor

#: What the system tells of a process that nobody logged in for.
_NOBODY = 2**32 - 1

#: What of the intent serves the next command only, should this one die, and is no evidence.
PRIVATE = ("head",)


def new_run_id(procedure: str) -> str:
    """Return an id that sorts by time, names the procedure, and is unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{procedure}-{secrets.token_hex(3)}"


def operator(people: People) -> dict[str, str | None]:
    """Return who runs the program: the login, behind sudo too, and the person's name if the site knows it."""
    account = _account()
    try:
        login = pwd.getpwuid(account).pw_name
    except KeyError:
        login = str(account)
    person = people.by_login(login)
    return {"login": login, "name": person.name if person else None}


def _account() -> int:
    """Return the account that somebody logged in to, as the system tells it, or the process's own.

    What anybody can set in their environment is believed only below a sudo that the system runs, which sets it anew.
    """
    with suppress(OSError, ValueError):
        came_in = int(Path("/proc/self/loginuid").read_text())
        if came_in != _NOBODY:
            return came_in
    behind = os.environ.get("SUDO_UID", "")
    return int(behind) if behind.isdecimal() and _below_sudo() else os.getuid()


def _below_sudo() -> bool:
    """Return whether a sudo of root's is among the processes that led here."""
    process = os.getppid()
    with suppress(OSError, KeyError, ValueError):
        while process > 1:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            told = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
            if told["Name"] == ["sudo"] and told["Uid"][1] == "0":
                return True
            process = int(told["PPid"][0])
    return False


def source_of(project: Path) -> dict[str, Any] | None:
    """Return the commit that runs, and whether files differ from it; None outside of a git checkout."""
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": _git(project, "status", "--porcelain") != ""}


def _git(project: Path, *arguments: str) -> str | None:
    # A clone that another user owns is read all the same; nothing of its configuration is run.
    settings = ("-c", "core.fsmonitor=false", "-c", "safe.directory=*")
    command = ["git", "-C", str(project), *settings, *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def tool() -> dict[str, str]:
    """Return the versions of what ran."""
    return {
        "weibao": version("weibao"),
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "ansible_runner": version("ansible-runner"),
    }


def manifest_of(
    intent: dict[str, Any],
    stream: EventStream,
    ending: Ending,
    redactor: Redactor | None,
    ended: str | None = None,
) -> dict[str, Any]:
    """Return the manifest of a run that ended; hashes and sizes are added when it is sealed.

    Without the redactor, of a run sealed after its program died, nobody knows how often it redacted.
    """
    sealed = timestamp()
    return {
        **{key: value for key, value in intent.items() if key not in PRIVATE},
        "ended": ended or sealed,
        "sealed": sealed,
        "events": stream.count,
        "hosts": stream.outcomes(intent["observations_owed"]),
        "levels": dict(sorted(stream.levels.items())),
        "ending": ending.as_dict(),
        "redactions": dict(sorted(redactor.counts.items())) if redactor else None,
        "secrets_too_short": list(redactor.too_short) if redactor else None,
        "verdict": stream.verdict(ending, intent["observations_owed"]).as_dict(),
    }
