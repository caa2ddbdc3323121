"""Checks the role inputs that a site's files set against what the roles say they take.

Only what stands there as plain YAML is judged; a template is judged by Ansible when the role runs.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import module_utils.backups.thresholds
import module_utils.databases.thresholds
import module_utils.host.thresholds
import module_utils.restarting.thresholds
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

#: Where a task names variables: in templates, and in conditions, which are templates without braces.
_TEMPLATE = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
_CONDITIONS = {"when", "failed_when", "changed_when", "until", "that"}

#: What each inspecting role measures, and by which limits.
THRESHOLDS = {
    "host_inspection": module_utils.host.thresholds,
    "service_inspection": module_utils.services.thresholds,
    "backup_inspection": module_utils.backups.thresholds,
    "database_inspection": module_utils.databases.thresholds,
    "service_restart": module_utils.restarting.thresholds,
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


def variable_problems(
    specifications: dict[str, Options], files: Iterable[Path], variables: dict[Any, Any]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield which variables a procedure would not take, and which nothing in it knows; ``files`` are its YAML files.

    Of a procedure whose roles tell of no inputs, nothing can be said.
    """
    paths = list(files)
    roles = {path.parts[place + 1] for path in paths for place in _places(path, "roles")}
    options = {name: one for role, taken in specifications.items() if role in roles for name, one in taken.items()}
    read = {name for path in paths for name in _named(path)} if options else set()
    known: Options = {**{name: {} for name in read}, **options}
    for name, value in variables.items():
        if options and (name in options or name not in read):
            yield from (((name, *path), problem) for path, problem in _problems(known, str(name), value))


def _places(path: Path, folder: str) -> Iterator[int]:
    """Yield where in a file's path a folder of a name stands that another folder lies in."""
    return (place for place, part in enumerate(path.parts[:-2]) if part == folder)


def _named(path: Path) -> Iterator[str]:
    """Yield every word in what of a YAML file Ansible takes for a template or a condition."""
    for key, value in leaves(read_yaml(path).data):
        whole = [str(value)] if _CONDITIONS & set(key[-2:]) else []
        for text in (*whole, *_TEMPLATE.findall(value if isinstance(value, str) else "")):
            yield from re.findall(r"\w+", text)


def _problems(options: Options, name: str, value: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield where in an option's value something is wrong, and what."""
    option, judge = options.get(name), THRESHOLDS.get(name.removesuffix("_thresholds"))
    if option is None:
        close = difflib.get_close_matches(name, options, n=1)
        yield (), f"no role takes this input{f'; do you mean {close[0]}?' if close else ''}"
    elif judge and isinstance(value, dict):
        if not any(_comes_later(leaf) for _, leaf in leaves(value)):
            yield from (((), problem) for problem in threshold_problems(value, judge.CHECKS))
    else:
        yield from _value_problems(option, option.get("type", "str"), value)


def _comes_later(value: Any) -> bool:
    """Return whether only Ansible knows a value."""
    return isinstance(value, Vaulted) or (isinstance(value, str) and ("{{" in value or "{%" in value))


def _value_problems(option: dict[str, Any], kind: str, value: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with a value of a kind, or with the elements and options in it."""
    expected = _TYPES.get(kind, (object,))
    if _comes_later(value):
        return
    if not isinstance(value, expected) or (isinstance(value, bool) and not {bool, object} & set(expected)):
        yield (), f"must be of type {kind}, not {type(value).__name__}"
    elif isinstance(value, list):
        for index, element in enumerate(value):
            for path, problem in _value_problems(option, option.get("elements", "raw"), element):
                yield (index, *path), problem
    elif isinstance(value, dict):
        yield from _entry_problems(option.get("options"), value)
    elif option.get("choices") and value not in option["choices"]:
        yield (), f"must be one of {', '.join(str(choice) for choice in option['choices'])}"


def _entry_problems(options: Options | None, entries: dict[Any, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with a mapping's entries; without options it may hold anything."""
    if options is None:
        return
    required = [name for name, option in options.items() if option.get("required")]
    yield from (((name,), "is required") for name in required if name not in entries)
    for name, entry in entries.items():
        if entry is not None or name in required or name not in options:  # what is optional may be left empty
            for path, problem in _problems(options, str(name), entry):
                yield (name, *path), problem
