"""Values and sentences for people: figures with units, times in the contract's zone, codes as words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from reports.text import natural, printable, shorten

if TYPE_CHECKING:
    from reports.catalogue import Catalogue

_FIELD = re.compile(r"\{(\w+)(?::([^}]*))?\}")
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMALS = {"per_core": 2, "milliseconds": 2}
#: How the entries of known lists read.
_ENTRIES = {
    "ports": "{port} {process}",
    "tally": "{unit} {count}",
    "holders": "{process}({pid}) {bytes:bytes} {path}",
    "parents": "{process}({parent}) × {count}",
}
_LONGEST_TEXT = 240
_LISTED = 6


@dataclass(frozen=True)
class Wording:
    """Words one language's catalogue for one time zone; ``zone`` None stands for the controller's own."""

    catalogue: Catalogue
    zone: tzinfo | None = None

    # -- words -------------------------------------------------------------------------------------------

    def term(self, key: str, **parameters: Any) -> str:
        """Return a term of documents with its parameters filled in."""
        return self.fill(self.catalogue.word("terms", key), parameters)

    def share(self, key: str) -> int:
        """Return a width that the language's words need, as a share of a table's columns."""
        return int(self.term(key))

    def level(self, level: str) -> str:
        """Return the word for a level."""
        return self.catalogue.word("levels", level)

    def section(self, section: str) -> str:
        """Return the title of a section of checks."""
        return self.catalogue.word("sections", section)

    def title(self, check: str, subject: str = "") -> str:
        """Return what was checked: the title of the check and, where there is one, its subject."""
        title = self.catalogue.word("checks", check, "title")
        return f"{title} {shorten(printable(subject), _LONGEST_TEXT)}" if subject else title

    def advice(self, check: str) -> str:
        """Return what to do about a bad value, with the clause of GB/T 22239 that the check serves."""
        advice = self.catalogue.find("checks", check, "advice")
        clause = self.catalogue.find("checks", check, "clause")
        text = advice if isinstance(advice, str) else self.term("dash")
        return text + self.term("clause", clause=clause) if clause else text

    def reason(self, reason: Mapping[str, Any] | None) -> str:
        """Return why something is unknown."""
        code, parameters = _coded(reason)
        return self.fill(self.catalogue.word("reasons", code, "text"), parameters)

    def remedy(self, reason: Mapping[str, Any] | None) -> str:
        """Return what would make the unknown known."""
        code, parameters = _coded(reason)
        found = self.catalogue.find("reasons", code, "remedy")
        return self.fill(found, parameters) if isinstance(found, str) else self.term("dash")

    def verdict_reason(self, reason: Mapping[str, Any]) -> str:
        """Return why a run is not complete."""
        code, parameters = _coded(reason)
        return self.fill(self.catalogue.word("verdicts", code), parameters)

    # -- values ------------------------------------------------------------------------------------------

    def result(self, check: str, value: Any, unit: str) -> str:
        """Return a measured value as people read it; None reads as not measured."""
        if value is None:
            return self.term("not_measured")
        words = self.catalogue.find("checks", check, "values", value)
        if isinstance(words, str):
            return words
        template = self.catalogue.find("checks", check, "result")
        if isinstance(template, str):
            return self.fill(template, {"value": value})
        return self.quantity(value, unit)

    def limit(self, check: str, value: Any, limits: Mapping[str, Any], level: str) -> str:
        """Return the limit that a value reached: the figure, or for a flag what it should have been."""
        limit = limits.get(level)
        if limit is None:
            return self.term("dash")
        unit = self.unit_of(check)
        if unit == "flag":
            return self.term("expected", value=self.result(check, 0 if value else 1, unit))
        return self.term("below" if limits.get("below") else "at_least", value=self.quantity(limit, unit, exact=True))

    def all_limits(self, check: str, limits: Mapping[str, Any]) -> str:
        """Return every limit of a check with its level, from the mildest."""
        unit = self.unit_of(check)
        key = "below" if limits.get("below") else "at_least"
        return self.term("part_separator").join(
            f"{self.level(level)} {self.term(key, value=self.quantity(limits[level], unit, exact=True))}"
            for level in ("notice", "warning", "critical")
            if limits.get(level) is not None
        )

    def unit_of(self, check: str) -> str:
        """Return the unit of a check's value, empty for counts and names."""
        return str(self.catalogue.find("checks", check, "unit") or "")

    def quantity(self, value: Any, unit: str, *, exact: bool = False) -> str:
        """Return a value with its unit; ``exact`` drops decimals that say nothing, as limits are written."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.plain(value)
        if unit == "bytes":
            return self.size(value)
        if unit == "seconds" and value >= 120:
            return self.duration(value)
        if unit == "flag":
            return self.term(f"flag_{int(bool(value))}")
        number = f"{value:.1f}" if unit == "percent" and not exact else _number(value, _DECIMALS.get(unit, 1))
        return number if unit in ("", "count") else self._with_unit(value, number, unit)

    def _with_unit(self, value: float, number: str, unit: str) -> str:
        template = self.catalogue.word("units", unit if self.catalogue.find("units", unit) else "other")
        counted = "|" in template
        return self.fill(template, {"value": round(value, 1) if counted else number, "unit": unit})

    def size(self, value: float) -> str:
        """Return a number of bytes in the largest unit that leaves at least one."""
        size = float(value)
        for unit in _BYTE_UNITS:
            if abs(size) < 1024 or unit == _BYTE_UNITS[-1]:
                return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
            size /= 1024
        raise AssertionError("unreachable")

    def duration(self, seconds: float) -> str:
        """Return a length of time in the unit that reads best."""
        for unit, length, least in (("days", 86400, 2), ("hours", 3600, 2), ("minutes", 60, 2)):
            if seconds >= length * least:
                return self.quantity(round(seconds / length, 1), unit)
        return self.quantity(seconds, "seconds")

    def moment(self, value: Any) -> str:
        """Return a time (ISO text or datetime) as 2026-11-21 23:55 in the zone of the document."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return self.plain(value)
        return (moment.astimezone(self.zone) if moment.tzinfo else moment).strftime("%Y-%m-%d %H:%M")

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the zone of the document."""
        return moment.astimezone(self.zone)

    def labelled(self, label: str, text: str) -> str:
        """Return ``label: text`` as the language writes it."""
        return self.term("labelled", label=label, text=text)

    def plain(self, value: Any) -> str:
        """Return any value of JSON as one short line."""
        if value is None:
            return self.term("dash")
        if isinstance(value, bool):
            return self.term(f"flag_{int(value)}")
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, Mapping):
            return self.pairs(value)
        if isinstance(value, (list, tuple)):
            return self.listed(value)
        return shorten(printable(str(value)), _LONGEST_TEXT)

    def listed(self, values: Any, most: int = _LISTED) -> str:
        """Return a list on one line; of a long one the first few."""
        if not isinstance(values, (list, tuple)):
            return self.plain(values)
        text = self.term("list_separator").join(self.plain(value) for value in values[:most])
        return self.term("and_more", listed=text) if len(values) > most else text

    def pairs(self, values: Any) -> str:
        """Return a mapping on one line."""
        if not isinstance(values, Mapping):
            return self.plain(values)
        return self.listed([f"{key}={self.plain(value)}" for key, value in values.items()])

    # -- templates ---------------------------------------------------------------------------------------

    def evidence(self, check: str, detail: Mapping[str, Any]) -> str:
        """Return the figures behind a value: the parts that the catalogue names and the detail holds.

        ``{key:if}`` writes nothing: its part stands only where the figure is neither false nor 0.
        A check without such parts shows the plain figures of its detail.
        """
        templates = self.catalogue.find("checks", check, "evidence")
        parts = [
            self.fill(template, detail)
            for template in (templates if isinstance(templates, list) else ())
            if all(_is_given(detail.get(key), style) for key, style in _FIELD.findall(template))
        ]
        if not parts:
            shown = {key: value for key, value in detail.items() if key != "scope" and _is_scalar(value)}
            parts = [f"{key} {self.plain(value)}" for key, value in shown.items()]
        if detail.get("scope") in ("container", "machine"):
            parts.append(self.term(f"scope_{detail['scope']}"))
        return shorten(self.term("part_separator").join(part for part in parts if part), _LONGEST_TEXT * 2)

    def fill(self, template: str, parameters: Mapping[str, Any]) -> str:
        """Return a template with each ``{key:format}`` replaced; a parameter that is missing leaves nothing."""

        def value_of(match: re.Match[str]) -> str:
            key, style = match.groups()
            return "" if parameters.get(key) is None else self._styled(parameters[key], style or "")

        return _FIELD.sub(value_of, template)

    def _styled(self, value: Any, style: str) -> str:
        if "|" in style:
            singular, _, plural = style.partition("|")
            return f"{self.plain(value)} {singular if value == 1 else plural}"
        if style in ("bytes", "seconds", "percent", "days", "hours"):
            return self.quantity(value, style)
        if style in _ENTRIES and isinstance(value, (list, tuple)):
            return self.listed([self._entry(one, _ENTRIES[style]) for one in value], 12)
        styles: dict[str, Callable[[Any], str]] = {
            "if": lambda _: "",
            "time": self.moment,
            "list": self.listed,
            "pairs": self.pairs,
        }
        return styles.get(style, self.plain)(value)

    def _entry(self, entry: Any, template: str) -> str:
        return self.fill(template, entry).strip() if isinstance(entry, Mapping) else self.plain(entry)

    def folded(self, hosts: Iterable[str], everything: int) -> str:
        """Return host names as ranges of numbers, or "all" where they are all the hosts there are."""
        names = sorted(set(hosts), key=natural)
        if len(names) == everything and everything > 3:
            return self.term("all_hosts", count=everything)
        parts: list[str] = []
        for run in _runs(names):
            if len(run) > 2:
                parts.append(self.term("range", first=run[0], last=run[-1], count=len(run)))
            else:
                parts.extend(run)
        return self.term("list_separator").join(printable(part) for part in parts)


def _coded(reason: Mapping[str, Any] | None) -> tuple[str, Mapping[str, Any]]:
    reason = reason or {}
    parameters = reason.get("parameters")
    return str(reason.get("code", "")), parameters if isinstance(parameters, Mapping) else {}


def _number(value: float, decimals: int = 2) -> str:
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:.{1 if abs(value) >= 10 else decimals}f}".rstrip("0").rstrip(".")


def _is_given(value: Any, style: str) -> bool:
    return bool(value) if style == "if" else value is not None and value not in ("", [])


def _is_scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, (Mapping, list, tuple))


def _runs(names: list[str]) -> list[list[str]]:
    runs: list[list[str]] = []
    for name in names:
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def _follows(first: str, second: str) -> bool:
    one, two = re.fullmatch(r"(.*?)(\d+)(\D*)", first), re.fullmatch(r"(.*?)(\d+)(\D*)", second)
    if not one or not two or one.group(1, 3) != two.group(1, 3):
        return False
    return int(two.group(2)) == int(one.group(2)) + 1
