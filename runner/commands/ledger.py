"""weibao ledger …."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from runner.commands.session import Session, pass_session
from runner.errors import ExitCode, MachineError
from runner.evidence.ledger import Head
from runner.evidence.verify import verify as verify_ledger

if TYPE_CHECKING:
    from runner.evidence.ledger import Entry


@click.group()
def ledger() -> None:
    """Look at the site's evidence, and verify it."""


@ledger.command()
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many entries.")
@pass_session
def show(session: Session, last: int) -> None:
    """List the newest entries, newest first."""
    book = session.ledger(session.open_site())
    entries = list(islice(book.newest_first(), last))
    if session.as_json:
        session.print_json(entries=[{"file": str(one.path), "sha256": one.digest, **_content(one)} for one in entries])
        return
    for entry in entries:
        content = _content(entry)
        body = content.get("body", {"": content.get("problem")})
        what = "  ".join(str(body[key]) for key in ("procedure", "verdict", "run", "") if key in body)
        head = Head(entry.sequence, entry.digest).grouped()
        click.echo(f"{head}  {content.get('time', '-')}  {entry.kind}  {what}")
    if not entries:
        click.echo("the ledger is empty")


def _content(entry: Entry) -> dict[str, Any]:
    """Return what an entry holds, or what is wrong with it."""
    try:
        return entry.content
    except MachineError as error:
        return {"problem": str(error)}


@ledger.command()
@pass_session
def verify(session: Session) -> None:
    """Verify the chain of entries, and every file that they name by hash."""
    site = session.open_site()
    book = session.ledger(site)
    head = book.head()
    findings = list(verify_ledger(book, site.runs_folder))
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
