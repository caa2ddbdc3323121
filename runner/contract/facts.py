"""Facts: what the ledger's entries say of obligations, as compliance reads them.

An entry of kind ``run``, ``record``, ``document``, ``waiver`` or ``change`` is a fact; others say nothing of
obligations. The body of a record is described in docs/records.md. A record that a later one corrects is no fact any
more.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.change_fold import Line

KINDS = ("run", "record", "document", "waiver", "change")


_NONE: Mapping[str, str] = {}


class EntryLine(NamedTuple):
    """What compliance needs of an entry: its number, kind, the time it was written as ISO text, its body and signer."""

    sequence: int
    kind: str
    time: str
    body: Mapping[str, Any]
    signer: str | None = None


class Fact(NamedTuple):
    """One thing that happened, at a moment, known since ``recorded``; ``period`` tells what it is for, if it does.

    ``event`` is that of a record or a change, or the step of a document; ``case`` the kind and id of what it belongs
    to, and ``attributes`` what a record says of that, such as the grade of a fault. ``first`` is the number of the
    entry whose place it takes, corrections of corrections aside; 0 where there is none.
    """

    sequence: int
    kind: str
    at: datetime
    recorded: datetime
    obligations: tuple[str, ...]
    period: str | None
    event: str
    case: tuple[str, str] | None
    attributes: Mapping[str, str]
    body: Mapping[str, Any]
    first: int = 0

    @property
    def label(self) -> str:
        """Return the name of what it opened, such as ``#17``: one that a correction keeps."""
        return f"#{self.first or self.sequence}"

    def period_for(self, obligation: str) -> str | None:
        """Return the period of an obligation that it is for, if it says so; a run may be for several obligations."""
        keys = self.body.get("occurrences")
        if keys is None:
            return self.period
        named = (str(key).partition("/") for key in keys)
        return next((label for name, _, label in named if name == obligation), None)


def facts(lines: Iterable[Line], until: datetime) -> list[Fact]:
    """Return the facts that were written, and happened, no later than a moment, in the order in which they happened.

    Raises KeyError, TypeError or ValueError for an entry that is not what this program writes.
    """
    found: dict[int, Fact] = {}
    corrected: set[int] = set()
    first: dict[int, int] = {}
    for line in lines:
        sequence, kind, time = line[:3]
        body: Mapping[str, Any] = line[3]
        if kind not in KINDS:
            continue
        recorded = datetime.fromisoformat(time)
        if recorded > until:
            continue
        get = body.get
        if (corrects := get("corrects")) is not None:
            corrected.add(corrects)
            first[sequence] = first.get(corrects, corrects)
        at = datetime.fromisoformat(body["ended"] if kind == "run" else get("at") or time)
        if at > until:
            continue
        case = get("case")
        found[sequence] = Fact(
            sequence,
            kind,
            at,
            recorded,
            tuple(get("obligations") or ()),
            get("period"),
            event=str(get("event") or (get("step") if kind == "document" else "") or ""),
            case=(str(case["kind"]), str(case["id"])) if case else None,
            attributes=get("attributes") or _NONE,
            body=body,
            first=first.get(sequence, 0),
        )
    return sorted(
        (one for one in found.values() if one.sequence not in corrected), key=lambda one: (one.at, one.sequence)
    )
