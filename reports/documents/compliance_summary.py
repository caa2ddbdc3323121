"""How a contract stands, for a terminal: a line for each obligation, or for each row, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.documents.compliance_record import standing
from reports.documents.compliance_words import TONES, ComplianceWords, tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.document import Tone
    from reports.documents.compliance_record import ComplianceRecord, Item
    from reports.wording import Wording
    from runner.contract.status import Row


@dataclass(frozen=True)
class SummaryLine:
    """One line of the summary: its cells as a table shows them, and how it reads at a glance."""

    cells: tuple[str, ...]
    tone: Tone = ""


@dataclass(frozen=True)
class Summary:
    """The summary of a contract: what it is about, titles of the columns, lines, and the sentences below them.

    ``spare`` is the place of the column that a narrow terminal does without, ``whole`` are those of columns whose words
    are not broken: ids, dates, states.
    """

    heading: str
    titles: tuple[str, ...]
    spare: int
    whole: tuple[int, ...]
    lines: tuple[SummaryLine, ...]
    ending: tuple[str, ...]

    def plain(self) -> Iterator[str]:
        """Yield the summary as lines of text; cells stand apart by two spaces, empty ones by a dash."""
        yield self.heading
        for line in self.lines:
            yield "  ".join(cell or "-" for cell in line.cells)
        yield from self.ending


def compliance_summary(record: ComplianceRecord, wording: Wording, *, detail: bool = False) -> Summary:
    """Return how a contract stands: a line for each obligation, with ``detail`` for each row."""
    words = ComplianceWords(wording, record.contract)
    titles: tuple[str, ...]
    if detail:
        titles = ("obligation", "name", "what", "state", "due", "done", "margin", "remarks")
        lines = tuple(_row(item, row, record, words) for item in record.items for row in item.rows)
    else:
        titles = ("obligation", "name", "kind", "counts", "next_due")
        lines = tuple(_item(item, words) for item in record.items)
    return Summary(
        heading=_heading(record, words),
        titles=tuple(words.say(title) for title in titles),
        spare=titles.index("name" if detail else "kind"),
        whole=tuple(titles.index(one) for one in ("obligation", "state", "due", "done", "next_due") if one in titles),
        lines=lines,
        ending=tuple(_ending(record, words)),
    )


def _heading(record: ComplianceRecord, words: ComplianceWords) -> str:
    zone = f"UTC{words.words.local(record.moment).isoformat()[-6:]}"
    parts = [
        f"{record.contract.number} {record.contract.title}",
        words.say("line_as_of", moment=words.until(record.moment), zone=zone),
    ]
    if record.chosen:
        parts.append(words.say("line_period", name=record.chosen.label))
    if record.forecast:
        parts.append(words.say("line_forecast"))
    return words.words.term("part_separator").join(parts)


def _item(item: Item, words: ComplianceWords) -> SummaryLine:
    due = item.next_due
    coming = words.marked(words.date(due.moment), provisional=due.provisional, estimated=due.estimated) if due else ""
    one = item.obligation
    cells = (one.id, words.name(one), words.kind(one), words.counts(item.counts.items()), coming)
    return SummaryLine(cells, TONES.get(item.standing, ""))


def _row(item: Item, row: Row, record: ComplianceRecord, words: ComplianceWords) -> SummaryLine:
    one, subject = item.obligation, words.subject(row)
    evidence, reason = words.evidence(row.evidence), words.reason(row)
    remarks = words.words.term("part_separator").join(part for part in (evidence, reason) if part)
    cells = (
        one.id,
        words.name(one),
        " · ".join(part for part in (row.period, subject) if part),
        words.state(standing(row)),
        words.due(row),
        words.done(row),
        words.margin(row, one, record.moment),
        remarks,
    )
    return SummaryLine(cells, tone(row))


def _ending(record: ComplianceRecord, words: ComplianceWords) -> Iterator[str]:
    if not record.items:
        yield words.say("nothing_in_contract")
        return
    counts = [(name, count) for name, count in record.counts.items() if count]
    yield words.say("line_total", counts=words.counts(counts))
    if record.ledger:
        yield words.words.term("ledger", head=record.ledger.printed)
