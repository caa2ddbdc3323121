"""weibao ledger export."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.commands.found import check_none_found, found_json, print_found
from runner.commands.session import Session, pass_session
from runner.commands.verify_progress import watching
from runner.operations.check_site import check_site
from runner.operations.compliance import words_of

if TYPE_CHECKING:
    from runner.operations.check_site import CheckedSite
    from runner.operations.export import Exported


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--period", metavar="PERIOD", help="Files of 2026, 2026H1, 2026Q3, 2026-07 or 2026W07 only.")
@pass_session
def export(session: Session, folder: Path, period: str | None) -> None:
    """Write the auditor's pack: evidence, public keys, verify.sh, and pages to browse without a network.

    DIR must be empty, or not there yet. Exit code 1 where something is missing or not what the ledger says: the pack
    is written all the same, and says so.
    """
    # Imported only now: no other command needs the pages.
    from runner.operations.export import export as export_pack  # noqa: PLC0415

    checked = check_site(session.open_site())
    with watching() as watch:
        exported = export_pack(checked, folder.absolute(), period, watch)
    _print(session, checked, exported)
    check_none_found(exported.findings)


def _print(session: Session, checked: CheckedSite, exported: Exported) -> None:
    told = {one.name: getattr(exported, one.name) for one in dataclasses.fields(exported)}
    told["folder"] = str(exported.folder)
    if session.as_json:
        head = {"sequence": exported.head.sequence, "sha256": exported.head.digest}
        session.print_json(**{**told, "head": head, **found_json(exported.findings, exported.remarks)})
        return
    words = words_of(checked, session.language)
    told["head"] = exported.head.grouped()
    print_found(exported.findings, exported.remarks)
    check = "check_findings" if exported.findings else "check"
    for key in ("written", "contents", *(["left_out"] if exported.left_out else []), "head", "key", check):
        click.echo(words.fill(words.catalogue.word("audit_export", key), told))
