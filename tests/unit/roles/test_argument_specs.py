from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if (path / "meta").is_dir())

KINDS = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict, "path": str}


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


@pytest.fixture(params=ROLES, ids=lambda path: path.name)
def role(request):
    """A role's folder, its inputs, and their specification."""
    options = load(request.param / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return request.param, load(request.param / "defaults" / "main.yml"), options


def test_every_input_with_a_default_is_specified_and_every_other_is_required(role):
    _, defaults, options = role
    assert set(defaults) == {name for name, option in options.items() if not option.get("required")}


def test_inputs_carry_the_name_of_their_role(role):
    path, _, options = role
    assert [name for name in options if not name.startswith(path.name + "_")] == []


def test_defaults_are_of_the_type_that_is_specified(role):
    _, defaults, options = role
    wrong = [name for name, value in defaults.items() if not isinstance(value, KINDS[options[name]["type"]])]
    assert wrong == []


def test_every_input_is_described_and_lists_say_of_what(role):
    _, _, options = role
    assert [name for name, option in options.items() if not option.get("description")] == []
    assert [name for name, option in options.items() if option["type"] == "list" and "elements" not in option] == []


def test_every_default_has_a_comment(role):
    path, defaults, _ = role
    lines = (path / "defaults" / "main.yml").read_text(encoding="utf-8").splitlines()
    starts = {line.split(":")[0]: before for before, line in pairwise(lines)}
    assert [name for name in defaults if not starts[name].startswith("# ")] == []
