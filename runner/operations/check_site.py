"""Use case: is everything that a person wrote in a site's folder usable?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from reports.catalogue import load_catalogue
from runner.contract.load import load_calendar, load_contract, load_notifications, load_people, unknown_names
from runner.contract.working_time import WorkingTime
from runner.errors import BadInput
from runner.inventory_file import inventory_problems, inventory_variables
from runner.procedures import load_procedures
from runner.role_inputs import Options, input_problems, load_specifications
from runner.site import PROJECT, Site
from runner.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.contract.channels import Notifications
    from runner.contract.model import Contract
    from runner.contract.people import People
    from runner.contract.working_time import OwnCalendar


Result = TypeVar("Result")


@dataclass(frozen=True)
class CheckedSite:
    """A site whose files are all in order, with what they say."""

    site: Site
    contract: Contract
    people: People
    calendar: OwnCalendar
    notifications: Notifications

    @cached_property
    def working(self) -> WorkingTime:
        """Return the time that the contract counts in; without a zone of its own, that of the controller."""
        zone = self.contract.zone() or datetime.now().astimezone().tzinfo or UTC
        return WorkingTime(zone, self.contract.service_hours, self.calendar)


def check_site(site: Site) -> CheckedSite:
    """Return the site's contract and people; raises BadInput with every problem of every file, a line each."""
    problems: list[str] = []
    contract = _collect(problems, lambda: load_contract(site))
    people = _collect(problems, lambda: load_people(site))
    calendar = _collect(problems, lambda: load_calendar(site))
    notifications = _collect(problems, lambda: load_notifications(site))
    specifications = load_specifications(PROJECT / "roles")
    for path in site.variable_files:
        source = _collect(problems, partial(read_yaml, path))
        if source and path == site.inventory:
            problems.extend(inventory_problems(source))
            problems.extend(input_problems(specifications, source, inventory_variables(source)))
        elif source:
            problems.extend(_variables_problems(specifications, source))
    problems.extend(_unknown(site))
    if problems or contract is None or people is None or calendar is None or notifications is None:
        raise BadInput("\n".join(problems))
    return CheckedSite(site, contract, people, calendar, notifications)


def check_folder(site: Site) -> CheckedSite:
    """Return a site as check_site() does, the purchaser's own forms checked, too."""
    # Imported only now: every other command does without it.
    from runner.operations.documents import form_problems  # noqa: PLC0415

    problems: list[str] = []
    checked = _collect(problems, lambda: check_site(site))
    problems += _collect(problems, lambda: list(form_problems(site))) or ()
    if problems or checked is None:
        raise BadInput("\n".join(problems))
    return checked


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


def _unknown(site: Site) -> list[str]:
    """Return a line for each procedure and document that the contract names and that does not exist."""
    documents = load_catalogue("zh", site.catalogue_overlay).keys("documents")
    try:
        return [
            *unknown_names(site, "procedure", load_procedures(PROJECT)),
            *unknown_names(site, "document", documents),
        ]
    except BadInput:
        return []  # that the contract cannot be read has been told
