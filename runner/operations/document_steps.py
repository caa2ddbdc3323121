"""Use case: a document is issued, submitted and received, each step an entry that names the files by hash.

What is built from a sealed run, a change, or the ledger as a whole, is rendered as what it is issued as; the
purchaser's own form is filled in from what was recorded; anything else is a file that people wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.form_fields import FormContext, common_fields
from reports.documents.inspection_record import Issue
from reports.text import printable
from reports.wording import Wording
from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.canonical import digest, digest_file, replace_by_parts
from runner.evidence.ledger import Ledger
from runner.operations.attachments import examine, keep, keep_parts, writing
from runner.operations.book import open_book
from runner.operations.change_documents import change_for, check_has_case, rendering_of_change
from runner.operations.comparison import compare_run
from runner.operations.compliance import DOCUMENT as COMPLIANCE
from runner.operations.compliance import Question, assess, parts_of
from runner.operations.documents import DOCUMENTS, fill, form_file, rendering_of
from runner.operations.lifecycle import Paper, next_version, papers
from runner.operations.manifest import operator
from runner.operations.occasion import Occasion, occasion_of, run_for
from runner.operations.situation import case_named, plain_text, situation_of, touched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.changes import Change
    from runner.contract.status import Row
    from runner.evidence.ledger import Entry
    from runner.evidence.sealing import SealedRun
    from runner.operations.check_site import CheckedSite
    from runner.operations.lifecycle import Version
    from runner.operations.situation import Situation

SCHEMA_VERSION = 1

_LONGEST_NUMBER = 128
_NOT_IN_NAMES = re.compile(r'[\s/\\:*?"<>|]+')
#: Bytes of a number that a file's name takes: most systems end at 255, and the program adds to it while it writes.
_LONGEST_NAME = 180
_CHUNK = 1 << 20


@dataclass(frozen=True)
class IssueRequest:
    """What a person wants issued, as it was written on the command line; ``formats`` are of what is rendered."""

    document: str
    run: str | None = None
    period: str | None = None
    case: str | None = None
    files: tuple[Path, ...] = ()
    number: str | None = None
    at: str | None = None
    draft: bool = False
    formats: tuple[str, ...] = ("docx",)


@dataclass(frozen=True)
class StepRequest:
    """The next step of a document that is there: to whom it was submitted, or by whom it was received."""

    number: str
    step: str
    name: str
    at: str | None = None
    attach: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Stepped:
    """An entry that was written, how what it is about stands since, and copies of its files with names for people."""

    entry: Entry
    rows: tuple[Row, ...]
    copies: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """What is about to be issued, everything about it known and checked."""

    request: IssueRequest
    occasion: Occasion
    issue: Issue
    at: datetime
    run: SealedRun | None
    change: Change | None = None


# -- issuing ----------------------------------------------------------------------------------------------


def issue(checked: CheckedSite, request: IssueRequest, language: str, now: datetime | None = None) -> Stepped:
    """Issue a document, or make a draft of it, and keep its files.

    Raises BadInput naming the option that is wrong, or the field of the purchaser's form, nothing written; and
    MachineError where this machine cannot make a format.
    """
    site = checked.site
    known = load_catalogue(language, site.catalogue_overlay).keys("documents")
    if request.document not in known:
        raise BadInput(f"DOCUMENT {request.document}: there is none of this name; documents: {', '.join(known)}")
    given = examine(request.files, "--file")
    book = open_book(site)
    with writing(site):
        situation = situation_of(checked, now)
        plan = _plan(request, situation)
        rendered = [] if given else list(_rendered(plan, situation, language))
        kept = keep(given, site.documents_folder)
        kept += [keep_parts(parts, name, site.documents_folder).as_dict() for name, parts in rendered]
        body = _body(plan.issue, request.document, "draft" if request.draft else "issued", situation) | {
            **plan.occasion.as_dict(),
            "at": plan.at.isoformat(),
            "files": kept,
            "run": plan.run.run_id if plan.run else None,
        }
        entry = book.append("document", body)
        copies = tuple(_copies(kept, site.documents_folder)) if rendered else ()
    return Stepped(entry, touched(situation, entry), copies)


def _plan(request: IssueRequest, situation: Situation) -> _Plan:
    at = situation.moment(request.at)
    case = case_named(request.case) if request.case else None
    check_has_case(situation.checked.site, request.document, case)
    run = _run(request, situation)
    occasion = occasion_of(request.document, request.period, case, run, at, situation)
    if run is None and not request.files:
        run = run_for(request.document, occasion, situation)
    change = None if request.files else change_for(situation.checked.site, request.document, case)
    written = run or change or request.files or request.document == COMPLIANCE
    if not written and form_file(situation.checked.site, request.document) is None:
        raise BadInput(
            f"--file: is missing; {request.document} is written by people, and the site has no form for it "
            f"(forms/{request.document}.docx)"
        )
    if run and at < datetime.fromisoformat(str(run.manifest["ended"])):
        raise BadInput(f"--at {request.at}: lies before the end of run {run.run_id}")
    number = _number(request, occasion, run, at, situation)
    paper = papers(situation.lines).get(number)
    if paper:
        _check_again(request, paper, occasion, at, situation)
    return _Plan(
        request, occasion, Issue(number, next_version(situation.lines, number), request.draft), at, run, change
    )


def _run(request: IssueRequest, situation: Situation) -> SealedRun | None:
    """Return the run that a person named, or the newest; None where a period tells, or nothing is written from runs.

    Raises BadInput where a run is named for a document that is not written from runs.
    """
    if request.run is None:
        told = request.period or request.case or request.files
        return None if told else run_for(request.document, None, situation)
    if request.files:
        raise BadInput("--run: goes without --file; the document is written from the run")
    if request.document not in DOCUMENTS:
        raise BadInput(f"--run {request.run}: {request.document} is not written from runs; give its files with --file")
    return run_for(request.document, None, situation, request.run)


def _number(
    request: IssueRequest, occasion: Occasion, run: SealedRun | None, at: datetime, situation: Situation
) -> str:
    """Return the number of the document: the one given, else contract, document, and period, case or day."""
    if request.number is not None:
        number = plain_text(request.number, "--number")
        if len(number) > _LONGEST_NUMBER or printable(number) != number or "\n" in number or "\t" in number:
            raise BadInput(f"--number {number[:40]}: a number is one line of up to {_LONGEST_NUMBER} letters")
        return number
    moment = datetime.fromisoformat(str(run.manifest["ended"])) if run else at
    day = f"{situation.checked.working.date_of(moment):%Y%m%d}"
    return f"{situation.contract.number}-{request.document}-{occasion.name or day}"


def _check_again(request: IssueRequest, paper: Paper, occasion: Occasion, at: datetime, situation: Situation) -> None:
    """Raise BadInput where a number is that of another document, or time would run backwards."""
    another = "; give another one" if request.number is None else ""
    if paper.document != request.document:
        raise BadInput(f"--number {paper.number}: belongs to {paper.document}{another}")
    told = {key: paper.first.body.get(key) for key in ("period", "case")}
    if told != {key: value for key, value in occasion.as_dict().items() if key in told}:
        raise BadInput(f"--number {paper.number}: was issued for another period or case{another}")
    _check_time(at, paper.newest.last.at, situation)


def _check_time(at: datetime, before: str, situation: Situation) -> None:
    former = datetime.fromisoformat(before).astimezone(situation.checked.working.zone)
    if at < former:
        raise BadInput(f"--at {at:%Y-%m-%d %H:%M}: lies before the step before it, {former:%Y-%m-%d %H:%M}")


def _rendered(plan: _Plan, situation: Situation, language: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield name and content of each file of a document that nobody had to write."""
    checked, site = situation.checked, situation.checked.site
    stem = f"{_file_name(plan.issue.number)}-v{plan.issue.version}"
    if plan.request.document == COMPLIANCE:
        record = assess(checked, Question(period=plan.occasion.label), plan.at)
        parts = parts_of(checked, replace(record, issue=plan.issue), language)
        yield from ((f"{stem}.{form}", parts(form)) for form in _formats(plan.request))
        return
    head = Ledger(site.ledger_folder, site.name).head()
    context = FormContext(
        document=plan.request.document,
        issue=plan.issue,
        moment=plan.at,
        contract=checked.contract,
        people=checked.people.people,
        obligations=plan.occasion.obligations,
        facts=plan.occasion.facts(situation),
        period=plan.occasion.label or "",
        case=plan.occasion.case[1] if plan.occasion.case else "",
        prepared_by=str(operator(checked.people)["name"] or operator(checked.people)["login"]),
        ledger=LedgerHead(site.name, head.sequence, head.digest),
    )
    if plan.change:
        rendering = rendering_of_change(checked, plan.change, plan.request.document, language, context)
        yield from ((f"{stem}.{form}", rendering.parts(form)) for form in _formats(plan.request))
        return
    if plan.run is None:
        own = form_file(site, plan.request.document)
        if own:
            words = Wording(load_catalogue(language, site.catalogue_overlay), checked.contract.zone())
            yield f"{stem}.docx", [fill(own, common_fields(context, words), plan.at)]
        return
    formats = _formats(plan.request)
    rendering = rendering_of(checked, plan.run, compare_run(checked, plan.run), language, context)
    for form in formats:
        yield f"{stem}.{form}", rendering.parts(form)


