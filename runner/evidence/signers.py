"""Who signed each entry, and were they believed then? Judged over the whole ledger, because a loss is told late.

Each signature is judged at its entry's own time. A key entry must be signed by a key that was believed before it, or
bring the site's key and be signed by that one (which the keyring then calls unproven); the first one is the root. A
trust entry must be signed by a key that was believed before it. The purchaser's keys tell of no keys but their own, and
of no people. What is not signed so changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.canonical import parse_timestamp
from runner.evidence.finding import Finding
from runner.evidence.index import entry_lines
from runner.evidence.keys import BEGINNING, ENDING, KINDS, SITE, Keyring
from runner.evidence.ledger import Entry
from runner.evidence.seen_entries import SeenEntry
from runner.evidence.trust import PURCHASER, Adoption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.evidence.ledger import Ledger

#: The finding of a ledger in which nobody ever signed anything.
UNSIGNED = "no entry is signed"

#: So many entries with the same problem are told one by one; of more that follow each other, the first and the last.
_EACH = 100


@dataclass(frozen=True)
class _Mark:
    """What of an entry tells who signed it."""

    sequence: int
    file: str
    time: datetime | None
    signed: bool
    signed_by: str | None
    signer: str | None

    @property
    def stripped(self) -> bool:
        """Return whether its signature was taken away, by which a loss, for one, could be hidden."""
        return self.signer is not None and not self.signed


@dataclass(frozen=True)
class _KeyEntry:
    """A key or trust entry whose bytes are signed by the key that it names."""

    mark: _Mark
    kind: str
    content: Mapping[str, Any]
    digest: str

    def as_entry(self) -> Entry:
        """Return what the keyring takes."""
        entry = Entry(Path(self.mark.file), self.mark.sequence, self.kind, b"")
        # Parsed, and hashed, when it was read.
        entry.__dict__.update(content=dict(self.content), digest=self.digest)
        return entry


class Signers:
    """Gathers who signed what; at the end, tells which entries nobody stands behind who was believed."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Take the fingerprints of keys that were learnt by other means than the ledger."""
        self.known = frozenset(known)
        self.keyring = Keyring(self.known)
        self._marks: list[_Mark] = []
        self._key_entries: list[_KeyEntry] = []
        self._digests: dict[int, str] = {}
        self._taken: set[int] = set()
        self._refused: set[int] = set()
        self._waivers: dict[int, SeenEntry] = {}

    def note(self, entry: SeenEntry) -> None:
        """Remember who signed an entry."""
        mark = _Mark(entry.sequence, entry.file, entry.time, entry.signed, entry.signed_by, entry.signer)
        self._marks.append(mark)
        self._digests[entry.sequence] = entry.digest
        if entry.kind in KINDS and entry.signed_by and entry.signed_by == entry.signer and entry.time:
            self._key_entries.append(_KeyEntry(mark, entry.kind, entry.content, entry.digest))
        elif entry.kind == "waiver":
            self._waivers[entry.sequence] = entry
        elif entry.kind == "record" and isinstance(entry.body.get("corrects"), int):
            self._waivers.pop(entry.body["corrects"], None)

    def fold(self) -> Keyring:
        """Return what the key and trust entries noted so far justify, each judged by who signed it."""
        self._refused = self._fold()
        self._taken = {one.mark.sequence for one in self._key_entries} - self._refused
        return self.keyring

    def judge(self) -> Iterator[Finding]:
        """Yield each entry that nobody signed who was believed then, and what is wrong with the key entries themselves.

        Afterwards ``keyring`` is what the ledger's own entries justify.
        """
        if not any(mark.signed for mark in self._marks):
            if self._marks:
                yield Finding("ledger", UNSIGNED, kind="unsigned")
            return
        self.fold()
        files = {mark.sequence: mark.file for mark in self._marks}
        for sequence, problem in self.keyring.problems:
            yield Finding(files[sequence], problem, sequence, "keys")
        for one in self.keyring.adoptions:
            if self._digests.get(one.sequence) != one.sha256:
                problem = f"vouches for another entry {one.sequence} than the one that is there"
                yield Finding(files[one.entry], problem, one.entry, "keys")
        yield from self._disowned()

    def _disowned(self) -> Iterator[Finding]:
        """Yield each entry that nobody stands behind, or one finding for many that follow each other."""

        def problem(mark: _Mark) -> str:
            return "" if self._adoption(mark) else self._problem(mark)

        for what, group in groupby(self._marks, key=lambda mark: problem(mark).partition(" at ")[0]):
            marks = list(group) if what else []
            if len(marks) <= _EACH:
                yield from (Finding(mark.file, problem(mark), mark.sequence, "unsigned") for mark in marks)
            else:
                where = _entries(marks)
                yield Finding(where, f"each {problem(marks[0])}", marks[0].sequence, "unsigned")

    def vouched(self) -> Iterator[Finding]:
        """Yield remarks: in ranges, the entries that no believed key signed and that somebody vouches for; weak words.

        Weak is what rests on a paper, what others say of the purchaser's keys, and who is told anew. What the
        purchaser's people signed is told, too.
        """
        yield from self._adopted()
        yield from self._by_purchaser()
        files = {mark.sequence: mark.file for mark in self._marks}
        yield from (Finding(files[sequence], words, sequence, kind) for sequence, words, kind in self.keyring.remarks)
        yield from self._told_anew(files)
        yield from self._weak_waivers()

    def _told_anew(self, files: Mapping[int, str]) -> Iterator[Finding]:
        """Yield the first trust entry that counts, where one before it does not: nobody consented to the new people."""
        told = [one.mark.sequence for one in self._key_entries if one.kind == "trust"]
        first = next((one for one in told if one in self._taken), None)
        if first and told[0] != first:
            words = f"is taken as the first to tell of people, for entry {told[0]} does not count; compare the two"
            yield Finding(files[first], words, first, "told_anew")

    def _weak_waivers(self) -> Iterator[Finding]:
        for entry in self._waivers.values():
            how = self.keyring.entering(str(entry.body.get("consent_by")), entry.sequence)
            with suppress(ValueError, TypeError):
                moment = parse_timestamp(str(entry.body.get("at")))
                if how and how.on_paper:
                    words = f"the consent is of somebody whom a paper put in force, in entry {how.entry}"
                    yield entry.finding(words, "paper")
                if how and not how.root and moment < how.time:
                    yield entry.finding(
                        f"the consent is of {moment:%Y-%m-%d}, before entry {how.entry} of {how.time:%Y-%m-%d} put "
                        "who gave it in force",
                        "early",
                    )

    def _adopted(self) -> Iterator[Finding]:
        def voucher(mark: _Mark) -> tuple[str, int] | None:
            one = self._adoption(mark)
            problem = self._problem(mark) if one else ""
            return (problem.partition(" by ")[0], one.entry) if one and problem else None

        told = {one.entry: one for one in self.keyring.adoptions}
        for what, group in groupby(self._marks, key=voucher):
            if what:
                marks = list(group)
                one = told[what[1]]
                problem = (
                    f"{what[0]}; vouched for by {one.by} since {one.since:%Y-%m-%d %H:%M} UTC, in entry {one.entry}"
                )
                yield Finding(_entries(marks), problem, kind="vouched")

    def _by_purchaser(self) -> Iterator[Finding]:
        """Yield in ranges what the purchaser's people signed: the provider's own acts are for others to sign."""

        def holder(mark: _Mark) -> str:
            found = self.keyring.valid_at(mark.signed_by or "", mark.time, mark.sequence) if mark.time else None
            return found.name if found and found.organisation == PURCHASER else ""

        for name, group in groupby(self._marks, key=holder):
            if name:
                marks = list(group)
                where = _entries(marks)
                yield Finding(where, f"signed by {name}, a person of the purchaser", kind="by_purchaser")

    def _adoption(self, mark: _Mark) -> Adoption | None:
        """Return who vouches for an entry; nobody can for one that was signed once, and is no longer."""
        return None if mark.stripped else self.keyring.adoption(mark.sequence)

    def _problem(self, mark: _Mark) -> str:
        """Return why nobody stands behind an entry; empty where somebody does, or that has been told otherwise."""
        if not mark.signed:
            return f"is not signed, though it names {mark.signer} as its signer" if mark.stripped else "is not signed"
        if mark.signed_by is None or mark.time is None or mark.sequence in self._taken:
            return ""
        if self.keyring.valid_at(mark.signed_by, mark.time, mark.sequence):
            refused = mark.sequence in self._refused
            return f"tells of keys or people, signed by {mark.signed_by}, which may not do that" if refused else ""
        return f"is signed by {mark.signed_by}, a key that is not believed at {mark.time:%Y-%m-%d %H:%M:%S} UTC"

    # -- the fold -----------------------------------------------------------------------------------------

    def _fold(self) -> set[int]:
        """Make the keyring of all entries that may change it; return the numbers of those that may not.

        A loss that is told later takes back what the lost key signed since, entries and consents, which may take back
        more: so anew until nothing changes. What is refused stays so, and decides which losses count: so it ends.
        """
        refused: set[int] = set()
        ended: dict[str, tuple[datetime, int]] = {}
        while True:
            further, found = self._take_all(refused, ended)
            if not further and found == ended:
                return refused
            refused, ended = refused | further, found

    def _take_all(
        self, refused: set[int], lost: Mapping[str, tuple[datetime, int]]
    ) -> tuple[set[int], dict[str, tuple[datetime, int]]]:
        """Fold all but those refused, knowing of losses; return the numbers to refuse, too, and the losses told."""
        first = next((one.mark.sequence for one in self._key_entries if _brings_itself(one)), 0)
        since = {fingerprint: moment for fingerprint, (moment, _) in lost.items()}
        self.keyring = Keyring(self.known, rooted=first in refused, first_key_entry=first or None, lost=since)
        further: set[int] = set()
        ended: dict[str, tuple[datetime, int]] = {}
        for one in self._key_entries:
            if one.mark.sequence in refused:
                continue
            if self._may(one):
                self.keyring.take(one.as_entry())
                _note_end(one, ended)
            else:
                further.add(one.mark.sequence)
        for one in self._key_entries:
            end, by = ended.get(str(one.mark.signed_by), (None, 0))
            late = end and one.mark.time and one.mark.time >= end and by != one.mark.sequence
            if late and one.mark.sequence not in refused:
                further.add(one.mark.sequence)
        return further, ended

    def _may(self, one: _KeyEntry) -> bool:
        fingerprint, time = one.mark.signed_by, one.mark.time
        if fingerprint is None or time is None:
            return False
        holder, body = self.keyring.valid_at(fingerprint, time, one.mark.sequence), one.content["body"]
        if holder and holder.organisation != PURCHASER:
            return True
        if one.kind != "key":
            return False
        if holder is None:
            return _brings_itself(one)
        # Only of their own keys, which it takes a trust entry to put in force, vouching for nothing.
        told = self.keyring.valid_at(str(body.get("fingerprint")), time)
        own = told is not None and (told.name, told.organisation) == (holder.name, PURCHASER)
        begins = body.get("step") in BEGINNING
        return body.get("holder") == holder.name != SITE and not body.get("adopts") and bool(begins or own)


