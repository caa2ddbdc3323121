"""Options that take KEY=VALUE, and what commands print of entries and of how things stand since."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.contract.status import Row
    from runner.evidence.ledger import Entry


def pairs(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return what was given as KEY=VALUE, several times, as a mapping."""
    found: dict[str, str] = {}
    for value in values:
        key, separator, told = value.partition("=")
        if not separator or not key.strip() or not told.strip():
            raise click.BadParameter(f"{value!r}: write {option.metavar}", param=option)
        if key.strip() in found:
            raise click.BadParameter(f"{key.strip()}: is given twice", param=option)
        found[key.strip()] = told.strip()
    return found


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry that was written."""
    return {"sequence": entry.sequence, "sha256": entry.digest, "kind": entry.kind, "body": entry.body}


def rows_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return how things stand, moments as ISO text."""
    return [
        {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(row).items()}
        for row in rows
    ]
