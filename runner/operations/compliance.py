"""Use case: how a contract stands at a moment, told by what the ledger held then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.compliance_document import compliance_document
from reports.documents.compliance_form import compliance_fields
from reports.documents.compliance_json import as_json
from reports.documents.compliance_oscal import as_oscal
from reports.documents.compliance_periods import Days, days_of
from reports.documents.compliance_record import Basis, Chosen, compliance_record
from reports.render import FORMATS as RENDERED
from reports.render import render
from reports.wording import Wording
from runner.contract.compliance import comply
from runner.errors import BadInput
from runner.evidence.ledger import Ledger
from runner.operations.documents import fill, form_file, form_first
from runner.operations.facts import facts_of
from runner.operations.saving import Written, save_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from reports.documents.compliance_record import ComplianceRecord
    from runner.contract.model import Contract
    from runner.operations.check_site import CheckedSite

DOCUMENT = "compliance-report"

#: What the report can be written as: rendered for people, as JSON, or as OSCAL assessment results.
FORMATS = (*RENDERED, "json", "oscal.json")

#: Days that may be asked about: a calendar has no others that a contract could mean.
_ASKED = Days(date(1970, 1, 1), date(2199, 12, 31))

#: What ``bad`` counts, from one state on.
_FAILING = {"never": (), "breached": ("breached",), "overdue": ("breached", "overdue")}
FAIL_ON = tuple(_FAILING)


@dataclass(frozen=True)
class Question:
    """What is asked of a contract: how it stands, or stood at the end of a day, in all or in a period.

    Today stands as it is now. A day to come is a forecast: what has not happened by then counts as not done.
    """

    as_of: date | None = None
    period: str | None = None


def assess(checked: CheckedSite, question: Question, now: datetime | None = None) -> ComplianceRecord:
    """Return how the site's contract stands.

    Raises BadInput for a day or a period that the contract cannot have, MachineError where the ledger cannot be read.
    """
    created = now or datetime.now(UTC)
    contract, working, site = checked.contract, checked.working, checked.site
    moment = created
    if question.as_of is not None and question.as_of != working.date_of(created):
        if question.as_of not in _ASKED:
            raise BadInput(f"--as-of {question.as_of}: a day from {_ASKED.first} to {_ASKED.last}")
        moment = working.end_of(question.as_of)
    chosen = _chosen(question.period, contract) if question.period is not None else None
    facts = facts_of(site, moment)
    head = Ledger(site.ledger_folder, site.name).head()
    return compliance_record(
        Basis(site.name, contract, working, facts, checked.people.people),
        comply(contract, facts, working, moment),
        created,
        chosen,
        LedgerHead(site.name, head.sequence, head.digest),
    )


def _chosen(label: str, contract: Contract) -> Chosen:
    """Return the period that a label names; raises BadInput for one that names none, or lies outside the term."""
    days, term = days_of(label, contract.term), contract.term
    if days is None:
        raise BadInput(f"--period {label}: write 2026, 2026H1, 2026Q3, 2026-07 or 2026W07")
    if term and not days.overlaps(Days(term.start, term.end)):
        raise BadInput(f"--period {label}: outside the contract's term, {term.start} to {term.end}")
    return Chosen(label, days)


def bad(record: ComplianceRecord, fail_on: str) -> bool:
    """Return whether something stands so badly that a program that watches the contract should know."""
    return any(record.counts[name] for name in _FAILING[fail_on])


def words_of(checked: CheckedSite, language: str) -> Wording:
    """Return the words of a language in the zone that the contract counts in."""
    return Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.working.zone)


def write_report(
    checked: CheckedSite, record: ComplianceRecord, language: str, formats: Sequence[str], output: Path | None = None
) -> Written:
    """Write the compliance report in each format that this machine can make.

    The Word file is the purchaser's own form, where the site has one. Raises BadInput where that is wrong, MachineError
    where the disk does not take a file; what lacks on the machine is told in ``problems``.
    """
    period = f"-{record.chosen.label}" if record.chosen else ""
    name = f"{DOCUMENT}{period}-{record.day_of(record.moment):%Y%m%d}"
    folder = output or checked.site.documents_folder
    ordered = form_first(formats, form_file(checked.site, DOCUMENT))
    return save_documents(parts_of(checked, record, language), folder, name, ordered)


def parts_of(checked: CheckedSite, record: ComplianceRecord, language: str) -> Callable[[str], Iterable[bytes]]:
    """Return what gives the file of a format, part by part, or raises BadInput where the purchaser's form is wrong."""
    words = words_of(checked, language)
    document = cache(lambda: compliance_document(record, words))
    own_form = form_file(checked.site, DOCUMENT)

    def parts(form: str) -> Iterable[bytes]:
        if form == "json":
            return [as_json(record, words)]
        if form == "oscal.json":
            return [as_oscal(record, words)]
        if form == "docx" and own_form:
            return [fill(own_form, compliance_fields(record, DOCUMENT, words), record.created)]
        return [render(document(), form)]

    return parts
