"""The schedule in words: the list of due dates as aligned lines, and what a tick has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.text import columns, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reports.wording import Wording
    from runner.operations.schedule import Agenda, Line, Turn

#: What of a clause's own words stands in a line, where it has no shorter name.
_NAME = 40


@dataclass(frozen=True)
class ScheduleText:
    """Words the schedule in a language and a time zone."""

    words: Wording

    def say(self, key: str, *path: str, **parameters: Any) -> str:
        """Return a sentence of the schedule with its parameters filled in."""
        return self.words.fill(self.words.catalogue.word("schedule", key, *path), parameters)

    # -- what is due -------------------------------------------------------------------------------------------

    def agenda(self, agenda: Agenda, *, term: bool) -> Iterator[str]:
        """Yield the lines of the list: next runs, what is due, quotas and clocks; ``term``: the contract has one."""
        yield from self.turns(agenda.turns, agenda.moment)
        today = self.words.local(agenda.moment).date()
        yield ""
        if agenda.first is None:
            yield self._title("window_open", today=today, last=agenda.last)
        else:
            yield self._title("window", first=agenda.first, last=agenda.last)
        if not term:
            yield f"  {self.say('no_term')}"
        elif not agenda.lines:
            yield f"  {self.say('nothing')}"
        else:
            heads = ("due", "state", "obligation", "period", "by", "name")
            # Who names the days wants to see each date.
            folded = _folded(agenda.lines) if agenda.first is None else ([line] for line in agenda.lines)
            rows = [self._row(lines) for lines in folded]
            yield from _aligned([[self.say("columns", head) for head in heads], *rows])
        yield from self._apart("quotas", [self._quota(line) for line in agenda.quotas])
        yield from self._apart("clocks", [self._clock(line) for line in agenda.clocks])

    def _title(self, key: str, **parameters: Any) -> str:
        return self.words.labelled(self.say(key, **parameters), "").rstrip()

    def _apart(self, title: str, rows: list[list[str]]) -> Iterator[str]:
        if rows:
            yield ""
            yield self._title(title)
            yield from _aligned(rows)

    def _row(self, lines: Sequence[Line]) -> list[str]:
        line, row = lines[0], lines[0].row
        periods = {"first": row.period, "last": lines[-1].row.period, "count": len(lines)}
        one = len(lines) == 1
        return [
            self.due(line),
            self.state(line) + (self.marks(line) if one else ""),
            row.obligation,
            self.period(row.period) if one else self.say("folded", **periods),
            self.fulfilled_by(line),
            self.name(line),
        ]

    def due(self, line: Line) -> str:
        """Return the last day that is in time, with the hour where it is not over at midnight."""
        if line.row.due is None or line.day is None:
            return self.say("no_date")
        local = self.words.local(line.row.due)
        return line.day.isoformat() if local.date() > line.day else self.words.moment(line.row.due)

    def state(self, line: Line) -> str:
        """Return how a line stands."""
        if line.state == "planned":
            return self.say("planned")
        return self.words.catalogue.word("states_of_obligations", line.state)

    def marks(self, line: Line) -> str:
        """Return that a date is provisional or estimated, or that a period is cut by the term."""
        marks = [self.say("marks", mark) for mark in ("provisional", "estimated", "part") if getattr(line.row, mark)]
        return self.say("marked", marks=self.say("mark_separator").join(marks)) if marks else ""

    def period(self, label: str) -> str:
        """Return what people call a period."""
        return self.say("term") if label == "term" else printable(label)

    def fulfilled_by(self, line: Line) -> str:
        """Return what fulfils a line: a run of a procedure, a document, or a record that somebody makes."""
        one = line.obligation
        if one.kind == "procedure":
            return self.say("by", "procedure", name=self.procedure(str(one.procedure)))
        if one.kind == "document":
            return self.say("by", "document", name=self.words.catalogue.word("documents", str(one.document)))
        return self.say("by", "record")

    def procedure(self, name: str) -> str:
        """Return what people call a procedure."""
        return self.words.catalogue.word("procedures", name, "title")

    @staticmethod
    def name(line: Line) -> str:
        """Return what people call an obligation."""
        return shorten(printable(line.obligation.name), _NAME)

    def _quota(self, line: Line) -> list[str]:
        row = line.row
        key = "quota" if row.allowed is not None else "quota_open"
        figures = {"used": self.words.plain(row.used), "allowed": self.words.plain(row.allowed)}
        name = f"{self.name(line)} {row.subject}".strip()
        return [
            self.due(line),
            self.state(line),
            row.obligation,
            self.period(row.period),
            self.say(key, **figures),
            name,
        ]

    def _clock(self, line: Line) -> list[str]:
        row, margin = line.row, line.row.margin_seconds or 0.0
        left = self.say("left", left=margin) if margin >= 0 else self.say("over", over=-margin)
        if row.reason == "need_not_judged":
            left = self.say("need_not_judged")
        subject = f"{printable(row.period)} {self.words.catalogue.word('clocks', row.subject)}"
        return [self.due(line), self.state(line) + self.marks(line), row.obligation, subject, left, self.name(line)]

    # -- what runs ---------------------------------------------------------------------------------------------

    def turns(self, turns: Sequence[Turn], now: datetime) -> Iterator[str]:
        """Yield a line for the next run of each procedure, then for each that does not run by itself."""
        coming = [turn for turn in turns if turn.at is not None]
        if not coming:
            yield self.say("next_none")
        for turn in coming:
            at = self.say("at_once") if turn.ready(now) else self.words.moment(turn.at)
            yield self.say("next_run", at=at, **self._named(turn)) + self._why(turn)
        for turn in turns:
            if turn.at is None:
                yield self.say("waiting", **self._named(turn), why=self.reason(turn))

    def _why(self, turn: Turn) -> str:
        more = self.say("more", more=turn.more) if turn.more else ""
        return more + (self.say("marked", marks=self.reason(turn)) if turn.reason in ("retry", "hours") else "")

    def reason(self, turn: Turn) -> str:
        """Return why a run is not made now."""
        states = self.words.catalogue
        parameters = {**turn.parameters, "procedure": turn.procedure}
        if "verdict" in parameters:
            parameters["verdict"] = states.word("states", str(parameters["verdict"]))
        return self.say("reasons", turn.reason, **parameters)

    def runs_for(self, turn: Turn) -> str:
        """Return what a run is made for."""
        return self.say("runs_for", **self._named(turn))

    def _named(self, turn: Turn) -> dict[str, str]:
        occurrences = self.words.term("list_separator").join(turn.occurrences)
        return {"procedure": self.procedure(turn.procedure), "occurrences": occurrences}


def _folded(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines in order; the breached ones of an obligation together at the first of them."""
    breached: dict[str, list[Line]] = {}
    for line in lines:
        if line.row.state == "breached":
            breached.setdefault(line.row.obligation, []).append(line)
    together = {name: found for name, found in breached.items() if len(found) > 1}
    for line in lines:
        found = together.get(line.row.obligation) if line.row.state == "breached" else None
        if found is None:
            yield [line]
        elif line is found[0]:
            yield found


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Yield rows with their columns under each other, as a terminal counts them; the last one is left ragged."""
    widths = [max(columns(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join([*cells, row[-1]]).rstrip()
