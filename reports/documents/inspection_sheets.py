"""The flat sheets of an inspection record's spreadsheet: all items in words, the logged errors, the data as sealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from module_utils.observations import LEVELS
from reports.document import LazyRows, Sheet, Tone
from reports.documents.inspection_exceptions import status_of
from reports.documents.inspection_logs import figure
from reports.text import printable

if TYPE_CHECKING:
    from reports.document import Scalar
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

_RowOf = Callable[["Finding"], "Iterator[tuple[Scalar, ...]]"]

_ITEMS = (
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
_LOGS = ("host", "log_unit", "count", "log_message")
_RAW = ("host", "check", "subject", "value", "unit", "level", "limits", "reason", "detail", "time", "run")


def sheets(record: InspectionRecord, words: Wording) -> tuple[Sheet, ...]:
    """Return the flat sheets; a fleet's rows are made while they are written, from another reading."""
    keys = (*_ITEMS, "compared") if record.compared else _ITEMS
    tones = tuple((words.level(level), cast("Tone", level)) for level in LEVELS if level != "ok")

    def worded(one: Finding) -> Iterator[tuple[Scalar, ...]]:
        yield _worded(one, record, words)

    def logged(one: Finding) -> Iterator[tuple[Scalar, ...]]:
        return _logged(one, words)

    def raw(one: Finding) -> Iterator[tuple[Scalar, ...]]:
        yield (
            *(one.host, one.check, one.subject, _scalar(one.value), one.unit, one.level),
            *(_json(one.limits), _json(one.reason), _json(one.detail), one.time, record.run),
        )

    return (
        Sheet(words.term("all_items"), tuple(words.term(key) for key in keys), _rows(record, worded), tones),
        Sheet(words.term("log_digest"), tuple(words.term(key) for key in _LOGS), _rows(record, logged)),
        Sheet(words.term("raw_data"), _RAW, _rows(record, raw)),
    )


def _rows(record: InspectionRecord, row_of: _RowOf) -> tuple[tuple[Scalar, ...], ...] | LazyRows:
    def make() -> Iterator[tuple[Scalar, ...]]:
        for _, findings in record.everything():
            for one in findings:
                yield from row_of(one)

    return LazyRows(make) if record.fleet else tuple(make())


def _logged(one: Finding, words: Wording) -> Iterator[tuple[Scalar, ...]]:
    if one.check != "log.errors":
        return
    for entry in one.detail.get("messages") or ():
        if isinstance(entry, Mapping):
            message = printable(str(entry.get("message") or ""))
            yield one.host, words.plain(entry.get("unit")), _scalar(entry.get("count")), message


def _worded(one: Finding, record: InspectionRecord, words: Wording) -> tuple[Scalar, ...]:
    section = words.catalogue.section_of(one.check)
    return (
        one.host,
        words.section(section),
        words.title(one.check),
        printable(one.subject),
        words.result(one.check, one.value, one.unit, one.limits),
        figure(one.value),
        one.unit,
        words.level(one.level),
        words.all_limits(one.check, one.limits),
        words.reason(one.reason) if one.reason else "",
        words.evidence(one.check, one.detail),
        words.advice(one.check) if one.level in ("notice", "warning", "critical") else "",
        *((status_of([one], record, words) if one.bad else "",) if record.compared else ()),
    )


def _scalar(value: Any) -> Scalar:
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
