"""The life of documents: draft, issued, submitted, received; each step an entry, what stands is their fold.

A document is known by its number and has versions. Issuing anew what is issued makes the next version; what was
submitted is never changed. A deadline is met by submission, not by generation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.contract.facts import EntryLine

STEPS = ("draft", "issued", "submitted", "received")


@dataclass(frozen=True)
class Step:
    """One step of one version of a document, as its entry tells it."""

    sequence: int
    step: str
    version: int
    body: Mapping[str, Any]

    @property
    def at(self) -> str:
        """Return when it was taken, as ISO text."""
        return str(self.body["at"])

    @property
    def files(self) -> list[dict[str, Any]]:
        """Return the files that it names."""
        return list(self.body.get("files") or ())


@dataclass(frozen=True)
class Version:
    """One version of a document: its steps so far, in order."""

    number: int
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        """Return the newest step."""
        return self.steps[-1]

    def find(self, step: str) -> Step | None:
        """Return a step, where it was taken."""
        return next((one for one in reversed(self.steps) if one.step == step), None)


@dataclass
class Paper:
    """A document by number, with all of its versions."""

    number: str
    document: str
    versions: dict[int, Version] = field(default_factory=dict)

    @property
    def newest(self) -> Version:
        """Return the newest version."""
        return self.versions[max(self.versions)]

    @property
    def first(self) -> Step:
        """Return the first step of all."""
        return self.versions[min(self.versions)].steps[0]

    def waiting_for(self, step: str) -> Version | None:
        """Return the newest version, drafts aside, if it stands right before a step."""
        before = STEPS[STEPS.index(step) - 1]
        found = [one for one in self.versions.values() if one.last.step == before]
        newest = max(found, key=lambda one: one.number, default=None)
        later = [one for one in self.versions.values() if newest and one.number > newest.number]
        return None if any(STEPS.index(one.last.step) >= STEPS.index(step) for one in later) else newest


def papers(lines: Iterable[EntryLine]) -> dict[str, Paper]:
    """Return every document by its number, in the order of their first steps; steps taken back are not there."""
    lines = [line for line in lines if line.kind in ("document", "record")]
    corrected = {line.body["corrects"] for line in lines if line.body.get("corrects") is not None}
    found: dict[str, Paper] = {}
    for line in lines:
        if line.kind != "document" or line.sequence in corrected:
            continue
        body = line.body
        step = Step(line.sequence, str(body["step"]), int(body["version"]), body)
        paper = found.setdefault(str(body["number"]), Paper(str(body["number"]), str(body["document"])))
        former = paper.versions.get(step.version)
        paper.versions[step.version] = Version(step.version, (*(former.steps if former else ()), step))
    return found


def next_version(lines: Iterable[EntryLine], number: str) -> int:
    """Return the version that is issued next under a number: a draft's own, else one that was never there."""
    lines = tuple(lines)
    paper = papers(lines).get(number)
    if paper and paper.newest.last.step == "draft":
        return paper.newest.number
    told = (line.body for line in lines if line.kind == "document")
    return max((int(body["version"]) for body in told if body["number"] == number), default=0) + 1


def rests_on(lines: Iterable[EntryLine], sequence: int) -> bool:
    """Return whether a later step rests on the step that an entry tells: a further one, or the next version."""
    for paper in papers(lines).values():
        for version in paper.versions.values():
            if version.last.sequence == sequence:
                return len(version.steps) == 1 and version is not paper.newest
    return True
