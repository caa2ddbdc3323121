"""Who may approve and attend a change, whether they did, and whether a change may start: pure, over people and keys.

Approvals and presence are the purchaser's own word: of a person whom the purchaser put in force, with a duty that the
contract names, who neither requested nor executes the change and is no auditor. They sign a digest of exactly what
would run, and when they did, or a paper of it, for which whoever enters it vouches: the lower assurance. Asked before
an entry is written, when a change is executed, and by ``ledger verify``, always in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.change_rules import Reason
from runner.changes import CLOCK_TOLERANCE
from runner.evidence.canonical import canonical
from runner.evidence.trust import PURCHASER, of_purchaser
from runner.public_key import parse_public_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.changes import Approval, Attendance, Change, Step
    from runner.evidence.keys import Keyring
    from runner.evidence.trust import Person

_AUDITOR = "auditor"

#: What of a step is signed beside who decides it, of which plan, and when.
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "approved": ("reason",),
    "rejected": ("reason",),
    "signed-in": (),
    "signed-out": (),
    "verified": ("run", "passed", "text"),
}


def signed_bytes(number: str, step: str, by: str, body: Mapping[str, Any]) -> bytes:
    """Return what somebody signs for a step of a change, by the body of the step; raises KeyError where it is none."""
    told = {key: body[key] for key in ("digest", "at", *_SIGNED[step])}
    return canonical({"change": number, "decision": step, "by": by, **told})


def approval_reasons(change: Change, one: Approval, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why an approval, or a rejection, does not count; none where it does."""
    return (
        *(() if one.reason.strip() else (Reason("no_reason", {"by": one.by}),)),
        *_reasons(change, one.step, change.rules.approvers, keyring),
    )


