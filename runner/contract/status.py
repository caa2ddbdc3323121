"""The states of compliance, and the one rule that tells them apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runner.contract.obligations import Kind

State = Literal["fulfilled", "late", "partial", "due", "beyond cap", "overdue", "breached", "waived", "not assessed"]

#: From the best to the worst: a sum of rows is as good as its worst.
STATES: tuple[State, ...] = (
    "fulfilled", "waived", "due", "beyond cap", "late", "not assessed", "partial", "overdue", "breached",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One thing owed, and how it stands: an obligation in a period, a clock of a case, a quota of a period or item.

    ``evidence`` names entries of the ledger. ``reason`` is a code with parameters that the catalogue words. ``used``
    and ``allowed`` are a quota's; ``margin_seconds`` is what was left on a clock, negative where it ran over.
    """

    obligation: str
    kind: Kind
    period: str
    state: State
    subject: str = ""
    due: datetime | None = None
    done: datetime | None = None
    evidence: tuple[int, ...] = ()
    provisional: bool = False
    estimated: bool = False
    part: bool = False
    reason: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    used: float | None = None
    allowed: float | None = None
    margin_seconds: float | None = None


def judge(
    now: datetime, due: datetime | None, overdue_until: datetime | None, done: datetime | None, *, exact: bool = False
) -> State:
    """Return how something owed stands; ``overdue_until`` ends the grace.

    Due dates are told in the contract's zone. ``exact``: a clock ran from moment to moment; midnight ended no day.
    """
    if done is not None:
        if due is None or _in_time(done, due, exact=exact):
            return "fulfilled"
        return "late" if overdue_until and _in_time(done, overdue_until) else "breached"
    if due is None or _in_time(now, due, exact=exact):
        return "due"
    return "overdue" if overdue_until and _in_time(now, overdue_until) else "breached"


def _in_time(moment: datetime, due: datetime, *, exact: bool = False) -> bool:
    """Return whether a moment keeps a due date: the very minute does, but midnight that ends a day is the next one."""
    return moment < due or (moment == due and (exact or due.time() != time.min))
