"""What holds between the entries of a contract: ids that differ, amendments in order, due dates that can be met.

It is checked on what was read rather than on the whole contract, so that a slip in one entry hides none in another, and
each problem is told at the line that it stands on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from runner.contract.model import Term
from runner.contract.obligations import ANCHORS, PERIODIC, Obligation
from runner.contract.working_time import WorkingTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.contract.obligations import Due
    from runner.yaml_source import KeyPath

Model = TypeVar("Model", bound=BaseModel)
Problem = tuple["KeyPath", str]

#: Cadences from the shortest to the longest: what is due after another obligation comes no more often than it.
_ORDER = (*PERIODIC, "once")


@dataclass(frozen=True)
class _Entry:
    """An obligation where it stands in the file; None where it is not valid by itself."""

    key: KeyPath
    id: str
    one: Obligation | None


@dataclass(frozen=True)
class _Stage:
    """The obligations that hold from a day on, in the order of the file; of several with one id the first is meant."""

    start: date | None
    entries: Sequence[_Entry]

    @cached_property
    def ids(self) -> Mapping[str, _Entry]:
        return {entry.id: entry for entry in reversed(self.entries)}


def inconsistencies(data: object) -> Iterator[Problem]:
    """Yield the place and the description of everything in a contract's data that one entry alone cannot tell."""
    if not isinstance(data, dict):
        return
    term = _valid(Term, data.get("term"))
    signed = data.get("signed") if _is_day(data.get("signed")) else None
    first = _entries(data, ())
    amendments = [one if isinstance(one, dict) else {} for one in _list(data.get("amendments"))]
    later = [_entries(one, ("amendments", number)) for number, one in enumerate(amendments)]
    for entries in (first, *later):
        yield from _same_ids(entries)
    yield from _out_of_order(amendments, term, has_term=data.get("term") is not None)
    if term and signed and signed > term.end:
        yield ("signed",), f"signed on {signed}, after the term ended on {term.end}"
    facts = _Facts(term, signed, has_term=data.get("term") is not None, has_signature=data.get("signed") is not None)
    stages = [_Stage(None, first)]
    for number, (amendment, entries) in enumerate(zip(amendments, later, strict=True)):
        yield from _ends(number, amendment, stages[-1], entries)
        yield from _merged(stages, entries)
        gone = {*_words(amendment.get("ended")), *(entry.id for entry in entries)}
        held = [entry for entry in stages[-1].entries if entry.id not in gone]
        start = amendment.get("from")
        stages.append(_Stage(start if _is_day(start) else None, [*held, *entries]))
    told: dict[KeyPath, str] = {}
    for stage, before in zip(stages, [None, *stages], strict=False):
        for key, message in _of_stage(stage, before, facts):
            # What no amendment mends is wrong in each later stage, too, and told once.
            told.setdefault(key, message)
    yield from told.items()


@dataclass(frozen=True)
class _Facts:
    """What due dates may follow: None where it is missing, or not valid by itself."""

    term: Term | None
    signed: date | None
    has_term: bool
    has_signature: bool


# -- reading ------------------------------------------------------------------------------------------------


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _words(value: object) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _valid(model: type[Model], value: object) -> Model | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _entries(holder: Mapping[str, Any], key: KeyPath) -> list[_Entry]:
    raw = list(enumerate(_list(holder.get("obligations"))))
    return [
        _Entry((*key, "obligations", index), str(one["id"]), _valid(Obligation, one))
        for index, one in raw
        if isinstance(one, dict) and one.get("id")
    ]


def written_obligations(data: object) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """Yield every obligation as it stands in the file, valid or not, those of amendments too, with its place."""
    if not isinstance(data, dict):
        return
    holders = [((), data), *((("amendments", number), one) for number, one in enumerate(_list(data.get("amendments"))))]
    for key, holder in holders:
        for index, one in enumerate(_list(holder.get("obligations")) if isinstance(holder, dict) else ()):
            if isinstance(one, dict):
                yield (*key, "obligations", index), one


# -- ids and amendments -------------------------------------------------------------------------------------


def _same_ids(entries: Sequence[_Entry]) -> Iterator[Problem]:
    first: dict[str, _Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.id, entry)
        if other is not entry:
            yield (*entry.key, "id"), f"{entry.id}: another obligation has the same id ({_path(other.key)})"


def _path(key: KeyPath) -> str:
    return ".".join(str(part) for part in key)


def _out_of_order(amendments: Sequence[Mapping[str, Any]], term: Term | None, *, has_term: bool) -> Iterator[Problem]:
    days = [(("amendments", number, "from"), one.get("from")) for number, one in enumerate(amendments)]
    known = [(key, day) for key, day in days if isinstance(day, date) and _is_day(day)]
    for (_, before), (key, day) in pairwise(known):
        if day <= before:
            yield key, f"amendments overlap: {day} is not later than {before}, on which the one before starts"
    if amendments and not has_term:
        yield ("amendments",), "amendments need a term"
    for key, day in known:
        if term and not term.start < day <= term.end:
            yield key, f"{day} lies outside the term, or on its first day ({term.start} to {term.end})"


def _ends(number: int, amendment: Mapping[str, Any], before: _Stage, entries: Sequence[_Entry]) -> Iterator[Problem]:
    joined = {entry.id for entry in entries}
    ended = _words(amendment.get("ended"))
    for index, name in enumerate(ended):
        key = ("amendments", number, "ended", index)
        if name not in before.ids:
            yield key, f"{name}: no obligation of this id is there to end"
        elif name in joined:
            yield key, f"{name}: is ended and amended at once"
    twice = [name for name, count in Counter(ended).items() if count > 1]
    if twice:
        yield ("amendments", number, "ended"), f"ended twice: {', '.join(twice)}"


