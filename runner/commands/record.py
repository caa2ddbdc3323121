"""weibao record …."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.catalogue import load_catalogue
from reports.documents.record_lines import entry_line, listed_line, row_line
from reports.wording import Wording
from runner.commands.pairs import entry_json, pairs, rows_json
from runner.commands.session import Session, pass_session
from runner.operations.check_site import check_site
from runner.operations.records import RecordRequest, WaiverRequest, add_record, list_records
from runner.operations.records import waive as waive_occurrence

if TYPE_CHECKING:
    from runner.operations.check_site import CheckedSite
    from runner.operations.records import Recorded

_FILE = click.Path(path_type=Path)


def words_of(session: Session, checked: CheckedSite) -> Wording:
    """Return the words of the session's language for a site."""
    return Wording(load_catalogue(session.language, checked.site.catalogue_overlay), checked.contract.zone())


@click.group()
def record() -> None:
    """Record what no playbook can do, and waive what is not owed."""


@record.command()
@click.argument("obligations", nargs=-1, metavar="[OBLIGATION]...")
@click.option("--event", metavar="EVENT", help="What happened, in the contract's words: reported, arrived, restored …")
@click.option("--case", metavar="KIND:ID", help="The case that it belongs to, such as fault:F-001.")
@click.option(
    "--set",
    "attributes",
    multiple=True,
    metavar="KEY=VALUE",
    callback=pairs,
    help="What is known of the case, such as grade=P1; several times.",
)
@click.option("--at", metavar="TIME", help='When it happened: 2026-03-04 or "2026-03-04 10:15"; now by default.')
@click.option(
    "--period", metavar="LABEL", help="What it is for, where that is not when it happened: 2026-03, term, #17."
)
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME=N",
    callback=pairs,
    help="How much of what a quota counts; several times.",
)
@click.option("--item", metavar="ITEM", help="Of which item, where a quota has several.")
@click.option("--who", multiple=True, metavar="NAME", help="Who did it, was there, or judged so; several times.")
@click.option("--attach", multiple=True, type=_FILE, metavar="FILE", help="A file that proves it; several times.")
@click.option("--text", metavar="TEXT", help="What was done, in a few words.")
@click.option(
    "--corrects",
    type=click.IntRange(min=1),
    metavar="N",
    help="The entry that this one replaces; with --text alone it is taken back.",
)
@pass_session
def add(session: Session, /, **given: Any) -> None:
    """Record what was done, or what happened.

    Name each OBLIGATION that it is for, or the case that it belongs to. Everything is checked before anything is kept.
    """
    site = session.open_site()
    checked = check_site(site)
    _print(session, checked, add_record(checked, RecordRequest(**given)))


@record.command("list")
@click.option("--obligation", metavar="ID", help="Of this obligation.")
@click.option("--case", metavar="KIND:ID", help="Of this case.")
@click.option("--period", metavar="LABEL", help="For this period.")
@pass_session
def list_(session: Session, obligation: str | None, case: str | None, period: str | None) -> None:
    """List records and waivers.

    Oldest first; those that were corrected, too, each with the entry that corrects it.
    """
    checked = check_site(session.open_site())
    found = list_records(checked, obligation, case, period)
    if session.as_json:
        session.print_json(
            records=[
                {
                    "sequence": one.sequence,
                    "kind": one.kind,
                    "time": one.time,
                    "corrected_by": one.corrected_by,
                    **one.body,
                }
                for one in found
            ]
        )
        return
    words = words_of(session, checked)
    for one in found:
        click.echo(listed_line(one.body, one.kind, one.sequence, one.corrected_by, words))
    if not found:
        click.echo(words.catalogue.word("records", "nothing"))


@record.command()
@click.argument("obligation")
@click.option("--period", required=True, metavar="LABEL", help="Which one: 2026-03, 2026Q1, term, a case's id, #17.")
@click.option("--consent", required=True, metavar="NAME", help="Who consents: a person of the purchaser in people.yml.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is not owed this time.")
@click.option("--at", metavar="TIME", help="When the consent was given; now by default.")
@click.option("--attach", multiple=True, type=_FILE, metavar="FILE", help="The consent itself; several times.")
@pass_session
def waive(session: Session, /, **given: Any) -> None:
    """Waive one occurrence, with consent.

    The purchaser consents that an OBLIGATION is not owed this time. What was done for it stays as it is.
    """
    checked = check_site(session.open_site())
    _print(session, checked, waive_occurrence(checked, WaiverRequest(**given)))


def _print(session: Session, checked: CheckedSite, recorded: Recorded) -> None:
    if session.as_json:
        session.print_json(entry=entry_json(recorded.entry), rows=rows_json(recorded.rows))
        return
    words, entry = words_of(session, checked), recorded.entry
    click.echo(entry_line(entry.body, entry.kind, entry.sequence, words))
    for row in recorded.rows:
        click.echo(f"  {row_line(row, words)}")
