"""The watchdog: outlives the program by the seconds that it takes to end the program's run.

It waits on a pipe whose other end the program holds. A word on it means that the run ended well; its end
without a word means that the program died, by whatever cause, and that the run's processes must go.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Self

FAREWELL = b"ended"


class Watchdog:
    """The program's side: starts the watchdog, and dismisses it when the run is over."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.execution.watchdog", self._run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ensure(self) -> None:
        """Start the watchdog again if it died: a run is never unwatched for long."""
        if self._process.poll() is not None:
            self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(FAREWELL, timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def watch(run_id: str) -> None:
    """Wait until the program dismisses us or dies; in the latter case end its run."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    if sys.stdin.buffer.read() == FAREWELL:
        return
    # Imported only now: in nearly every run it isn't needed.
    from runner.execution.processes import end_processes, remove_private_folders  # noqa: PLC0415

    end_processes(run_id)
    remove_private_folders(run_id)


if __name__ == "__main__":
    watch(sys.argv[1])
