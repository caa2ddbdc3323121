"""weibao ledger …."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.commands.found import check_none_found, found_json, print_found, print_line
from runner.commands.session import Session, pass_session
from runner.commands.verify_progress import watching
from runner.evidence.anchor import parse_fingerprint, parse_head
from runner.evidence.checkpoint import read_checkpoint
from runner.evidence.ledger import Head
from runner.evidence.verify import Outside
from runner.operations.archive import archive_runs, told
from runner.operations.checkpoint import write_checkpoint
from runner.operations.entry_words import newest_entries
from runner.operations.verify_ledger import verify_ledger

if TYPE_CHECKING:
    from datetime import datetime

    from runner.operations.verify_ledger import Verified


@click.group()
def ledger() -> None:
    """Look at the site's evidence, and verify it."""


@ledger.command()
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many entries.")
@pass_session
def show(session: Session, last: int) -> None:
    """List the newest entries, newest first."""
    shown = newest_entries(session.open_site(), last, session.language)
    if session.as_json:
        session.print_json(
            entries=[{"file": str(one.entry.path), "sha256": one.entry.digest, **one.content} for one in shown]
        )
        return
    for one in shown:
        head = Head(one.entry.sequence, one.entry.digest).grouped()
        print_line(f"{head}  {one.content.get('time', '-')}  {one.entry.kind}  {one.about}")
    if not shown:
        click.echo("the ledger is empty")


@ledger.command()
@click.option("--head", "heads", multiple=True, metavar="SEQ:HASH", help="A head that a document prints, typed back.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A checkpoint that was handed over, its signature FILE.sig beside it.",
)
@click.option("--key", "keys", multiple=True, metavar="SHA256:…", help="A key that the site told by other means.")
@pass_session
def verify(session: Session, heads: tuple[str, ...], checkpoints: tuple[Path, ...], keys: tuple[str, ...]) -> None:
    """Verify every entry, signature and file, and what they say of each other; exit 1 on findings.

    Nothing is written: a copy on a read-only disk can be verified. What the holder of the keys has cut off or rewritten
    shows only against a head or a checkpoint from outside.
    """
    given = Outside(
        tuple(map(parse_head, heads)), tuple(map(read_checkpoint, checkpoints)), tuple(map(parse_fingerprint, keys))
    )
    with watching() as watch:
        verified = verify_ledger(session.site(), given, watch)
    if session.as_json:
        session.print_json(
            head={"sequence": verified.head.sequence, "sha256": verified.head.digest},
            entries=verified.entries,
            site_key=verified.site_key,
            held_against=[one.source for one in (*given.anchors, *(one.anchor for one in given.checkpoints))],
            **found_json(verified.findings, verified.remarks),
        )
    else:
        _print_verified(verified, given)
    check_none_found(verified.findings)


def _print_verified(verified: Verified, given: Outside) -> None:
    print_found(verified.findings, verified.remarks)
    for same in verified.same:
        print_line(f"held against {same.source}: entry {same.sequence}, the same")
    count = len(verified.findings)
    state = f"{count} finding{'s' if count > 1 else ''}" if count else "verified"
    click.echo(f"{state}; head {verified.head.grouped()}")
    if verified.site_key:
        click.echo(f"key of the site: {verified.site_key}")
    if not (given.anchors or given.checkpoints):
        click.echo("held against nothing from outside: give --head from a document, or --checkpoint", err=True)


@ledger.command()
@click.option("--to", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A new file.")
@pass_session
def checkpoint(session: Session, file: Path) -> None:
    """Write the signed head of the ledger to a file, for the purchaser to keep.

    FILE and FILE.sig go into other hands than the provider's: any later ledger can be held against them.
    """
    handed = write_checkpoint(session.open_site(), file.resolve())
    one = handed.checkpoint
    if session.as_json:
        session.print_json(
            head={"sequence": one.sequence, "sha256": one.sha256},
            files=[str(handed.file), str(handed.signature)],
            signer=one.signer,
            entry=handed.entry.sequence,
        )
        return
    click.echo(f"head {Head(one.sequence, one.sha256).grouped()}, signed by {one.signer}")
    click.echo(f"{handed.file}\n{handed.signature}")


@ledger.command()
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Runs that ended before this day.",
)
@click.option(
    "--to",
    "place",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder on another disk, or a new file whose name ends in .tar.",
)
@pass_session
def archive(session: Session, before: datetime, place: Path) -> None:
    """Move old runs to another disk; the ledger says where, and verify follows.

    The newest ten runs of each procedure stay, and its newest complete one: the next run is compared with them.
    """
    with watching() as watch:
        done = archive_runs(session.open_site(), before.date(), place.resolve(), partial(watch, "runs"))
    if session.as_json:
        session.print_json(**told(done))
        return
    if done.entry:
        click.echo(f"{len(done.moved)} runs moved to {done.place}; entry {done.entry.sequence} names them")
    else:
        click.echo("no run is to be moved")
    if done.stay:
        click.echo(f"{done.stay} runs that are old enough stay: the next ones are compared with them")
    if done.removed:
        click.echo(f"{done.removed} runs that an interrupted command had moved were removed here")
