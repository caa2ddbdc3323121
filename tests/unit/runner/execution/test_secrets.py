from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.execution.secrets import known_secrets, names_secret
from runner.site import PROJECT


@pytest.mark.parametrize(
    "name",
    [
        "ansible_become_password",
        "db_passwd",
        "API_KEY",
        "vault_token",
        "client_secret",
        "ansible_ssh_pass",
        "passphrase",
    ],
)
def test_names_that_say_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["password_file", "token_ttl", "bypass_checks", "compass", "ansible_ssh_private_key_file"]
)
def test_names_that_do_not(name: str) -> None:
    assert not names_secret(name)


def vault(*arguments: str, password: Path) -> str:
    command = [str(Path(sys.executable).with_name("ansible-vault")), *arguments, "--vault-password-file", str(password)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_secrets_come_from_names_vaulted_values_vaulted_files_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "vault-password"
    password.write_text("open sesame please\n")
    sealed = vault("encrypt_string", "canary-inline", "--name", "greeting", password=password)
    (tmp_path / "inline.yml").write_text(
        f"{sealed}db_password: canary-plain\nuser: postgres\nlookup_password: '{{{{ x }}}}'\n"
    )
    (tmp_path / "whole.yml").write_text("nested:\n  word: canary-whole\n")
    vault("encrypt", str(tmp_path / "whole.yml"), password=password)
    monkeypatch.setenv("MYSQL_PASSWORD", "canary-environment")
    probe = (
        "import sys, json; from pathlib import Path; from runner.execution.secrets import known_secrets;"
        "print(json.dumps(known_secrets(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])))"
    )
    # A process of its own: Ansible reads its settings once, when it is imported.
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    command = [sys.executable, "-c", probe, str(PROJECT), str(tmp_path / "inline.yml"), str(tmp_path / "whole.yml")]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["greeting"] == "canary-inline"
    assert found["db_password"] == "canary-plain"
    assert found["word"] == "canary-whole"
    assert found["MYSQL_PASSWORD"] == "canary-environment"
    assert "open sesame please" in found.values()
    assert "postgres" not in found.values()


def test_two_secrets_of_one_name_are_both_known(tmp_path: Path) -> None:
    for name, value in (("a", "first-secret"), ("b", "second-secret")):
        (tmp_path / f"{name}.yml").write_text(f"token: {value}\n")
    found = known_secrets(PROJECT, [tmp_path / "a.yml", tmp_path / "b.yml"])
    assert {found["token"], found["token (2)"]} == {"first-secret", "second-secret"}
