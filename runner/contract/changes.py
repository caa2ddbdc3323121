"""What a contract says of changes: who approves and supervises them, when nothing is changed, what is kept in reserve.

Source: the clauses on upgrades (written approval beforehand, an agreed window, the purchaser's person present).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from runner.change_rules import Rules
from runner.contract.base import ContractDay, Record, Span, Text

if TYPE_CHECKING:
    from datetime import datetime

    from runner.contract.model import Contract
    from runner.contract.working_time import WorkingTime

#: The kind of case that a change belongs to where nothing else is said, and the contract knows it.
CASE = "upgrade"

#: The events of a case that the steps of a change tell.
PLANNED, STARTED, DONE = "planned", "started", "done"

#: A reserve longer than this is a slip of the pen.
_LONGEST_RESERVE = timedelta(days=1)

#: The units of an approval's life, in minutes: its end follows from the moment that was signed alone.
_MINUTES = {"minutes": 1, "hours": 60, "days": 24 * 60}

#: Duties whose people may approve or supervise. An auditor looks at what others decide.
PurchaserDuty = Literal["purchaser approver", "supervisor"]

_Duties = Annotated[tuple[PurchaserDuty, ...], Field(strict=False, min_length=1)]


class Emergency(Record):
    """A change may start before it is approved; the approval is owed within so long after its start."""

    approval_within: Span


class Blackout(Record):
    """Days on which nothing is changed; both belong to it."""

    start: Annotated[ContractDay, Field(alias="from")]
    end: Annotated[ContractDay, Field(alias="to")]
    reason: Text

    @model_validator(mode="after")
    def _start_before_end(self) -> Blackout:
        if self.end < self.start:
            raise ValueError(f"the blackout ends on {self.end}, before it starts on {self.start}")
        return self


class ChangeTerms(Record):
    """What must be there before a procedure changes a host, unless the contract calls it routine."""

    approvals: Annotated[int, Field(ge=1, le=20)] = 1
    approvers: _Duties = ("purchaser approver",)
    approval_lasts: Span | None = Span(days=30)
    supervised: bool = True
    supervisors: _Duties = ("supervisor", "purchaser approver")
    attendance_beforehand: bool = False
    emergency: Emergency | None = None
    blackouts: Annotated[tuple[Blackout, ...], Field(strict=False)] = ()
    reserve: Span = Span(minutes=30)

    @model_validator(mode="after")
    def _reserve_counts(self) -> ChangeTerms:
        if not self.reserve.exact or self.reserve_time > _LONGEST_RESERVE:
            raise ValueError("reserve is in minutes or hours, at most a day")
        return self

    @model_validator(mode="after")
    def _approvals_end(self) -> ChangeTerms:
        if self.approval_lasts and self.approval_lasts.unit not in _MINUTES:
            raise ValueError(f"approval_lasts is in {', '.join(_MINUTES)}")
        return self

    @property
    def reserve_time(self) -> timedelta:
        """Return what is kept at a window's end."""
        return timedelta(minutes=self.reserve.count * (60 if self.reserve.unit == "hours" else 1))

    def rules(self) -> Rules:
        """Return what the plan of a request keeps of them."""
        lasts = self.approval_lasts
        return Rules(
            self.approvals,
            self.approvers,
            self.supervised,
            self.supervisors,
            self.attendance_beforehand,
            self.emergency is not None,
            lasts.count * _MINUTES[lasts.unit] if lasts else None,
        )

    def approval_owed(self, started: datetime, working: WorkingTime) -> datetime | None:
        """Return by when the approval of an emergency change is owed that started at a moment; None without any."""
        return working.deadline(started, self.emergency.approval_within).moment if self.emergency else None

    def blackout(self, first: datetime, last: datetime, working: WorkingTime) -> Blackout | None:
        """Return the blackout that lies between two moments, at least in part; None where nothing is in the way."""
        days = working.date_of(first), working.date_of(last)
        return next((one for one in self.blackouts if one.start <= days[1] and days[0] <= one.end), None)

    def closes(self, first: datetime, last: datetime, working: WorkingTime) -> datetime:
        """Return when a window ends for what starts at a moment: at ``last``, or where a blackout begins before."""
        return min([last, *(day for one in self.blackouts if (day := working.midnight(one.start)) > first)])


def knows_case(contract: Contract, kind: str) -> bool:
    """Return whether an obligation of a contract is about cases of a kind."""
    return any(version.obligation.case == kind for version in contract.versions)


def answering(
    contract: Contract, kind: str, event: str, moment: datetime, working: WorkingTime, begun: datetime | None = None
) -> tuple[str, ...]:
    """Return the obligations that a change itself answers, which an event of its case opened, as they hold on a day.

    ``begun`` is when it was requested: what began in the term is brought to its end after it, too.

    An approval answers what ``planned`` opened (the written approval), a verified success what ``started`` opened (the
    supervision), the close what ``done`` opened. Only records: a document is answered by its submission.
    """
    day, first = working.date_of(moment), working.date_of(begun) if begun else None
    return tuple(
        version.obligation.id
        for version in contract.versions
        if version.obligation.kind == "record"
        and version.obligation.case == kind
        and event in version.obligation.opened_by
        and contract.holds(version, day, first)
    )
