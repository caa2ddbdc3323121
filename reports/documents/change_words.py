"""Words of the documents about changes: windows, decisions and what assures them, steps and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from reports.document import Cell, Column, Row, Table, Tone
from reports.documents.change_record import assurance_of, papers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reports.documents.change_record import ChangeRecord, Decision
    from reports.documents.change_run import Batch, ChangeRun, StepDone
    from reports.documents.finding import Finding
    from reports.wording import Wording
    from runner.changes import Change, Step

_OUTCOME_TONES: Mapping[str, Tone] = {
    "done": "ok",
    "running": "unknown",
    "interrupted": "critical",
    "not begun": "warning",
    "failed": "critical",
    "rolled back": "critical",
    "paused": "warning",
    "window closed": "warning",
}
_FEASIBLE: Mapping[Any, str] = {True: "passed", False: "failed", None: "unknown"}
_DECISION_TONES: Mapping[str, Tone] = {"approved": "ok", "rejected": "critical", "withdrawn": "warning"}


@dataclass(frozen=True)
class ChangeWords:
    """Words a change in one language; times are in the zone of ``words``."""

    words: Wording

    def say(self, key: str, **parameters: Any) -> str:
        """Return a text of these documents with its parameters filled in."""
        return self.words.fill(self.words.catalogue.word("change_documents", key), parameters)

    def word(self, table: str, key: str, *path: str) -> str:
        """Return the word for a code; the code itself where there is none."""
        return self.words.catalogue.word(table, key, *path)

    def joined(self, texts: Iterable[str]) -> str:
        """Return texts as a list on one line."""
        return self.words.term("list_separator").join(texts)

    # -- times ---------------------------------------------------------------------------------------------

    def minutes(self, minutes: float) -> str:
        """Return a length of time."""
        return self.words.quantity(float(minutes), "minutes", exact=True)

    def window(self, record: ChangeRecord) -> str:
        """Return the window of a change."""
        start, end = record.change.window
        return self.span(start, end)

    def span(self, start: datetime, end: datetime) -> str:
        """Return from when to when."""
        zone = self.words.offset(start)
        return self.say("window_value", start=self.words.moment(start), end=self.words.moment(end), zone=zone)

    def clock(self, moment: datetime | None, after: datetime | None = None) -> str:
        """Return a moment to the second, since steps are short; without its day where that is the one of ``after``."""
        if moment is None:
            return self.words.term("dash")
        local = self.words.local(moment)
        same = after is not None and self.words.local(after).date() == local.date()
        return f"{local:%H:%M:%S}" if same else f"{local:%Y-%m-%d %H:%M:%S}"

    # -- who, and what assures it --------------------------------------------------------------------------

    def decision(self, one: Decision) -> str:
        """Return the word for a decision, marked where it is not about the plan as it stands."""
        word = self.word("change_decisions", one.decision)
        if one.doubts:
            return self.say("uncounted", decision=word)
        return self.say("stale", decision=word) if one.stale else word

    def doubts(self, doubts: Iterable[Mapping[str, Any]]) -> str:
        """Return why something does not count; empty where it does."""
        return self.words.term("part_separator").join(map(self.refusal, doubts))

    def counted(self, text: str, doubts: Sequence[Mapping[str, Any]], tone: Tone = "") -> Cell:
        """Return what somebody did as a cell; where it does not count that stands out, with the reasons below."""
        if not doubts:
            return Cell(text, tone=tone)
        return Cell(self.say("uncounted", decision=text), tone="critical", note=self.doubts(doubts))

    def assurance(self, step: Step) -> str:
        """Return what assures a step: a signature, or a paper and who vouches for it."""
        word = self.word("change_assurances", assurance_of(step))
        vouched_by = step.body.get("vouched_by")
        return self.say("paper_vouched", assurance=word, vouched_by=vouched_by) if vouched_by else word

    def assurance_cell(self, step: Step) -> Cell:
        """Return what assures a step, the names of its papers below; what nothing assures stands out."""
        tone: Tone = "warning" if assurance_of(step) == "word" else ""
        return Cell(self.assurance(step), tone=tone, note=self.joined(papers_of(step)))

    def approval_number(self, record: ChangeRecord) -> str:
        """Return the number of the approval: the change's, and the entries of the ledger that approve it."""
        number, entries = record.approval_number
        if not entries:
            return self.say("approval_number_none")
        return self.say("approval_number_value", number=number, entries=self.joined(map(str, entries)))

    def refusal(self, reason: Mapping[str, Any]) -> str:
        """Return why something was refused, or does not count: the words for a code, with its parameters."""
        code, parameters = str(reason.get("code")), dict(reason.get("parameters") or {})
        if isinstance(parameters.get("reason"), dict):
            parameters["reason"] = self.refusal(parameters["reason"])
        if "check" in parameters:
            parameters["check"] = self.check(str(parameters["check"]))
        for key, table in (("outcome", "change_outcomes"), ("state", "change_states")):
            if key in parameters:
                path = ("name",) if key == "outcome" else ()
                parameters[key] = self.word(table, str(parameters[key]), *path)
        if "duties" in parameters:
            duties = str(parameters["duties"]).split(", ")
            parameters["duties"] = self.joined(self.word("duties", one) for one in duties)
        if code == "differs" and "what" in parameters:
            parameters["text"] = self._difference(parameters)
        if code == "signature":
            parameters["problem"] = self._signature(str(parameters.get("problem")))
        found = self.words.catalogue.find("change_reasons", code)
        if not isinstance(found, str):
            return f"{code} {self.words.pairs(parameters)}".strip() if parameters else code
        return self.words.fill(found, parameters)

    def _difference(self, one: Mapping[str, Any]) -> str:
        """Return what differs from what was approved: a file, a host, a variable, or what people agreed on."""
        what, name = str(one["what"]), str(one.get("name") or "")
        named = self.word("change_differences", what) + ("" if name == what else f" {name}")
        how = self.word("change_differing", str(one.get("how")))
        values = f" ({one['before']} → {one['after']})" if one.get("before") or one.get("after") else ""
        return f"{self.words.labelled(named, how)}{values}"

    def _signature(self, problem: str) -> str:
        """Return what is wrong with a signature, by how the program's message begins."""
        known = self.words.catalogue.keys("change_signatures")
        return next((self.word("change_signatures", key) for key in known if problem.startswith(key)), problem)

    def check(self, name: str) -> str:
        """Return what a feasibility check is called."""
        found = self.words.catalogue.find("change_checks", name) or self.words.catalogue.find("checks", name, "title")
        return found if isinstance(found, str) else name

    # -- what became of it ---------------------------------------------------------------------------------

    def failed_verification(self, change: Change) -> str:
        """Return that the verification of a change failed, what is said of it and by whom."""
        body = change.verification.body if change.verification else {}
        return self.say("failed_verification", by=str(body.get("by") or ""), text=str(body.get("text") or "…"))

    def outcome(self, outcome: str) -> Cell:
        """Return the outcome of an execution as a cell."""
        return Cell(self.word("change_outcomes", outcome, "name"), tone=_OUTCOME_TONES.get(outcome, "unknown"))

    def outcome_tone(self, outcome: str) -> Tone:
        """Return how an outcome reads at a glance."""
        return _OUTCOME_TONES.get(outcome, "unknown")

    def result(self, one: Finding) -> Cell:
        """Return the result of a step, or what was measured, with why it is not known below."""
        text = self.words.result(one.check, one.value, one.unit, one.limits)
        reason = self.words.reason(one.reason) if one.reason else ""
        note = reason or str(one.detail.get("message") or "")
        return Cell(text, tone=cast("Tone", one.level), note=self.words.plain(note) if note else "")

    def step_name(self, one: StepDone) -> str:
        """Return what a step does, and to which service, in words; a step of the way back says so."""
        name = self.action(one.finding)
        return self.say("step_back", step=name) if one.way_back else name

    def action(self, one: Finding) -> str:
        """Return what a step does, or would do, and to which service."""
        action, service = one.detail.get("action"), one.detail.get("service")
        if not action:
            return one.subject
        return " ".join(part for part in (self.word("change_actions", str(action)), str(service or "")) if part)

    def foreseen(self, record: ChangeRecord) -> Iterator[tuple[str, str]]:
        """Yield each host with the steps that the preview foresees there; nothing where there was none."""
        if not record.preview:
            return
        steps: dict[str, list[str]] = {}
        for one in record.preview.planned:
            steps.setdefault(one.host, []).append(self.action(one))
        for host in record.hosts:
            yield host, self.words.term("part_separator").join(steps.get(host, ())) or self.say("foreseen_nothing")

    def step_result(self, one: StepDone) -> Cell:
        """Return whether a step succeeded."""
        return Cell(self.say("step_failed" if one.failed else "step_done"), tone=cast("Tone", one.finding.level))

    def step_problem(self, one: StepDone) -> str:
        """Return what went wrong with a step; empty where nothing did."""
        finding = one.finding
        problem = self.words.reason(finding.reason) if finding.reason else finding.detail.get("problem")
        if not problem:
            return ""
        # What the program says has words; what a machine says stays as it is.
        code = str(problem).partition(": ")[0]
        return self.words.plain(self.words.name(problem) if self.words.name(code) != code else problem)

    def took(self, one: StepDone) -> Cell:
        """Return how long a step took."""
        seconds = one.finding.value
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            return Cell(self.words.term("dash"))
        return Cell(self.words.quantity(seconds, "seconds"), seconds)

    def batch(self, one: Batch) -> str:
        """Return what a batch is called."""
        return self.say("batch_name", number=one.name) if one.name.isdigit() else one.name

    def batches(self, runs: Sequence[ChangeRun]) -> Iterator[tuple[str, Batch]]:
        """Yield the batches of runs with what each is called; of several runs, after the execution that it is of."""
        for place, run in enumerate(runs, 1):
            for one in run.batches:
                name = self.batch(one)
                yield self.say("batch_of", execution=place, batch=name) if len(runs) > 1 else name, one

    def gate(self, one: Finding) -> Cell:
        """Return what the gate decided of a batch, and of which hosts why, below."""
        word = str(one.detail.get("decision") or one.value)
        told = [
            self.words.labelled(self.say(f"gate_{key}"), self.words.folded(map(str, one.detail[key]), 0))
            for key in ("worse", "lost", "unmeasured")
            if one.detail.get(key)
        ]
        note = self.words.term("part_separator").join(told)
        return Cell(self.word("change_gate_decisions", word), tone=cast("Tone", one.level), note=note)

    def verdict(self, one: Finding) -> str:
        """Return what the gate decided of a batch in a sentence, with the hosts for which it did."""
        found = self.gate(one)
        return self.say("trouble_of", decision=found.text, hosts=found.note) if found.note else found.text

    def feasibility(self, record: ChangeRecord) -> Iterator[tuple[str, str, str]]:
        """Yield each feasibility check of a request: its name, passed, failed or unknown, and why."""
        for one in record.asked.get("feasibility") or ():
            reason = one.get("reason")
            note = self.refusal(reason) if isinstance(reason, dict) else str(reason or "")
            yield self.check(str(one.get("check"))), _FEASIBLE.get(one.get("passed"), "unknown"), note

    def afterwards(self, runs: Sequence[ChangeRun]) -> Iterator[tuple[Finding, Cell]]:
        """Yield what the last run of each host measured last beside its steps, with the result in words.

        What was measured before the way back of its host says so.
        """
        last = {host: run for run in runs for host in run.hosts}
        for run in runs:
            for one in run.others:
                if last.get(one.host) is run:
                    found = self.result(one)
                    outdated = (one.host, one.check, one.subject) in run.outdated
                    text = self.say("before_way_back", result=found.text) if outdated else found.text
                    yield one, Cell(text, note=found.note)

    def procedure(self, name: str) -> str:
        """Return what a procedure is called."""
        return self.word("procedures", name, "title") if self.words.catalogue.find("procedures", name) else name


