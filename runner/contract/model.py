"""The contract as typed data: parties, term, hours, what is in scope, every obligation, and its amendments.

What holds of one entry is checked here; what holds between entries, such as ids that differ, in consistency.py.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from runner.contract.base import ContractDay, Record, Span, Text
from runner.contract.changes import ChangeTerms
from runner.contract.obligations import Names, Obligation

#: A term longer than this is a slip of the pen.
_LONGEST_TERM_DAYS = 7305

_DAY = timedelta(days=1)

_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone, such as Asia/Shanghai") from error
    return name


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and _CLOCK.fullmatch(value) and value <= "24:00":
        return time.max if value == "24:00" else time.fromisoformat(value)
    raise ValueError('a time of day is written "08:30"; with quotes, or YAML reads a number')


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", "examples": ["08:30"]}),
]


class Party(Record):
    """One side of the contract."""

    name: Text
    hotline: Text | None = None


class Term(Record):
    """How long the contract runs: both days belong to it."""

    start: Annotated[ContractDay, Field(alias="from")]
    end: Annotated[ContractDay, Field(alias="to")]

    @model_validator(mode="after")
    def _start_before_end(self) -> Term:
        if self.end < self.start:
            raise ValueError(f"the term ends on {self.end}, before it starts on {self.start}")
        if (self.end - self.start).days > _LONGEST_TERM_DAYS:
            raise ValueError("the term is longer than twenty years")
        return self


class ServiceHours(Record):
    """When service is owed: on which days, and from when to when."""

    days: Literal["working", "all"] = "working"
    start: Annotated[TimeOfDay, Field(alias="from")] = time(8, 0)
    end: Annotated[TimeOfDay, Field(alias="to")] = time(17, 30)

    @model_validator(mode="after")
    def _start_before_end(self) -> ServiceHours:
        if self.end <= self.start:
            raise ValueError("service hours end before they start")
        if datetime.combine(date.min, self.end) - datetime.combine(date.min, self.start) < timedelta(minutes=59):
            raise ValueError("service hours are shorter than an hour")
        return self


class Between(Record):
    """Hours of the day, over midnight where they end before they start."""

    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="to")]

    @model_validator(mode="after")
    def _not_empty(self) -> Between:
        if self.end == self.start:
            raise ValueError("hours that end when they start are none; leave them out for the whole day")
        return self


class ProcedureTerms(Record):
    """What the contract says of a procedure: whether it is routine or needs an approved change, and may be repeated."""

    change: Literal["routine", "approved"] | None = None
    repeatable: bool | None = None
    hours: Literal["always", "service"] = "always"
    between: Between | None = None


class Amendment(Record):
    """What a later agreement changes from a day on: which obligations join, or replace that of their id; which end."""

    start: Annotated[date, Field(alias="from")]
    title: Text
    obligations: Annotated[tuple[Obligation, ...], Field(strict=False)] = ()
    ended: Names = ()


class Valid(Record):
    """One obligation as it holds from ``start`` to ``end``, both days included; None: from or to the term's own."""

    obligation: Obligation
    start: date | None = None
    end: date | None = None


class Contract(Record):
    """A maintenance contract: parties, the system maintained, and every obligation."""

    schema_version: Literal[1]
    number: Text
    title: Text
    system: Text
    modules: Names = ()
    provider: Party
    purchaser: Party
    timezone: Annotated[str, AfterValidator(_known_zone)] | None = None
    signed: ContractDay | None = None
    term: Term | None = None
    year: Literal["contract", "calendar"] = "calendar"
    service_hours: ServiceHours = ServiceHours()
    grace: Span | None = None
    procedures: Annotated[dict[str, ProcedureTerms], Field(strict=False)] = Field(default_factory=dict)
    changes: ChangeTerms = ChangeTerms()
    obligations: Annotated[tuple[Obligation, ...], Field(strict=False)] = ()
    amendments: Annotated[tuple[Amendment, ...], Field(strict=False)] = ()

    def zone(self) -> ZoneInfo | None:
        """Return the time zone of the documents; None stands for the controller's own."""
        return ZoneInfo(self.timezone) if self.timezone else None

    @cached_property
    def versions_of(self) -> dict[str, tuple[Valid, ...]]:
        """Return the versions of each obligation by its id, in the order of the file, each with its days."""
        versions: dict[str, list[Valid]] = {one.id: [Valid(obligation=one)] for one in self.obligations}
        for amendment in self.amendments:
            for name in (*amendment.ended, *(one.id for one in amendment.obligations)):
                held = versions.get(name)
                if held and held[-1].end is None:
                    held[-1] = held[-1].model_copy(update={"end": amendment.start - _DAY})
            for one in amendment.obligations:
                versions.setdefault(one.id, []).append(Valid(obligation=one, start=amendment.start))
        return {name: tuple(held) for name, held in versions.items()}

    @cached_property
    def versions(self) -> tuple[Valid, ...]:
        """Return every obligation with the days for which it holds, in the order of the file, amended ones in place."""
        return tuple(version for held in self.versions_of.values() for version in held)

    def days_of(self, version: Valid) -> tuple[date, date]:
        """Return the first and the last day of a version; without a term it holds always.

        What an event opens between the signature and the term's start belongs to the contract, too.
        """
        first, last = (self.term.start, self.term.end) if self.term else (date.min, date.max)
        if self.signed:
            first = min(first, self.signed)
        return version.start or first, version.end or last

    def holds(self, version: Valid, day: date, begun: date | None = None) -> bool:
        """Return whether a version holds on a day; ``begun``: the day on which the case began that this is about.

        A case that began in the term is brought to its end, also after the term's own.
        """
        first, last = self.days_of(version)
        return first <= day <= last or (version.end is None and begun is not None and begun <= last < day)

    def on(self, day: date) -> tuple[Obligation, ...]:
        """Return the obligations that hold on a day."""
        return tuple(
            one.obligation
            for one in self.versions
            if (one.start is None or one.start <= day) and (one.end is None or day <= one.end)
        )

    def fulfilled_by(self, procedure: str) -> tuple[str, ...]:
        """Return the ids of the obligations that a run of this procedure may fulfil."""
        return tuple(dict.fromkeys(one.obligation.id for one in self.versions if one.obligation.procedure == procedure))
