"""weibao ledger …."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from reports.text import printable
from runner.commands.session import Session, pass_session
from runner.errors import ExitCode, MachineError
from runner.evidence.ledger import Head
from runner.evidence.verify import verify as verify_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.evidence.ledger import Entry

#: What of an entry's body tells people what it is about.
_TOLD = {
    "run": ("procedure", "verdict", "run"),
    "notification": ("channel", "event", "run"),
    "record": ("obligations", "case", "event", "period"),
    "waiver": ("obligations", "period"),
    "document": ("step", "number"),
}


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
        body = content.get("body")
        what = _about(entry.kind, body) if isinstance(body, dict) else content.get("problem", "")
        head = Head(entry.sequence, entry.digest).grouped()
        click.echo(printable(f"{head}  {content.get('time', '-')}  {entry.kind}  {what}").replace("\n", " "))
    if not entries:
        click.echo("the ledger is empty")


def _about(kind: str, body: Mapping[str, Any]) -> str:
    """Return what an entry is about, in the words of its body."""
    return "  ".join(_told(body[key]) for key in _TOLD.get(kind, ()) if body.get(key))


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return ":".join(map(str, (value.get("kind"), value.get("id")))) if isinstance(value, dict) else str(value)


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
    findings = list(verify_ledger(book, site.runs_folder, site.attachments_folder, site.documents_folder))
    if session.as_json:
        session.print_json(
            head={"sequence": head.sequence, "sha256": head.digest},
            findings=[{"file": one.file, "problem": one.problem} for one in findings],
        )
    else:
        for one in findings:
            # Names of attachments may hold anything.
            click.echo(printable(f"{one.file}: {one.problem}").replace("\n", " "))
        state = f"{len(findings)} findings" if findings else "verified"
        click.echo(f"{state}; head {head.grouped()}")
    if findings:
        raise click.exceptions.Exit(ExitCode.FINDINGS)
