from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import BadInput
from runner.execution.secrets import known_secrets, names_secret
from runner.site import PROJECT


@pytest.mark.parametrize(
    "name",
    [
        "ansible_become_password",
        "db_passwd",
        "db_passwords",
        "dbPassword",
        "API_KEY",
        "vault_token",
        "client_secret",
        "ansible_ssh_pass",
        "passphrase",
        "MYSQL_PWD",
        "SSHPASS",
        "db_pwd",
        "root_pw",
        "rootpw",
        "dbpass",
        "auth_key",
        "encryption_key",
        "ssh_key",
        "REDISCLI_AUTH",
        "snmp_community",
    ],
)
def test_names_that_say_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "password_file",
        "token_ttl",
        "token_lifetime",
        "token_type",
        "password_encryption",
        "update_password",
        "CREDENTIALS_DIRECTORY",
        "SSH_ASKPASS",
        "SSH_AUTH_SOCK",
        "bypass_checks",
        "compass",
        "secretary",
        "primary_key",
        "ssh_public_key",
        "ansible_host_key_checking",
        "ansible_ssh_private_key_file",
    ],
)
def test_names_that_do_not(name: str) -> None:
    assert not names_secret(name)


def vault(*arguments: str, password: Path) -> str:
    command = [str(Path(sys.executable).with_name("ansible-vault")), *arguments, "--vault-password-file", str(password)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_is_vaulted_is_known_as_the_settings_of_the_project_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "vault-password"
    password.write_text("open sesame please\n")
    # The run uses the project's own settings, so what the user's say must not count.
    (tmp_path / "ansible.cfg").write_text("[defaults]\nvault_password_file = vault-password\n")
    (tmp_path / "elsewhere.cfg").write_text("[defaults]\nvault_password_file = missing\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "elsewhere.cfg"))
    sealed = vault("encrypt_string", "canary-inline\n", "--name", "greeting", password=password)
    other = sealed.replace("greeting", "salute").replace("!vault", "!vault-encrypted")
    (tmp_path / "inline.yml").write_text(sealed + other.replace("salute", "nested:\n  salute"))
    for name, text in {
        "whole.yml": "nested:\n  word: canary-whole\n",
        "key.yml": "-----BEGIN-----\nline-of-key\n",
    }.items():
        (tmp_path / name).write_text(text)
        vault("encrypt", str(tmp_path / name), password=password)
    text = vault("encrypt_string", "canary-json", password=password).partition("\n")[2].replace(" ", "")
    (tmp_path / "canary.json").write_text(json.dumps({"json": {"__ansible_vault": text}}, indent="\t"))
    probe = (
        "import sys, json; from pathlib import Path; from runner.execution.secrets import known_secrets;"
        "print(json.dumps(known_secrets(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])))"
    )
    names = ("inline.yml", "whole.yml", "key.yml", "canary.json")
    # A process of its own: Ansible reads its settings once, when it is imported.
    command = [sys.executable, "-c", probe, str(tmp_path), *(str(tmp_path / name) for name in names)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT).stdout)
    assert found["greeting"] == "canary-inline\n"
    assert found["word"] == "canary-whole"
    assert found["json"] == "canary-json"
    assert found["vaulted value"] == "-----BEGIN-----\nline-of-key\n"
    assert found["vault password"] == "open sesame please"


@pytest.mark.parametrize("tag", ["!vault", "!vault-encrypted"])
def test_what_no_password_opens_is_left_out(tag: str, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"word: {tag} |\n  $ANSIBLE_VAULT;1.1;AES256\n  3132\n")
    assert "word" not in known_secrets(PROJECT, [tmp_path / "a.yml"])


def secrets_of(text: str, folder: Path) -> dict[str, str]:
    file = folder / "group_vars" / "all.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return {name: value for name, value in known_secrets(folder, [file]).items() if name not in os.environ}


def test_names_say_which_plain_values_are_secrets(tmp_path: Path) -> None:
    found = secrets_of(
        "db_password: canary-plain\n"
        "user: postgres\n"
        "become_pass: '{{ db_password }}'\n"
        "odd_password: !unsafe 'a{{b}}c'\n"
        "pin_password: 12345678\n"
        "no_password: false\n"
        "old_passwords: [first-old, second-old]\n"
        "credentials: {app: canary-app, token_ttl: 1800s-long}\n"
        "all: {hosts: {token-server: {ansible_host: db.example.org}}}\n",
        tmp_path,
    )
    assert found == {
        "db_password": "canary-plain",
        "odd_password": "a{{b}}c",
        "pin_password": "12345678",
        "old_passwords": "first-old",
        "old_passwords (2)": "second-old",
        "app": "canary-app",
    }


def test_a_secret_in_a_file_or_the_environment_is_looked_up_where_its_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "absolute").write_text("canary-absolute\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "relative").write_text("canary-relative\n")
    (tmp_path / "id_key").write_text("canary-of-a-key\n")
    (tmp_path / "script").write_text("#!/bin/sh\necho canary-script\n")
    (tmp_path / "script").chmod(0o700)
    monkeypatch.setenv("DB_WORD", "canary-environment")
    monkeypatch.setenv("BACKUP_PASSWORD_FILE", str(tmp_path / "absolute"))
    found = secrets_of(
        f"a_password: \"{{{{ lookup('file', '{tmp_path}/absolute') }}}}\"\n"
        'b_password: \'{{ lookup("ansible.builtin.file", "relative") | trim }}\'\n'
        "c_password: \"{{ lookup('env', 'DB_WORD') }}\"\n"
        "d_password: \"{{ lookup('file', inventory_dir ~ '/id_key') }}\"\n"
        "e_password: \"{{ lookup('file', '/no/such/file') }}\"\n"
        "f_password_file: '{{ inventory_dir }}/absolute'\n"
        "ansible_ssh_private_key_file: id_key\n"
        f"g_password_file: {tmp_path}/script\n"
        "h_password_file: /no/such/file\n",
        tmp_path,
    )
    assert set(found.values()) == {"canary-relative\n", "canary-environment", "canary-of-a-key\n"}
    assert known_secrets(tmp_path, [])["BACKUP_PASSWORD_FILE"] == "canary-absolute\n"


def test_the_environment_is_searched_but_not_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_PWD", "canary-environment")
    monkeypatch.setenv("PWD", "/somewhere")
    found = known_secrets(PROJECT, [])
    assert found["MYSQL_PWD"] == "canary-environment"
    assert "/somewhere" not in found.values()


def test_json_indented_with_tabs_is_read(tmp_path: Path) -> None:
    assert secrets_of(json.dumps({"db_password": "canary-json"}, indent="\t"), tmp_path) == {
        "db_password": "canary-json"
    }


def test_what_is_no_yaml_is_said_as_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("a: [\n")
    with pytest.raises(BadInput, match=r"a\.yml:"):
        known_secrets(PROJECT, [tmp_path / "a.yml"])


def test_secrets_of_one_name_are_all_known(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.yml").write_text(f"token: secret-{number}\n")
    found = known_secrets(PROJECT, [tmp_path / f"{number}.yml" for number in range(3)])
    assert found.items() >= {"token": "secret-0", "token (2)": "secret-1", "token (3)": "secret-2"}.items()


def test_secrets_within_urls_are_known(tmp_path: Path) -> None:
    path = tmp_path / "vars.yml"
    path.write_text(
        "pages:\n"
        "  - {url: 'https://probe:hunter%402secret@his.example:8443/a?access_token=tok-0123456789&page=1'}\n"
        "  - {url: 'https://his.example/plain?page=front'}\n"
        "  - {url: 'https://probe:{{ probe_password }}@his.example/'}\n"
    )
    found = {value for name, value in known_secrets(PROJECT, [path]).items() if name.startswith("url (URL)")}
    assert found == {"hunter%402secret", "hunter@2secret", "tok-0123456789"}
