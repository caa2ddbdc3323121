from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.errors import BadInput
from runner.execution.frozen import frozen
from runner.execution.targets import Targets
from runner.inventory_file import inventory_problems
from runner.procedures import find_procedure
from runner.site import PROJECT, Site
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = """
all:
  children:
    site:
      children:
        web: {hosts: {web-1: , web-2: }}
        db: {hosts: {db-1: }}
    not_covered:
      hosts:
        lis: {weibao_asset: {kind: windows, product: Windows Server 2016}}
        printer: {weibao_asset: {kind: peripheral, product: 打印机}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(HOSTS, encoding="utf-8")
    return path


@contextmanager
def asking(inventory: Path, limit: str | None = None) -> Iterator[Targets]:
    site = Site("x", inventory.parent, inventory.parent / "state")
    inspect = find_procedure(PROJECT, "inspect")
    with frozen(f"targets-{os.getpid()}", PROJECT, site, inspect) as copy, closing(Targets(copy, limit)) as asked:
        yield asked


def test_what_is_not_covered_is_no_target_and_is_listed(inventory: Path) -> None:
    with asking(inventory) as asked:
        assert asked.hosts() == ["db-1", "web-1", "web-2"]
        assert asked.not_covered() == [
            {"host": "lis", "kind": "windows", "product": "Windows Server 2016"},
            {"host": "printer", "kind": "peripheral", "product": "打印机"},
        ]
        assert asked.groups() == {"site": ["web-1", "web-2", "db-1"], "web": ["web-1", "web-2"], "db": ["db-1"]}


def test_a_limit_leaves_out_hosts_and_empties_groups_but_hides_no_asset(inventory: Path) -> None:
    with asking(inventory, "web-1") as asked:
        assert (asked.hosts(), asked.left_out()) == (["web-1"], ["db-1", "web-2"])
        assert asked.groups() == {"site": ["web-1"], "web": ["web-1"]}
        assert len(asked.not_covered()) == 2


def test_a_limit_to_what_cannot_be_inspected_is_refused(inventory: Path) -> None:
    with pytest.raises(BadInput, match="--limit lis: matches no host of the site"), asking(inventory, "lis"):
        pass


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("", "lis: says what it is: weibao_asset"),
        ("{weibao_asset: windows}", "lis: says what it is: weibao_asset"),
        ("{weibao_asset: {kind: vms, product: x}}", "lis.weibao_asset.kind: must be one of windows, oracle"),
        ("{weibao_asset: {kind: other}}", "lis.weibao_asset.product: must name the product"),
        ("{weibao_asset: {kind: other, product: x, owner: y}}", "lis.weibao_asset.owner: no such key"),
    ],
)
def test_an_asset_says_what_it_is(tmp_path: Path, variables: str, problem: str) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(f"all:\n  children:\n    not_covered:\n      hosts:\n        lis: {variables}\n")
    (found,) = inventory_problems(read_yaml(path))
    assert found.startswith(f"{path}:5: ")
    assert problem in found


def test_an_asset_in_a_group_of_its_own_is_checked_and_cannot_stop_a_run(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(
        "not_covered:\n  children:\n    old:\n      hosts:\n        lis: {weibao_asset: windows}\n", encoding="utf-8"
    )
    (problem,) = inventory_problems(read_yaml(path))
    assert "hosts.yml:5: not_covered.children.old.hosts.lis: says what it is" in problem
    with asking(path) as asked:
        assert asked.not_covered() == [{"host": "lis", "kind": "", "product": ""}]
