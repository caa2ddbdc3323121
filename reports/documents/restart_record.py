"""重启记录: which services were due for a restart and why, which were restarted when, and how they stand since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from reports.document import Cell, Column, Document, Figure, Figures, Paragraph, Row, Section, Signatory, Table
from reports.documents import frame
from reports.documents.change_run import FIGURES
from reports.documents.change_words import ChangeWords, batches_table, state_table, steps_table
from reports.documents.inspection_provenance import provenance_facts
from reports.documents.inspection_record import Issue, Parties, default_number, parties_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from reports.document import Block, LedgerHead, Tone
    from reports.documents.change_run import ChangeRun
    from reports.documents.finding import Finding
    from reports.wording import Wording
    from runner.contract.model import Contract
    from runner.contract.people import Person


@dataclass(frozen=True)
class RestartRecord:
    """One run of the restart procedure, assessment and restarts; ``change`` is the number it ran under, if any."""

    issue: Issue
    parties: Parties
    site: str
    created: datetime
    run: ChangeRun
    change: str
    obligations: tuple[str, ...]
    reasons: tuple[Mapping[str, Any], ...]
    ledger: LedgerHead | None = None

    @property
    def overdue(self) -> tuple[Finding, ...]:
        """Return the assessments by which a restart is due."""
        return tuple(one for one in self.run.due if is_due(one))

    @property
    def failed(self) -> int:
        """Return how many steps of the restart did not succeed; those that lead back are told apart."""
        return sum(one.failed for one in self.run.work)

    @property
    def always(self) -> bool:
        """Return whether the change restarts services that are not due, too."""
        variables = (self.run.manifest.get("arguments") or {}).get("variables") or {}
        return bool(self.change) and variables.get("service_restart_when") == "always"

    @property
    def tone(self) -> Tone:
        """Return how the run reads at a glance: restarts that went wrong before what is due, before what is fine."""
        levels = [one.finding.level for one in self.run.trouble]
        if self.failed or self.reasons or "critical" in levels or self.run.led_back:
            return "critical"
        if levels:
            return "warning"
        return "notice" if self.overdue else "ok" if self.run.due else "unknown"


def is_due(one: Finding) -> bool:
    """Return whether an assessment says that a restart is due; what is not known is not."""
    return one.level in ("notice", "warning", "critical") and bool(one.value)


def restart_record(
    run: ChangeRun,
    *,
    contract: Contract | None = None,
    people: Sequence[Person] = (),
    issue: Issue | None = None,
    ledger: LedgerHead | None = None,
) -> RestartRecord:
    """Return the record of one sealed run; ``issue`` defaults to a first draft numbered after the run."""
    manifest = run.manifest
    clauses = {one.id: one.clause for one in contract.obligations} if contract else {}
    return RestartRecord(
        issue=issue or Issue(default_number(manifest, contract)),
        parties=parties_of(manifest, contract, people),
        site=str(manifest["site"]),
        created=run.ended,
        run=run,
        change=_change_of(manifest),
        obligations=tuple(f"{one} {clauses.get(one, '')}".strip() for one in manifest.get("obligations") or ()),
        reasons=tuple(manifest["verdict"].get("reasons") or ()),
        ledger=ledger,
    )


def _change_of(manifest: Mapping[str, Any]) -> str:
    """Return the number of the change that a run was made under; empty where there is none."""
    return str((manifest.get("approval") or {}).get("change") or "")


def restart_document(record: RestartRecord, wording: Wording) -> Document:
    """Return the restart record as a document in the language and time zone of ``wording``."""
    words = ChangeWords(wording)
    parts = (
        Section(words.say("restart_conclusion_section"), tuple(_conclusion(record, words))),
        Section(words.say("assessment_section"), (_assessment(record, words),)),
        Section(words.say("restart_section"), tuple(_restarts(record, words))),
        Section(words.say("restart_after_section"), (state_table((record.run,), words),) if record.run.others else ()),
        _made(record, words),
        frame.signature_section(
            _signatories(record, words), record.parties, record.ledger, words.say("restart_note"), wording
        ),
    )
    return frame.framed(
        record,
        wording,
        title=words.say("restart_title"),
        created=record.created,
        facts=_facts(record, words),
        parts=parts,
        sheets=(),
    )


def _facts(record: RestartRecord, words: ChangeWords) -> tuple[tuple[str, str], ...]:
    parties, term, run = record.parties, words.words.term, record.run
    found = (
        (term("number"), record.issue.number),
        (term("version"), frame.version_of(record.issue, words.words)),
        (term("purchaser"), parties.purchaser),
        (term("provider"), parties.provider),
        (term("contract"), parties.contract),
        (term("obligations"), words.words.term("part_separator").join(record.obligations)),
        (words.say("restart_period"), words.span(run.started, run.ended)),
        (words.say("operator"), parties.inspector or run.operator),
        (words.say("change"), record.change or words.say("no_change")),
        (words.say("hosts"), words.words.folded(run.hosts, 0)),
    )
    return tuple((name, value) for name, value in found if value)


def conclusion(record: RestartRecord, words: ChangeWords) -> str:
    """Return what was assessed and done, in a sentence."""
    run = record.run
    told = [words.say("restart_lead", hosts=len(run.hosts), services=len(run.due), due=len(record.overdue))]
    if run.work:
        if record.always:
            told.append(words.say("restart_always"))
        key = "restart_failed" if record.failed else "restart_done"
        told.append(words.say(key, steps=len(run.work), failed=record.failed))
    else:
        told.append(words.say("restart_check" if run.check else "restart_none"))
    told += [
        words.say("restart_trouble", batch=words.batch(one), decision=words.verdict(one.finding)) for one in run.trouble
    ]
    for key, wanted in (("restart_back", True), ("restart_back_failed", False)):
        hosts = [host for host, well in run.led_back.items() if well is wanted]
        if hosts:
            told.append(words.say(key, hosts=words.words.folded(hosts, 0)))
    return words.words.term("sentence_gap").join(told)


def _conclusion(record: RestartRecord, words: ChangeWords) -> Iterator[Block]:
    yield Paragraph(conclusion(record, words), tone=record.tone)
    if record.reasons:
        reasons = words.words.term("part_separator").join(words.words.verdict_reason(one) for one in record.reasons)
        yield Paragraph(words.say("restart_incomplete", reasons=reasons), tone="critical")
    counts: tuple[tuple[str, int, Tone], ...] = (
        ("figure_hosts", len(record.run.hosts), ""),
        ("figure_services", len(record.run.due), ""),
        ("figure_due", len(record.overdue), "notice"),
        ("figure_steps", len(record.run.work), ""),
        ("figure_steps_failed", record.failed, "critical"),
    )
    yield Figures(tuple(Figure(words.say(key), str(n), shade if n else "", n) for key, n, shade in counts))


def _assessment(record: RestartRecord, words: ChangeWords) -> Block:
    if not record.run.due:
        return Paragraph(words.say("assessment_none"), tone="unknown")
    columns = (
        Column(words.say("host"), 14),
        Column(words.say("service"), 19),
        Column(words.say("due"), 13),
        *(Column(words.say(one.replace(".", "_")), width) for one, width in zip(FIGURES, (12, 12, 30), strict=True)),
    )
    rows = tuple(
        Row(
            (
                Cell(one.host),
                Cell(one.subject),
                _figure(one, words),
                *(_figure(record.run.figures.get((one.host, one.subject, check)), words) for check in FIGURES),
            )
        )
        for one in record.run.due
    )
    return Table(columns, rows, sheet=words.say("assessment_section"))


def _figure(one: Finding | None, words: ChangeWords) -> Cell:
    """Return an assessment, or a figure behind it; why it is not known, or which files, below."""
    if one is None:
        return Cell(words.words.term("dash"))
    note = words.words.reason(one.reason) if one.reason else words.words.listed(one.detail.get("files") or (), 3)
    text = words.words.result(one.check, one.value, one.unit, one.limits)
    return Cell(text, tone=cast("Tone", one.level if one.level != "ok" else ""), note=note)


def basis(one: Finding, run: ChangeRun, words: ChangeWords) -> str:
    """Return in a line what an assessment rests on: why it is not known, and the figures behind it."""
    figures = (run.figures.get((one.host, one.subject, check)) for check in FIGURES)
    told = [words.words.reason(one.reason)] if one.reason else []
    told += [
        words.words.labelled(words.say(figure.check.replace(".", "_")), _figure(figure, words).text)
        for figure in figures
        if figure
    ]
    return words.words.term("part_separator").join(told) or words.words.term("dash")


def _restarts(record: RestartRecord, words: ChangeWords) -> Iterator[Block]:
    if not record.run.steps:
        yield Paragraph(words.say("restart_none"))
        return
    yield steps_table((record.run,), words)
    if record.run.batches:
        yield batches_table((record.run,), words)


def _made(record: RestartRecord, words: ChangeWords) -> Section:
    facts = provenance_facts(record.run.manifest, words.words, words.say("procedure"))
    return Section(words.say("made_section"), (facts,), spreadsheet=False)


def _signatories(record: RestartRecord, words: ChangeWords) -> tuple[Signatory, ...]:
    parties, dash = record.parties, words.words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    return (
        Signatory(words.say("prepared"), provider, parties.inspector or ""),
        Signatory(words.say("reviewed"), provider, parties.reviewer or ""),
        Signatory(words.say("accepted"), purchaser, parties.approver or ""),
    )
