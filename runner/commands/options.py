"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.operations.documents import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def fail_on_option() -> Decorator:
    """Return the option ``--fail-on`` of what makes runs: the level of findings that is exit code 1."""
    return click.option(
        "--fail-on",
        type=click.Choice(["never", "warning", "critical"]),
        default="critical",
        show_default=True,
        help="Exit 1 on findings of this level and above.",
    )


def output_option(explained: str) -> Decorator:
    """Return the option ``--output``: another folder for documents."""
    return click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=explained)


def formats_option(default: str, formats: tuple[str, ...] = FORMATS) -> Decorator:
    """Return the option ``--format``: names of ``formats`` between commas, ``none`` for no document."""

    def chosen(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
        return _chosen(value, formats)

    return click.option(
        "--format",
        "formats",
        default=default,
        show_default=True,
        metavar="LIST",
        callback=chosen,
        help=f"Formats of the documents, between commas: {', '.join(formats)}, or none.",
    )


def _chosen(value: str, formats: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if names == ("none",):
        return ()
    unknown = [name for name in names if name not in formats]
    if unknown or not names:
        raise click.BadParameter(f"no format {', '.join(unknown) or value!r}; formats: {', '.join(formats)}, none")
    return names
