"""The command ``weibao``: its global options, its command groups, and how it ends."""

from __future__ import annotations

import os
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path

import click

from runner.commands.calendar import calendar
from runner.commands.change import change
from runner.commands.compliance import compliance
from runner.commands.document import document
from runner.commands.ledger import ledger
from runner.commands.ledger_export import export
from runner.commands.ledger_keys import keys
from runner.commands.notify import notify
from runner.commands.procedures import procedures
from runner.commands.record import record
from runner.commands.report import report
from runner.commands.run import run
from runner.commands.schedule import schedule
from runner.commands.session import Session, tell_logs
from runner.commands.site import site
from runner.errors import ExitCode, WeibaoError
from runner.site import DEFAULT_SITE, PROJECT


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--site", default=DEFAULT_SITE, show_default=True, envvar="WEIBAO_SITE", metavar="NAME", help="The site.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=PROJECT / "var",
    show_default="var/ of the clone",
    envvar="WEIBAO_HOME",
    metavar="DIR",
    help="Where state is kept.",
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    envvar="WEIBAO_LANG",
    help="The language of documents and summaries.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.version_option(package_name="weibao")
@click.pass_context
def cli(context: click.Context, site: str, home: Path, lang: str, *, as_json: bool) -> None:
    """A maintenance contract, run as code.

    Exit codes: 0 done; 1 done, and what was examined is bad; 2 bad input; 3 refused by a gate;
    4 the run failed, is partial or incomplete; 5 the program or its machine failed; 130 interrupted.
    """
    tell_logs()
    context.obj = Session(site, home.resolve(), lang, as_json)


for command in (
    *(procedures, run, change, schedule, compliance, record, document),
    *(report, notify, site, calendar, ledger),
):
    cli.add_command(command)


ledger.add_command(keys)
ledger.add_command(export)


def _mend_streams() -> None:
    """Keep output from stopping the work: a closed stream becomes silent, an unknown letter a question mark."""
    if sys.stdout is None or sys.stderr is None:
        silent = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the program runs
        sys.stdout, sys.stderr = sys.stdout or silent, sys.stderr or silent
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the program and end it with the exit code that says what happened."""
    _mend_streams()
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = ExitCode.BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except WeibaoError as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # Whoever read our output has gone: there is nobody left to tell anything.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.MACHINE
    except OSError as error:
        click.echo(f"error: {error}", err=True)
        code = ExitCode.MACHINE
    except Exception as error:  # noqa: BLE001 - the last line of defence: exit 5, not a bare traceback
        traceback.print_exc()
        click.echo(f"error: {type(error).__name__}: {error} (this is a bug of weibao)", err=True)
        code = ExitCode.MACHINE
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
