"""A sealed run as the site shows it: hosts × tasks, failures, differences, observations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from module_utils.observations import rank
from reports.audit_site.differences import Differences
from reports.audit_site.scripts import parts
from reports.quantities import mildest
from reports.text import natural, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reports.audit_site.scripts import Both, Tongues

#: Of a list of runs a file has so many; of observations so many each.
RUNS_EACH = 2000
OBSERVATIONS_EACH = 5000

#: The levels as the list of runs counts them.
LEVELS = ("critical", "warning", "unknown", "notice", "ok")

_TASK, _MESSAGE, _FAILURES = 120, 4000, 2000
_RESULTS = {"runner_on_ok": "o", "runner_on_failed": "f", "runner_on_unreachable": "u", "runner_on_skipped": "s"}
_ITEMS = ("runner_item_on_ok", "runner_item_on_failed")


def run_line(body: Mapping[str, Any], sequence: int, manifest: Mapping[str, Any] | None, tongues: Tongues) -> list[Any]:
    """Return a run's line in the list; ``manifest`` None for one that is not in the pack."""
    hosts = manifest["hosts"] if manifest else None
    levels = body.get("levels") or {}
    operator = body.get("operator") or {}
    return [
        str(body.get("run")),
        str(body.get("procedure")),
        tongues.time(body.get("started")),
        tongues.time(body.get("ended")),
        str(body.get("verdict")),
        str(operator.get("name") or operator.get("login") or ""),
        None if hosts is None else len(hosts),
        None if hosts is None else sum(one.get("outcome") == "ok" for one in hosts.values()),
        [levels.get(level, 0) for level in LEVELS],
        list(body.get("obligations") or ()),
        sequence,
        bool(body.get("check")),
        body.get("limit"),
        manifest is not None,
    ]


@dataclass
class Told:
    """What the events of a run tell, taken in one after another."""

    tasks: dict[str, str] = field(default_factory=dict)
    letters: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    failures: list[list[str]] = field(default_factory=list)
    differences: Differences = field(default_factory=Differences)

    def take(self, event: Mapping[str, Any]) -> None:
        """Follow one event."""
        kind, data = event.get("event"), event.get("event_data")
        if kind not in _RESULTS and kind not in _ITEMS:
            return
        if not isinstance(data, dict) or not isinstance(data.get("host"), str):
            return
        host, task = data["host"], shorten(printable(str(data.get("task"))), _TASK)
        result = data.get("res")
        result = result if isinstance(result, dict) else {}
        if "results" not in result:
            self.differences.take(host, task, result)
        if kind in _ITEMS:
            return
        letter = _letter(str(kind), data, result)
        key = str(data.get("task_uuid") or task)
        self.tasks.setdefault(key, task)
        self.letters[host][key] = letter
        if letter in "fiu" and len(self.failures) < _FAILURES:
            self.failures.append([host, task, letter, _message(result)])


def _letter(kind: str, data: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    letter = _RESULTS[kind]
    if letter == "o" and result.get("changed") is True:
        return "c"
    return "i" if letter == "f" and data.get("ignore_errors") else letter


def _message(result: Mapping[str, Any]) -> str:
    for key in ("msg", "censored", "stderr", "module_stderr", "stdout", "module_stdout"):
        if result.get(key):
            return printable(str(result[key]))[:_MESSAGE]
    return ""


def run_detail(
    manifest: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
    observations: Iterable[Mapping[str, Any]],
    files: Sequence[tuple[str, str]],
    tongues: Tongues,
) -> tuple[dict[str, Any], list[list[Any]]]:
    """Return a run's page, and the observations that it has not room for, in parts; ``files`` as path and name."""
    told = Told()
    for event in events:
        told.take(event)
    found = sorted(observations, key=lambda one: _worst_first(one, tongues))
    lines = [_observation(one, tongues) for one in found]
    differences, left = told.differences.found, told.differences.left
    source = manifest.get("source") or {}
    detail = {
        "reasons": [tongues.both(lambda words, one=one: words.verdict_reason(one)) for one in _reasons(manifest)],  # type: ignore[misc]
        "commit": source.get("commit"),
        "dirty": bool(source.get("dirty")),
        "closure": (manifest.get("closure") or {}).get("digest"),
        "variables": (manifest.get("variables") or {}).get("digest"),
        "events": manifest.get("events"),
        "change": (manifest.get("approval") or {}).get("change"),
        "notCovered": [_asset(one) for one in manifest.get("not_covered") or ()],
        "tasks": list(told.tasks.values()),
        "hosts": [
            [
                host,
                str(one.get("outcome")),
                "".join(told.letters[host].get(key, ".") for key in told.tasks),
                printable(str(one.get("message") or "")),
            ]
            for host, one in sorted(manifest["hosts"].items(), key=lambda pair: natural(pair[0]))
        ],
        "failures": told.failures,
        "diffs": differences,
        "diffsLeft": left,
        "observations": lines[:OBSERVATIONS_EACH],
        "observed": len(lines),
        "files": [list(one) for one in files],
    }
    rest = list(parts(lines[OBSERVATIONS_EACH:], OBSERVATIONS_EACH))
    return {**detail, "parts": len(rest)}, rest


def _reasons(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (manifest.get("verdict") or {}).get("reasons") or ()


def _asset(one: Any) -> str:
    return str(one.get("name") or one) if isinstance(one, dict) else str(one)


def _worst_first(one: Mapping[str, Any], tongues: Tongues) -> tuple[int, list[Any], int, str]:
    order = tongues.words[0].catalogue.order_of(str(one.get("check")))
    return -rank(str(one.get("level"))), natural(str(one.get("host"))), order, str(one.get("subject"))


def _observation(one: Mapping[str, Any], tongues: Tongues) -> list[Any]:
    check, value, unit = str(one.get("check")), one.get("value"), str(one.get("unit") or "")
    limits = one.get("limits") or {}
    result = tongues.both(lambda words: words.result(check, value, unit, limits))
    level = str(one.get("level"))
    return [str(one.get("host")), check, str(one.get("subject") or ""), result, level, _note(one, level, tongues)]


def _note(one: Mapping[str, Any], level: str, tongues: Tongues) -> Both:
    """Return why something is unknown, or what a bad value should have been; empty for a good one."""
    if one.get("reason"):
        return tongues.both(lambda words: words.reason(one["reason"]))
    limits = one.get("limits")
    if level in ("warning", "critical", "notice") and limits and mildest(limits) is not None:
        check, value = str(one.get("check")), one.get("value")
        return tongues.both(
            lambda words: words.fill(
                words.catalogue.word("audit", "should"), {"wanted": words.wanted(check, limits, value)}
            )
        )
    return ""
