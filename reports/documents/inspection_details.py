"""The details of an inspection record: every host, every item, and the errors that were logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from module_utils.observations import LEVELS, rank
from reports.document import Block, Cell, Column, Paragraph, Row, Section, Sheet, Table, Tone
from reports.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.document import Scalar
    from reports.documents.inspection_record import Finding, HostResult, InspectionRecord
    from reports.wording import Wording

#: With more hosts than this, their details start folded on a screen and digests keep fewer messages.
_MANY_HOSTS = 4
#: With more hosts than this, what is told of each is not printed: hundreds of pages that nobody would read.
_MOST_PRINTED_HOSTS = 20
_MESSAGES = 10
_MESSAGES_OF_MANY = 5
_MESSAGE_LENGTH = 300


def hosts_section(record: InspectionRecord, words: Wording) -> Section:
    """Return one row per host, the worst first; nothing for a single host."""
    if len(record.hosts) < 2:
        return Section(words.term("hosts_section"))
    levels = tuple(reversed(LEVELS))
    columns = (
        Column(words.term("host"), 17),
        Column(words.title("host.identity"), 36),
        Column(words.term("outcome"), 16, "center"),
        *(Column(words.level(level), words.share("count_share"), "right") for level in levels),
    )
    ordered = sorted(record.hosts, key=lambda host: (not host.missed, -rank(host.worst)))
    rows = []
    for host in ordered:
        system = next((finding.value for finding in host.find("host.identity")), None)
        count = [sum(finding.level == level for finding in host.findings) for level in levels]
        rows.append(
            Row(
                (
                    Cell(host.name, anchor=anchor(record, host)),
                    Cell(words.plain(system)),
                    Cell(words.term(f"outcome_{host.outcome}"), tone="critical" if host.missed else ""),
                    *(
                        Cell(str(number), number, cast("Tone", level) if number and level != "ok" else "")
                        for level, number in zip(levels, count, strict=True)
                    ),
                )
            )
        )
    table = Table(columns, tuple(rows), sheet=words.term("hosts_section"), compact=True)
    return Section(words.term("hosts_section"), (table,))


def anchor(record: InspectionRecord, host: HostResult) -> str:
    """Return the name by which the details of a host are linked; empty where there are none."""
    return f"host-{record.hosts.index(host) + 1}" if host.findings else ""


def detail_section(record: InspectionRecord, words: Wording) -> Section:
    """Return a table of item, result, level and evidence for each host."""
    columns = (
        Column(words.term("item"), 30),
        Column(words.term("result"), 18),
        Column(words.term("level"), words.share("level_share"), "center"),
        Column(words.term("evidence"), 44),
    )
    inspected = [host for host in record.hosts if host.findings]
    parts = tuple(
        Section(
            title=host.name,
            blocks=(Table(columns, tuple(_rows(host, words))),),
            anchor=anchor(record, host),
            tone=cast("Tone", host.worst),
            collapsible=True,
            collapsed=len(inspected) > _MANY_HOSTS,
        )
        for host in inspected
    )
    elsewhere = _elsewhere(inspected, "all_items", words)
    return Section(words.term("details_section"), sections=parts, spreadsheet=False, instead_on_paper=elsewhere)


def _elsewhere(hosts: Sequence[object], sheet: str, words: Wording) -> str:
    """Return where to find what is not printed of many hosts; empty where they are few."""
    if len(hosts) <= _MOST_PRINTED_HOSTS:
        return ""
    return words.term("details_elsewhere", count=len(hosts), sheet=words.term(sheet))


def _rows(host: HostResult, words: Wording) -> list[Row]:
    rows = []
    for section, findings in groupby(
        _ordered(host.findings, words), key=lambda one: words.catalogue.section_of(one.check)
    ):
        rows.append(Row((Cell(words.section(section)),), heading=True))
        rows.extend(
            Row(
                (
                    Cell(words.title(one.check, one.subject)),
                    Cell(words.result(one.check, one.value, one.unit, one.limits)),
                    Cell(words.level(one.level), tone=cast("Tone", one.level)),
                    Cell(_evidence(one, words)),
                )
            )
            for one in findings
        )
    return rows


def _ordered(findings: tuple[Finding, ...], words: Wording) -> list[Finding]:
    """Return findings in the catalogue's order, so that each section stands together."""
    sections = list(words.catalogue.tables["sections"])

    def place(finding: Finding) -> tuple[int, int, str]:
        section = words.catalogue.section_of(finding.check)
        known = sections.index(section) if section in sections else len(sections)
        return known, words.catalogue.order_of(finding.check), finding.subject

    return sorted(findings, key=place)