def _formats(request: IssueRequest) -> tuple[str, ...]:
    if not request.formats:
        raise BadInput("--format none: a document has a file")
    return request.formats


def _file_name(number: str) -> str:
    """Return a number as files bear it: what cannot stand there replaced, and then no other number's name."""
    name = _NOT_IN_NAMES.sub("-", number).encode()[:_LONGEST_NAME].decode(errors="ignore")
    return name if name == number else f"{name}-{digest(number.encode())[:6]}"


def _copies(kept: Iterable[dict[str, Any]], folder: Path) -> Iterator[Path]:
    """Yield copies of kept files under names for people; the program itself reads only what is kept."""
    for one in kept:
        path = folder / one["name"]
        try:
            with (folder / one["sha256"]).open("rb") as file:
                replace_by_parts(path, iter(lambda: file.read(_CHUNK), b""))
        except OSError as error:
            raise MachineError(f"{path}: was issued, but its copy cannot be written: {error.strerror}") from error
        yield path


# -- submitting and receiving -----------------------------------------------------------------------------


def take_step(checked: CheckedSite, request: StepRequest, now: datetime | None = None) -> Stepped:
    """Note that a document was submitted, or received; a deadline is met by submission.

    Raises BadInput where it does not stand right before that step, VerificationError where its files have changed.
    """
    site = checked.site
    given = examine(request.attach, "--attach")
    book = open_book(site)
    option, key = ("--to", "to") if request.step == "submitted" else ("--by", "by")
    with writing(site):
        situation = situation_of(checked, now)
        version = _waiting(request, situation)
        last = version.last
        at = situation.moment(request.at)
        _check_time(at, last.at, situation)
        issued = version.find("issued") or last
        _check_unchanged(issued.files, site.documents_folder)
        body = _body(
            Issue(request.number, version.number, draft=False), str(last.body["document"]), request.step, situation
        ) | {
            "obligations": list(last.body["obligations"]),
            "period": last.body["period"],
            "case": last.body["case"],
            "at": at.isoformat(),
            key: plain_text(request.name, option),
            "files": [*issued.files, *keep(given, site.documents_folder)],
            "run": last.body["run"],
        }
        entry = book.append("document", body)
    return Stepped(entry, touched(situation, entry))


