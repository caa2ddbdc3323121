"""What tests change of a program before it starts: it lies on the path of the processes that they start alone.

STEP_KILL and STEP_FOLDER kill the program, and it alone, before its Nth change of a folder: Python tells an audit hook
of each file that is opened for writing, renamed, linked or removed before that happens. So a test can stop the program
between any two of its steps.
"""

import os
import select
import signal
import sys
import time

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate")


def _watch(folder: str, kill: int) -> None:
    process = os.getpid()
    steps = 0

    def on_event(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & _WRITING:
                return
        elif event not in _CHANGES:
            return
        path = arguments[0]
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(folder) and os.getpid() == process:
            steps += 1
            if steps == kill:
                os.kill(process, signal.SIGKILL)

    sys.addaudithook(on_event)


if "faketime" in os.environ.get("LD_PRELOAD", ""):
    # libfaketime 0.9.10 shifts the moment until which Python sleeps by a clock that it was told to leave alone.
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None

if "runner.cli" in sys.orig_argv and os.environ.get("STEP_KILL"):
    _watch(os.environ["STEP_FOLDER"], int(os.environ["STEP_KILL"]))
