"""weibao site …."""

from __future__ import annotations

import click

from runner.commands.session import Session, pass_session
from runner.operations.check_site import check_site


@click.group()
def site() -> None:
    """Look after a site's folder."""


@site.command()
@pass_session
def check(session: Session) -> None:
    """Validate every file of the site; name file, line and key of each problem."""
    checked = check_site(session.site())
    counts = {
        "obligations": len(checked.contract.obligations),
        "people": len(checked.people.people),
        "files": len(checked.site.variable_files) + 2,
    }
    if session.as_json:
        session.print_json(site=checked.site.name, folder=str(checked.site.folder), **counts)
    else:
        summary = ", ".join(f"{count} {name}" for name, count in counts.items())
        click.echo(f"{checked.site.name}: in order ({summary})")
