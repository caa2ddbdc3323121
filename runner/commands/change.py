"""weibao change …."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.documents.change_lines import doubt_lines, listed_line, requested_lines, say, shown_lines, stepped_line
from runner.commands.carried_out import carry_out
from runner.commands.options import fail_on_option, formats_option
from runner.commands.session import Session, pass_session
from runner.commands.written import print_written, tell_not_written, written_json
from runner.errors import ExitCode
from runner.execution.progress import progress_here
from runner.operations.change_application import apply_for
from runner.operations.change_documents import REPORT, REQUEST, write_change_document
from runner.operations.change_entries import standing, standings, words_for
from runner.operations.change_finish import close_unmarked
from runner.operations.change_remainder import remainder_request
from runner.operations.change_steps import (
    Proof,
    attend,
    decide,
    save_to_sign,
    to_sign,
)
from runner.operations.change_steps import close as close_change
from runner.operations.change_steps import verify as verify_change
from runner.operations.change_steps import withdraw as withdraw_change
from runner.operations.check_site import check_site
from runner.operations.saving import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.changes import Change
    from runner.operations.change_steps import Stepped
    from runner.operations.check_site import CheckedSite

_FILE = click.Path(path_type=Path)

_BY = click.option("--by", required=True, metavar="NAME", help="Who decides: a person of the purchaser in people.yml.")
_REASON = click.option("--reason", required=True, metavar="TEXT", help="Why.")
_TEXT = click.option("--text", metavar="TEXT", help="What was looked at, and found.")
_PASSED = click.option("--passed/--failed", default=None, help="Whether what was carried out is as it should be.")
_AT = click.option("--at", metavar="TIME", help='When, as it was signed: "2026-03-04 10:15"; now by default.')

#: What can be signed, what it is called in the bytes, and the options that belong into them.
_SIGNED = {
    "approve": ("approved", ("reason",)),
    "reject": ("rejected", ("reason",)),
    "sign-in": ("signed-in", ()),
    "sign-out": ("signed-out", ()),
    "verify": ("verified", ("passed", "text")),
}


def _proof(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that prove who decided."""
    for option in (
        click.option("--vouched-by", metavar="NAME", help="Who vouches for the paper."),
        click.option("--paper", type=_FILE, metavar="FILE", help="The scan of a signed paper, instead."),
        click.option("--signature", type=_FILE, metavar="FILE", help="Their signature of what show --to-sign wrote."),
    ):
        command = option(command)
    return command


@click.group()
def change() -> None:
    """Apply for changes of hosts, have them approved, and carry them out."""


def _opened(session: Session) -> CheckedSite:
    site = session.open_site()
    for closed in close_unmarked(site):
        click.echo(closed, err=True)
    return check_site(site)


# -- applying and looking -----------------------------------------------------------------------------------


@change.command()
@click.argument("file", type=_FILE)
@click.option("--preview/--no-preview", default=True, help="Try it in check mode on the hosts, which changes nothing.")
@formats_option("docx")
@pass_session
def request(session: Session, file: Path, formats: tuple[str, ...], *, preview: bool) -> None:
    """Apply for a change.

    FILE tells what, why, where, when and how back. It is planned, tried in check mode on its hosts, and looked at; then
    the upgrade request is written, for the purchaser to sign. Exit 1 where a check of its feasibility did not pass.
    """
    checked = _opened(session)
    stepped = apply_for(checked, file, progress_here, preview=preview)
    written = write_change_document(checked, stepped.change.number, REQUEST, session.language, formats)
    _say(session, checked, stepped, written)
    if not session.as_json:
        for line in requested_lines(stepped.change, words_for(checked, session.language)):
            click.echo(line)
    if stepped.change.infeasible:
        raise click.exceptions.Exit(ExitCode.FINDINGS)