def keyring_of(ledger: Ledger, cache: Path) -> Keyring:
    """Return the keyring of a ledger as it stands: the very fold of ``ledger verify``, over signatures that it checks.

    The entries are found by the index that lies in a folder; one whose files cannot be read is passed over:
    ``ledger verify`` finds it.
    """
    signers = Signers()
    for line in entry_lines(ledger, cache, KINDS):
        with suppress(MachineError):
            signers.note(_seen(ledger.entry(*line[:2])))
    return signers.fold()


def _seen(entry: Entry) -> SeenEntry:
    """Return an entry with who signed it, nobody where the signature is none or says nothing of these bytes."""
    # Imported only now: most commands look at no signature, and the cryptography takes its time.
    from runner.evidence.sshsig import ENTRY, SignatureError, verify_signature  # noqa: PLC0415

    signed_by = None
    with suppress(OSError, SignatureError):
        armored = entry.path.with_name(f"{entry.path.name}.sig").read_bytes()
        signed_by = verify_signature(armored, entry.raw, ENTRY).fingerprint
    time = None
    with suppress(ValueError, TypeError):
        found = parse_timestamp(str(entry.content.get("time")))
        time = found if found.tzinfo else None
    file, signed = f"{entry.path.parent.name}/{entry.path.name}", signed_by is not None
    return SeenEntry(entry.sequence, entry.kind, file, entry.digest, entry.content, time, signed, signed_by)


def _brings_itself(one: _KeyEntry) -> bool:
    """Return whether an entry brings a key of the site that signed it."""
    body = one.content["body"]
    begins = one.kind == "key" and body.get("step") in BEGINNING and body.get("holder") == SITE
    return bool(begins and body.get("fingerprint") == one.mark.signed_by)


def _note_end(one: _KeyEntry, ended: dict[str, tuple[datetime, int]]) -> None:
    """Remember from when on a key is given up, where an entry says so."""
    body = one.content["body"]
    if one.kind != "key" or body.get("step") not in ENDING:
        return
    try:
        since = parse_timestamp(body["since"]) if body.get("since") else one.mark.time
        fingerprint = str(body.get("fingerprint"))
        if since and since.tzinfo and (fingerprint not in ended or since < ended[fingerprint][0]):
            ended[fingerprint] = (since, one.mark.sequence)
    except (ValueError, TypeError):
        return


def _entries(marks: Sequence[_Mark]) -> str:
    """Return how a finding names entries that follow each other."""
    first, last = marks[0], marks[-1]
    return first.file if first is last else f"entries {first.sequence} to {last.sequence}"
