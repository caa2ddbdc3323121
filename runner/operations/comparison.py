"""Holds a run's exceptions against the last look at the same hosts: what is new, what is still there, what is gone.

Each host is compared with the newest earlier run that looked at all of it, limited runs included: a host that the last
run missed is held against the one before, and so is a check that gave nothing then. An exception is gone only where its
check was made again and found nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from module_utils.observations import rank
from reports.catalogue import load_catalogue
from reports.documents.comparison import Comparison, Known
from runner.errors import WeibaoError
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import SealedRun, open_sealed
from runner.history import runs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from runner.operations.check_site import CheckedSite

#: How many earlier runs are looked at for one that saw a host, and for one that measured what was unknown later.
LOOK_BACK = 50
LOOK_BACK_FOR_UNKNOWN = 12

Key = tuple[str, str, str]

#: Checks that yield nothing where all is well: that they were made shows only in the others of their section.
SILENT_WHEN_FINE = ("unit.failed", "unit.restarts", "network.unexpected_port", "network.missing_port")


@dataclass
class _Before:
    """What was known before a run: exceptions by key, and of each host looked at what no look could measure."""

    known: dict[Key, Known] = field(default_factory=dict)
    unknown: dict[str, set[Key]] = field(default_factory=dict)
    runs: list[tuple[str, str]] = field(default_factory=list)

    def look(self, run: SealedRun, hosts: set[str]) -> None:
        """Take over what a run older than those before it tells of some hosts and no newer one does."""
        known: dict[Key, Known] = {}
        unknown: dict[str, set[Key]] = {host: set() for host in hosts}
        for one in run.observations() if hosts else ():
            if one["host"] not in hosts:
                continue
            key = (one["host"], one["check"], one["subject"])
            if one["level"] == "unknown":
                unknown[one["host"]].add(key)
            elif rank(one["level"]) >= rank("warning") and self.is_open(key):
                known[key] = _known(one)
        if known or not hosts <= set(self.unknown):
            self.runs.append((run.run_id, str(run.manifest["started"])))
        self.known |= known
        for host, keys in unknown.items():
            newer = self.unknown.get(host, keys)
            self.unknown[host] = {key for key in keys if _is_unknown(key, newer)}
            self.unknown[host] |= {key for key in newer if _is_unknown(key, keys)}

    def is_open(self, key: Key) -> bool:
        """Return whether no look yet has told whether this is fine or bad."""
        return key[0] not in self.unknown or _is_unknown(key, self.unknown[key[0]])


def compare(ledger: Ledger, runs: Path, run: SealedRun, section_of: Callable[[str], str]) -> Comparison:
    """Return what has changed since the last look at each of the run's hosts.

    ``section_of`` tells in which section of the record a check stands. What cannot be read of earlier runs is
    passed over: ``ledger verify`` finds it.
    """
    wanted, before = set(run.manifest["hosts"]), _Before()
    for place, earlier in enumerate(_earlier(ledger, runs, run), 1):
        with suppress(WeibaoError, KeyError, TypeError, AttributeError):
            before.look(
                earlier, {host for host in wanted if earlier.manifest["hosts"].get(host, {}).get("outcome") == "ok"}
            )
        if wanted <= set(before.unknown) and (place >= LOOK_BACK_FOR_UNKNOWN or not any(before.unknown.values())):
            break
    return _held_against(run, before, section_of)


def compare_run(checked: CheckedSite, run: SealedRun) -> Comparison:
    """Return what has changed since the last look, as compare() does, of a run of a site."""
    site = checked.site
    catalogue = load_catalogue("zh", site.catalogue_overlay)
    return compare(Ledger(site.ledger_folder, site.name), site.runs_folder, run, catalogue.section_of)


def known_key(known: Known) -> Key:
    """Return what an exception is recognised by."""
    return known.host, known.check, known.subject


def _earlier(ledger: Ledger, runs: Path, run: SealedRun) -> Iterator[SealedRun]:
    """Yield the runs of the same procedure before this one, newest first."""
    bodies = (body for body in runs_of(ledger, run.manifest["procedure"]) if body["run"] != run.run_id)
    before = (body for body in bodies if body["started"] <= run.manifest["started"])
    for body in islice(before, LOOK_BACK):
        try:
            earlier = open_sealed(runs, str(body["run"]))
        except WeibaoError:
            continue
        yield earlier


def _known(one: Mapping[str, Any]) -> Known:
    return Known(
        host=one["host"],
        check=one["check"],
        subject=one["subject"],
        level=one["level"],
        value=one["value"],
        unit=one["unit"],
        limits=one["limits"],
        time=one["time"],
    )


def _held_against(run: SealedRun, before: _Before, section_of: Callable[[str], str]) -> Comparison:
    status: dict[Key, str] = {}
    unknown: set[Key] = set()
    made: set[tuple[str, str]] = set()
    asked = {(host, check) for host, check, _ in before.known}
    for one in run.observations():
        host, check, key = one["host"], one["check"], (one["host"], one["check"], one["subject"])
        made.add((host, section_of(check)))
        if (host, check) in asked:
            made.add((host, check))
            if one["level"] == "unknown":
                unknown.add(key)
        if rank(one["level"]) >= rank("warning"):
            status[key] = _status(before, key, one["level"])
    gone: list[Known] = []
    unconfirmed: list[Known] = []
    for key, known in before.known.items():
        if key in status:
            continue
        host, check, _ = key
        looked = run.manifest["hosts"][host]["outcome"] == "ok" and (
            (host, check) in made or (check in SILENT_WHEN_FINE and (host, section_of(check)) in made)
        )
        (gone if looked and not _is_unknown(key, unknown) else unconfirmed).append(known)
    return Comparison(tuple(before.runs), status, tuple(gone), tuple(unconfirmed))


def _is_unknown(key: Key, unknown: set[Key]) -> bool:
    """Return whether a subject could not be looked at: it, its check as a whole, or that of the part it belongs to.

    The channels of a database server, say, are ``NAME CHANNEL``, and cannot be told where NAME does not answer.
    """
    host, check, subject = key
    words = subject.split(" ")
    return key in unknown or any((host, check, " ".join(words[:count])) in unknown for count in range(len(words)))


def _status(before: _Before, key: Key, level: str) -> str:
    known = before.known.get(key)
    if known is None:
        return "first" if before.is_open(key) else "new"
    return "worse" if rank(level) > rank(known.level) else "same"
