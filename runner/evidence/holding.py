"""Waiting for one's turn to write: with a word to whoever waits, and not for ever.

Who signs with a device holds the ledger until somebody touches it; others would see a program that does nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

LOG = logging.getLogger("runner.ledger")

#: After so many seconds people are told, and after so many it is given up: twice what a person has to touch a device.
TELL_SECONDS, WAIT_SECONDS = 5, 300


def hold(lock: IO[bytes]) -> None:
    """Hold a file against other writers, until it is closed; raises MachineError where another one never ends."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    problems: list[OSError] = []
    waiting = Thread(target=_wait, args=(lock.fileno(), problems), daemon=True)
    waiting.start()
    waiting.join(TELL_SECONDS)
    if waiting.is_alive():
        LOG.warning("another program writes to the ledger, and may wait for a person to touch a key: waiting for it")
        waiting.join(WAIT_SECONDS - TELL_SECONDS)
    if waiting.is_alive():
        # The thread ends with this program; what it gets after the file was closed is nobody's.
        raise MachineError(
            f"{lock.name}: another program has been writing to the ledger for {WAIT_SECONDS} s; "
            "nothing was appended: see whether it waits for somebody, and try again"
        )
    if problems:
        raise problems[0]


@contextmanager
def folder_held(folder: Path) -> Iterator[None]:
    """Hold a folder against other programs for what takes each of them a moment only; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, problems: list[OSError]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        problems.append(error)
