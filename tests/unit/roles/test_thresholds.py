"""What a role's README says of its checks is what its module measures, and by which limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from module_utils.observations import threshold_problems
from runner.role_inputs import THRESHOLDS

ROLES = Path(__file__).resolve().parents[3] / "roles"


@pytest.fixture(params=THRESHOLDS, ids=str)
def role(request):
    return request.param, THRESHOLDS[request.param]


def test_every_role_with_limits_is_known():
    described = {
        path.parents[1].name
        for path in ROLES.glob("*/meta/argument_specs.yml")
        if f"{path.parents[1].name}_thresholds:" in path.read_text(encoding="utf-8")
    }
    assert described == set(THRESHOLDS)


def test_the_default_limits_are_valid_and_of_known_checks(role):
    _, thresholds = role
    assert threshold_problems(thresholds.DEFAULT_THRESHOLDS, thresholds.CHECKS) == []


def test_the_table_of_the_readme_is_what_applies(role):
    name, thresholds = role
    text = (ROLES / name / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert rows == [
        (
            check,
            unit,
            *(
                ("< " if limits.get("below") else "") + str(limits[level]) if level in limits else ""
                for level in ("notice", "warning", "critical")
            ),
        )
        for check, unit in thresholds.UNITS.items()
        for limits in [thresholds.DEFAULT_THRESHOLDS.get(check, {})]
    ]
