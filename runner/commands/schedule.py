"""weibao schedule …."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from reports.catalogue import load_catalogue
from reports.documents.change_lines import left_lines
from reports.wording import Wording
from runner.commands.carried_out import change_code, executed_json
from runner.commands.notify import as_json, print_sent
from runner.commands.options import fail_on_option, formats_option
from runner.commands.run import exit_code
from runner.commands.session import Session, pass_session
from runner.commands.written import print_written, written_json
from runner.errors import BadInput, ExitCode, MachineError
from runner.evidence.canonical import replace
from runner.execution.progress import progress_here
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.saving import Written
from runner.operations.schedule import DAYS_AHEAD, Agenda, Line, Scheduler, Turn, scheduler_of
from runner.operations.schedule_text import ScheduleText
from runner.operations.tick import Changed, Late, Manner, Ran, Tick
from runner.operations.tick import tick as run_tick
from runner.operations.timer import MINUTES, System, Timer, lingers, timer_of
from runner.operations.timer import install as install_timer
from runner.operations.timer import remove as remove_timer

#: How many days before today and from today on a calendar file holds: done ones show as done, and a year is planned.
_CALENDAR_DAYS = (DAYS_AHEAD, 366)

_DAY = click.DateTime(["%Y-%m-%d"])
_FROM = click.option("--from", "first", type=_DAY, metavar="DATE", help="Everything due from this day on.")
_TO = click.option("--to", "last", type=_DAY, metavar="DATE", help="Until this day, which belongs to it.")


@click.group()
def schedule() -> None:
    """See what is due, and let what can run by itself do so."""


@schedule.command("list")
@_FROM
@_TO
@pass_session
def list_(session: Session, first: datetime | None, last: datetime | None) -> None:
    """List the next run, what is open, and what is due in the next 35 days or those of --from and --to."""
    checked, text, scheduler = _opened(session)
    agenda = scheduler.agenda(*_days(scheduler, first, last))
    if not session.as_json:
        for line in text.agenda(agenda, term=checked.contract.term is not None):
            click.echo(line)
        return
    session.print_json(
        site=checked.site.name,
        moment=agenda.moment.isoformat(),
        first=agenda.first.isoformat() if agenda.first else None,
        last=agenda.last.isoformat(),
        next_runs=[_turn(turn) for turn in agenda.turns],
        lines=[_line(line, text) for line in agenda.lines],
        quotas=[_line(line, text) for line in agenda.quotas],
        clocks=[_line(line, text) for line in agenda.clocks],
    )


def _opened(session: Session) -> tuple[CheckedSite, ScheduleText, Scheduler]:
    checked = check_site(session.site())
    site = session.open_site()
    text = ScheduleText(Wording(load_catalogue(session.language, site.catalogue_overlay), checked.contract.zone()))
    return checked, text, scheduler_of(checked, datetime.now(UTC))


def _days(scheduler: Scheduler, first: datetime | None, last: datetime | None) -> tuple[date | None, date]:
    """Return the days asked for; without --from what is open counts, however long ago it was due."""
    begin = first.date() if first else None
    end = last.date() if last else (begin or scheduler.today) + timedelta(days=DAYS_AHEAD)
    if begin and end < begin:
        raise BadInput(f"--to {end} is before --from {begin}")
    return begin, end


def _line(line: Line, text: ScheduleText) -> dict[str, Any]:
    row, one = line.row, line.obligation
    return {
        "obligation": row.obligation,
        "kind": row.kind,
        "name": one.name,
        "period": row.period,
        "subject": row.subject or None,
        "due": row.due.isoformat() if row.due else None,
        "due_day": line.day.isoformat() if line.day else None,
        "state": line.state,
        "provisional": row.provisional,
        "estimated": row.estimated,
        "part": row.part,
        "procedure": one.procedure,
        "document": one.document,
        "fulfilled_by": text.fulfilled_by(line) if row.kind in ("procedure", "record", "document") else None,
        "done": row.done.isoformat() if row.done else None,
        "evidence": list(row.evidence),
        "used": row.used,
        "allowed": row.allowed,
        "margin_seconds": row.margin_seconds,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "procedure": turn.procedure,
        "occurrences": list(turn.occurrences),
        "at": turn.at.isoformat() if turn.at else None,
        "reason": turn.reason or None,
        "parameters": dict(turn.parameters),
        "more": turn.more,
    }


# -- tick ----------------------------------------------------------------------------------------------------


@schedule.command()
@fail_on_option()
@formats_option("html")
@pass_session
def tick(session: Session, fail_on: str, formats: tuple[str, ...]) -> None:
    """Run what is due now and may run by itself; for a timer, every few minutes.

    A run is made once in each period, by the first tick of it; what an outage left open is made up for, oldest first.
    An attempt that was not complete is made again after an hour, then after two, four and so on to a day; one that was
    interrupted once at once. What must not be repeated, by its playbook or the contract, waits for a person: exit 3.
    """
    site = session.site()
    text = ScheduleText(Wording(load_catalogue(session.language, site.catalogue_overlay)))
    show = session.show
    manner = Manner(session.language, formats, progress_here, lambda turn: show(text.runs_for(turn)), show)
    done = run_tick(site, manner)
    if session.as_json:
        _print_tick(session, done)
    else:
        text = ScheduleText(Wording(text.words.catalogue, done.look.zone))
        _tell_tick(done, text)
    _tell_problems(done)
    code = tick_code(done, fail_on)
    if code:
        raise click.exceptions.Exit(code)


def tick_code(done: Tick, fail_on: str) -> ExitCode:
    """Return the worst of what a tick met: interrupted, what failed, what waits for a person, findings."""
    codes = [exit_code(ran.listed, fail_on) for ran in done.ran]
    codes += [change_code(one.executed, fail_on) for one in done.changed]
    codes += [error.exit_code for _, error in (*done.problems, *done.refused)]
    if any(one.unfinished for one in done.ends):
        codes.append(ExitCode.MACHINE)
    if done.stuck:
        codes.append(ExitCode.MACHINE)
    if done.waiting or done.left:
        codes.append(ExitCode.REFUSED)
    return max(codes, default=ExitCode.DONE)


def _tell_tick(done: Tick, text: ScheduleText) -> None:
    if done.busy:
        click.echo(text.say("busy"))
        return
    for one in done.ends:
        if one.followed:
            print_sent(one.followed.sent)
            print_written(one.followed.documents)
    print_sent(done.sent)
    for name in sorted(done.running):
        click.echo(text.say("running", procedure=text.procedure(name)))
    if not (done.ran or done.problems or done.changed or done.refused):
        click.echo(text.say("nothing_due"))
    for line in text.turns(done.look.turns, datetime.now(UTC)):
        click.echo(line)
    for left in done.left:
        for line in left_lines(left.change.number, left.reasons, text.words):
            click.echo(line)
    if done.look.behind:
        click.echo(text.say("behind", time=done.look.behind))


def _tell_problems(done: Tick) -> None:
    """Print on standard error what went wrong, whatever form the rest was printed in."""
    for recovered in done.recovered:
        click.echo(recovered, err=True)
    for turn, error in done.problems:
        for line in str(error).splitlines():
            click.echo(f"{turn.procedure}: {line}", err=True)
    for _, refused in done.refused:
        click.echo(refused, err=True)
    for late in done.late:
        click.echo(f"run {late.run_id}: what its program did not live to tell and to document follows now", err=True)
        _tell_unfinished(late.run_id, late)
    runs: list[Changed | Ran] = [*done.changed, *done.ran]
    for ran in runs:
        _tell_unfinished(ran.listed.run.run_id, ran)
    for name, since in done.stuck.items():
        click.echo(f"{name}: a run that began at {since:%Y-%m-%d %H:%M} UTC hangs, and keeps others from it", err=True)
    if done.untold:
        click.echo(f"nobody was told: {done.untold}", err=True)


def _tell_unfinished(run_id: str, one: Ran | Late | Changed) -> None:
    followed = one.followed
    problems = (followed.untold, *followed.documents.problems) if followed else ()
    for problem in (one.unfinished, *problems):
        if problem:
            click.echo(f"{run_id}: {problem}", err=True)


def _print_tick(session: Session, done: Tick) -> None:
    session.print_json(
        busy=done.busy,
        recovered=[one.as_dict() for one in done.recovered],
        late=[{"run": one.run_id, **_followed(one)} for one in done.late],
        runs=[_ran(ran) for ran in done.ran],
        changes=[{**executed_json(one.executed), **_followed(one)} for one in done.changed],
        refused=[{"change": number, "problem": str(error)} for number, error in done.refused],
        left=[{"change": one.change.number, "reasons": list(one.reasons)} for one in done.left],
        problems=[{**_turn(turn), "problem": str(error)} for turn, error in done.problems],
        running=sorted(done.running),
        notifications=as_json(done.sent),
        next_runs=[_turn(turn) for turn in done.look.turns],
        clock_behind=done.look.behind.isoformat() if done.look.behind else None,
    )


def _ran(ran: Ran) -> dict[str, Any]:
    manifest = ran.listed.run.manifest
    return {
        "run": ran.listed.run.run_id,
        "procedure": ran.turn.procedure,
        "occurrences": list(ran.turn.occurrences),
        "verdict": manifest["verdict"],
        "levels": manifest["levels"],
        "ledger": {"sequence": ran.listed.entry.sequence, "sha256": ran.listed.entry.digest},
        **_followed(ran),
    }


def _followed(one: Ran | Late | Changed) -> dict[str, Any]:
    return {
        "notifications": as_json(one.followed.sent if one.followed else []),
        **written_json(one.followed.documents if one.followed else Written()),
    }


# -- the calendar file ---------------------------------------------------------------------------------------


@schedule.command()
@_FROM
@_TO
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write here instead of var/; - for standard output.",
)
@pass_session
def ics(session: Session, first: datetime | None, last: datetime | None, output: Path | None) -> None:
    """Write the due dates as a calendar file, for Outlook, phones and others: a year ahead by default."""
    # Imported only now: every other command does without it.
    from runner.operations.calendar_file import calendar_file  # noqa: PLC0415

    checked, text, scheduler = _opened(session)
    before, after = (timedelta(days=days) for days in _CALENDAR_DAYS)
    begin = first or datetime.combine(scheduler.today - before, datetime.min.time())
    end = last or datetime.combine((first.date() if first else scheduler.today) + after, datetime.min.time())
    agenda = scheduler.agenda(*_days(scheduler, begin, end))
    name = text.say("calendar", system=checked.contract.system)
    source = f"{checked.site.name}/{checked.contract.number}"
    sequence = session.ledger(checked.site).head().sequence
    content = calendar_file(agenda, text, name, source, sequence)
    if output == Path("-"):
        click.echo(content, nl=False)
        return
    path = output or checked.site.documents_folder / "schedule.ics"
    try:
        replace(path, content)
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror}") from error
    if session.as_json:
        session.print_json(file=str(path), events=_dated(agenda))
    else:
        click.echo(path)


def _dated(agenda: Agenda) -> int:
    return sum(line.day is not None for line in agenda.lines)


# -- the timer -----------------------------------------------------------------------------------------------


@schedule.command()
@click.option("--dry-run", is_flag=True, help="Only print what would be written.")
@click.option("--remove", is_flag=True, help="Take the timer away again.")
@click.option(
    "--every", type=click.Choice(MINUTES), default="15", show_default=True, metavar="MINUTES", help="How often to tick."
)
@click.option(
    "--with",
    "system",
    type=click.Choice(["systemd", "cron"]),
    help="Which of the two; what this machine has by default.",
)
@pass_session
def install(session: Session, every: str, system: System | None, *, dry_run: bool, remove: bool) -> None:
    """Let a timer tick: a systemd timer, or cron where there is no systemd; for the machine as root, else for you."""
    site = check_site(session.site()).site
    text = ScheduleText(Wording(load_catalogue(session.language, site.catalogue_overlay)))
    timer = timer_of(site, session.language, int(every), text.say("timer_description", site=site.name), system)
    done = (remove_timer if remove else install_timer)(timer, dry_run=dry_run)
    what = _outcome(done, dry_run=dry_run, remove=remove)
    files = timer.files()
    if session.as_json:
        session.print_json(
            system=timer.system, outcome=what, files=[{"path": str(path), "text": one} for path, one in files.items()]
        )
        return
    for path, one in files.items():
        click.echo(f"# {path}: {text.say(what)}")
        if not remove:
            click.echo(one)
    if not remove:
        _advise(timer, text)


def _outcome(done: bool, *, dry_run: bool, remove: bool) -> str:
    if remove:
        return ("would_remove" if dry_run else "removed") if done else "not_there"
    return ("would_write" if dry_run else "written") if done else "in_place"


def _advise(timer: Timer, text: ScheduleText) -> None:
    click.echo(text.say("secrets", file=str(timer.variables_file)))
    if not lingers(timer):
        click.echo(text.say("linger", user=timer.user))
