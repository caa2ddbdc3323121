"""Whether something disciplines the clock, and how far it is off."""

import ctypes
import os
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from ..observations import Observation
from . import commands
from .context import Context, Measures
from .errors import Unmeasurable
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


class KernelClock(NamedTuple):
    """What the kernel knows of its clock; seconds."""

    synchronised: bool
    offset: float
    maximum_error: float


class Tracking(NamedTuple):
    """What chrony knows of the clock; seconds."""

    synchronised: bool
    offset: float
    reference: str
    stratum: int


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
        return Tracking(fields[13] != "Not synchronised", float(fields[4]), fields[1], int(fields[2]))
    except (IndexError, ValueError):
        raise Unmeasurable("unparsable", source="chronyc tracking") from None


def _daemon(context: Context) -> Optional[str]:
    found = running(context, DAEMONS)
    return DAEMONS[found[0]] if found else None


def _chrony(context: Context, daemon: Optional[str]) -> Optional[Tracking]:
    if daemon != "chrony" or not commands.available("chronyc"):
        return None
    try:
        return parse_tracking(commands.run(["chronyc", "-n", "-c", "tracking"], context.inputs.command_timeout).output)
    except Unmeasurable:
        return None  # the kernel's own view remains


def _sources(context: Context) -> Tuple[KernelClock, Optional[str], Optional[Tracking]]:
    daemon = _daemon(context)
    return kernel_clock(), daemon, _chrony(context, daemon)


def synchronisation(context: Context) -> Iterator[Observation]:
    """Yield whether the clock is synchronised, and by how many milliseconds it is off if that can be known."""
    kernel, daemon, chrony = context.once(_sources)
    detail: Dict[str, Any] = dict(context.scope("machine"), daemon=daemon)
    synchronised = kernel.synchronised
    if chrony is not None:
        synchronised = chrony.synchronised
        detail.update(reference=chrony.reference, stratum=chrony.stratum)
    yield context.observe("time.synchronised", int(synchronised), detail)
    if synchronised:
        offset = chrony.offset if chrony is not None else kernel.offset
        maximum = round(kernel.maximum_error * 1000, 3)
        yield context.observe("time.offset", round(abs(offset) * 1000, 3), dict(detail, maximum_error_ms=maximum))
    elif daemon is None and not context.surroundings.container:
        yield context.unknown("time.offset", "not_running", detail, service="chronyd, ntpd, systemd-timesyncd")
    else:
        yield context.unknown("time.offset", "source_missing", detail, source="time server")


MEASURES: Measures = ((("time.synchronised", "time.offset"), synchronisation),)
