"""weibao run PROCEDURE."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from module_utils.observations import rank
from runner.commands.carried_out import carry_out
from runner.commands.notify import as_json, print_sent
from runner.commands.options import fail_on_option, formats_option
from runner.commands.session import Session, pass_session
from runner.commands.written import print_written, tell_not_written, written_json
from runner.errors import BadInput, ExitCode
from runner.execution.progress import progress_here
from runner.operations.check_site import check_site
from runner.operations.comparison import known_key
from runner.operations.documents import check_forms
from runner.operations.follow_up import Followed, follow_up
from runner.operations.run_procedure import ListedRun, RunRequest, run_procedure
from runner.operations.schedule import scheduler_of


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
@fail_on_option()
@click.option("--change", metavar="NUMBER", help="Under this approved change, as weibao change execute does.")
@click.option("--period", metavar="PERIOD", help="What the run is for: 2026-09, 2026Q3, 2026W36 (now by default).")
@formats_option("html")
@pass_session
def run(  # noqa: PLR0913 - one for each option
    session: Session,
    procedure: str,
    limit: str | None,
    timeout: int | None,
    fail_on: str,
    period: str | None,
    formats: tuple[str, ...],
    *,
    check: bool,
    change: str | None,
) -> None:
    """Run a procedure on the site's hosts, seal what happened, and write its documents."""
    checked = check_site(session.site())
    if change is not None:
        if check or limit is not None or timeout is not None or period is not None:
            raise click.UsageError("--change goes without --check, --limit, --timeout and --period")
        session.open_site()
        carry_out(session, checked, change, formats, fail_on, procedure)
        return
    if "docx" in formats:
        check_forms(checked.site, procedure)
    session.open_site()
    if limit == "":
        raise BadInput("--limit: is empty; leave it out to run on the whole site")
    occurrences = scheduler_of(checked, datetime.now(UTC)).named(procedure, period) if period else None
    listed = run_procedure(checked, RunRequest(procedure, limit, check, timeout, occurrences), progress_here())
    followed = follow_up(checked, listed.run, listed.entry, session.language, formats, session.show)
    if session.as_json:
        _print_json(session, listed, followed)
    else:
        print_sent(followed.sent)
        print_written(followed.documents)
        tell_not_written(followed.documents)
    if followed.untold:
        click.echo(f"nobody was told: {followed.untold}", err=True)
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


def _print_json(session: Session, listed: ListedRun, followed: Followed) -> None:
    manifest, comparison = listed.run.manifest, followed.comparison
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
        notifications=as_json(followed.sent),
        ledger={"sequence": listed.entry.sequence, "sha256": listed.entry.digest},
        **written_json(followed.documents),
    )


def _change(key: tuple[str, str, str], status: str) -> dict[str, str]:
    return {**dict(zip(("host", "check", "subject"), key, strict=True)), "change": status}
