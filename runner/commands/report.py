"""weibao report DOCUMENT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.commands.options import formats_option, output_option
from runner.commands.session import Session, pass_session
from runner.commands.written import check_all_written, written_json
from runner.errors import BadInput
from runner.operations.change_documents import CHANGE_DOCUMENTS, write_change_document
from runner.operations.check_site import check_site
from runner.operations.comparison import compare_run
from runner.operations.documents import DOCUMENTS, find_run, write_documents

if TYPE_CHECKING:
    from pathlib import Path

    from runner.operations.saving import Written


@click.command()
@click.argument("document", type=click.Choice(sorted([*DOCUMENTS, *CHANGE_DOCUMENTS])))
@click.option("--run", "run_id", metavar="ID", help="Of this run; the newest by default.")
@click.option("--period", metavar="PERIOD", help="Of the newest run in 2026, 2026Q4 or 2026-11.")
@click.option("--change", metavar="NUMBER", help="Of this change, for an upgrade request or report.")
@formats_option("html,docx,pdf,xlsx")
@output_option("Write here instead of var/.")
@pass_session
def report(
    session: Session,
    document: str,
    run_id: str | None,
    period: str | None,
    change: str | None,
    formats: tuple[str, ...],
    output: Path | None,
) -> None:
    """Write a document from sealed evidence."""
    site = session.open_site()
    checked = check_site(site)
    if document in CHANGE_DOCUMENTS:
        if change is None or run_id or period:
            raise BadInput(f"--change: is missing; {document} is written from a change, not from --run or --period")
        written = write_change_document(checked, change, document, session.language, formats, output)
        _print(session, written, document=document, change=change)
        return
    if change:
        raise BadInput(f"--change {change}: {document} is written from runs, not from a change")
    run = find_run(site, DOCUMENTS[document], run_id, period, checked.contract.zone())
    written = write_documents(checked, run, compare_run(checked, run), session.language, formats, output)
    _print(session, written, document=document, run=run.run_id)


def _print(session: Session, written: Written, **about: str) -> None:
    if session.as_json:
        session.print_json(**about, **written_json(written))
    else:
        for path in written.paths:
            click.echo(path)
    check_all_written(written)
