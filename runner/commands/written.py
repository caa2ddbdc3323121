"""What commands print of documents that were written, and of those that could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner.errors import ExitCode

if TYPE_CHECKING:
    from runner.operations.saving import Written


def written_json(written: Written) -> dict[str, Any]:
    """Return the documents' files, and why others are not there."""
    return {"documents": [str(path) for path in written.paths], "documents_not_written": list(written.problems)}


def print_written(written: Written) -> None:
    """Print each document's format and file."""
    for path in written.paths:
        click.echo(f"{path.suffix[1:].upper()}  {path}")


def tell_not_written(written: Written) -> None:
    """Print on standard error what could not be written."""
    for problem in written.problems:
        click.echo(problem, err=True)


def check_all_written(written: Written) -> None:
    """Tell what could not be written, and end with exit code 5 where that is anything."""
    tell_not_written(written)
    if written.problems:
        raise click.exceptions.Exit(ExitCode.MACHINE)
