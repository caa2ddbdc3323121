"""《升级申请》: what is to be done, when, at which risk, with which way back, and the block that approves it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reports.document import Cell, Column, Document, Facts, Paragraph, Row, Section, Signatory, Table, Tone
from reports.documents import frame
from reports.documents.change_words import ChangeWords, decisions_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.document import Block
    from reports.documents.change_record import ChangeRecord
    from reports.documents.change_run import ChangeRun
    from reports.wording import Wording

#: Of the digest so many digits are printed where people compare it by eye.
SHORT_DIGEST = 16
_RESULTS: Mapping[str, Tone] = {"passed": "ok", "failed": "critical", "unknown": "unknown"}


def upgrade_request(record: ChangeRecord, wording: Wording) -> Document:
    """Return the request as a document in the language and time zone of ``wording``."""
    words = ChangeWords(wording)
    note = "request_note_emergency" if record.change.emergency else "request_note"
    parts = (
        Section(words.say("summary_section"), tuple(_summary(record, words))),
        Section(words.say("content_section"), (_texts(record, words, "content", "reason"),)),
        Section(words.say("plan_section"), tuple(_plan(record, words))),
        Section(words.say("schedule_section"), tuple(_schedule(record, words))),
        Section(words.say("risk_section"), (_texts(record, words, "risk", "impact"),)),
        Section(words.say("backup_section"), (_backup(record, words),)),
        Section(words.say("feasibility_section"), tuple(_feasibility(record, words))),
        Section(words.say("scope_section"), tuple(_scope(record, words))),
        Section(words.say("approval_section"), tuple(_approval(record, words))),
        frame.signature_section(_signatories(record, words), record.parties, record.ledger, words.say(note), wording),
    )
    return frame.framed(
        record,
        wording,
        title=words.say("request_title"),
        created=record.created,
        facts=_facts(record, words),
        parts=parts,
        sheets=(),
    )


def _facts(record: ChangeRecord, words: ChangeWords) -> tuple[tuple[str, str], ...]:
    change, parties, term = record.change, record.parties, words.words.term
    found = (
        (term("number"), record.issue.number),
        (term("version"), frame.version_of(record.issue, words.words)),
        (term("purchaser"), parties.purchaser),
        (term("provider"), parties.provider),
        (term("contract"), parties.contract),
        (words.say("change"), change.number),
        (words.say("requester"), change.requester),
        (words.say("requested_at"), words.words.moment(change.requested)),
        (words.say("kind"), words.say("kind_emergency" if change.emergency else "kind_normal")),
        (words.say("procedure"), words.procedure(change.procedure)),
        (words.say("hosts"), words.words.folded(record.hosts, 0)),
        (words.say("window"), words.window(record)),
        (words.say("supervisor"), record.text("supervisor")),
        (words.say("state"), words.word("change_states", record.told_state)),
    )
    return tuple((name, value) for name, value in found if value)


def _summary(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    start, end = (words.words.moment(one) for one in record.change.window)
    procedure = words.procedure(record.change.procedure)
    yield Paragraph(words.say("request_lead", start=start, end=end, hosts=len(record.hosts), procedure=procedure))
    supervised = words.say("request_supervised") if record.change.rules.supervised else ""
    if record.change.emergency:
        yield Paragraph(
            words.words.term("sentence_gap").join((words.say("request_emergency"), supervised)).strip(), tone="warning"
        )
    else:
        yield Paragraph(words.words.term("sentence_gap").join((words.say("request_condition"), supervised)).strip())


def _texts(record: ChangeRecord, words: ChangeWords, *keys: str) -> Facts:
    return Facts(tuple((words.say(key), record.text(key) or words.words.term("dash")) for key in keys))


def _backup(record: ChangeRecord, words: ChangeWords) -> Facts:
    texts = _texts(record, words, "backup", "rollback")
    reserve = words.minutes(record.change.plan["reserve_minutes"])
    return Facts((*texts.pairs, (words.say("reserve"), reserve)))


# -- the plan ---------------------------------------------------------------------------------------------


def _plan(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    columns = (
        Column(words.say("number"), 10, "center"),
        Column(words.say("step"), 66),
        Column(words.say("minutes"), 24, "right"),
    )
    rows = [
        Row((Cell(str(place), place), Cell(name), _length(minutes, words)))
        for place, (name, minutes) in enumerate(record.plan_steps, 1)
    ]
    if record.change.minutes is not None and len(rows) > 1:
        rows.append(Row((Cell(""), Cell(words.say("minutes_total")), _length(record.change.minutes, words))))
    yield Table(columns, tuple(rows), words.say("plan_steps"), sheet=words.say("plan_steps"), overview=True)
    yield _batches(record, words)
    yield Paragraph(words.say("batch_rule"), note=True)
    started = words.say("mode_automatic" if record.change.automatic else "mode_manual")
    yield Paragraph(words.words.labelled(words.say("mode"), started), note=True)


def _length(minutes: float | None, words: ChangeWords) -> Cell:
    if minutes is None:
        return Cell(words.say("not_told"), tone="unknown")
    return Cell(words.minutes(minutes), float(minutes))


def _batches(record: ChangeRecord, words: ChangeWords) -> Table:
    columns = (Column(words.say("batch"), 34), Column(words.say("hosts"), 66))
    sizes, names = record.batches, record.batch_hosts
    rows = tuple(
        Row(
            (
                Cell(_batch_name(place, len(sizes), words)),
                Cell(
                    words.words.term("hosts_count", count=size),
                    note=words.words.folded(names[place - 1], 0) if names else "",
                ),
            )
        )
        for place, size in enumerate(sizes, 1)
    )
    return Table(columns, rows, words.say("plan_batches"), compact=True)


def _batch_name(place: int, batches: int, words: ChangeWords) -> str:
    return words.say("batch_canary" if place == 1 and batches > 1 else "batch_name", number=place)


def _schedule(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    start, end = record.change.window
    reserve = record.change.reserve
    minutes = reserve.total_seconds() / 60
    total = _total_minutes(record)
    work = "schedule_work_unknown" if total is None else "schedule_work"
    planned = "" if total is None else words.minutes(total)
    columns = (Column(words.say("schedule_time"), 30), Column(words.say("schedule_item"), 70))
    told = (
        (start, words.say("schedule_opens_supervised" if record.change.rules.supervised else "schedule_opens")),
        (end - reserve, words.say(work, planned=planned)),
        (end - reserve, words.say("schedule_reserve", reserve=words.minutes(minutes))) if reserve else None,
        (end, words.say("schedule_closes")),
    )
    rows = (Row((Cell(words.words.moment(one[0])), Cell(one[1]))) for one in told if one)
    yield Table(columns, tuple(rows), sheet=words.say("schedule_section"), overview=True)
    if total is not None and start + timedelta(minutes=total) + reserve > end:
        length = (end - start).total_seconds() / 60
        parameters = {"planned": planned, "reserve": words.minutes(minutes), "length": words.minutes(length)}
        yield Paragraph(words.say("schedule_tight", **parameters), tone="warning")


def _total_minutes(record: ChangeRecord) -> float | None:
    """Return how long all batches take by the plan, one after another."""
    minutes = record.change.minutes
    return None if minutes is None else minutes * len(record.batches)


# -- what was looked at beforehand, and what exactly is approved -------------------------------------------


def _feasibility(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    rows = tuple(
        Row((Cell(check), Cell(words.say(result), tone=_RESULTS[result]), Cell(note or words.words.term("dash"))))
        for check, result, note in words.feasibility(record)
    )
    if rows:
        columns = (Column(words.say("check"), 34), Column(words.say("result"), 16), Column(words.say("note"), 50))
        yield Table(columns, rows, words.say("feasibility"))
    else:
        yield Paragraph(words.say("feasibility_none"), note=True)
    preview = record.asked.get("preview")
    if preview:
        verdict = words.word("states", str(preview.get("verdict")))
        tone: Tone = "" if preview.get("verdict") == "complete" else "warning"
        yield Paragraph(words.say("preview", run=preview.get("run"), verdict=verdict), tone=tone)
        if record.preview:
            yield from _foreseen(record, record.preview, words)
    else:
        yield Paragraph(words.say("preview_none"), note=True)


def _foreseen(record: ChangeRecord, preview: ChangeRun, words: ChangeWords) -> Iterator[Block]:
    """Yield what would be done on each host, as check mode found it."""
    if not preview.planned:
        yield Paragraph(words.say("foreseen_none"), tone="warning")
        return
    yield Paragraph(words.say("foreseen_lead"), note=True)
    columns = (Column(words.say("host"), 24), Column(words.say("plan_steps"), 76))
    rows = tuple(Row((Cell(name), Cell(steps))) for name, steps in words.foreseen(record))
    yield Table(columns, rows, words.say("foreseen"), sheet=words.say("foreseen"))


def _scope(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    yield Paragraph(words.say("scope_lead"))
    yield carried_out(record, words)
    columns = (Column(words.say("host"), 30), Column(words.say("host_digest"), 70))
    rows = tuple(Row((Cell(name), Cell(record.host_digest(name)))) for name in record.hosts)
    yield Table(columns, rows, sheet=words.say("hosts"), compact=True)


def carried_out(record: ChangeRecord, words: ChangeWords) -> Facts:
    """Return what exactly is carried out: the digest that is signed, the procedure's, and the variables."""
    plan = record.change.plan
    closure = plan.get("closure") or {}
    variables = plan.get("variables") or {}
    found = (
        (words.say("digest"), record.change.digest),
        (words.say("closure"), closure.get("digest")),
        (words.say("ansible_core"), closure.get("ansible_core")),
        (words.say("variables"), _variables(variables) or words.words.term("none")),
    )
    return Facts(tuple((name, str(value)) for name, value in found if value))


