"""Checks the role inputs that a site's files set against what the roles say they take.

Only what stands there as plain YAML is judged; a template is judged by Ansible when the role runs.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import module_utils.backups.thresholds
import module_utils.databases.thresholds
import module_utils.host.thresholds
import module_utils.services.thresholds
from module_utils.observations import threshold_problems
from runner.yaml_source import KeyPath, Vaulted, YamlSource, leaves, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (int, float),
    "int": (int,),
    "list": (list,),
    "path": (str,),
    "str": (str, int, float),
}

Options = dict[str, dict[str, Any]]

#: What each inspecting role measures, and by which limits.
THRESHOLDS = {
    "host_inspection": module_utils.host.thresholds,
    "service_inspection": module_utils.services.thresholds,
    "backup_inspection": module_utils.backups.thresholds,
    "database_inspection": module_utils.databases.thresholds,
}


def load_specifications(roles: Path) -> dict[str, Options]:
    """Return each role's inputs as its argument_specs.yml describes them."""
    found = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        options = read_yaml(path).data["argument_specs"]["main"].get("options") or {}
        found[path.parents[1].name] = options
    return found


def input_problems(
    specifications: dict[str, Options], source: YamlSource, blocks: Iterable[tuple[KeyPath, dict[Any, Any]]]
) -> Iterator[str]:
    """Yield, with its line, every role input in a file's mappings of variables that its role would not take."""
    for key, variables in blocks:
        for name, value in variables.items():
            for role, options in specifications.items():
                if str(name).startswith(f"{role}_"):
                    for path, problem in _problems(options, str(name), value):
                        yield source.problem((*key, name, *path), problem)


def _problems(options: Options, name: str, value: Any) -> Iterator[tuple[KeyPath, str]]:
    option = options.get(name)
    if option is None:
        close = difflib.get_close_matches(name, options, n=1)
        yield (), f"no role takes this input{f'; do you mean {close[0]}?' if close else ''}"
        return
    if any(isinstance(leaf, Vaulted) or (isinstance(leaf, str) and "{{" in leaf) for _, leaf in leaves(value)):
        return
    expected = _TYPES.get(option.get("type", "str"), (object,))
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        yield (), f"must be of type {option.get('type', 'str')}, not {type(value).__name__}"
    elif option.get("choices") and value not in option["choices"]:
        yield (), f"must be one of {', '.join(str(choice) for choice in option['choices'])}"
    elif name.endswith("_thresholds"):
        checks = THRESHOLDS[name.removesuffix("_thresholds")].CHECKS
        yield from (((), problem) for problem in threshold_problems(value, checks))
    elif isinstance(value, list) and option.get("elements") in _TYPES:
        for index, element in enumerate(value):
            if not isinstance(element, _TYPES[option["elements"]]):
                yield (index,), f"must be of type {option['elements']}, not {type(element).__name__}"
