"""What the fold over key and trust entries knows: people, whose key is believed when, and who vouches for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from runner.public_key import PublicKey, parse_public_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PURCHASER = "purchaser"

#: Days before and after these have no moment everywhere on earth, or none that OpenSSH can write.
_FIRST, _LAST = date(1970, 1, 2), date(9000, 1, 1)


@dataclass(frozen=True)
class Person:
    """A person as a trust entry tells of them; days count in UTC, the last one whole."""

    name: str
    duty: str
    organisation: str
    keys: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None

    def valid_at(self, moment: datetime) -> bool:
        """Return whether the person has the duty at a moment."""
        return self.first <= moment <= self.last

    @property
    def first(self) -> datetime:
        """Return the first moment of the duty; a day's grace covers every zone that the day may be meant in."""
        return datetime.combine(max(self.valid_from or _FIRST, _FIRST), time(), UTC) - timedelta(hours=14)

    @property
    def last(self) -> datetime:
        """Return the last moment of the duty."""
        return datetime.combine(min(self.valid_to or _LAST, _LAST), time(23, 59, 59), UTC) + timedelta(hours=12)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the trust entry keeps."""
        return {
            "name": self.name,
            "duty": self.duty,
            "organisation": self.organisation,
            "keys": list(self.keys),
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Person:
        """Return the person that a trust entry tells of; raises ValueError, KeyError or TypeError for none."""
        first, last = data["valid_from"], data["valid_to"]
        keys = tuple(parse_public_key(str(one)).line for one in data["keys"])
        return cls(
            *(str(data["name"]), str(data["duty"]), str(data["organisation"]), keys),
            date.fromisoformat(first) if first else None,
            date.fromisoformat(last) if last else None,
        )


@dataclass(frozen=True)
class Holder:
    """Whose key it is: the site's, or a person's with a duty."""

    name: str
    duty: str | None
    organisation: str | None
    key: PublicKey

    @property
    def principal(self) -> str:
        """Return the name in allowed_signers: ``site``, or the person's; quotes and wildcards cannot stand there."""
        return "".join("_" if one in '"\\*?!,\n\r\t' else one for one in self.name)


@dataclass(frozen=True)
class Span:
    """A key and when it is believed, both ends within; None is without a bound.

    ``until`` is the number of the entry that ended it: what comes after it may be dated as it likes.
    """

    holder: Holder
    first: datetime | None
    end: datetime | None
    until: int | None = None

    def holds(self, moment: datetime, sequence: int | None = None) -> bool:
        """Return whether the key is believed at a moment, and in an entry of a number if one is given."""
        told = sequence is None or self.until is None or sequence <= self.until
        return told and (self.first is None or self.first <= moment) and (self.end is None or moment <= self.end)


@dataclass(frozen=True)
class Adoption:
    """What somebody vouches for that was not signed, or not with a key that is believed: the entries up to a number."""

    entry: int
    sequence: int
    sha256: str
    by: str
    since: datetime


@dataclass(frozen=True)
class Trust:
    """A trust entry as the fold took it; ``people`` is all that it tells of."""

    sequence: int
    sha256: str
    time: datetime
    contract_sha256: str | None
    people_sha256: str | None
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Entering:
    """How a purchaser's person came into force: with which trust entry, the first one or not, and by a paper or not."""

    entry: int
    time: datetime
    root: bool
    on_paper: bool


def of_purchaser(people: Iterable[Person]) -> tuple[Person, ...]:
    """Return the people of the purchaser."""
    return tuple(one for one in people if one.organisation == PURCHASER)


def signers_line(span: Span, mark: str) -> str:
    """Return a span as a line of allowed_signers; times are UTC, rounded outwards to seconds, ended by the mark."""
    holder = span.holder
    purposes = "weibao-entry,weibao-checkpoint" if holder.organisation is None else "weibao-entry,weibao-approval"
    options = [f'namespaces="{purposes}"']
    if span.first:
        options.append(f'valid-after="{span.first.astimezone(UTC):%Y%m%d%H%M%S}{mark}"')
    if span.end:
        end = span.end.astimezone(UTC) + timedelta(microseconds=999_999)
        options.append(f'valid-before="{end:%Y%m%d%H%M%S}{mark}"')
    return f'"{holder.principal}" {",".join(options)} {holder.key.line}'
