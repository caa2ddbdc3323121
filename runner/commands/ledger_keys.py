"""weibao ledger keys …."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.text import printable
from runner.commands.found import print_line
from runner.commands.session import Session, pass_session
from runner.evidence.canonical import timestamp
from runner.evidence.keys import SITE
from runner.operations.keys import (
    Loss,
    accept_paper,
    accept_signature,
    add_key,
    lose_key,
    replace_key,
    request_consent,
    save_request,
    show_keys,
)
from runner.public_key import parse_public_key

if TYPE_CHECKING:
    from runner.evidence.keys import Keyring
    from runner.evidence.ledger import Entry
    from runner.evidence.trust import Person, Span
    from runner.site import Site

_FILE = click.Path(path_type=Path)


@click.group()
def keys() -> None:
    """Say whose keys are believed, and put the purchaser's people in force."""


def _site(session: Session) -> Site:
    """Return the site with its folders; nothing is sealed before: a lost key would be in the way of telling it."""
    site = session.site()
    site.prepare()
    return site


@keys.command()
@click.option("--allowed-signers", is_flag=True, help="Print the file that ssh-keygen -Y verify reads.")
@pass_session
def show(session: Session, *, allowed_signers: bool) -> None:
    """List the keys with the times in which they are believed, and what waits for the purchaser."""
    shown = show_keys(session.site())
    if allowed_signers:
        click.echo(shown.keyring.allowed_signers(), nl=False)
        return
    site_key = shown.keyring.site_key
    if session.as_json:
        session.print_json(
            site_key=site_key.fingerprint if site_key else None,
            keys=[_told(one, shown.keyring) for one in shown.keyring.spans(empty=True)],
            people_in_force=[one.as_dict() for one in shown.in_force],
            waiting=list(shown.waiting),
        )
        return
    for span in shown.keyring.spans(empty=True):
        told = _told(span, shown.keyring)
        now = ("  signs now" if shown.at_hand else "  its private half is gone") if site_key == span.holder.key else ""
        print_line(f"{told['fingerprint']}  {told['holder']}  since {told['since'] or '-'}  {_state(told)}{now}")
    if not site_key:
        click.echo("the ledger names no key yet; the first entry makes one")
    if shown.waiting:
        names = ", ".join(shown.waiting)
        print_line(f"waits for the purchaser's consent: {names}; see weibao ledger keys request")


def _state(told: dict[str, Any]) -> str:
    """Return whether a key is believed, and why not."""
    ended = told["given_up"]
    if ended:
        return f"{ended['step']}, not believed from {ended['since']} on"
    return f"until {told['until']}" if told["until"] else "believed"


def _told(span: Span, keyring: Keyring) -> dict[str, Any]:
    holder = span.holder
    ended = keyring.ended(holder.key.fingerprint)
    return {
        "fingerprint": holder.key.fingerprint,
        "public_key": holder.key.line,
        "holder": holder.name,
        "duty": holder.duty,
        "organisation": holder.organisation,
        "since": timestamp(span.first) if span.first else None,
        "until": timestamp(span.end) if span.end and span.end.year < 9000 else None,
        "given_up": {"step": ended[1], "since": timestamp(ended[0])} if ended else None,
    }


@keys.command()
@click.argument("name")
@click.argument("file", type=_FILE)
@pass_session
def add(session: Session, name: str, file: Path) -> None:
    """Tell the ledger that the person NAME of people.yml has the public key in FILE."""
    _say(session, [add_key(_site(session), name, file)])


@keys.command()
@click.option("--reason", metavar="TEXT", help="Why.")
@pass_session
def replace(session: Session, reason: str | None) -> None:
    """Make a new key for the site, vouched for by the old one, which is then gone."""
    _say(session, [replace_key(_site(session), reason)])


