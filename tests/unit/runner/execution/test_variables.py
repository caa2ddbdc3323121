"""Ansible's own reading of what hosts are given: what counts for a host, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import BadInput
from runner.execution.frozen import frozen
from runner.execution.variables import OTHERS, HostVariables, host_variables
from runner.procedures import find_procedure
from runner.site import PROJECT, Site

KEY = b"k" * 32
HOSTS = """
all:
  children:
    app:
      vars: {nginx_workers: 4}
      hosts:
        app1: {weibao_depends_on: db1, of_another: "{{ hostvars['app2'].port }}", number: 1}
        app2: {port: 80, brought: "{{ lookup('env', 'WORD') }}"}
    db:
      hosts: {db1: {weibao_depends_on: [san]}}
    not_covered:
      hosts:
        lis: {weibao_asset: {kind: windows, product: Windows Server 2016}}
"""
VAULTED = """
word: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  3132333435363738
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "hosts.yml").write_text(HOSTS, encoding="utf-8")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "db.yml").write_text(VAULTED, encoding="utf-8")
    return Site("x", tmp_path, tmp_path / "state")


def found(site: Site, *names: str, project: Path = PROJECT, key: bytes = KEY) -> HostVariables:
    procedure = find_procedure(project, "inspect")
    with frozen(f"variables-{os.getpid()}", project, site, procedure) as copy:
        return host_variables(copy, names, key)


def edit(site: Site, old: str, new: str) -> None:
    text = site.inventory.read_text(encoding="utf-8")
    assert old in text
    site.inventory.write_text(text.replace(old, new), encoding="utf-8")


def differing(one: HostVariables, other: HostVariables) -> dict[str, set[str]]:
    """Return the variables that differ, by host."""
    pairs = {host: (dict(one.hosts[host]), dict(other.hosts[host])) for host in one.hosts}
    names = {host: {name for name in {*a, *b} if a.get(name) != b.get(name)} for host, (a, b) in pairs.items()}
    return {host: named for host, named in names.items() if named}


def test_hosts_and_groups_are_told_with_their_variables_and_who_depends_on_whom(site: Site) -> None:
    one = found(site, "app", "db1", "lis", "nobody")
    assert set(one.hosts) == {"app1", "app2", "db1"}
    assert one.unknown == ("lis", "nobody")
    assert one.depends_on == {"app1": ("db1",), "db1": ("san",)}
    assert {"nginx_workers", "number", "group_names", "inventory_hostname"} <= set(one.hosts["app1"])
    assert "word" in one.hosts["db1"]
    assert not {"hostvars", "groups", "inventory_dir", "playbook_dir", "omit"} & set(one.hosts["app1"])
    assert differing(one, found(site, "app", "db1")) == {}


def test_a_variable_that_differs_is_named_for_each_host_that_it_is_given_to(site: Site) -> None:
    before = found(site, "app", "db1")
    edit(site, "nginx_workers: 4", "nginx_workers: 5")
    (site.folder / "group_vars" / "db.yml").write_text(VAULTED.replace("3132", "3133"), encoding="utf-8")
    (site.folder / "host_vars").mkdir()
    (site.folder / "host_vars" / "app2.yml").write_text("more: 1\n", encoding="utf-8")
    # A template that reads another host counts with whatever any host is given.
    assert differing(before, found(site, "app", "db1")) == {
        "app1": {"nginx_workers", "of_another"},
        "app2": {"nginx_workers", "more"},
        "db1": {"word"},
    }


def test_what_another_host_is_given_does_not_count(site: Site) -> None:
    before = found(site, "app2")
    edit(site, "number: 1", "number: 2")
    assert differing(before, found(site, "app2")) == {}


def test_of_a_procedure_that_reads_other_hosts_all_of_them_count(site: Site, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "playbooks").mkdir(parents=True)
    (project / "ansible.cfg").write_text("[defaults]\n")
    declared = "{changes_hosts: true, repeatable: false, observations: false}"
    (project / "playbooks" / "inspect.yml").write_text(
        f"- hosts: all\n  vars: {{weibao_procedure: {declared}}}\n  tasks:\n"
        "    - ansible.builtin.debug: {msg: \"{{ groups['db'] }}\"}\n"
    )
    before = found(site, "app2", project=project)
    edit(site, "number: 1", "number: 2")
    assert differing(before, found(site, "app2", project=project)) == {"app2": {OTHERS}}


def test_what_is_looked_up_when_it_is_used_is_named(site: Site) -> None:
    assert found(site, "app2").unpinned == ("brought",)
    assert found(site, "db1").unpinned == ()


def test_another_key_gives_other_digests(site: Site) -> None:
    one, other = found(site, "db1"), found(site, "db1", key=b"o" * 32)
    assert set(one.hosts["db1"].values()).isdisjoint(other.hosts["db1"].values())


def test_the_caller_s_settings_do_not_hide_variables(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = found(site, "db1")
    monkeypatch.setenv("ANSIBLE_VARS_ENABLED", "none.such")
    monkeypatch.setenv("ANSIBLE_VARS_PLUGINS", str(site.folder))
    assert differing(before, found(site, "db1")) == {}


def test_an_inventory_that_cannot_be_read_is_named_as_people_know_it(site: Site) -> None:
    (site.folder / "group_vars" / "db.yml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(BadInput) as told:
        found(site, "db1")
    assert str(site.folder) in str(told.value)
    assert "/weibao-variables-" not in str(told.value)
