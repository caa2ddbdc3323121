"""Use case: what goes wrong is told at once (A03), once, over every channel of the site, and the ledger says so."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.catalogue import load_catalogue
from reports.documents.notice import Notice, change_notice, critical_notice, failure_notice, trial_notice
from reports.wording import Wording
from runner.errors import MachineError, WeibaoError
from runner.evidence.canonical import canonical, digest
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import open_sealed
from runner.execution.messenger import deliver
from runner.execution.secrets import plain_text
from runner.history import runs_of
from runner.notification import KIND, History, failure_of, forgotten_before, history_of
from runner.operations.book import Book
from runner.operations.comparison import compare_run
from runner.operations.locks import holding
from runner.procedures import load_procedures
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reports.documents.comparison import Comparison
    from runner.contract.channels import Channel
    from runner.evidence.sealing import SealedRun
    from runner.operations.change_gate import Waiting
    from runner.operations.check_site import CheckedSite
    from runner.site import Site


@dataclass(frozen=True)
class Sent:
    """What became of a message: ``error`` is None where the channel took it, ``unlisted`` where the ledger holds it."""

    channel: str
    event: str
    title: str
    error: str | None
    unlisted: str | None = None


@dataclass(frozen=True)
class _Due:
    """A message that a channel is owed, and what it is about."""

    event: str
    run: str
    notice: Notice
    findings: tuple[tuple[str, str, str], ...] = ()
    failure: str | None = None


def notify_of_run(checked: CheckedSite, run: SealedRun, comparison: Comparison, language: str) -> list[Sent]:
    """Tell each channel what it is owed after a run, and append an entry for each message.

    A message that no channel takes is owed still: the next run, or ``weibao notify``, tries again.
    Raises MachineError where the ledger or the run cannot be read.
    """
    if not checked.notifications.channels:
        return []
    ledger = Book(checked.site)
    words = Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())
    criticals = [one for one in run.observations() if one["level"] == "critical"]
    sent = []
    # One program at a time finds out what is owed and tells it, so that nobody is told twice.
    with holding(checked.site, ".notify.lock"):
        history = history_of(ledger)
        failures = list(_failures(checked, history, run.manifest["procedure"]))
        for channel in checked.notifications.channels:
            due = [
                *_critical_due(checked, channel, history, run, comparison, criticals, words),
                *_failures_due(checked, channel, history, run, failures, words),
            ]
            sent += [_send(checked.site, ledger, channel, one) for one in due if one.event in channel.events]
    return sent


def notify_of_newest(checked: CheckedSite, language: str) -> list[Sent]:
    """Tell each channel what it is still owed after the newest run of each procedure."""
    site = checked.site
    ledger = Ledger(site.ledger_folder, site.name)
    sent = []
    for procedure in load_procedures(PROJECT):
        newest = next(runs_of(ledger, procedure), None)
        if newest:
            run = open_sealed(site.runs_folder, str(newest["run"]))
            sent += notify_of_run(checked, run, compare_run(checked, run), language)
    return sent


def notify_of_changes(checked: CheckedSite, waiting: Iterable[Waiting], language: str) -> list[Sent]:
    """Tell each channel, once for the same reasons, of the changes that were to begin by themselves and did not."""
    channels = [one for one in checked.notifications.channels if "change_waits" in one.events]
    if not channels:
        return []
    ledger, sent = Book(checked.site), []
    words = Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())
    with holding(checked.site, ".notify.lock"):
        history = history_of(ledger)
        for one in waiting:
            codes = sorted({str(reason["code"]) for reason in one.reasons})
            failure = digest(canonical({"change": one.change.number, "codes": codes}))
            notice = change_notice(words, checked.contract.system, one.change.number, one.reasons)
            due = _Due("change_waits", "", notice, failure=failure)
            owed = (channel for channel in channels if not history.knows_failure(channel.name, "", failure, None))
            sent += [_send(checked.site, ledger, channel, due) for channel in owed]
    return sent


def try_channels(checked: CheckedSite, language: str) -> list[Sent]:
    """Send a test message over every channel; the ledger says that it was one."""
    words = Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())
    ledger = Book(checked.site)
    due = _Due("test", "", trial_notice(words, checked.contract.system))
    return [_send(checked.site, ledger, channel, due) for channel in checked.notifications.channels]


def _critical_due(
    checked: CheckedSite,
    channel: Channel,
    history: History,
    run: SealedRun,
    comparison: Comparison,
    criticals: list[dict[str, Any]],
    words: Wording,
) -> Iterator[_Due]:
    owed = {}
    for one in criticals:
        key = (one["host"], one["check"], one["subject"])
        if not history.knows(channel.name, key, comparison.status.get(key, "new"), run.run_id):
            owed[key] = one
    if owed:
        notice = critical_notice(words, checked.contract.system, run.manifest, owed.values())
        yield _Due("critical", run.run_id, notice, findings=tuple(owed))


def _failures(checked: CheckedSite, history: History, procedure: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each kind of failure since the last complete run, with the manifest of its newest run."""
    known = set()
    for run_id in history.failed_runs(procedure):
        # A damaged run is found by `ledger verify`.
        with suppress(WeibaoError):
            manifest = open_sealed(checked.site.runs_folder, run_id).manifest
            failure = failure_of(manifest)
            if failure and failure not in known:
                known.add(failure)
                yield failure, manifest