def attendance_reasons(change: Change, one: Attendance, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why a presence does not count; none where it does."""
    by = one.supervisor
    found = list(_reasons(change, one.step, change.rules.supervisors, keyring))
    if by != change.plan["supervisor"]:
        found.append(Reason("other_supervisor", {"by": by, "supervisor": change.plan["supervisor"]}))
    if one.since < change.window[0] and not change.rules.attendance_beforehand:
        found.append(Reason("attendance_early", {"by": by}))
    # Words from before the sign-out was written down are not theirs any more, however either of them is dated.
    before = [other for other in change.attendances if other.step.sequence < one.step.sequence]
    if any(other.supervisor == by and other.out and one.since <= other.out.time for other in before):
        found.append(Reason("signed_out_since", {"by": by}))
    return tuple(found)


def departure_reasons(change: Change, step: Step, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why a sign-out does not hold; nothing has to prove it, since it only ends what goes on."""
    there = [one.since for one in change.attendances if one.supervisor == step.by and one.out in (None, step)]
    early = any(step.at < since for since in there)
    return (
        *((Reason("left_before", {"by": step.by, "day": _minute(step.at)}),) if early else ()),
        *_dated_ahead(step),
        *(_proved(change, step, keyring) if proven(step) else ()),
    )


def verification_reasons(change: Change, step: Step, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why the word that all is well, or not, does not count: the provider's own is whoever's who enters it."""
    by, last = step.by, change.execution
    told = {"by": by, "operator": step.operator, "day": _minute(step.at)}
    early = last and last.end and step.at < last.end.at.replace(microsecond=0)
    found = [Reason("verified_early", told)] if early else []
    people = [one for one in keyring.in_force(step.sequence) or () if one.name == by]
    if not people or of_purchaser(people):
        duties = tuple(dict.fromkeys((*change.rules.supervisors, *change.rules.approvers)))
        return (*found, *_reasons(change, step, duties, keyring))
    if not any(one.valid_at(step.at) for one in people):
        found.append(Reason("not_in_force", {"by": by, "day": f"{step.at:%Y-%m-%d}"}))
    if by != step.operator:
        found.append(Reason("not_the_operator", told))
    return (*found, *_dated_ahead(step))


def step_reasons(change: Change, keyring: Keyring) -> tuple[Reason, ...]:
    """Return why the newest step of a change does not count; none where it does, or where nobody decides with it."""
    step = change.steps[-1]
    if step.name == "signed-in":
        return attendance_reasons(change, change.attendances[-1], keyring)
    if step.name == "signed-out":
        return departure_reasons(change, step, keyring)
    if step.name == "verified":
        return verification_reasons(change, step, keyring)
    one = change.approvals[-1] if step.name == "approved" else change.rejection
    return approval_reasons(change, one, keyring) if one and one.step is step else ()


def proven(step: Step) -> bool:
    """Return whether a step says that something proves it: a signature, or a paper."""
    return bool(step.body.get("signature") or step.body.get("attachments"))


def counting_approvals(change: Change, keyring: Keyring) -> tuple[Approval, ...]:
    """Return the approvals that count, expired ones too."""
    return tuple(one for one in change.approvals if not approval_reasons(change, one, keyring))


def counting_attendances(change: Change, keyring: Keyring) -> tuple[Attendance, ...]:
    """Return the presences that count."""
    return tuple(one for one in change.attendances if not attendance_reasons(change, one, keyring))


# -- one decision -----------------------------------------------------------------------------------------


def _reasons(change: Change, step: Step, duties: Sequence[str], keyring: Keyring) -> Iterator[Reason]:
    by = step.by
    yield from _of_person(by, step, duties, keyring)
    if by in involved(change.steps[0], keyring):
        yield Reason("requester", {"by": by})
    if any(by in involved(execution.start, keyring) for execution in change.executions):
        yield Reason("executor", {"by": by})
    yield from _dated_ahead(step)
    # By days: a paper has a day, and no time of it.
    if step.at.date() < change.requested.astimezone(step.at.tzinfo).date():
        yield Reason("dated_back", {"by": by, "day": f"{step.at:%Y-%m-%d}"})
    yield from _proved(change, step, keyring)


def _dated_ahead(step: Step) -> Iterator[Reason]:
    if step.at > step.time + CLOCK_TOLERANCE:
        yield Reason("dated_ahead", {"by": step.by, "day": _minute(step.at)})


def involved(step: Step, keyring: Keyring) -> set[str]:
    """Return the names of whoever requested, or executes.

    By what the entry says, by who entered it, and by whose key signed it, where that is a person's.
    """
    operator = step.body.get("operator") or {}
    own = person_of(step.signer, keyring, step.time, step.sequence)
    named = (step.body.get("requester"), operator.get("name"), operator.get("login"), own)
    return {str(name) for name in named if name}


def person_of(fingerprint: str | None, keyring: Keyring, moment: datetime, sequence: int | None = None) -> str | None:
    """Return the name of the person whose key has a fingerprint; None for the site's own, and for nobody's."""
    holder = keyring.valid_at(fingerprint, moment, sequence) if fingerprint else None
    return holder.name if holder and holder.organisation else None


def known_operator(name: str, moment: datetime, keyring: Keyring, sequence: int | None = None) -> bool:
    """Return whether somebody of a name is in force, so that it can be told who requests or executes."""
    return any(one.name == name and one.valid_at(moment) for one in keyring.in_force(sequence) or ())


def _of_person(by: str, step: Step, duties: Sequence[str], keyring: Keyring) -> Iterator[Reason]:
    people = keyring.in_force(step.sequence) or ()
    ours = [one for one in of_purchaser(people) if one.name == by]
    if not ours:
        yield _nobody(by, step, people, keyring)
        return
    valid = [one for one in ours if one.valid_at(step.at)]
    if not valid:
        yield Reason("not_in_force", {"by": by, "day": f"{step.at:%Y-%m-%d}"})
    elif any(one.duty == _AUDITOR for one in valid):
        yield Reason("auditor", {"by": by})
    elif all(one.duty not in duties for one in valid):
        yield Reason("wrong_duty", {"by": by, "duties": ", ".join(duties)})


def _nobody(by: str, step: Step, people: Sequence[Person], keyring: Keyring) -> Reason:
    """Return why somebody is none of the purchaser's people in force."""
    told = [one for trust in keyring.trusts if trust.sequence < step.sequence for one in trust.people]
    if any(one.name == by and one.organisation == PURCHASER for one in told):
        was = any(keyring.in_force(trust.sequence) and _was(by, keyring, trust.sequence) for trust in keyring.trusts)
        day = {"by": by, "day": f"{step.at:%Y-%m-%d}"}
        return Reason("not_in_force", day) if was else Reason("enrolled_alone", {"by": by})
    return Reason("not_purchaser" if any(one.name == by for one in people) else "unknown_person", {"by": by})


def _was(by: str, keyring: Keyring, sequence: int) -> bool:
    return any(one.name == by for one in of_purchaser(keyring.in_force(sequence) or ()))


def _proved(change: Change, step: Step, keyring: Keyring) -> Iterator[Reason]:
    """Yield why what is to prove a step does not."""
    by, digest = step.by, str(step.body["digest"])
    if digest != change.digest:
        yield Reason("other_digest", {"by": by, "digest": digest[:16]})
    if step.used is not None:
        yield Reason("used_before", {"by": by, "entry": step.used})
    yield from _signed(change, step, keyring) if step.body.get("signature") else _on_paper(change, step, keyring)


def _signed(change: Change, step: Step, keyring: Keyring) -> Iterator[Reason]:
    # Imported only now: most commands look at no signature, and the cryptography takes its time.
    from runner.evidence.sshsig import APPROVAL, SignatureError, verify_signature  # noqa: PLC0415

    by = step.by
    data = signed_bytes(change.number, step.name, by, step.body)
    try:
        key = verify_signature(str(step.body["signature"]).encode(), data, APPROVAL)
    except SignatureError as error:
        yield Reason("signature", {"by": by, "problem": str(error)})
        return
    holder = keyring.valid_at(key.fingerprint, step.time, step.sequence)
    theirs = holder is not None and (holder.name, holder.organisation) == (by, PURCHASER)
    if not theirs or not _names(step.body.get("public_key"), key.fingerprint):
        yield Reason("foreign_key", {"by": by, "key": key.fingerprint})


def _names(line: str | None, fingerprint: str) -> bool:
    """Return whether the public key that an entry tells is that of the signature."""
    try:
        return line is not None and parse_public_key(line).fingerprint == fingerprint
    except ValueError:
        return False


def _on_paper(change: Change, step: Step, keyring: Keyring) -> Iterator[Reason]:
    """Yield why a paper proves nothing: whoever vouches enters it, and has no part in what is decided."""
    by, vouched_by = step.by, str(step.body.get("vouched_by") or "")
    told = {"by": by, "vouched_by": vouched_by, "operator": step.operator}
    if not step.body.get("attachments"):
        yield Reason("no_proof", {"by": by})
    elif not known_operator(vouched_by, step.time, keyring, step.sequence):
        yield Reason("not_vouched", {"by": by})
    elif vouched_by != step.operator:
        yield Reason("vouched_otherwise", told)
    elif any(
        vouched_by in involved(one, keyring)
        for one in (change.steps[0], *(execution.start for execution in change.executions))
    ):
        yield Reason("vouches_for_own", told)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


# -- the start --------------------------------------------------------------------------------------------


def start_reasons(
    change: Change, keyring: Keyring, moment: datetime, *executors: str, sequence: int | None = None
) -> tuple[Reason, ...]:
    """Return why a change may not start at a moment, as far as the ledger tells, all at once; none where it may.

    ``executors`` are the names of whoever starts it, the operator's first; empty where that is not known yet.
    ``sequence`` is the number of the entry that starts it, by default the next. What else must be so is asked by
    whoever starts it: that what would run is what was approved, and that the hosts are free.
    """
    named = tuple(filter(None, executors))
    # What the schedule carries out needs nobody: its account may be no person's.
    told = change.automatic or not named or known_operator(named[0], moment, keyring, sequence)
    return (
        *_of_state(change),
        *_of_window(change, moment),
        *(() if told else (Reason("unknown_operator", {"login": named[0]}),)),
        *_of_people(change, keyring, moment, named),
    )


def _of_state(change: Change) -> Iterator[Reason]:
    if change.running:
        yield Reason("running", {"run": change.running.run})
    if change.closing or change.withdrawal or change.rejection:
        state = "closed" if change.closing else "withdrawn" if change.withdrawal else "rejected"
        yield Reason("ended", {"state": state})


def _of_window(change: Change, moment: datetime) -> Iterator[Reason]:
    first, last = change.window
    if moment < first:
        yield Reason("before_window", {"day": first.isoformat(timespec="minutes")})
    elif moment > last:
        yield Reason("after_window", {"day": last.isoformat(timespec="minutes")})


def _of_people(change: Change, keyring: Keyring, moment: datetime, executors: Collection[str]) -> Iterator[Reason]:
    if change.emergency and not change.rules.emergency:
        yield Reason("no_emergency")
    if not change.emergency:
        yield from _of_approvals(change, keyring, moment, executors)
    if change.rules.supervised:
        there = change.attending(moment)
        wrong = [_of_one(attendance_reasons(change, one, keyring), one, executors) for one in there]
        if all(wrong):
            yield Reason("nobody_attends")
            yield from (reason for reasons in wrong for reason in reasons)


def _of_approvals(change: Change, keyring: Keyring, moment: datetime, executors: Collection[str]) -> Iterator[Reason]:
    good: set[str] = set()
    told: list[Reason] = []
    for one in change.approvals:
        wrong = _of_one(approval_reasons(change, one, keyring), one, executors)
        if not one.lasts_at(moment):
            wrong = (*wrong, Reason("approval_expired", {"by": one.by, "day": f"{one.expires:%Y-%m-%d %H:%M}"}))
        if not wrong:
            good.add(one.by)
        told += wrong
    if len(good) < change.rules.approvals:
        yield Reason("approvals_missing", {"given": len(good), "needed": change.rules.approvals})
        yield from told


def _of_one(reasons: tuple[Reason, ...], one: Approval | Attendance, executors: Collection[str]) -> tuple[Reason, ...]:
    """Return the reasons, and that somebody would execute what they decided or vouched for; each told once."""
    told = {"by": one.step.by, "vouched_by": one.vouched_by, "operator": one.step.operator}
    itself = (("executor", one.step.by), ("vouches_for_own", one.vouched_by if one.on_paper else None))
    codes = {reason.code for reason in reasons}
    return (*reasons, *(Reason(code, told) for code, name in itself if name in executors and code not in codes))
