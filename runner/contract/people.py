"""The people of a site: who has which duty, for whom, and from when to when."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from runner.contract.base import Record, Text
from runner.public_key import PublicKey, parse_public_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.yaml_source import KeyPath

Duty = Literal["engineer", "project manager", "purchaser approver", "supervisor", "auditor"]


def _checked_key(text: str) -> str:
    """Return a public key as it stands; raises ValueError where it is none that could sign."""
    parse_public_key(text)
    return text


Key = Annotated[str, AfterValidator(_checked_key)]


class Person(Record):
    """Somebody with a duty under the contract."""

    name: Text
    duty: Duty
    organisation: Literal["provider", "purchaser"]
    login: str | None = None
    phone: str | None = None
    keys: Annotated[tuple[Key, ...], Field(strict=False)] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Return whether the person has the duty on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)

    @model_validator(mode="after")
    def _from_before_to(self) -> Person:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} is before valid_from {self.valid_from}")
        return self


class People(Record):
    """Everybody whom a site knows."""

    schema_version: Literal[1]
    people: Annotated[tuple[Person, ...], Field(strict=False)] = ()

    def by_login(self, login: str) -> Person | None:
        """Return the person who logs in to the controller under this name."""
        return next((person for person in self.people if person.login == login), None)


def unclear_people(data: object) -> Iterator[tuple[KeyPath, str]]:
    """Yield who cannot be told apart: one login of several names at a time, the same duty twice, one key of two."""
    entries = data.get("people") if isinstance(data, dict) else None
    known: list[Person] = []
    holders: dict[PublicKey, str] = {}
    for index, raw in enumerate(entries if isinstance(entries, list) else ()):
        try:
            person = Person.model_validate(raw)
        except ValidationError:
            continue
        for place, text in enumerate(person.keys):
            holder = holders.setdefault(parse_public_key(text), person.name)
            if holder != person.name:
                # At no time: a signature must tell who made it.
                yield ("people", index, "keys", place), f"{person.name}: {holder} has the same key"
        for other in known:
            if _never_at_once(person, other):
                continue
            if person.login and person.login == other.login and person.name != other.name:
                yield ("people", index, "login"), f"{person.name}: {other.name} has the same login at the time"
            elif (person.name, person.duty, person.organisation) == (other.name, other.duty, other.organisation):
                yield ("people", index), f"{person.name}: stands here twice as {person.duty}"
        known.append(person)


def _never_at_once(one: Person, other: Person) -> bool:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    return first > min(one.valid_to or date.max, other.valid_to or date.max)
