"""How the contract stands, as the site shows it: overview, heat map, the rows of each obligation, what was due when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.audit_site.scripts import same
from reports.document import HeatMap, Paragraph
from reports.documents.compliance_map import map_section
from reports.documents.compliance_record import STANDINGS, TROUBLE, standing
from reports.documents.compliance_words import TONES, ComplianceWords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.audit_site.scripts import Both, Tongues
    from reports.document import Square
    from reports.documents.compliance_record import ComplianceRecord, Item
    from runner.contract.status import Row

#: So many rows that need attention stand on the overview; the obligations have all.
_ATTENTION = 500


class ContractPage:
    """A compliance record as data of the site."""

    def __init__(self, record: ComplianceRecord, tongues: Tongues) -> None:
        self.record = record
        self._words = [ComplianceWords(words, record.contract) for words in tongues.words]
        self._tongues = tongues
        self.rows: list[list[list[Any]]] = [[self._row(item, row) for row in item.rows] for item in record.items]

    def _both(self, tell: Callable[[ComplianceWords], str]) -> Both:
        return same(tell(words) for words in self._words)

    def main(self) -> dict[str, Any]:
        """Return what the overview and the heat map need."""
        record, contract = self.record, self.record.contract
        trouble = [row for rows in self.rows for row in rows if row[2] in TROUBLE]
        trouble.sort(key=lambda row: STANDINGS.index(row[2]))
        chosen = record.chosen
        return {
            "contract": record.parties.contract,
            "system": record.parties.system,
            "purchaser": record.parties.purchaser,
            "provider": contract.provider.name,
            "period": (
                f"{chosen.label} ({chosen.days.first} – {chosen.days.last})"
                if chosen
                else self._tongues.word("audit", "period_whole")
            ),
            "asOf": self._tongues.time(record.moment.isoformat()),
            "today": str(record.day_of(record.moment)),
            "counts": [[name, count] for name, count in record.counts.items() if count] if record.items else [],
            "tones": TONES,
            "order": list(STANDINGS),
            "attention": trouble[:_ATTENTION],
            "obligations": [self._obligation(item) for item in record.items],
            "heat": self._heat(),
        }

    def _obligation(self, item: Item) -> dict[str, Any]:
        one = item.obligation
        return {
            "id": one.id,
            "name": one.name,
            "kind": self._both(lambda words: words.kind(one)),
            "clause": one.clause,
            "owner": self._both(lambda words: words.owner(one)),
            "standing": item.standing,
            "counts": [[name, count] for name, count in item.counts.items()],
        }

    def _row(self, item: Item, row: Row) -> list[Any]:
        one, moment = item.obligation, self.record.moment
        return [
            one.id,
            self._both(lambda words: words.what(row)),
            standing(row),
            self._both(lambda words: words.due(row)),
            self._both(lambda words: words.done(row)),
            self._both(lambda words: words.margin(row, one, moment)),
            sorted(set(row.evidence)),
            self._both(lambda words: words.reason(row)),
            row.due.timestamp() if row.due else None,
        ]

    def _heat(self) -> list[Any] | None:
        """Return the heat map in each language; None where no month has anything."""
        found = [self._heat_of(words) for words in self._words]
        return found if all(found) else None

    def _heat_of(self, words: ComplianceWords) -> dict[str, Any] | None:
        section = map_section(self.record, words)
        chart = next((block for block in section.blocks if isinstance(block, HeatMap)), None)
        if chart is None:
            return None
        meanings = {square: word for square, word in chart.legend}  # noqa: C416 - says what is what
        years = [title for title, count in chart.groups for _ in range(count)]

        def shown(square: Square) -> list[str]:
            return [square.letter, _look(square), meanings.get(square, "")]

        return {
            "columns": list(chart.columns),
            "names": [f"{year} {month}".strip() for year, month in zip(years, chart.columns, strict=True)],
            "groups": [list(group) for group in chart.groups],
            "lines": [
                [item.obligation.id, line.label, [shown(square) for square in line.squares]]
                for item, line in zip(self.record.items, chart.lines, strict=True)
            ],
            "legend": [shown(square) for square, _ in chart.legend],
            "note": " ".join(block.text for block in section.blocks if isinstance(block, Paragraph)),
        }

    def due_days(self) -> dict[str, list[list[Any]]]:
        """Return by day what was due on it, and what is due next: obligation, what, and how it stands."""
        found: dict[str, list[list[Any]]] = {}
        for item, rows in zip(self.record.items, self.rows, strict=True):
            named = set()
            for row, told in zip(item.rows, rows, strict=True):
                if row.due:
                    day = str(self.record.day_of(row.due))
                    named.add(day)
                    found.setdefault(day, []).append([told[0], told[1], told[2]])
            if item.next_due and (day := str(self.record.day_of(item.next_due.moment))) not in named:
                found.setdefault(day, []).append([item.obligation.id, item.obligation.name, "due"])
        return found


def _look(square: Square) -> str:
    return f"{square.tone or 'plain'}{' filled' if square.filled else ''}" if square.letter else ""


def years_of(days: Sequence[str]) -> list[str]:
    """Return the years that days lie in, sorted."""
    return sorted({day[:4] for day in days})
