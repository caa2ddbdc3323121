"""What tasks changed, as lines of a difference: Ansible tells before and after, or a difference that is ready."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from reports.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: So many differences a run shows, each of so many lines and characters a line; events.jsonl.gz has the rest.
_MOST = 500
_LINES, _LINE = 400, 500
#: Larger texts are not compared: that takes too long.
_COMPARED = 3000


@dataclass
class Differences:
    """The differences of a run: host, task, title, lines; ``left`` counts those that are not, or not all, shown."""

    found: list[list[Any]] = field(default_factory=list)
    left: int = 0

    def take(self, host: str, task: str, result: Mapping[str, Any]) -> None:
        """Take in what a result says that it changed."""
        told = result.get("diff")
        for one in told if isinstance(told, list) else [told]:
            if not isinstance(one, dict):
                continue
            title, lines = _difference(one)
            if not lines:
                continue
            if len(self.found) >= _MOST:
                self.left += 1
                continue
            if len(lines) > _LINES:
                self.left += 1
            self.found.append([host, task, title, lines[:_LINES]])


def _difference(one: Mapping[str, Any]) -> tuple[str, list[str]]:
    title = shorten(printable(str(one.get("after_header") or one.get("before_header") or "")), 160)
    prepared = one.get("prepared")
    if prepared:
        return title, [_line(line) for line in _lines(str(prepared))]
    if "before" not in one and "after" not in one:
        return title, []
    before, after = _lines(one.get("before")), _lines(one.get("after"))
    return title, [_line(line) for line in _compared(before, after)]


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    return text.removesuffix("\n").split("\n") if text else []


def _compared(before: list[str], after: list[str]) -> Iterator[str]:
    if len(before) + len(after) > _COMPARED:
        yield from (f"-{line}" for line in before)
        yield from (f"+{line}" for line in after)
        return
    # The first two lines name files; there are none to name.
    yield from islice(difflib.unified_diff(before, after, lineterm="", n=3), 2, None)


def _line(text: str) -> str:
    return printable(text[:_LINE])
