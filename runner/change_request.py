"""The file in which a person applies for a change: what, why, where, when, and how back; every problem told at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from runner.changes import NUMBER
from runner.contract.base import Record, Text
from runner.contract.load import checked_file
from runner.errors import BadInput
from runner.yaml_source import Vaulted, YamlSource, leaves, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner.yaml_source import KeyPath

    Problem = tuple[KeyPath, str]

#: A window longer than this is a slip of the pen.
_LONGEST_WINDOW = timedelta(days=31)
_LONGEST_MINUTES = 31 * 24 * 60

#: Length of a day as text, 2026-11-22; longer is a moment.
_DAY_LENGTH = 10

#: One canary first, then a quarter of the hosts, then all others.
BATCHES: tuple[int | str, ...] = (1, "25%", "100%")

_NAME = re.compile(r"\w[\w.-]{0,252}")
_CASE = re.compile(r"[^:\s][^:]{0,63}:[\w.()（）〔〕-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: What belongs to the program, to Ansible, to the gate, or to a role alone: what a task has found, and goes by.
NOT_ITS_OWN = ("weibao_", "ansible_", "change_gate_", "_")
_PERCENT = re.compile(r"([1-9]\d?|100)%")


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def _written(pattern: re.Pattern[str], what: str) -> AfterValidator:
    """Return what refuses a text that is not written as it must be."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is no {what}")
        return text

    return AfterValidator(check)


#: A text that says something.
Words = Annotated[str, AfterValidator(_filled), Field(max_length=20_000)]


def _moment(value: object, info: ValidationInfo) -> object:
    """Return a moment as people write it, without an offset in the contract's zone."""
    if isinstance(value, str) and len(value) > _DAY_LENGTH:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f'{value!r} is no time; write "2026-11-22 22:00"') from None
    if not isinstance(value, datetime):
        raise ValueError('a moment is written "2026-11-22 22:00", in quotes')  # noqa: TRY004 - pydantic takes this one
    zone: tzinfo | None = (info.context or {}).get("zone")
    return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)


Moment = Annotated[datetime, BeforeValidator(_moment)]


def _batch(value: object) -> object:
    if type(value) is int and value > 0:
        return value
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return value
    raise ValueError('a batch is a number of hosts, or a share of them in quotes: "50%"')


def _some(items: tuple[Any, ...]) -> tuple[Any, ...]:
    # Not a length that the field itself has: of that more would be told where each item is wrong.
    if not items:
        raise ValueError("is empty")
    return items


class RequestedStep(Record):
    """One step of the plan; ``minutes`` is how long it takes on one batch of hosts."""

    name: Words
    minutes: Annotated[float, Field(gt=0, le=_LONGEST_MINUTES)] | None = None


class Window(Record):
    """From when to when the change may run."""

    start: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="to")]

    @model_validator(mode="after")
    def _start_before_end(self) -> Window:
        if self.end <= self.start:
            raise ValueError("the window ends before it starts")
        if self.end - self.start > _LONGEST_WINDOW:
            raise ValueError(f"the window is longer than {_LONGEST_WINDOW.days} days")
        return self


class ChangeRequest(Record):
    """An application for a change, as a person wrote it."""

    number: Annotated[str, _written(NUMBER, "number of a change, such as SJ-2026-001")] | None = None
    case: Annotated[str, _written(_CASE, "case, such as upgrade:SJ-2026-001")] | None = None
    procedure: Text
    hosts: Annotated[
        tuple[Annotated[str, _written(_NAME, "name of a host or group")], ...],
        Field(strict=False),
        AfterValidator(_some),
    ]
    variables: dict[str, Any] = Field(default_factory=dict)
    content: Words
    reason: Words
    risk: Words
    impact: Words
    backup: Words
    rollback: Words
    steps: Annotated[tuple[RequestedStep, ...], Field(strict=False, max_length=200), AfterValidator(_some)]
    window: Window
    reserve_minutes: Annotated[float, Field(gt=0, le=24 * 60)] | None = None
    supervisor: Words
    batches: Annotated[
        tuple[Annotated[int | str, BeforeValidator(_batch)], ...],
        Field(strict=False, max_length=50),
        AfterValidator(_some),
    ] = BATCHES
    automatic: bool = False
    emergency: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the entry keeps, moments as ISO text with their offset."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True)
class RequestFile:
    """A request, and where each of its keys stands."""

    request: ChangeRequest
    source: YamlSource

    def wrong(self, *problems: Problem) -> BadInput:
        """Return the error that tells of problems with their file, line and key."""
        return BadInput("\n".join(self.source.problem(key, message) for key, message in problems))


def read_request(
    path: Path, zone: tzinfo, further: Callable[[Mapping[str, Any]], Iterable[Problem]] | None = None
) -> RequestFile:
    """Return the request in a file; raises BadInput with every problem of it, each with file, line and key.

    Times without an offset are of ``zone``. ``further`` yields what else is wrong with the file's data, valid or not.
    """
    source = read_yaml(path, lenient=True)
    if source.vaulted:
        raise BadInput(f"{path}: is vaulted, and nobody could approve what they cannot read")

    def between(data: object) -> Iterable[Problem]:
        if isinstance(data, dict):
            yield from _variable_problems(data.get("variables"))
            yield from _twice(data.get("hosts"))
            yield from further(data) if further else ()

    return RequestFile(checked_file(source, ChangeRequest, between, {"zone": zone}), source)


def _variable_problems(variables: object) -> Iterable[Problem]:
    """Yield each variable that is none of its own: one that a program sets, one that is secret, one that is templated.

    What is approved is what stands here, so it says all: no template that could mean something else tomorrow.
    """
    for name in variables if isinstance(variables, dict) else ():
        key = ("variables", name)
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            yield key, "is no name of a variable"
        elif name.startswith(NOT_ITS_OWN):
            yield key, "is not set by a request: it belongs to the program, or into the inventory"
    place: KeyPath
    for place, value in leaves(variables if isinstance(variables, dict) else {}, ("variables",)):
        if isinstance(value, Vaulted):
            yield place, "is vaulted: a request holds no secrets"
        elif isinstance(value, str) and ("{{" in value or "{%" in value):
            yield place, "is a template: write the value that is meant"
        elif isinstance(value, date):
            yield place, f'is read as a date; write it in quotes: "{value}"'
        elif isinstance(value, float) and not isfinite(value):
            yield place, "is no number that can be written down"
        elif not isinstance(value, str | int | float | None):
            yield place, "is neither text nor a number"


def _twice(hosts: object) -> Iterable[Problem]:
    seen: set[str] = set()
    for index, name in enumerate(hosts if isinstance(hosts, list) else ()):
        if isinstance(name, str) and name in seen:
            yield ("hosts", index), f"{name} stands here twice"
        elif isinstance(name, str):
            seen.add(name)
