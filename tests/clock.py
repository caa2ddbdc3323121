"""A clock that tests set: libfaketime, laid under the whole program and everything that it starts."""

from __future__ import annotations

import os
import time
from datetime import datetime
from functools import cache
from pathlib import Path


@cache
def library() -> Path | None:
    """The library of the Debian package faketime, if it is installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _forget_the_dead() -> None:
    """Remove what libfaketime keeps in memory for programs that were killed: one of the same number would not start."""
    for name in ("faketime_shm_", "sem.faketime_sem_"):
        for path in Path("/dev/shm").glob(f"{name}*"):
            if not Path("/proc", path.name.removeprefix(name)).exists():
                path.unlink(missing_ok=True)


def clock_at(moment: datetime, python_path: str) -> dict[str, str]:
    """The variables under which it is now that moment; the clock goes on from there, in all processes alike."""
    _forget_the_dead()
    offset = moment.timestamp() - time.time()
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME": f"{offset:+.3f}s",
        # Waiting is not to be faked, or whoever waits for a second may wait for a year.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": f"{Path(__file__).parent / 'startup'}{os.pathsep}{python_path}",
    }
