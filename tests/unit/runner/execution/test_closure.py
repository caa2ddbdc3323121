from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.evidence.canonical import digest_file
from runner.execution.closure import Closure, closure_files, installed_core
from runner.site import PROJECT

PLUGINS = ("action_plugins", "filter_plugins", "strategy_plugins")
PARTS = ("ansible.cfg", "playbooks", "roles", "library", "module_utils", *PLUGINS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, tmp_path / part)
    return tmp_path


def closure_of(project: Path, playbook: Path) -> Closure:
    files = {path.relative_to(project).as_posix(): digest_file(path) for path in closure_files(project, playbook)}
    return Closure(files, installed_core())


def digest(project: Path) -> str:
    return closure_of(project, project / "playbooks" / "inspect.yml").digest


def test_the_closure_of_inspect_names_playbook_role_module_and_what_it_imports(project: Path) -> None:
    files = set(closure_of(project, project / "playbooks" / "inspect.yml").files)
    assert files >= {
        "ansible.cfg",
        "playbooks/inspect.yml",
        "roles/host_inspection/tasks/main.yml",
        "roles/host_inspection/defaults/main.yml",
        "library/host_inspection.py",
        "module_utils/observations.py",
        "module_utils/host/thresholds.py",
    }


@pytest.mark.parametrize(
    "name",
    [
        "ansible.cfg",
        "playbooks/inspect.yml",
        "roles/host_inspection/defaults/main.yml",
        "library/host_inspection.py",
        "module_utils/observations.py",
        "module_utils/host/thresholds.py",
        "action_plugins/change_gate.py",
        "module_utils/changing/gate.py",
    ],
)
def test_a_change_of_any_of_its_files_changes_the_digest(project: Path, name: str) -> None:
    before = digest(project)
    with (project / name).open("a") as file:
        file.write("# changed\n")
    assert digest(project) != before


def test_a_change_elsewhere_does_not(project: Path) -> None:
    before = digest(project)
    (project / "README.md").write_text("changed")
    (project / "library" / "other_module.py").write_text("changed = True\n")
    (project / "roles" / "other" / "tasks").mkdir(parents=True)
    (project / "roles" / "other" / "tasks" / "main.yml").write_text("[]\n")
    (project / "roles" / "host_inspection" / "README.md").write_text("changed")
    assert digest(project) == before


def test_roles_are_followed_through_includes_dependencies_and_blocks(project: Path) -> None:
    for name, tasks in (
        ("outer", "- name: B\n  block:\n    - name: I\n      ansible.builtin.include_role:\n        name: inner\n"),
        ("inner", "- name: M\n  host_inspection:\n"),
        ("base", "[]\n"),
    ):
        (project / "roles" / name / "tasks").mkdir(parents=True)
        (project / "roles" / name / "tasks" / "main.yml").write_text(tasks)
    (project / "roles" / "inner" / "meta").mkdir()
    (project / "roles" / "inner" / "meta" / "main.yml").write_text("dependencies:\n  - role: base\n")
    playbook = project / "playbooks" / "other.yml"
    playbook.write_text("- hosts: all\n  roles: [outer]\n- import_playbook: inspect.yml\n")
    files = set(closure_of(project, playbook).files)
    assert files >= {"roles/base/tasks/main.yml", "library/host_inspection.py", "playbooks/inspect.yml"}


@pytest.mark.parametrize(
    "task",
    [
        "- ansible.legacy.host_inspection:\n",
        "- action: host_inspection checks=a\n",
        "- local_action: {module: host_inspection}\n",
        "- ansible.builtin.include_tasks: more.yml\n",
        "- import_tasks: {file: more.yml}\n",
    ],
)
def test_a_module_is_found_however_a_task_names_it(project: Path, task: str) -> None:
    (project / "playbooks" / "more.yml").write_text("- host_inspection:\n")
    playbook = project / "playbooks" / "other.yml"
    playbook.write_text(f"- hosts: all\n  tasks:\n    {task}")
    assert "library/host_inspection.py" in closure_of(project, playbook).files


def test_files_beside_the_playbooks_belong_to_it(project: Path) -> None:
    playbook = project / "playbooks" / "other.yml"
    playbook.write_text("- hosts: all\n  vars_files: [secret.yml]\n")
    (project / "playbooks" / "secret.yml").write_text("a: 1\n")
    (project / "playbooks" / "group_vars").mkdir()
    (project / "playbooks" / "group_vars" / "all.yml").write_text("b: 1\n")
    assert set(closure_of(project, playbook).files) >= {"playbooks/secret.yml", "playbooks/group_vars/all.yml"}
