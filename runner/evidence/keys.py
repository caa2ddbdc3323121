"""Whose keys are believed from when to when, and who of the people is in force: a fold over key and trust entries.

A ``key`` entry tells of one key: made, replaced, lost. A ``trust`` entry tells the digests of contract.yml and
people.yml, and the people with their keys. A change of the purchaser's people is in force only once a purchaser's
person who was in force before has signed it, or a paper says so: the provider cannot enrol its own approver unseen.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import canonical, parse_timestamp
from runner.evidence.trust import PURCHASER, Adoption, Entering, Holder, Person, Span, Trust, of_purchaser, signers_line
from runner.public_key import parse_public_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from runner.evidence.finding import Kind
    from runner.evidence.ledger import Entry
    from runner.public_key import PublicKey

#: The kinds of entries that the fold reads.
KINDS = ("key", "trust")

SITE = "site"

#: The steps after which a key is not believed any more, and those that begin one.
ENDING = ("lost", "revoked")
BEGINNING = ("created", "replaced")


@dataclass
class Keyring:
    """What key and trust entries say, taken in one after another in the ledger's order.

    ``known`` are fingerprints that whoever verifies was told by other means, such as a letter.
    """

    known: frozenset[str] = frozenset()
    #: Whether the ledger's first key was taken back by a loss told later: another one is no root in its place.
    rooted: bool = False
    #: What is wrong with the entries themselves: number and problem.
    problems: list[tuple[int, str]] = field(default_factory=list)
    #: What is wrong with nothing, and whoever reads should know: number, words, and what it is about.
    remarks: list[tuple[int, str, Kind]] = field(default_factory=list)
    adoptions: list[Adoption] = field(default_factory=list)
    trusts: list[Trust] = field(default_factory=list)
    #: Number of the first key entry: an unsigned entry after it is none of ours.
    first_key_entry: int | None = None
    #: The keys that later entries give up, and since when: nobody consented with them after that.
    lost: Mapping[str, datetime] = field(default_factory=dict)
    #: The site's key that signs now.
    site_key: PublicKey | None = None
    _spans: dict[str, list[Span]] = field(default_factory=dict)
    _ended: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _force: list[tuple[int, tuple[Person, ...]]] = field(default_factory=list)
    #: The trust entries since the purchaser's people changed last, by hash: what a consent may follow.
    _consentable: dict[str, Trust] = field(default_factory=dict)
    _entered: list[tuple[str, Entering]] = field(default_factory=list)
    #: Fingerprints of the site's keys for which nobody stands who was believed before them.
    _unproven: set[str] = field(default_factory=set)
    _last: int = 0

    def take(self, entry: Entry) -> None:
        """Take one more entry in, after those taken before; what is wrong with it is added to ``problems``."""
        if entry.sequence <= self._last:
            return
        self._last = entry.sequence
        try:
            told = entry.content
            moment = parse_timestamp(str(told["time"]))
            if entry.kind == "key":
                self._take_key(entry.sequence, moment, told["body"], str(told["signer"]))
            elif entry.kind == "trust":
                self._take_trust(entry.sequence, entry.digest, moment, told["body"])
        except MachineError as error:
            self._wrong(entry.sequence, str(error).partition(": ")[2])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            self._wrong(entry.sequence, f"is not what weibao writes: {error}")

    def _wrong(self, sequence: int, problem: str) -> None:
        self.problems.append((sequence, problem))

    # -- asking -------------------------------------------------------------------------------------------

    def valid_at(self, fingerprint: str, moment: datetime, sequence: int | None = None) -> Holder | None:
        """Return whose key it is that is believed at a moment, and in an entry of a number; None where nobody's."""
        return next((one.holder for one in self._spans.get(fingerprint, ()) if one.holds(moment, sequence)), None)

    def given_up(self, fingerprint: str) -> bool:
        """Return whether a key was lost or revoked: it is never believed again."""
        return fingerprint in self._ended

    def ended(self, fingerprint: str) -> tuple[datetime, str] | None:
        """Return from when on a key is given up, and with which step; None where it is not."""
        return self._ended.get(fingerprint)

    def spans(self, *, empty: bool = False) -> list[Span]:
        """Return every key with the time in which it is believed, the site's first, then as they began.

        With ``empty`` those that never were believed, too.
        """
        return [
            one
            for spans in self._spans.values()
            for one in spans
            if empty or not (one.first and one.end) or one.end >= one.first
        ]

    def adoption(self, sequence: int) -> Adoption | None:
        """Return who vouches for an entry that no believed key signed, if anybody does."""
        return next((one for one in self.adoptions if sequence <= one.sequence), None)

    def in_force(self, sequence: int | None = None) -> tuple[Person, ...] | None:
        """Return the people in force after an entry, by default the newest; None before the first trust entry."""
        found = len(self._force) if sequence is None else bisect_right(self._force, sequence, key=lambda one: one[0])
        return self._force[found - 1][1] if found else None

    @property
    def waits(self) -> bool:
        """Return whether a change of the purchaser's people waits for consent."""
        newest = of_purchaser(self.trusts[-1].people) if self.trusts else ()
        return set(newest) != set(of_purchaser(self.in_force() or ()))

    def entitled(self, name: str, sequence: int, moment: datetime) -> bool:
        """Return whether a purchaser's person of a name was in force at an entry, for what is of a moment.

        Before the first key entry nobody could tell, and nobody is turned down. From then on people are told before
        anything that rests on them: where they are not, nobody is in force.
        """
        people = self.in_force(sequence)
        if people is None:
            return self.first_key_entry is None or sequence < self.first_key_entry
        return any(one.name == name and one.valid_at(moment) for one in of_purchaser(people))

    def entering(self, name: str, sequence: int) -> Entering | None:
        """Return how a purchaser's person of a name last came into force, up to an entry."""
        return next((how for who, how in reversed(self._entered) if who == name and how.entry <= sequence), None)

    def allowed_signers(self, *, marked: bool = True) -> str:
        """Return the file that ``ssh-keygen -Y verify`` reads: a line for each key and time in which it is believed.

        The principal is ``site``, or the person's name. Times are UTC, rounded outwards to seconds; ``marked`` with the
        Z that OpenSSH knows since 9.1. An older one takes them without it, run with ``TZ=UTC0``.
        """
        lines = {signers_line(one, "Z" if marked else ""): None for one in self.spans()}
        return "".join(f"{line}\n" for line in lines)

    # -- keys ---------------------------------------------------------------------------------------------

    def _take_key(self, sequence: int, moment: datetime, body: Mapping[str, Any], signer: str) -> None:
        key = parse_public_key(str(body["public_key"]))
        if key.fingerprint != body["fingerprint"]:
            raise ValueError(f"the public key is {key.fingerprint}, not {body['fingerprint']}")
        if body.get("adopts") and self._proven(sequence, signer, moment, key):
            self._adopt(sequence, moment, body)
        if body["step"] in ENDING:
            self._tell_foreign_end(sequence, moment, key, body, signer)
            since = parse_timestamp(str(body["since"])) if body.get("since") else moment
            self._end(key.fingerprint, min(since, moment), str(body["step"]))
        elif body["step"] not in BEGINNING:
            raise ValueError(f"there is no step {body['step']!r}")
        elif body["holder"] == SITE:
            self._begin(sequence, moment, key, signer)

    def _proven(self, sequence: int, signer: str, moment: datetime, key: PublicKey) -> bool:
        """Return whether a signer may vouch for what others did: it was believed before, is the root, or is known."""
        if signer in self.known or (self.site_key is None and not self.rooted and key.fingerprint == signer):
            return True
        holder = self.valid_at(signer, moment, sequence)
        return holder is not None and holder.organisation != PURCHASER and signer not in self._unproven

    def _adopt(self, sequence: int, moment: datetime, body: Mapping[str, Any]) -> None:
        last, sha256 = int(body["adopts"]["sequence"]), str(body["adopts"]["sha256"])
        if last >= sequence:
            self._wrong(sequence, f"it vouches for entry {last}, which was not there yet")
            return
        operator = body["operator"]
        by = str(operator["name"] or operator["login"])
        self.adoptions.append(Adoption(sequence, last, sha256, by, moment))

    def _tell_foreign_end(
        self, sequence: int, moment: datetime, key: PublicKey, body: Mapping[str, Any], signer: str
    ) -> None:
        """Remark that somebody else ends a key of the purchaser's."""
        theirs = [
            one.holder.name for one in self._spans.get(key.fingerprint, ()) if one.holder.organisation == PURCHASER
        ]
        by = self.valid_at(signer, moment)
        if theirs and (by is None or by.name not in theirs):
            words = f"says that the key {key.fingerprint} of {theirs[0]}, a person of the purchaser, is {body['step']}"
            words = f"{words}; {by.name if by else signer} signed that, not they: ask them"
            self.remarks.append((sequence, words, "key_ended"))

    def _begin(self, sequence: int, moment: datetime, key: PublicKey, signer: str) -> None:
        """Believe a key of the site from now on, and the one before it no longer."""
        first = None
        if self.site_key is not None or self.rooted:
            first = moment
            holder = self.valid_at(signer, moment, sequence)
            if (holder is None or signer in self._unproven) and key.fingerprint not in self.known:
                self._unproven.add(key.fingerprint)
            if holder and holder.organisation:
                words = f"brings the site's key {key.fingerprint}; {holder.name} signed that"
                self.remarks.append((sequence, words, "site_key"))
            if holder is None and key.fingerprint not in self.known:
                self._wrong(
                    sequence,
                    f"the site's new key {key.fingerprint} is vouched for by no key that was known before; "
                    "ask the site for its fingerprint by other means",
                )
        if self.site_key is not None:
            self._close(self.site_key.fingerprint, moment)
        if key.fingerprint in self._ended:
            self._wrong(sequence, f"the key {key.fingerprint} was given up before, and is not believed again")
            return
        self.site_key = key
        self._spans.setdefault(key.fingerprint, []).append(Span(Holder(SITE, None, None, key), first, None))

    def _end(self, fingerprint: str, moment: datetime, step: str) -> None:
        self._ended[fingerprint] = min((moment, step), self._ended.get(fingerprint, (moment, step)))
        self._close(fingerprint, moment)

    def _close(self, fingerprint: str, moment: datetime, keep: Iterable[Holder] = ()) -> None:
        spans = self._spans.get(fingerprint, [])
        kept = set(keep)
        spans[:] = [
            one
            if one.holder in kept or (one.end and one.end <= moment)
            else replace(one, end=moment, until=one.until or self._last)
            for one in spans
        ]

    # -- people -------------------------------------------------------------------------------------------

    def _take_trust(self, sequence: int, sha256: str, moment: datetime, body: Mapping[str, Any]) -> None:
        people = tuple(Person.of(one) for one in body["people"])
        people_sha256 = body["people_sha256"]
        before = self.in_force()
        ours = of_purchaser(people)
        if before is not None and set(ours) != set(of_purchaser(before)):
            consent = body.get("consent")
            if consent and self._consented(sequence, moment, body, people):
                self._consentable.clear()
            else:
                ours = of_purchaser(before)
        how = Entering(sequence, moment, before is None, "paper" in (body.get("consent") or ()))
        self._entered += [(one.name, how) for one in ours if one not in of_purchaser(before or ())]
        provider = tuple(one for one in people if one.organisation != PURCHASER)
        trust = Trust(sequence, sha256, moment, body["contract_sha256"], people_sha256, people)
        self.trusts.append(trust)
        self._consentable[sha256] = trust
        self._force.append((sequence, (*ours, *provider)))
        self._hold(moment, (*ours, *provider))

    def _consented(self, sequence: int, moment: datetime, body: Mapping[str, Any], people: tuple[Person, ...]) -> bool:
        """Return whether the purchaser consents to the people of a trust entry; tell why not, or what is weak in it."""
        consent = body["consent"]
        if "paper" in consent:
            return self._consented_on_paper(sequence, body, people)
        try:
            signature = str(consent["signature"]).encode()
            previous = self.check_consent(str(consent["by"]), signature, body["people_sha256"], moment)[1]
        except ConsentError as error:
            self._wrong(sequence, f"the consent of {consent['by']} {error}")
            return False
        # What is signed is a digest; the people who had it when it was signed are those of the entry before.
        asked = self._consentable[previous]
        same = asked.people_sha256 == body["people_sha256"]
        if not same or set(of_purchaser(asked.people)) != set(of_purchaser(people)):
            self._wrong(sequence, f"the consent of {consent['by']} is to other people, those of entry {asked.sequence}")
            return False
        return True

    def _consented_on_paper(self, sequence: int, body: Mapping[str, Any], people: tuple[Person, ...]) -> bool:
        paper, by = body["consent"]["paper"], body["consent"]["vouched_by"]
        if not paper["sha256"] or all(one.name != by for one in people):
            self._wrong(sequence, f"the paper is vouched for by {by!r}, who is none of the people that are told")
            return False
        operator = body["operator"]
        words = (
            f"puts people of the purchaser in force by a paper, SHA-256 {str(paper['sha256'])[:16]}…: {by} vouches for"
        )
        who = operator["name"] or operator["login"]
        self.remarks.append((sequence, f"{words} it, {who} entered it, nobody signed; look at the paper", "paper"))
        return True

    def check_consent(self, name: str, signature: bytes, people_sha256: str, moment: datetime) -> tuple[PublicKey, str]:
        """Return the key that consents to people.yml of a digest, and the hash of the trust entry that it saw.

        Raises ConsentError where the signature is not that of a purchaser's person in force of this name.
        """
        # Imported only now: most ledgers are read without it.
        from runner.evidence.sshsig import APPROVAL, SignatureError, verify_signature  # noqa: PLC0415

        told = "there is no trust entry"
        for previous in sorted(self._consentable):
            try:
                key = verify_signature(signature, consent_bytes(people_sha256, previous), APPROVAL)
            except SignatureError as error:
                told = str(error)
                continue
            holder = self.valid_at(key.fingerprint, moment)
            if holder is None or (holder.name, holder.organisation) != (name, PURCHASER):
                who = f"{holder.name} ({holder.organisation or SITE})" if holder else "nobody"
                raise ConsentError(
                    f"was made with {key.fingerprint}, then in force for {who}, not for {name} (purchaser)"
                )
            if key.fingerprint in self.lost and moment >= self.lost[key.fingerprint]:
                raise ConsentError(f"was made with {key.fingerprint}, a key that was given up since before that")
            return key, previous
        raise ConsentError(told)

    def _hold(self, moment: datetime, people: Iterable[Person]) -> None:
        """Believe the keys of people from now on, within their duty, and no others of people."""
        wanted: dict[str, dict[Holder, Person]] = {}
        for person in people:
            for line in person.keys:
                key = parse_public_key(line)
                wanted.setdefault(key.fingerprint, {})[Holder(person.name, person.duty, person.organisation, key)] = (
                    person
                )
        for fingerprint, spans in self._spans.items():
            site = [one.holder for one in spans if one.holder.name == SITE and one.holder.organisation is None]
            self._close(fingerprint, moment, (*site, *wanted.get(fingerprint, ())))
        for fingerprint, holders in wanted.items():
            if fingerprint not in self._ended:
                for holder, person in holders.items():
                    self._open(fingerprint, Span(holder, max(moment, person.first), person.last), moment)

    def _open(self, fingerprint: str, span: Span, moment: datetime) -> None:
        """Open a span, or go on with the one that is open; the end of a duty may have changed, but not for the past."""
        spans = self._spans.setdefault(fingerprint, [])
        last = next(
            (index for index, one in enumerate(spans) if one.holder == span.holder and self._goes_on(one, span)), None
        )
        if last is None:
            spans.append(span)
        else:
            spans[last] = replace(spans[last], end=max(span.end, moment) if span.end else None, until=None)

    @staticmethod
    def _goes_on(one: Span, span: Span) -> bool:
        return one.end is None or span.first is None or one.end >= span.first


class ConsentError(ValueError):
    """A consent does not hold; the message says why."""


def consent_bytes(people_sha256: str, previous: str) -> bytes:
    """Return what a purchaser's person signs: the digest of people.yml, and the hash of the trust entry before."""
    return canonical({"people_sha256": people_sha256, "previous": previous})
