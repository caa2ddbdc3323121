"""weibao ledger …."""

from __future__ import annotations

import click

from runner.commands.session import Session, pass_session
from runner.errors import ExitCode
from runner.evidence.ledger import Head
from runner.evidence.verify import verify as verify_ledger


@click.group()
def ledger() -> None:
    """Look at the site's evidence, and verify it."""


@ledger.command()
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many entries.")
@pass_session
def show(session: Session, last: int) -> None:
    """List the newest entries, newest first."""
    book = session.ledger(session.open_site())
    entries = [entry for entry, _ in zip(book.newest_first(), range(last), strict=False)]
    if session.as_json:
        session.print_json(
            entries=[{"file": str(entry.path), "sha256": entry.digest, **entry.content} for entry in entries]
        )
        return
    for entry in entries:
        what = "  ".join(str(entry.body.get(key)) for key in ("procedure", "verdict", "run") if key in entry.body)
        head = Head(entry.sequence, entry.digest).grouped()
        click.echo(f"{head}  {entry.content.get('time')}  {entry.kind}  {what}")
    if not entries:
        click.echo("the ledger is empty")


@ledger.command()
@pass_session
def verify(session: Session) -> None:
    """Verify the chain of entries, and every file that they name by hash."""
    site = session.open_site()
    book = session.ledger(site)
    findings = list(verify_ledger(book, site.runs_folder))
    head = book.head()
    if session.as_json:
        session.print_json(
            head={"sequence": head.sequence, "sha256": head.digest},
            findings=[{"file": one.file, "problem": one.problem} for one in findings],
        )
    else:
        for one in findings:
            click.echo(f"{one.file}: {one.problem}")
        state = f"{len(findings)} findings" if findings else "verified"
        click.echo(f"{state}; head {head.grouped()}")
    if findings:
        raise click.exceptions.Exit(ExitCode.FINDINGS)
