"""Live progress of a run: a bar on a terminal, plain lines in a pipe; always on standard error."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.evidence.events import EventStream

_DONE = frozenset({"runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable"})
#: From so many hosts on, a pipe is told how far the run is.
MANY_HOSTS = 20

_BAD = frozenset({"runner_on_failed", "runner_on_unreachable"})


class Progress(Protocol):
    """Shows how far a run is."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Take note of one event; ``stream`` has already counted it."""


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Unfailing:
    """Follows with another's eyes, and stops looking when that fails: a closed terminal must not stop a run."""

    def __init__(self, progress: Progress) -> None:
        self._progress: Progress | None = progress

    def __enter__(self) -> Self:
        self._try(lambda progress: progress.__enter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._try(lambda progress: progress.__exit__(None, None, None))

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Show one event, if anything can still be shown."""
        self._try(lambda progress: progress.follow(event, stream))

    def _try(self, step: Callable[[Progress], object]) -> None:
        if self._progress is None:
            return
        try:
            step(self._progress)
        except Exception:  # noqa: BLE001 - whatever it is, the run matters more
            self._progress = None


class _Tally:
    """How far a run is: hosts times the tasks that have come up so far, however the strategy mixes them."""

    def __init__(self) -> None:
        self.task = ""
        self.failed: set[str] = set()
        self._tasks: set[str] = set()
        self._names: set[str] = set()
        self._results: Counter[str] = Counter()
        self._done = 0

    def take(self, event: Mapping[str, Any], stream: EventStream) -> bool:
        """Count an event; return whether it starts a task whose name is new."""
        kind, data = event.get("event"), event.get("event_data") or {}
        new = kind == "playbook_on_task_start" and stream.task not in self._names
        if kind == "playbook_on_task_start":
            # Two roles may have tasks of the same name.
            self._tasks.add(str(data.get("task_uuid")))
            self._names.add(stream.task)
        self.task = stream.task
        if kind in _DONE:
            self._results[str(data.get("host"))] += 1
            self._done += 1
        if kind in _BAD and not data.get("ignore_errors"):
            self.failed.add(str(data.get("host")))
        return new

    def done(self) -> int:
        """Return how many results have come; a host that failed owes no more."""
        return self._done + sum(max(0, len(self._tasks) - self._results[host]) for host in self.failed)

    def total(self, stream: EventStream) -> int:
        """Return how many results are due, as far as is known."""
        return len(self._tasks) * len(stream.hosts)


class Lines:
    """A line for each task, each failure, and each tenth of the way of a long run."""

    def __init__(self) -> None:
        self._tally = _Tally()
        self._tenths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Print what is new."""
        if self._tally.take(event, stream):
            _say(f"task: {stream.task}")
        if event.get("event") in _BAD:
            host = event["event_data"].get("host")
            message = stream.hosts[host].message or "ignored"
            _say(f"{host}: {message}")
        if event.get("event") in _DONE and len(stream.hosts) >= MANY_HOSTS:
            self._tenth(stream)

    def _tenth(self, stream: EventStream) -> None:
        done, total = self._tally.done(), self._tally.total(stream)
        if total and 10 * done // total > self._tenths:
            self._tenths = 10 * done // total
            _say(f"{done} of {total} steps, {len(self._tally.failed)} hosts failed")


class Bar:
    """A bar over hosts and tasks, with the current task, and failures counted."""

    def __init__(self) -> None:
        # Imported only where there is a terminal.
        from rich import progress as parts  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        self._bar = parts.Progress(
            parts.SpinnerColumn(),
            parts.TextColumn("{task.description}", markup=False),
            parts.BarColumn(),
            parts.MofNCompleteColumn(),
            parts.TextColumn("failed {task.fields[failed]}", markup=False),
            parts.TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._row = self._bar.add_task("connecting", total=None, failed=0)
        self._tally = _Tally()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Move the bar."""
        self._tally.take(event, stream)
        self._bar.update(
            self._row,
            description=self._tally.task,
            completed=self._tally.done(),
            total=self._tally.total(stream) or None,
            failed=len(self._tally.failed),
        )


def progress_here() -> Progress:
    """Return a bar where standard error is a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
