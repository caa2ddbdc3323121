"""Live progress of a run: a bar on a terminal, plain lines in a pipe; always on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.evidence.events import EventStream

_DONE = frozenset({"runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable"})
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


class Lines:
    """A line for each task and each failure."""

    def __init__(self) -> None:
        self._task = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Print what is new."""
        if stream.task != self._task:
            self._task = stream.task
            _say(f"task: {self._task}")
        if event.get("event") in _BAD:
            host = event["event_data"].get("host")
            message = stream.hosts[host].message or "ignored"
            _say(f"{host}: {message}")


class Bar:
    """A bar over the hosts of the current task, with failures counted."""

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
        self._task = ""
        self._done = 0
        self._failed: set[str] = set()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def follow(self, event: Mapping[str, Any], stream: EventStream) -> None:
        """Move the bar."""
        if stream.task != self._task:
            self._task, self._done = stream.task, 0
        kind = event.get("event")
        if kind in _DONE:
            self._done += 1
        if kind in _BAD and not event["event_data"].get("ignore_errors"):
            self._failed.add(str(event["event_data"].get("host")))
        total = len(stream.hosts) or None
        self._bar.update(self._row, description=self._task, completed=self._done, total=total, failed=len(self._failed))


def progress_here() -> Progress:
    """Return a bar where standard error is a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()
