"""Canaries planted where secrets live are found nowhere under var/, in no writing, and evidence stays whole."""

from __future__ import annotations

import base64
import gzip
import html
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.program import Program, copy_project

CANARIES = {
    "no_log": "canary-in-a-no-log-task",
    "vaulted_word": "canary in the vault: \"quoted\" & 'quoted' ÄÖ/2",
    "vaulted_line": "canary of a vaulted line",
    "whole_word": "canary-of-a-vaulted-file",
    "db_password": "canary+pass/word=1",
    "play_password": "canary of the playbook",
    "file_password": "canary of a file",
    "ansible_become_password": "canary-of-become-password",
    "MYSQL_PWD": "canary-of-the-environment",
    "userinfo": "canary-in-a-url-that-no-variable-holds",
    "vault password": "canary-that-opens-the-vault",
}

#: How a canary can be written: as the play does it, and as Python undoes it.
WRITINGS: dict[str, tuple[str, Callable[[str], str]]] = {
    "as it is": ("", str),
    "json": ("| to_json", lambda text: json.dumps(text)[1:-1]),
    "json in json": ("| to_json | to_json", lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1]),
    "url": ("| urlencode", lambda text: quote(text, safe="/")),
    "url in lower case": ("| urlencode | lower", lambda text: quote(text, safe="/").lower()),
    "html": ("| escape", lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")),
    "shell": ("| quote", lambda text: shlex.quote(text).strip("'")),
    "base64": ("| b64encode", lambda text: base64.b64encode(text.encode()).decode().rstrip("=")[:-1]),
    "base64 behind a name": (
        "| regex_replace('^', 'ab:') | b64encode",
        lambda text: base64.b64encode(b"ab:" + text.encode()).decode().rstrip("=")[4:-1],
    ),
}

PLAY = """
- name: Plant canaries
  hosts: all
  gather_facts: false
  vars:
    weibao_procedure: {changes_hosts: false, repeatable: true, observations: false}
    play_password: canary of the playbook
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
      ansible.builtin.debug:
        msg: "{{ vaulted_line | trim }} {{ whole_word }} {{ ansible_become_password }} {{ play_password }}
              {{ file_password }} {{ lookup('env', 'MYSQL_PWD') }}"
    - name: What opens the vault
      ansible.builtin.debug: {msg: "{{ lookup('file', lookup('env', 'ANSIBLE_VAULT_PASSWORD_FILE')) }}"}
    - name: Written in every way
      ansible.builtin.debug: {msg: [WRITINGS]}
    - name: In a URL
      ansible.builtin.debug: {msg: "https://someone:{{ 'canary-in-a-url' ~ '-that-no-variable-holds' }}@db.example/his"}
    - name: As a fact, a statistic and a difference
      ansible.builtin.set_fact: {found: "{{ vaulted_word }}"}
    - name: Statistic
      ansible.builtin.set_stats: {data: {found: "{{ db_password }}"}}
    - name: Difference
      ansible.builtin.copy: {content: "{{ whole_word }}\\n", dest: "{{ playbook_dir }}/canary.out", mode: "0600"}
    - name: Failing with it
      ansible.builtin.fail: {msg: "could not log in with {{ db_password }} at mysql://user:{{ db_password }}@db"}
""".replace("WRITINGS", ", ".join(f'"<{{{{ vaulted_word {way} }}}}>"' for way, _ in WRITINGS.values()))

