"""Values and sentences for people: figures with units, times in the contract's zone, codes as words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from module_utils.observations import GRADES
from reports.quantities import BYTE_UNITS, decimals_of, figure, is_short, mildest, scale
from reports.text import natural, printable, shorten

if TYPE_CHECKING:
    from reports.catalogue import Catalogue

_FIELD = re.compile(r"\{(\w+)(?::([^}]*))?\}")
#: How the entries of known lists read.
_ENTRIES = {
    "ports": "{port} {process}",
    "tally": "{unit} {count}",
    "holders": "{process}({pid}) {bytes:bytes} {path}",
    "parents": "{process}({parent}) × {count}",
}
_LONGEST_TEXT = 240
_INSTANT = timedelta(microseconds=1)
_LISTED = 6
#: Of more hosts than this on end, or of names in sequence, only the first are named.
_NAMED_HOSTS = 6
_MANY_NAMES = 12
_NAMED_OF_MANY = 3
#: Parameters of reasons that hold code words of the modules, which the catalogue's ``names`` word.
_CODE_WORDS = ("feature", "source", "what", "service", "message")


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
        code, parameters = self._coded(reason)
        return self.fill(self.catalogue.word("reasons", code, "text"), parameters)

    def remedy(self, reason: Mapping[str, Any] | None) -> str:
        """Return what would make the unknown known."""
        code, parameters = self._coded(reason)
        found = self.catalogue.find("reasons", code, "remedy")
        return self.fill(found, parameters) if isinstance(found, str) else self.term("dash")

    def verdict_reason(self, reason: Mapping[str, Any]) -> str:
        """Return why a run is not complete."""
        code, parameters = self._coded(reason)
        return self.fill(self.catalogue.word("verdicts", code), parameters)

    def outcome(self, outcome: str) -> str:
        """Return the word for what became of a host."""
        found = self.catalogue.find("outcomes", outcome, "name")
        return found if isinstance(found, str) else outcome

    def outcome_advice(self, outcome: str) -> str:
        """Return what happened to a host that was missed and what to do, for people who are no engineers."""
        return self.catalogue.word("outcomes", outcome, "advice")

    def asset(self, kind: str) -> str:
        """Return the word for a kind of asset that cannot be inspected; a kind unknown here is another one."""
        return self.catalogue.word("assets", kind if self.catalogue.find("assets", kind) else "other", "name")

    def asset_advice(self, kind: str) -> str:
        """Return what it means for a kind of asset that it is not inspected."""
        return self.catalogue.word("assets", kind if self.catalogue.find("assets", kind) else "other", "advice")

    def _coded(self, reason: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """Return a reason's code and its parameters, the code words among them in the language."""
        reason = reason or {}
        given = reason.get("parameters")
        parameters = dict(given) if isinstance(given, Mapping) else {}
        named = {key: self.name(value) for key, value in parameters.items() if key in _CODE_WORDS}
        return str(reason.get("code", "")), {**parameters, **named}

    def name(self, code: Any) -> Any:
        """Return what the catalogue calls a code word of the modules, part by part; other values as they are.

        Parts are separated by ``, `` or ``: ``; a number in one stands as {n} in the catalogue's key.
        """
        if not isinstance(code, str):
            return code
        parts = re.split(r"(, |: )", code)
        separators = {", ": self.term("list_separator"), ": ": self.labelled("", "")}
        return "".join(separators.get(part, self._part_name(part)) for part in parts)

    def _part_name(self, part: str) -> str:
        number = re.search(r"\d+", part)
        numbered = part.replace(number.group(), "{n}", 1) if number else part
        found = self.catalogue.find("names", part) or self.catalogue.find("names", numbered)
        if not isinstance(found, str):
            return part
        return self.fill(found, {"n": number.group()}) if number else found

    # -- values ------------------------------------------------------------------------------------------

    def result(self, check: str, value: Any, unit: str, limits: Mapping[str, Any] | None = None) -> str:
        """Return a measured value as people read it; None reads as not measured.

        With its ``limits`` a value never reads as if it had reached one that it missed, nor the other way round.
        """
        if value is None:
            return self.term("not_measured")
        words = self.catalogue.find("checks", check, "values", value)
        if isinstance(words, str):
            return words
        template = self.catalogue.find("checks", check, "result")
        if isinstance(template, str):
            return self.fill(template, {"value": value})
        overdue = self.catalogue.find("checks", check, "overdue")
        if isinstance(overdue, str) and isinstance(value, (int, float)) and value < 0:
            return self.fill(overdue, {"value": -value})
        limits = limits or {}
        near = [limits[key] for key in GRADES if limits.get(key) is not None]
        return self.quantity(value, unit, near=near, limit=mildest(limits))

    def cause(self, check: str, detail: Mapping[str, Any]) -> str:
        """Return in a few words why a check is bad, where the catalogue tells and the detail holds it."""
        return next(iter(self._parts(self.catalogue.find("checks", check, "cause"), detail)), "")

    def limit(self, check: str, limits: Mapping[str, Any], level: str) -> str:
        """Return the limit of a level: the figure, or for a flag what it should be."""
        limit, unit = limits.get(level), self.unit_of(check)
        if limit is None:
            return self.term("dash")
        if unit == "flag":
            return self.term("expected", value=self.result(check, int(bool(limits.get("below"))), unit))
        return self.term("below" if limits.get("below") else "at_least", value=self.quantity(limit, unit, exact=True))

    def wanted(self, check: str, limits: Mapping[str, Any], value: Any = None) -> str:
        """Return what a bad ``value`` should have been, in the unit in which it reads; the mildest limit decides."""
        limit, unit, below = mildest(limits), self.unit_of(check), bool(limits.get("below"))
        if limit is None:
            return self.term("dash")
        if unit == "flag":
            return self.term("expected", value=self.result(check, int(below), unit))
        if unit == "count":
            none = limit == 1 and not below
            shown = self.result(check, 0 if none else limit, unit)
            return self.term("expected" if none else "wanted_above" if below else "wanted_below", value=shown)
        if isinstance(value, (int, float)) and unit != "bytes":
            larger, length = scale(value, unit, limit)
            if not is_short(limit / length):
                larger, length = scale(limit, unit, limit)
            limit, unit = limit / length, larger
        return self.term("wanted_above" if below else "wanted_below", value=self.quantity(limit, unit, exact=True))

    def all_limits(self, check: str, limits: Mapping[str, Any]) -> str:
        """Return every limit of a check with its level, from the mildest."""
        return self.term("part_separator").join(
            f"{self.level(level)} {self.limit(check, limits, level)}"
            for level in reversed(GRADES)
            if limits.get(level) is not None
        )

    def unit_of(self, check: str) -> str:
        """Return the unit of a check's value, empty for counts and names."""
        return str(self.catalogue.find("checks", check, "unit") or "")

    def quantity(
        self, value: Any, unit: str, *, exact: bool = False, near: Sequence[float] = (), limit: float | None = None
    ) -> str:
        """Return a value with its unit; ``exact`` drops decimals that say nothing, as limits are written.

        The figure stands on the same side of the limits ``near`` it as the value does, and in a unit in which the
        ``limit`` that stands beside it reads well, too.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.plain(value)
        if unit == "flag":
            return self.term(f"flag_{int(bool(value))}")
        if unit == "bytes" or not exact:
            unit, length = scale(value, unit, limit)
            value, near = value / length, [one / length for one in near]
        number = figure(value, 4 if exact and unit not in BYTE_UNITS else decimals_of(value, unit), near)
        if unit in BYTE_UNITS or (unit == "percent" and not exact):
            number = number if "." in number else f"{value:.1f}"
        return number if unit in ("", "count") else self._with_unit(number, unit)

    def _with_unit(self, number: str, unit: str) -> str:
        template = self.catalogue.word("units", unit if self.catalogue.find("units", unit) else "other")
        return self.fill(template, {"value": number, "unit": unit})

    def moment(self, value: Any) -> str:
        """Return a time (ISO text or datetime) as 2026-11-21 23:55 in the zone of the document."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return self.plain(value)
        return (moment.astimezone(self.zone) if moment.tzinfo else moment).strftime("%Y-%m-%d %H:%M")

    def zoned(self, value: Any) -> str:
        """Return a time as ``moment`` does, with its zone behind it where the time is of one."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return self.plain(value)
        told = self.moment(moment)
        return self.term("zoned", time=told, zone=self.offset(moment)) if moment.tzinfo else told

    def offset(self, moment: datetime) -> str:
        """Return the zone of the document at a moment as UTC+08:00."""
        return f"UTC{self.local(moment).isoformat()[-6:]}"

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the zone of the document."""
        return moment.astimezone(self.zone)

    def deadline(self, moment: datetime) -> str:
        """Return when something exclusive is due: the day that ends then where it is midnight, else day and time."""
        local = self.local(moment)
        return f"{(local - _INSTANT):%Y-%m-%d}" if local.time() == time.min else f"{local:%Y-%m-%d %H:%M}"

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
            return figure(value, 1 if abs(value) >= 10 else 2)
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
        parts = self._parts(self.catalogue.find("checks", check, "evidence"), detail)
        if not parts:
            shown = {key: value for key, value in detail.items() if key != "scope" and _is_scalar(value)}
            parts = [f"{key} {self.plain(value)}" for key, value in shown.items()]
        if detail.get("scope") in ("container", "machine"):
            parts.append(self.term(f"scope_{detail['scope']}"))
        return shorten(self.term("part_separator").join(part for part in parts if part), _LONGEST_TEXT * 2)

    def _parts(self, templates: Any, detail: Mapping[str, Any]) -> list[str]:
        return [
            self.fill(template, detail)
            for template in (templates if isinstance(templates, list) else ())
            if all(_is_given(detail.get(key), style) for key, style in _FIELD.findall(template))
        ]

    def fill(self, template: str, parameters: Mapping[str, Any]) -> str:
        """Return a template with each ``{key:format}`` replaced; a parameter that is missing leaves nothing."""

        def value_of(match: re.Match[str]) -> str:
            key, style = match.groups()
            return "" if parameters.get(key) is None else self._styled(parameters[key], style or "")

        return _FIELD.sub(value_of, template)

    def _styled(self, value: Any, style: str) -> str:
        if "|" in style:
            singular, _, plural = style.partition("|")
            shown = self.plain(value)
            return f"{shown} {singular if shown == '1' else plural}"
        if style in ("bytes", "seconds", "percent", "days", "hours"):
            return self.quantity(value, style)
        if style in _ENTRIES and isinstance(value, (list, tuple)):
            return self.listed([self._entry(one, _ENTRIES[style]) for one in value], 12)
        styles: dict[str, Callable[[Any], str]] = {
            "after": lambda text: self.labelled("", self.plain(text)) if text else "",
            "hosts": lambda hosts: self.folded(hosts, 0) if isinstance(hosts, (list, tuple)) else self.plain(hosts),
            "if": lambda _: "",
            "time": self.moment,
            "zoned": self.zoned,
            "list": self.listed,
            "name": lambda code: self.plain(self.name(code)),
            "pairs": self.pairs,
            "text": lambda text: printable(str(text)),
        }
        return styles.get(style, self.plain)(value)

    def _entry(self, entry: Any, template: str) -> str:
        return self.fill(template, entry).strip() if isinstance(entry, Mapping) else self.plain(entry)

    def folded(self, hosts: Iterable[str], everything: int, most: int = _NAMED_HOSTS) -> str:
        """Return host names as ranges of numbers, of more than ``most`` the first and their count.

        Where they are all of the ``everything`` hosts there are, it says so; 0 asks for the names in any case.
        """
        names = sorted(set(hosts), key=natural)
        if len(names) == everything and everything > 3:
            return self.term("all_hosts", count=everything)
        parts: list[str] = []
        for run in _runs(names):
            if len(run) > 2:
                parts.append(self.term("range", first=run[0], last=run[-1], count=len(run)))
            else:
                parts.extend(run)
        if len(parts) > most:
            most = min(most, _NAMED_OF_MANY if len(names) > _MANY_NAMES else most)
            listed = self.term("list_separator").join(printable(part) for part in parts[:most])
            return self.term("and_hosts", listed=listed, count=len(names))
        return self.term("list_separator").join(printable(part) for part in parts)


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
