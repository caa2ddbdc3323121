"""What must never be seen in evidence: the secrets that a site's files and the environment hold.

Secrets are: everything that ansible-vault encrypts, every variable whose name says so, and the content of every
file that such a variable names.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from runner.errors import BadInput
from runner.yaml_source import VAULT_HEADER, KeyPath, Vaulted, leaves, parse_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A larger file is no password nor key.
MAXIMUM_BYTES = 64 * 1024

_NAMED_SECRET = re.compile(
    r"password|passwd|passphrase|(pass|pwd|pw)\d*($|[^a-z0-9])|secret|token|credential"
    r"|(api|access|private|auth|encryption|ssh|signing|shared|master|session|hmac)[_-]?keys?($|[^a-z])"
    r"|((^|[_-])(community|psk)|(redis\w*|basic|proxy|registry)_auth)$",
    re.IGNORECASE,
)
_NAMED_OTHERWISE = re.compile(
    r"public|^(update|ask|require|validate)_"
    r"|(file|(^|[_-])(path|dir|directory|url|uri|ttl|lifetime|expiry|expires|seconds|minutes|hours|days|age|timeout"
    r"|interval|length|size|bits|count|limit|history|policy|prompt|method|command|type|encryption|algorithm|format"
    r"|enabled|required|name|header|endpoint|issuer|plugin|provider|version))$",
    re.IGNORECASE,
)
_ORDINARY = re.compile(r"(com|by|sur|tres|over|under|ask|multi)pass|secretar|tokeni", re.IGNORECASE)
_FILE = re.compile(r"(file|(^|[_-])path)$", re.IGNORECASE)
_FOLDER = re.compile(r"^\{\{\s*\w+_dir\s*\}\}/")
_TEMPLATE = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)
_LOOKUP = re.compile(
    r"""\b(?:lookup|query|q)\(\s*['"](?:ansible\.builtin\.)?(file|unvault|env)['"]\s*,\s*"""
    r"""(\w+_dir\s*[~+]\s*)?['"]([^'"]+)['"]"""
)
#: What a URL holds besides where it leads: a password before the host, parameters behind the path.
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:([^\s/@]+)@", re.IGNORECASE)
_URL_PARAMETER = re.compile(r"[?&]([\w.-]+)=([^&#\s\"']+)")
#: The working folder, whatever its name sounds like.
_NO_SECRETS = frozenset({"PWD", "OLDPWD"})


def _sounds_secret(name: str) -> bool:
    return bool(_NAMED_SECRET.search(_ORDINARY.sub("", name)))


def names_secret(name: str) -> bool:
    """Return whether a variable's name says that its value is a secret."""
    return _sounds_secret(name) and not _NAMED_OTHERWISE.search(name)


def known_secrets(project: Path, files: Iterable[Path]) -> dict[str, str]:
    """Return the secrets of YAML files and of the environment, by a name that may be shown.

    Vaulted text that no password opens is left out: Ansible cannot open it either. So are files that are not there.
    Raises BadInput as read_yaml does.
    """
    vault = _Vault(project)
    search = _Search(project, vault)
    found = list(search.environment())
    for path in files:
        found.extend(search.file(path))
    found.extend(("vault password", password) for password in vault.passwords())
    names: dict[str, str] = {}
    for name, value in found:
        if value.strip():
            names.setdefault(value, name)
    secrets: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for value, name in names.items():
        free = name
        while free in secrets:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name} ({numbers[name]})"
        secrets[free] = value
    return secrets


def plain_text(project: Path, text: str) -> str:
    """Return a text as it is, or what it says where it is vaulted: nothing if no password opens it."""
    return _Vault(project).open(text) if text.startswith(VAULT_HEADER) else text