def _variables(variables: Mapping[str, Any]) -> str:
    """Return variables as the request wrote them, one a line."""
    return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(variables.items()))


# -- the approval -----------------------------------------------------------------------------------------


def _approval(record: ChangeRecord, words: ChangeWords) -> Iterator[Block]:
    change = record.change
    given = record.given
    needed = change.rules.approvals
    tone: Tone = "ok" if given >= needed else "unknown"
    yield Paragraph(words.say("approvals_needed", needed=needed, given=given), tone=tone)
    if record.decisions:
        yield decisions_table(record, words)
    if given < needed and not change.ended:
        yield Paragraph(words.say("approval_to_sign", digest=change.digest[:SHORT_DIGEST]))
        pairs = (
            (words.say("to_fill"), words.say("to_fill_choice")),
            (words.say("to_fill_reason"), words.say("blank")),
            (words.say("to_fill_window"), words.window(record)),
            (words.say("to_fill_supervisor"), record.text("supervisor") or words.say("blank")),
        )
        yield Facts(pairs)


def _signatories(record: ChangeRecord, words: ChangeWords) -> tuple[Signatory, ...]:
    parties, dash = record.parties, words.words.term("dash")
    provider, purchaser = parties.provider or dash, parties.purchaser or dash
    return (
        Signatory(words.say("prepared"), provider, parties.inspector or ""),
        Signatory(words.say("reviewed"), provider, parties.reviewer or ""),
        Signatory(words.say("approved"), purchaser, parties.approver or ""),
    )
