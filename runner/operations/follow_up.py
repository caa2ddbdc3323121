"""Use case: what follows from a run that is sealed: it is compared, told and documented, and none costs another.

The site keeps from which run of each procedure everything has followed. So the next tick makes up for what a program
that died owes. Whoever deletes that file loses nothing: what was told is in the ledger, a document is written anew.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.run_summary import run_summary
from reports.wording import Wording
from runner.errors import MachineError, WeibaoError
from runner.evidence.canonical import canonical, replace
from runner.operations.comparison import compare_run
from runner.operations.documents import write_documents
from runner.operations.notify import notify_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.documents.comparison import Comparison
    from runner.evidence.ledger import Entry
    from runner.evidence.sealing import SealedRun
    from runner.operations.check_site import CheckedSite
    from runner.operations.notify import Sent
    from runner.operations.saving import Written
    from runner.site import Site

_NAME = ".followed.json"


@dataclass(frozen=True)
class Followed:
    """What followed from a run; ``untold`` says why nobody could be told of it, where that is so."""

    comparison: Comparison
    documents: Written
    sent: list[Sent] = field(default_factory=list)
    untold: str | None = None


def follow_up(
    checked: CheckedSite,
    run: SealedRun,
    entry: Entry,
    language: str,
    formats: Sequence[str],
    show: Callable[[str], None],
) -> Followed:
    """Show a summary line by line, tell the channels what they are owed, and write the documents.

    Whoever must know at once does not wait for documents; whatever keeps a message back keeps no document back.
    ``entry`` lists the run. Raises BadInput where the purchaser's form is wrong, MachineError where the disk does not
    take a document; then the next tick tries again.
    """
    comparison = compare_run(checked, run)
    words = Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())
    head = LedgerHead(checked.site.name, entry.sequence, entry.digest)
    # Who closed the terminal, or the pipe, does not keep others from being told.
    with suppress(OSError):
        for line in run_summary(run.manifest, run.observations(), comparison, head, words):
            show(line)
    sent: list[Sent] = []
    untold = None
    try:
        sent = notify_of_run(checked, run, comparison, language)
    except WeibaoError as error:
        untold = str(error)
    documents = write_documents(checked, run, comparison, language, formats)
    _note(checked.site, run)
    return Followed(comparison, documents, sent, untold)


def left_over(site: Site, newest: Mapping[str, str]) -> list[str]:
    """Return the runs, of the newest of each procedure, from which not everything has followed yet."""
    done = _noted(site)
    return [run_id for procedure, run_id in newest.items() if done.get(procedure) != run_id]


def _noted(site: Site) -> dict[str, str]:
    try:
        noted = json.loads((site.state / _NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _note(site: Site, run: SealedRun) -> None:
    try:
        replace(site.state / _NAME, canonical({**_noted(site), run.manifest["procedure"]: run.run_id}))
    except OSError as error:
        raise MachineError(f"{site.state / _NAME}: cannot be written: {error.strerror}") from error
