"""Use case: somebody applies for a change. Read, planned, tried in check mode on the real hosts, looked at, told.

Nothing is asked of anybody before the plan stands: its digest is what is approved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.changes import KIND, SCHEMA_VERSION
from runner.contract.changes import CASE, PLANNED, knows_case
from runner.errors import Refused
from runner.evidence.approvals import known_operator
from runner.execution.frozen import frozen
from runner.operations.attachments import writing
from runner.operations.book import open_book
from runner.operations.change_entries import known_changes, local_now
from runner.operations.change_feasibility import feasibility
from runner.operations.change_plan import plan_of, request_for
from runner.operations.change_steps import Stepped
from runner.operations.manifest import new_run_id, operator
from runner.operations.run_procedure import RunRequest, run_frozen
from runner.procedures import find_procedure
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from runner.change_request import RequestFile
    from runner.changes import Change
    from runner.evidence.keys import Keyring
    from runner.execution.progress import Progress
    from runner.operations.change_plan import Plan
    from runner.operations.check_site import CheckedSite


def apply_for(
    checked: CheckedSite,
    path: Path,
    progress: Callable[[], Progress],
    *,
    preview: bool = True,
) -> Stepped:
    """Tell the ledger of a change that somebody applies for, with what a preview found.

    Raises BadInput with file, line and key for all that is wrong in the request.
    """
    site = checked.site
    file = request_for(checked, path)
    _check_new(file, known_changes(site), local_now(checked))
    procedure = find_procedure(PROJECT, file.request.procedure)
    book = open_book(site)
    with writing(site):
        book.tell_due()
    _check_requester(checked, book.keyring(), local_now(checked))
    # What is tried is what was planned: both look at the same copy.
    with frozen(new_run_id(procedure.name), PROJECT, site, procedure) as copy:
        plan = plan_of(checked, file, copy)
        tried = run_frozen(checked, _preview(plan), procedure, copy, progress()) if preview else None
    with writing(site):
        book.tell_due()
        known = known_changes(site)
        moment = local_now(checked)
        _check_new(file, known, moment)
        number = file.request.number or _next_number(known, moment)
        plan = plan.numbered(number)
        body = _body(checked, file, plan, number, moment)
        body["preview"] = (
            {"run": tried.run.run_id, "verdict": tried.run.manifest["verdict"]["state"]} if tried else None
        )
        found = feasibility(checked, plan, tried.run if tried else None, book.keyring(), str(body["requester"]))
        entry = book.append(KIND, {**body, "feasibility": [one.as_dict() for one in found]})
    return Stepped(entry, known_changes(site)[number])


def _check_new(file: RequestFile, known: Mapping[str, Change], now: datetime) -> None:
    """Raise BadInput for a number that another change has, and a window that is over."""
    request = file.request
    if request.number and request.number in known:
        raise file.wrong((("number",), f"there is a change {request.number} already; see weibao change list"))
    if request.window.end <= now:
        raise file.wrong((("window", "to"), "the window is over"))


def _check_requester(checked: CheckedSite, keyring: Keyring, now: datetime) -> None:
    """Raise Refused for a login of nobody: who requested a change must be told from who approves it."""
    who = operator(checked.people)
    if not known_operator(who["name"] or "", now, keyring):
        raise Refused(f"nobody in force in people.yml logs in as {who['login']}: such a login requests no change")


def _next_number(known: Mapping[str, Change], now: datetime) -> str:
    """Return the first number of the day that no change has."""
    count = 1
    while (number := f"C-{now:%Y%m%d}-{count:02d}") in known:
        count += 1
    return number


def _preview(plan: Plan) -> RunRequest:
    """Return the run of a plan in check mode."""
    data = plan.data
    variables = {**data["variables"], "weibao_batches": list(data["batches"])}
    return RunRequest(data["procedure"], limit=",".join(sorted(data["hosts"])), check=True, variables=variables)


def _body(checked: CheckedSite, file: RequestFile, plan: Plan, number: str, moment: datetime) -> dict[str, Any]:
    who = operator(checked.people)
    case = file.request.case or (f"{CASE}:{number}" if knows_case(checked.contract, CASE) else None)
    kind, _, identity = (case or "").partition(":")
    return {
        "schema_version": SCHEMA_VERSION,
        "change": number,
        "step": "requested",
        "obligations": [],
        "case": {"kind": kind, "id": identity} if case else None,
        "event": PLANNED,
        "at": moment.isoformat(),
        "period": None,
        "attachments": [],
        "operator": who,
        "requester": str(who["name"] or who["login"]),
        "request": file.request.as_dict(),
        "plan": dict(plan.data),
        "digest": plan.digest,
    }
