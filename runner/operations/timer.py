"""Use case: a timer calls ``weibao schedule tick``: a systemd timer, or cron where there is no systemd.

Root installs for the machine, everybody else for themselves. What is there already stays as it is; what is no longer
wanted is removed without a trace.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner.errors import BadInput, MachineError
from runner.execution.environment import ALLOWED_SETTINGS
from runner.site import PROJECT

if TYPE_CHECKING:
    from runner.site import Site

System = Literal["systemd", "cron"]

#: How many minutes may lie between two ticks: what an hour is divided by.
MINUTES = ("5", "10", "15", "20", "30", "60")

#: What of the caller's environment a tick needs, beside what opens vaults and logs in; none of it is a secret.
_KEPT = ("WEIBAO_SITES", *sorted(ALLOWED_SETTINGS))

#: What the widely used crons take of a line; of a longer one they run the beginning.
_LONGEST_LINE = 998

_ROOT = Path("/")


@dataclass(frozen=True)
class Timer:
    """What calls a site's ticks, and where it stands; ``root`` is / but for tests."""

    site: Site
    language: str
    minutes: int
    description: str
    system: System
    user: str
    home: Path
    root: Path = _ROOT

    @property
    def name(self) -> str:
        """Return the name of the units: of plain letters, as cron wants it, and no other site's."""
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", self.site.name)
        digest = hashlib.sha256(self.site.name.encode()).hexdigest()[:8]
        return f"weibao-{plain}" if plain == self.site.name else f"weibao-{plain}-{digest}"

    @property
    def for_machine(self) -> bool:
        """Return whether it is installed for the machine."""
        return self.user == "root"

    @property
    def variables_file(self) -> Path:
        """Return the file in which people may keep variables that a tick needs and that are secrets."""
        folder = self.root / "etc/weibao" if self.for_machine else self.home / ".config/weibao"
        return folder / f"{self.name}.env"

    @property
    def account(self) -> str:
        """Return who runs the ticks: root's timer runs them as whom the site's state belongs to."""
        try:
            return self.site.state.owner() if self.for_machine else self.user
        except (OSError, KeyError):
            return self.user

    def command(self) -> list[str]:
        """Return the call of a tick."""
        options = ["--site", self.site.name, "--home", str(self.site.state.parent), "--lang", self.language]
        return [sys.executable, "-m", "runner.cli", *options, "schedule", "tick"]

    def environment(self) -> dict[str, str]:
        """Return the variables that a tick is called with."""
        return {"LANG": "C.UTF-8", **{name: os.environ[name] for name in _KEPT if os.environ.get(name)}}

    def files(self) -> dict[Path, str]:
        """Return the files to be written; for a user's crontab, which is no file of ours, its lines."""
        if self.system == "systemd":
            folder = self.root / "etc/systemd/system" if self.for_machine else self.home / ".config/systemd/user"
            return {folder / f"{self.name}.service": _service(self), folder / f"{self.name}.timer": _timer(self)}
        if self.for_machine:
            return {self.root / "etc/cron.d" / self.name: _cron_lines(self, f"{self.account} ")}
        return {Path("crontab"): _cron_lines(self, "")}


def system_here() -> System:
    """Return what runs timers on this machine; raises MachineError where nothing does."""
    if Path("/run/systemd/system").is_dir() and shutil.which("systemctl"):
        return "systemd"
    if shutil.which("crontab"):
        return "cron"
    raise MachineError("neither systemd nor cron runs here: call `weibao schedule tick` from whatever does")


def timer_of(site: Site, language: str, minutes: int, description: str, system: System | None) -> Timer:
    """Return the timer that this user would install; raises BadInput where a path cannot stand in its files."""
    user = "root" if os.geteuid() == 0 else getpass.getuser()
    timer = Timer(site, language, minutes, description, system or system_here(), user, Path.home())
    for text in (*timer.command(), *timer.environment().values(), str(PROJECT)):
        if not text.isprintable():
            raise BadInput(f"{text!r}: cannot stand in the files of a timer")
    longest = max(len(line.encode()) for text in timer.files().values() for line in text.splitlines())
    if timer.system == "cron" and longest > _LONGEST_LINE:
        raise BadInput(
            f"the line for cron has {longest} bytes, and cron takes {_LONGEST_LINE}: "
            f"move {' and '.join(timer.environment())} into {timer.variables_file}, or use shorter paths"
        )
    return timer


def install(timer: Timer, *, dry_run: bool) -> bool:
    """Put the timer in place and start it; return whether anything had to be written.

    ``dry_run`` only tells whether it would. Raises MachineError where the units do not verify, or this machine does
    not take them.
    """
    if timer.system == "systemd":
        _verify(timer)
    changed = any(_present(path, timer) != text for path, text in timer.files().items())
    if dry_run:
        return changed
    if changed:
        for path, text in timer.files().items():
            _put(path, text, timer)
    if timer.system == "systemd":
        _systemctl(timer, "daemon-reload")
        _systemctl(timer, "enable", "--now", f"{timer.name}.timer")
    return changed


def remove(timer: Timer, *, dry_run: bool) -> bool:
    """Take the timer away; return whether there was one."""
    there = [path for path in timer.files() if _present(path, timer) is not None]
    if dry_run or not there:
        return bool(there)
    # What a half made installation left may lack the timer, which systemd then does not know.
    if timer.system == "systemd" and any(path.suffix == ".timer" for path in there):
        _systemctl(timer, "disable", "--now", f"{timer.name}.timer")
    for path in there:
        _put(path, None, timer)
    if timer.system == "systemd":
        _systemctl(timer, "daemon-reload")
    return True


