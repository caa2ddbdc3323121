"""Use case: a change is approved, rejected, withdrawn, attended, verified and closed; each step is an entry.

What the purchaser's people decide is proved by their signature, or by the scan of a signed paper that somebody vouches
for. Whether it counts is asked before it is written: what does not is refused, which the ledger tells instead.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runner.change_rules import Reason
from runner.changes import KIND
from runner.contract.changes import DONE, PLANNED, STARTED
from runner.errors import BadInput, MachineError
from runner.evidence.approvals import counting_approvals, signed_bytes, step_reasons
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.operations.attachments import examine, keep, writing
from runner.operations.book import open_book
from runner.operations.change_entries import answered, body_of, known_changes, local_now, named_change, refuse
from runner.operations.change_plan import telling
from runner.operations.change_token import end_window
from runner.operations.manifest import operator
from runner.operations.situation import Situation, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import NoReturn

    from runner.change_fold import Changes
    from runner.changes import Change
    from runner.evidence.ledger import Entry
    from runner.operations.attachments import GivenFile
    from runner.operations.book import Book
    from runner.operations.check_site import CheckedSite

Verdict = Literal["approved", "rejected"]
Presence = Literal["signed-in", "signed-out"]

#: The key of whoever decides, where that is not ``by``.
_DECIDES = {"signed-in": "supervisor", "signed-out": "supervisor"}

#: What a person attempts, as the entry of a refusal calls it.
_ATTEMPTS = {"approved": "approve", "rejected": "reject", "signed-in": "sign-in", "signed-out": "sign-out"}


@dataclass(frozen=True)
class Proof:
    """What proves that a purchaser's person decided: their signature, or a paper that somebody vouches for."""

    signature: Path | None = None
    paper: Path | None = None
    vouched_by: str | None = None


@dataclass(frozen=True)
class Stepped:
    """An entry that was written, and the change as it stands since."""

    entry: Entry
    change: Change


@dataclass(frozen=True)
class ToSign:
    """The bytes that somebody signs, the moment in them, and why their word would not count, as far as is known."""

    content: bytes
    at: str
    doubts: tuple[Reason, ...] = ()


# -- what is signed -----------------------------------------------------------------------------------------


def to_sign(checked: CheckedSite, number: str, step: str, by: str, at: str | None = None, **told: Any) -> ToSign:
    """Return what a person signs for a step of a change, by default as of now; ``told``: what else they say with it.

    Raises BadInput where there is no such change, or nothing of it was executed that could be verified.
    """
    change = named_change(known_changes(checked.site), number)
    if step == "verified" and change.run is None:
        raise BadInput(f"NUMBER {number}: was not executed, so there is nothing to verify")
    moment = _moment(checked, at)
    shown = moment.isoformat(timespec="seconds")
    told = {key: plain_text(value, f"--{key}") if isinstance(value, str) else value for key, value in told.items()}
    told |= {"digest": change.digest, "run": change.run}
    signed = signed_bytes(number, step, by, {**told, "at": shown})
    body = body_of(change, step, moment, operator(checked.people), **told, **{_DECIDES.get(step, "by"): by})
    return ToSign(signed, shown, tuple(_doubts(checked, body)))


def _doubts(checked: CheckedSite, body: dict[str, Any]) -> Iterator[Reason]:
    """Yield why a step with a body that somebody is to sign would not count, signed by them and entered now."""
    ledger, now = Ledger(checked.site.ledger_folder, checked.site.name), local_now(checked)
    after = known_changes(checked.site).take((ledger.head().sequence + 1, KIND, now.isoformat(), body))
    if after:
        reasons = step_reasons(after, keyring_of(ledger, checked.site.cache_folder))
        yield from (one for one in reasons if one.code != "no_proof")


