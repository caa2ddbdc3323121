"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner.operations.documents import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable


def formats_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--format``: names between commas, ``none`` for no document."""
    return click.option(
        "--format",
        "formats",
        default=default,
        show_default=True,
        metavar="LIST",
        callback=_formats,
        help=f"Formats of the documents, between commas: {', '.join(FORMATS)}, or none.",
    )


def _formats(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if names == ("none",):
        return ()
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise click.BadParameter(f"no format {', '.join(unknown) or value!r}; formats: {', '.join(FORMATS)}, none")
    return names