def _evidence(finding: Finding, words: Wording) -> str:
    evidence = words.evidence(finding.check, finding.detail)
    if finding.level != "unknown":
        return evidence
    return words.term("part_separator").join(part for part in (words.reason(finding.reason), evidence) if part)


# -- logs -------------------------------------------------------------------------------------------------


def log_section(record: InspectionRecord, words: Wording) -> Section:
    """Return, per host, which units logged errors and with which messages."""
    found = [finding for host in record.hosts for finding in host.find("log.errors")]
    noisy = [finding for finding in found if finding.level != "unknown" and finding.value]
    blocks: list[Block] = []
    if noisy:
        blocks = [_digest(finding, words, len(noisy) > _MANY_HOSTS) for finding in noisy]
    elif any(finding.level != "unknown" for finding in found):
        blocks = [Paragraph(words.term("logs_none"))]
    elif found:
        blocks = [Paragraph(words.term("logs_unmeasured"), tone="unknown")]
    elsewhere = _elsewhere(noisy, "log_digest", words)
    return Section(words.term("logs_section"), tuple(blocks), spreadsheet=False, instead_on_paper=elsewhere)


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
                Cell(words.plain(one.get("count")), _figure(one.get("count"))),
                Cell(shorten(printable(str(one.get("message") or "")), _MESSAGE_LENGTH)),
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


def _figure(value: Any) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


# -- data for spreadsheets --------------------------------------------------------------------------------


def sheets(record: InspectionRecord, words: Wording) -> tuple[Sheet, ...]:
    """Return a spreadsheet's flat sheets: all items in words, the logged errors, and the data as sealed."""
    every = [(finding, words.catalogue.section_of(finding.check)) for finding in record.findings]
    worded = tuple(_worded(finding, section, words) for finding, section in every)
    keys = (
        "host",
        "category",
        "item",
        "subject",
        "result",
        "value",
        "unit",
        "level",
        "limit",
        "reason",
        "evidence",
        "solution",
    )
    raw_keys = ("host", "check", "subject", "value", "unit", "level", "limits", "reason", "detail", "time", "run")
    raw = tuple(
        (
            *(one.host, one.check, one.subject, _scalar(one.value), one.unit, one.level),
            *(_json(one.limits), _json(one.reason), _json(one.detail), one.time, record.run),
        )
        for one in record.findings
    )
    log_keys = ("host", "log_unit", "count", "log_message")
    logs = tuple(
        (
            finding.host,
            words.plain(one.get("unit")),
            _scalar(one.get("count")),
            printable(str(one.get("message") or "")),
        )
        for host in record.hosts
        for finding in host.find("log.errors")
        for one in finding.detail.get("messages") or ()
        if isinstance(one, Mapping)
    )
    tones = tuple((words.level(level), cast("Tone", level)) for level in LEVELS if level != "ok")
    return (
        Sheet(words.term("all_items"), tuple(words.term(key) for key in keys), worded, tones),
        Sheet(words.term("log_digest"), tuple(words.term(key) for key in log_keys), logs),
        Sheet(words.term("raw_data"), raw_keys, raw),
    )


def _worded(one: Finding, section: str, words: Wording) -> tuple[Scalar, ...]:
    return (
        one.host,
        words.section(section),
        words.title(one.check),
        printable(one.subject),
        words.result(one.check, one.value, one.unit, one.limits),
        _figure(one.value),
        one.unit,
        words.level(one.level),
        words.all_limits(one.check, one.limits),
        words.reason(one.reason) if one.reason else "",
        words.evidence(one.check, one.detail),
        words.advice(one.check) if one.level in ("notice", "warning", "critical") else "",
    )


def _scalar(value: Any) -> Scalar:
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
