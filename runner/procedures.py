"""The procedures that can be run: the playbooks, and what each says of itself.

A playbook declares itself in a variable of its first play:

    vars:
      weibao_procedure:
        changes_hosts: false            # true: needs an approved change, unless the contract says routine
        repeatable: true                # an interrupted attempt may be repeated without asking a person
        observations: true              # every host reached must deliver observations
        documents: [inspection-record]  # written after each run
        feasibility: ["change.*"]       # checks that a preview must find in order before a change may be executed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.errors import BadInput
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "weibao_procedure"


class _Declaration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    changes_hosts: bool
    repeatable: bool
    observations: bool
    documents: list[str] = []
    feasibility: list[str] = []


@dataclass(frozen=True)
class Procedure:
    """One playbook that the program may run."""

    name: str
    playbook: Path
    changes_hosts: bool
    repeatable: bool
    observations: bool
    documents: tuple[str, ...]
    feasibility: tuple[str, ...] = ()


def load_procedures(project: Path) -> dict[str, Procedure]:
    """Return every declared procedure by name; raises BadInput where a declaration is wrong."""
    found = (_load(path) for path in sorted((project / "playbooks").glob("*.yml")))
    return {procedure.name: procedure for procedure in found if procedure}


def find_procedure(project: Path, name: str) -> Procedure:
    """Return a procedure by name; raises BadInput, naming those that exist, where there is none."""
    procedures = load_procedures(project)
    if name not in procedures:
        raise BadInput(f"no procedure named {name!r}; procedures: {', '.join(procedures) or 'none'}")
    return procedures[name]


def _load(path: Path) -> Procedure | None:
    source = read_yaml(path)
    try:
        declared = source.data[0]["vars"][VARIABLE]
    except (LookupError, TypeError):
        return None
    try:
        declaration = _Declaration.model_validate(declared)
    except ValidationError as error:
        where = (0, "vars", VARIABLE)
        lines = (source.problem((*where, *one["loc"]), one["msg"]) for one in error.errors(include_url=False))
        raise BadInput("\n".join(lines)) from error
    fields = declaration.model_dump()
    lists = {key: tuple(fields[key]) for key in ("documents", "feasibility")}
    return Procedure(path.stem, path, **{**fields, **lists})