def save_to_sign(asked: ToSign, path: Path) -> None:
    """Write what is to be signed to a new file.

    Raises BadInput where the file is there already, MachineError where it cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(asked.content)
    except FileExistsError:
        raise BadInput(f"--output {path}: is there already; nothing is overwritten") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror}") from error


# -- what the purchaser decides -----------------------------------------------------------------------------


def decide(  # noqa: PLR0913 - one for each thing that is told
    checked: CheckedSite,
    number: str,
    verdict: Verdict,
    by: str,
    reason: str,
    proof: Proof,
    language: str,
    *,
    at: str | None = None,
) -> Stepped:
    """Approve or reject a change; raises BadInput where an option is wrong, ChangeRefused where it does not count."""
    with _desk(checked, number, proof, language, by) as desk:
        change, attempt = desk.change, _ATTEMPTS[verdict]
        moment = _moment(checked, at, desk.now)
        _check_going_on(desk, attempt)
        body = desk.body(verdict, moment, digest=change.digest, by=by, reason=plain_text(reason, "--reason"))
        if verdict == "rejected":
            _check_not_executed(desk, attempt)
            # A rejection stops in any case: whoever has no key at hand need not sign it.
            reasons = tuple(one for one in desk.doubts(body) if one.code != "no_proof")
        else:
            if not change.emergency:
                _check_window(desk, attempt)
            again = next((one for one in change.approvals if one.by == by and one.lasts_at(desk.now)), None)
            if again:
                raise BadInput(f"--by {by}: approved it already, in entry {again.step.sequence}")
            body |= {"obligations": answered(checked, change, PLANNED, moment)}
            reasons = desk.doubts(body)
        if reasons:
            desk.refuse(attempt, reasons)
        return desk.write(body)


def withdraw(checked: CheckedSite, number: str, reason: str, by: str | None, language: str) -> Stepped:
    """Withdraw a change that was not executed; raises ChangeRefused where it runs, or was."""
    with _desk(checked, number, Proof(), language, by) as desk:
        _check_going_on(desk, "withdraw")
        _check_not_executed(desk, "withdraw")
        who = operator(checked.people)
        if by is not None:
            _check_person(checked, by, desk.now)
        by = by or who["name"] or who["login"]
        return desk.write(desk.body("withdrawn", desk.now, by=by, reason=plain_text(reason, "--reason")))


def attend(
    checked: CheckedSite,
    number: str,
    step: Presence,
    by: str,
    proof: Proof,
    language: str,
    *,
    at: str | None = None,
) -> Stepped:
    """Sign a supervisor in or out; whoever leaves while it is executed ends it with the batch that goes on.

    Raises BadInput where an option is wrong, ChangeRefused where the presence does not count.
    """
    with _desk(checked, number, proof, language, by) as desk:
        change = desk.change
        moment = _moment(checked, at, desk.now)
        body = desk.body(step, moment, digest=change.digest, supervisor=by)
        if step == "signed-in":
            _check_going_on(desk, "sign-in")
            _check_window(desk, "sign-in")
        elif all(one.supervisor != by or one.out for one in change.attendances):
            raise BadInput(f"--by {by}: is not signed in")
        if reasons := desk.doubts(body):
            desk.refuse(_ATTEMPTS[step], reasons)
        stepped = desk.write(body)
    if step == "signed-out" and change.running and change.rules.supervised:
        end_window(checked.site, change.running.run, moment)
    return stepped


# -- what follows the execution -----------------------------------------------------------------------------


def verify(  # noqa: PLR0913 - one for each thing that is told
    checked: CheckedSite,
    number: str,
    by: str,
    text: str,
    proof: Proof,
    language: str,
    *,
    passed: bool,
    at: str | None = None,
) -> Stepped:
    """Tell whether what was executed is as it should be.

    A purchaser's person proves it, as they prove an approval; the provider's is whoever is logged in. Raises
    ChangeRefused where nothing was executed, it still runs, or the word does not count.
    """
    with _desk(checked, number, proof, language, by) as desk:
        _check_executed(desk, "verify")
        change, moment = desk.change, _moment(checked, at, desk.now)
        told = {"digest": change.digest, "run": change.run, "by": by, "passed": passed}
        body = desk.body("verified", moment, text=plain_text(text, "--text"), **told)
        body |= {"obligations": answered(checked, change, STARTED, moment) if passed else []}
        if reasons := desk.doubts(body):
            desk.refuse("verify", reasons)
        return desk.write(body)


def close(checked: CheckedSite, number: str, text: str, language: str) -> Stepped:
    """Close a change: what was executed must be verified, and an emergency approved, which is asked here.

    What succeeded is told as done. What was not executed is closed once nothing can come of it any more.
    """
    with _desk(checked, number, Proof(), language) as desk:
        change = desk.change
        if change.executions:
            _check_executed(desk, "close")
            if change.verification is None:
                desk.refuse("close", [Reason("not_verified")])
            counted = counting_approvals(change, desk.book.keyring())
            if not change.enough(counted):
                given = len({one.by for one in counted})
                desk.refuse("close", [Reason("approvals_missing", {"given": given, "needed": change.rules.approvals})])
            body = desk.body("closed", desk.now, outcome=change.executions[-1].outcome, text=plain_text(text, "--text"))
            if change.succeeded:
                body |= {"event": DONE, "obligations": answered(checked, change, DONE, desk.now)}
            return desk.write(body)
        state = change.state(desk.now)
        if state == "closed":
            desk.refuse("close", [Reason("ended", {"state": state})])
        if not (change.withdrawal or change.rejection or desk.now > change.window[1]):
            desk.refuse("close", [Reason("not_executed")])
        return desk.write(desk.body("closed", desk.now, outcome=state, text=plain_text(text, "--text")))


def _check_window(desk: _Desk, attempt: str) -> None:
    """Refuse what comes after the window."""
    if desk.now > desk.change.window[1]:
        desk.refuse(attempt, [Reason("after_window", {"day": desk.change.window[1].isoformat(timespec="minutes")})])


def _check_not_executed(desk: _Desk, attempt: str) -> None:
    """Refuse to stop what was done already."""
    if last := desk.change.execution:
        told = {"run": last.run, "outcome": last.outcome}
        desk.refuse(attempt, [Reason("running" if last.running else "executed", told)])


def _check_going_on(desk: _Desk, attempt: str) -> None:
    """Refuse what would come after the end of a change."""
    change = desk.change
    if change.closing or change.withdrawal or change.rejection:
        state = "closed" if change.closing else "withdrawn" if change.withdrawal else "rejected"
        desk.refuse(attempt, [Reason("ended", {"state": state})])


def _check_executed(desk: _Desk, attempt: str) -> None:
    change = desk.change
    if change.closing:
        desk.refuse(attempt, [Reason("ended", {"state": "closed"})])
    if change.running:
        desk.refuse(attempt, [Reason("running", {"run": change.running.run})])
    if not change.executions:
        desk.refuse(attempt, [Reason("not_executed")])


def _check_person(checked: CheckedSite, name: str, moment: datetime) -> None:
    day = checked.working.date_of(moment)
    if not any(one.name == name and one.valid_on(day) for one in checked.people.people):
        raise BadInput(f"--by {name}: is not valid in people.yml on {day}")


# -- the desk: one change, held while a step is checked and written -------------------------------------------


@dataclass(frozen=True)
class _Desk:
    checked: CheckedSite
    book: Book
    known: Changes
    change: Change
    given: tuple[GivenFile, ...]
    proof: dict[str, Any]
    by: str | None
    language: str
    now: datetime

    def body(self, step: str, at: datetime, **more: Any) -> dict[str, Any]:
        """Return the body of a step, with what proves it."""
        who = operator(self.checked.people)
        attachments = [one.named.as_dict() for one in self.given]
        return body_of(self.change, step, at, who, attachments=attachments, **self.proof, **more)

    def doubts(self, body: dict[str, Any]) -> tuple[Reason, ...]:
        """Return why a step would not count, were an entry with a body written now; asked once."""
        line = (self.book.head().sequence + 1, KIND, self.now.isoformat(), body)
        after = self.known.take(line)
        # What cannot follow was refused before.
        return step_reasons(after, self.book.keyring()) if after else ()

    def refuse(self, attempt: str, reasons: Sequence[Reason]) -> NoReturn:
        refuse(self.checked, self.book, self.change, attempt, reasons, self.language, by=self.by)

    def write(self, body: dict[str, Any]) -> Stepped:
        """Keep what is attached, and append the entry; raises BadInput where a secret would be told in it."""
        tells = telling(self.checked)
        for option in ("reason", "text"):
            if tells(body.get(option, "")):
                raise BadInput(f"--{option}: holds a secret of the site, which nobody may read here")
        body = {**body, "attachments": keep(self.given, self.checked.site.attachments_folder)}
        entry = self.book.append(KIND, body)
        return Stepped(entry, known_changes(self.checked.site)[self.change.number])


@contextmanager
def _desk(checked: CheckedSite, number: str, proof: Proof, language: str, by: str | None = None) -> Iterator[_Desk]:
    site = checked.site
    given = examine((proof.paper,), "--paper") if proof.paper else ()
    told = _told(proof)
    book = open_book(site)
    with writing(site):
        # Who is in force is judged by what the ledger was told, so it is told first.
        book.tell_due()
        known = known_changes(site)
        yield _Desk(checked, book, known, named_change(known, number), given, told, by, language, local_now(checked))


def _told(proof: Proof) -> dict[str, Any]:
    """Return what an entry tells of a proof; raises BadInput where a file holds no signature."""
    signature, public_key = None, None
    if proof.signature:
        # Imported only now: most commands look at no signature, and the cryptography takes its time.
        from runner.evidence.sshsig import SignatureError, parse_signature  # noqa: PLC0415

        try:
            raw = proof.signature.read_bytes().replace(b"\r\n", b"\n").strip() + b"\n"
            public_key = parse_signature(raw).key.line
        except OSError as error:
            raise BadInput(f"--signature {proof.signature}: cannot be read: {error.strerror}") from error
        except SignatureError as error:
            raise BadInput(f"--signature {proof.signature}: {error}") from None
        signature = raw.decode()
    return {"signature": signature, "public_key": public_key, "vouched_by": proof.vouched_by}


def _moment(checked: CheckedSite, at: str | None, now: datetime | None = None) -> datetime:
    """Return the moment that a person wrote with --at, by default now."""
    return Situation(checked, (), (), local_now(checked, now)).moment(at)
