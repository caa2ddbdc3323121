"""The lab's hosts under as many names as a benchmark wants, as a site of its own."""

from __future__ import annotations

import shutil
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import yaml

from runner.site import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

LAB = PROJECT / "inventories" / "lab"


def lab_hosts() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return each host of the lab with its group and its variables."""
    groups = yaml.safe_load((LAB / "hosts.yml").read_text())["lab"]["children"]
    return {
        name: (group, variables) for group, content in groups.items() for name, variables in content["hosts"].items()
    }


def lab_site(folder: Path, names: int, hosts: dict[str, tuple[str, dict[str, Any]]], **variables: Any) -> Path:
    """Write a site whose names lead to these hosts in turn, each in the group of its host; return its folder.

    ``variables`` are laid over those of every name.
    """
    folder.mkdir(parents=True)
    groups: dict[str, dict[str, Any]] = {}
    for number, (group, own) in enumerate(islice(cycle(hosts.values()), names)):
        members = groups.setdefault(group, {"hosts": {}})["hosts"]
        members[f"name-{number:04d}"] = {**own, **variables}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"lab": {"children": groups}}, sort_keys=False))
    for name in ("contract.yml", "people.yml"):
        shutil.copy(LAB / name, folder)
    shutil.copytree(LAB / "group_vars", folder / "group_vars")
    return folder
