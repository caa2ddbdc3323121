"""What every entry of a site's files is made of: unchangeable records, and spans of time."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

#: Days that a contract can mean; others are a slip of the pen.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def _meant(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return day


#: A day of the contract's life.
ContractDay = Annotated[date, AfterValidator(_meant)]

Text = Annotated[str, Field(min_length=1)]

Unit = Literal["minutes", "hours", "days", "working_days", "months"]
UNITS: tuple[Unit, ...] = get_args(Unit)

#: The longest span that a contract may name, in its unit: twenty years.
_LONGEST: dict[str, int] = {"minutes": 10_512_000, "hours": 175_200, "days": 7300, "working_days": 5000, "months": 240}


class Record(BaseModel):
    """What every entry of a site's files is: unchangeable, without a key that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Span(Record):
    """A length of time in exactly one unit: ``{working_days: 7}``."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    minutes: Annotated[int, Field(gt=0)] | None = None
    hours: Annotated[int, Field(gt=0)] | None = None
    days: Annotated[int, Field(gt=0)] | None = None
    working_days: Annotated[int, Field(gt=0)] | None = None
    months: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> Span:
        given = [unit for unit in UNITS if getattr(self, unit) is not None]
        if len(given) != 1:
            raise ValueError(f"a span of time has one of {', '.join(UNITS)}")
        if self.count > _LONGEST[self.unit]:
            raise ValueError(f"{self.count} {self.unit} are more than twenty years")
        return self

    @cached_property
    def unit(self) -> Unit:
        """Return the unit that the span is given in."""
        return next(unit for unit in UNITS if getattr(self, unit) is not None)

    @property
    def count(self) -> int:
        """Return how many of its unit the span has."""
        count: int = getattr(self, self.unit)
        return count

    @property
    def exact(self) -> bool:
        """Return whether it runs from moment to moment; else it counts days, and ends with the last of them."""
        return self.unit in ("minutes", "hours")
