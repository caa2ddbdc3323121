"""weibao run PROCEDURE."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from module_utils.observations import rank
from reports.catalogue import load_catalogue
from reports.documents.comparison import STATUSES
from reports.wording import Wording
from runner.commands.notify import as_json, print_sent
from runner.commands.options import formats_option
from runner.commands.session import Session, pass_session
from runner.errors import BadInput, ExitCode
from runner.evidence.ledger import Head
from runner.execution.progress import progress_here
from runner.operations.check_site import check_site
from runner.operations.comparison import compare_run, known_key
from runner.operations.documents import Written, write_documents
from runner.operations.notify import notify_of_run
from runner.operations.run_procedure import ListedRun, RunRequest, run_procedure

if TYPE_CHECKING:
    from reports.documents.comparison import Comparison
    from runner.operations.check_site import CheckedSite
    from runner.operations.notify import Sent

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
    comparison = compare_run(checked, listed.run)
    if not session.as_json:
        _print_summary(session, checked, listed, comparison)
    # Whoever must know at once does not wait for documents.
    sent = notify_of_run(checked, listed.run, comparison, session.language)
    documents = write_documents(checked, listed.run, comparison, session.language, formats)
    if session.as_json:
        _print_json(session, listed, comparison, sent, documents)
    else:
        print_sent(sent)
        _print_documents(documents)
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


def _print_json(
    session: Session, listed: ListedRun, comparison: Comparison, sent: list[Sent], documents: Written
) -> None:
    manifest = listed.run.manifest
    session.print_json(
        run=listed.run.run_id,
        folder=str(listed.run.folder),
        verdict=manifest["verdict"],
        hosts=manifest["hosts"],
        levels=manifest["levels"],
        not_covered=manifest["not_covered"],
        compared_with=[run for run, _ in comparison.runs],
        changes=[_change(key, status) for key, status in comparison.status.items()]
        + [_change(known_key(one), "gone") for one in comparison.gone]
        + [_change(known_key(one), "unconfirmed") for one in comparison.unconfirmed],
        notifications=as_json(sent),
        ledger={"sequence": listed.entry.sequence, "sha256": listed.entry.digest},
        documents=[str(path) for path in documents.paths],
        documents_not_written=list(documents.problems),
    )


def _change(key: tuple[str, str, str], status: str) -> dict[str, str]:
    return {**dict(zip(("host", "check", "subject"), key, strict=True)), "change": status}


def _print_documents(documents: Written) -> None:
    for path in documents.paths:
        click.echo(f"{path.suffix[1:].upper()}  {path}")
    for problem in documents.problems:
        click.echo(problem, err=True)


def _print_summary(session: Session, checked: CheckedSite, listed: ListedRun, comparison: Comparison) -> None:
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
    _print_messages(words, manifest["hosts"])
    say("hosts", reached=reached, hosts=len(manifest["hosts"]), counts=" · ".join(counts))
    if manifest["not_covered"]:
        say("not_covered", count=len(manifest["not_covered"]))
    if comparison.runs:
        changes = Counter(comparison.status.values())
        new = changes["new"] + changes["first"]
        say("compared", time=comparison.runs[0][1], new=new, worse=changes["worse"], same=changes["same"],
            gone=len(comparison.gone), unconfirmed=len(comparison.unconfirmed))  # fmt: skip
    _print_findings(words, listed, comparison)
    say("ledger", head=Head(listed.entry.sequence, listed.entry.digest).grouped())


def _print_messages(words: Wording, hosts: dict[str, dict[str, Any]]) -> None:
    """Print what hosts said that failed, those that said the same together."""
    said: dict[str, list[str]] = {}
    for host, result in hosts.items():
        if result["message"]:
            said.setdefault(" ".join(result["message"].split()), []).append(host)
    for message, names in list(said.items())[:SHOWN]:
        click.echo(f"  {words.folded(names, 0)}: {message}")
    if len(said) > SHOWN:
        click.echo(f"  {words.fill(words.catalogue.word('summary', 'more'), {'count': len(said) - SHOWN})}")


def _worst_first(levels: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(levels.items(), key=lambda item: -rank(item[0]))


def _print_findings(wording: Wording, listed: ListedRun, comparison: Comparison) -> None:
    """Print the worst, and of those the new ones first."""
    found = [one for one in listed.run.observations() if rank(one["level"]) >= rank("warning")]
    status = {id(one): comparison.status[one["host"], one["check"], one["subject"]] for one in found}
    ordered = sorted(found, key=lambda one: (-rank(one["level"]), STATUSES.index(status[id(one)]), one["host"]))
    for one in ordered[:SHOWN]:
        result = wording.result(one["check"], one["value"], one["unit"])
        title = wording.title(one["check"], one["subject"])
        change = f"  {wording.term('status_' + status[id(one)])}" if comparison.runs else ""
        click.echo(f"  {wording.level(one['level'])}  {one['host']}  {title}: {result}{change}")
    if len(found) > SHOWN:
        more = wording.catalogue.word("summary", "more")
        click.echo(f"  {wording.fill(more, {'count': len(found) - SHOWN})}")
