"""What the runner tells the gate of the change that is being executed: a file that its environment names."""

import datetime
import json
import math
import os
import stat
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from ..measuring.moments import parse_moment

#: The environment variables that name the file, and the run that it is for.
VARIABLE = "WEIBAO_CHANGE"
RUN = "WEIBAO_RUN_ID"

#: How the run's own folder is called, in which the file lies.
FOLDER = "weibao-%s-"

SCHEMA_VERSION = 1

#: Bytes of a token, at the most.
LARGEST = 65536

#: Why a play stops that has no token, in the words of whoever started it.
WITHOUT = """本规程会变更主机，而没有收到已批准的变更：未做任何操作。
This playbook changes hosts, and no approved change was handed over: nothing was touched.

Changes are applied for, approved, and carried out inside their window:
    weibao change request FILE      apply, with plan, window and way back
    weibao change approve NUMBER    the purchaser approves
    weibao change execute NUMBER    carries it out inside the window
To only see what would be done, add --check."""


class Token(NamedTuple):
    """The change: ``ends`` in seconds of the epoch, None without a window; ``planned`` seconds a batch, if known.

    ``folder`` is the run's own, in which the token lies.
    """

    folder: str
    run: str
    change: Optional[str]
    ends: Optional[float]
    reserve: float
    planned: Optional[float]


class Refused(Exception):
    """The gate stays shut; the message says why."""


def read_token(environment: Mapping[str, str]) -> Token:
    """Return the token that an environment names. Raises Refused unless it lies in the folder of its run."""
    path = environment.get(VARIABLE)
    if not path:
        raise Refused(WITHOUT)
    token = parse_token(private_content(path), os.path.dirname(path))
    if environment.get(RUN) != token.run or not os.path.basename(token.folder).startswith(FOLDER % token.run):
        raise Refused("%s: is the token of another run, %s\n\n%s" % (path, token.run, WITHOUT))
    return token


def parse_token(content: bytes, folder: str = "") -> Token:
    """Return what a token says: a change and its window, unless it calls itself a routine. Raises Refused."""
    try:
        told = _versioned(json.loads(content.decode("utf-8")))
        change, ends = _routine(told) if told.get("routine") is True else _under_change(told)
        planned = told.get("batch_seconds")
        return Token(
            folder=folder,
            run=_text(told["run"]),
            change=change,
            ends=ends,
            reserve=_seconds(told.get("reserve_seconds", 0)),
            planned=None if planned is None else _seconds(planned),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Refused("the token of the change cannot be read: %s" % error) from error


def _versioned(told: Any) -> Any:
    if told["schema_version"] != SCHEMA_VERSION:
        raise ValueError("schema_version %r" % told["schema_version"])
    return told


def _routine(told: Mapping[str, Any]) -> Tuple[None, None]:
    if told.get("change") is not None or told.get("window_end") is not None:
        raise ValueError("a routine has neither change nor window_end")
    return None, None


def _under_change(told: Mapping[str, Any]) -> Tuple[str, float]:
    ends = parse_moment(_text(told["window_end"]))
    if ends is None:
        raise ValueError("window_end is no moment")
    return _text(told["change"]), ends


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("%r is no text" % (value,))
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError("%r are no seconds" % (value,))
    return float(value)


def private_content(path: str, largest: int = LARGEST) -> bytes:
    """Return a file's content; raises Refused unless it is a plain one, no larger, and, as its folder, ours alone."""
    try:
        folder = os.lstat(os.path.dirname(path) or ".")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("%s: cannot be opened: %s\n\n%s" % (path, error.strerror, WITHOUT)) from error
    try:
        if not (_is_ours(folder, stat.S_ISDIR) and _is_ours(os.fstat(descriptor), stat.S_ISREG)):
            raise Refused("%s: others may read or write there, it proves nothing" % path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    finally:
        os.close(descriptor)
    if len(content) > largest:
        raise Refused("%s: is larger than %d bytes" % (path, largest))
    return content


def _is_ours(status: os.stat_result, kind: Any) -> bool:
    return bool(kind(status.st_mode)) and status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077


def shown(moment: float) -> str:
    """Return seconds of the epoch as ISO 8601, UTC."""
    when = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