class _Search:
    """Looks for secrets as ``(name, value)``."""

    def __init__(self, project: Path, vault: _Vault) -> None:
        self._project = project
        self._vault = vault

    def environment(self) -> Iterator[tuple[str, str]]:
        """Yield the secrets of this process's environment."""
        for name, value in os.environ.items():
            if name not in _NO_SECRETS:
                yield from self._leaf((name,), value, self._project / "environment")

    def file(self, path: Path) -> Iterator[tuple[str, str]]:
        """Yield the secrets of a YAML file: of one that is vaulted as a whole, every value."""
        source = read_yaml(path)
        if not source.vaulted:
            for key, value in leaves(source.data):
                yield from self._leaf(key, value, path)
            return
        text = self._vault.open(path.read_text(encoding="utf-8-sig"))
        try:
            data = parse_yaml(path, text).data
        except BadInput:
            data = text
        if not isinstance(data, (dict, list)):
            data = text  # a key or a password, whose lines YAML would fold
        for key, value in leaves(data):
            if _literal(value):
                yield _name(key), str(value)

    def _leaf(self, key: KeyPath, value: Any, path: Path) -> Iterator[tuple[str, str]]:
        name = _name(key)
        text = str(value)
        if "://" in text:
            yield from ((f"{name} (URL)", secret) for secret in _url_secrets(text))
        if isinstance(value, Vaulted) or text.startswith(VAULT_HEADER):
            yield name, self._vault.open(text)
        elif not any(_sounds_secret(one) for one in _variables(key)):
            return
        elif _FILE.search(name):
            yield from ((name, content) for content in self._contents(_FOLDER.sub("", text), path))
        elif any(names_secret(one) for one in _variables(key)) and not (
            _sounds_secret(name) and _NAMED_OTHERWISE.search(name)
        ):
            yield from ((name, found) for found in self._looked_up(text, path))
            if _literal(value):
                yield name, text

    def _looked_up(self, template: str, path: Path) -> Iterator[str]:
        """Yield what the lookups in a template would find, as far as it stands there literally."""
        for plugin, folder, term in _LOOKUP.findall(template):
            if plugin == "env":
                yield os.environ.get(term, "")
            else:
                yield from self._contents(term.lstrip("/") if folder else term, path)

    def _contents(self, named: str, path: Path) -> Iterator[str]:
        """Yield the content of the files that a name in a file can mean; a script is none, it only prints a secret."""
        if named.startswith("~/"):
            named = str(Path.home() / named[2:])
        folders = (*path.parents[:3], self._project, self._project / "playbooks")
        for place in sorted({place / named for one in folders for place in (one, one / "files")}):
            try:
                if place.is_file() and place.stat().st_size <= MAXIMUM_BYTES and not os.access(place, os.X_OK):
                    content = place.read_text(encoding="utf-8", errors="replace")
                    yield self._vault.open(content) if content.startswith(VAULT_HEADER) else content
            except (OSError, ValueError):
                continue


def _url_secrets(text: str) -> Iterator[str]:
    """Yield the passwords of the URLs in a text, and the parameters whose names say that they are secrets."""
    found = _URL_PASSWORD.findall(text)
    found += [value for name, value in _URL_PARAMETER.findall(text) if names_secret(name)]
    for secret in found:
        if not _TEMPLATE.fullmatch(secret):
            yield from {secret, unquote(secret)}


def _variables(key: KeyPath) -> Iterator[str]:
    """Yield the names on the way to a value; those of hosts and groups say nothing of it."""
    for before, part in pairwise(("", *key)):
        if isinstance(part, str) and before not in ("hosts", "children"):
            yield part


def _name(key: KeyPath) -> str:
    named = [part for part in key if isinstance(part, str) and not part.startswith("__ansible_")]
    return named[-1] if named else "vaulted value"


def _literal(value: Any) -> bool:
    """Return whether a value is itself the secret: not a flag, nothing, or a template that names another."""
    return value is not None and not isinstance(value, bool) and not _TEMPLATE.fullmatch(str(value))


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
        # As the run forces it: only its settings say what opens what.
        os.environ["ANSIBLE_CONFIG"] = str(self._project / "ansible.cfg")
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
