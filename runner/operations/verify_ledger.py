"""Use case: is everything in a site's ledger, and everything that it names, as it was?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BadInput
from runner.evidence.ledger import Ledger
from runner.evidence.verify import Folders, Outside, Verification

if TYPE_CHECKING:
    from runner.evidence.anchor import Anchor
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
    findings = list(verification.findings())
    key = verification.signers.keyring.site_key
    return Verified(
        *(verification.head, verification.entries, findings, verification.remarks),
        key.fingerprint if key else None,
        verification.same,
    )
