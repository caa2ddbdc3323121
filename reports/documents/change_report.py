"""《升级实施报告》: on which approval what was done when by whom, who watched, how it was verified, what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Cell, Column, Document, Facts, Figure, Figures, Paragraph, Row, Section, Signatory, Table
from reports.documents import frame
from reports.documents.change_record import UNDONE, supervisors_of
from reports.documents.change_request import carried_out
from reports.documents.change_words import (
    ChangeWords,
    batches_table,
    decisions_table,
    state_table,
    steps_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from reports.document import Block, Tone
    from reports.documents.change_record import ChangeRecord
    from reports.wording import Wording
    from runner.changes import Attendance

#: How it reads at a glance that a host is not done.
_END_TONES: Mapping[str, Tone] = {"left": "warning", "unsure": "warning"}


def upgrade_report(record: ChangeRecord, wording: Wording) -> Document:
    """Return the report as a document in the language and time zone of ``wording``."""
    words = ChangeWords(wording)
    parts = (
        Section(words.say("conclusion_section"), tuple(_conclusion(record, words))),
        Section(words.say("approval_report_section"), tuple(_approval(record, words))),
        Section(words.say("course_section"), tuple(_course(record, words))),
        Section(words.say("batches_section"), (_batches(record, words),)),
        Section(words.say("supervision_section"), tuple(_supervision(record, words))),
        Section(words.say("verification_section"), tuple(_verification(record, words))),
        Section(words.say("rollback_section"), tuple(_rollback(record, words))),
        Section(words.say("remainder_section"), tuple(_remainder(record, words))),
        Section(words.say("configuration_section"), tuple(_configuration(record, words))),
        Section(words.say("refusals_section"), tuple(_refusals(record, words))),
        frame.signature_section(
            _signatories(record, words), record.parties, record.ledger, words.say("report_note"), wording
        ),
    )
    return frame.framed(
        record,
        wording,
        title=words.say("report_title"),
        created=record.created,
        facts=_facts(record, words),
        parts=parts,
        sheets=(),
    )


def _facts(record: ChangeRecord, words: ChangeWords) -> tuple[tuple[str, str], ...]:
    change, parties, term = record.change, record.parties, words.words.term
    operators = dict.fromkeys(one.start.operator for one in change.executions)
    found = (
        (term("number"), record.issue.number),
        (term("version"), frame.version_of(record.issue, words.words)),
        (term("purchaser"), parties.purchaser),
        (term("provider"), parties.provider),
        (term("contract"), parties.contract),
        (words.say("change"), change.number),
        (words.say("approval_number"), words.approval_number(record)),
        (words.say("kind"), words.say("kind_emergency" if change.emergency else "kind_normal")),
        (words.say("procedure"), words.procedure(change.procedure)),
        (words.say("hosts"), words.words.folded(record.hosts, 0)),
        (words.say("window"), words.window(record)),
        (words.say("actual"), actual(record, words)),
        (words.say("operator"), words.joined(operators)),
        (words.say("supervisor"), words.joined(supervisors_of(record))),
        (words.say("state"), words.word("change_states", record.told_state)),
    )
    return tuple((name, value) for name, value in found if value)


def actual(record: ChangeRecord, words: ChangeWords) -> str:
    """Return from when to when it was carried out; empty where it was not."""
    executions = record.change.executions
    if not executions:
        return ""
    end = executions[-1].end
    return words.span(executions[0].start.at, end.at if end else record.created)


def conclusion(record: ChangeRecord, words: ChangeWords) -> str:
    """Return what became of the change, in a sentence."""
    if not record.outcome:
        return words.say("not_executed")
    gap, hosts, failed = words.words.term("sentence_gap"), len(record.hosts), record.change.failed_verification
    verified = (words.failed_verification(record.change),) if failed else ()
    if _all_done(record):
        return gap.join((words.say("all_carried_out" if failed else "all_done", hosts=hosts), *verified))
    counts = [
        words.say("conclusion_count", end=words.word("change_ends", end, "name"), count=len(record.ended_as(end)))
        for end in ("done", *UNDONE)
        if record.ended_as(end)
    ]
    told = [words.word("change_outcomes", record.outcome, "text")]
    if record.outcome != "running":
        told.append(words.say("conclusion_counts", hosts=hosts, counts=words.joined(counts)))
    return gap.join((*told, *verified))


def _all_done(record: ChangeRecord) -> bool:
    """Return whether every host is done; an execution that ended well may have gone on where an earlier one paused."""
    return record.outcome == "done" and not record.ended_as(*UNDONE)


def _conclusion(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    tone = words.outcome_tone(record.outcome) if record.outcome else "unknown"
    tone = "warning" if tone == "ok" and not _all_done(record) else tone
    tone = "critical" if record.change.failed_verification else tone
    yield Paragraph(conclusion(record, words), tone=tone)
    yield _texts(record, words)
    counts: tuple[tuple[str, int, Tone], ...] = (
        ("figure_hosts", len(record.hosts), ""),
        ("figure_done", len(record.ended_as("done")), "ok"),
        ("figure_failed", len(record.ended_as("failed", "unreachable")), "critical"),
        ("figure_rolled_back", len(record.ended_as("rolled_back")), "critical"),
        ("figure_unsure", len(record.ended_as("unsure")), "warning"),
        ("figure_left", len(record.ended_as("left")), "warning"),
    )
    yield Figures(tuple(Figure(words.say(key), str(n), shade if n else "", n) for key, n, shade in counts))


def _texts(record: ChangeRecord, words: ChangeWords) -> Facts:
    closing = record.change.closing
    found = [(words.say("content"), record.text("content"))]
    if closing:
        found.append((words.say("closing_text"), str(closing.body.get("text") or words.words.term("dash"))))
    return Facts(tuple(found))


def _approval(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    change, owed = record.change, record.approval_owed
    needed = words.say("approvals_needed", needed=change.rules.approvals, given=record.given)
    if record.given >= change.rules.approvals:
        yield Paragraph(needed, tone="ok")
    else:
        until = words.say("approval_owed", until=words.words.moment(owed)) if owed else ""
        late = owed is not None and owed < record.created
        tone: Tone = "warning" if change.emergency and not late else "critical"
        yield Paragraph(words.words.term("sentence_gap").join((needed, until)).strip(), tone=tone)
    if record.decisions:
        yield decisions_table(record, words)


# -- what was done ----------------------------------------------------------------------------------------


def _course(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    columns = (
        Column(words.say("run"), 31),
        Column(words.say("started"), 20),
        Column(words.say("ended"), 20),
        Column(words.say("outcome"), 11),
        Column(words.say("operator"), 10),
        Column(words.say("entry"), 8),
    )
    rows = tuple(
        Row(
            (
                Cell(one.run),
                Cell(words.words.moment(one.start.at)),
                Cell(words.words.moment(one.end.at) if one.end else words.words.term("dash")),
                words.outcome(one.outcome or "running"),
                Cell(one.start.operator),
                Cell(f"#{one.start.sequence}"),
            )
        )
        for one in record.change.executions
    )
    if rows:
        yield Table(columns, rows, words.say("executions"), sheet=words.say("executions"), overview=True)
    if any(run.steps for run in record.runs):
        yield steps_table(record.runs, words)
    else:
        yield Paragraph(words.say("steps_none"), note=True)


def _batches(record: ChangeRecord, words: ChangeWords) -> Block:
    if any(run.batches for run in record.runs):
        return batches_table(record.runs, words)
    return Paragraph(words.say("batches_none"), note=True)


def _supervision(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    change = record.change
    if not change.attendances:
        missing: Tone = "warning" if change.rules.supervised and change.executions else ""
        yield Paragraph(words.say("attendance_none"), tone=missing)
        return
    columns = (
        Column(words.say("supervisor"), 18),
        Column(words.say("arrived"), 20),
        Column(words.say("left_at"), 20),
        Column(words.say("assurance"), 30),
        Column(words.say("entry"), 12),
    )
    rows = tuple(_attendance(one, record.doubts_of(one.step), words) for one in change.attendances)
    told: tuple[str, Tone] = ("not_attended", "warning")
    if record.attended:
        told = ("attended", "ok") if record.left_after else ("attended_open", "warning")
    yield Paragraph(words.say(told[0]), tone=told[1])
    yield Table(columns, rows, sheet=words.say("supervision_section"), overview=True)


def _attendance(one: Attendance, doubts: Sequence[Mapping[str, Any]], words: ChangeWords) -> Row:
    out = words.words.moment(one.out.at) if one.out else words.say("not_signed_out")
    entries = [f"#{step.sequence}" for step in (one.step, one.out) if step]
    return Row(
        (
            words.counted(one.supervisor, doubts),
            Cell(words.words.moment(one.since)),
            Cell(out),
            words.assurance_cell(one.step),
            Cell(" ".join(entries)),
        )
    )


def _verification(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    found = record.verifications
    if not found:
        yield Paragraph(words.say("verification_none"), tone="unknown")
        return
    columns = (
        Column(words.say("result"), 14),
        Column(words.say("by"), 12),
        Column(words.say("time"), 20),
        Column(words.say("assurance"), 20),
        Column(words.say("note"), 26),
        Column(words.say("entry"), 8),
    )
    rows = tuple(
        Row(
            (
                words.counted(
                    words.say("verification_passed" if one.body.get("passed") else "verification_failed"),
                    record.doubts_of(one),
                    "ok" if one.body.get("passed") else "critical",
                ),
                Cell(str(one.body.get("by") or "")),
                Cell(words.words.moment(one.at)),
                words.assurance_cell(one),
                Cell(str(one.body.get("text") or words.words.term("dash"))),
                Cell(f"#{one.sequence}"),
            )
        )
        for one in found
    )
    yield Table(columns, rows, sheet=words.say("verification_section"), overview=True)


# -- what was taken back, what is left, how it stands since -------------------------------------------------


def _rollback(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    back, tried = record.ended_as("rolled_back"), record.tried_back
    missing = tuple(name for name in record.ended_as("failed", "unreachable") if name not in tried)
    told: tuple[tuple[str, tuple[str, ...], Tone], ...] = (
        ("rollback_done", back, "warning"),
        ("rollback_failed", tried, "critical"),
        ("rollback_missing", missing, "critical"),
    )
    if not (back or tried or missing):
        yield Paragraph(words.say("rollback_none"))
        return
    for key, hosts, tone in told:
        if hosts:
            yield Paragraph(words.say(key, count=len(hosts), hosts=words.words.folded(hosts, 0)), tone=tone)
    yield Facts(((words.say("rollback_plan"), record.text("rollback") or words.words.term("dash")),))


def _remainder(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    left = [(host, end) for end in UNDONE for host in record.ended_as(end)]
    if not left:
        yield Paragraph(words.say("remainder_none"))
        return
    yield Paragraph(words.say("remainder_lead"))
    columns = (Column(words.say("host"), 60), Column(words.say("remainder_what"), 40))
    rows = tuple(
        Row((Cell(host), Cell(words.word("change_ends", end, "text"), tone=_END_TONES.get(end, "critical"))))
        for host, end in left
    )
    yield Table(columns, rows, sheet=words.say("remainder_section"), overview=True)


def _configuration(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    yield Paragraph(words.say("configuration_lead"))
    if any(run.others for run in record.runs):
        yield state_table(record.runs, words)
    else:
        yield Paragraph(words.say("configuration_none"), note=True)
    facts = carried_out(record, words).pairs
    commits = dict.fromkeys(str((run.manifest.get("source") or {}).get("commit") or "") for run in record.runs)
    commit = words.joined(one for one in commits if one)
    told = (*facts, *(((words.say("commit"), commit),) if commit else ()))
    yield Facts(told, words.say("configuration_executed"))


def _refusals(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    if not record.refusals:
        return
    yield Paragraph(words.say("refusals_lead"))
    columns = (
        Column(words.say("time"), 18),
        Column(words.say("attempt"), 10),
        Column(words.say("by"), 11),
        Column(words.say("entered_by"), 11),
        Column(words.say("refusal_reasons"), 42),
        Column(words.say("entry"), 8),
    )
    rows = tuple(
        Row(
            (
                Cell(words.words.moment(one.at)),
                Cell(words.word("change_attempts", str(one.body.get("attempt")))),
                Cell(one.by or words.words.term("dash")),
                Cell(one.operator),
                Cell("\n".join(words.refusal(reason) for reason in one.body.get("reasons") or ())),
                Cell(f"#{one.sequence}"),
            )
        )
        for one in record.refusals
    )
    yield Table(columns, rows, sheet=words.say("refusals_section"))


def _signatories(record: ChangeRecord, words: ChangeWords) -> tuple[Signatory, ...]:
    parties, dash = record.parties, words.words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    return (
        Signatory(words.say("prepared"), provider, parties.inspector or ""),
        Signatory(words.say("reviewed"), provider, parties.reviewer or ""),
        Signatory(words.say("supervised"), purchaser, words.joined(supervisors_of(record))),
        Signatory(words.say("accepted"), purchaser, parties.approver or ""),
    )