@keys.command()
@click.option("--key", metavar="SHA256:…", help="The fingerprint; the site's key by default.")
@click.option("--reason", metavar="TEXT", required=True, help="What happened.")
@click.option("--since", metavar="TIME", help="From when it is not believed: 2026-03-04; now by default.")
@click.option("--stolen", is_flag=True, help="Somebody else may have it.")
@click.option("--adopt", is_flag=True, help="Vouch for every entry so far, having looked at those made since.")
@pass_session
def lost(session: Session, /, **told: Any) -> None:
    """Tell that a key is lost or stolen; the site's key has a successor at once."""
    loss = Loss(told["reason"], told["key"], told["since"], stolen=told["stolen"], adopt=told["adopt"])
    _say(session, lose_key(_site(session), loss))


@keys.command()
@click.option("--output", type=_FILE, metavar="FILE", help="Write what is to be signed there, instead of printing it.")
@pass_session
def request(session: Session, output: Path | None) -> None:
    """Show what a purchaser's person must sign, so that a change of the purchaser's people comes into force."""
    asked = request_consent(_site(session))
    names, name = ", ".join(asked.changed), output.name if output else "FILE"
    command = f"ssh-keygen -Y sign -n weibao-approval -f KEY {name}"
    if output:
        save_request(asked, output)
    if session.as_json:
        content = asked.content.decode()
        people = {"added": asked.added, "removed": asked.removed}
        told = {what: [one.as_dict() for one in those] for what, those in people.items()}
        session.print_json(content=content, changed=list(asked.changed), command=command, **told)
        return
    if output is None:
        click.echo(asked.content, nl=False)
    click.echo(printable(f"changed: {names}"), err=True)
    for sign, those in (("-", asked.removed), ("+", asked.added)):
        for one in those:
            click.echo(printable(f"  {sign} {_of_person(one)}"), err=True)
    click.echo(f"a purchaser's person in force signs these bytes: {command}", err=True)
    click.echo(f"then: weibao ledger keys accept --by NAME --signature {name}.sig", err=True)


def _of_person(person: Person) -> str:
    """Return what a purchaser's person is told of another before they sign: duty, keys, days."""
    keys = ", ".join(parse_public_key(one).fingerprint for one in person.keys) or "no key"
    return f"{person.name}  {person.duty}  {keys}  {person.valid_from or '-'} to {person.valid_to or '-'}"


@keys.command()
@click.option("--by", metavar="NAME", help="The purchaser's person who signed.")
@click.option("--signature", type=_FILE, metavar="FILE", help="Their signature.")
@click.option("--paper", type=_FILE, metavar="FILE", help="The scan of a signed paper, where nobody has a key.")
@click.option("--vouched-by", metavar="NAME", help="Who vouches for the paper.")
@pass_session
def accept(
    session: Session, by: str | None, signature: Path | None, paper: Path | None, vouched_by: str | None
) -> None:
    """Put the purchaser's people in force, with a signature or a signed paper."""
    site = _site(session)
    if by and signature and not (paper or vouched_by):
        _say(session, [accept_signature(site, by, signature)])
    elif paper and vouched_by and not (by or signature):
        _say(session, [accept_paper(site, paper, vouched_by)])
    else:
        raise click.UsageError("give --by and --signature, or --paper and --vouched-by")


def _say(session: Session, entries: list[Entry]) -> None:
    """Print what was entered."""
    if session.as_json:
        session.print_json(entries=[{"file": str(one.path), "sha256": one.digest, **one.content} for one in entries])
        return
    for one in entries:
        body = one.body
        before = f"{body['replaces']} → " if body.get("replaces") else ""
        what = (
            f"{body['step']} {before}{body['fingerprint']} {body['holder']}" if one.kind == "key" else "people in force"
        )
        print_line(f"entry {one.sequence}: {what}")
        if one.kind == "key" and body["holder"] == SITE and body["step"] in ("created", "replaced"):
            print_line(f"the site's key is now {body['fingerprint']}: write it down, and tell it to the purchaser")
