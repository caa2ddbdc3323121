"""Use case: the auditor's pack: the evidence of a site in a folder that is read and checked without this program.

The ledger goes in whole, since its entries hang together; of a period, only the files of its runs, records and
documents. Every file, the pages too, stands in SHA256SUMS, which the site's key signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.audit_site.fixed import fixed_files, readmes
from reports.audit_site.scripts import Tongues
from runner.evidence.signing import site_signer
from runner.evidence.sshsig import CHECKPOINT
from runner.evidence.verify import unwatched
from runner.operations.book import open_book
from runner.operations.compliance import Question, assess
from runner.operations.export_entries import Period, take_entries, take_files, wanted_runs
from runner.operations.export_pages import Contents, pages
from runner.operations.export_runs import Desk, lines_of, pack_runs
from runner.operations.pack import Pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reports.documents.compliance_record import ComplianceRecord
    from runner.evidence.finding import Finding
    from runner.evidence.keys import Keyring
    from runner.evidence.ledger import Head
    from runner.evidence.verify import Watch
    from runner.operations.check_site import CheckedSite

_DATES = re.compile(r',valid-(?:after|before)="[^"]*"')


@dataclass(frozen=True)
class Exported:
    """A pack that was written: what is in it, and what was found on the way that is not as the ledger says."""

    folder: Path
    head: Head
    fingerprint: str
    entries: int
    runs: int
    files: int
    bytes: int
    left_out: int
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...]


def export(checked: CheckedSite, folder: Path, period: str | None = None, watch: Watch = unwatched) -> Exported:
    """Write the auditor's pack into an empty folder, or a new one.

    Raises BadInput for a folder that is not empty and for a period that the contract cannot have, MachineError where
    the disk does not take the pack. Evidence that is missing or damaged is told, and stops nothing.
    """
    site = checked.site
    record = assess(checked, Question(period=period))
    pack = Pack.begin(folder)
    book = open_book(site)
    book.tell_due()
    head = book.head()
    signer = site_signer(site.keys_folder)
    days = Period(record.chosen.days if record.chosen else None, checked.working)
    tongues = Tongues.load(site.catalogue_overlay, checked.working.zone)

    chronicle = take_entries(book, head.sequence, pack)
    keyring = chronicle.signers.keyring
    take_files(chronicle, site, days, pack)
    wanted = wanted_runs(chronicle, site, days)
    packed = []
    for one in pack_runs(wanted, Desk(pack.folder, site.catalogue_overlay, checked.working.zone)):
        packed.append(one)
        for copied in one.copied:
            pack.note(copied)
        watch("runs", len(packed), len(wanted))
    findings = (*chronicle.findings, *(finding for one in packed for finding in one.findings))
    remarks = tuple(chronicle.signers.vouched())
    left_out = list(chronicle.left_out_lines())
    # An entry that corrects another may name the same file.
    files_left_out = len({line.partition(" ")[0] for line in left_out})
    contents = Contents(
        site=site.name,
        record=record,
        chronicle=chronicle,
        keyring=keyring,
        head=head,
        fingerprint=signer.fingerprint(),
        runs=lines_of(packed),
        findings=findings,
        remarks=remarks,
        left_out=files_left_out,
    )
    for path, data in pages(contents, tongues):
        pack.write(path, data)
    for path, data in _about(record, keyring, contents, tongues):
        pack.write(path, data)
    pack.write("LEFT-OUT.txt", "".join(f"{line}\n" for line in left_out or ["none"]).encode())
    sums = pack.sums()
    pack.seal(sums, signer.sign_as(CHECKPOINT, sums))
    return Exported(
        folder=folder,
        head=head,
        fingerprint=signer.fingerprint(),
        entries=len(chronicle.entries),
        runs=len(packed),
        files=len(pack.files),
        bytes=sum(one.bytes for one in pack.files.values()),
        left_out=files_left_out,
        findings=findings,
        remarks=remarks,
    )


def _about(
    record: ComplianceRecord, keyring: Keyring, contents: Contents, tongues: Tongues
) -> Iterator[tuple[str, bytes]]:
    """Yield the files that are about the pack itself: pages, keys, what to read first, what checks it."""
    yield from fixed_files(tongues)
    yield from _keys(keyring)
    languages = len(tongues.words)
    whole = tuple(words.catalogue.word("audit", "period_whole") for words in tongues.words)
    chosen = record.chosen
    period = (f"{chosen.label} ({chosen.days.first} – {chosen.days.last})",) * languages if chosen else whole
    told: dict[str, str] = {
        "contract": str(record.parties.contract),
        "system": str(record.parties.system or ""),
        "site": contents.site,
        "created": f"{tongues.time(record.created.isoformat())} {tongues.offset(record.created)}",
        "head": contents.head.grouped(),
        "first_key": contents.first_key,
        "fingerprint": contents.fingerprint,
    }
    facts = {key: (value,) * languages for key, value in told.items()}
    found = {"findings": contents.findings, "remarks": contents.remarks}
    yield from readmes(tongues, {"period": period, **facts}, found)


def _keys(keyring: Keyring) -> Iterator[tuple[str, bytes]]:
    """Yield who may sign, as three ages of OpenSSH read it, and whose each fingerprint is."""
    unmarked = keyring.allowed_signers(marked=False)
    yield "keys/allowed_signers", keyring.allowed_signers().encode()
    yield "keys/allowed_signers_utc", unmarked.encode()
    yield "keys/allowed_signers_undated", _DATES.sub("", unmarked).encode()
    known = {f"{one.holder.key.fingerprint} {one.holder.principal}\n": None for one in keyring.spans()}
    yield "keys/fingerprints", "".join(known).encode()
