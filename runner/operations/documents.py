"""Use case: documents are written from sealed evidence, and from nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.change_form import REPORT, REQUEST, RESTART, restart_fields
from reports.documents.change_json import restart_json
from reports.documents.change_run import change_run
from reports.documents.compliance_form import COMPLIANCE
from reports.documents.form_fields import COMMON, FormContext, common_fields, example
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_form import INSPECTION, inspection_fields
from reports.documents.inspection_json import as_json
from reports.documents.inspection_record import inspection_record
from reports.documents.restart_record import restart_document, restart_record
from reports.render import FORMATS as RENDERED
from reports.render import render
from reports.wording import Wording
from runner.errors import BadInput
from runner.evidence.canonical import parse_timestamp
from runner.evidence.ledger import Ledger
from runner.evidence.verify import verified_run
from runner.history import is_whole, runs_of
from runner.operations.saving import Written, save_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from reports.document import Document
    from reports.documents.comparison import Comparison
    from reports.documents.inspection_record import InspectionRecord, Issue
    from reports.documents.restart_record import RestartRecord
    from runner.evidence.sealing import SealedRun
    from runner.operations.check_site import CheckedSite
    from runner.site import Site

#: Each document by name, and the procedure whose runs it is written from.
DOCUMENTS = {"inspection-record": "inspect", "restart-record": "restart-services"}

#: The fields that a form of a document has beside those of every document.
_FIELDS = {
    "inspection-record": INSPECTION,
    "compliance-report": COMPLIANCE,
    "upgrade-request": REQUEST,
    "upgrade-report": REPORT,
    "restart-record": RESTART,
}

#: What a document can be written as: rendered for people, or as JSON for other programs.
FORMATS = (*RENDERED, "json")

_PERIOD = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Rendering:
    """One document, ready to be written as any format; ``form`` is the purchaser's own, if there is one.

    ``json`` gives it for other programs, ``fields`` what it has for a form beside the fields of every document.
    """

    name: str
    document: Document
    context: FormContext
    words: Wording
    json: Callable[[], Iterable[bytes]]
    fields: Callable[[], dict[str, Any]]
    form: Path | None = None

    def parts(self, form: str) -> Iterable[bytes]:
        """Return the file of a format, part by part; raises BadInput where the purchaser's form is wrong."""
        if form == "json":
            return self.json()
        if form == "docx" and self.form:
            return [fill(self.form, common_fields(self.context, self.words) | self.fields(), self.document.created)]
        return [render(self.document, form)]


def fill(form: Path, fields: Mapping[str, Any], moment: datetime) -> bytes:
    """Return the purchaser's own form with its fields filled in; raises BadInput naming the field that is wrong."""
    from reports.render.form import render_form  # noqa: PLC0415 - a site without forms needs no template engine for Word

    return render_form(form, fields, moment)


def form_file(site: Site, document: str) -> Path | None:
    """Return the purchaser's own Word form for a document, where the site has one."""
    path = site.forms_folder / f"{document}.docx"
    return path if path.is_file() else None


def check_forms(site: Site, procedure: str) -> None:
    """Raise BadInput, before a run, where the form is wrong that its document is to be written into."""
    problems = list(form_problems(site, [name for name, ran in DOCUMENTS.items() if ran == procedure]))
    if problems:
        raise BadInput("\n".join(problems))


def form_problems(site: Site, documents: Collection[str] | None = None) -> Iterator[str]:
    """Yield what is wrong with each of the site's forms: a field that does not exist, a document that does not.

    ``documents`` are those whose forms are looked at; by default all of them.
    """
    known = load_catalogue("zh", site.catalogue_overlay).keys("documents")
    for path in sorted(site.forms_folder.glob("*.docx")):
        # Word keeps a file of this name while a form is open in it.
        if path.name.startswith("~$") or (documents is not None and path.stem not in documents):
            continue
        if path.stem not in known:
            yield f"{path}: no document named {path.stem!r}; documents: {', '.join(known)}"
            continue
        try:
            fields = example(COMMON, *([_FIELDS[path.stem]] if path.stem in _FIELDS else []))
            fill(path, fields, datetime(2026, 1, 1, tzinfo=UTC))
        except BadInput as error:
            yield str(error)


