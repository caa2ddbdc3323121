"""A run in a few lines, for a terminal: what became of it, what changed, the worst that it found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from module_utils.observations import rank
from reports.documents.comparison import STATUSES
from reports.text import without_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reports.document import LedgerHead
    from reports.documents.comparison import Comparison
    from reports.wording import Wording

#: How many findings, and messages of hosts, are told; the documents tell them all.
SHOWN = 15


def run_summary(
    manifest: Mapping[str, Any],
    observations: Iterable[Mapping[str, Any]],
    comparison: Comparison,
    head: LedgerHead,
    words: Wording,
) -> Iterator[str]:
    """Yield the lines about a sealed run, which the ledger lists at ``head``."""
    verdict, hosts = manifest["verdict"], manifest["hosts"]
    yield _say(words, "run", run=manifest["run"], state=words.catalogue.word("states", verdict["state"]))
    yield from (f"  {words.verdict_reason(reason)}" for reason in verdict["reasons"])
    yield from _messages(words, hosts)
    worst_first = sorted(manifest["levels"].items(), key=lambda item: -rank(item[0]))
    counts = " · ".join(f"{words.level(level)} {count}" for level, count in worst_first)
    counts = counts or words.term("inspection_content_none")
    reached = sum(host["outcome"] == "ok" for host in hosts.values())
    yield _say(words, "hosts", reached=reached, hosts=len(hosts), counts=counts)
    if manifest["not_covered"]:
        yield _say(words, "not_covered", count=len(manifest["not_covered"]))
    if comparison.runs:
        yield _compared(words, comparison)
    yield from _findings(words, observations, comparison)
    yield _say(words, "ledger", head=head.printed)


def _say(words: Wording, key: str, **parameters: Any) -> str:
    return words.fill(words.catalogue.word("summary", key), parameters)


def _messages(words: Wording, hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what hosts said that failed, those that said the same together, by the first one's words."""
    said: dict[str, list[str]] = {}
    for host, result in hosts.items():
        if result["message"]:
            said.setdefault(without_figures(result["message"], host), []).append(host)
    for names in list(said.values())[:SHOWN]:
        yield f"  {words.folded(names, 0)}: {' '.join(hosts[names[0]]['message'].split())}"
    yield from _more(words, len(said))


def _compared(words: Wording, comparison: Comparison) -> str:
    changes = Counter(comparison.status.values())
    figures = {"worse": changes["worse"], "same": changes["same"], "new": changes["new"] + changes["first"]}
    missing = {"gone": len(comparison.gone), "unconfirmed": len(comparison.unconfirmed)}
    return _say(words, "compared", time=comparison.runs[0][1], **figures, **missing)


def _findings(words: Wording, observations: Iterable[Mapping[str, Any]], comparison: Comparison) -> Iterator[str]:
    """Yield the worst, and of those the new ones first."""
    found = [
        (-rank(one["level"]), STATUSES.index(status), one["host"], status, one)
        for one in observations
        if rank(one["level"]) >= rank("warning")
        for status in [comparison.status[one["host"], one["check"], one["subject"]]]
    ]
    found.sort(key=lambda item: item[:3])
    for *_, status, one in found[:SHOWN]:
        result = words.result(one["check"], one["value"], one["unit"], one["limits"])
        title = words.title(one["check"], one["subject"])
        change = f"  {words.term(f'status_{status}')}" if comparison.runs else ""
        yield f"  {words.level(one['level'])}  {one['host']}  {title}: {result}{change}"
    yield from _more(words, len(found))


def _more(words: Wording, count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"  {_say(words, 'more', count=count - SHOWN)}"
