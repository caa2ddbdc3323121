"""Whether a record can be what somebody means: events and attributes of its case, quantities, and the order of time.

What the contract does not know would be kept and never counted; so a slip of the pen is an error, naming the option.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING

from runner.contract.clocks import AGREED, NOT_NEEDED, concerns
from runner.contract.quotas import RECORDS
from runner.errors import BadInput
from runner.operations.situation import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.contract.facts import Fact
    from runner.contract.obligations import Clock, Obligation
    from runner.operations.situation import Case, Situation

NEEDED = "needed"


# -- the case and its events ------------------------------------------------------------------------------


def of_kind(situation: Situation, kind: str) -> tuple[Obligation, ...]:
    """Return the obligations about a kind of case; raises BadInput for a kind that the contract does not know."""
    every = [one.obligation for one in situation.contract.versions]
    found = tuple(one for one in every if one.case == kind)
    if not found:
        kinds = sorted({one.case for one in every if one.case})
        raise BadInput(f"--case {kind}: the contract has no such kind of case; kinds: {', '.join(kinds) or 'none'}")
    return found


def check_event(event: str | None, case: Case | None, named: Sequence[Obligation], situation: Situation) -> None:
    """Raise BadInput for an event that nothing waits for, and for a case that nothing began."""
    if case:
        about = of_kind(situation, case[0])
        known = {word for one in about for word in _events(one)} | {word for one in named for word in one.opened_by}
    else:
        known = set.intersection(*(set(one.opened_by) for one in named)) if named else set()
    if event is not None and event not in known:
        where = f"of a {case[0]}" if case else f"that opens {', '.join(one.id for one in named)}"
        raise BadInput(f"--event {event}: is no event {where}; events: {', '.join(sorted(known)) or 'none'}")
    if case and case not in situation.cases:
        openers = {word for one in about for word in (*one.opened_by, *_starts(one))}
        if event not in openers:
            raise BadInput(
                f"--case {case[0]}:{case[1]}: there is no such case; its first record tells its --event: "
                f"{', '.join(sorted(openers))}"
            )


def _events(one: Obligation) -> Iterable[str]:
    yield from one.opened_by
    for clock in one.clocks:
        yield from (*clock.starts, *clock.stops, *clock.pauses, *clock.resumes)


def _starts(one: Obligation) -> Iterable[str]:
    return (word for clock in one.clocks for word in clock.starts)


# -- what a record says of its case -----------------------------------------------------------------------


def checked_attributes(
    given: Mapping[str, str], case: Case | None, who: Sequence[str], situation: Situation
) -> dict[str, str]:
    """Return attributes as they are kept; raises BadInput for one that is nearly, but not, a word of the contract."""
    if not given:
        return {}
    if case is None:
        raise BadInput("--set: tells something of a case, so --case names it")
    about = of_kind(situation, case[0])
    words: dict[str, set[str]] = {}
    for one in about:
        for key, values in one.when.items():
            words.setdefault(key, set()).update(values)
    clocks = [clock for one in about for clock in one.clocks]
    judged = {clock.name for clock in clocks if clock.if_needed}
    keys = {*words, *judged, *((AGREED,) if any(clock.agreed for clock in clocks) else ())}
    found = {}
    for key, value in given.items():
        if key not in keys and (near := nearest(key, keys)):
            raise BadInput(f"--set {key}={value}: did you mean {' or '.join(near)}?")
        if key in judged:
            _check_judged(key, value, who)
        elif key in words and value not in words[key] and (near := nearest(value, words[key])):
            raise BadInput(f"--set {key}={value}: did you mean {' or '.join(f'{key}={one}' for one in near)}?")
        found[key] = _agreed(value, situation) if key == AGREED and key in keys else value
    return found


def _check_judged(key: str, value: str, who: Sequence[str]) -> None:
    if value not in (NEEDED, NOT_NEEDED):
        raise BadInput(f'--set {key}={value}: write {key}={NEEDED} or "{key}={NOT_NEEDED}"')
    if not who:
        raise BadInput(f"--who: is missing; {key}={value} tells who judged so")


def _agreed(value: str, situation: Situation) -> str:
    """Return a deadline that both sides agreed on: a day, or a moment with its offset."""
    try:
        if len(value) == 10:
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BadInput(f'--set {AGREED}={value}: is no time; write 2026-03-04 or "2026-03-04 10:15"') from None
    zone = situation.checked.working.zone
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


# -- time in a case runs forward --------------------------------------------------------------------------


def check_order(
    event: str | None, at: datetime, case: Case, attributes: Mapping[str, str], situation: Situation
) -> None:
    """Raise BadInput where a case's time would run backwards: restored before it was reported."""
    events = situation.cases.get(case, [])
    if not events:
        return
    clocks = _clocks(case, attributes, situation)
    roots = roots_of(case, situation)
    if event in roots:
        _check_first(event, at, clocks, roots, situation.cases[case], situation)
        return
    follows = [fact for clock in clocks if event in _later(clock) for fact in [_first(events, clock.starts)] if fact]
    first = min(follows, key=lambda fact: fact.at, default=None)
    if first and at < first.at:
        raise BadInput(f"--at {at:%Y-%m-%d %H:%M}: {event} follows {_told(first, situation)}")
    held = [clock for clock in clocks if event in clock.resumes]
    if held and not any(fact.at <= at and fact.event in clock.pauses for clock in held for fact in events):
        raise BadInput(f"--event {event}: nothing held the clock before; events that do: {', '.join(held[0].pauses)}")


