"""The first page of an inspection record: conclusion, key figures, missed hosts, every exception, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from module_utils.observations import rank
from reports.document import Block, Figure, Figures, Paragraph, Section, Tone
from reports.documents import folding
from reports.documents import inspection_exceptions as exceptions
from reports.documents.inspection_coverage import assets_sentence, missed_hosts, uncovered_assets
from reports.documents.inspection_unchecked import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

#: How many exceptions the conclusion names.
_FOREMOST = 3
#: More hosts than this it counts; of a fleet it names hardly any.
_MOST_NAMED = 6
_MOST_NAMED_OF_FLEET = 2


def findings_section(record: InspectionRecord, words: Wording) -> Section:
    """Return the first section: whatever is bad stands in it, the worst first."""
    restrictions = tuple(_restrictions(record, words))
    tone = _tone(record, restricted=bool(restrictions))
    blocks: list[Block] = [Paragraph(_conclusion(record, words, restricted=bool(restrictions)), tone=tone)]
    blocks += [Paragraph(restriction, tone="warning") for restriction in restrictions]
    blocks += [_figures(record, words), exceptions.comparison_sentence(record, words)]
    for part in (
        missed_hosts,
        exceptions.exceptions,
        exceptions.unconfirmed,
        uncovered_assets,
        exceptions.gone,
        exceptions.solutions,
        exceptions.notices,
    ):
        blocks += part(record, words)
    return Section(words.term("findings_section"), tuple(blocks), tone=tone)


def _tone(record: InspectionRecord, *, restricted: bool) -> Tone:
    return cast("Tone", max(record.tone, "warning", key=rank) if restricted else record.tone)


def _restrictions(record: InspectionRecord, words: Wording) -> Iterator[str]:
    """Yield what the inspection was not meant to look at: hosts outside of its limit, kinds of checks."""
    arguments = record.manifest.get("arguments") or {}
    if arguments.get("limit") is not None:
        hosts = words.folded(arguments.get("left_out") or (), 0) or words.term("none")
        yield words.term("limited", limit=arguments["limit"], hosts=hosts)
    sections = left_out(record, words)
    if sections:
        yield _sections_left_out(record, sections, words)


def _sections_left_out(record: InspectionRecord, sections: Mapping[str, list[str]], words: Wording) -> str:
    items = []
    for section, hosts in sections.items():
        name = words.section(section)
        everywhere = len(hosts) == len(record.inspected)
        items.append(
            name if everywhere else words.term("not_in_scope_item", section=name, hosts=words.folded(hosts, 0))
        )
    return words.term("not_in_scope", items=words.term("list_separator").join(items))


def _conclusion(record: InspectionRecord, words: Wording, *, restricted: bool) -> str:
    counts = record.counts
    figures = {
        **counts,
        "expected": len(record.hosts),
        "reached": len(record.inspected),
        "measured": record.measured,
        "missed": len(record.missed),
    }
    state = "restricted" if restricted and record.complete else record.state
    sentences = [words.term(f"state_{state}", **figures)]
    if record.reasons:
        reasons = words.term("part_separator").join(_reason(reason, record, words) for reason in record.reasons)
        sentences.append(words.term("because", reasons=reasons))
    sentences.append(words.term(_worst(counts), **figures))
    foremost = folding.folded(record.bad, words)[:_FOREMOST]
    if foremost:
        items = words.term("part_separator").join(
            " ".join(
                (
                    folding.hosts([each.host for each in one], record, words),
                    folding.item(one, words),
                    folding.told(one, words),
                )
            )
            for one in foremost
        )
        sentences.append(words.term("foremost", items=items))
    if counts["unknown"]:
        sentences.append(words.term("unknown_count", **figures))
    sentences += assets_sentence(record, words)
    if (record.manifest.get("arguments") or {}).get("check"):
        sentences.append(words.term("check_mode"))
    return words.term("sentence_gap").join(sentences)


def _reason(reason: Mapping[str, Any], record: InspectionRecord, words: Wording) -> str:
    parameters = dict(reason.get("parameters") or {})
    if isinstance(parameters.get("hosts"), list):
        parameters["hosts"] = _names(parameters["hosts"], record, words)
    return words.verdict_reason({**reason, "parameters": parameters})


def _names(hosts: Sequence[str], record: InspectionRecord, words: Wording) -> str | list[str]:
    """Return the names of a few hosts, of more how many they are: all of them stand in a table below."""
    most = _MOST_NAMED_OF_FLEET if record.fleet else _MOST_NAMED
    return words.term("hosts_count", count=len(hosts)) if len(hosts) > most else list(hosts)


def _worst(counts: Mapping[str, int]) -> str:
    if counts["critical"]:
        return "worst_critical"
    if counts["warning"]:
        return "worst_warning"
    return "worst_none" if counts["ok"] or counts["notice"] else "worst_nothing"


def _figures(record: InspectionRecord, words: Wording) -> Figures:
    expected, reached = len(record.hosts), len(record.inspected)
    tone: Tone = "ok" if record.complete and reached else "critical"
    counts = record.counts
    levels: tuple[Tone, ...] = ("critical", "warning", "unknown", "notice", "ok")
    assets = len(record.assets)
    return Figures(
        (
            Figure(words.term("figure_hosts"), f"{reached} / {expected}", tone),
            *(
                Figure(words.term(f"figure_{level}"), str(counts[level]), level if counts[level] else "", counts[level])
                for level in levels
            ),
            *((Figure(words.term("figure_assets"), str(assets), "unknown", assets),) if assets else ()),
        )
    )
