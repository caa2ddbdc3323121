"""Use case: is everything that a person wrote in a site's folder usable?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from reports.catalogue import load_catalogue
from runner.contract.load import load_contract, load_notifications, load_people
from runner.errors import BadInput
from runner.inventory_file import inventory_problems, inventory_variables
from runner.procedures import load_procedures
from runner.role_inputs import Options, input_problems, load_specifications
from runner.site import PROJECT, Site
from runner.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.contract.channels import Notifications
    from runner.contract.model import Contract, People


Result = TypeVar("Result")


@dataclass(frozen=True)
class CheckedSite:
    """A site whose files are all in order, with what they say."""

    site: Site
    contract: Contract
    people: People
    notifications: Notifications


def check_site(site: Site) -> CheckedSite:
    """Return the site's contract and people; raises BadInput with every problem of every file, a line each."""
    problems: list[str] = []
    contract = _collect(problems, lambda: load_contract(site))
    people = _collect(problems, lambda: load_people(site))
    notifications = _collect(problems, lambda: load_notifications(site))
    specifications = load_specifications(PROJECT / "roles")
    for path in site.variable_files:
        source = _collect(problems, partial(read_yaml, path))
        if source and path == site.inventory:
            problems.extend(inventory_problems(source))
            problems.extend(input_problems(specifications, source, inventory_variables(source)))
        elif source:
            problems.extend(_variables_problems(specifications, source))
    _collect(problems, lambda: load_catalogue("zh", site.catalogue_overlay))
    if contract:
        problems.extend(_procedure_problems(site, contract))
    if problems or contract is None or people is None or notifications is None:
        raise BadInput("\n".join(problems))
    return CheckedSite(site, contract, people, notifications)


def _collect(problems: list[str], step: Callable[[], Result]) -> Result | None:
    try:
        return step()
    except BadInput as error:
        problems.append(str(error))
        return None


def _variables_problems(specifications: dict[str, Options], source: YamlSource) -> list[str]:
    if source.vaulted or source.data is None:
        return []
    if not isinstance(source.data, dict):
        return [source.problem((), "must map variables to values")]
    return list(input_problems(specifications, source, [((), source.data)]))


def _procedure_problems(site: Site, contract: Contract) -> list[str]:
    """Return a line for each obligation whose procedure does not exist."""
    source = read_yaml(site.contract_file)
    known = load_procedures(PROJECT)
    return [
        source.problem(("obligations", index, "procedure"), f"no procedure named {obligation.procedure!r}")
        for index, obligation in enumerate(contract.obligations)
        if obligation.procedure and obligation.procedure not in known
    ]
