"""How an inspection record was made: run, procedure, code, arguments, hosts and sealed files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.document import Cell, Column, Facts, Row, Section, Table
from reports.documents import folding
from reports.documents.folding import grouped
from reports.documents.inspection_coverage import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.documents.inspection_record import HostResult, InspectionRecord
    from reports.wording import Wording

#: With more rows than this, a fleet's hosts stand together by outcome alone.
_MOST_ROWS = 40


def provenance_section(record: InspectionRecord, words: Wording) -> Section:
    """Return what lets anybody check, or repeat, how the record came about."""
    facts = provenance_facts(record.manifest, words)
    outcomes = (_outcomes(record, words),) if record.hosts else ()
    return Section(words.term("provenance_section"), (facts, *outcomes))


def provenance_facts(manifest: Mapping[str, Any], words: Wording, procedure: str | None = None) -> Facts:
    """Return where a document of a run comes from; ``procedure`` is its word for what was run, if not inspected."""
    operator = manifest.get("operator") or {}
    found = (
        ("run", manifest["run"]),
        ("made_procedure", manifest.get("procedure")),
        ("made_verdict", words.term(f"verdict_{manifest['verdict']['state']}")),
        ("made_operator", operator.get("login")),
        ("made_commit", _commit(manifest.get("source"), words)),
        ("made_closure", (manifest.get("closure") or {}).get("digest")),
        ("made_variables", (manifest.get("variables") or {}).get("digest")),
        ("made_arguments", _arguments(manifest.get("arguments") or {}, words)),
        ("made_tools", words.listed([f"{tool} {version}" for tool, version in (manifest.get("tool") or {}).items()])),
        ("made_events", _events(manifest, words)),
        *((f"{name}", value["sha256"]) for name, value in (manifest.get("files") or {}).items()),
    )
    names = {"made_procedure": procedure} if procedure else {}
    return Facts(tuple((names.get(name) or words.term(name), str(value)) for name, value in found if value))


def _commit(source: Mapping[str, Any] | None, words: Wording) -> str | None:
    if not source or not source.get("commit"):
        return None
    commit = str(source["commit"])
    return words.term("made_dirty", commit=commit) if source.get("dirty") else commit


def _arguments(arguments: Mapping[str, Any], words: Wording) -> str:
    parts = []
    if arguments.get("limit"):
        parts.append(words.term("made_limit", limit=arguments["limit"]))
    if arguments.get("check"):
        parts.append(words.term("made_check"))
    if arguments.get("variables"):
        parts.append(words.pairs(arguments["variables"]))
    return words.term("part_separator").join(parts) or words.term("none")


def _events(manifest: Mapping[str, Any], words: Wording) -> str:
    redactions = manifest.get("redactions") or {}
    return words.term("made_events_value", events=manifest.get("events", 0), redactions=sum(redactions.values()))


def _outcomes(record: InspectionRecord, words: Wording) -> Table:
    columns = (
        Column(words.term("host"), 22),
        Column(words.term("outcome"), 14, "center"),
        Column(words.term("tasks"), 34),
        Column(words.term("observations"), 12, "right"),
        Column(words.term("message"), 28),
    )
    rows = tuple(_outcome(hosts, record, words) for hosts in _alike(record))
    return Table(columns, rows, sheet=words.term("provenance"), compact=True)


def _alike(record: InspectionRecord) -> list[list[HostResult]]:
    """Return hosts one by one; of a fleet those together that fared alike, the missed ones first."""
    if not record.fleet:
        return [[host] for host in record.hosts]
    ordered = sorted(record.hosts, key=lambda host: not host.missed)
    alike = grouped(ordered, lambda host: (failure(host), tuple(host.tasks.items())))
    return alike if len(alike) <= _MOST_ROWS else grouped(ordered, lambda host: host.outcome)


def _outcome(hosts: list[HostResult], record: InspectionRecord, words: Wording) -> Row:
    one, counts = hosts[0], sorted({host.observed for host in hosts})
    observed = words.term("span", low=counts[0], high=counts[-1]) if len(counts) > 1 else str(counts[0])
    messages = list(dict.fromkeys(words.plain(host.message) for host in hosts))
    tasks = list(dict.fromkeys(words.term("made_tasks", **host.tasks) for host in hosts))
    return Row(
        (
            Cell(folding.hosts([host.name for host in hosts], record, words)),
            Cell(words.outcome(one.outcome), tone="critical" if one.missed else ""),
            Cell(words.listed(tasks, 1)),
            Cell(observed, counts[0] if len(counts) == 1 else None),
            Cell(words.listed(messages, 1)),
        )
    )
