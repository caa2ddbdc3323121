"""What every command is given: the global options, and the site that they choose."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from runner.evidence.ledger import Ledger
from runner.operations.recover import recover
from runner.site import Site, find_site

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Session:
    """The global options of one call of the program."""

    site_name: str
    home: Path
    language: str
    as_json: bool

    def site(self) -> Site:
        """Return the chosen site, without touching its state."""
        return find_site(self.site_name, self.home)

    def open_site(self) -> Site:
        """Return the chosen site with its state in order: what a dead program left is sealed first."""
        site = self.site()
        site.prepare()
        for recovered in recover(site):
            click.echo(recovered, err=True)
        return site

    def ledger(self, site: Site) -> Ledger:
        """Return the ledger of a site."""
        return Ledger(site.ledger_folder, site.name)

    def show(self, line: str) -> None:
        """Print a line for people; nothing where a JSON object is asked for."""
        if not self.as_json:
            click.echo(line)

    def print_json(self, **content: Any) -> None:
        """Print one JSON object with its schema version."""
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **content}, ensure_ascii=False, indent=2))


class _Echo(logging.Handler):
    """Tells a person what lower layers have to say while they work."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message to the error stream."""
        click.echo(record.getMessage(), err=True)


_ECHO = _Echo()


def tell_logs() -> None:
    """Let people see what is worth a word while something goes on, such as a device that waits to be touched."""
    logging.getLogger("runner").addHandler(_ECHO)


pass_session = click.make_pass_decorator(Session)
