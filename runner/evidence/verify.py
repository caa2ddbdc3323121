"""Verification: every entry, every signature, every file that entries name by hash, and what it all says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.canonical import parse_timestamp
from runner.evidence.chain import Chain
from runner.evidence.changes_check import ChangesCheck, Ended
from runner.evidence.finding import Finding
from runner.evidence.kept import ATTACHING, ISSUING, KeptFiles
from runner.evidence.ledger import GENESIS, Head, Ledger
from runner.evidence.run_contents import ListedRun, examine_run
from runner.evidence.run_files import Places, RunFiles
from runner.evidence.runs_check import RunsCheck
from runner.evidence.sealing import SealedRun, open_sealed
from runner.evidence.seen_entries import SeenEntry, seen_entries, strays
from runner.evidence.signers import Signers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.evidence.anchor import Anchor
    from runner.evidence.checkpoint import GivenCheckpoint
    from runner.evidence.ledger import Entry


#: Entries between two words of how far it is: a bar takes longer to draw than an entry to verify.
_TOLD_EACH = 250

#: Told of each part of the work: its name, how much of it is done, how much there is.
Watch = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Folders:
    """Where the files lie that entries name."""

    runs: Path
    attachments: Path | None = None
    documents: Path | None = None


@dataclass(frozen=True)
class Outside:
    """What is known from elsewhere: heads and checkpoints that were handed over, and fingerprints that were told."""

    anchors: tuple[Anchor, ...] = ()
    checkpoints: tuple[GivenCheckpoint, ...] = ()
    keys: tuple[str, ...] = ()


def unwatched(_part: str, _done: int, _total: int) -> None:
    """Watch nothing."""


@dataclass
class Verification:
    """One verification of a ledger; ``findings()`` does the work, the rest can be asked afterwards."""

    ledger: Ledger
    folders: Folders
    outside: Outside = field(default_factory=Outside)
    processes: int | None = None
    watch: Watch = unwatched

    def __post_init__(self) -> None:
        self.head = Head(0, GENESIS)
        self.entries = 0
        self.signers = Signers(self.outside.keys)
        #: What whoever reads the findings should know, and what is wrong with nothing.
        self.remarks: list[Finding] = []
        #: What was given from outside and names what is here.
        self.same: list[Anchor] = []
        self._runs = RunsCheck(self.folders.runs)
        self._kept = [
            *([KeptFiles(self.folders.attachments, ATTACHING)] if self.folders.attachments else []),
            *([KeptFiles(self.folders.documents, ISSUING, shared=True)] if self.folders.documents else []),
        ]
        self._digests: dict[int, tuple[str, str]] = {}
        self._waivers: list[SeenEntry] = []
        self._changes = ChangesCheck()
        self._corrected: set[int] = set()
        self._signing: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        """Yield everything that does not verify; nothing if all is well."""
        yield from self._entries()
        yield from self.signers.judge()
        self.remarks += self.signers.vouched()
        yield from self._told_keys()
        yield from self._consents()
        yield from self._changes.findings(self.signers.keyring, self._runs.files)
        self.remarks += self._changes.remarks
        yield from self._anchors()
        yield from self._runs.findings(self.processes, lambda done, total: self.watch("runs", done, total))
        self.remarks += self._runs.remarks
        yield from self._files()

    @property
    def ended(self) -> list[Ended]:
        """Return the executions of changes whose end was told, and that are sealed."""
        return self._changes.ended

    # -- entries ------------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[Finding]:
        total, entries = seen_entries(self.ledger, self.processes)
        chain = Chain(datetime.now(UTC))
        for entry in entries:
            yield from (entry.finding(problem) for problem in entry.problems)
            yield from chain.findings(entry)
            yield from self._noted(entry)
            self.entries += 1
            if self.entries % _TOLD_EACH == 0 or self.entries == total:
                self.watch("entries", self.entries, total)
        self.head = chain.head
        yield from strays(self.ledger, {file: sequence for sequence, (file, _) in self._digests.items()})

    def _noted(self, entry: SeenEntry) -> Iterator[Finding]:
        try:
            yield from self._note(entry)
        except Exception as error:  # noqa: BLE001 - whatever one entry says, the others are looked at
            yield entry.finding(f"is not what weibao writes: {type(error).__name__}: {error}")

    def _note(self, entry: SeenEntry) -> Iterator[Finding]:
        """Remember what an entry says, for later; yield what is wrong with it in the light of those before."""
        self._digests[entry.sequence] = (entry.file, entry.digest)
        self.signers.note(entry)
        if entry.signed_by:
            self._signing.add(entry.signed_by)
        for files in self._kept:
            files.note(entry)
        self._changes.note(entry)
        if entry.kind == "run" and entry.body:
            yield from self._runs.note(entry)
        elif entry.kind == "archive" and entry.body:
            yield from self._runs.moved(entry)
        elif entry.kind == "checkpoint" and entry.body:
            yield from self._checkpoint(entry)
        elif entry.kind == "waiver" and entry.body:
            self._waivers.append(entry)
        elif entry.kind == "record" and type(entry.body.get("corrects")) is int:
            self._corrected.add(entry.body["corrects"])

    def _checkpoint(self, entry: SeenEntry) -> Iterator[Finding]:
        told = entry.body.get("head")
        head = told if isinstance(told, dict) else {}
        number = head.get("sequence")
        found = GENESIS if number == 0 else self._digests.get(number, ("", ""))[1] if isinstance(number, int) else ""
        if head.get("sha256") != found:
            problem = f"is of a head that is not in this ledger: entry {number}, {head.get('sha256')}"
            yield entry.finding(problem, "checkpoint")

    # -- people and outside -------------------------------------------------------------------------------

    def _told_keys(self) -> Iterator[Finding]:
        """Yield where the keys that were told by other means are not the site's, or nothing here rests on any of them.

        A key is public: whoever writes everything anew can name it, too. What it signed fixes all that came before.
        """
        ours = {one.holder.key.fingerprint for one in self.signers.keyring.spans() if one.holder.organisation is None}
        for fingerprint in self.outside.keys:
            if fingerprint not in ours:
                problem = f"by its key entries {fingerprint}, which --key names, is no key of the site"
                yield Finding("ledger", problem, kind="given_key")
        if self.outside.keys and not ours & self._signing & set(self.outside.keys):
            root = next((one.holder.key.fingerprint for one in self.signers.keyring.spans()), "no key at all")
            problem = f"rests on {root}, and on no key that --key names: another wrote it, or all anew"
            yield Finding("ledger", problem, kind="given_key")

    def _consents(self) -> Iterator[Finding]:
        """Yield each waiver whose consent is of nobody who could give it; one that was taken back counts no more."""
        for entry in self._waivers:
            if entry.sequence in self._corrected:
                continue
            name, at = entry.body.get("consent_by"), entry.body.get("at")
            try:
                moment = parse_timestamp(str(at))
                entitled = self.signers.keyring.entitled(str(name), entry.sequence, moment)
            except (ValueError, TypeError, OverflowError):
                yield entry.finding(f"has no moment of consent: {at!r}", "consent")
                continue
            if not entitled:
                problem = f"consent by {name!r}, who is no person of the purchaser in force on {moment:%Y-%m-%d}"
                yield entry.finding(problem, "consent")

    def _anchors(self) -> Iterator[Finding]:
        anchors = [(anchor, True) for anchor in self.outside.anchors]
        for given in self.outside.checkpoints:
            found = given.finding(self.ledger.site, self.signers.keyring)
            if found:
                yield found
            anchors.append((given.anchor, found is None))
        for anchor, sound in anchors:
            file, digest = (None, GENESIS) if anchor.sequence == 0 else self._digests.get(anchor.sequence, (None, None))
            found = anchor.finding(file, digest, self.head.sequence)
            if found:
                yield found
            elif sound:
                self.same.append(anchor)

    def _files(self) -> Iterator[Finding]:
        total = sum(files.bytes() for files in self._kept)
        read = 0

        def done(more: int) -> None:
            nonlocal read
            read += more
            self.watch("files", read, total)

        for files in self._kept:
            yield from files.findings(self.processes, done)


# -- single runs ------------------------------------------------------------------------------------------


def _readable(entry: Entry) -> bool:
    """Return whether an entry's file holds an entry; looking back, one that does not is passed over."""
    try:
        return bool(entry.body)
    except MachineError:
        return False


