"""What a contract asks of a change, and the reasons for which one is refused: codes that the catalogue words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Why an approval, a presence or a start does not count, by code, as findings say it; the catalogue words them, too.
REASONS: Mapping[str, str] = {
    # Of whoever approves or attends.
    "unknown_person": "{by} is in nobody's list of the purchaser's people",
    "not_purchaser": "{by} is not of the purchaser",
    "enrolled_alone": "{by} was enrolled by the provider alone: the purchaser has not consented to it",
    "not_in_force": "{by} had no duty on {day}",
    "auditor": "{by} is an auditor, who decides nothing",
    "wrong_duty": "{by} has none of the duties that may: {duties}",
    "requester": "{by} requested the change",
    "executor": "{by} executes the change",
    "other_supervisor": "{by} is not {supervisor}, whom the plan names as supervisor",
    # Of what they signed.
    "no_reason": "{by} gave no reason",
    "other_digest": "what {by} signed is {digest}, not what was requested",
    "signature": "the signature of {by} {problem}",
    "foreign_key": "the signature of {by} was made with {key}, which was no key of theirs in force then",
    "no_proof": "{by} neither signed nor is there a paper",
    "not_vouched": "nobody in force vouches for the paper of {by}",
    "vouched_otherwise": "{operator} entered the paper of {by}, for which {vouched_by} is to vouch",
    "vouches_for_own": "{vouched_by}, who vouches for the paper of {by}, requested or executes the change",
    "used_before": "what proves the decision of {by} stands in entry {entry} already",
    "dated_ahead": "what {by} signed is dated {day}, after it was written down",
    "dated_back": "what {by} signed is dated {day}, before the change was requested",
    "attendance_early": "{by} signed in before the window",
    "signed_out_since": "{by} signed out after that",
    "left_before": "{by} signed out on {day}, before they signed in",
    "verified_early": "{by} verified on {day} what had not ended",
    "not_the_operator": "{operator} tells what {by} found: whoever is not of the purchaser enters it themselves",
    # Of the start.
    "ended": "the change was {state}",
    "running": "run {run} of this change has not ended",
    "approvals_missing": "{given} of {needed} approvals that count",
    "approval_expired": "the approval of {by} expired on {day}",
    "before_window": "the window opens on {day}",
    "after_window": "the window closed on {day}",
    "nobody_attends": "nobody of the purchaser is signed in",
    "no_emergency": "the contract knows no emergency change",
    "unknown_operator": "nobody in force logs in as {login}",
}


@dataclass(frozen=True)
class Reason:
    """Why something is refused, or does not count: a code and its parameters, worded by the catalogue."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that entries keep."""
        return {"code": self.code, "parameters": dict(self.parameters)}

    def __str__(self) -> str:
        return REASONS.get(self.code, self.code).format_map(self.parameters)


@dataclass(frozen=True)
class Rules:
    """What the contract asked of a change when it was requested; its entry keeps it, so it can be verified alone."""

    approvals: int = 1
    approvers: tuple[str, ...] = ("purchaser approver",)
    supervised: bool = True
    supervisors: tuple[str, ...] = ("supervisor", "purchaser approver")
    attendance_beforehand: bool = False
    emergency: bool = False
    #: How long an approval lasts from the moment that was signed; None: until the window ends.
    approval_minutes: int | None = 30 * 24 * 60

    def expires(self, at: datetime, window_end: datetime) -> datetime:
        """Return when an approval of a moment expires."""
        return window_end if self.approval_minutes is None else at + timedelta(minutes=self.approval_minutes)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the entry keeps, as ``terms``."""
        return {
            "approvals": self.approvals,
            "approvers": list(self.approvers),
            "supervised": self.supervised,
            "supervisors": list(self.supervisors),
            "attendance_beforehand": self.attendance_beforehand,
            "emergency": self.emergency,
            "approval_minutes": self.approval_minutes,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Rules:
        """Return the rules that an entry tells of; raises KeyError, TypeError or ValueError for none."""
        return cls(
            int(told["approvals"]),
            tuple(map(str, told["approvers"])),
            bool(told["supervised"]),
            tuple(map(str, told["supervisors"])),
            bool(told["attendance_beforehand"]),
            bool(told["emergency"]),
            None if told["approval_minutes"] is None else int(told["approval_minutes"]),
        )
