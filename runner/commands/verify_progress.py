"""How far a verification or a move is: a bar on a terminal, a line for each tenth of long work in a pipe; on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.evidence.verify import Watch

#: Work of fewer pieces than this (entries, runs, bytes) is over before a line of it is read.
_LONG = 5_000


class _Lines:
    """A line for each tenth of each part that is long."""

    def __init__(self) -> None:
        self._tenths: dict[str, int] = {}

    def __call__(self, part: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if total >= _LONG and tenth > self._tenths.get(part, 0):
            self._tenths[part] = tenth
            click.echo(f"{part}: {10 * tenth} %", err=True)


@contextmanager
def watching() -> Iterator[Watch]:
    """Give what shows progress, for as long as it is to be seen."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    # Imported only where there is a terminal.
    from rich import progress as parts  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    columns = (
        *(parts.TextColumn("{task.description}"), parts.BarColumn(), parts.TaskProgressColumn()),
        parts.TimeRemainingColumn(elapsed_when_finished=True),
    )
    with parts.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        rows: dict[str, parts.TaskID] = {}

        def show(part: str, done: int, total: int) -> None:
            if part not in rows:
                rows[part] = bar.add_task(part, total=total)
            bar.update(rows[part], completed=done, total=total)

        yield show
