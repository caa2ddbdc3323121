"""weibao report DOCUMENT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.commands.options import formats_option, output_option
from runner.commands.session import Session, pass_session
from runner.commands.written import check_all_written, written_json
from runner.operations.check_site import check_site
from runner.operations.comparison import compare_run
from runner.operations.documents import DOCUMENTS, find_run, write_documents

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("document", type=click.Choice(sorted(DOCUMENTS)))
@click.option("--run", "run_id", metavar="ID", help="Of this run; the newest by default.")
@click.option("--period", metavar="PERIOD", help="Of the newest run in 2026, 2026Q4 or 2026-11.")
@formats_option("html,docx,pdf,xlsx")
@output_option("Write here instead of var/.")
@pass_session
def report(
    session: Session,
    document: str,
    run_id: str | None,
    period: str | None,
    formats: tuple[str, ...],
    output: Path | None,
) -> None:
    """Write a document from sealed evidence."""
    site = session.open_site()
    checked = check_site(site)
    run = find_run(site, DOCUMENTS[document], run_id, period, checked.contract.zone())
    written = write_documents(checked, run, compare_run(checked, run), session.language, formats, output)
    if session.as_json:
        session.print_json(
            document=document,
            run=run.run_id,
            **written_json(written),
        )
    else:
        for path in written.paths:
            click.echo(path)
    check_all_written(written)
