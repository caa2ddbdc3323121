"""Runs the host's own commands, bounded in time and size, and never waits for one that cannot die."""

import os
import select
import shutil
import signal
import subprocess
import time
from typing import Dict, Generator, Iterator, List, NamedTuple, Sequence, Tuple

from ..masking import mask
from .errors import Unmeasurable

#: Where system tools live, for logins whose PATH lacks sbin.
SYSTEM_PATHS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def search_path(own: str) -> str:
    """Return where to look for tools, a login's own PATH first; never in the folder that happens to be the current."""
    return os.pathsep.join([folder for folder in own.split(os.pathsep) if os.path.isabs(folder)] + list(SYSTEM_PATHS))


SEARCH_PATH = search_path(os.environ.get("PATH", ""))
MESSAGE_LENGTH = 200

#: Seconds for what a command printed to arrive when it has ended, and a child of its own holds the pipe open.
GRACE = 0.2


class Completed(NamedTuple):
    """What a command printed and its exit code."""

    code: int
    output: str
    errors: str


def available(tool: str) -> bool:
    """Return whether a tool is installed."""
    return shutil.which(tool, path=SEARCH_PATH) is not None


def run(argv: Sequence[str], timeout: float, accepted: Sequence[int] = (0,)) -> Completed:
    """Return what a command printed; ``timeout`` is in seconds.

    Raises Unmeasurable: tool_missing, timed_out, or command_failed for an exit code that is not accepted.
    """
    process = _start(argv, subprocess.PIPE)
    try:
        output, errors = _answer(process, time.monotonic() + timeout)
    except subprocess.TimeoutExpired:
        raise Unmeasurable("timed_out", command=_shown(argv), seconds=timeout) from None
    finally:
        _abandon(process)
    completed = Completed(process.returncode, text(output), text(errors))
    if completed.code not in accepted:
        message = completed.errors.strip() or completed.output.strip() or "exit code %d" % completed.code
        raise Unmeasurable("command_failed", command=_shown(argv), message=mask(message)[-MESSAGE_LENGTH:])
    return completed


def _answer(process: "subprocess.Popen[bytes]", deadline: float) -> Tuple[bytes, bytes]:
    """Return what a command printed; a child that outlives it and keeps its pipes is not waited for.

    Raises TimeoutExpired where the command itself has not ended by then.
    """
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    pipes = (process.stdout.fileno(), process.stderr.fileno())
    printed: Dict[int, List[bytes]] = {pipe: [] for pipe in pipes}
    still_open, last = list(pipes), None
    while still_open:
        if last is None and process.poll() is not None:
            last = time.monotonic() + GRACE
        left = (deadline if last is None else last) - time.monotonic()
        if left <= 0:
            break
        for pipe in select.select(still_open, [], [], min(GRACE, left))[0]:
            chunk = os.read(pipe, 1 << 18)
            printed[pipe].append(chunk)
            if not chunk:
                still_open.remove(pipe)
    process.wait(timeout=max(deadline - time.monotonic(), 0.0))
    output, errors = (b"".join(printed[pipe]) for pipe in pipes)
    return output, errors


def lines(argv: Sequence[str], timeout: float, longest: int = 65536) -> Generator[bytes, None, None]:
    """Yield a command's output line by line, without its newline; lines are cut to ``longest`` bytes.

    Closing the generator early ends the command. Raises Unmeasurable: tool_missing, timed_out, command_failed.
    """
    process = _start(argv, subprocess.DEVNULL)
    deadline = time.monotonic() + timeout
    try:
        for line in _split(process, argv, deadline, timeout, longest):
            yield line
        code = process.wait(timeout=max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise Unmeasurable("timed_out", command=_shown(argv), seconds=timeout) from None
    finally:
        _abandon(process)
    if code:
        raise Unmeasurable("command_failed", command=_shown(argv), message="exit code %d" % code)


def text(raw: bytes) -> str:
    """Return bytes from anywhere as text; what is not UTF-8 becomes U+FFFD."""
    return raw.decode("utf-8", "replace")


def _split(
    process: "subprocess.Popen[bytes]", argv: Sequence[str], deadline: float, timeout: float, longest: int
) -> Iterator[bytes]:
    assert process.stdout is not None  # noqa: S101
    descriptor = process.stdout.fileno()
    pending = b""
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select.select([descriptor], [], [], remaining)[0]:
            raise Unmeasurable("timed_out", command=_shown(argv), seconds=timeout)
        chunk = os.read(descriptor, 1 << 18)
        if not chunk:
            break
        parts = (pending + chunk).split(b"\n")
        pending = parts.pop()[:longest]
        for part in parts:
            yield part[:longest]
    if pending:
        yield pending


def _start(argv: Sequence[str], errors: int) -> "subprocess.Popen[bytes]":
    executable = shutil.which(argv[0], path=SEARCH_PATH)
    if executable is None:
        raise Unmeasurable("tool_missing", tool=argv[0])
    try:
        return subprocess.Popen(
            [executable] + list(argv[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise Unmeasurable("command_failed", command=_shown(argv), message=str(error)) from error


def _abandon(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of a command's session, and leave it be if the kernel cannot let go of it."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.returncode = -signal.SIGKILL  # in uninterruptible sleep: init will reap it


def _environment() -> Dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    environment.update({"LC_ALL": "C", "PATH": SEARCH_PATH, "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"})
    return environment


def _shown(argv: Sequence[str]) -> str:
    shown: List[str] = [os.path.basename(argv[0])] + list(argv[1:])
    return " ".join(shown)[:MESSAGE_LENGTH]
