"""weibao run PROCEDURE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from module_utils.observations import rank
from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.commands.options import formats_option
from runner.commands.session import Session, pass_session
from runner.errors import BadInput, ExitCode
from runner.evidence.ledger import Head
from runner.execution.progress import progress_here
from runner.operations.check_site import check_site
from runner.operations.documents import Written, write_documents
from runner.operations.run_procedure import ListedRun, RunRequest, run_procedure

if TYPE_CHECKING:
    from runner.operations.check_site import CheckedSite

#: How many findings the summary names; the documents name them all.
SHOWN = 15


@click.command()
@click.argument("procedure")
@click.option("--limit", metavar="PATTERN", help="Only these hosts (an Ansible pattern).")
@click.option("--check", is_flag=True, help="Check mode: nothing on a host is changed.")
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Stop the run after this time; it is sealed so.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["never", "warning", "critical"]),
    default="critical",
    show_default=True,
    help="Exit 1 on findings of this level and above.",
)
@formats_option("html")
@pass_session
def run(
    session: Session,
    procedure: str,
    limit: str | None,
    timeout: int | None,
    fail_on: str,
    formats: tuple[str, ...],
    *,
    check: bool,
) -> None:
    """Run a procedure on the site's hosts, seal what happened, and write its documents."""
    checked = check_site(session.site())
    session.open_site()
    if limit == "":
        raise BadInput("--limit: is empty; leave it out to run on the whole site")
    listed = run_procedure(checked, RunRequest(procedure, limit, check, timeout), progress_here())
    if session.as_json:
        _print_json(session, listed, write_documents(checked, listed.run, session.language, formats))
    else:
        _print_summary(session, checked, listed)
        _print_documents(write_documents(checked, listed.run, session.language, formats))
    code = exit_code(listed, fail_on)
    if code:
        raise click.exceptions.Exit(code)


def exit_code(listed: ListedRun, fail_on: str) -> ExitCode:
    """Return what the program's exit code says of a run."""
    manifest = listed.run.manifest
    if listed.ending.stopped and listed.ending.stopped.code == "cancelled":
        return ExitCode.INTERRUPTED
    if manifest["verdict"]["state"] != "complete":
        return ExitCode.RUN_FAILED
    bad = fail_on != "never" and any(rank(level) >= rank(fail_on) for level in manifest["levels"])
    return ExitCode.FINDINGS if bad else ExitCode.DONE


def _print_json(session: Session, listed: ListedRun, documents: Written) -> None:
    manifest = listed.run.manifest
    session.print_json(
        run=listed.run.run_id,
        folder=str(listed.run.folder),
        verdict=manifest["verdict"],
        hosts=manifest["hosts"],
        levels=manifest["levels"],
        ledger={"sequence": listed.entry.sequence, "sha256": listed.entry.digest},
        documents=[str(path) for path in documents.paths],
        documents_not_written=list(documents.problems),
    )


def _print_documents(documents: Written) -> None:
    for path in documents.paths:
        click.echo(f"{path.suffix[1:].upper()}  {path}")
    for problem in documents.problems:
        click.echo(problem, err=True)


def _print_summary(session: Session, checked: CheckedSite, listed: ListedRun) -> None:
    catalogue = load_catalogue(session.language, checked.site.catalogue_overlay)
    words = Wording(catalogue, checked.contract.zone())

    def say(key: str, **parameters: Any) -> None:
        click.echo(words.fill(catalogue.word("summary", key), parameters))

    manifest = listed.run.manifest
    verdict = manifest["verdict"]
    reached = sum(host["outcome"] == "ok" for host in manifest["hosts"].values())
    counts = [f"{words.level(level)} {count}" for level, count in _worst_first(manifest["levels"])]
    say("run", run=listed.run.run_id, state=catalogue.word("states", verdict["state"]))
    for reason in verdict["reasons"]:
        click.echo(f"  {words.verdict_reason(reason)}")
    for host, result in manifest["hosts"].items():
        if result["message"]:
            click.echo(f"  {host}: {result['message']}")
    say("hosts", reached=reached, hosts=len(manifest["hosts"]), counts=" · ".join(counts))
    _print_findings(words, listed)
    say("ledger", head=Head(listed.entry.sequence, listed.entry.digest).grouped())


def _worst_first(levels: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(levels.items(), key=lambda item: -rank(item[0]))


def _print_findings(wording: Wording, listed: ListedRun) -> None:
    found = [one for one in listed.run.observations() if rank(one["level"]) >= rank("warning")]
    for one in sorted(found, key=lambda one: (-rank(one["level"]), one["host"]))[:SHOWN]:
        result = wording.result(one["check"], one["value"], one["unit"])
        title = wording.title(one["check"], one["subject"])
        click.echo(f"  {wording.level(one['level'])}  {one['host']}  {title}: {result}")
    if len(found) > SHOWN:
        more = wording.catalogue.word("summary", "more")
        click.echo(f"  {wording.fill(more, {'count': len(found) - SHOWN})}")
