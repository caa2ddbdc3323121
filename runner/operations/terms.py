"""What the contract says of procedures: which are routine, and which may be repeated without asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.contract.model import Contract
    from runner.procedures import Procedure


def is_routine(contract: Contract, procedure: Procedure) -> bool:
    """Return whether a procedure runs without an approved change: it changes no host, or the contract says routine."""
    terms = contract.procedures.get(procedure.name)
    change = terms.change if terms else None
    return change == "routine" or (not procedure.changes_hosts and change != "approved")


def may_repeat(contract: Contract, procedure: Procedure) -> bool:
    """Return whether an attempt that was not complete is made again without asking a person."""
    terms = contract.procedures.get(procedure.name)
    return procedure.repeatable and not (terms and terms.repeatable is False)
