"""The contract and its people as typed data."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Kind = Literal["procedure", "record", "document", "sla", "quota"]
Duty = Literal["engineer", "project manager", "purchaser approver", "supervisor", "auditor"]
Text = Annotated[str, Field(min_length=1)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone, such as Asia/Shanghai")
    return name


class Record(BaseModel):
    """What every entry of a site's files is: unchangeable, without a key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Party(Record):
    """One side of the contract."""

    name: Text


class Obligation(Record):
    """What one clause owes: an id, one of five kinds, and who or what fulfils it."""

    id: Text
    kind: Kind
    clause: Text
    procedure: str | None = None
    document: str | None = None
    cadence: (
        Literal["weekly", "monthly", "quarterly", "half-yearly", "yearly", "once", "standing", "on event"] | None
    ) = None

    @model_validator(mode="after")
    def _procedure_named(self) -> Obligation:
        if self.kind == "procedure" and not self.procedure:
            raise ValueError("an obligation of kind procedure names its procedure")
        return self


class Contract(Record):
    """A maintenance contract: parties, the system maintained, and every obligation."""

    schema_version: Literal[1]
    number: Text
    title: Text
    system: Text
    provider: Party
    purchaser: Party
    timezone: Annotated[str, AfterValidator(_known_zone)] | None = None
    obligations: Annotated[tuple[Obligation, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Contract:
        ids = [obligation.id for obligation in self.obligations]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"obligations with the same id: {', '.join(twice)}")
        return self

    def zone(self) -> ZoneInfo | None:
        """Return the time zone of the documents; None stands for the controller's own."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def fulfilled_by(self, procedure: str) -> tuple[str, ...]:
        """Return the ids of the obligations that a run of this procedure may fulfil."""
        return tuple(one.id for one in self.obligations if one.procedure == procedure)


class Person(Record):
    """Somebody with a duty under the contract."""

    name: Text
    duty: Duty
    organisation: Literal["provider", "purchaser"]
    login: str | None = None
    keys: Annotated[tuple[str, ...], Field(strict=False)] = ()
    valid_from: date | None = None
    valid_to: date | None = None


class People(Record):
    """Everybody whom a site knows."""

    schema_version: Literal[1]
    people: Annotated[tuple[Person, ...], Field(strict=False)] = ()

    def by_login(self, login: str) -> Person | None:
        """Return the person who logs in to the controller under this name."""
        return next((person for person in self.people if person.login == login), None)
