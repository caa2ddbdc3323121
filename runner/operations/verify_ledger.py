"""Use case: is everything in a site's ledger, and everything that it names, as it was?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import open_sealed
from runner.evidence.verify import Folders, Outside, Verification
from runner.operations.change_finish import ended_as

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.evidence.anchor import Anchor
    from runner.evidence.changes_check import Ended
    from runner.evidence.finding import Finding
    from runner.evidence.ledger import Head
    from runner.evidence.verify import Watch
    from runner.site import Site


@dataclass(frozen=True)
class Verified:
    """What a verification found; ``site_key`` is the fingerprint of the key that is the site's by its own ledger.

    ``same`` is what was given from outside and names what is here.
    """

    head: Head
    entries: int
    findings: list[Finding]
    remarks: list[Finding]
    site_key: str | None
    same: list[Anchor]


def verify_ledger(site: Site, outside: Outside, watch: Watch, processes: int | None = None) -> Verified:
    """Verify a site's ledger, held against what is known from elsewhere; nothing is written, so it may be a copy.

    Raises BadInput where the site has no ledger, MachineError where a process that verifies is killed.
    """
    if not site.ledger_folder.is_dir():
        raise BadInput(f"{site.ledger_folder}: there is no ledger of site {site.name} here; see --home")
    folders = Folders(site.runs_folder, site.attachments_folder, site.documents_folder)
    verification = Verification(Ledger(site.ledger_folder, site.name), folders, outside, processes, watch)
    findings = [*verification.findings(), *_ended_otherwise(verification.ended)]
    key = verification.signers.keyring.site_key
    return Verified(
        *(verification.head, verification.entries, findings, verification.remarks),
        key.fingerprint if key else None,
        verification.same,
    )


def _ended_otherwise(ended: Iterable[Ended]) -> Iterator[Finding]:
    """Yield each execution of a change that did not end as its entry tells, by the observations of its run."""
    for one in ended:
        if one.files.packed:
            continue
        body = one.entry.body
        try:
            found = ended_as(one.planned, open_sealed(one.files.place, one.files.run_id)).as_dict()
        except (BadInput, MachineError, OSError, ValueError, KeyError, TypeError, AttributeError):
            # A run that is not whole is told as such.
            continue
        told = {
            "outcome": body["outcome"],
            "hosts": {end: sorted(names) for end, names in body["hosts"].items() if names},
        }
        found["hosts"] = {end: names for end, names in found["hosts"].items() if names}
        if told != found:
            problem = f"tells that run {body['run']} ended as {_words(told)}; by what it observed, as {_words(found)}"
            yield one.entry.finding(problem, "change")


def _words(told: dict[str, Any]) -> str:
    hosts = "; ".join(f"{end}: {', '.join(sorted(names))}" for end, names in sorted(told["hosts"].items()))
    return f"{told['outcome']} ({hosts})"
