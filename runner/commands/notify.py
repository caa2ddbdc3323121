"""weibao notify."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from runner.commands.session import Session, pass_session
from runner.errors import BadInput, ExitCode
from runner.operations.check_site import check_site
from runner.operations.notify import notify_of_newest, try_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.operations.notify import Sent


@click.command()
@click.option("--test", "trial", is_flag=True, help="Send a test message over every channel.")
@pass_session
def notify(session: Session, *, trial: bool) -> None:
    """Tell the site's channels (notify.yml) what they have not been told yet."""
    checked = check_site(session.site())
    if not checked.notifications.channels:
        raise BadInput(f"{checked.site.notifications_file}: no channel is declared")
    session.open_site()
    sent = try_channels(checked, session.language) if trial else notify_of_newest(checked, session.language)
    if session.as_json:
        session.print_json(notifications=as_json(sent))
    elif not sent:
        click.echo("nothing to tell")
    else:
        print_sent(sent)
    if any(one.error or one.unlisted for one in sent):
        raise click.exceptions.Exit(ExitCode.MACHINE)


def as_json(sent: Sequence[Sent]) -> list[dict[str, str | None]]:
    """Return what became of messages, as every command lists it."""
    return [asdict(one) for one in sent]


def print_sent(sent: Sequence[Sent]) -> None:
    """Print what became of messages, a line each; what did not arrive, or is not listed, on standard error."""
    for one in sent:
        if one.error:
            click.echo(f"{one.channel}: was not told “{one.title}”: {one.error}", err=True)
        else:
            click.echo(f"{one.channel}: {one.title}")
        if one.unlisted:
            click.echo(f"{one.channel}: “{one.title}” is not in the ledger: {one.unlisted}", err=True)
