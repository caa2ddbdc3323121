"""Use case: 《升级申请》 and 《升级实施报告》 are written from a change's entries and from its sealed runs."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.change_form import report_fields, request_fields
from reports.documents.change_json import change_json
from reports.documents.change_record import About, change_record
from reports.documents.change_report import upgrade_report
from reports.documents.change_request import upgrade_request
from reports.documents.change_run import change_run
from reports.documents.form_fields import FormContext
from reports.documents.inspection_record import Issue
from reports.wording import Wording
from runner.errors import BadInput
from runner.evidence.approvals import approval_reasons, attendance_reasons, verification_reasons
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.evidence.verify import entry_of, verified_run
from runner.operations.change_entries import known_changes, named_change
from runner.operations.documents import Rendering, form_file, form_first
from runner.operations.saving import Written, save_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reports.documents.change_run import ChangeRun
    from runner.changes import Change
    from runner.evidence.keys import Keyring
    from runner.operations.check_site import CheckedSite
    from runner.operations.situation import Case
    from runner.site import Site

REQUEST, REPORT = "upgrade-request", "upgrade-report"

#: The documents that are written from a change.
CHANGE_DOCUMENTS = (REQUEST, REPORT)

_BUILDERS = {REQUEST: (upgrade_request, request_fields), REPORT: (upgrade_report, report_fields)}


def change_for(site: Site, document: str, case: Case | None) -> Change | None:
    """Return the change that a document of a case is written from: the newest; for a report, one that was executed.

    None where the document is not written from changes, or the case has none that this program knows of.
    """
    if document not in CHANGE_DOCUMENTS or case is None:
        return None
    found = [one for one in known_changes(site).values() if one.case == case]
    executed = [one for one in found if one.executions]
    newest = next(reversed(executed if document == REPORT and executed else found), None)
    if newest:
        _check_executed(newest, document)
    return newest


def check_has_case(site: Site, document: str, case: Case | None) -> None:
    """Raise BadInput where a case is asked for that a change would have, had the contract an obligation about such."""
    if document not in CHANGE_DOCUMENTS or case is None:
        return
    change = known_changes(site).get(case[1])
    if change and change.case is None:
        raise BadInput(
            f"--case {case[0]}:{case[1]}: change {change.number} has no case, since no obligation of the contract is "
            f"about such; drafts of its documents: weibao report {document} --change {change.number}"
        )


def _check_executed(change: Change, document: str) -> None:
    """Raise BadInput for the report of a change that was not executed."""
    if document == REPORT and not change.executions:
        raise BadInput(f"{document}: change {change.number} was not executed yet")


def rendering_of_change(
    checked: CheckedSite, change: Change, document: str, language: str, context: FormContext
) -> Rendering:
    """Return a document of a change, issued as ``context`` tells; raises VerificationError for an altered run."""
    site, working = checked.site, checked.working
    words = Wording(load_catalogue(language, site.catalogue_overlay), working.zone)
    moment = context.moment
    about = About(
        site=site.name,
        contract=checked.contract,
        people=checked.people.people,
        created=moment,
        day=working.date_of(moment),
        issue=context.issue,
        prepared_by=context.prepared_by,
        ledger=context.ledger,
    )
    runs = tuple(_runs(site, change)) if document == REPORT else ()
    keyring = keyring_of(Ledger(site.ledger_folder, site.name), site.cache_folder)
    preview = None if document == REPORT else _preview(site, change)
    record = change_record(change, about, runs, doubts_of(change, keyring), preview)
    build, fields = _BUILDERS[document]
    return Rendering(
        document,
        build(record, words),
        context,
        words,
        partial(change_json, record, document, words),
        partial(fields, record, words),
        form_file(site, document),
    )


def _preview(site: Site, change: Change) -> ChangeRun | None:
    """Return the sealed run in which a change was tried; None where it was not, or its folder is archived."""
    told = change.steps[0].body.get("preview")
    if not told:
        return None
    try:
        run = verified_run(Ledger(site.ledger_folder, site.name), site.runs_folder, str(told["run"]))
    except BadInput:
        return None
    return change_run(run.manifest, run.observations())


def _runs(site: Site, change: Change) -> Iterator[ChangeRun]:
    """Yield the sealed runs of a change; one that goes on, or came to no host, or whose evidence was lost has none."""
    ledger = Ledger(site.ledger_folder, site.name)
    for execution in change.executions:
        try:
            run = verified_run(ledger, site.runs_folder, execution.run)
        except BadInput:
            lost = execution.outcome == "interrupted" and entry_of(ledger, execution.run) is None
            if execution.outcome not in (None, "not begun") and not lost:
                raise
        else:
            yield change_run(run.manifest, run.observations())


def doubts_of(change: Change, keyring: Keyring) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
    """Return by entry why an approval, a presence or the last verification does not count; none where it does."""
    verified = change.verification
    found = {
        **({verified.sequence: verification_reasons(change, verified, keyring)} if verified else {}),
        **{one.step.sequence: approval_reasons(change, one, keyring) for one in change.approvals},
        **{one.step.sequence: attendance_reasons(change, one, keyring) for one in change.attendances},
    }
    return {number: tuple(one.as_dict() for one in reasons) for number, reasons in found.items() if reasons}


def write_change_document(
    checked: CheckedSite,
    number: str,
    document: str,
    language: str,
    formats: Sequence[str],
    output: Path | None = None,
    *,
    now: datetime | None = None,
) -> Written:
    """Write a document of a change as a draft, in each format that this machine can make.

    Raises BadInput where there is no such change, where it was not executed and its report is asked for, and where the
    purchaser's own form is wrong; MachineError where the disk does not take a file.
    """
    site = checked.site
    change = named_change(known_changes(site), number)
    _check_executed(change, document)
    if not formats:
        return Written()
    head = Ledger(site.ledger_folder, site.name).head()
    context = FormContext(
        document=document,
        issue=Issue(f"{checked.contract.number}-{document}-{number}"),
        moment=now or datetime.now(UTC),
        contract=checked.contract,
        people=checked.people.people,
        case=change.case[1] if change.case else "",
        prepared_by=change.requester,
        ledger=LedgerHead(site.name, head.sequence, head.digest),
    )
    rendering = rendering_of_change(checked, change, document, language, context)
    ordered = form_first(formats, rendering.form)
    return save_documents(rendering.parts, output or site.documents_folder, f"{document}-{number}", ordered)
