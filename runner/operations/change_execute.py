"""Use case: an approved change is carried out. Gate, ``started``, run, ``executed``; each refusal is an entry, too.

Whether it may start is decided while nobody else can write a step of a change, and told before anything is touched. A
program that is killed afterwards leaves a marker, by which the next command ends the execution: nothing runs twice.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.changes import KIND
from runner.contract.changes import STARTED
from runner.errors import BadInput, Refused
from runner.evidence.approvals import counting_approvals, person_of
from runner.evidence.canonical import parse_timestamp
from runner.evidence.signing import own_signer
from runner.execution.frozen import frozen
from runner.operations.attachments import writing
from runner.operations.book import open_book
from runner.operations.change_entries import approval_due, body_of, known_changes, local_now, named_change, refuse
from runner.operations.change_finish import finish
from runner.operations.change_gate import Circumstances, differing, needed, refusals
from runner.operations.change_marker import mark
from runner.operations.change_plan import Difference, differences, plan_again
from runner.operations.change_token import token_of
from runner.operations.manifest import new_run_id, operator
from runner.operations.run_procedure import RunRequest, prepared
from runner.procedures import load_procedures
from runner.site import PROJECT

if TYPE_CHECKING:
    from datetime import datetime

    from runner.changes import Change
    from runner.evidence.keys import Keyring
    from runner.evidence.ledger import Entry, Ledger
    from runner.execution.progress import Progress
    from runner.operations.book import Book
    from runner.operations.change_plan import Plan
    from runner.operations.check_site import CheckedSite
    from runner.operations.run_procedure import ListedRun
    from runner.procedures import Procedure


@dataclass(frozen=True)
class Executed:
    """An execution: the sealed run, the entry that tells its end, and the change as it stands since."""

    listed: ListedRun
    entry: Entry
    change: Change

    @property
    def outcome(self) -> str:
        """Return how it ended."""
        return str(self.entry.body["outcome"])


def execute(
    checked: CheckedSite,
    number: str,
    language: str,
    progress: Progress,
    *,
    procedure: str | None = None,
    automatic: bool = False,
    now: datetime | None = None,
) -> Executed:
    """Carry a change out and return what became of it; ``procedure``: the one that it must be of.

    Raises BadInput where there is no such change, ChangeRefused with every reason why it may not start.
    """
    site = checked.site
    book = open_book(site)
    change = named_change(known_changes(site), number)
    if procedure is not None and procedure != change.procedure:
        raise BadInput(f"--change {number}: is of procedure {change.procedure}, not {procedure}")
    run_id = new_run_id(change.procedure)
    with ExitStack() as held:
        # What takes a while, and what can fail for reasons of this machine, comes before anything is held or told.
        approved = _procedure(checked, book, change, language)
        copy = held.enter_context(frozen(run_id, PROJECT, site, approved))
        plan = plan_again(checked, change.plan, change.request["hosts"], copy)
        same = plan.digest == change.digest
        ready = held.enter_context(prepared(checked, _request(change), approved, copy)) if same else None
        with writing(site):
            book.tell_due()
            known = known_changes(site)
            former, change = change, known[number]
            around = _circumstances(checked, change, plan, book, now)
            around = replace(around, others=tuple(known.values()), automatic=automatic)
            if (reasons := refusals(change, around)) or ready is None:
                refuse(checked, book, change, "execute", reasons, language)
            if change.remainder != former.remainder:
                raise Refused(f"change {number} was carried out by another program at this moment: try again")
            closes = checked.contract.changes.closes(around.now, change.window[1], checked.working)
            ready = ready.under(_approval(change, book.keyring()), token_of(change, run_id, closes))
            marker = held.enter_context(mark(site, number, run_id))
            who = operator(checked.people)
            moment = local_now(checked, now)
            due = approval_due(checked, change, moment)
            started = {"event": STARTED, "run": run_id, "digest": change.digest, "due": due}
            book.append(KIND, body_of(change, "started", moment, who, **started))
        listed = ready.run(progress)
        with writing(site):
            entry = finish(book, site, change, run_id, who)
            marker.done()
    return Executed(listed, entry, known_changes(site)[number])


def _procedure(checked: CheckedSite, book: Book, change: Change, language: str) -> Procedure:
    """Return the procedure of a change; one that is gone differs from what was approved."""
    found = load_procedures(PROJECT).get(change.procedure)
    if found is None:
        gone = Difference("procedure", change.procedure, "removed")
        with writing(checked.site):
            refuse(checked, book, change, "execute", [differing(gone.as_dict())], language)
    return found


def _circumstances(checked: CheckedSite, change: Change, plan: Plan, book: Book, now: datetime | None) -> Circumstances:
    moment = local_now(checked, now)
    who, keyring, own = operator(checked.people), book.keyring(), own_signer()
    # Who executes with a key of their own is known by it, whatever login they use.
    signing = person_of(own.public_key.fingerprint, keyring, moment) if own else None
    return Circumstances(
        now=moment,
        executors=(str(who["name"] or who["login"]), *((signing,) if signing else ())),
        keyring=keyring,
        differences=[one.as_dict() for one in differences(change.plan, plan.data)],
        blackout=checked.contract.changes.blackout(moment, moment + needed(change), checked.working),
        depends_on=plan.depends_on,
        newest=_newest(book),
    )


def _newest(book: Ledger) -> datetime | None:
    newest = next(book.newest_first(), None)
    return parse_timestamp(str(newest.content["time"])) if newest else None


def _request(change: Change) -> RunRequest:
    """Return the run of a change: on the hosts that none before has done, with what was approved."""
    variables = {**change.plan["variables"], "weibao_batches": list(change.plan["batches"])}
    return RunRequest(change.procedure, limit=",".join(change.remainder or change.hosts), variables=variables)


def _approval(change: Change, keyring: Keyring) -> dict[str, Any]:
    """Return what the manifest keeps of a change."""
    return {
        "change": change.number,
        "digest": change.digest,
        "request": change.entry,
        "emergency": change.emergency,
        "approvals": [
            {"entry": one.step.sequence, "by": one.by, "assurance": "paper" if one.on_paper else "signature"}
            for one in counting_approvals(change, keyring)
        ],
    }
