"""Use case: old runs move to another disk, or into a tar; the ledger says where, and verification follows.

A run is copied, read back and held against its entry; only then does an entry name its new place, and only after that
is the old copy removed. Whoever kills the program leaves the old copy, the new one, or both; called again, it goes on.
"""

from __future__ import annotations

import errno
import os
import shutil
import tarfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from runner.contract.load import load_people
from runner.errors import BadInput, MachineError, VerificationError
from runner.evidence.canonical import digest_file, parse_timestamp, sync_folder
from runner.evidence.run_contents import ListedRun, examine_run
from runner.evidence.run_files import Places, RunFiles, forget_tars
from runner.evidence.sealing import MANIFEST
from runner.evidence.shapes import is_run_name, shape_problem
from runner.history import is_whole
from runner.operations.book import open_book
from runner.operations.locks import holding
from runner.operations.manifest import operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.evidence.ledger import Entry, Ledger
    from runner.site import Site

SCHEMA_VERSION = 1

#: The newest runs of each procedure stay: the next run is compared with them.
STAY = 10

#: Space that is left on the disk that runs move to.
_SPARE = 16 << 20

_LOCK = ".archive.lock"


@dataclass(frozen=True)
class Archived:
    """The runs that were moved, the entry that says so (None where none were), and how many had to stay."""

    moved: tuple[str, ...]
    place: Path
    entry: Entry | None
    stay: int
    removed: int


def archive_runs(site: Site, before: date, place: Path, watch: Callable[[int, int], object]) -> Archived:
    """Move the runs that ended before a day of this machine's zone to a folder, or into a new tar (``….tar``).

    Raises BadInput where the place is not one, VerificationError where a run is not what was sealed: then none was
    moved; MachineError where the disk does not take them.
    """
    people = load_people(site)
    _check_place(place, site)
    book = open_book(site)
    with holding(site, _LOCK):
        runs, places = _listed(book, site.runs_folder)
        removed = _remove_moved(runs, places, site.runs_folder)
        old, stay = _old(runs, site.runs_folder, datetime.combine(before, time()).astimezone())
        if not old:
            return Archived((), place, None, stay, removed)
        _check_sealed(old)
        try:
            sha256 = _copy(old, place, watch)
            moved = [
                ListedRun(RunFiles(place, one.files.run_id), one.sequence, one.entry, None, one.body) for one in old
            ]
            _check_sealed(moved)
            body = {
                "schema_version": SCHEMA_VERSION,
                "runs": [{"run": one.files.run_id, "manifest_sha256": one.body["manifest_sha256"]} for one in old],
                "place": str(place),
                "sha256": sha256,
                "before": before.isoformat(),
                "operator": operator(people),
            }
        except OSError as error:
            raise MachineError(f"{error.filename or place}: runs cannot be moved: {error.strerror}") from error
        finally:
            forget_tars()
        entry = book.append("archive", body)
        _remove_all([one.files for one in old], f"runs were moved to {place}, as entry {entry.sequence} says")
    return Archived(tuple(one.files.run_id for one in old), place, entry, stay, removed)


def _check_place(place: Path, site: Site) -> None:
    if place.is_relative_to(site.state):
        raise BadInput(f"--to {place}: lies within the site's own state; name another disk")
    if not place.parent.is_dir():
        raise BadInput(f"--to {place}: there is no folder {place.parent}; is the disk mounted?")
    if place.suffix == ".tar" and place.exists():
        raise BadInput(f"--to {place}: is there already; an archive is never overwritten")
    if place.suffix != ".tar" and place.exists() and not place.is_dir():
        raise BadInput(f"--to {place}: is no folder; a tar has a name that ends in .tar")


def _listed(ledger: Ledger, folder: Path) -> tuple[list[ListedRun], Places]:
    """Return every run that entries list, oldest first, and where runs were moved before."""
    runs, places = [], Places(folder)
    for entry in ledger.entries():
        if entry.kind == "run" and not shape_problem("run", entry.body):
            files = RunFiles(folder, str(entry.body.get("run")))
            runs.append(ListedRun(files, entry.sequence, entry.path.name, None, entry.body))
        elif entry.kind == "archive":
            places.take(entry.body)
    return runs, places


def _old(runs: list[ListedRun], folder: Path, before: datetime) -> tuple[list[ListedRun], int]:
    """Return the runs that may move, and how many are old enough and stay for what comes after them."""
    old, stay = [], 0
    newer: Counter[str] = Counter()
    whole: set[str] = set()
    for run in reversed(runs):
        procedure = str(run.body.get("procedure"))
        needed = newer[procedure] < STAY or (is_whole(run.body) and procedure not in whole)
        newer[procedure] += 1
        if is_whole(run.body):
            whole.add(procedure)
        there = (folder / run.files.run_id / MANIFEST).is_file()
        if there and parse_timestamp(str(run.body.get("ended"))) < before:
            if needed:
                stay += 1
            else:
                old.append(run)
    return old[::-1], stay


