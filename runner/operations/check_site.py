"""Use case: is everything that a person wrote in a site's folder usable?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from runner.contract.load import load_contract, load_people
from runner.errors import BadInput
from runner.procedures import load_procedures
from runner.role_inputs import input_problems, load_specifications
from runner.site import PROJECT, Site
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.contract.model import Contract, People


Result = TypeVar("Result")


@dataclass(frozen=True)
class CheckedSite:
    """A site whose files are all in order, with what they say."""

    site: Site
    contract: Contract
    people: People


def check_site(site: Site) -> CheckedSite:
    """Return the site's contract and people; raises BadInput with every problem of every file, a line each."""
    problems: list[str] = []
    contract = _collect(problems, lambda: load_contract(site))
    people = _collect(problems, lambda: load_people(site))
    specifications = load_specifications(PROJECT / "roles")
    for path in site.variable_files:
        source = _collect(problems, lambda path=path: read_yaml(path))  # type: ignore[misc]
        if source:
            problems.extend(input_problems(specifications, source))
    if contract:
        problems.extend(_procedure_problems(site, contract))
    if problems or contract is None or people is None:
        raise BadInput("\n".join(problems))
    return CheckedSite(site, contract, people)


def _collect(problems: list[str], step: Callable[[], Result]) -> Result | None:
    try:
        return step()
    except BadInput as error:
        problems.append(str(error))
        return None


def _procedure_problems(site: Site, contract: Contract) -> list[str]:
    """Return a line for each obligation whose procedure does not exist."""
    source = read_yaml(site.contract_file)
    known = load_procedures(PROJECT)
    return [
        source.problem(("obligations", index, "procedure"), f"no procedure named {obligation.procedure!r}")
        for index, obligation in enumerate(contract.obligations)
        if obligation.procedure and obligation.procedure not in known
    ]
