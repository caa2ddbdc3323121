"""weibao procedures."""

from __future__ import annotations

import click

from reports.catalogue import load_catalogue
from runner.commands.session import Session, pass_session
from runner.procedures import load_procedures
from runner.site import PROJECT


@click.command()
@pass_session
def procedures(session: Session) -> None:
    """List what can be run, and what each needs."""
    catalogue = load_catalogue(session.language)
    found = load_procedures(PROJECT).values()
    if session.as_json:
        session.print_json(
            procedures=[
                {
                    "name": one.name,
                    "title": catalogue.word("procedures", one.name, "title"),
                    "needs": catalogue.word("procedures", one.name, "needs"),
                    "changes_hosts": one.changes_hosts,
                    "repeatable": one.repeatable,
                    "documents": list(one.documents),
                }
                for one in found
            ]
        )
        return
    for one in found:
        gate = "changes hosts: needs an approved change" if one.changes_hosts else "read-only"
        click.echo(f"{one.name}  {catalogue.word('procedures', one.name, 'title')}  ({gate})")
        click.echo(f"    {catalogue.word('procedures', one.name, 'needs')}")
        click.echo(f"    documents: {', '.join(one.documents) or 'none'}")
