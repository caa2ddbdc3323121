"""What is told at once over a site's channels: a title and a few lines, worded like the record that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.documents.change_lines import reason_line
from reports.text import shorten, without_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.wording import Wording

#: Of more exceptions, or missed hosts, the first are told; the record holds them all.
_MOST = 12
_MESSAGE_LENGTH = 160


@dataclass(frozen=True)
class Notice:
    """One message."""

    title: str
    body: str


def critical_notice(
    words: Wording, system: str, manifest: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]
) -> Notice:
    """Return the message about exceptions that are newly critical; ``findings`` are observations with their hosts."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for one in findings:
        result = words.result(one["check"], one["value"], one["unit"], one["limits"])
        groups.setdefault((one["check"], one["subject"], result), []).append(one)
    lines = [_say(words, "time", time=words.moment(manifest["started"]))]
    for (check, subject, result), found in list(groups.items())[:_MOST]:
        hosts = words.folded([one["host"] for one in found], 0)
        lines.append(_say(words, "finding", hosts=hosts, item=words.title(check, subject), result=result))
        lines.append(_say(words, "advice", advice=words.advice(check)))
    return _notice(
        words, "critical_title", lines, len(groups), manifest, system=system, count=sum(map(len, groups.values()))
    )


def failure_notice(words: Wording, system: str, manifest: Mapping[str, Any]) -> Notice:
    """Return the message about a run that did not look at everything it was meant for."""
    verdict = manifest["verdict"]
    missed: dict[tuple[str, str], list[str]] = {}
    for host, result in manifest["hosts"].items():
        if result["outcome"] != "ok":
            said = without_figures(str(result["message"] or ""), host)
            missed.setdefault((result["outcome"], said), []).append(host)
    lines = [_say(words, "time", time=words.moment(manifest["started"]))]
    lines += [words.verdict_reason(reason) for reason in verdict["reasons"]]
    for (outcome, _), hosts in list(missed.items())[:_MOST]:
        shown = words.outcome(outcome)
        message = shorten(str(manifest["hosts"][hosts[0]]["message"] or ""), _MESSAGE_LENGTH)
        lines.append(_say(words, "host", hosts=words.folded(hosts, 0), outcome=shown, message=message))
    lines.append(_say(words, "repeat"))
    procedure = words.catalogue.word("procedures", manifest["procedure"], "title")
    state = words.catalogue.word("states", verdict["state"])
    return _notice(words, "failed_title", lines, len(missed), manifest, system=system, procedure=procedure, state=state)


def change_notice(words: Wording, system: str, change: str, reasons: Iterable[Mapping[str, Any]]) -> Notice:
    """Return the message about an approved change that was to begin by itself and did not."""
    lines = [_say(words, "change_reason", reason=reason_line(one, words)) for one in reasons]
    lines.append(_say(words, "change_advice", change=change))
    return Notice(_say(words, "change_title", system=system, change=change), "\n".join(lines))


def trial_notice(words: Wording, system: str) -> Notice:
    """Return the message that tries a channel."""
    return Notice(_say(words, "test_title", system=system), _say(words, "test"))


def _notice(
    words: Wording, title: str, lines: list[str], told: int, manifest: Mapping[str, Any], **parameters: Any
) -> Notice:
    if told > _MOST:
        lines.append(_say(words, "more", count=told - _MOST))
    lines.append(_say(words, "run", run=manifest["run"]))
    return Notice(_say(words, title, **parameters), "\n".join(lines))


def _say(words: Wording, key: str, **parameters: Any) -> str:
    return words.fill(words.catalogue.word("notices", key), parameters)
