"""Use case: what no playbook can do is recorded by hand, waived with consent, and corrected by a further entry.

Everything is checked before anything is written. An entry is never edited: a correction takes the place of what it
corrects, and both stay in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.operations.attachments import examine, keep, writing
from runner.operations.book import open_book
from runner.operations.lifecycle import rests_on
from runner.operations.manifest import operator
from runner.operations.record_checks import check_event, check_order, checked_attributes, checked_quantities, roots_of
from runner.operations.situation import case_named, plain_text, situation_of, touched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from runner.contract.facts import EntryLine, Fact
    from runner.contract.obligations import Obligation
    from runner.contract.status import Row
    from runner.evidence.ledger import Entry
    from runner.operations.check_site import CheckedSite
    from runner.operations.situation import Case, Situation

SCHEMA_VERSION = 1

#: What a correction without content of its own can take back.
_TAKEN_BACK = ("record", "waiver", "document")


@dataclass(frozen=True)
class RecordRequest:
    """What a person wants recorded, as it was written on the command line."""

    obligations: tuple[str, ...] = ()
    event: str | None = None
    case: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None
    period: str | None = None
    quantities: Mapping[str, str] = field(default_factory=dict)
    item: str | None = None
    who: tuple[str, ...] = ()
    attach: tuple[Path, ...] = ()
    text: str | None = None
    corrects: int | None = None

    @property
    def says_nothing(self) -> bool:
        """Return whether it has no content but a text: then it can only take something back."""
        return not (self.obligations or self.case or self.event or self.attributes or self.quantities or self.period)


@dataclass(frozen=True)
class WaiverRequest:
    """What a person wants waived, as it was written on the command line."""

    obligation: str
    period: str
    consent: str
    reason: str
    at: str | None = None
    attach: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """An entry that was written, and how what it is about stands since."""

    entry: Entry
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ListedRecord:
    """A record or waiver in the ledger, and the entry that corrects it, if any."""

    sequence: int
    kind: str
    time: str
    body: Mapping[str, Any]
    corrected_by: int | None = None


# -- adding -----------------------------------------------------------------------------------------------


def add_record(checked: CheckedSite, request: RecordRequest, now: datetime | None = None) -> Recorded:
    """Record what was done, with its attachments; raises BadInput naming the option that is wrong, nothing written."""
    site = checked.site
    given = examine(request.attach, "--attach")
    book = open_book(site)
    with writing(site):
        situation = situation_of(checked, now)
        if request.corrects is not None:
            _check_correction(request, situation)
            _check_hanging(request, situation)
            situation = situation.without(request.corrects)
        body = _body(request, situation)
        body["attachments"] = keep(given, site.attachments_folder)
        entry = book.append("record", body)
    return Recorded(entry, touched(situation, entry))


def _body(request: RecordRequest, situation: Situation) -> dict[str, Any]:
    """Return the body of a record without its attachments, everything in it checked."""
    at = situation.moment(request.at)
    case = case_named(request.case) if request.case else None
    texts = _texts(request)
    named = [situation.holding(name, at, request.period, case) for name in dict.fromkeys(request.obligations)]
    if not request.says_nothing:
        if not named and case is None:
            raise BadInput("OBLIGATION: is missing; name what the record is for, or the --case that it belongs to")
        if case and request.at and len(request.at) == 10:
            raise BadInput(f"--at {request.at}: what happens in a case needs the time of day")
        check_event(request.event, case, named, situation)
        for one in named:
            _check_use(one, request, case, situation)
    elif request.corrects is None:
        raise BadInput("OBLIGATION: is missing; name what the record is for, or the --case that it belongs to")
    elif texts["text"] is None:
        raise BadInput("--text: is missing; say why the entry is taken back")
    attributes = checked_attributes(texts["attributes"], case, texts["who"], situation)
    if case:
        check_order(request.event, at, case, attributes, situation)
    return {
        "schema_version": SCHEMA_VERSION,
        "obligations": [one.id for one in named],
        "case": {"kind": case[0], "id": case[1]} if case else None,
        "event": request.event,
        "attributes": attributes,
        "at": at.isoformat(),
        "period": request.period,
        "item": request.item,
        "quantities": checked_quantities(request.quantities, request.item, named, situation),
        "who": texts["who"],
        "text": texts["text"],
        "operator": operator(situation.checked.people),
        "corrects": request.corrects,
    }


def _texts(request: RecordRequest) -> dict[str, Any]:
    return {
        "text": plain_text(request.text, "--text") if request.text is not None else None,
        "who": [plain_text(name, "--who") for name in dict.fromkeys(request.who)],
        "attributes": {
            plain_text(key, "--set"): plain_text(value, f"--set {key}") for key, value in request.attributes.items()
        },
    }


def _check_use(one: Obligation, request: RecordRequest, case: Case | None, situation: Situation) -> None:
    """Raise BadInput where a record could never count for an obligation that it names."""
    opens = request.event in one.opened_by
    if one.kind == "document" and not opens:
        raise BadInput(
            f"OBLIGATION {one.id}: is met by its document: weibao document issue {one.document}, then submit"
        )
    if one.kind == "procedure" and not opens:
        raise BadInput(f"OBLIGATION {one.id}: is met by its runs alone: weibao run {one.procedure}")
    if one.case and (case is None or case[0] != one.case):
        raise BadInput(f"--case: is missing; {one.id} is about one {one.case}, such as {one.case}:001")
    if one.cadence != "on event":
        return
    if one.case or opens:
        if request.period is not None:
            what = f"the {one.case} tells which one" if one.case else "this event opens it"
            raise BadInput(f"--period {request.period}: {one.id} has none here; {what}")
    elif request.period is None and len(waiting := situation.waiting(one.id)) > 1:
        raise BadInput(f"--period: is missing; {one.id} was opened {len(waiting)} times: {', '.join(waiting[-6:])}")


def _check_correction(request: RecordRequest, situation: Situation) -> None:
    """Raise BadInput where an entry cannot be corrected, or not like this."""
    number = request.corrects
    option = f"--corrects {number}"
    line = next((line for line in situation.lines if line.sequence == number), None)
    if line is None or line.kind not in _TAKEN_BACK:
        what = f"is a {line.kind}, which stays as it is" if line else "there is no such record in the ledger"
        raise BadInput(f"{option}: {what}")
    if line.sequence in situation.corrections:
        raise BadInput(f"{option}: entry {situation.corrections[line.sequence]} has corrected it already; correct that")
    if line.kind != "record" and not request.says_nothing:
        raise BadInput(f"{option}: is a {line.kind}; it can be taken back with --text alone, and then made anew")
    if line.kind == "document" and rests_on(situation.lines, line.sequence):
        raise BadInput(f"{option}: later steps of this document rest on it; take those back first")


def _check_hanging(request: RecordRequest, situation: Situation) -> None:
    """Raise BadInput where others are for what an entry opened, and it would be opened no more, or after them."""
    old = next((fact for fact in situation.facts if fact.sequence == request.corrects), None)
    hanging = _hanging(old, situation) if old else []
    if old is None or not hanging:
        return
    case = case_named(request.case) if request.case else None
    needed = {name for fact in hanging for name in fact.obligations if name in old.obligations}
    if case != old.case or (request.event or "") != old.event or not (old.case or needed <= set(request.obligations)):
        listed = ", ".join(str(fact.sequence) for fact in hanging)
        raise BadInput(f"--corrects {request.corrects}: opened what is told by {listed}; take those back first")
    if case:
        return
    at = situation.moment(request.at)
    early = [fact for fact in hanging if fact.kind != "waiver" and old.at <= fact.at < at]
    if early:
        raise BadInput(f"--at {at:%Y-%m-%d %H:%M}: lies after what answers it, which entry {early[0].sequence} tells")


def _hanging(old: Fact, situation: Situation) -> list[Fact]:
    """Return what is for what an entry opened: for its label, or the rest of a case that nothing else began."""
    if old.kind != "record" or old.case is None:
        return [fact for fact in situation.facts if fact.period == old.label]
    rest = [fact for fact in situation.cases[old.case] if fact is not old]
    roots = roots_of(old.case, situation)
    return rest if old.event in roots and not any(fact.event in roots for fact in rest) else []


# -- waiving ----------------------------------------------------------------------------------------------


def waive(checked: CheckedSite, request: WaiverRequest, now: datetime | None = None) -> Recorded:
    """Waive one occurrence of an obligation with the purchaser's consent; what was done for it stays as it is.

    Raises BadInput naming the option that is wrong, nothing written.
    """
    site = checked.site
    given = examine(request.attach, "--attach")
    book = open_book(site)
    with writing(site):
        situation = situation_of(checked, now)
        at = situation.moment(request.at)
        one = situation.holding(request.obligation, at, request.period, None)
        person = situation.purchasers_person(request.consent, at, "--consent")
        book.check_in_force(person.name, at, "--consent")
        before = [fact for fact in situation.facts if fact.kind == "waiver" and one.id in fact.obligations]
        again = next((fact for fact in before if fact.period == request.period), None)
        if again:
            raise BadInput(f"--period {request.period}: entry {again.sequence} waives it already")
        body = {
            "schema_version": SCHEMA_VERSION,
            "obligations": [one.id],
            "period": request.period,
            "at": at.isoformat(),
            "reason": plain_text(request.reason, "--reason"),
            "consent_by": person.name,
            "attachments": [],
            "operator": operator(checked.people),
            "corrects": None,
        }
        body["attachments"] = keep(given, site.attachments_folder)
        entry = book.append("waiver", body)
    return Recorded(entry, touched(situation, entry))


# -- listing ----------------------------------------------------------------------------------------------


def list_records(
    checked: CheckedSite, obligation: str | None = None, case: str | None = None, period: str | None = None
) -> list[ListedRecord]:
    """Return records and waivers, oldest first, corrected ones too; those of an obligation, case and period."""
    wanted = case_named(case) if case else None
    situation = situation_of(checked)
    found = []
    for line in situation.lines:
        if line.kind in ("record", "waiver") and _is_wanted(line, obligation, wanted, period):
            corrected = situation.corrections.get(line.sequence)
            found.append(ListedRecord(line.sequence, line.kind, line.time, line.body, corrected))
    return found


def _is_wanted(line: EntryLine, obligation: str | None, case: Case | None, period: str | None) -> bool:
    body = line.body
    told = body.get("case") or {}
    return (
        (obligation is None or obligation in _names(body))
        and (case is None or (told.get("kind"), told.get("id")) == case)
        and (period is None or body.get("period") == period)
    )


def _names(body: Mapping[str, Any]) -> Sequence[str]:
    return tuple(body.get("obligations") or ())
