"""A site's hosts.yml: its groups, its variables, and what Ansible would pass over with a mere warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.yaml_source import KeyPath, YamlSource

#: The group of what is maintained but cannot be inspected from here: each host says what it is in ``weibao_asset``.
NOT_COVERED = "not_covered"

#: Kinds of such assets, worded by the catalogue.
KINDS = ("windows", "oracle", "sqlserver", "peripheral", "other")

#: What a group of a YAML inventory may hold.
GROUP_KEYS = ("hosts", "children", "vars")


def inventory_problems(source: YamlSource) -> Iterator[str]:
    """Yield, with its line, everything in an inventory that hides hosts or variables from Ansible."""
    if not isinstance(source.data, dict) or not source.data:
        yield source.problem((), "must map groups, such as all, to their hosts")
        return
    for key, group in _groups(source.data):
        if group is None:
            continue
        if not isinstance(group, dict):
            yield source.problem(key, f"must be a group of {', '.join(GROUP_KEYS)}")
            continue
        for name, value in group.items():
            if name not in GROUP_KEYS:
                yield source.problem((*key, name), f"no such part of a group; use {', '.join(GROUP_KEYS)}")
            elif value is not None and not isinstance(value, dict):
                yield source.problem((*key, name), "must be a mapping; write each name followed by a colon")
            elif name == "hosts":
                wrong = (host for host, one in (value or {}).items() if not isinstance(one, (dict, type(None))))
                yield from (source.problem((*key, name, host), "must map variables") for host in wrong)
                if NOT_COVERED in key:
                    yield from _asset_problems(source, (*key, name), value or {})


def _asset_problems(source: YamlSource, key: KeyPath, hosts: dict[Any, Any]) -> Iterator[str]:
    """Yield what is wrong with the declarations of assets that cannot be inspected."""
    for host, variables in hosts.items():
        asset = variables.get("weibao_asset") if isinstance(variables, dict) else None
        if not isinstance(asset, dict):
            yield source.problem((*key, host), "says what it is: weibao_asset: {kind: ..., product: ...}")
            continue
        place = (*key, host, "weibao_asset")
        if asset.get("kind") not in KINDS:
            yield source.problem((*place, "kind"), f"must be one of {', '.join(KINDS)}")
        if not isinstance(asset.get("product"), str) or not asset["product"]:
            yield source.problem((*place, "product"), "must name the product")
        surplus = [name for name in asset if name not in ("kind", "product")]
        yield from (source.problem((*place, name), "no such key; use kind and product") for name in surplus)


def inventory_variables(source: YamlSource) -> Iterator[tuple[KeyPath, dict[Any, Any]]]:
    """Yield every mapping of variables in an inventory, a group's or a host's, with its key path."""
    for key, group in _groups(source.data):
        if not isinstance(group, dict):
            continue
        if isinstance(group.get("vars"), dict):
            yield (*key, "vars"), group["vars"]
        hosts = group.get("hosts")
        for host, variables in hosts.items() if isinstance(hosts, dict) else ():
            if isinstance(variables, dict):
                yield (*key, "hosts", host), variables


def _groups(data: Any, key: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every group with its key path, children after their parent."""
    if not isinstance(data, dict):
        return
    for name, group in data.items():
        yield (*key, name), group
        if isinstance(group, dict):
            yield from _groups(group.get("children"), (*key, name, "children"))


def inventory_hosts(source: YamlSource) -> dict[str, frozenset[str]]:
    """Return the hosts that stand in each group itself, as they are written: a range of them is one."""
    found: dict[str, frozenset[str]] = {}
    for key, group in _groups(source.data):
        hosts = group.get("hosts") if isinstance(group, dict) else None
        name = str(key[-1])
        found[name] = found.get(name, frozenset()) | frozenset(map(str, hosts if isinstance(hosts, dict) else ()))
    return found
