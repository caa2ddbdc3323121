"""Holds a run's exceptions against the last look at the same hosts: what is new, what is still there, what is gone.

Each host is compared with the newest earlier run that looked at all of it, limited runs included: a host that the last
run missed is held against the one before. An exception is gone only where its check was made again and found nothing.
"""

from __future__ import annotations

from contextlib import suppress
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

#: How many earlier runs are looked at for one that saw a host.
LOOK_BACK = 50

Key = tuple[str, str, str]

#: Checks that yield nothing where all is well: that they were made shows only in the others of their section.
SILENT_WHEN_FINE = ("unit.failed", "unit.restarts", "network.unexpected_port", "network.missing_port")


def compare(ledger: Ledger, runs: Path, run: SealedRun, section_of: Callable[[str], str]) -> Comparison:
    """Return what has changed since the last look at each of the run's hosts.

    ``section_of`` tells in which section of the record a check stands. What cannot be read of earlier runs is
    passed over: ``ledger verify`` finds it.
    """
    wanted = set(run.manifest["hosts"])
    seen: set[str] = set()
    before: dict[Key, Known] = {}
    compared: list[tuple[str, str]] = []
    for earlier in _earlier(ledger, runs, run):
        with suppress(WeibaoError, KeyError, TypeError, AttributeError):
            looked_at = {host for host, result in earlier.manifest["hosts"].items() if result["outcome"] == "ok"}
            bad = {known_key(one): one for one in _bad(earlier, (wanted - seen) & looked_at)}
            before |= bad
            if (wanted - seen) & looked_at:
                compared.append((earlier.run_id, str(earlier.manifest["started"])))
            seen |= wanted & looked_at
        if wanted <= seen:
            break
    return _held_against(run, before, seen, tuple(compared), section_of)


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


def _bad(run: SealedRun, hosts: set[str]) -> Iterator[Known]:
    """Yield the exceptions that a run found on some hosts."""
    for one in run.observations() if hosts else ():
        if one["host"] in hosts and rank(one["level"]) >= rank("warning"):
            yield _known(one)


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


def _held_against(
    run: SealedRun,
    before: Mapping[Key, Known],
    seen: set[str],
    compared: tuple[tuple[str, str], ...],
    section_of: Callable[[str], str],
) -> Comparison:
    status: dict[Key, str] = {}
    levels: dict[Key, str] = {}
    unknown: set[Key] = set()
    made: set[tuple[str, str]] = set()
    asked = {(host, check) for host, check, _ in before}
    for one in run.observations():
        host, check, key = one["host"], one["check"], (one["host"], one["check"], one["subject"])
        made.add((host, section_of(check)))
        if (host, check) in asked:
            made.add((host, check))
            levels[key] = one["level"]
            if one["level"] == "unknown":
                unknown.add(key)
        if rank(one["level"]) >= rank("warning"):
            status[key] = _status(before.get(key), one["level"], host in seen)
    gone: list[Known] = []
    unconfirmed: list[Known] = []
    for key, known in before.items():
        if key in status:
            continue
        host, check, _ = key
        looked = run.manifest["hosts"][host]["outcome"] == "ok" and (
            (host, check) in made or (check in SILENT_WHEN_FINE and (host, section_of(check)) in made)
        )
        fine = levels[key] != "unknown" if key in levels else not _hidden(key, unknown)
        (gone if looked and fine else unconfirmed).append(known)
    return Comparison(compared, status, tuple(gone), tuple(unconfirmed))


def _hidden(key: Key, unknown: set[Key]) -> bool:
    """Return whether a subject that did not come may still be there: its check failed as a whole, or that of its part.

    The channels of a database server, say, are ``NAME CHANNEL``, and cannot be told where NAME does not answer.
    """
    host, check, subject = key
    words = subject.split(" ")
    return any((host, check, " ".join(words[:count])) in unknown for count in range(len(words)))


def _status(before: Known | None, level: str, host_seen: bool) -> str:
    if before is None:
        return "new" if host_seen else "first"
    return "worse" if rank(level) > rank(before.level) else "same"
