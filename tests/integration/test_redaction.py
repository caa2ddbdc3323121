"""Canaries planted where secrets live are found nowhere under var/, and evidence stays whole."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import PROJECT, Program

CANARIES = {
    "no_log": "canary-in-a-no-log-task",
    "vaulted": 'canary in the vault: "quoted" ÄÖ',
    "vaulted file": "canary-of-a-vaulted-file",
    "password": "canary+pass/word=1",
    "become": "canary-of-become-password",
    "environment": "canary-of-the-environment",
    "vault password": "canary-that-opens-the-vault",
}

PLAY = """
- name: Plant canaries
  hosts: all
  gather_facts: false
  vars:
    weibao_procedure: {changes_hosts: false, repeatable: true, observations: false}
  tasks:
    - name: Hidden
      ansible.builtin.command: echo canary-in-a-no-log-task
      no_log: true
      changed_when: false
    - name: Hidden and failing
      ansible.builtin.shell: echo canary-in-a-no-log-task; exit 3
      no_log: true
      ignore_errors: true
      changed_when: false
    - name: Hidden and failing in a template
      ansible.builtin.debug: {msg: "{{ 'canary-in-a-no-log-task' | no_such_filter }}"}
      no_log: true
      ignore_errors: true
    - name: "Named after {{ db_password }}"
      ansible.builtin.debug: {msg: "{{ vaulted_word }} {{ whole_word }} {{ ansible_become_password }}"}
    - name: Encoded
      ansible.builtin.debug:
        msg: ["{{ vaulted_word | b64encode }}", "{{ ('user:' ~ db_password) | b64encode }}",
              "{{ db_password | urlencode }}",
              "{{ {'k': vaulted_word} | to_json | to_json }}", "{{ lookup('env', 'MYSQL_PASSWORD') }}"]
    - name: As a fact, a statistic and a difference
      ansible.builtin.set_fact: {found: "{{ vaulted_word }}"}
    - name: Statistic
      ansible.builtin.set_stats: {data: {found: "{{ db_password }}"}}
    - name: Difference
      ansible.builtin.copy: {content: "{{ whole_word }}\\n", dest: "{{ playbook_dir }}/canary.out", mode: "0600"}
    - name: Failing with it
      ansible.builtin.fail: {msg: "could not log in with {{ db_password }} at mysql://user:{{ db_password }}@db"}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    project = tmp_path / "project"
    project.mkdir()
    for part in ("ansible.cfg", "runner", "reports", "module_utils", "playbooks", "roles", "library"):
        subprocess.run(["cp", "-r", PROJECT / part, project / part], check=True)
    (project / "playbooks" / "canaries.yml").write_text(PLAY)
    password = tmp_path / "vault-password"
    password.write_text(CANARIES["vault password"] + "\n")

    def vault(*arguments: str, text: str = "") -> str:
        command = [Path(sys.executable).with_name("ansible-vault"), *arguments, "--vault-password-file", password]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    sealed = vault("encrypt_string", "--stdin-name", "vaulted_word", text=CANARIES["vaulted"])
    plain = f"db_password: {CANARIES['password']}\nansible_become_password: {CANARIES['become']}\n"
    site = Program(tmp_path / "home", tmp_path / "sites", project=project).make_site(
        "canary", group_vars__all=sealed + plain, host_vars__localhost=f"whole_word: {CANARIES['vaulted file']}\n"
    )
    vault("encrypt", str(site.sites / "canary" / "host_vars" / "localhost.yml"))
    monkeypatch.setenv("MYSQL_PASSWORD", CANARIES["environment"])
    return site


def content_of(home: Path) -> str:
    """Everything under a home, unpacked, and the names of its files."""
    found = []
    for path in home.rglob("*"):
        found.append(str(path))
        if path.is_file():
            data = path.read_bytes()
            found.append((gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace"))
    return "\n".join(found)


def test_no_canary_is_found_under_var_and_every_task_is(program: Program, tmp_path: Path) -> None:
    result = program.run("run", "canaries", ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "vault-password"))
    assert result.returncode == 4, result.stderr
    assert program.manifest()["verdict"]["reasons"][0]["code"] == "hosts_failed"
    kept = content_of(program.home)
    for name, canary in CANARIES.items():
        assert canary not in kept, name
        assert canary not in result.stdout + result.stderr, name
    for task in ("Hidden and failing in a template", "Named after [redacted: db_password]", "Statistic", "Difference"):
        assert task in kept
    assert program.manifest()["redactions"].keys() >= {"db_password", "vaulted_word", "whole_word", "MYSQL_PASSWORD"}
    assert program.run("ledger", "verify").returncode == 0
