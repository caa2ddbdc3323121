"""What an inspection did not look at: hosts that it missed, and assets that it cannot inspect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.document import Block, Cell, Column, Row, Table
from reports.documents import folding
from reports.documents.folding import grouped
from reports.text import natural, printable, shorten, without_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.documents.inspection_record import Asset, HostResult, InspectionRecord
    from reports.wording import Wording

#: With more kinds of failure than this, missed hosts are told by outcome; each one's message is with the provenance.
_MANY_FAILURES = 6
_MESSAGE_LENGTH = 70
#: How Ansible begins what the outcome says already; the cause comes after it. None comes where ssh was ending while
#: Ansible still wrote to it.
_SAID_ABOVE = re.compile(
    r"^(?:Task failed: )?(?:Failed to connect to the host via ssh: "
    r"|Data could not be sent to remote host [\"'][^\"']*[\"']\. Make sure this host can be reached over ssh: "
    r"(?:\[Errno 32\] Broken pipe$)?)",
    re.IGNORECASE,
)


def missed_hosts(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return which hosts were missed: what happened and what to do, and small what the machine said."""
    if not record.missed:
        return []
    columns = (
        Column(words.term("host"), 16),
        Column(words.term("outcome"), 11, "center"),
        Column(words.term("what_to_do"), 73),
    )
    by_message = grouped(record.missed, failure)
    failures = by_message if len(by_message) <= _MANY_FAILURES else grouped(record.missed, lambda host: host.outcome)
    rows = tuple(
        Row(
            (
                Cell(folding.hosts([host.name for host in hosts], record, words)),
                Cell(words.outcome(hosts[0].outcome), tone="critical"),
                Cell(words.outcome_advice(hosts[0].outcome), note=technical(hosts, words)),
            )
        )
        for hosts in failures
    )
    title = words.term("missed")
    return [Table(columns, rows, title, sheet=title, compact=True, overview=True)]


def failure(host: HostResult) -> tuple[str, str]:
    """Return how a host failed, so that equal failures are equal."""
    return host.outcome, without_figures(_cause(host), host.name)


def _cause(host: HostResult) -> str:
    return _SAID_ABOVE.sub("", host.message or "", count=1)


def technical(hosts: Sequence[HostResult], words: Wording) -> str:
    """Return what the machine said of hosts, shortened; of several messages the first."""
    causes = list(dict.fromkeys(filter(None, map(_cause, hosts))))
    if not causes:
        return ""
    first = shorten(printable(causes[0]), _MESSAGE_LENGTH)
    said_first = words.term("and_more", listed=first) if len(causes) > 1 else first
    return words.labelled(words.term("technical"), said_first)


def uncovered_assets(record: InspectionRecord, words: Wording) -> list[Block]:
    """Return the assets that nobody but people can inspect, equal ones together."""
    if not record.assets:
        return []
    columns = (
        Column(words.term("asset"), 26),
        Column(words.term("asset_kind"), 18),
        Column(words.term("product"), 20),
        Column(words.term("asset_meaning"), 36),
    )
    rows = tuple(
        Row(
            (
                Cell(_names(found, words)),
                Cell(words.asset(found[0].kind), tone="unknown"),
                Cell(found[0].product or words.term("dash")),
                Cell(words.asset_advice(found[0].kind)),
            )
        )
        for found in grouped(record.assets, lambda one: (one.kind, one.product))
    )
    title = words.term("assets")
    return [Table(columns, rows, title, sheet=title, compact=True, overview=True)]


def _names(assets: Sequence[Asset], words: Wording) -> str:
    hosts = [one.host for one in assets if not one.subject]
    instances = [words.labelled(one.host, one.subject) for one in assets if one.subject]
    parts = ([words.folded(hosts, 0)] if hosts else []) + sorted(instances, key=natural)
    return words.listed(parts)


def assets_sentence(record: InspectionRecord, words: Wording) -> list[str]:
    """Return how many assets cannot be inspected; nothing where there are none."""
    return [words.term("assets_sentence", count=len(record.assets))] if record.assets else []