def rendering_of(
    checked: CheckedSite,
    run: SealedRun,
    comparison: Comparison,
    language: str,
    context: FormContext | None = None,
) -> Rendering:
    """Return the document of a run, issued as ``context`` tells, by default as a draft numbered after the run."""
    site = checked.site
    name = next(name for name, procedure in DOCUMENTS.items() if procedure == run.manifest["procedure"])
    words = Wording(load_catalogue(language, site.catalogue_overlay), checked.contract.zone())
    manifest, about = run.manifest, _about(checked, context)
    document: Document
    record: InspectionRecord | RestartRecord
    json: Callable[[], Iterable[bytes]]
    if name == "restart-record":
        record = restarts = restart_record(change_run(manifest, run.observations()), **about)
        document = restart_document(restarts, words)
        json, fields = partial(restart_json, restarts), partial(restart_fields, restarts, words)
    else:
        record = inspected = inspection_record(manifest, run.observations, comparison=comparison, **about)
        document = inspection_document(inspected, words)
        json, fields = partial(as_json, inspected), partial(inspection_fields, inspected, document, words)
    context = context or _context(name, record.issue, document.created, manifest, checked)
    context = replace(context, prepared_by=record.parties.inspector or context.prepared_by, ledger=record.ledger)
    return Rendering(name, document, context, words, json, fields, form_file(site, name))


def _about(checked: CheckedSite, context: FormContext | None) -> dict[str, Any]:
    """Return what every record of a run needs beside the run."""
    site = checked.site
    head = Ledger(site.ledger_folder, site.name).head()
    return {
        "contract": checked.contract,
        "people": checked.people.people,
        "issue": context.issue if context else None,
        "ledger": LedgerHead(site.name, head.sequence, head.digest),
    }


def _context(
    name: str, issue: Issue, moment: datetime, manifest: Mapping[str, Any], checked: CheckedSite
) -> FormContext:
    """Return what is known of the document of a run that was not issued yet."""
    ids = set(manifest.get("obligations") or ())
    return FormContext(
        document=name,
        issue=issue,
        moment=moment,
        contract=checked.contract,
        people=checked.people.people,
        obligations=tuple(one for one in checked.contract.on(checked.working.date_of(moment)) if one.id in ids),
    )


def write_documents(
    checked: CheckedSite,
    run: SealedRun,
    comparison: Comparison,
    language: str,
    formats: Sequence[str],
    output: Path | None = None,
) -> Written:
    """Write every document that follows from a run, in each format that this machine can make.

    ``comparison`` is what has changed since the last look.
    Raises BadInput where the purchaser's own form is wrong, nothing written; MachineError where the disk does not take
    a file; what lacks on the machine is told in ``problems``.
    """
    if not formats or run.manifest["procedure"] not in DOCUMENTS.values():
        return Written()
    rendering = rendering_of(checked, run, comparison, language)
    folder = output or checked.site.documents_folder
    ordered = form_first(formats, rendering.form)
    return save_documents(rendering.parts, folder, f"{rendering.name}-{run.run_id}", ordered)


def form_first(formats: Sequence[str], form: Path | None) -> list[str]:
    """Return formats with the purchaser's own form first: where that is wrong, nothing has been written yet."""
    return sorted(formats, key=lambda one: one != "docx" or not form)


def find_run(site: Site, procedure: str, run_id: str | None, period: str | None, zone: tzinfo | None) -> SealedRun:
    """Return the run that a document is to be written from: the one named, else the newest of the period.

    A period's record is its newest run that was whole; one that was not, only where there is no other.
    Raises BadInput where there is none, VerificationError where it is not what was sealed.
    """
    ledger = Ledger(site.ledger_folder, site.name)
    if run_id is None:
        run_id = _newest(ledger, procedure, period, zone)
    run = verified_run(ledger, site.runs_folder, run_id)
    if run.manifest["procedure"] != procedure:
        raise BadInput(f"run {run_id} is of procedure {run.manifest['procedure']}, not {procedure}")
    return run


def _newest(ledger: Ledger, procedure: str, period: str | None, zone: tzinfo | None) -> str:
    runs = runs_of(ledger, procedure)
    if period:
        wanted = _months(period)
        runs = (one for one in runs if _month(one, zone) in wanted)
        found = list(runs)
        runs = iter([*filter(is_whole, found), *found])
    newest = next(runs, None)
    if newest is None:
        raise BadInput(f"no run of {procedure} in site {ledger.site}" + (f" in {period}" if period else ""))
    return str(newest["run"])


def _month(body: Mapping[str, Any], zone: tzinfo | None) -> tuple[int, int]:
    started = parse_timestamp(str(body["started"])).astimezone(zone)
    return started.year, started.month


def _months(period: str) -> set[tuple[int, int]]:
    """Return the months of a period: 2026, 2026Q3 or 2026-07."""
    match = _PERIOD.fullmatch(period)
    if not match:
        raise BadInput(f"--period {period}: write 2026, 2026Q3 or 2026-07")
    year = int(match["year"])
    if match["month"]:
        return {(year, int(match["month"]))}
    if match["quarter"]:
        first = 3 * int(match["quarter"]) - 2
        return {(year, month) for month in range(first, first + 3)}
    return {(year, month) for month in range(1, 13)}