# -- tables that several documents have -------------------------------------------------------------------


def decisions_table(record: ChangeRecord, words: ChangeWords) -> Table:
    """Return every decision on a change: what, by whom, when, assured how, why, and the entry that tells it."""
    columns = (
        Column(words.say("decision"), 14),
        Column(words.say("by"), 12),
        Column(words.say("time"), 20),
        Column(words.say("assurance"), 22),
        Column(words.say("reason_given"), 24),
        Column(words.say("entry"), 8),
    )
    rows = tuple(
        Row(
            (
                Cell(words.decision(one), tone=_tone(one), note=words.doubts(one.doubts)),
                Cell(one.by),
                Cell(words.words.moment(one.step.at)),
                words.assurance_cell(one.step) if one.decision != "withdrawn" else Cell(words.words.term("dash")),
                Cell(one.reason or words.words.term("dash")),
                Cell(f"#{one.step.sequence}"),
            )
        )
        for one in record.decisions
    )
    return Table(columns, rows, words.say("approvals_so_far"), sheet=words.say("approval_section"), overview=True)


def _tone(one: Decision) -> Tone:
    """Return how a decision reads; one that does not count is no approval."""
    return "critical" if one.doubts else "unknown" if one.stale else _DECISION_TONES[one.decision]


def steps_table(runs: Sequence[ChangeRun], words: ChangeWords) -> Table:
    """Return each step that runs did: host, step, when, how it went, by whom."""
    columns = (
        Column(words.say("host"), 12),
        Column(words.say("step"), 24),
        Column(words.say("started"), 25),
        Column(words.say("ended"), 11),
        Column(words.say("took"), 9, "right"),
        Column(words.say("result"), 8),
        Column(words.say("operator"), 10),
    )
    rows = tuple(
        Row(
            (
                Cell(one.host),
                Cell(words.step_name(one), note=words.step_problem(one)),
                Cell(words.clock(one.started)),
                Cell(words.clock(one.ended, one.started)),
                words.took(one),
                words.step_result(one),
                Cell(run.operator),
            )
        )
        for run in runs
        for one in run.steps
    )
    return Table(columns, rows, words.say("steps_done"), sheet=words.say("course_section"))


