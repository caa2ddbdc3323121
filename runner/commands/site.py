"""weibao site …."""

from __future__ import annotations

import getpass
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.commands.session import Session, pass_session
from runner.commands.site_text import summary_json, summary_lines
from runner.errors import BadInput
from runner.operations.check_site import check_folder, check_site
from runner.operations.site_init import NewSite, create_site
from runner.operations.site_schema import FILES, schema_of
from runner.operations.site_summary import summarise
from runner.site import PROJECT, site_roots

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def site() -> None:
    """Look after a site's folder."""


@site.command()
@pass_session
def check(session: Session) -> None:
    """Validate every file of the site; name file, line and key of each problem."""
    checked = check_folder(session.site())
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


@site.command()
@pass_session
def show(session: Session) -> None:
    """Tell what the site is: contract, term, obligations, people, hosts, and what is due next."""
    checked = check_site(session.open_site())
    summary = summarise(checked, datetime.now(UTC))
    if session.as_json:
        session.print_json(**summary_json(checked, summary))
        return
    wording = Wording(load_catalogue(session.language, checked.site.catalogue_overlay), checked.contract.zone())
    for line in summary_lines(checked, summary, wording):
        click.echo(line)


@site.command()
@click.argument("file", type=click.Choice(sorted(FILES)))
@pass_session
def schema(session: Session, file: str) -> None:
    """Print the JSON Schema of a file, for editors that complete and check YAML."""
    found = schema_of(file)
    if session.as_json:
        session.print_json(file=file, schema=found)
    else:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))


#: What a site cannot do without, with the question for it and the option that answers it.
_NEEDED = {
    "system": "System that is maintained",
    "provider": "Provider (who maintains)",
    "purchaser": "Purchaser (who is maintained for)",
    "start": "First day of the term",
}
_OPTIONS = {"system": "--system", "provider": "--provider", "purchaser": "--purchaser", "start": "--from"}


@site.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write it in here.")
@click.option("--system", metavar="TEXT", help="The system that is maintained.")
@click.option("--provider", metavar="TEXT", help="Who maintains.")
@click.option("--purchaser", metavar="TEXT", help="Who is maintained for.")
@click.option("--from", "start", type=_DAY, metavar="DATE", help="The first day of the term.")
@click.option("--to", "end", type=_DAY, metavar="DATE", help="Its last day; without it the term is a year.")
@click.option("--signed", type=_DAY, metavar="DATE", help="The day of signature.")
@click.option("--number", metavar="TEXT", help="The contract's number; NAME by default.")
@click.option("--title", metavar="TEXT", help="The contract's title.")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, metavar="ZONE", help="Of due dates.")
@click.option("--engineer", metavar="TEXT", help="Who inspects, under the login that calls this.")
@click.option("--manager", metavar="TEXT", help="The provider's project manager.")
@click.option("--approver", metavar="TEXT", help="Who approves for the purchaser.")
@click.option("--host", "hosts", multiple=True, metavar="NAME=ADDRESS", help="A host; once for each.")
@click.option("--user", metavar="LOGIN", help="The login on the hosts; other than root it uses sudo.")
@pass_session
def init(session: Session, /, name: str, folder: Path | None, **given: Any) -> None:
    """Write the folder of a new site from options; on a terminal it asks for what is missing."""
    answers = _answered(given) if _asks() else dict(given)
    missing = [_OPTIONS[key] for key in _NEEDED if not answers[key]]
    if missing:
        raise BadInput(f"{', '.join(missing)}: missing; on a terminal weibao asks for them")
    answers |= {key: answers[key].date() for key in ("start", "end", "signed") if answers[key]}
    login = getpass.getuser() if answers["engineer"] else None
    parent = (folder or _default_parent()).resolve()
    made = create_site(NewSite(name, login=login, **answers), parent, session.home / name)
    known = parent in [root.resolve() for root in site_roots()]
    if session.as_json:
        session.print_json(site=name, folder=str(made.folder), found=known)
        return
    click.echo(made.folder)
    if not known:
        click.echo(f"export WEIBAO_SITES={parent}   # so that weibao finds it")
    click.echo(f"weibao --site {name} site show")


def _asks() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _answered(given: dict[str, Any]) -> dict[str, Any]:
    """Return the answers, with questions for what no option gave."""
    found = dict(given)
    for key, question in _NEEDED.items():
        if not found[key]:
            found[key] = click.prompt(question, type=_DAY if key == "start" else str)
    optional: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
        ("engineer", "Engineer who inspects (empty: later)", str),
        ("manager", "Provider's project manager (empty: later)", str),
        ("approver", "Purchaser's approver (empty: later)", str),
        ("hosts", "Hosts, NAME=ADDRESS between spaces (empty: this machine)", lambda text: tuple(text.split())),
    )
    for key, question, read in optional:
        if not found[key]:
            found[key] = read(click.prompt(question, default="", show_default=False)) or None
    return {**found, "hosts": found["hosts"] or ()}


def _default_parent() -> Path:
    """Return the first folder of WEIBAO_SITES, or the clone's own."""
    further = [Path(part) for part in os.environ.get("WEIBAO_SITES", "").split(os.pathsep) if part]
    return further[0] if further else PROJECT / "inventories"
