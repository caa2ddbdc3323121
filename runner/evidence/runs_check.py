"""All sealed runs of a ledger: each listed once, where it lies, and as it was; and no other folders beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.evidence.finding import Finding
from runner.evidence.kept import file_problem
from runner.evidence.parallel import chunks, in_order
from runner.evidence.reading import open_regular
from runner.evidence.run_contents import ListedRun, RunProblems, examine_run
from runner.evidence.run_files import Places, forget_tars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.evidence.run_files import RunFiles
    from runner.evidence.seen_entries import SeenEntry

#: Compressed bytes of runs in a piece of work, what a run costs besides, and how many a second one process judges.
_PIECE = 1 << 21
_EACH = 1 << 13
_SPEED = 1.5e6

#: How many runs of an archive that is not there are named by themselves.
_NAMED = 3


def _examine(runs: list[ListedRun]) -> list[RunProblems]:
    return [examine_run(run) for run in runs]


class RunsCheck:
    """Gathers the runs that entries list, then examines them."""

    def __init__(self, runs: Path) -> None:
        # Folders first, then markers, then entries: a run that is sealed meanwhile is then known from one of them.
        there = sorted(path for path in runs.glob("*") if path.name != ".open")
        self._folders = [path for path in there if path.is_dir()]
        # Names that begin with a dot are what a dead program, or a system, left.
        self._loose = [path.name for path in there if not (path.is_dir() or path.name.startswith("."))]
        self._known = {marker.stem for marker in (runs / ".open").glob("*.json")}
        self._places = Places(runs)
        self._listed: dict[str, SeenEntry] = {}
        self._archives: list[SeenEntry] = []
        self.remarks: list[Finding] = []

    def note(self, entry: SeenEntry) -> Iterator[Finding]:
        """Remember a run that an entry lists."""
        run_id = str(entry.body["run"])
        if run_id in self._listed:
            yield entry.finding(f"lists run {run_id}, which {self._listed[run_id].name} lists already", "listed")
        self._listed[run_id] = entry

    def files(self, run_id: str) -> RunFiles:
        """Return where a run lies, by the entries that were noted."""
        return self._places.of(run_id)

    def moved(self, entry: SeenEntry) -> Iterator[Finding]:
        """Remember where an entry says that runs were moved; yield what it says otherwise than their own entries."""
        for told in entry.body["runs"]:
            listed = self._listed.get(told["run"])
            if listed is None:
                yield entry.finding(f"moves run {told['run']}, which no entry before it lists", "listed")
            elif listed.body.get("manifest_sha256") != told["manifest_sha256"]:
                yield entry.finding(f"names another manifest of run {told['run']} than {listed.name}", "listed")
        self._places.take(entry.body)
        self._archives.append(entry)

    def findings(self, processes: int | None, done: Callable[[int, int], object]) -> Iterator[Finding]:
        """Yield each run that is not what its entry says, in the order of the entries; then what nobody lists."""
        gone = self._gone()
        yield from gone.values()
        yield from self._archive_findings(set(gone))
        runs = [
            ListedRun(self._places.of(run_id), entry.sequence, entry.name, entry.time, entry.body)
            for run_id, entry in self._listed.items()
        ]
        # Runs of one archive together: its list of contents is then read once.
        there = sorted((run for run in runs if run.files.place not in gone), key=lambda one: str(one.files.place))
        sizes = {run.files.run_id: _EACH + _size(run) for run in there}
        cost = sum(sizes.values()) / _SPEED
        count = 0
        pieces = list(chunks(there, lambda one: sizes[one.files.run_id], _PIECE))
        for problems in in_order(_examine, pieces, cost, processes):
            for one in problems:
                yield from one.findings
                self.remarks += one.remarks
            count += len(problems)
            done(count, len(there))
        forget_tars()
        for folder in self._folders:
            if folder.name not in self._known and folder.name not in self._listed:
                yield Finding(folder.name, "no entry names this run", kind="unnamed")
        for name in self._loose:
            if name not in self._listed:
                yield Finding(name, "lies among the runs, and no entry names it", kind="unnamed")

    def _gone(self) -> dict[Path, Finding]:
        """Return the archives that runs were moved to and that cannot be looked at, each with its finding."""
        missed: dict[Path, list[str]] = {}
        for run_id in self._listed:
            files = self._places.of(run_id)
            if self._places.archived(run_id) == files.place:
                missed.setdefault(files.place, []).append(run_id)
        newest = self._newest()
        return {
            place: unread(place, why, runs, newest[place])
            for place, runs in missed.items()
            if (why := unseen_reason(place))
        }

    def _newest(self) -> dict[Path, SeenEntry]:
        """Return the newest entry that names each place."""
        return {Path(entry.body["place"]): entry for entry in self._archives}

    def _archive_findings(self, gone: set[Path]) -> Iterator[Finding]:
        """Yield each tar that is not what the newest entry that names it says."""
        used = {self._places.of(run_id).place for run_id in self._listed}
        for place, entry in self._newest().items():
            sha256 = entry.body.get("sha256")
            if place not in used or place in gone or sha256 is None:
                continue
            problem = file_problem(place, sha256, follow=True)
            if problem:
                yield Finding(str(place), f"{problem} {entry.name}", entry.sequence, "archive")


def unseen_reason(place: Path) -> str:
    """Return why the files in a place cannot be looked at; empty where they can."""
    try:
        with os.scandir(place) if place.is_dir() else open_regular(place, follow=True):
            return ""
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def unread(place: Path, why: str, runs: list[str], entry: SeenEntry | None = None) -> Finding:
    """Return the finding of an archive that cannot be looked at, by the entry that names it."""
    named = ", ".join(runs[:_NAMED]) + (", …" if len(runs) > _NAMED else "")
    by = f"by {entry.name} " if entry else ""
    problem = f"{why}, but {by}{len(runs)} runs lie there, which cannot be verified: {named}"
    return Finding(str(place), problem, entry.sequence if entry else None, "archive")


def _size(run: ListedRun) -> int:
    total = 0
    for name in ("events.jsonl.gz", "observations.jsonl.gz"):
        try:
            total += run.files.size(name)
        except OSError:
            continue
    return total
