"""Changes as the site shows them: a line each, and a page with request, approvals, refusals and executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.documents.change_record import UNDONE, assurance_of
from reports.documents.change_words import ChangeWords
from runner.changes import HOST_ENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reports.audit_site.scripts import Both, Tongues
    from reports.documents.change_record import ChangeRecord
    from runner.changes import Change, Step

    #: Gives the files that an entry names, as path in the pack and name.
    FilesOf = Callable[[int], Sequence[Sequence[str | None]]]
    #: Why an approval or a presence does not count, by entry: codes with parameters.
    Doubts = Mapping[int, Sequence[Mapping[str, Any]]]

_TEXTS = ("content", "reason", "risk", "impact", "backup", "rollback")


def change_line(record: ChangeRecord, tongues: Tongues) -> list[Any]:
    """Return a change's line in the list."""
    change = record.change
    start, end = (tongues.time(one.isoformat())[:16] for one in change.window)
    return [
        change.number,
        record.told_state,
        change.procedure,
        list(record.hosts),
        start,
        end,
        change.requester,
        [list(pair) for pair in dict.fromkeys((one.by, one.assurance) for one in record.decisions if one.counts)],
        change.rules.approvals,
        record.outcome,
        change.emergency,
        change.entry,
        record.text("content"),
        len(record.ended_as(*UNDONE)) if change.executions and not change.running else 0,
    ]


def change_detail(
    record: ChangeRecord, documents: Sequence[list[Any]], files_of: FilesOf, tongues: Tongues
) -> dict[str, Any]:
    """Return a change's page; ``documents`` are the lines of those that are of its case."""
    change, plan = record.change, record.change.plan
    told = _Told(tongues, files_of)
    closure = plan.get("closure") or {}
    return {
        "requested": tongues.time(change.requested.isoformat()),
        "case": change.case_name or "",
        "texts": {key: record.text(key) for key in _TEXTS},
        "supervisor": record.text("supervisor"),
        "reserve": change.reserve.total_seconds() / 60,
        "automatic": change.automatic,
        "digest": change.digest,
        "closure": closure.get("digest"),
        "core": closure.get("ansible_core"),
        "variables": dict(plan.get("variables") or {}),
        "plan": [[name, minutes] for name, minutes in record.plan_steps],
        "batches": list(record.batches),
        "preview": (record.asked.get("preview") or {}).get("run"),
        "feasibility": [
            [_both([one[0] for one in both]), both[0][1], _both([one[2] for one in both])]
            for both in told.in_each(lambda words: list(words.feasibility(record)))
        ],
        "decisions": [
            [one.decision, one.by, told.time(one.step.at), *told.proof(one.step), one.reason, one.step.sequence,
             told.reasons(one.doubts), one.stale]
            for one in record.decisions
        ],
        "attendance": [
            [one.supervisor, told.time(one.since), told.time(one.until), *told.proof(one.step),
             [step.sequence for step in (one.step, one.out) if step],
             told.reasons(record.doubts_of(one.step))]
            for one in change.attendances
        ],
        "refusals": [
            [told.time(one.at), str(one.body.get("attempt")), one.operator, told.reasons(one.body.get("reasons") or ()),
             one.sequence, one.by]
            for one in record.refusals
        ],
        "executions": [
            [one.run, told.time(one.start.at), told.time(one.end.at if one.end else None), one.outcome or "running",
             [[end, list(one.hosts.get(end, ()))] for end in HOST_ENDS if one.hosts.get(end)], one.start.operator,
             [step.sequence for step in (one.start, one.end) if step]]
            for one in change.executions
        ],
        "verifications": [
            [told.time(one.at), str(one.body.get("by") or ""), bool(one.body.get("passed")),
             str(one.body.get("text") or ""), *told.proof(one), one.sequence, told.reasons(record.doubts_of(one))]
            for one in record.verifications
        ],
        "closing": _closing(change, told),
        "documents": list(documents),
        "entries": [one.sequence for one in change.steps],
    }  # fmt: skip


class _Told:
    """Times, proofs and reasons in both languages."""

    def __init__(self, tongues: Tongues, files_of: FilesOf) -> None:
        self.tongues, self.files_of = tongues, files_of
        self.words = [ChangeWords(words) for words in tongues.words]

    def time(self, moment: datetime | None) -> str:
        """Return a moment to the second; empty for none."""
        return self.tongues.time(moment.isoformat()) if moment else ""

    def proof(self, step: Step) -> list[Any]:
        """Return what assures a step, who vouches for its papers, and the papers."""
        files = [list(one) for one in self.files_of(step.sequence)]
        return [assurance_of(step), str(step.body.get("vouched_by") or ""), files]

    def reasons(self, reasons: Sequence[Mapping[str, Any]]) -> list[Both]:
        """Return why something was refused, or does not count."""
        return [_both([words.refusal(one) for words in self.words]) for one in reasons]

    def in_each(self, tell: Callable[[ChangeWords], list[Any]]) -> list[tuple[Any, ...]]:
        """Return what is told in each language, item by item."""
        return list(zip(*(tell(words) for words in self.words), strict=True))


def _both(texts: Sequence[str]) -> Both:
    return texts[0] if len(set(texts)) == 1 else list(texts)


def _closing(change: Change, told: _Told) -> list[Any] | None:
    one = change.closing
    if one is None:
        return None
    return [told.time(one.at), str(one.body.get("outcome") or ""), str(one.body.get("text") or ""), one.sequence]
