"""A sealed run goes into the auditor's pack: its files are copied and hashed, and its pages made from them."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from reports.audit_site.run_page import run_detail, run_line
from reports.audit_site.scripts import Tongues, path_of, script
from runner.evidence.finding import Finding
from runner.evidence.reading import packed_lines
from runner.evidence.sealing import EVENTS, MANIFEST, OBSERVATIONS
from runner.operations.pack import Copied, copy, is_plain, run_folder, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from runner.evidence.run_files import RunFiles

#: Fewer runs are done sooner than further processes are started.
_FEW = 40
_BATCH = 8

_DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error)


@dataclass(frozen=True)
class Wanted:
    """A run that is to go into the pack: where its files lie, and the number and body of its entry."""

    files: RunFiles
    sequence: int
    body: Mapping[str, Any] = field(hash=False)


@dataclass
class Packed:
    """What became of a run: the files written, its line in the list of runs, and what is not as the ledger says."""

    sequence: int
    line: list[Any]
    copied: list[Copied] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Desk:
    """What every run needs: the pack's folder, a site's own words, and the zone that times are told in."""

    folder: Path
    overlay: Path | None
    zone: tzinfo | None


def pack_runs(runs: Sequence[Wanted], desk: Desk) -> Iterator[Packed]:
    """Yield what became of each run, in no order; many are done by several processes."""
    workers = min(os.cpu_count() or 1, 8)
    if len(runs) < _FEW or workers < 2:
        yield from (pack_run(one, desk) for one in runs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        batches = [tuple(runs[start : start + _BATCH]) for start in range(0, len(runs), _BATCH)]
        for found in pool.map(_pack_batch, batches, [desk] * len(batches)):
            yield from found


def _pack_batch(runs: Sequence[Wanted], desk: Desk) -> list[Packed]:
    return [pack_run(one, desk) for one in runs]


@cache
def _tongues(overlay: Path | None, zone: tzinfo | None) -> Tongues:
    return Tongues.load(overlay, zone)


def pack_run(wanted: Wanted, desk: Desk) -> Packed:
    """Copy a run into the pack and make its pages; what is missing or damaged is told, and stops nothing."""
    run_id, tongues = wanted.files.run_id, _tongues(desk.overlay, desk.zone)
    packed = Packed(wanted.sequence, run_line(wanted.body, wanted.sequence, None, tongues))
    if not is_plain(run_id):
        packed.findings.append(_finding(wanted, repr(run_id), "is no name of a run"))
        return packed
    place = f"runs/{run_folder(run_id)}"
    for name in (MANIFEST, EVENTS, OBSERVATIONS):
        try:
            with wanted.files.open(name) as source:
                packed.copied.append(copy(desk.folder, f"{place}/{name}", source))
        except OSError as error:
            packed.findings.append(_finding(wanted, f"{run_id}/{name}", f"cannot be read: {error.strerror}"))
    try:
        _make_pages(wanted, desk, packed, place)
    except _DAMAGED as error:
        packed.findings.append(_finding(wanted, run_id, f"is damaged, so it has no page: {error}"))
    return packed


def _finding(wanted: Wanted, file: str, problem: str) -> Finding:
    return Finding(file, problem, wanted.sequence, "run")


def _make_pages(wanted: Wanted, desk: Desk, packed: Packed, place: str) -> None:
    folder, tongues, run_id = desk.folder / place, _tongues(desk.overlay, desk.zone), wanted.files.run_id
    hashes = {one.path.rpartition("/")[2]: one.sha256 for one in packed.copied}
    manifest = from_json((folder / MANIFEST).read_bytes())
    if hashes.get(MANIFEST) != wanted.body.get("manifest_sha256"):
        packed.findings.append(_finding(wanted, f"{run_id}/{MANIFEST}", "differs from what its entry names"))
    for name, named in manifest["files"].items():
        if name in hashes and hashes[name] != named["sha256"]:
            packed.findings.append(_finding(wanted, f"{run_id}/{name}", "differs from what its manifest names"))
    files = [(one.path, one.path.rpartition("/")[2]) for one in packed.copied]
    with (folder / EVENTS).open("rb") as events, (folder / OBSERVATIONS).open("rb") as observations:
        detail, rest = run_detail(manifest, packed_lines(events), packed_lines(observations), files, tongues)
    line = run_line(wanted.body, wanted.sequence, manifest, tongues)
    for number, value in enumerate((detail, *rest)):
        name = place if not number else f"{place}-{number}"
        packed.copied.append(write(desk.folder, path_of(name), script(name, value)))
    packed.line = line


def lines_of(found: Iterable[Packed]) -> list[list[Any]]:
    """Return the list of runs, the newest first."""
    return [one.line for one in sorted(found, key=lambda one: one.sequence, reverse=True)]