def _check_sealed(runs: list[ListedRun]) -> None:
    """Raise VerificationError naming each file of a run that is not what was sealed."""
    findings = [one for run in runs for one in examine_run(run, contents=False).findings]
    if findings:
        raise VerificationError("\n".join(["nothing was moved, because", *map(str, findings)]))


# -- copying ----------------------------------------------------------------------------------------------


def _copy(runs: list[ListedRun], place: Path, watch: Callable[[int, int], object]) -> str | None:
    """Copy runs to their new place, durably; return the SHA-256 of the tar, if it is one."""
    size = sum(one.files.size(name) for one in runs for name in one.files.names())
    free = shutil.disk_usage(place.parent).free
    if free < size + _SPARE:
        raise MachineError(f"{place}: {size >> 20} MiB are to be moved there, where {free >> 20} MiB are free")
    if place.suffix == ".tar":
        return _pack(runs, place, watch)
    place.mkdir(mode=0o700, exist_ok=True)
    sync_folder(place.parent)
    for count, one in enumerate(runs, start=1):
        _copy_folder(one.files, place)
        watch(count, len(runs))
    sync_folder(place)
    return None


def _copy_folder(files: RunFiles, place: Path) -> None:
    """Copy a run's folder beside its new place, then give it its name; one that is there is checked by the caller."""
    source, target = files.place / files.run_id, place / files.run_id
    if target.exists():
        return
    temporary = place / f".{files.run_id}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    for name in files.names():
        shutil.copy2(source / name, temporary / name)
        _sync(temporary / name)
    sync_folder(temporary)
    temporary.rename(target)


def _pack(runs: list[ListedRun], place: Path, watch: Callable[[int, int], object]) -> str:
    temporary = place.with_name(f".{place.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with tarfile.open(temporary, "x:", format=tarfile.PAX_FORMAT) as tar:
            with suppress(PermissionError):
                # A disk without owners takes no modes.
                temporary.chmod(0o600)
            for count, one in enumerate(runs, start=1):
                for name in one.files.names():
                    tar.add(one.files.place / one.files.run_id / name, f"{one.files.run_id}/{name}", recursive=False)
                watch(count, len(runs))
        _sync(temporary)
        _name(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(place.parent)
    return digest_file(place)


def _name(temporary: Path, place: Path) -> None:
    """Give a file its name, which nothing may have; raises OSError."""
    try:
        os.link(temporary, place)
    except FileExistsError:
        raise
    except OSError:
        # A disk without links, such as a stick of FAT or a share: an empty file keeps the name from others meanwhile.
        place.open("xb").close()
        temporary.replace(place)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


# -- removing ---------------------------------------------------------------------------------------------


def _remove(files: RunFiles) -> None:
    """Remove a run's folder, its manifest first: without it, verification looks where the run was moved."""
    if not is_run_name(files.run_id):
        raise VerificationError(f"{files.run_id!r} is no name of a run: nothing is removed there")
    folder = files.place / files.run_id
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "is a link to where others may need it", str(folder))
    (folder / MANIFEST).unlink(missing_ok=True)
    sync_folder(folder)
    shutil.rmtree(folder)
    sync_folder(files.place)


def _remove_all(runs: list[RunFiles], done: str) -> None:
    """Remove runs that were moved; raises MachineError that begins with what was done where one cannot be."""
    for files in runs:
        try:
            _remove(files)
        except OSError as error:
            problem = f"{error.filename or files.place}: the old copy of run {files.run_id} cannot be removed"
            raise MachineError(f"{done}; {problem}: {error.strerror}; called again, this removes it") from error


def _remove_moved(runs: list[ListedRun], places: Places, folder: Path) -> int:
    """Remove what a program left that died after it had moved runs; return how many those were."""
    count = 0
    for run, place in _left(runs, places, folder):
        there = ListedRun(RunFiles(place, run.files.run_id), run.sequence, run.entry, None, run.body)
        if not examine_run(there, contents=False).findings:
            _remove_all([run.files], f"runs were moved to {place} before")
            count += 1
    return count


def _left(runs: list[ListedRun], places: Places, folder: Path) -> Iterator[tuple[ListedRun, Path]]:
    for run in runs:
        place = places.archived(run.files.run_id)
        if place and (folder / run.files.run_id).is_dir():
            yield run, place


def told(archived: Archived) -> dict[str, Any]:
    """Return what was done as a JSON object has it."""
    return {
        "runs": list(archived.moved),
        "place": str(archived.place),
        "entry": archived.entry.sequence if archived.entry else None,
        "kept_for_comparison": archived.stay,
        "removed_after_earlier_move": archived.removed,
    }