def _merged(stages: Sequence[_Stage], entries: Sequence[_Entry]) -> Iterator[Problem]:
    """Yield what would take the place of a whole term's obligation, as if that had never been owed."""
    whole = ("once", "standing")
    for entry in entries:
        held = [stage.ids[entry.id].one for stage in stages if entry.id in stage.ids]
        for before in dict.fromkeys(one.cadence for one in held if one and one.cadence in whole):
            if entry.one and entry.one.cadence in whole and entry.one.cadence != before:
                message = f"{entry.id}: was owed {before} and is now {entry.one.cadence}: give it an id of its own"
                yield (*entry.key, "cadence"), message


# -- due dates ----------------------------------------------------------------------------------------------


def _of_stage(stage: _Stage, before: _Stage | None, facts: _Facts) -> Iterator[Problem]:
    for entry in stage.entries:
        one = entry.one
        if one and one.quota:
            yield from _not_counted(entry.key, one.quota.records_of, stage)
        if one is None or one.due is None:
            continue
        after = one.due.after
        if after in ANCHORS:
            told = _fixed(one.due, facts) or _too_early(one.due, entry, stage, before, facts)
        elif after in stage.ids:
            told = _after_another(one, stage.ids[after].one)
        else:
            told = _after_an_event(one, after, stage)
        if told:
            yield (*entry.key, "due", "after"), f"{one.id}: {told}"
    yield from _circles(stage)


def _not_counted(key: KeyPath, names: Sequence[str], stage: _Stage) -> Iterator[Problem]:
    """Yield each name of which a quota counts records, where there is nothing to be counted."""
    since = f" from {stage.start} on" if stage.start else ""
    for index, name in enumerate(names):
        other = stage.ids.get(name)
        place = (*key, "quota", "records_of", index)
        if other is None:
            yield place, f"{name}: no obligation of this id is there{since} to be counted"
        elif other.one and (other.one.kind in ("sla", "quota") or other.one.cadence in ("once", "standing")):
            yield place, f"{name}: is not done time after time, so there is nothing to be counted"


def _fixed(due: Due, facts: _Facts) -> str:
    """Return what is wrong with a due date that follows a day of the contract, where it has no such day."""
    if due.after in ("term start", "term end") and not facts.has_term:
        return f"due after {due.after}, but the contract has no term"
    if due.after == "signature" and not facts.has_signature:
        return "due after signature, but the contract does not say when it was signed (signed: 2026-01-15)"
    return ""


def _too_early(due: Due, entry: _Entry, stage: _Stage, before: _Stage | None, facts: _Facts) -> str:
    """Return that something was due before it was owed, which only an amendment that lets it join can bring about."""
    day = {"signature": facts.signed, "term start": facts.term.start if facts.term else None}.get(due.after)
    if day is None or before is None or stage.start is None or entry.id in before.ids:
        return ""
    working = WorkingTime(UTC)
    last = working.last_day(working.days_after(day, due.within).moment) if due.within else day
    return f"is due on {last}, before it joins on {stage.start}" if last < stage.start else ""


def _after_another(one: Obligation, other: Obligation | None) -> str:
    """Return what is wrong with a due date that follows the fulfilment of another obligation, if that one is valid."""
    if other is None:
        return ""
    wrong = ""
    if other.id == one.id:
        wrong = ", which is itself"
    elif other.kind in ("sla", "quota"):
        wrong = ", which has clocks or a quota and is done at no moment: name the event instead"
    elif other.cadence == "standing":
        wrong = ", which is standing and done at no moment"
    elif one.cadence != "on event":
        wrong = _out_of_step(str(one.cadence), str(other.cadence))
    return f"due after {other.id}{wrong}" if wrong else ""


def _out_of_step(mine: str, other: str) -> str:
    """Return what is wrong with two cadences, of which the first is due after the second."""
    if other == "on event":
        return ", which events open: give this one the cadence on event, too, and name the event"
    if _ORDER.index(mine) < _ORDER.index(other):
        return f": this one is owed {mine}, that one {other} only"
    return f": this one is owed once, that one again and again, {other}" if mine == "once" != other else ""


def _after_an_event(one: Obligation, name: str, stage: _Stage) -> str:
    """Return what is wrong with a due date that follows what must be an event."""
    since = f" from {stage.start} on" if stage.start else ""
    if one.cadence != "on event":
        return f"due after {name!r}, which is no obligation{since} and none of: {', '.join(ANCHORS)}"
    events = set(one.opened_by)
    for other in (entry.one for entry in stage.entries if entry.one):
        if one.case and other.case == one.case:
            events |= {*other.opened_by, *(word for clock in other.clocks for word in (*clock.starts, *clock.stops))}
    if name in events:
        return ""
    return f"due after {name!r}, which is no obligation{since} and none of its events: {', '.join(sorted(events))}"


def _circles(stage: _Stage) -> Iterator[Problem]:
    """Yield each circle of due dates once, at the first obligation of it in the file."""
    told: set[str] = set()
    for entry in stage.entries:
        trail: list[str] = []
        at: _Entry | None = entry
        while at and at.one and at.one.due and at.id not in trail:
            trail.append(at.id)
            at = stage.ids.get(at.one.due.after)
        if at and at.id == entry.id and len(trail) > 1 and entry.id not in told:
            told.update(trail)
            circle = " after ".join([*trail, entry.id])
            yield (*entry.key, "due", "after"), f"{entry.id}: due dates run in a circle: {circle}"
