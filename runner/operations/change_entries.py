"""The entries of changes: read as they stand, written in one form, a refusal among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from reports.catalogue import load_catalogue
from reports.documents.change_lines import refused_lines
from reports.wording import Wording
from runner.change_fold import changes
from runner.changes import KIND, SCHEMA_VERSION, Change
from runner.contract.changes import PLANNED, answering
from runner.errors import BadInput, MachineError, Refused
from runner.evidence.approvals import counting_approvals
from runner.evidence.index import entry_lines
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.operations.manifest import operator
from runner.operations.situation import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.change_fold import Changes
    from runner.change_rules import Reason
    from runner.operations.book import Book
    from runner.operations.check_site import CheckedSite
    from runner.site import Site


class ChangeRefused(Refused):
    """A change is refused; the message has a line for each reason, ``entry`` tells of it."""

    def __init__(self, message: str, change: str, entry: int, reasons: Sequence[Reason]) -> None:
        super().__init__(message)
        self.change, self.entry, self.reasons = change, entry, tuple(reasons)


def known_changes(site: Site) -> Changes:
    """Return the changes in a site's ledger by number; raises MachineError where an entry is not what weibao writes."""
    lines = entry_lines(Ledger(site.ledger_folder, site.name), site.cache_folder, (KIND,))
    try:
        return changes(lines)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MachineError(
            f"an entry of a change is not what weibao writes ({error}); see weibao ledger verify"
        ) from error


def named_change(known: Mapping[str, Change], number: str) -> Change:
    """Return a change by number; raises BadInput where there is none."""
    if number in known:
        return known[number]
    near = nearest(number, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise BadInput(f"NUMBER {number}: there is no such change{hint}; see weibao change list")


@dataclass(frozen=True)
class Standing:
    """A change and how it stands now, by the approvals that count."""

    change: Change
    state: str


def standings(site: Site) -> list[Standing]:
    """Return every change with its state, oldest first."""
    known = known_changes(site)
    if not known:
        return []
    keyring, moment = keyring_of(Ledger(site.ledger_folder, site.name), site.cache_folder), datetime.now(UTC)
    return [Standing(one, one.state(moment, counting_approvals(one, keyring))) for one in known.values()]


def standing(site: Site, number: str) -> Standing:
    """Return a change with its state; raises BadInput where there is none of this number."""
    named_change(known_changes(site), number)
    return next(one for one in standings(site) if one.change.number == number)


def body_of(change: Change, step: str, at: datetime, who: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the body of a further entry of a change; ``who`` is the operator."""
    return {
        "schema_version": SCHEMA_VERSION,
        "change": change.number,
        "step": step,
        "obligations": [],
        "case": {"kind": change.case[0], "id": change.case[1]} if change.case else None,
        "event": None,
        "at": at.isoformat(),
        "period": None,
        "attachments": [],
        "operator": dict(who),
        **more,
    }


def answered(checked: CheckedSite, change: Change, event: str, at: datetime) -> list[str]:
    """Return the obligations that a step of a change answers, which an event of its case opened."""
    if change.case is None:
        return []
    return list(answering(checked.contract, change.case[0], event, at, checked.working, change.requested))


def approval_due(checked: CheckedSite, change: Change, started: datetime) -> dict[str, str] | None:
    """Return by when which obligations are owed an approval that an emergency does not wait for; None for any other."""
    until = checked.contract.changes.approval_owed(started, checked.working)
    if until is None or not change.emergency:
        return None
    return dict.fromkeys(answered(checked, change, PLANNED, started), until.isoformat())


def local_now(checked: CheckedSite, now: datetime | None = None) -> datetime:
    """Return the moment that it is, in the contract's zone."""
    return (now or datetime.now(UTC)).astimezone(checked.working.zone)


def words_for(checked: CheckedSite, language: str) -> Wording:
    """Return the words of a language for a site."""
    return Wording(load_catalogue(language, checked.site.catalogue_overlay), checked.contract.zone())


def refuse(
    checked: CheckedSite,
    book: Book,
    change: Change,
    attempt: str,
    reasons: Sequence[Reason],
    language: str,
    *,
    by: str | None = None,
) -> NoReturn:
    """Tell the ledger what was refused, ``by`` whoever decided it; the caller holds ``writing``.

    Raises ChangeRefused with every reason.
    """
    told = [one.as_dict() for one in reasons]
    body = body_of(
        change, "refused", local_now(checked), operator(checked.people), attempt=attempt, by=by, reasons=told
    )
    entry = book.append(KIND, body)
    lines = refused_lines(change.number, entry.sequence, told, words_for(checked, language))
    raise ChangeRefused("\n".join(lines), change.number, entry.sequence, reasons)
