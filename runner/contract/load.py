"""Reading a site's contract, people and channels: every problem of a file at once, each with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from runner.contract.channels import Notifications
from runner.contract.model import Contract, People
from runner.errors import BadInput
from runner.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from runner.site import Site

Model = TypeVar("Model", bound=BaseModel)


def load_contract(site: Site) -> Contract:
    """Return the site's contract; raises BadInput with every problem, a line each."""
    return _load(site.contract_file, Contract)


def load_people(site: Site) -> People:
    """Return the site's people, none where the file is missing; raises BadInput with every problem."""
    if not site.people_file.exists():
        return People(schema_version=1)
    return _load(site.people_file, People)


def load_notifications(site: Site) -> Notifications:
    """Return the site's channels, none where the file is missing; raises BadInput with every problem."""
    if not site.notifications_file.exists():
        return Notifications(schema_version=1)
    return _load(site.notifications_file, Notifications)


def _load(path: Path, model: type[Model]) -> Model:
    source = read_yaml(path)
    if source.vaulted:
        raise BadInput(f"{path}: is vaulted as a whole, which nobody can check; vault single values")
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        raise BadInput("\n".join(_lines(source, error))) from error


def _lines(source: YamlSource, error: ValidationError) -> list[str]:
    return [
        source.problem(problem["loc"], problem["msg"].removeprefix("Value error, "))
        for problem in error.errors(include_url=False)
    ]
