"""Reading a site's contract, people, calendar and channels: every problem of a file at once, each with its line.

A problem within an obligation is told with its id, for few people count entries.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from runner.contract.channels import Notifications
from runner.contract.consistency import inconsistencies, written_obligations
from runner.contract.model import Contract
from runner.contract.people import People, unclear_people
from runner.contract.working_time import OwnCalendar
from runner.errors import BadInput
from runner.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from pathlib import Path

    from runner.contract.consistency import Problem
    from runner.site import Site
    from runner.yaml_source import KeyPath

Model = TypeVar("Model", bound=BaseModel)


def load_contract(site: Site) -> Contract:
    """Return the site's contract; raises BadInput with every problem, a line each."""
    return _load(site.contract_file, Contract, inconsistencies)


def load_people(site: Site) -> People:
    """Return the site's people, none where the file is missing; raises BadInput with every problem."""
    if not site.people_file.exists():
        return People(schema_version=1)
    return _load(site.people_file, People, unclear_people)


def load_calendar(site: Site) -> OwnCalendar:
    """Return the site's own days, none where the file is missing; raises BadInput with every problem."""
    if not site.calendar_file.exists():
        return OwnCalendar(schema_version=1)
    return _load(site.calendar_file, OwnCalendar)


def load_notifications(site: Site) -> Notifications:
    """Return the site's channels, none where the file is missing; raises BadInput with every problem."""
    if not site.notifications_file.exists():
        return Notifications(schema_version=1)
    return _load(site.notifications_file, Notifications)


def unknown_names(site: Site, what: str, known: Container[str]) -> list[str]:
    """Return a line for each name of a procedure or document in the site's contract that is not known.

    Told even where the contract is wrong in other ways; raises BadInput where it cannot be read at all.
    """
    source = _read(site.contract_file)
    places = [((*key, what), one.get(what), f"{one.get('id')}: ") for key, one in written_obligations(source.data)]
    terms = source.data.get("procedures") if isinstance(source.data, dict) and what == "procedure" else None
    places += [(("procedures", name), name, "") for name in (terms if isinstance(terms, dict) else ())]
    return [
        source.problem(key, f"{whose}no {what} named {name!r}")
        for key, name, whose in places
        if isinstance(name, str) and name and name not in known
    ]


def _load(path: Path, model: type[Model], between: Callable[[object], Iterable[Problem]] | None = None) -> Model:
    """Return a file's content; ``between`` yields what is wrong between its entries, whether each is valid or not."""
    return checked_file(_read(path), model, between)


def checked_file(
    source: YamlSource,
    model: type[Model],
    between: Callable[[object], Iterable[Problem]] | None = None,
    context: dict[str, Any] | None = None,
) -> Model:
    """Return what a file that was read leniently holds; raises BadInput with every problem of it, a line each.

    ``context`` is what the model's validators are told.
    """
    problems = [(key, message) for key, message in between(source.data)] if between else []
    found: Model | None = None
    try:
        found = model.model_validate(source.data, context=context)
    except ValidationError as error:
        problems = [*_problems(source, error), *problems]
    if found is None or problems or source.problems:
        told = [
            (source.line(key), source.problem(key, message)) for key, message in problems if key not in source.unread
        ]
        raise BadInput("\n".join(text for _, text in sorted([*source.problems, *told], key=lambda one: one[0])))
    return found


def _read(path: Path) -> YamlSource:
    source = read_yaml(path, lenient=True)
    if source.vaulted:
        raise BadInput(f"{path}: is vaulted as a whole, which nobody can check; vault single values")
    return source


def _problems(source: YamlSource, error: ValidationError) -> Iterator[Problem]:
    for problem in error.errors(include_url=False):
        key = tuple(_as_written(source.data, problem["loc"]))
        name = _obligation(source.data, key)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "string_type" and type(problem["input"]) in (int, float, date):
            message = f'is no text; write it in quotes: "{problem["input"]}"'
        yield key, f"{name}: {message}" if name else message


def _as_written(data: Any, key: KeyPath) -> Iterator[str | int]:
    """Yield a place by the keys of the file: pydantic tells a key that is a date as Python would write it."""
    for part in key:
        known = {repr(name): name for name in data} if isinstance(data, dict) and part not in data else {}
        name = known.get(str(part), part)
        yield name
        try:
            data = data[name]
        except (LookupError, TypeError):
            data = None


def _obligation(data: Any, key: KeyPath) -> str:
    """Return the id of the obligation that a place lies in, if it has one."""
    for part in key:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return ""
        if isinstance(data, dict) and "clause" in data and isinstance(data.get("id"), str):
            return str(data["id"])
    return ""
