"""Every Molecule scenario passes on the lab's running hosts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.lab import PROJECT, Lab, command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab

SCENARIOS = sorted(path.parent.name for path in PROJECT.glob("molecule/*/molecule.yml"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(lab: Lab, scenario: str, tmp_path: Path) -> None:
    # A folder of its own, so that Molecule does not skip steps that it did on hosts that are gone.
    environment = {"MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path), "ANSIBLE_FORCE_COLOR": "0"}
    molecule = [sys.executable, "-m", "molecule"]
    try:
        command([*molecule, "test", "--scenario-name", scenario, "--destroy=never"], environment)
    finally:
        command([*molecule, "cleanup", "--scenario-name", scenario], environment)