def _clocks(case: Case, attributes: Mapping[str, str], situation: Situation) -> list[Clock]:
    """Return the clocks that run on a case, with what the new record says of it; while none does, those of its kind."""
    events, about = situation.cases[case], of_kind(situation, case[0])
    now = [
        one
        for one in about
        if concerns(one, case, events) or all(attributes.get(key) in words for key, words in one.when.items())
    ]
    return [clock for one in now for clock in one.clocks] or [clock for one in about for clock in one.clocks]


def _later(clock: Clock) -> tuple[str, ...]:
    return (*clock.stops, *clock.pauses, *clock.resumes)


def roots_of(case: Case, situation: Situation) -> set[str]:
    """Return the events that follow none: they open, or start a clock, and end no clock."""
    about = of_kind(situation, case[0])
    opening = {word for one in about for word in (*one.opened_by, *_starts(one))}
    return opening - {word for one in about for clock in one.clocks for word in _later(clock)}


def _first(events: Sequence[Fact], names: Iterable[str]) -> Fact | None:
    wanted = set(names)
    return next((fact for fact in events if fact.event in wanted), None)


def _check_first(
    event: str | None,
    at: datetime,
    clocks: Sequence[Clock],
    roots: set[str],
    events: Sequence[Fact],
    situation: Situation,
) -> None:
    """Raise BadInput where something that follows an event was recorded as earlier, with nothing else before it."""
    followers = {word for clock in clocks if event in clock.starts for word in _later(clock)}
    early = _first(events, followers)
    if early and early.at < at and not any(fact.event in roots and fact.at <= early.at for fact in events):
        raise BadInput(f"--at {at:%Y-%m-%d %H:%M}: {event} comes before {_told(early, situation)}")


def _told(fact: Fact, situation: Situation) -> str:
    moment = fact.at.astimezone(situation.checked.working.zone)
    return f"{fact.event}, which entry {fact.sequence} tells of {moment:%Y-%m-%d %H:%M}"


# -- quantities -------------------------------------------------------------------------------------------


def checked_quantities(
    given: Mapping[str, str], item: str | None, named: Sequence[Obligation], situation: Situation
) -> dict[str, float]:
    """Return quantities as figures; raises BadInput for one that no quota knows, and for one that a quota misses.

    Quotas that count the records of an obligation know their quantities, too, but miss none.
    """
    ids = {one.id for one in named}
    quotas = [(one.id, one.quota) for one in named if one.quota]
    every = [one.obligation.quota for one in situation.contract.versions if one.obligation.quota]
    counting = [quota for quota in every if not ids.isdisjoint(quota.records_of)] + [quota for _, quota in quotas]
    known = {name for quota in counting for name in (quota.counts, quota.of) if name and name != RECORDS}
    figures = {}
    for name, text in given.items():
        if name not in known:
            raise BadInput(f"--quantity {name}={text}: no quota counts it; quantities: {_listed(known)}")
        figures[name] = _figure(name, text)
    items = {word for quota in counting for word in quota.items}
    if item is not None and item not in items:
        raise BadInput(f"--item {item}: no quota has it; items: {_listed(items)}")
    for identity, quota in quotas:
        if quota.counts != RECORDS and not {quota.counts, quota.of} & figures.keys():
            raise BadInput(f"--quantity: is missing; {identity} counts {quota.counts}")
        if quota.items and item is None:
            raise BadInput(f"--item: is missing; {identity} counts each for itself: {', '.join(quota.items)}")
    return figures


def _figure(name: str, text: str) -> float:
    try:
        figure = float(text)
    except ValueError:
        raise BadInput(f"--quantity {name}={text}: is no number") from None
    if not math.isfinite(figure) or figure < 0:
        raise BadInput(f"--quantity {name}={text}: must be a finite number, 0 or more")
    return int(figure) if figure.is_integer() else figure


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words)) or "none"
