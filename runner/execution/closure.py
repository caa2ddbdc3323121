"""The closure of a procedure: every file that decides what it does, and their common digest.

The playbook, the roles that it names (and those that they include or depend on), the modules that their
tasks call, the module_utils that those import, the filters, ansible.cfg and the version of ansible-core.
A file elsewhere in the project does not change the digest.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.evidence.canonical import canonical, digest
from runner.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Keys of a task that hold further tasks.
_BLOCKS = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")

_VERBS = tuple(f"{prefix}{verb}" for prefix in ("", "ansible.builtin.") for verb in ("include", "import"))
_INCLUDED_ROLES = tuple(f"{verb}_role" for verb in _VERBS)
_INCLUDED_TASKS = tuple(f"{verb}_tasks" for verb in _VERBS)
_PLAYBOOKS = ("import_playbook", "ansible.builtin.import_playbook")


@dataclass(frozen=True)
class Closure:
    """The files of a closure, relative to the project, with their SHA-256."""

    files: dict[str, str]
    ansible_core: str

    @property
    def digest(self) -> str:
        """Return the one digest that stands for all of it."""
        return digest(canonical({"files": self.files, "ansible_core": self.ansible_core}))

    def yaml_files(self, project: Path) -> list[Path]:
        """Return its files of YAML: playbooks, tasks, variables."""
        return [project / name for name in self.files if name.endswith((".yml", ".yaml"))]

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the manifest keeps."""
        return {"digest": self.digest, "files": self.files, "ansible_core": self.ansible_core}


def closure_files(project: Path, playbook: Path) -> list[Path]:
    """Return the files of a playbook's closure, sorted; raises BadInput where one of them is not YAML."""
    collector = _Collector(project)
    collector.playbook(playbook)
    collector.always()
    return sorted(collector.files)


def installed_core() -> str:
    """Return the version of ansible-core that would run."""
    return version("ansible-core")


class _Collector:
    def __init__(self, project: Path) -> None:
        self.project = project
        self.files: set[Path] = set()
        self._modules = {path.stem: path for path in (project / "library").glob("*.py")}

    def always(self) -> None:
        """Add what every playbook may use: settings, plugins, and what Ansible finds beside the playbooks."""
        self.files.add(self.project / "ansible.cfg")
        for name in ("group_vars", "host_vars", "files", "templates"):
            self._folder(self.project / "playbooks" / name)
        for path in sorted(self.project.glob("*_plugins/*.py")):
            self._python(path)

    def _folder(self, folder: Path) -> None:
        self.files.update(_below(folder))

    def playbook(self, path: Path) -> None:
        if path in self.files or not path.is_file():
            return
        if not path.is_relative_to(self.project):
            raise BadInput(f"{path}: a procedure's playbooks lie in the project")
        self.files.add(path)
        for play in _items(read_yaml(path).data):
            for key in _PLAYBOOKS:
                if isinstance(play.get(key), str):
                    self.playbook((path.parent / play[key]).resolve())
            for role in play.get("roles") or ():
                self.role(role if isinstance(role, str) else role.get("role") or role.get("name", ""))
            for name in play.get("vars_files") or ():
                self._beside(path, name)
            self._tasks([play], path)

    def _beside(self, path: Path, name: Any) -> Path | None:
        """Add a file that a playbook or a tasks file names relative to itself; return it if it is new."""
        target = (path.parent / name).resolve() if isinstance(name, str) else None
        if target is None or target in self.files or not target.is_file():
            return None
        if target.is_relative_to(self.project):
            self.files.add(target)
        return target

    def role(self, name: str) -> None:
        folder = self.project / "roles" / name
        if not name or not folder.is_dir():
            return
        files = set(_below(folder)) - set(folder.glob("*.md"))
        if files <= self.files:
            return
        self.files |= files
        for path in sorted(files):
            if path.suffix in (".yml", ".yaml") and path.parent.name in ("tasks", "handlers"):
                self._tasks(_items(read_yaml(path).data), path)
            elif path.parent.name == "meta" and path.stem == "main":
                for dependency in read_yaml(path).data.get("dependencies") or ():
                    named = {} if isinstance(dependency, str) else dependency
                    self.role(dependency if not named else named.get("role") or named.get("name", ""))

    def _tasks(self, tasks: Iterable[dict[str, Any]], path: Path) -> None:
        for task in tasks:
            for key, value in task.items():
                if key in _BLOCKS:
                    self._tasks(_items(value), path)
                elif key in _INCLUDED_ROLES and isinstance(value, dict):
                    self.role(str(value.get("name", "")))
                elif key in _INCLUDED_TASKS:
                    included = self._beside(path, value.get("file") if isinstance(value, dict) else value)
                    if included:
                        self._tasks(_items(read_yaml(included).data), included)
                else:
                    self._module(value if key in ("action", "local_action") else key)

    def _module(self, action: Any) -> None:
        """Add the module that a task names, in whichever way tasks can name one."""
        if isinstance(action, dict):
            action = action.get("module")
        name = str(action or "").partition(" ")[0].removeprefix("ansible.legacy.")
        if name in self._modules:
            self._python(self._modules[name])

    def _python(self, path: Path) -> None:
        """Add a module or module_utils file, and all of ours that it imports."""
        if path in self.files:
            return
        self.files.add(path)
        try:
            code = ast.parse(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
        except (SyntaxError, ValueError) as error:
            raise BadInput(f"{path}: is no Python: {error}") from error
        for target in _imports(self.project, path, code):
            for candidate in (target.with_suffix(".py"), target / "__init__.py"):
                if candidate.is_file():
                    self._python(candidate)


def _imports(project: Path, path: Path, code: ast.Module) -> Iterator[Path]:
    """Yield where what a Python file imports from ansible.module_utils would lie, without the ending."""
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            yield from (base, *(base / alias.name for alias in node.names))
            continue
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[:2] == ["ansible", "module_utils"]:
                yield from (project.joinpath(*parts[1:end]) for end in range(2, len(parts) + 1))


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, also where links lead."""
    for parent, _, names in os.walk(folder, followlinks=True):
        yield from (Path(parent, name) for name in names if not name.endswith(".pyc"))


def _items(data: Any) -> list[dict[str, Any]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