def lingers(timer: Timer) -> bool:
    """Return whether the timer goes on when its user logs out."""
    if timer.for_machine or timer.system != "systemd":
        return True
    return (timer.root / "var/lib/systemd/linger" / timer.user).exists()


# -- what is written -----------------------------------------------------------------------------------------


def _service(timer: Timer) -> str:
    variables = "".join(f"Environment={_unit_word(f'{key}={text}')}\n" for key, text in timer.environment().items())
    # In the words of a command, but not in the program's own, a dollar sign begins a variable.
    program, *words = map(_unit_word, timer.command())
    command = " ".join([program, *(word.replace("$", "$$") for word in words)])
    account = f"User={timer.account}\n" if timer.for_machine and timer.account != "root" else ""
    return (
        f"[Unit]\nDescription={_escaped(timer.description)}\n"
        "Wants=network-online.target\nAfter=network-online.target\n\n"
        f"[Service]\nType=oneshot\n{account}WorkingDirectory={_escaped(str(PROJECT))}\n{variables}"
        f"EnvironmentFile=-{_escaped(str(timer.variables_file))}\nExecStart={command}\n"
        # Findings are told by the site's channels; only what keeps a tick from its work makes the unit fail.
        "SuccessExitStatus=1\n"
        # A stop lets the run be sealed, and ends what is left of it afterwards.
        "KillMode=mixed\nNice=10\n"
    )


def _timer(timer: Timer) -> str:
    calendar = "hourly" if timer.minutes == 60 else f"*:0/{timer.minutes}"
    return (
        f"[Unit]\nDescription={_escaped(timer.description)}\n\n"
        f"[Timer]\nOnCalendar={calendar}\nAccuracySec=30s\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _unit_word(text: str) -> str:
    """Return a word as a unit file quotes it."""
    quoted = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _cron_lines(timer: Timer, user: str) -> str:
    every = "0" if timer.minutes == 60 else f"*/{timer.minutes}"
    variables = " ".join(f"{key}={shlex.quote(text)}" for key, text in timer.environment().items())
    own = shlex.quote(str(timer.variables_file))
    steps = (
        f"cd {shlex.quote(str(PROJECT))}",
        f"{{ set -a; [ ! -r {own} ] || . {own}; set +a; {variables} {shlex.join(timer.command())} 2>&1; }}",
    )
    # To the system's log, since cron would mail each line; in its files a percent sign ends the line.
    line = f"{' && '.join(steps)} | logger -t {timer.name}".replace("%", "\\%")
    return f"# {timer.name}: weibao schedule install\n{every} * * * * {user}{line}\n"


# -- where it is written -------------------------------------------------------------------------------------


def _present(path: Path, timer: Timer) -> str | None:
    """Return what is in place, or None."""
    if path == Path("crontab"):
        ours = [line for line in _crontab().splitlines(keepends=True) if _is_ours(line, timer)]
        return "".join(ours) if ours else None
    try:
        return path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, ValueError) as error:
        raise MachineError(f"{path}: cannot be read: {error}") from error


def _is_ours(line: str, timer: Timer) -> bool:
    """Return whether a line of a crontab is this timer's: its comment, or its call, wherever somebody moved them."""
    return line.startswith(f"# {timer.name}:") or line.rstrip().endswith(f"| logger -t {timer.name}")


def _put(path: Path, text: str | None, timer: Timer) -> None:
    """Write what belongs in place, or take away what is there."""
    if path == Path("crontab"):
        rest = [line for line in _crontab().splitlines() if not _is_ours(line, timer)]
        _call(["crontab", "-"], "".join(f"{line}\n" for line in rest) + (text or ""))
        return
    try:
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.tmp")
            temporary.write_text(text, encoding="utf-8")
            temporary.chmod(0o644)
            temporary.replace(path)
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror}") from error


def _crontab() -> str:
    """Return the user's crontab; none is an empty one, but one that cannot be read must not be written over."""
    result = subprocess.run(
        ["crontab", "-l"], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    if result.returncode and "no crontab" not in result.stderr:
        raise MachineError(f"crontab -l: {result.stderr.strip() or f'ended with {result.returncode}'}")
    return result.stdout if result.returncode == 0 else ""


def _systemctl(timer: Timer, *arguments: str) -> None:
    _call(["systemctl", *([] if timer.for_machine else ["--user"]), *arguments])


def _call(command: list[str], given: str | None = None) -> None:
    try:
        result = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{shlex.join(command)}: {error}") from error
    if result.returncode:
        raise MachineError(f"{shlex.join(command)}: {result.stderr.strip() or f'ended with {result.returncode}'}")


def _verify(timer: Timer) -> None:
    """Raise MachineError for what systemd would find wrong with the units; where it cannot look, nothing is found."""
    if not shutil.which("systemd-analyze"):
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for path, text in timer.files().items():
            paths.append(Path(folder, path.name))
            paths[-1].write_text(text, encoding="utf-8")
        command = ["systemd-analyze", "verify", *map(str, paths)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    wrong = [line for line in result.stderr.splitlines() if timer.name in line]
    if wrong:
        raise MachineError("\n".join(wrong))
