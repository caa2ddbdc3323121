"""The pages of the auditor's pack: data of the site, made from what was taken into it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.audit_site.contract_page import ContractPage, years_of
from reports.audit_site.ledger_page import EACH, about, content, document_line
from reports.audit_site.run_page import RUNS_EACH
from reports.audit_site.scripts import parts, path_of, script
from runner.changes import KIND
from runner.contract.facts import EntryLine
from runner.evidence.canonical import parse_timestamp
from runner.evidence.keys import SITE
from runner.operations.entry_words import changes_of_people
from runner.operations.export_changes import change_pages
from runner.operations.lifecycle import papers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.audit_site.scripts import Tongues
    from reports.documents.compliance_record import ComplianceRecord
    from runner.evidence.finding import Finding
    from runner.evidence.keys import Keyring
    from runner.evidence.ledger import Head
    from runner.operations.export_entries import Chronicle, Taken

#: How a run's verdict reads at a glance.
RUN_TONES = {"complete": "ok", "partial": "warning", "failed": "critical", "incomplete": "critical"}

#: What stands in the calendar by name; other entries would only fill it.
_OF_DAYS = ("record", "waiver", "document", KIND)


@dataclass(frozen=True)
class Contents:
    """Everything that the pages are made from; ``runs`` are the lines of the list of runs, the newest first."""

    site: str
    record: ComplianceRecord
    chronicle: Chronicle
    keyring: Keyring
    head: Head
    fingerprint: str
    runs: Sequence[list[Any]]
    findings: Sequence[Finding]
    remarks: Sequence[Finding]
    left_out: int

    @property
    def first_key(self) -> str:
        """Return the fingerprint of the site's first key, on which all rests and which people wrote down."""
        site = (one.holder for one in self.keyring.spans(empty=True) if one.holder.organisation is None)
        return next((one.key.fingerprint for one in site if one.name == SITE), self.fingerprint)


def pages(contents: Contents, tongues: Tongues) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of data, but the pages of runs."""
    contract = ContractPage(contents.record, tongues)
    entries = contents.chronicle.entries
    days = _days(contents, contract, tongues)
    for year in years_of(list(days)):
        name = f"calendar/{year}"
        yield _file(name, {day: found for day, found in days.items() if day.startswith(year)})
    for place, rows in enumerate(contract.rows):
        yield _file(f"obligations/{place}", rows)
    for place, lines in enumerate(parts(contents.runs, RUNS_EACH)):
        yield _file(f"runs-{place}", lines)
    documents = list(_documents(contents, tongues))
    yield _file("documents", documents)
    changes, details = change_pages(contents.chronicle, contents.record, contents.keyring, documents, tongues)
    yield _file("changes", changes)
    for place, detail in enumerate(details):
        yield _file(f"changes/{place}", detail)
    count = 0
    for place, listed in enumerate(_chunks(contents, tongues)):
        count = place + 1
        yield _file(f"entries-{place}", listed)
    verdicts = Counter(line[4] for line in contents.runs)
    yield _file(
        "main",
        {
            **contract.main(),
            "site": contents.site,
            "head": {"sequence": contents.head.sequence, "printed": contents.head.grouped()},
            "firstKey": contents.first_key,
            "fingerprint": contents.fingerprint,
            "signers": {one.holder.key.fingerprint: one.holder.principal for one in contents.keyring.spans()},
            "entries": len(entries),
            "entryParts": count,
            "entriesEach": EACH,
            "runParts": -(-len(contents.runs) // RUNS_EACH),
            "runs": [[verdict, verdicts[verdict]] for verdict in RUN_TONES if verdicts[verdict]],
            "runTones": RUN_TONES,
            "years": years_of(list(days)),
            "changes": any(one.kind == KIND for one in entries),
            "leftOut": contents.left_out,
            "runsLeft": sum(one.kind == "run" for one in entries) - len(contents.runs),
            "zone": tongues.offset(contents.record.moment),
            "findings": _told(contents.findings),
            "remarks": _told(contents.remarks),
        },
    )


def _told(found: Sequence[Finding]) -> list[list[Any]]:
    return [[one.kind, str(one), one.entry] for one in found]


def _file(name: str, value: Any) -> tuple[str, bytes]:
    return path_of(name), script(name, value)


def _days(contents: Contents, contract: ContractPage, tongues: Tongues) -> dict[str, dict[str, Any]]:
    """Return by day what was due, how many runs ended how, and what was entered."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"due": [], "runs": [], "entries": []})
    for day, due in contract.due_days().items():
        found[day]["due"] = due
    runs: dict[str, Counter[str]] = defaultdict(Counter)
    for line in contents.runs:
        runs[line[2][:10]][line[4]] += 1
    for day, verdicts in runs.items():
        found[day]["runs"] = [list(pair) for pair in sorted(verdicts.items())]
    for entry in contents.chronicle.entries:
        if entry.kind in _OF_DAYS and entry.body:
            day = tongues.time(entry.body.get("at") or entry.time)[:10]
            found[day]["entries"].append([entry.sequence, about(entry.kind, entry.body, tongues)])
    return {day: found[day] for day in sorted(found) if _is_day(day)}


