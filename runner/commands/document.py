"""weibao document …."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.documents.record_lines import row_line, step_line, version_line
from runner.commands.options import formats_option
from runner.commands.pairs import entry_json, rows_json
from runner.commands.record import words_of
from runner.commands.session import Session, pass_session
from runner.operations.check_site import check_site
from runner.operations.document_steps import IssueRequest, StepRequest, list_documents, take_step
from runner.operations.document_steps import issue as issue_document

if TYPE_CHECKING:
    from runner.operations.check_site import CheckedSite
    from runner.operations.document_steps import Stepped

_FILE = click.Path(path_type=Path)
_AT = click.option("--at", metavar="TIME", help='When: 2026-03-04 or "2026-03-04 10:15"; now by default.')


@click.group()
def document() -> None:
    """Issue, submit and receive documents; a deadline is met by submission."""


@document.command("list")
@click.option("--document", metavar="DOCUMENT", help="Of this name.")
@click.option("--period", metavar="LABEL", help="For this period.")
@pass_session
def list_(session: Session, document: str | None, period: str | None) -> None:
    """List the documents by number, each version with its steps."""
    checked = check_site(session.open_site())
    found = list_documents(checked, document, period)
    if session.as_json:
        session.print_json(
            documents=[
                {
                    "number": paper.number,
                    "document": paper.document,
                    "version": version.number,
                    "steps": [{"sequence": step.sequence, **step.body} for step in version.steps],
                }
                for paper in found
                for version in paper.versions.values()
            ]
        )
        return
    words = words_of(session, checked)
    for paper in found:
        for version in paper.versions.values():
            click.echo(version_line(paper.number, version.number, [step.body for step in version.steps], words))
    if not found:
        click.echo(words.catalogue.word("document_lines", "nothing"))


@document.command()
@click.argument("document")
@click.option("--run", metavar="ID", help="Of this run, for a document that is written from runs.")
@click.option("--period", metavar="LABEL", help="For this period: 2026-03, 2026Q1, term, #17.")
@click.option("--case", metavar="KIND:ID", help="For this case, such as fault:F-001.")
@click.option(
    "--file", "files", multiple=True, type=_FILE, metavar="FILE", help="A file that people wrote; several times."
)
@click.option("--number", metavar="NUMBER", help="Its number; by default contract, document, and period, case or day.")
@click.option("--draft", is_flag=True, help="Keep it as a draft, which is issued later.")
@_AT
@formats_option("docx")
@pass_session
def issue(session: Session, /, **given: Any) -> None:
    """Issue a document, or keep a draft.

    A DOCUMENT is written from a sealed run or, how the contract stands, from the whole ledger; filled in from the
    site's own form; or a file that people wrote. A number that is issued anew is a new version.
    """
    checked = check_site(session.open_site())
    _print(session, checked, issue_document(checked, IssueRequest(**given), session.language))


@document.command()
@click.argument("number")
@click.option("--to", "name", required=True, metavar="NAME", help="To whom.")
@_AT
@pass_session
def submit(session: Session, number: str, name: str, at: str | None) -> None:
    """Note that an issued document was submitted."""
    checked = check_site(session.open_site())
    _print(session, checked, take_step(checked, StepRequest(number, "submitted", name, at)))


@document.command()
@click.argument("number")
@click.option("--by", "name", required=True, metavar="NAME", help="By whom.")
@click.option("--attach", multiple=True, type=_FILE, metavar="SCAN", help="The signed paper, scanned; several times.")
@_AT
@pass_session
def receive(session: Session, number: str, name: str, at: str | None, attach: tuple[Path, ...]) -> None:
    """Note that a submitted document was received."""
    checked = check_site(session.open_site())
    _print(session, checked, take_step(checked, StepRequest(number, "received", name, at, attach)))


def _print(session: Session, checked: CheckedSite, stepped: Stepped) -> None:
    entry = stepped.entry
    if session.as_json:
        copies = [str(path) for path in stepped.copies]
        session.print_json(entry=entry_json(entry), rows=rows_json(stepped.rows), files=copies)
        return
    words = words_of(session, checked)
    click.echo(step_line(entry.body, entry.sequence, words))
    for path in stepped.copies:
        click.echo(f"  {path}")
    for row in stepped.rows:
        click.echo(f"  {row_line(row, words)}")
