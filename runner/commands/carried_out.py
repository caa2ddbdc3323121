"""What commands do around the execution of a change: they print what became of it, and what followed from its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from module_utils.observations import rank
from reports.documents.change_lines import say, stepped_line
from runner.commands.notify import as_json, print_sent
from runner.commands.written import print_written, tell_not_written, written_json
from runner.errors import ExitCode
from runner.execution.progress import progress_here
from runner.operations.change_entries import words_for
from runner.operations.change_execute import execute
from runner.operations.documents import check_forms
from runner.operations.follow_up import follow_up

if TYPE_CHECKING:
    from runner.commands.session import Session
    from runner.operations.change_execute import Executed
    from runner.operations.check_site import CheckedSite


def carry_out(
    session: Session,
    checked: CheckedSite,
    number: str,
    formats: tuple[str, ...],
    fail_on: str,
    procedure: str | None = None,
) -> None:
    """Carry a change out, print what became of it, and end with the exit code that says so."""
    if "docx" in formats and procedure:
        check_forms(checked.site, procedure)
    executed = execute(checked, number, session.language, progress_here(), procedure=procedure)
    listed = executed.listed
    followed = follow_up(checked, listed.run, listed.entry, session.language, formats, session.show)
    if session.as_json:
        told = executed_json(executed)
        session.print_json(**told, notifications=as_json(followed.sent), **written_json(followed.documents))
    else:
        print_executed(session, checked, executed)
        print_sent(followed.sent)
        print_written(followed.documents)
        tell_not_written(followed.documents)
    if followed.untold:
        click.echo(f"nobody was told: {followed.untold}", err=True)
    code = change_code(executed, fail_on)
    if code:
        raise click.exceptions.Exit(code)


def print_executed(session: Session, checked: CheckedSite, executed: Executed) -> None:
    """Print how an execution ended, and which hosts it left."""
    words, body = words_for(checked, session.language), executed.entry.body
    click.echo(stepped_line(executed.change.number, "executed", executed.entry.sequence, words))
    outcome = words.catalogue.word("change_outcomes", executed.outcome, "name")
    click.echo("  " + say(words, "outcome", run=body["run"], outcome=outcome))
    if executed.change.remainder:
        click.echo("  " + say(words, "remainder", hosts=list(executed.change.remainder)))


def executed_json(executed: Executed) -> dict[str, Any]:
    """Return an execution as JSON has it."""
    manifest = executed.listed.run.manifest
    return {
        "change": executed.change.number,
        "run": executed.listed.run.run_id,
        "outcome": executed.outcome,
        "hosts": executed.entry.body["hosts"],
        "remainder": list(executed.change.remainder),
        "verdict": manifest["verdict"],
        "levels": manifest["levels"],
        "ledger": {"sequence": executed.entry.sequence, "sha256": executed.entry.digest},
    }


def change_code(executed: Executed, fail_on: str) -> ExitCode:
    """Return what the program's exit code says of an execution: 4 unless all hosts are done."""
    stopped = executed.listed.ending.stopped
    if stopped and stopped.code == "cancelled":
        return ExitCode.INTERRUPTED
    if executed.outcome != "done":
        return ExitCode.RUN_FAILED
    levels = executed.listed.run.manifest["levels"]
    bad = fail_on != "never" and any(rank(level) >= rank(fail_on) for level in levels)
    return ExitCode.FINDINGS if bad else ExitCode.DONE
