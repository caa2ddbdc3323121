"""Upgrade request, upgrade report and restart record as fields of the purchaser's own Word form."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from reports.documents.change_record import UNDONE, assurance_of, supervisors_of
from reports.documents.change_report import actual, conclusion
from reports.documents.change_words import ChangeWords
from reports.documents.restart_record import basis, is_due
from reports.documents.restart_record import conclusion as restart_conclusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.documents.change_record import ChangeRecord
    from reports.documents.change_run import ChangeRun
    from reports.documents.restart_record import RestartRecord
    from reports.wording import Wording

_TEXTS = ("content", "reason", "risk", "impact", "backup", "rollback")
_DECISION = ("entry", "time", "decision", "by", "assurance", "vouched_by", "reason")
_STEP = ("host", "step", "started", "ended", "result", "operator")
_BATCH = ("name", "hosts_text", "started", "ended", "decision")
_FOUND = ("host", "item", "result", "level")
_ATTENDANCE = ("entry", "supervisor", "arrived", "left", "assurance", "vouched_by")
_EXECUTION = ("entry", "run", "started", "ended", "outcome", "operator")

_CHANGE: Mapping[str, tuple[str, ...]] = {
    "": (
        *("change", "requester", "requested", "procedure", "state", *_TEXTS),
        *("window", "window_from", "window_to", "reserve_minutes", "supervisor", "hosts_text"),
        *("digest", "digest_short", "emergency", "automatic", "approvals_needed", "approval_number"),
    ),
    "plan[]": ("place", "step", "minutes"),
    "planned_batches[]": ("place", "count", "hosts_text"),
    "hosts[]": ("name", "digest"),
    "approvals[]": _DECISION,
}

#: The fields of each document; those of a list or group stand below its name.
REQUEST: Mapping[str, tuple[str, ...]] = {
    **_CHANGE,
    "feasibility[]": ("check", "result", "note"),
    "foreseen[]": ("host", "steps"),
}
REPORT: Mapping[str, tuple[str, ...]] = {
    **_CHANGE,
    "": (
        *(*_CHANGE[""], "conclusion", "actual", "operators", "verified"),
        *("rolled_back_text", "not_rolled_back_text", "closing_text"),
    ),
    "executions[]": _EXECUTION,
    "steps[]": _STEP,
    "batches[]": _BATCH,
    "attendance[]": _ATTENDANCE,
    "verifications[]": ("entry", "time", "by", "assurance", "vouched_by", "result", "note"),
    "remainder[]": ("host", "what"),
    "afterwards[]": _FOUND,
}
RESTART: Mapping[str, tuple[str, ...]] = {
    "": ("change", "run", "started", "ended", "conclusion", "operators", "hosts_text"),
    "assessed[]": ("host", "service", "due", "result", "basis"),
    "steps[]": _STEP,
    "batches[]": _BATCH,
    "afterwards[]": _FOUND,
}


def request_fields(record: ChangeRecord, wording: Wording) -> dict[str, Any]:
    """Return the fields of an upgrade request."""
    words = ChangeWords(wording)
    return {
        **_change(record, words),
        "feasibility": [
            {"check": check, "result": words.say(result), "note": note}
            for check, result, note in words.feasibility(record)
        ],
        "foreseen": [{"host": host, "steps": steps} for host, steps in words.foreseen(record)],
    }


def report_fields(record: ChangeRecord, wording: Wording) -> dict[str, Any]:
    """Return the fields of an upgrade report."""
    words, change = ChangeWords(wording), record.change
    closing = change.closing
    return {
        **_change(record, words),
        "conclusion": conclusion(record, words),
        "actual": actual(record, words),
        "operators": words.joined(dict.fromkeys(one.start.operator for one in change.executions)),
        "verified": record.verified,
        "rolled_back_text": words.joined(record.ended_as("rolled_back")),
        "not_rolled_back_text": words.joined(record.tried_back),
        "closing_text": str(closing.body.get("text") or "") if closing else "",
        "executions": [
            dict(
                zip(
                    _EXECUTION,
                    (
                        *(one.start.sequence, one.run, words.words.moment(one.start.at)),
                        words.words.moment(one.end.at) if one.end else "",
                        words.outcome(one.outcome or "running").text,
                        one.start.operator,
                    ),
                    strict=True,
                )
            )
            for one in change.executions
        ],
        **_runs(record.runs, words),
        "attendance": [
            {
                "entry": one.step.sequence,
                "supervisor": one.supervisor,
                "arrived": words.words.moment(one.since),
                "left": words.words.moment(one.out.at) if one.out else "",
                "assurance": words.word("change_assurances", assurance_of(one.step)),
                "vouched_by": one.vouched_by or "",
            }
            for one in change.attendances
        ],
        "verifications": [
            {
                "entry": one.sequence,
                "time": words.words.moment(one.at),
                "by": str(one.body.get("by") or ""),
                "assurance": words.word("change_assurances", assurance_of(one)),
                "vouched_by": str(one.body.get("vouched_by") or ""),
                "result": words.say("verification_passed" if one.body.get("passed") else "verification_failed"),
                "note": str(one.body.get("text") or ""),
            }
            for one in record.verifications
        ],
        "remainder": [
            {"host": host, "what": words.word("change_ends", end, "name")}
            for end in UNDONE
            for host in record.ended_as(end)
        ],
    }


def restart_fields(record: RestartRecord, wording: Wording) -> dict[str, Any]:
    """Return the fields of a restart record."""
    words, run = ChangeWords(wording), record.run
    return {
        "change": record.change,
        "run": run.run,
        "started": words.words.moment(run.started),
        "ended": words.words.moment(run.ended),
        "conclusion": restart_conclusion(record, words),
        "operators": run.operator,
        "hosts_text": words.words.folded(run.hosts, 0),
        "assessed": [
            {
                "host": one.host,
                "service": one.subject,
                "due": is_due(one),
                "result": words.words.result(one.check, one.value, one.unit, one.limits),
                "basis": basis(one, run, words),
            }
            for one in run.due
        ],
        **_runs((run,), words),
    }


def _change(record: ChangeRecord, words: ChangeWords) -> dict[str, Any]:
    change, (start, end) = record.change, record.change.window
    return {
        "change": change.number,
        "requester": change.requester,
        "requested": words.words.moment(change.requested),
        "procedure": words.procedure(change.procedure),
        "state": words.word("change_states", record.told_state),
        **{key: record.text(key) for key in _TEXTS},
        "window": words.window(record),
        "window_from": words.words.moment(start),
        "window_to": words.words.moment(end),
        "reserve_minutes": change.plan["reserve_minutes"],
        "supervisor": words.joined(supervisors_of(record)),
        "hosts_text": words.words.folded(record.hosts, 0),
        "digest": change.digest,
        "digest_short": change.digest[:16],
        "emergency": change.emergency,
        "automatic": change.automatic,
        "approvals_needed": change.rules.approvals,
        "approval_number": words.approval_number(record) if record.approval_number[1] else "",
        "plan": [
            {"place": place, "step": name, "minutes": words.minutes(minutes) if minutes is not None else ""}
            for place, (name, minutes) in enumerate(record.plan_steps, 1)
        ],
        "planned_batches": [
            {"place": place, "count": size, "hosts_text": words.joined(hosts)}
            for place, (size, hosts) in enumerate(zip_longest(record.batches, record.batch_hosts, fillvalue=()), 1)
        ],
        "hosts": [{"name": name, "digest": record.host_digest(name)} for name in record.hosts],
        "approvals": [
            dict(
                zip(
                    _DECISION,
                    (
                        *(one.step.sequence, words.words.moment(one.step.at), words.decision(one), one.by),
                        *(words.word("change_assurances", one.assurance), one.vouched_by, one.reason),
                    ),
                    strict=True,
                )
            )
            for one in record.decisions
        ],
    }


def _runs(runs: Sequence[ChangeRun], words: ChangeWords) -> dict[str, Any]:
    return {
        "steps": [
            dict(
                zip(
                    _STEP,
                    (
                        *(one.host, words.step_name(one), words.clock(one.started), words.clock(one.ended)),
                        *(words.step_result(one).text, run.operator),
                    ),
                    strict=True,
                )
            )
            for run in runs
            for one in run.steps
        ],
        "batches": [
            dict(
                zip(
                    _BATCH,
                    (
                        *(name, words.words.folded(one.hosts, 0)),
                        *(words.clock(one.started), words.clock(one.ended), words.gate(one.finding).text),
                    ),
                    strict=True,
                )
            )
            for name, one in words.batches(runs)
        ],
        "afterwards": [
            {
                "host": one.host,
                "item": words.words.title(one.check, one.subject),
                "result": result.text,
                "level": words.words.level(one.level),
            }
            for one, result in words.afterwards(runs)
        ],
    }
