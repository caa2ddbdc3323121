"""What systemd says of its units: the state of the whole, the failed ones, and those that restart again and again."""

import json
import os
import time
from collections import deque
from typing import Any, Deque, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..measuring import commands
from ..measuring.errors import Unmeasurable
from ..measuring.observer import capped
from ..observations import Observation
from . import journal
from .context import Context, Measures

#: What each state of systemctl(1), is-system-running, is worth; the failed units of a degraded system are findings
#: of their own.
LEVELS_OF_STATES = {
    "running": "ok",
    "degraded": "notice",
    "initializing": "notice",
    "starting": "notice",
    "stopping": "notice",
    "maintenance": "critical",
}

#: systemd's "Scheduled restart job" (sd-messages.h, SD_MESSAGE_UNIT_RESTART_SCHEDULED) and the first version with it.
RESTART_SCHEDULED = "5eb03494b6584870a536b337290809b3"
RESTART_SCHEDULED_SINCE = 235
RESTART_WINDOW = 300.0
MAXIMUM = 100

#: When a unit failed, best first; systemd words its other times in the host's own zone.
SINCE = ("InactiveEnterTimestampMonotonic", "StateChangeTimestampMonotonic")


class Unit(NamedTuple):
    """A failed unit, why, and since when: in seconds of the monotonic clock, None where systemd does not say."""

    name: str
    result: str
    since: Optional[float]


def running() -> bool:
    """Return whether systemd is this host's init (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def parse_failed(output: str) -> List[str]:
    """Return the unit names of ``systemctl list-units --plain --no-legend``."""
    names = []
    for line in output.splitlines():
        fields = line.replace("\u25cf", " ").replace("*", " ", 1).split()
        if fields:
            names.append(fields[0])
    return names


def parse_show(output: str) -> List[Unit]:
    """Return ``systemctl show`` of several units: blocks of ``Name=value`` lines with an empty line between."""
    units = []
    for block in output.split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in found:
            moments = [int(found.get(name) or 0) for name in SINCE]
            since = next((moment / 1e6 for moment in moments if moment), None)
            units.append(Unit(found["Id"], found.get("Result", ""), since))
    return units


def most_within(moments: Sequence[float], window: float) -> int:
    """Return the largest number of moments within any span of ``window`` seconds."""
    recent: Deque[float] = deque()
    most = 0
    for moment in sorted(moments):
        recent.append(moment)
        while moment - recent[0] > window:
            recent.popleft()
        most = max(most, len(recent))
    return most


def parse_restart(line: bytes) -> Tuple[str, float]:
    """Return the unit and the time (seconds of the epoch) of a journal entry about a scheduled restart."""
    entry = json.loads(line.decode("utf-8", "replace"))
    unit = entry.get("UNIT") or entry.get("USER_UNIT") or ""
    return str(unit), int(entry["__REALTIME_TIMESTAMP"]) / 1e6


def _failed(context: Context) -> List[str]:
    argv = ["systemctl", "list-units", "--state=failed", "--all", "--plain", "--full", "--no-legend", "--no-pager"]
    return parse_failed(commands.run(argv, context.inputs.command_timeout).output)


def state(context: Context) -> Iterator[Observation]:
    """Yield the state of the service manager as a whole."""
    if not running():
        raise Unmeasurable("not_running", service="systemd")
    argv = ["systemctl", "is-system-running"]
    word = commands.run(argv, context.inputs.command_timeout, accepted=range(256)).output.strip()
    if word not in LEVELS_OF_STATES:
        raise Unmeasurable("command_failed", command=" ".join(argv), message=word or "no answer")
    names = context.once(_failed)
    detail = dict(capped("failed_units", names), failed=len(names))
    yield context.observe("systemd.state", word, detail)._replace(level=LEVELS_OF_STATES[word])


def failed(context: Context) -> Iterator[Observation]:
    """Yield each unit that failed."""
    names = context.once(_failed) if running() else []
    if not names:
        return
    argv = ["systemctl", "show", "-p", ",".join(("Id", "Result") + SINCE), "--"] + names[:MAXIMUM]
    units = parse_show(commands.run(argv, context.inputs.command_timeout).output)
    booted = time.time() - time.monotonic()
    for unit in units:
        detail = {"result": unit.result}
        if unit.since is not None:
            detail["since"] = journal.iso(booted + unit.since)
        yield context.observe("unit.failed", 1, detail, unit.name)
    yield from context.left_out("unit.failed", len(names[MAXIMUM:]))


def restarts(context: Context) -> Iterator[Observation]:
    """Yield each unit that systemd restarted by itself, with its worst five minutes since the last inspection."""
    if not running():
        return
    journal.require_readable()
    if journal.version(context.inputs.command_timeout) < RESTART_SCHEDULED_SINCE:
        raise Unmeasurable("not_supported", feature="restart messages of systemd %d" % RESTART_SCHEDULED_SINCE)
    argv = ["journalctl", "-q", "--no-pager", "-o", "json", "--since", journal.moment(context.since)]
    moments: Dict[str, List[float]] = {}
    for line in commands.lines(argv + ["MESSAGE_ID=" + RESTART_SCHEDULED], context.inputs.command_timeout):
        try:
            unit, moment = parse_restart(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a damaged entry
        moments.setdefault(unit, []).append(moment)
    ranked = sorted(moments.items(), key=lambda item: (-len(item[1]), item[0]))
    for unit, times in ranked[:MAXIMUM]:
        detail: Dict[str, Any] = {"restarts": len(times), "last": journal.iso(max(times))}
        yield context.observe("unit.restarts", most_within(times, RESTART_WINDOW), detail, unit)
    yield from context.left_out("unit.restarts", len(ranked[MAXIMUM:]))


MEASURES: Measures = (
    (("systemd.state",), state),
    (("unit.failed",), failed),
    (("unit.restarts",), restarts),
)
