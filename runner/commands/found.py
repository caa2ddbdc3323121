"""What commands print of findings, and of remarks beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reports.text import printable
from runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.evidence.finding import Finding


def found_json(findings: Iterable[Finding], remarks: Iterable[Finding]) -> dict[str, Any]:
    """Return both as JSON has them."""
    return {"findings": [one.as_dict() for one in findings], "remarks": [one.as_dict() for one in remarks]}


def print_found(findings: Iterable[Finding], remarks: Iterable[Finding]) -> None:
    """Print each in a line of its own."""
    for one in findings:
        print_line(str(one))
    for one in remarks:
        print_line(f"note: {one}")


def print_line(text: str) -> None:
    """Print what may hold anything, such as the name of an attachment, as one line."""
    click.echo(printable(text).replace("\n", " "))


def check_none_found(findings: Sequence[Finding]) -> None:
    """End with exit code 1 where there are findings."""
    if findings:
        raise click.exceptions.Exit(ExitCode.FINDINGS)
