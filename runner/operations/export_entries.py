"""The ledger goes into the auditor's pack whole, and with it the files that its entries name by hash."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError
from runner.evidence.chain import Chain
from runner.evidence.finding import Finding
from runner.evidence.kept import ATTACHING, ISSUING
from runner.evidence.run_files import Places
from runner.evidence.runs_check import unread, unseen_reason
from runner.evidence.seen_entries import seen_entries
from runner.evidence.signers import Signers
from runner.operations.export_runs import Wanted
from runner.operations.pack import MOST_BYTES, kept_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reports.documents.compliance_periods import Days
    from runner.contract.working_time import WorkingTime
    from runner.evidence.ledger import Entry, Ledger
    from runner.operations.pack import Pack
    from runner.site import Site

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Taken:
    """An entry that is in the pack; ``body`` is empty where its file holds no entry."""

    sequence: int
    kind: str
    time: str
    signer: str | None
    path: str
    body: Mapping[str, Any] = field(hash=False)

    def files(self) -> Iterator[tuple[str, str, str]]:
        """Yield folder, hash and name of each file that it names, in the order in which its text has them."""
        folder = "documents" if self.kind == "document" else "attachments"
        for one in self._named():
            if isinstance(one, dict) and _HASH.fullmatch(str(one.get("sha256"))):
                yield folder, str(one["sha256"]), str(one.get("name"))

    def _named(self) -> list[Any]:
        if self.kind == "trust":
            consent = self.body.get("consent")
            paper = consent.get("paper") if isinstance(consent, dict) else None
            return [paper] if paper else []
        found = self.body.get({**ATTACHING, **ISSUING}.get(self.kind, ""))
        return found if isinstance(found, list) else []


@dataclass
class Period:
    """The days whose files go into the pack; None stands for all."""

    days: Days | None
    working: WorkingTime

    def covers(self, entry: Taken) -> bool:
        """Return whether what an entry is about happened in them."""
        if self.days is None:
            return True
        told = entry.body.get("ended" if entry.kind == "run" else "at") or entry.time
        try:
            return self.working.date_of(datetime.fromisoformat(str(told))) in self.days
        except ValueError:
            return True


@dataclass
class Chronicle:
    """What of the ledger is in the pack: entries, where the files that they name lie, what was left out and why."""

    entries: list[Taken] = field(default_factory=list)
    #: By hash and folder, the path in the pack.
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    #: Who signed the entries, and whom they make known; judged when all are taken.
    signers: Signers = field(default_factory=Signers)

    def left_out_lines(self) -> Iterator[str]:
        """Yield a line for each mention of a file that was left out, in the order in which verify.sh meets them."""
        for entry in self.entries:
            for sha256 in _mentions(entry):
                if sha256 in self.left_out:
                    yield f"{sha256}  {entry.path}  {self.left_out[sha256]}"

    def files_of(self, entry: Taken) -> list[tuple[str | None, str]]:
        """Return path in the pack, None where it is not there, and name of each file that an entry names."""
        return [(self.kept.get((folder, sha256)), name) for folder, sha256, name in entry.files()]


def _mentions(entry: Taken) -> Iterator[str]:
    if entry.kind == "run":
        yield str(entry.body.get("manifest_sha256"))
    yield from (sha256 for _, sha256, _ in entry.files())


def take_entries(ledger: Ledger, newest: int, pack: Pack) -> Chronicle:
    """Copy every entry up to a number, with its signature, and return what they say, and what is wrong with them."""
    chronicle, chain = Chronicle(), Chain(datetime.now(UTC))
    for entry, seen in zip(ledger.entries(), seen_entries(ledger)[1], strict=False):
        # One that was appended since belongs to the next pack.
        if entry.sequence > newest:
            break
        chronicle.signers.note(seen)
        chronicle.findings += [*map(seen.finding, seen.problems), *chain.findings(seen)]
        path = f"ledger/{entry.path.parent.name}/{entry.path.name}"
        pack.write(path, entry.raw)
        signature = entry.path.with_name(f"{entry.path.name}.sig")
        if signature.is_file():
            pack.write(f"{path}.sig", signature.read_bytes())
        chronicle.entries.append(_taken(entry, path))
    chronicle.findings += chronicle.signers.judge()
    return chronicle


def _taken(entry: Entry, path: str) -> Taken:
    try:
        told = entry.content
    except MachineError:
        return Taken(entry.sequence, entry.kind, "", None, path, {})
    return Taken(entry.sequence, entry.kind, str(told.get("time")), told.get("signer"), path, told["body"])


def take_files(chronicle: Chronicle, site: Site, period: Period, pack: Pack) -> None:
    """Copy the files that entries of the period name; what another entry of the period names is there, too."""
    folders = {"attachments": site.attachments_folder, "documents": site.documents_folder}
    for entry in chronicle.entries:
        if period.covers(entry):
            for folder, sha256, name in entry.files():
                if (folder, sha256) not in chronicle.kept and sha256 not in chronicle.left_out:
                    _take_file(chronicle, pack, folders[folder], kept_path(folder, sha256, name), sha256, entry)
    kept = {sha256 for _, sha256 in chronicle.kept}
    for entry in chronicle.entries:
        if not period.covers(entry):
            for _, sha256, _ in entry.files():
                if sha256 not in kept:
                    chronicle.left_out.setdefault(sha256, "outside of the period")


def _take_file(chronicle: Chronicle, pack: Pack, folder: Path, path: str, sha256: str, entry: Taken) -> None:
    source = folder / sha256

    def tell(problem: str) -> None:
        named = f"{problem}, but named by {entry.path}"
        chronicle.findings.append(Finding(f"{folder.name}/{sha256}", named, entry.sequence, "file"))

    try:
        if source.stat().st_size > MOST_BYTES:
            chronicle.left_out[sha256] = "4 GiB or larger, more than a FAT32 stick takes"
            return
        with source.open("rb") as file:
            copied = pack.copy(path, file)
    except FileNotFoundError:
        tell("missing")
        return
    except OSError as error:
        tell(f"cannot be read ({error.strerror})")
        return
    chronicle.kept[path.partition("/")[0], sha256] = path
    if copied.sha256 != sha256:
        tell("differs from its name")


def wanted_runs(chronicle: Chronicle, site: Site, period: Period) -> list[Wanted]:
    """Return the runs that go into the pack, where they lie now; the others are left out.

    An archive that cannot be read is a finding where runs of the period lie there.
    """
    places = Places(site.runs_folder)
    for entry in chronicle.entries:
        if entry.kind == "archive":
            places.take(entry.body)
    found: dict[str, Wanted] = {}
    why = cache(unseen_reason)
    missed: dict[Path, list[str]] = {}
    for entry in chronicle.entries:
        if entry.kind != "run" or not entry.body:
            continue
        run_id, sha256 = str(entry.body.get("run")), str(entry.body.get("manifest_sha256"))
        files = places.of(run_id)
        if not period.covers(entry):
            chronicle.left_out[sha256] = "outside of the period"
        elif places.archived(run_id) == files.place and why(files.place):
            chronicle.left_out[sha256] = "archived where this machine cannot read it"
            missed.setdefault(files.place, []).append(run_id)
        elif _too_large(files):
            chronicle.left_out[sha256] = "4 GiB or larger, more than a FAT32 stick takes"
        else:
            found.setdefault(run_id, Wanted(files, entry.sequence, entry.body))
    chronicle.findings += [unread(place, why(place), runs) for place, runs in missed.items()]
    return list(found.values())


def _too_large(files: Any) -> bool:
    try:
        return any(files.size(name) > MOST_BYTES for name in files.names())
    except OSError:
        return False