def _is_day(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y-%m-%d"))  # noqa: DTZ007 - only whether it is one
    except ValueError:
        return False


def _chunks(contents: Contents, tongues: Tongues) -> Iterator[list[list[Any]]]:
    """Yield the entries in lists by number: a page finds each without an index."""
    corrected = {
        one.body["corrects"]: one.sequence for one in contents.chronicle.entries if one.body.get("corrects") is not None
    }
    known = {str(line[0]) for line in contents.runs if line[13]}
    changes = changes_of_people(contents.keyring)
    chunk: list[list[Any]] = []
    place = 0
    for entry in contents.chronicle.entries:
        while (entry.sequence - 1) // EACH > place:
            yield chunk
            chunk, place = [], place + 1
        body = {**entry.body, **changes.get(entry.sequence, {})}
        chunk.append(_entry(entry, body, corrected.get(entry.sequence, 0), known, contents, tongues))
    yield chunk


def _entry(
    entry: Taken, told: Mapping[str, Any], corrected: int, known: set[str], contents: Contents, tongues: Tongues
) -> list[Any]:
    run = str(entry.body.get("run") or "")
    return [
        entry.sequence,
        entry.kind,
        tongues.time(entry.time),
        entry.signer,
        about(entry.kind, told, tongues),
        entry.path,
        # A run that is in the pack has a page of its own.
        None if entry.kind == "run" and run in known else content(entry.body),
        run if run in known else None,
        corrected,
        contents.chronicle.files_of(entry),
        _vouched(entry, contents.keyring, tongues),
    ]


def _vouched(entry: Taken, keyring: Keyring, tongues: Tongues) -> list[str] | None:
    """Return who vouches for an entry since when; nobody is an empty list, None stands for a key that was valid."""
    try:
        moment = parse_timestamp(entry.time)
    except ValueError:
        return []
    if entry.signer and keyring.valid_at(entry.signer, moment, entry.sequence):
        return None
    adoption = keyring.adoption(entry.sequence)
    return [adoption.by, tongues.time(adoption.since.isoformat())[:10]] if adoption else []


def _documents(contents: Contents, tongues: Tongues) -> Iterator[list[Any]]:
    entries = {one.sequence: one for one in contents.chronicle.entries}
    lines = [EntryLine(one.sequence, one.kind, one.time, one.body) for one in entries.values() if one.body]
    for paper in papers(lines).values():
        for version in paper.versions.values():
            steps = [
                {
                    "sequence": step.sequence,
                    "body": step.body,
                    "files": contents.chronicle.files_of(entries[step.sequence]),
                }
                for step in version.steps
            ]
            yield document_line(paper.number, paper.document, version.number, steps, tongues)
