"""weibao compliance."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from reports.documents.compliance_json import facts
from reports.documents.compliance_summary import compliance_summary
from runner.commands.options import formats_option, output_option
from runner.commands.session import Session, pass_session
from runner.commands.written import check_all_written, written_json
from runner.errors import ExitCode
from runner.operations.check_site import check_site
from runner.operations.compliance import FAIL_ON, FORMATS, Question, assess, bad, words_of, write_report

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    from reports.documents.compliance_summary import Summary

#: A terminal of fewer columns is narrow: what follows a date, its time or its mark, stands below it there.
_WIDE = 100
_ENDS = re.compile(r" |(?=（)")
_COLOURS = {"critical": "bold red", "warning": "yellow", "unknown": "magenta", "notice": "cyan", "ok": "green"}


@click.command()
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="As it stood at the end of this day; today: now; a day to come: if nothing more were done.",
)
@click.option("--period", metavar="PERIOD", help="Only what was owed in 2026, 2026H1, 2026Q3, 2026-07 or 2026W07.")
@click.option("--detail", is_flag=True, help="A line for each period, case and item instead of each obligation.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="overdue",
    show_default=True,
    help="Exit 1 where something stands so, or worse.",
)
@formats_option("none", FORMATS)
@output_option("Write documents here instead of var/.")
@pass_session
def compliance(
    session: Session,
    as_of: datetime | None,
    period: str | None,
    fail_on: str,
    formats: tuple[str, ...],
    output: Path | None,
    *,
    detail: bool,
) -> None:
    """Tell how the contract stands: every obligation, what was kept and broken, and the evidence.

    Exit code 1 where something is breached or overdue; see --fail-on.
    """
    checked = check_site(session.site())
    session.open_site()
    record = assess(checked, Question(as_of.date() if as_of else None, period))
    written = write_report(checked, record, session.language, formats, output)
    words = words_of(checked, session.language)
    if session.as_json:
        session.print_json(
            **facts(record, words),
            **written_json(written),
        )
    else:
        _print(compliance_summary(record, words, detail=detail))
        for path in written.paths:
            click.echo(path)
    check_all_written(written)
    if bad(record, fail_on):
        raise click.exceptions.Exit(ExitCode.FINDINGS)


def _print(summary: Summary) -> None:
    """Print a table on a terminal, plain lines where somebody else reads."""
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - a pipe needs no tables

        print_table(summary, Console())
        return
    for text in summary.plain():
        click.echo(text)


def print_table(summary: Summary, console: Console) -> None:
    """Print a summary as a table as wide as the terminal; a narrow one has a column less."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    wide = console.width >= _WIDE
    places = [place for place in range(len(summary.titles)) if wide or place != summary.spare]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=Text(summary.heading), title_justify="left")
    for place in places:
        # Chinese has no blanks to break at: it folds rather than lose its end.
        table.add_column(Text(summary.titles[place]), overflow="fold", no_wrap=place in summary.whole)
    for line in summary.lines:
        cells = list(line.cells)
        for place in () if wide else summary.whole:
            cells[place] = _ENDS.sub("\n", cells[place])
        table.add_row(*(Text(cells[place]) for place in places), style=_COLOURS.get(line.tone))
    console.print(table)
    for ending in summary.ending:
        console.print(Text(ending))
