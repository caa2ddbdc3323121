"""Folding: what many hosts share stands in one row, so that a page holds it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from reports.documents.comparison import Known
    from reports.documents.finding import Finding
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

    Graded = Finding | Known

Member = TypeVar("Member")
One = TypeVar("One", bound="Finding | Known")

#: From so many hosts on, equal exceptions share a row; each host's own figure is in its details.
MANY_ALIKE = 4
#: With more rows than this, exceptions of one check share a row over their subjects too.
MOST_ROWS = 40
#: So many subjects of a folded row are named.
_NAMED_SUBJECTS = 3


def grouped(members: Iterable[Member], key: Callable[[Member], Hashable]) -> list[list[Member]]:
    """Return members with equal keys together, in the order in which they first come."""
    groups: dict[Hashable, list[Member]] = defaultdict(list)
    for member in members:
        groups[key(member)].append(member)
    return list(groups.values())


def folded(found: Sequence[One], words: Wording) -> list[list[One]]:
    """Return findings in their order, one by one; equal ones of many hosts together, and of very many those of a check.

    Only as many checks are folded over their subjects as the rows need to become few, the most frequent first.
    """
    alike = grouped(found, lambda one: (one.level, one.check, one.subject, words.wanted(one.check, one.limits)))
    rows = [part for group in alike for part in ([group] if len(group) >= MANY_ALIKE else [[one] for one in group])]
    place = {id(one): number for number, one in enumerate(found)}
    kinds = sorted(grouped(rows, lambda row: (row[0].level, row[0].check)), key=len, reverse=True)
    count, few = len(rows), []
    for kind in kinds:
        if count > MOST_ROWS and len(kind) > 1:
            few.append([one for row in kind for one in row])
            count -= len(kind) - 1
        else:
            few += kind
    for row in few:
        row.sort(key=lambda one: place[id(one)])
    return sorted(few, key=lambda row: place[id(row[0])])


def item(found: Sequence[Graded], words: Wording) -> str:
    """Return what was checked: the title with the subject, of several subjects the first and their count."""
    subjects = list(dict.fromkeys(one.subject for one in found))
    if len(subjects) == 1:
        return words.title(found[0].check, subjects[0])
    return words.labelled(words.title(found[0].check), counted([one for one in subjects if one], words))


def counted(subjects: Sequence[str], words: Wording) -> str:
    """Return a few subjects, of many the first and how many there are."""
    listed = words.term("list_separator").join(words.plain(one) for one in subjects[:_NAMED_SUBJECTS])
    if len(subjects) <= _NAMED_SUBJECTS:
        return listed
    return words.term("and_subjects", listed=listed, count=len(subjects))


def hosts(names: Iterable[str], record: InspectionRecord, words: Wording) -> str:
    """Return the names of hosts, folded; of a fleet so few that a row stays a row."""
    if not record.fleet:
        return words.folded(names, len(record.hosts))
    distinct = set(names)
    inspected = {host.name for host in record.inspected}
    if distinct == inspected and len(inspected) < len(record.hosts):
        return words.term("all_inspected", count=len(inspected))
    return words.folded(distinct, len(record.hosts), 2 if len(distinct) <= 2 else 1)


def result(one: Graded, words: Wording) -> str:
    """Return the result of one finding."""
    return words.result(one.check, one.value, one.unit, one.limits)


def span(found: Sequence[Graded], words: Wording) -> str:
    """Return one result, or from which to which the results of several hosts go."""
    results = dict.fromkeys(result(one, words) for one in found)
    if len(results) > 1 and all(isinstance(one.value, (int, float)) for one in found):
        ranked = sorted(found, key=lambda one: one.value)
        return words.term("span", low=result(ranked[0], words), high=result(ranked[-1], words))
    return words.listed(list(results))


def told(found: Sequence[Finding], words: Wording) -> str:
    """Return the result, or from which to which they go, and why, where one cause is known of them all."""
    causes = {words.cause(one.check, one.detail) for one in found}
    cause = causes.pop() if len(causes) == 1 else ""
    return words.labelled(span(found, words), cause) if cause else span(found, words)


def wanted(found: Sequence[Graded], words: Wording) -> str:
    """Return what the results should have been."""
    values = dict.fromkeys(words.wanted(one.check, one.limits, found[0].value) for one in found)
    return words.listed(list(values), 2)