def _waiting(request: StepRequest, situation: Situation) -> Version:
    """Return the version that a step is for."""
    paper = papers(situation.lines).get(request.number)
    if paper is None:
        raise BadInput(f"NUMBER {request.number}: there is no such document; see weibao document list")
    version = paper.waiting_for(request.step)
    if version is None:
        newest = paper.newest
        raise BadInput(
            f"NUMBER {request.number}: version {newest.number} is {newest.last.step}, so it cannot be {request.step}; "
            "the steps are draft, issued, submitted, received"
        )
    return version


def _check_unchanged(files: Iterable[dict[str, Any]], folder: Path) -> None:
    """Raise VerificationError where a file is not what was issued any more."""
    for one in files:
        path = folder / str(one["sha256"])
        if not path.is_file():
            raise VerificationError(f"{path}: {one['name']} was issued, and is missing")
        if digest_file(path) != one["sha256"]:
            raise VerificationError(f"{path}: {one['name']} has changed since it was issued")


def _body(issue: Issue, document: str, step: str, situation: Situation) -> dict[str, Any]:
    """Return what the entries of all steps have."""
    return {
        "schema_version": SCHEMA_VERSION,
        "document": document,
        "number": issue.number,
        "version": issue.version,
        "step": step,
        "to": None,
        "by": None,
        "operator": operator(situation.checked.people),
        "corrects": None,
    }


# -- listing ----------------------------------------------------------------------------------------------


def list_documents(checked: CheckedSite, document: str | None = None, period: str | None = None) -> list[Paper]:
    """Return the documents of a site by number, in the order of their first steps."""
    return [
        paper
        for paper in papers(situation_of(checked).lines).values()
        if document in (None, paper.document) and period in (None, paper.first.body.get("period"))
    ]