def batches_table(runs: Sequence[ChangeRun], words: ChangeWords) -> Table:
    """Return each batch that runs began, and what the gate decided after it."""
    columns = (
        Column(words.say("batch"), 17),
        Column(words.say("hosts"), 21),
        Column(words.say("started"), 25),
        Column(words.say("ended"), 12),
        Column(words.say("gate"), 25),
    )
    rows = tuple(
        Row(
            (
                Cell(name),
                Cell(words.words.folded(one.hosts, 0)),
                Cell(words.clock(one.started)),
                Cell(words.clock(one.ended, one.started)),
                words.gate(one.finding),
            )
        )
        for name, one in words.batches(runs)
    )
    return Table(columns, rows, sheet=words.say("batches_section"))


def state_table(runs: Sequence[ChangeRun], words: ChangeWords) -> Table:
    """Return what the last run of each host measured beside its steps: how the host stands since."""
    columns = (
        Column(words.say("host"), 18),
        Column(words.say("item"), 34),
        Column(words.say("result"), 34),
        Column(words.say("level"), 14, "center"),
    )
    rows = tuple(
        Row(
            (
                Cell(one.host),
                Cell(words.words.title(one.check, one.subject)),
                result,
                Cell(words.words.level(one.level), tone=cast("Tone", one.level)),
            )
        )
        for one, result in words.afterwards(runs)
    )
    return Table(columns, rows, words.say("configuration_hosts"), sheet=words.say("configuration_section"))