@change.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the changes and how each stands, oldest first."""
    checked = _opened(session)
    found = standings(checked.site)
    if session.as_json:
        session.print_json(changes=[_told(one.change, one.state) for one in found])
        return
    words = words_for(checked, session.language)
    for one in found:
        click.echo(listed_line(one.change, one.state, words))
    if not found:
        click.echo(say(words, "nothing"))


@change.command()
@click.argument("number")
@click.option(
    "--to-sign", "step", type=click.Choice(list(_SIGNED)), help="Write the bytes that somebody signs for this step."
)
@click.option("--by", metavar="NAME", help="Who signs.")
@click.option("--reason", metavar="TEXT", help="Why they approve or reject it.")
@_PASSED
@_TEXT
@_AT
@click.option("--output", type=_FILE, metavar="FILE", help="Write the bytes there, instead of printing them.")
@pass_session
def show(
    session: Session,
    /,
    number: str,
    step: str | None,
    by: str | None,
    at: str | None,
    output: Path | None,
    **given: Any,
) -> None:
    """Show a change, or what somebody signs."""
    checked = _opened(session)
    if step is None:
        _show(session, checked, number)
        return
    name, options = _SIGNED[step]
    told = {key: given[key] for key in options}
    if by is None or None in told.values():
        raise click.UsageError("--to-sign needs --by; --reason to approve or reject; --text and --passed to verify")
    asked = to_sign(checked, number, name, by, at, **told)
    if asked.doubts:
        reasons = [one.as_dict() for one in asked.doubts]
        for line in doubt_lines(by, reasons, words_for(checked, session.language)):
            click.echo(line, err=True)
    if output:
        save_to_sign(asked, output)
    else:
        click.echo(asked.content, nl=False)
    then = ["weibao", "--site", checked.site.name, "change", step, number, "--by", by]
    for key, value in told.items():
        then += [f"--{key}", value] if isinstance(value, str) else ["--passed" if value else "--failed"]
    _tell_signing(session, checked, by, [*then, "--at", asked.at], str(output or "FILE"))


def _tell_signing(session: Session, checked: CheckedSite, by: str, then: list[str], name: str) -> None:
    """Tell on standard error how the bytes are signed, and what is typed then."""
    words = words_for(checked, session.language)
    command = shlex.join(["ssh-keygen", "-Y", "sign", "-n", "weibao-approval", "-f", "KEY", name])
    click.echo(say(words, "sign", who=by, command=command), err=True)
    click.echo(say(words, "then", command=shlex.join([*then, "--signature", f"{name}.sig"])), err=True)


def _show(session: Session, checked: CheckedSite, number: str) -> None:
    found = standing(checked.site, number)
    if session.as_json:
        session.print_json(change=_told(found.change, found.state))
        return
    for line in shown_lines(found.change, found.state, words_for(checked, session.language)):
        click.echo(line)


def _told(one: Change, state: str) -> dict[str, Any]:
    start, end = one.window
    return {
        "number": one.number,
        "entry": one.entry,
        "state": state,
        "case": one.case_name,
        "requester": one.requester,
        "requested": one.requested.isoformat(),
        "procedure": one.procedure,
        "hosts": list(one.hosts),
        "window": {"from": start.isoformat(), "to": end.isoformat()},
        "digest": one.digest,
        "plan": dict(one.plan),
        "remainder": list(one.remainder),
        "steps": [{"sequence": step.sequence, **step.body} for step in one.steps],
    }


@change.command()
@click.argument("number")
@pass_session
def remainder(session: Session, number: str) -> None:
    """Print a request for what a change left.

    It is the file that was applied for, for the hosts that are left. Edit it, give it a window, and apply for it.
    """
    checked = _opened(session)
    text = remainder_request(checked, number, words_for(checked, session.language))
    if session.as_json:
        session.print_json(request=text)
    else:
        click.echo(text, nl=False)


# -- deciding -----------------------------------------------------------------------------------------------


@change.command()
@click.argument("number")
@_BY
@_REASON
@_proof
@_AT
@pass_session
def approve(session: Session, /, number: str, **given: Any) -> None:
    """Approve a change, with a signature or a signed paper."""
    _decide(session, "approved", number, given)


@change.command()
@click.argument("number")
@_BY
@_REASON
@_proof
@_AT
@pass_session
def reject(session: Session, /, number: str, **given: Any) -> None:
    """Reject a change; nothing has to prove that."""
    _decide(session, "rejected", number, given)


def _decide(session: Session, verdict: Any, number: str, given: dict[str, Any]) -> None:
    proof = _proof_of(given, needed=verdict == "approved")
    checked = _opened(session)
    told = (number, verdict, given["by"], given["reason"])
    _say(session, checked, decide(checked, *told, proof, session.language, at=given["at"]))


@change.command()
@click.argument("number")
@_REASON
@click.option("--by", metavar="NAME", help="Who withdraws it; whoever is logged in by default.")
@pass_session
def withdraw(session: Session, number: str, reason: str, by: str | None) -> None:
    """Withdraw a change that was not carried out."""
    checked = _opened(session)
    _say(session, checked, withdraw_change(checked, number, reason, by, session.language))


@change.command("sign-in")
@click.argument("number")
@_BY
@_proof
@_AT
@pass_session
def sign_in(session: Session, /, number: str, **given: Any) -> None:
    """Sign the supervisor in."""
    _attend(session, "signed-in", number, given)


@change.command("sign-out")
@click.argument("number")
@_BY
@_proof
@_AT
@pass_session
def sign_out(session: Session, /, number: str, **given: Any) -> None:
    """Sign the supervisor out; a change that goes on begins no further batch."""
    _attend(session, "signed-out", number, given)


def _attend(session: Session, step: Any, number: str, given: dict[str, Any]) -> None:
    proof = _proof_of(given, needed=step == "signed-in")
    checked = _opened(session)
    _say(session, checked, attend(checked, number, step, given["by"], proof, session.language, at=given["at"]))


def _proof_of(given: dict[str, Any], *, needed: bool) -> Proof:
    proof = Proof(given["signature"], given["paper"], given["vouched_by"])
    signed, on_paper = proof.signature is not None, proof.paper is not None
    if (proof.vouched_by is not None) != on_paper or (signed and on_paper) or (needed and not (signed or on_paper)):
        raise click.UsageError("give --signature, or --paper and --vouched-by")
    return proof


# -- carrying out -------------------------------------------------------------------------------------------


@change.command()
@click.argument("number")
@fail_on_option()
@formats_option("html")
@pass_session
def execute(session: Session, number: str, fail_on: str, formats: tuple[str, ...]) -> None:
    """Carry a change out.

    It must be exactly what was approved, in its window, with the supervisor signed in: else exit 3, with every reason.
    """
    carry_out(session, _opened(session), number, formats, fail_on)


@change.command()
@click.argument("number")
@click.option("--by", required=True, metavar="NAME", help="Who verified it: of the purchaser, or whoever is logged in.")
@_PASSED
@_TEXT
@_proof
@_AT
@pass_session
def verify(session: Session, /, number: str, **given: Any) -> None:
    """Tell whether what was carried out is as it should be; a purchaser's person signs that."""
    if given["passed"] is None or given["text"] is None:
        raise click.UsageError("give --passed or --failed, and --text")
    proof = _proof_of(given, needed=False)
    told = {key: given[key] for key in ("passed", "at")}
    checked = _opened(session)
    _say(session, checked, verify_change(checked, number, given["by"], given["text"], proof, session.language, **told))


@change.command()
@click.argument("number")
@click.option("--text", required=True, metavar="TEXT", help="What is to be said at the end.")
@formats_option("docx")
@pass_session
def close(session: Session, number: str, text: str, formats: tuple[str, ...]) -> None:
    """Close a change.

    What was carried out must be verified; its upgrade report is written.
    """
    checked = _opened(session)
    stepped = close_change(checked, number, text, session.language)
    written = Written()
    if stepped.change.executions:
        written = write_change_document(checked, number, REPORT, session.language, formats)
    _say(session, checked, stepped, written)


def _say(session: Session, checked: CheckedSite, stepped: Stepped, written: Written | None = None) -> None:
    entry = stepped.entry
    if session.as_json:
        told = {"file": str(entry.path), "sha256": entry.digest, **entry.content}
        session.print_json(entry=told, **(written_json(written) if written else {}))
        return
    words = words_for(checked, session.language)
    click.echo(stepped_line(stepped.change.number, str(entry.body["step"]), entry.sequence, words))
    if written:
        print_written(written)
        tell_not_written(written)
