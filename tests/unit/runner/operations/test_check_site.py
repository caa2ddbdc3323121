from __future__ import annotations

import dataclasses

import pytest

from runner.errors import BadInput
from runner.operations.check_site import check_site
from runner.site import Site


def problems(site: Site) -> list[str]:
    with pytest.raises(BadInput) as error:
        check_site(site)
    return str(error.value).splitlines()


def test_the_shipped_sites_are_in_order(site: Site) -> None:
    checked = check_site(site)
    assert checked.contract.fulfilled_by("inspect") == ("A01", "B19")


def test_every_problem_of_every_file_is_named_in_one_go(site: Site) -> None:
    site.contract_file.write_text(
        "schema_version: 1\nnumber: ''\ntitle: x\nprovider: {name: a}\npurchaser: {nmae: b}\n"
        "timezone: Mars/Base\nobligations:\n  - {id: A, kind: procedure, clause: c, procedure: inspect}\n"
        "  - {id: A, kind: sometimes, clause: c}\n"
    )
    site.people_file.write_text("schema_version: 1\npeople:\n  - {name: 张三, duty: king, organisation: provider}\n")
    (site.folder / "group_vars").mkdir()
    (site.folder / "group_vars" / "all.yml").write_text("x: [1\n")
    found = problems(site)
    for expected in (
        "contract.yml:2: number:",
        "contract.yml:1: system: Field required",
        "contract.yml:5: purchaser.name: Field required",
        "contract.yml:5: purchaser.nmae:",
        "contract.yml:6: timezone: 'Mars/Base' is no time zone",
        "contract.yml:9: obligations.1.kind:",
        "people.yml:3: people.0.duty:",
        "group_vars/all.yml:",
    ):
        assert any(expected in line for line in found), (expected, found)


BAD_CONTRACT = """\
schema_version: 1
number: N
title: T
system: S
provider: {name: P}
purchaser: {name: Q}
signed: 2026-02-30
term: {from: 2026-01-01, to: 2026-12-31}
procedures:
  inspekt: {change: routine}
obligations:
  - {id: A01, kind: procedure, clause: c, procedure: inspekt, cadence: monthly}
  - {id: A02, kind: document, clause: c, document: inspection-recrod, cadence: fortnightly}
  - {id: A03, kind: record, clause: c, cadence: monthly, due: {after: A04, within: {days: 3}}}
  - {id: A04, kind: record, clause: c, cadence: quarterly}
  - {id: A04, kind: record, clause: c, cadence: quarterly}
  - {id: A05, kind: document, clause: c, document: inspection-record, cadence: monthly, cadence: weekly}
  - {id: A06, kind: document, clause: c, document: no-such-paper, cadence: monthly}
amendments:
  - {from: 2026-06-01, title: one}
  - {from: 2026-05-01, title: two}
  - from: 2027-05-01
    title: three
    obligations:
      - {id: A07, kind: record, clause: c, cadence: once, due: {after: term start, within: {days: 9}}}
"""


def test_whatever_is_wrong_with_a_contract_is_told_in_one_go_each_once(site: Site) -> None:
    site.contract_file.write_text(BAD_CONTRACT)
    found = [line.removeprefix(f"{site.folder}/contract.yml:") for line in problems(site)]
    expected = (
        "7: signed: '2026-02-30' is no date",
        "10: procedures.inspekt: no procedure named 'inspekt'",
        "12: obligations.0.procedure: A01: no procedure named 'inspekt'",
        "13: obligations.1.document: A02: no document named 'inspection-recrod'",
        "13: obligations.1.cadence: A02: Input should be 'weekly'",
        "14: obligations.2.due.after: A03: due after A04: this one is owed monthly, that one quarterly only",
        "16: obligations.4.id: A04: another obligation has the same id",
        "17: obligations.5.cadence: this key stands here twice",
        "18: obligations.6.document: A06: no document named 'no-such-paper'",
        "21: amendments.1.from: amendments overlap: 2026-05-01 is not later than 2026-06-01",
        "22: amendments.2.from: 2027-05-01 lies outside the term",
        "25: amendments.2.obligations.0.due.after: A07: is due on 2026-01-10, before it joins on 2027-05-01",
    )
    assert [sum(line.startswith(one) for line in found) for one in expected] == [1] * len(expected), found
    assert len(found) == len(expected), found