def entry_of(ledger: Ledger, run_id: str, after: int = 0) -> Entry | None:
    """Return the newest entry that lists a run, looking back no further than to the number ``after``."""
    for entry in ledger.newest_first():
        if entry.sequence <= after:
            return None
        if entry.kind == "run" and _readable(entry) and entry.body.get("run") == run_id:
            return entry
    return None


def verified_run(ledger: Ledger, runs: Path, run_id: str) -> SealedRun:
    """Return a sealed run that is what its entry says, byte by byte, wherever it was moved since.

    Raises BadInput where no entry lists it, or it lies in a tar; VerificationError naming each file that differs.
    """
    places = Places(runs)
    entry = None
    for one in ledger.newest_first():
        if one.kind == "archive" and _readable(one) and places.archived(run_id) is None:
            places.take(one.body)
        if one.kind == "run" and _readable(one) and one.body.get("run") == run_id:
            entry = one
            break
    if entry is None:
        raise BadInput(f"no run {run_id!r} in the ledger of site {ledger.site}")
    files = places.of(run_id)
    if files.packed:
        raise BadInput(f"run {run_id} was moved to an archive; first: tar -xf {files.place} -C {runs} {run_id}")
    findings = examine_run(_listed(files, entry), contents=False).findings
    if findings:
        raise VerificationError("\n".join(f"{one.file}: {one.problem}" for one in findings))
    return open_sealed(files.place, run_id)


def _listed(files: RunFiles, entry: Entry) -> ListedRun:
    body: dict[str, Any] = entry.body
    return ListedRun(files, entry.sequence, entry.path.name, None, body)