def _failures_due(
    checked: CheckedSite,
    channel: Channel,
    history: History,
    run: SealedRun,
    failures: list[tuple[str, Mapping[str, Any]]],
    words: Wording,
) -> Iterator[_Due]:
    forgotten = forgotten_before(datetime.now(UTC), checked.notifications.repeat_hours)
    for failure, manifest in failures:
        # Only what this run met goes on: what earlier ones met is told once, if it still is to be told at all.
        since = forgotten if manifest["run"] == run.run_id else None
        if not history.knows_failure(channel.name, manifest["procedure"], failure, since):
            yield _Due(
                "failed_run",
                manifest["run"],
                failure_notice(words, checked.contract.system, manifest),
                failure=failure,
            )


def _send(site: Site, ledger: Ledger, channel: Channel, due: _Due) -> Sent:
    """Send a message and list it; a ledger that does not take the entry does not keep others from being told."""
    try:
        error = deliver(_url(site, channel), due.notice.title, due.notice.body)
    except MachineError as why:
        error = str(why)
    entry = {
        "channel": channel.name,
        "event": due.event,
        "run": due.run,
        "title": due.notice.title,
        "message_sha256": hashlib.sha256(due.notice.body.encode()).hexdigest(),
        "findings": [list(key) for key in due.findings],
        "failure": due.failure,
        "delivered": error is None,
        "error": error,
    }
    unlisted = None
    try:
        ledger.append(KIND, entry)
    except MachineError as why:
        unlisted = str(why)
    return Sent(channel.name, due.event, due.notice.title, error, unlisted)


def _url(site: Site, channel: Channel) -> str:
    """Return a channel's URL from where it is kept; raises MachineError where it is not to be had."""
    if channel.url_environment:
        url = os.environ.get(channel.url_environment, "")
        source = f"the environment variable {channel.url_environment}"
    elif channel.url_file:
        source = channel.url_file
        try:
            # Beside the site's other files, wherever the program is called from.
            url = (site.folder / Path(source).expanduser()).read_text(encoding="utf-8-sig")
        except (OSError, RuntimeError, ValueError) as error:
            raise MachineError(f"{source}: cannot be read") from error
        url = plain_text(PROJECT, url)
    else:
        source = "notify.yml"
        url = plain_text(PROJECT, channel.url or "")
    if not url.strip():
        raise MachineError(f"{source}: holds no URL, or no vault password opens it")
    return url.strip()