def test_a_file_that_is_no_yaml_is_told_once(site: Site) -> None:
    for text in ("a: [1\nb: 2\n", "[" * 100_000):
        site.contract_file.write_text(text)
        assert len(problems(site)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "host_inspection_sample_seconds: fast\n",
            ":1: host_inspection_sample_seconds: must be of type float, not str",
        ),
        ("a: 1\nhost_inspection_expected_ports: tcp/22\n", ":2: host_inspection_expected_ports: must be of type list"),
        ("host_inspection_treshold: {}\n", "do you mean host_inspection_thresholds?"),
        ("host_inspection_thresholds: {disk.used: {warning: 1}}\n", "disk.used: no such check"),
        (
            "host_inspection_thresholds: {filesystem.used: {warning: high}}\n",
            "filesystem.used.warning: must be a number",
        ),
        ("host_inspection_thresholds: {filesystem.used: {warn: 1}}\n", "filesystem.used.warn: no such limit"),
        ("host_inspection_thresholds:\n  filesystem.used: {subjects: {/a: {below: 1}}}\n", "subjects./a.below"),
        ("host_inspection_sudo: 1\n", ":1: host_inspection_sudo: must be of type bool, not int"),
        (
            "service_inspection_http:\n- url: http://a\n- url: http://b\n  statsu: [200]\n",
            ":4: service_inspection_http.1.statsu: no role takes this input; do you mean status?",
        ),
        (
            "service_inspection_http:\n- name: x\n  verify: true\n",
            ":2: service_inspection_http.0.url: is required",
        ),
        ("service_inspection_http:\n- url:\n", ":2: service_inspection_http.0.url: must be of type str, not NoneType"),
        (
            "service_inspection_http:\n- url: http://a\n  status: [200, ok]\n",
            ":3: service_inspection_http.0.status.1: must be of type int, not str",
        ),
        (
            "service_inspection_http:\n- {url: '{{ secret_url }}', method: POST}\n",
            ":2: service_inspection_http.0.method: must be one of GET, HEAD, OPTIONS",
        ),
        ("service_inspection_tcp:\n- {host: a, port: true}\n", "service_inspection_tcp.0.port: must be of type int"),
        ("service_inspection_dns: [his.local]\n", ":1: service_inspection_dns.0: must be of type dict, not str"),
        (
            "backup_inspection_sets:\n- {path: /a, every_hours: daily}\n",
            ":2: backup_inspection_sets.0.every_hours: must be of type float, not str",
        ),
        (
            "database_inspection_instances:\n- {name: a, engine: mysq, password: !vault x}\n",
            ":2: database_inspection_instances.0.engine: must be one of mysql, mariadb, oracle, sqlserver, other",
        ),
    ],
)
def test_a_wrong_role_input_is_named_with_its_line(site: Site, text: str, expected: str) -> None:
    (site.folder / "group_vars").mkdir()
    (site.folder / "group_vars" / "all.yml").write_text(text)
    assert any(expected in line for line in problems(site)), problems(site)


def test_role_inputs_of_a_host_in_the_inventory_are_checked_too(site: Site) -> None:
    site.inventory.write_text("all:\n  children:\n    db:\n      hosts:\n        a: {host_inspection_checks: 7}\n")
    assert "hosts.yml:5" in problems(site)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ":1: must map groups"),
        ("- 1\n", ":1: must map groups"),
        ("all:\n  hosts: [a, b]\n", ":2: all.hosts: must be a mapping"),
        ("all:\n  childern:\n    db: {}\n", ":2: all.childern: no such part of a group"),
        ("all:\n  children:\n    db:\n      vras: {a: 1}\n", ":4: all.children.db.vras: no such part"),
        ("all:\n  hosts:\n    a: [1]\n", ":3: all.hosts.a: must map variables"),
        ("localhost: [1]\n", ":1: localhost: must be a group"),
    ],
)
def test_an_inventory_that_would_hide_hosts_is_named_with_its_line(site: Site, text: str, expected: str) -> None:
    site.inventory.write_text(text)
    assert any(expected in line for line in problems(site)), problems(site)


def test_variables_may_look_like_an_inventory(site: Site) -> None:
    (site.folder / "group_vars").mkdir()
    (site.folder / "group_vars" / "all.yml").write_text("cluster: {hosts: [a, b]}\nhost_inspection_treshold: 7\n")
    assert problems(site)[0].endswith("do you mean host_inspection_thresholds?")


def test_files_that_ansible_passes_over_are_passed_over(site: Site) -> None:
    (site.folder / "group_vars").mkdir()
    for name in ("all.yml~", "README.md", ".all.yml.swp"):
        (site.folder / "group_vars" / name).write_text("no: [yaml\n")
    assert check_site(site)


def test_a_linked_folder_of_variables_is_checked_as_ansible_reads_it(site: Site) -> None:
    elsewhere = site.folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yml").write_text("host_inspection_checks: 7\n")
    (site.folder / "group_vars").mkdir()
    (site.folder / "group_vars" / "all").symlink_to(elsewhere)
    assert "must be of type list" in problems(site)[0]


def test_a_broken_wording_of_the_site_is_named_before_anything_runs(site: Site) -> None:
    site.catalogue_overlay.write_text("no_such_table: {a: b}\n")
    assert "no such table: no_such_table" in problems(site)[0]


def test_a_template_is_left_to_ansible(site: Site) -> None:
    (site.folder / "group_vars").mkdir()
    text = (
        "host_inspection_expected_ports: '{{ ports }}'\nhost_inspection_thresholds: {cpu.steal: {warning: '{{ w }}'}}\n"
        "service_inspection_tcp: [{host: a, port: '{{ port }}'}, '{{ other }}']\n"
        "service_inspection_units: ['{% if a %}']\n"
    )
    (site.folder / "group_vars" / "all.yml").write_text(text)
    assert check_site(site)


def test_what_is_optional_may_be_left_empty(site: Site) -> None:
    (site.folder / "group_vars").mkdir()
    text = "service_inspection_http: [{url: http://a, contains: , status: [200]}]\n"
    (site.folder / "group_vars" / "all.yml").write_text(text)
    assert check_site(site)


def test_an_unknown_procedure_in_the_contract_is_named(site: Site) -> None:
    text = site.contract_file.read_text().replace("procedure: inspect", "procedure: inspekt", 1)
    site.contract_file.write_text(text)
    assert any("obligations.0.procedure: A01: no procedure named 'inspekt'" in line for line in problems(site))


def test_a_missing_contract_is_named(site: Site) -> None:
    bare = dataclasses.replace(site, folder=site.folder.parent)
    assert sum("contract.yml: No such file" in line for line in problems(bare)) == 1
