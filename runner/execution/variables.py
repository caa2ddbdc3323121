"""What hosts are given: the effective variables of each, by Ansible's own reading, told as digests.

Asked in a process of its own, as targets.py does. A vaulted value counts by its ciphertext: no password is needed, and
none is told. What is of no host, or differs from day to day and from folder to folder, is left out. A template counts
by its text and, where it reads other hosts or groups, by all that those are given. What a lookup brings is not known.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.execution.environment import environment_of
from runner.execution.targets import host_patterns
from runner.inventory_file import NOT_COVERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.execution.frozen import Frozen

#: The variable of a host that names the hosts without which it does not work.
DEPENDS_ON = "weibao_depends_on"

#: Stands among the variables of each host for all that others are given, where the procedure itself reads it.
OTHERS = "(hostvars, groups)"

#: How a template reads what other hosts are given, and who they are.
_READS_OTHERS = r"\bhostvars\b|\bgroups\b"

#: How a template looks something up.
_LOOKS_UP = r"\b(lookup|query|q)\s*\("

#: So many characters of what Ansible says where it fails.
_SHOWN = 300

_PROGRAM = """
import hashlib, hmac, json, re, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted
from ansible.vars.manager import VariableManager

question = json.loads(sys.stdin.read())
source, playbooks, not_covered, depends_on, patterns, named, key, reads_others, looks_up, others = question

class Loader(DataLoader):
    # A file that is vaulted as a whole stands for itself by its ciphertext.
    def _decrypt_if_vault_data(self, data, *_):
        if not is_encrypted(data):
            return data, True
        mark = hashlib.sha256(data).hexdigest()
        return json.dumps({"weibao_vaulted_" + mark: mark}).encode(), False

def plain(value):
    ciphertext = getattr(value, "_ciphertext", None)
    if ciphertext is not None:
        text = ciphertext.decode() if isinstance(ciphertext, bytes) else str(ciphertext)
        return {"vaulted": "".join(text.split())}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    return str(value)

# Of these each is the same for all hosts, or tells of the others, or of this program and where it lies.
GENERAL = ("playbook_dir", "omit", "inventory_file", "inventory_dir", "groups", "hostvars", "vars", "environment",
           "play_hosts", "ansible_playbook_python", "ansible_config_file", "ansible_version", "ansible_check_mode",
           "ansible_diff_mode", "ansible_forks", "ansible_inventory_sources", "ansible_limit", "ansible_run_tags",
           "ansible_skip_tags", "ansible_verbosity", "ansible_facts")

try:
    loader = Loader()
    loader.set_basedir(playbooks)
    inventory = InventoryManager(loader=loader, sources=[source])
    manager = VariableManager(loader=loader, inventory=inventory)
    def given(host):
        found = manager.get_vars(host=host, include_hostvars=False, use_cache=False)
        return {name: plain(value) for name, value in found.items() if name not in GENERAL}
    def digest(value):
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()
    hidden = {host.name for host in inventory.get_hosts(not_covered)} if not_covered in inventory.groups else set()
    meant = {host.name for pattern in patterns for host in inventory.get_hosts(pattern)}
    everything = {host.name: given(host) for host in inventory.get_hosts("all")}
    members = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
    whole = digest([everything, members])
    digests, unknown, depends, unpinned = {}, [], {}, set()
    def told(variables):
        for name, value in variables.items():
            text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
            templated = "{{" in text or "{%" in text
            if templated and re.search(looks_up, text):
                unpinned.add(name)
            yield name, digest([value, whole] if templated and re.search(reads_others, text) else value)
        if others:
            yield others, whole
    for name in named:
        hosts = [host for host in inventory.get_hosts(name) if host.name in meant and host.name not in hidden]
        if not hosts:
            unknown.append(name)
        for host in hosts:
            if host.name not in digests:
                digests[host.name] = dict(told(everything[host.name]))
    for name, variables in everything.items():
        found = variables.get(depends_on)
        if found:
            depends[name] = [found] if isinstance(found, str) else [str(one) for one in found]
    print(json.dumps({"hosts": digests, "unknown": unknown, "depends_on": depends, "unpinned": sorted(unpinned)}))
except AnsibleError as error:
    print(json.dumps({"error": str(error)}))
"""


@dataclass(frozen=True)
class HostVariables:
    """The digest of each variable of each host, which names are no host, and who depends on whom.

    ``unpinned`` are the variables, and files of the procedure, whose templates look something up when they are used:
    nobody can approve that.
    """

    hosts: Mapping[str, Mapping[str, str]]
    unknown: tuple[str, ...]
    depends_on: Mapping[str, tuple[str, ...]]
    unpinned: tuple[str, ...] = ()


def host_variables(frozen: Frozen, named: Sequence[str], key: bytes) -> HostVariables:
    """Return what is known of hosts, named by themselves or by groups, that a playbook is meant for.

    Digests are HMACs with the key: who reads them in evidence cannot guess values. ``depends_on`` is of the whole
    inventory. Raises BadInput where Ansible cannot read the inventory.
    """
    names = [name for name in frozen.closure.files if not name.endswith(".py")]
    texts = {name: (frozen.project / name).read_text(encoding="utf-8", errors="replace") for name in names}
    reads = any(re.search(_READS_OTHERS, text) for text in texts.values())
    looking = [name for name, text in texts.items() if re.search(_LOOKS_UP, text)]
    patterns = host_patterns(frozen.playbook)
    question = [
        *(str(frozen.inventory), str(frozen.playbook.parent), NOT_COVERED, DEPENDS_ON, patterns, list(named)),
        *(key.hex(), _READS_OTHERS, _LOOKS_UP, OTHERS if reads else None),
    ]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(question),
        env=environment_of(frozen.project, frozen.run_id),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    answer: dict[str, Any] = json.loads(lines[-1]) if lines and done.returncode == 0 else {}
    if "hosts" not in answer:
        told = answer.get("error") or done.stderr.strip()[-_SHOWN:] or "the inventory cannot be read"
        raise BadInput(frozen.told(f"{frozen.inventory}: {told}"))
    depends = {host: tuple(others) for host, others in answer["depends_on"].items()}
    return HostVariables(answer["hosts"], tuple(answer["unknown"]), depends, (*answer["unpinned"], *looking))
