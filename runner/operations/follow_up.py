"""Use case: what follows from a run that is sealed: it is compared, told and documented, and none costs another."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.run_summary import run_summary
from reports.wording import Wording
from runner.errors import WeibaoError
from runner.operations.comparison import compare_run
from runner.operations.documents import Written, write_documents
from runner.operations.notify import notify_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.documents.comparison import Comparison
    from runner.operations.check_site import CheckedSite
    from runner.operations.notify import Sent
    from runner.operations.run_procedure import ListedRun


@dataclass(frozen=True)
class Followed:
    """What followed from a run; ``untold`` says why nobody could be told of it, where that is so."""

    comparison: Comparison
    documents: Written
    sent: list[Sent] = field(default_factory=list)
    untold: str | None = None


def follow_up(
    checked: CheckedSite, listed: ListedRun, language: str, formats: Sequence[str], show: Callable[[str], None]
) -> Followed:
    """Show a summary line by line, tell the channels what they are owed, and write the documents.

    Whoever must know at once does not wait for documents; whatever keeps a message back keeps no document back.
    Raises MachineError where the disk does not take a document.
    """
    run = listed.run
    comparison = compare_run(checked, run)
    words = Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())
    head = LedgerHead(checked.site.name, listed.entry.sequence, listed.entry.digest)
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
    return Followed(comparison, documents, sent, untold)
