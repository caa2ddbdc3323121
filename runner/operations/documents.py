"""Use case: documents are written from sealed evidence, and from nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reports.catalogue import load_catalogue
from reports.document import LedgerHead
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_json import as_json
from reports.documents.inspection_record import inspection_record
from reports.render import FORMATS as RENDERED
from reports.render import RenderingUnavailable, render
from reports.wording import Wording
from runner.errors import BadInput, MachineError
from runner.evidence.canonical import parse_timestamp, replace_by_parts
from runner.evidence.ledger import Ledger
from runner.evidence.verify import verified_run
from runner.history import is_whole, runs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from reports.documents.comparison import Comparison
    from runner.evidence.sealing import SealedRun
    from runner.operations.check_site import CheckedSite
    from runner.site import Site

#: Each document by name, and the procedure whose runs it is written from.
DOCUMENTS = {"inspection-record": "inspect"}

#: What a document can be written as: rendered for people, or as JSON for other programs.
FORMATS = (*RENDERED, "json")

_PERIOD = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Written:
    """The files that were written, and why others were not."""

    paths: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def write_documents(
    checked: CheckedSite,
    run: SealedRun,
    comparison: Comparison,
    language: str,
    formats: Sequence[str],
    output: Path | None = None,
) -> Written:
    """Write every document that follows from a run, in each format that this machine can make.

    ``comparison`` is what has changed since the last look.
    Raises MachineError where the disk does not take a file; what lacks on the machine is told in ``problems``.
    """
    site = checked.site
    words = Wording(load_catalogue(language, site.catalogue_overlay), checked.contract.zone())
    head = Ledger(site.ledger_folder, site.name).head()
    written = Written()
    for name in (name for name, procedure in DOCUMENTS.items() if procedure == run.manifest["procedure"] and formats):
        record = inspection_record(
            run.manifest,
            run.observations,
            contract=checked.contract,
            people=checked.people.people,
            ledger=LedgerHead(site.name, head.sequence, head.digest),
            comparison=comparison,
        )
        document = inspection_document(record, words)
        folder = output or site.documents_folder
        for form in formats:
            path = folder / f"{name}-{run.run_id}.{form}"
            try:
                parts = as_json(record) if form == "json" else [render(document, form)]
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_by_parts(path, parts)
            except RenderingUnavailable as error:
                written.problems.append(f"{form.upper()} was not written: {error}")
            except OSError as error:
                raise MachineError(f"{path}: cannot be written: {error.strerror}") from error
            else:
                written.paths.append(path)
    return written


def find_run(site: Site, procedure: str, run_id: str | None, period: str | None, zone: tzinfo | None) -> SealedRun:
    """Return the run that a document is to be written from: the one named, else the newest of the period.

    A period's record is its newest run that was whole; one that was not, only where there is no other.
    Raises BadInput where there is none, VerificationError where it is not what was sealed.
    """
    ledger = Ledger(site.ledger_folder, site.name)
    if run_id is None:
        run_id = _newest(ledger, procedure, period, zone)
    run = verified_run(ledger, site.runs_folder, run_id)
    if run.manifest["procedure"] != procedure:
        raise BadInput(f"run {run_id} is of procedure {run.manifest['procedure']}, not {procedure}")
    return run


def _newest(ledger: Ledger, procedure: str, period: str | None, zone: tzinfo | None) -> str:
    runs = runs_of(ledger, procedure)
    if period:
        wanted = _months(period)
        runs = (one for one in runs if _month(one, zone) in wanted)
        found = list(runs)
        runs = iter([*filter(is_whole, found), *found])
    newest = next(runs, None)
    if newest is None:
        raise BadInput(f"no run of {procedure} in site {ledger.site}" + (f" in {period}" if period else ""))
    return str(newest["run"])


def _month(body: Mapping[str, Any], zone: tzinfo | None) -> tuple[int, int]:
    started = parse_timestamp(str(body["started"])).astimezone(zone)
    return started.year, started.month


def _months(period: str) -> set[tuple[int, int]]:
    """Return the months of a period: 2026, 2026Q3 or 2026-07."""
    match = _PERIOD.fullmatch(period)
    if not match:
        raise BadInput(f"--period {period}: write 2026, 2026Q3 or 2026-07")
    year = int(match["year"])
    if match["month"]:
        return {(year, int(match["month"]))}
    if match["quarter"]:
        first = 3 * int(match["quarter"]) - 2
        return {(year, month) for month in range(first, first + 3)}
    return {(year, month) for month in range(1, 13)}
