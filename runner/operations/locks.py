"""Locks of a site's state: held by one program at a time, and let go of by one that dies, however it does."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from runner.site import Site


def opened_lock(site: Site, name: str) -> FileIO:
    """Return the file of a lock, which nobody holds by opening it; raises MachineError where there can be none."""
    try:
        return (site.state / name).open("ab", buffering=0)
    except OSError as error:
        raise MachineError(f"{site.state}: cannot keep state here: {error.strerror}") from error


@contextmanager
def holding(site: Site, name: str) -> Iterator[None]:
    """Hold a lock, after whoever holds it; raises MachineError where there can be none."""
    with opened_lock(site, name) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
