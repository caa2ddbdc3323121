"""The plan of a change: what it is bound to, what it is not, and how it says what differs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.change_request import RequestFile
from runner.errors import BadInput
from runner.execution import closure
from runner.execution.frozen import frozen
from runner.operations.change_plan import Plan, differences, plan_again, plan_of, request_for
from runner.operations.check_site import CheckedSite, check_site
from runner.procedures import find_procedure
from runner.site import PROJECT, Site

HOSTS = """\
all:
  children:
    web:
      hosts:
        web-1: {ansible_host: 192.0.2.1}
        web-2: {ansible_host: 192.0.2.2, weibao_depends_on: [db-1]}
    db: {hosts: {db-1: }}
    not_covered:
      hosts:
        lis: {weibao_asset: {kind: windows, product: Windows Server 2016}}
"""

REQUEST = """\
procedure: restart-services
hosts: [web]
variables: {service_inspection_units: hello}
content: 重启
reason: 内存增长
risk: 低
impact: 一分钟
backup: 有
rollback: 再次启动
steps: [{name: 重启, minutes: 5}]
window: {from: "2026-11-22 22:00", to: "2026-11-23 02:00"}
supervisor: 示例系统负责人
"""

PLUGINS = ("action_plugins", "strategy_plugins", "filter_plugins")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what closures are made of, to be edited."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "ansible.cfg").write_bytes((PROJECT / "ansible.cfg").read_bytes())
    for name in ("playbooks", "roles", "library", "module_utils", *PLUGINS):
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    site.inventory.write_text(HOSTS, encoding="utf-8")
    return check_site(site)


def request(tmp_path: Path, text: str = REQUEST) -> Path:
    path = tmp_path / "request.yml"
    path.write_text(text, encoding="utf-8")
    return path


def planned(checked: CheckedSite, file: RequestFile, project: Path = PROJECT) -> Plan:
    """Return the plan of a request, by a copy as the program makes one."""
    with frozen("run-1", project, checked.site, find_procedure(project, file.request.procedure)) as copy:
        return plan_of(checked, file, copy)


@pytest.fixture
def plan(checked: CheckedSite, project: Path, tmp_path: Path) -> Plan:
    return planned(checked, request_for(checked, request(tmp_path)), project)


def again(checked: CheckedSite, plan: Plan, project: Path) -> list[str]:
    with frozen("run-2", project, checked.site, find_procedure(project, "restart-services")) as copy:
        now = plan_again(checked, plan.data, ["web"], copy)
    found = [str(one) for one in differences(plan.data, now.data)]
    assert (now.digest == plan.digest) == (found == [])
    return found


def test_a_plan_holds_what_would_run_on_which_hosts(plan: Plan) -> None:
    assert sorted(plan.data["hosts"]) == ["web-1", "web-2"]
    assert plan.data["window"]["from"].startswith("2026-11-22T22:00:00")
    assert plan.data["reserve_minutes"] == 30
    assert "playbooks/restart-services.yml" in plan.data["closure"]["files"]
    assert plan.depends_on == {"web-2": ("db-1",)}
    assert len(plan.digest) == 64


def test_the_contract_keeps_a_reserve_that_a_request_can_only_raise(checked: CheckedSite, tmp_path: Path) -> None:
    for text, minutes in (("10", 30), ("45", 45)):
        file = request_for(checked, request(tmp_path, f"{REQUEST}reserve_minutes: {text}\n"))
        assert planned(checked, file).data["reserve_minutes"] == minutes


def test_nothing_differs_where_nothing_changed_that_it_is_about(
    checked: CheckedSite, plan: Plan, project: Path
) -> None:
    (project / "README.md").write_text("a typo\n")
    (project / "roles" / "host_inspection" / "tasks" / "main.yml").write_text("---\n[]\n")
    edit(checked.site.inventory, "db-1: ", "db-1: {ansible_host: 192.0.2.9}")
    assert again(checked, plan, project) == []


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_role_that_was_edited_is_named(checked: CheckedSite, plan: Plan, project: Path) -> None:
    path = next(name for name in plan.data["closure"]["files"] if name.startswith("roles/") and "/tasks/" in name)
    (project / path).write_text((project / path).read_text() + "# one line more\n")
    assert again(checked, plan, project) == [f"file {path}: changed"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("192.0.2.1}", "192.0.2.7}", "host web-1: ansible_host: changed"),
        ("192.0.2.1}", "192.0.2.1, nginx_workers: 4}", "host web-1: nginx_workers: added"),
        ("        web-1: {ansible_host: 192.0.2.1}\n", "", "host web-1: removed"),
        ("        web-1:", "        web-0:\n        web-1:", "host web-0: added"),
    ],
)
def test_a_host_that_is_given_something_else_is_named(
    checked: CheckedSite, plan: Plan, project: Path, old: str, new: str, problem: str
) -> None:
    edit(checked.site.inventory, old, new)
    assert again(checked, plan, project) == [problem]


def test_group_variables_count_for_their_hosts_alone(checked: CheckedSite, plan: Plan, project: Path) -> None:
    folder = checked.site.inventory.parent / "group_vars"
    folder.mkdir(exist_ok=True)
    (folder / "db.yml").write_text("a: 1\n")
    assert again(checked, plan, project) == []
    (folder / "web.yml").write_text("a: 1\n")
    assert again(checked, plan, project) == ["host web-1: a: added", "host web-2: a: added"]


def test_a_vaulted_value_counts_by_its_ciphertext_and_needs_no_password(checked: CheckedSite, tmp_path: Path) -> None:
    folder = checked.site.inventory.parent / "group_vars"
    folder.mkdir(exist_ok=True)
    cipher = "$ANSIBLE_VAULT;1.1;AES256\n          {}\n"
    file = request_for(checked, request(tmp_path))
    digests = []
    for content in ("6162", "6163"):
        (folder / "web.yml").write_text(f"password: !vault |\n          {cipher.format(content)}")
        (folder / "all.yml").write_text(f"$ANSIBLE_VAULT;1.1;AES256\n{content}\n")
        digests.append(planned(checked, file).digest)
    assert len(set(digests)) == 2
    (folder / "all.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    assert planned(checked, file).digest not in digests


def test_another_version_of_ansible_is_told(
    checked: CheckedSite, plan: Plan, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closure, "version", lambda _name: "2.16.3")
    before = plan.data["closure"]["ansible_core"]
    assert again(checked, plan, project) == [f"ansible_core: changed ({before} → 2.16.3)"]


def test_what_people_agreed_on_is_told_by_its_key(plan: Plan) -> None:
    other = {**plan.data, "variables": {"service_inspection_units": "bye", "x": 1}, "risk": "高", "batches": [9]}
    assert [str(one) for one in differences(plan.data, other)] == [
        "variable service_inspection_units: changed",
        "variable x: added",
        "batches: changed",
        "risk: changed",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (REQUEST.replace("[web]", "[web, nobody]"), ":2: hosts.1: nobody: no host that restart-services is for"),
        (REQUEST.replace("[web]", "[lis]"), ":2: hosts.0: lis: no host that restart-services is for"),
        (REQUEST.replace("restart-services", "restart"), ":1: procedure: no procedure named 'restart'"),
        (
            REQUEST.replace("restart-services", "inspect"),
            ":1: procedure: inspect changes nothing and needs no approval",
        ),
        (f"{REQUEST}case: patch:1\n", ":13: case: no obligation of the contract is about cases of kind 'patch'"),
        (f"{REQUEST}emergency: true\n", ":13: emergency: the contract knows no emergency changes"),
        (f"{REQUEST}automatic: true\n", ":13: automatic: needs a contract that lets presence be signed beforehand"),
        (
            REQUEST.replace("hello", "hunter2-hunter2"),
            ":3: variables.service_inspection_units: holds a secret of the site",
        ),
        (REQUEST.replace("hello", "87654321"), ":3: variables.service_inspection_units: holds a secret of the site"),
        (
            REQUEST.replace("service_inspection_units: hello", "hunter2-hunter2: x"),
            ":3: variables: holds a secret of the site",
        ),
        (
            REQUEST.replace("service_inspection_units: hello", "service_restart_whn: always"),
            ":3: variables.service_restart_whn: no role takes this input; do you mean service_restart_when?",
        ),
        (
            REQUEST.replace("inspection_units: hello", "inspection_tpc: []"),
            ":3: variables.service_inspection_tpc: no role takes this input; do you mean service_inspection_tcp?",
        ),
        (
            REQUEST.replace("service_inspection_units: hello", "service_restart_when: alway"),
            ":3: variables.service_restart_when: must be one of due, always",
        ),
        (REQUEST.replace("内存增长", "口令 hunter2-hunter2"), ":5: reason: holds a secret of the site"),
        (
            REQUEST.replace("name: 重启", "name: 用 hunter2-hunter2 登录"),
            ":10: steps.0.name: holds a secret of the site",
        ),
        (
            REQUEST.replace("service_inspection_units: hello", "db_password: x"),
            ":3: variables.db_password: is a secret by its name",
        ),
        (
            REQUEST.replace("service_inspection_units: hello", "pin_password: 12345678"),
            "variables.pin_password: is a secret by its",
        ),
        (
            REQUEST.replace("hello", "[{api_key: x}]"),
            ":3: variables.service_inspection_units.0.api_key: is a secret by its name",
        ),
        (
            f"{REQUEST}automatic: true\nemergency: true\n",
            ":13: automatic: an emergency may start before it is approved, so a person has to start it",
        ),
    ],
)
def test_what_does_not_fit_the_site_is_told_with_its_line(
    checked: CheckedSite, tmp_path: Path, text: str, problem: str
) -> None:
    edit(checked.site.inventory, "db-1: ", "db-1: {db_password: hunter2-hunter2, pin_password: 87654321}")
    with pytest.raises(BadInput) as caught:
        planned(checked, request_for(checked, request(tmp_path, text)))
    assert problem in str(caught.value)


def test_an_inventory_that_ansible_cannot_read_is_told(checked: CheckedSite, tmp_path: Path) -> None:
    file = request_for(checked, request(tmp_path))
    folder = checked.site.inventory.parent / "group_vars"
    folder.mkdir(exist_ok=True)
    (folder / "web.yml").write_text("a: [\n")
    with pytest.raises(BadInput, match="YAML parsing failed"):
        planned(checked, file)
