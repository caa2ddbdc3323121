"""The environment of whatever reads the project for a run: of the caller's shell, only what opens vaults and logs in.

Anything else would change what runs behind the back of the closure's digest, or write what was not redacted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner.execution.processes import MARK

#: What of Ansible's and Python's settings a caller's shell may set.
ALLOWED_SETTINGS = frozenset(
    {
        "ANSIBLE_PRIVATE_KEY_FILE",
        "ANSIBLE_REMOTE_USER",
        "ANSIBLE_TIMEOUT",
        "ANSIBLE_VAULT_IDENTITY",
        "ANSIBLE_VAULT_IDENTITY_LIST",
        "ANSIBLE_VAULT_PASSWORD_FILE",
        # Where this program's own packages came from: Ansible is the one whose version was digested.
        "PYTHONPATH",
    }
)

#: Names the file that tells the gate on the hosts of the approved change; nobody else's lets a run pass.
CHANGE = "WEIBAO_CHANGE"

#: Variables that change what ansible-runner hands over.
_FOREIGN = frozenset({"AD_HOC_COMMAND_ID", "AWX_LIB_DIRECTORY", "JOB_ID", "MAX_EVENT_RES", "PROJECT_UPDATE_ID", CHANGE})


def foreign_settings() -> list[str]:
    """Return the variables of this process that a run must not see, most of Python's own among them."""
    ours = (name for name in os.environ if name.startswith(("ANSIBLE_", "PYTHON")) and name not in ALLOWED_SETTINGS)
    return sorted({*ours, *(name for name in os.environ if name in _FOREIGN)})


def settings_of(project: Path) -> dict[str, str]:
    """Return what makes Ansible read a project alone: nothing of the login's own folder, no collection."""
    nowhere = project / ".none"
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
        "ANSIBLE_HOME": str(nowhere),
        "ANSIBLE_COLLECTIONS_PATH": str(nowhere),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
    }


def environment_of(project: Path, run_id: str) -> dict[str, str]:
    """Return the whole environment of a process that asks Ansible about a project, marked as one of a run."""
    foreign = frozenset(foreign_settings())
    own = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**own, **settings_of(project), MARK: run_id}