#: What switches redaction off in a copy of the program: then the same search must find every canary.
NO_REDACTION = """
Redactor.text = lambda self, text: text
Redactor.line = lambda self, value, plain=frozenset(): compact(value)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    project = copy_project(tmp_path / "project")
    (project / "playbooks" / "canaries.yml").write_text(PLAY)
    password = tmp_path / "vault-password"
    password.write_text(CANARIES["vault password"] + "\n")
    (tmp_path / "word").write_text(CANARIES["file_password"] + "\n")

    def vault(*arguments: str, text: str = "") -> str:
        command = [Path(sys.executable).with_name("ansible-vault"), *arguments, "--vault-password-file", password]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    variables = (
        vault("encrypt_string", "--stdin-name", "vaulted_word", text=CANARIES["vaulted_word"]),
        vault("encrypt_string", "--stdin-name", "vaulted_line", text=CANARIES["vaulted_line"] + "\n"),
        f"db_password: {CANARIES['db_password']}\n",
        f"ansible_become_password: {CANARIES['ansible_become_password']}\n",
        f"file_password: \"{{{{ lookup('file', '{tmp_path}/word') }}}}\"\n",
    )
    site = Program(tmp_path / "home", tmp_path / "sites", project=project).make_site(
        "canary", group_vars__all="".join(variables), host_vars__localhost=f"whole_word: {CANARIES['whole_word']}\n"
    )
    vault("encrypt", str(site.sites / "canary" / "host_vars" / "localhost.yml"))
    monkeypatch.setenv("MYSQL_PWD", CANARIES["MYSQL_PWD"])
    return site


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from texts_in(child)
    elif isinstance(value, str):
        yield value


def content_of(home: Path) -> str:
    """Everything under a home, unpacked, also as JSON's texts read, and the names of its files."""
    found = []
    for path in home.rglob("*"):
        found.append(str(path))
        if path.is_file():
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace")
            found.append(text)
            if ".json" in path.name and path.suffix != ".sig":
                lines = text.splitlines() if ".jsonl" in path.name else [text]
                found.extend(one for line in lines for one in texts_in(json.loads(line)))
    return "\n".join(found)


def seen(kept: str) -> set[tuple[str, str]]:
    """Which canaries stand there, and how they are written."""
    return {
        (name, way)
        for name, canary in CANARIES.items()
        for way, (_, write) in WRITINGS.items()
        if write(canary) in kept
    }


def run(program: Program, tmp_path: Path) -> str:
    """Run the play and return everything that it left and printed."""
    result = program.run("run", "canaries", ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "vault-password"))
    assert result.returncode == 4, result.stderr
    assert program.manifest()["verdict"]["reasons"][0]["code"] == "hosts_failed"
    return "\n".join((content_of(program.home), result.stdout, result.stderr))


def test_no_canary_is_found_under_var_and_every_task_is(program: Program, tmp_path: Path) -> None:
    kept = run(program, tmp_path)
    assert seen(kept) == set()
    for task in ("Hidden and failing in a template", "Named after [redacted: db_password]", "Statistic", "Difference"):
        assert task in kept
    # In every writing the secret is replaced as a whole: nothing of it is left beside the mark.
    with gzip.open(program.runs()[-1] / "events.jsonl.gz", "rt") as file:
        results = [json.loads(line)["event_data"].get("res", {}) for line in file]
    (written,) = [result["msg"] for result in results if isinstance(result.get("msg"), list)]
    for way, text in zip(WRITINGS, written, strict=True):
        left = text.replace("[redacted: vaulted_word]", "")
        assert len(left) <= (8 if "base64" in way else len('<\\"\'"\\>') + 2), (way, text)
    names = CANARIES.keys() - {"no_log", "vault password"}
    assert program.manifest()["redactions"].keys() >= names
    assert program.run("ledger", "verify").returncode == 0


def test_no_canary_and_no_private_key_leaves_in_an_auditor_s_pack(program: Program, tmp_path: Path) -> None:
    run(program, tmp_path)
    pack = tmp_path / "pack"
    result = program.run("ledger", "export", str(pack))
    assert result.returncode == 0, result.stderr
    kept = content_of(pack)
    assert "Named after [redacted: db_password]" in kept, "what was done is in the pack"
    assert seen(kept) == set()
    assert "PRIVATE KEY" not in kept
    assert "PRIVATE KEY" in (program.home / "canary" / "keys" / "site").read_text()


def test_every_canary_would_be_found_if_nothing_were_redacted(program: Program, tmp_path: Path) -> None:
    with (program.project / "runner" / "evidence" / "redaction.py").open("a") as file:
        file.write(NO_REDACTION)
    play = program.project / "playbooks" / "canaries.yml"
    play.write_text(PLAY.replace("no_log: true", "no_log: false"))
    found = seen(run(program, tmp_path))
    assert found >= {(name, "as it is") for name in CANARIES}
    assert found >= {("vaulted_word", way) for way in WRITINGS}
