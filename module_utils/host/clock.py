"""Whether something disciplines the clock, and how far it is off."""

import ctypes
import os
import re
from typing import Any, Dict, Iterator, NamedTuple, Optional

from ..measuring import commands
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from .context import Context, Measures
from .processes import running

#: linux/timex.h
STA_UNSYNC = 0x0040
STA_NANO = 0x2000

#: Names of the processes that keep time, as the kernel shows them (at most 15 characters).
DAEMONS = {
    "chronyd": "chrony",
    "ntpd": "ntp",
    "systemd-timesyn": "systemd-timesyncd",
    "ptp4l": "linuxptp",
    "phc2sys": "linuxptp",
    "openntpd": "openntpd",
}

#: The reference id with which chrony says that it follows nothing but this very clock (chronyd(8), local).
LOCAL_REFERENCE = "7F7F0101"

#: chrony goes on saying "Normal" after it has lost its sources; an answer older than this, or than this many of its
#: update intervals, is no synchronisation.
OLDEST_REFERENCE = 3600.0
MOST_INTERVALS = 10

#: How systemd writes spans of time (systemd.time(7)), in seconds.
SPANS = {"us": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class KernelClock(NamedTuple):
    """What the kernel knows of its clock; seconds."""

    synchronised: bool
    offset: float
    maximum_error: float


class Tracking(NamedTuple):
    """What chrony knows of the clock; in seconds, ``updated`` of the epoch."""

    following: bool
    offset: float
    reference: str
    stratum: int
    updated: float
    interval: float

    def synchronised(self, now: float) -> bool:
        """Return whether a source has answered lately."""
        return self.following and now - self.updated <= max(OLDEST_REFERENCE, MOST_INTERVALS * self.interval)


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("rest", ctypes.c_long * 40),
    )


def kernel_clock() -> KernelClock:
    """Return the kernel's clock discipline through adjtimex(2). Raises Unmeasurable: not_supported."""
    state = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError):
        raise Unmeasurable("not_supported", feature="adjtimex") from None
    if answer < 0:
        raise Unmeasurable("not_supported", feature="adjtimex: %s" % os.strerror(ctypes.get_errno()))
    unit = 1e9 if state.status & STA_NANO else 1e6
    return KernelClock(not state.status & STA_UNSYNC, state.offset / unit, state.maxerror / 1e6)


def parse_tracking(output: str) -> Tracking:
    """Return ``chronyc -c tracking``: one line of comma-separated fields (chronyc(1), report format).

    Raises Unmeasurable: unparsable.
    """
    fields = output.strip().split(",")
    try:
        following = fields[13] != "Not synchronised" and fields[0] != LOCAL_REFERENCE
        return Tracking(following, float(fields[4]), fields[1], int(fields[2]), float(fields[3]), float(fields[12]))
    except (IndexError, ValueError):
        raise Unmeasurable("unparsable", source="chronyc tracking") from None


def parse_timesync(output: str) -> float:
    """Return the offset in seconds that ``timedatectl timesync-status`` (systemd 239) tells of the last answer.

    Raises Unmeasurable: source_missing where no server has answered yet.
    """
    line = re.search(r"^\s*Offset: ([+-]?)(.+)$", output, re.MULTILINE)
    if line is None:
        raise Unmeasurable("source_missing", source="timedatectl timesync-status")
    seconds = 0.0
    for span in line.group(2).split():
        amount = span.rstrip("abcdefghijklmnopqrstuvwxyz\u03bc")
        try:
            seconds += float(amount) * SPANS[span[len(amount) :]]
        except (KeyError, ValueError):
            raise Unmeasurable("unparsable", source="timedatectl timesync-status") from None
    return -seconds if line.group(1) == "-" else seconds


def _daemon(context: Context) -> Optional[str]:
    found = running(context, DAEMONS)
    return DAEMONS[found[0]] if found else None


def _tracking(context: Context) -> Tracking:
    return parse_tracking(commands.run(["chronyc", "-n", "-c", "tracking"], context.inputs.command_timeout).output)


def _offset(context: Context, daemon: Optional[str], kernel: KernelClock) -> float:
    """Return how many seconds the clock is off.

    chrony and timesyncd leave nothing in the kernel but what it has still to make up for: they are asked themselves.
    """
    if daemon == "chrony":
        return context.once(_tracking).offset
    if daemon == "systemd-timesyncd":
        argv = ["timedatectl", "timesync-status", "--no-pager"]
        return parse_timesync(commands.run(argv, context.inputs.command_timeout).output)
    return kernel.offset


def synchronisation(context: Context) -> Iterator[Observation]:
    """Yield whether the clock is synchronised, and by how many milliseconds it is off if that can be known."""
    kernel, daemon = kernel_clock(), context.once(_daemon)
    detail: Dict[str, Any] = dict(context.scope("machine"), daemon=daemon)
    synchronised = kernel.synchronised
    if daemon == "chrony":
        try:
            chrony = context.once(_tracking)
        except Unmeasurable:
            pass  # the kernel's own view remains
        else:
            synchronised = chrony.synchronised(context.now)
            detail.update(reference=chrony.reference, stratum=chrony.stratum)
            if chrony.updated:
                detail["reference_age_seconds"] = max(int(context.now - chrony.updated), 0)
    yield context.observe("time.synchronised", int(synchronised), detail)
    if synchronised:
        try:
            offset = _offset(context, daemon, kernel)
        except Unmeasurable as why:
            yield context.unknown("time.offset", why.code, detail, **why.parameters)
        else:
            maximum = round(kernel.maximum_error * 1000, 3)
            yield context.observe("time.offset", round(abs(offset) * 1000, 3), dict(detail, maximum_error_ms=maximum))
    elif daemon is None and not context.surroundings.container:
        yield context.unknown("time.offset", "not_running", detail, service="chronyd, ntpd, systemd-timesyncd")
    else:
        yield context.unknown("time.offset", "source_missing", detail, source="time server")


MEASURES: Measures = ((("time.synchronised", "time.offset"), synchronisation),)
