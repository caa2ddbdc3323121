"""The changes of a ledger as the auditor's pack shows them; what no change is made of stays among the entries alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.audit_site.change_page import change_detail, change_line
from reports.documents.change_record import About, change_record
from reports.documents.inspection_record import Issue
from runner.change_fold import Changes
from runner.changes import KIND
from runner.operations.change_documents import doubts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.audit_site.scripts import Tongues
    from reports.documents.compliance_record import ComplianceRecord
    from runner.changes import Change
    from runner.evidence.keys import Keyring
    from runner.operations.export_entries import Chronicle


def changes_of(chronicle: Chronicle) -> list[Change]:
    """Return the changes, the newest first; an entry that is not what the program writes changes none."""
    found = Changes()
    for entry in chronicle.entries:
        if entry.kind != KIND or not entry.body:
            continue
        try:
            found.take((entry.sequence, entry.kind, _iso(entry.time), entry.body, entry.signer or None))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue
    return list(reversed(found.values()))


def _iso(time: str) -> str:
    return datetime.fromisoformat(time).isoformat()


def change_pages(
    chronicle: Chronicle,
    record: ComplianceRecord,
    keyring: Keyring,
    documents: Sequence[list[Any]],
    tongues: Tongues,
) -> tuple[list[list[Any]], Iterator[dict[str, Any]]]:
    """Return a line for each change, and their pages in the same order; ``documents`` are lines of the site's list."""
    entries = {one.sequence: one for one in chronicle.entries}
    about = About(
        site=record.site,
        contract=record.contract,
        people=(),
        created=record.moment,
        day=record.day_of(record.moment),
        issue=Issue(""),
    )
    records = []
    for change in changes_of(chronicle):
        try:
            one = change_record(change, about, (), doubts_of(change, keyring))
            # A plan that is not whole shows here, where its entries still can be read one by one.
            records.append((one, change_line(one, tongues)))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue

    def files_of(sequence: int) -> list[tuple[str | None, str]]:
        return chronicle.files_of(entries[sequence])

    def details() -> Iterator[dict[str, Any]]:
        for one, _ in records:
            own = [line for line in documents if one.change.case_name and line[5] == one.change.case_name]
            yield change_detail(one, own, files_of, tongues)

    return [line for _, line in records], details()
