"""Real Ansible on this machine: what was digested runs, and nothing that Ansible would find beside it."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import BadInput
from runner.execution.execute import execute
from runner.execution.frozen import Frozen, frozen
from runner.execution.job import Job
from runner.execution.processes import private_folders
from runner.procedures import find_procedure
from runner.site import PROJECT, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOSTS = """
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
      word: "{{ lookup('file', inventory_dir ~ '/words/one.txt') }}"
"""
PLAY = """
- hosts: all
  gather_facts: false
  vars: {weibao_procedure: {changes_hosts: true, repeatable: false, observations: false}}
  roles: [spoken]
"""
TASKS = """
- name: Say it
  say:
- name: Say it by an action
  told:
- name: Tell what the inventory looks up
  ansible.builtin.debug: {msg: "{{ word }}"}
"""
MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={}).exit_json(msg='%s')
"""
ACTION = """
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"msg": "%s"}
"""
APPROVED = ["approved", "approved by an action", "looked up"]
EVIL_CALLBACK = """
import pathlib
pathlib.Path(%r).touch()
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "evil"
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "ansible.cfg", folder)
    write(folder / "playbooks" / "speak.yml", PLAY)
    write(folder / "roles" / "spoken" / "tasks" / "main.yml", TASKS)
    write(folder / "library" / "say.py", MODULE % "approved")
    write(folder / "action_plugins" / "told.py", ACTION % "approved by an action")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write(tmp_path / "site" / "hosts.yml", HOSTS)
    write(tmp_path / "site" / "words" / "one.txt", "looked up")
    write(tmp_path / "site" / "group_vars" / "all.yml", "one: 1\n")
    return Site("x", tmp_path / "site", tmp_path / "state")


@pytest.fixture
def copy(project: Path, site: Site) -> Iterator[Frozen]:
    with frozen(f"frozen-{os.getpid()}", project, site, find_procedure(project, "speak")) as made:
        yield made


def said(copy: Frozen, project: Path) -> tuple[list[str], list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    job = Job(copy.run_id, copy.project, copy.playbook, copy.inventory, working_folder=project, shown=copy.shown)
    assert execute(job, events.append, copy.watchdog).return_code == 0
    return [one["event_data"]["res"]["msg"] for one in events if one["event"] == "runner_on_ok"], events


def compiled(source: Path, text: str) -> None:
    """Put beside a file what Python takes for its compiled form, unchecked, made of another text."""
    other = write(source.parent / "other.txt", text)
    target = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(
        str(other), cfile=str(target), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, doraise=True
    )
    other.unlink()


PLANTED: dict[str, Callable[[Path, Path], Any]] = {
    "a folder of the modules": lambda root, _: write(root / "library" / "zz" / "say.py", MODULE % "evil"),
    "modules beside the playbook": lambda root, _: write(root / "playbooks" / "library" / "say.py", MODULE % "evil"),
    "a role beside the playbook": lambda root, _: write(
        root / "playbooks" / "roles" / "spoken" / "tasks" / "main.yml", "- debug: {msg: evil}\n"
    ),
    "a folder of the actions": lambda root, _: write(root / "action_plugins" / "zz" / "say.py", ACTION % "evil"),
    "what Python compiled": lambda root, _: compiled(root / "action_plugins" / "told.py", ACTION % "evil"),
    "a callback beside the playbook": lambda root, marks: write(
        root / "playbooks" / "callback_plugins" / "evil.py", EVIL_CALLBACK % str(marks / "evil")
    ),
    "a callback that settings would find in the login's folder": lambda _, marks: write(
        marks / ".ansible" / "plugins" / "callback" / "evil.py", EVIL_CALLBACK % str(marks / "evil")
    ),
    "variables that a plugin of the login gives": lambda _, marks: write(
        marks / ".ansible" / "plugins" / "vars" / "evil.py", f"open({str(marks / 'evil')!r}, 'w')\n"
    ),
}


@pytest.mark.parametrize("where", PLANTED)
def test_what_lies_where_ansible_looks_first_does_not_run(
    tmp_path: Path, project: Path, site: Site, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    PLANTED[where](project, tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    procedure = find_procedure(project, "speak")
    with frozen(f"frozen-{os.getpid()}", project, site, procedure) as copy:
        shown, _ = said(copy, project)
    assert shown == APPROVED
    assert not (tmp_path / "evil").exists()


def test_what_is_edited_once_the_copy_is_made_does_not_run(project: Path, site: Site, copy: Frozen) -> None:
    before = copy.closure.digest
    write(project / "library" / "say.py", MODULE % "edited")
    write(project / "roles" / "spoken" / "tasks" / "main.yml", "[]\n")
    write(site.inventory, "all:\n")
    shown, _ = said(copy, project)
    assert shown == APPROVED
    with frozen("another", project, site, find_procedure(project, "speak")) as later:
        assert later.closure.digest != before


def test_events_name_files_by_the_folders_that_people_know(project: Path, copy: Frozen) -> None:
    _, events = said(copy, project)
    paths = {one["event_data"]["task_path"].rpartition(":")[0] for one in events if "task_path" in one["event_data"]}
    assert paths == {str(project / "roles" / "spoken" / "tasks" / "main.yml")}
    assert str(copy.folder) not in str(events)


def test_the_copy_has_the_permissions_and_digests_of_its_files_and_goes_with_its_run(project: Path, site: Site) -> None:
    script = write(project / "roles" / "spoken" / "files" / "do.sh", "#!/bin/sh\n")
    script.chmod(0o750)
    with frozen("going", project, site, find_procedure(project, "speak")) as copy:
        assert (copy.project / script.relative_to(project)).stat().st_mode & 0o777 == 0o750
        assert set(copy.variables["files"]) == {"hosts.yml", "group_vars/all.yml"}
        assert private_folders("going") == [copy.folder]
        assert copy.folder.stat().st_mode & 0o777 == 0o700
    assert private_folders("going") == []


def test_whatever_lies_with_the_variables_is_copied_and_files_that_settings_name_are_found(
    project: Path, site: Site
) -> None:
    settings = (project / "ansible.cfg").read_text(encoding="utf-8")
    named = "[defaults]\nvault_identity_list = a@secrets/vault, b@~/none\nprivate_key_file = secrets/id\n"
    write(project / "ansible.cfg", settings.replace("[defaults]\n", named, 1))
    write(project / "secrets" / "vault", "word\n")
    write(project / "secrets" / "id", "key\n")
    write(site.folder / "host_vars" / "10.0.0.5", "a: 1\n")
    write(site.folder / "group_vars" / "all" / "notes.md", "b\n")
    (project / "roles" / "spoken" / "defaults").symlink_to(write(project / "given" / "main.yml", "c: 1\n").parent)
    with frozen("whole", project, site, find_procedure(project, "speak")) as copy:
        write(site.folder / "host_vars" / "10.0.0.5", "a: 2\n")
        write(site.folder / "group_vars" / "all" / "notes.md", "c\n")
        inventory = copy.inventory.parent
        assert (inventory / "host_vars" / "10.0.0.5").read_text() == "a: 1\n"
        assert (inventory / "group_vars" / "all" / "notes.md").read_text() == "b\n"
        assert "host_vars/10.0.0.5" in copy.variables["files"]
        assert (copy.project / "secrets" / "vault").read_text() == "word\n"
        assert (copy.project / "secrets" / "id").read_text() == "key\n"
        assert "roles/spoken/defaults/main.yml" in copy.closure.files


def test_a_file_that_cannot_be_read_is_named(project: Path, site: Site) -> None:
    (project / "library" / "say.py").unlink()
    (project / "library" / "say.py").symlink_to("gone")
    (project / "roles" / "spoken" / "files").mkdir()
    (project / "roles" / "spoken" / "files" / "a").symlink_to(project)
    procedure = find_procedure(project, "speak")
    with pytest.raises(BadInput, match="cannot be read"), frozen("unread", project, site, procedure):
        pass
    assert private_folders("unread") == []


def test_the_copy_of_a_program_that_was_killed_is_removed(project: Path, site: Site) -> None:
    program = """
import sys, time
from pathlib import Path
from runner.execution.frozen import frozen
from runner.procedures import find_procedure
from runner.site import Site
project, folder = map(Path, sys.argv[1:])
with frozen("killed", project, Site("x", folder, folder), find_procedure(project, "speak")):
    print("made", flush=True)
    time.sleep(300)
"""
    command = [sys.executable, "-c", program, str(project), str(site.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as running:
        assert running.stdout
        assert running.stdout.readline() == b"made\n"
        assert private_folders("killed")
        running.kill()
    deadline = time.monotonic() + 10
    while private_folders("killed") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert private_folders("killed") == []
