"""Changes as lines for the terminal: how each stands, what happened to it, and why one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.documents.change_words import ChangeWords
from reports.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reports.wording import Wording
    from runner.changes import Change, Step

#: Whom a step tells of, by the first of these keys that its body has.
_WHO = ("by", "supervisor", "requester")


def say(words: Wording, key: str, **parameters: Any) -> str:
    """Return a text of the commands about changes."""
    return words.fill(words.catalogue.word("change_commands", key), parameters)


def refused_lines(change: str, entry: int, reasons: Iterable[Mapping[str, Any]], words: Wording) -> Iterator[str]:
    """Yield that a change is refused, and a line for each reason."""
    yield say(words, "refused", change=change, entry=entry)
    for reason in reasons:
        yield f"  {reason_line(reason, words)}"


def left_lines(change: str, reasons: Iterable[Mapping[str, Any]], words: Wording) -> Iterator[str]:
    """Yield that a change did not begin by itself, and a line for each reason."""
    yield say(words, "left", change=change)
    for reason in reasons:
        yield f"  {reason_line(reason, words)}"


def reason_line(reason: Mapping[str, Any], words: Wording) -> str:
    """Return why something is refused, or a feasibility check did not pass."""
    return printable(ChangeWords(words).refusal(reason))


def doubt_lines(who: str, reasons: Iterable[Mapping[str, Any]], words: Wording) -> Iterator[str]:
    """Yield that what somebody is to sign would not count, and a line for each reason."""
    yield printable(say(words, "doubted", who=who))
    for reason in reasons:
        yield f"  {reason_line(reason, words)}"


def stepped_line(change: str, step: str, entry: int, words: Wording) -> str:
    """Return that a change has taken a step."""
    return printable(say(words, "stepped", change=change, step=_step(step, words), entry=entry))


def listed_line(change: Change, state: str, words: Wording) -> str:
    """Return a change on one line."""
    parameters = {
        "change": change.number,
        "state": words.catalogue.word("change_states", change.telling(state)),
        "procedure": change.procedure,
        "hosts": len(change.hosts),
        "window": ChangeWords(words).span(*change.window),
        "content": change.plan["content"],
    }
    return printable(say(words, "listed", **parameters))


def shown_lines(change: Change, state: str, words: Wording) -> Iterator[str]:
    """Yield all that a person wants to know of a change before they decide."""
    plan = change.plan
    yield listed_line(change, state, words)
    yield say(words, "request", requester=change.requester, at=change.requested)
    reserve = int(change.reserve.total_seconds() // 60)
    window = ChangeWords(words).span(*change.window)
    yield say(words, "window", window=window, reserve=reserve, supervisor=plan["supervisor"])
    yield say(words, "hosts", hosts=list(change.hosts))
    if change.emergency:
        yield say(words, "emergency")
    if change.automatic:
        yield say(words, "automatic")
    for one in change.steps[0].body.get("feasibility") or ():
        yield feasible_line(one, words)
    yield say(words, "digest", digest=change.digest)
    for step in change.steps:
        yield from _told(step, words)
    if change.executions and not change.running and change.remainder:
        yield say(words, "remainder", hosts=list(change.remainder))
    if unsure := sorted({host for one in change.executions for host in one.hosts.get("unsure", ())}):
        yield say(words, "unsure", hosts=unsure)


def requested_lines(change: Change, words: Wording) -> Iterator[str]:
    """Yield what was found of a change that was just requested, at last whether it can be carried out like this."""
    body = change.steps[0].body
    for one in body.get("feasibility") or ():
        yield f"  {feasible_line(one, words)}"
    asked, reserve = (float(told.get("reserve_minutes") or 0) for told in (body["request"], change.plan))
    if 0 < asked < reserve:
        yield f"  {say(words, 'reserve_raised', asked=f'{asked:g}', reserve=f'{reserve:g}')}"
    yield f"  {say(words, 'digest', digest=change.digest)}"
    if change.infeasible:
        checks = [ChangeWords(words).check(one) for one in change.infeasible]
        yield printable(say(words, "infeasible", change=change.number, checks=checks))


def feasible_line(one: Mapping[str, Any], words: Wording) -> str:
    """Return a feasibility check with what it found."""
    key = {True: "check_passed", False: "check_failed"}.get(one.get("passed"), "check_unknown")  # type: ignore[arg-type]
    reason = reason_line(one.get("reason") or {}, words) if one.get("reason") else ""
    return say(words, key, check=ChangeWords(words).check(str(one.get("check"))), reason=reason)


def _told(step: Step, words: Wording) -> Iterator[str]:
    body = step.body
    who = next((str(body[key]) for key in _WHO if body.get(key)), step.operator)
    yield printable(say(words, "step", entry=step.sequence, at=step.at, step=_step(step.name, words), who=who).rstrip())
    if step.name == "refused":
        yield from (f"  {reason_line(one, words)}" for one in body.get("reasons") or ())
    if step.name == "executed":
        outcome = words.catalogue.word("change_outcomes", str(body["outcome"]), "name")
        yield f"  {say(words, 'outcome', run=body['run'], outcome=outcome)}"
    if step.name == "verified":
        result = ChangeWords(words).say("verification_passed" if body["passed"] else "verification_failed")
        yield printable(f"  {say(words, 'verification', result=result, text=body['text'])}")


def _step(step: str, words: Wording) -> str:
    return words.catalogue.word("change_steps", step)
