"""What must never be seen in evidence: the secrets that a site's files and the environment hold.

Secrets are: everything that ansible-vault encrypts, and every variable whose name says so.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from runner.yaml_source import Vaulted, leaves, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_NAMED_SECRET = re.compile(
    r"password|passwd|passphrase|(^|_)pass($|_)|secret|token|(api|access|private)_?key|credential", re.IGNORECASE
)
_NAMED_OTHERWISE = re.compile(r"_(file|path|dir|url|ttl|seconds|length|policy|prompt|method|command)$", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Return whether a variable's name says that its value is a secret."""
    return bool(_NAMED_SECRET.search(name)) and not _NAMED_OTHERWISE.search(name)


def known_secrets(project: Path, files: Iterable[Path]) -> dict[str, str]:
    """Return the secrets of YAML files and of the environment, by a name that may be shown.

    Vaulted text that no password opens is left out: Ansible cannot open it either.
    """
    found = [(name, value) for name, value in os.environ.items() if names_secret(name) and value]
    vault = _Vault(project)
    for path in files:
        found.extend(_secrets_in(path, vault))
    found.extend(("vault password", password) for password in vault.passwords())
    secrets: dict[str, str] = {}
    for name, value in found:
        if value not in secrets.values():
            secrets[_free(name, secrets)] = value
    return secrets


def _free(name: str, taken: dict[str, str]) -> str:
    """Return the name itself, or with a number behind it where another secret bears it."""
    number = 2
    free = name
    while free in taken:
        free = f"{name} ({number})"
        number += 1
    return free


def _secrets_in(path: Path, vault: _Vault) -> Iterator[tuple[str, str]]:
    source = read_yaml(path)
    if source.vaulted:
        text = vault.open(path.read_text(encoding="utf-8"))
        for key, value in leaves(parse_yaml(path, text).data):
            if _literal(value):
                yield _name(key), str(value)
        return
    for key, value in leaves(source.data):
        if isinstance(value, Vaulted):
            yield _name(key), vault.open(value)
        elif any(names_secret(str(part)) for part in key) and _literal(value):
            yield _name(key), str(value)


def _name(key: tuple[str | int, ...]) -> str:
    named = [str(part) for part in key if isinstance(part, str)]
    return named[-1] if named else "vaulted value"


def _literal(value: Any) -> bool:
    """Return whether a value is itself the secret: not a flag, nothing, or a template that names another."""
    return value is not None and not isinstance(value, bool) and str(value).strip() != "" and "{{" not in str(value)


class _Vault:
    """Opens vaulted text with the passwords that Ansible's own settings name; asks nobody."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._secrets: list[tuple[str, Any]] | None = None

    def open(self, text: str) -> str:
        """Return the plain text, or nothing where no password opens it."""
        if self._secrets is None:
            self._secrets = list(self._load())
        from ansible.errors import AnsibleError  # noqa: PLC0415 - half a second that most sites need not wait
        from ansible.parsing.vault import VaultLib  # noqa: PLC0415

        try:
            return str(VaultLib(self._secrets).decrypt(text.encode()).decode("utf-8", "replace"))
        except AnsibleError:
            return ""

    def passwords(self) -> Iterator[str]:
        """Yield the passwords that were used."""
        for _, secret in self._secrets or ():
            yield secret.bytes.decode("utf-8", "replace")

    def _load(self) -> Iterator[tuple[str, Any]]:
        os.environ.setdefault("ANSIBLE_CONFIG", str(self._project / "ansible.cfg"))
        from ansible import constants  # noqa: PLC0415 - as above
        from ansible.errors import AnsibleError  # noqa: PLC0415
        from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
        from ansible.parsing.vault import get_file_vault_secret  # noqa: PLC0415

        sources = [("default", constants.DEFAULT_VAULT_PASSWORD_FILE)] if constants.DEFAULT_VAULT_PASSWORD_FILE else []
        for slug in constants.DEFAULT_VAULT_IDENTITY_LIST or ():
            identity, _, source = slug.rpartition("@")
            sources.append((identity or "default", source))
        loader = DataLoader()
        for identity, source in sources:
            try:
                secret = get_file_vault_secret(filename=source, vault_id=identity, loader=loader)
                secret.load()
            except AnsibleError:
                continue
            yield identity, secret
