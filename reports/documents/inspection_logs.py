"""The errors that hosts logged: host by host for few, the same message of all hosts together for a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.document import Block, Cell, Column, Paragraph, Row, Section, Table
from reports.documents import folding
from reports.documents.inspection_reading import MESSAGE_LENGTH
from reports.text import printable, shorten

if TYPE_CHECKING:
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

#: With more hosts than this, digests keep fewer messages.
_MANY_HOSTS = 4
_MESSAGES = 10
_MESSAGES_OF_MANY = 5


def log_section(record: InspectionRecord, words: Wording) -> Section:
    """Return which units logged errors and with which messages."""
    logs = record.logs
    blocks: list[Block] = []
    if logs.noisy:
        blocks = _of_fleet(record, words) if record.fleet else _of_each(record, words)
    elif logs.measured:
        blocks = [Paragraph(words.term("logs_none"))]
    elif logs.asked:
        blocks = [Paragraph(words.term("logs_unmeasured"), tone="unknown")]
    return Section(words.term("logs_section"), tuple(blocks), spreadsheet=False)


def _of_fleet(record: InspectionRecord, words: Wording) -> list[Block]:
    logs = record.logs
    columns = (
        Column(words.term("log_unit"), 20),
        Column(words.term("hosts"), 24),
        Column(words.term("count"), 9, "right"),
        Column(words.term("log_message"), 47),
    )
    rows = tuple(
        Row(
            (
                Cell(words.plain(one.unit)),
                Cell(folding.hosts(one.hosts, record, words)),
                Cell(words.plain(one.count), one.count),
                Cell(shorten(printable(one.text), MESSAGE_LENGTH)),
            )
        )
        for one in logs.messages
    )
    figures = {"hosts": logs.noisy, "errors": logs.errors, "shown": len(rows), "kinds": logs.kinds}
    lead = Paragraph(words.term("logs_of_fleet", **figures, sheet=words.term("log_digest")), note=True)
    return [lead, *((Table(columns, rows, compact=True),) if rows else ())]


def _of_each(record: InspectionRecord, words: Wording) -> list[Block]:
    found = [finding for host in record.hosts for finding in host.find("log.errors")]
    noisy = [finding for finding in found if finding.level != "unknown" and finding.value]
    return [_digest(finding, words, len(noisy) > _MANY_HOSTS) for finding in noisy]


def _digest(finding: Finding, words: Wording, many: bool) -> Table:
    columns = (
        Column(words.term("log_unit"), 24),
        Column(words.term("count"), 10, "right"),
        Column(words.term("log_message"), 66),
    )
    messages = [one for one in finding.detail.get("messages") or () if isinstance(one, Mapping)]
    rows = [
        Row(
            (
                Cell(words.plain(one.get("unit"))),
                Cell(words.plain(one.get("count")), figure(one.get("count"))),
                Cell(shorten(printable(str(one.get("message") or "")), MESSAGE_LENGTH)),
            )
        )
        for one in messages[: _MESSAGES_OF_MANY if many else _MESSAGES]
    ]
    return Table(columns, tuple(rows), _digest_title(finding, words))


def _digest_title(finding: Finding, words: Wording) -> str:
    since, reaches = finding.detail.get("since"), finding.detail.get("reaches_back_to")
    title = words.term(
        "digest_title",
        host=finding.host,
        figures=words.result(finding.check, finding.value, finding.unit),
        since=words.moment(since) if since else words.term("dash"),
    )
    if finding.detail.get("partial_coverage") and reaches:
        return words.term("digest_partial", title=title, moment=words.moment(reaches))
    return title


def figure(value: Any) -> int | float | None:
    """Return a value that is a figure, and None for any other."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
