"""What runs is a copy, made when the run begins: what was digested and what Ansible reads are the same bytes.

The copy has the procedure's closure and the site's hosts and variables, in memory. Nothing else lies beside it: a
module, plugin or role of the project or the login that Ansible would prefer is not there.
"""

from __future__ import annotations

from configparser import ConfigParser, ParsingError
from contextlib import contextmanager
from dataclasses import dataclass
from stat import S_IMODE
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError
from runner.evidence.canonical import canonical, digest, replace
from runner.execution.closure import Closure, closure_files, installed_core
from runner.execution.job import as_known
from runner.execution.processes import private_folder, remove_private_folders
from runner.execution.watchdog import Watchdog
from runner.site import VARIABLE_FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from runner.procedures import Procedure
    from runner.site import Site


#: The settings that name files of keys and passwords, relative to ansible.cfg.
_SETTINGS = frozenset(
    {
        "vault_password_file",
        "vault_identity_list",
        "private_key_file",
        "become_password_file",
        "connection_password_file",
    }
)

#: The file, beside the copy, that tells the gate on the hosts of the change that the run belongs to.
CHANGE_FILE = "change.json"


@dataclass(frozen=True)
class Frozen:
    """The copy of one run: ``closure`` and ``variables`` are digests of what lies in it.

    ``shown`` maps its folders to those that people know. ``watchdog`` removes it where this program dies.
    """

    run_id: str
    folder: Path
    project: Path
    playbook: Path
    inventory: Path
    closure: Closure
    variables: Mapping[str, Any]
    variable_files: tuple[Path, ...]
    shown: Mapping[str, str]
    watchdog: Watchdog

    @property
    def yaml_files(self) -> list[Path]:
        """Return its files of YAML: playbooks, tasks, hosts, variables."""
        return [*self.variable_files, *self.closure.yaml_files(self.project)]

    def tell_of_change(self, told: Mapping[str, Any]) -> Path:
        """Write what the gate on the hosts is told of a change, and return where it lies."""
        path = self.folder / CHANGE_FILE
        replace(path, canonical(dict(told)))
        return path

    def told(self, text: str) -> str:
        """Return a text that names its files by the folders that people know."""
        return as_known(text, self.shown)


@contextmanager
def frozen(run_id: str, project: Path, site: Site, procedure: Procedure) -> Iterator[Frozen]:
    """Make the copy of a run; it is gone when the block ends, or this program.

    Raises BadInput where a file cannot be read, MachineError where memory takes no copy.
    """
    with Watchdog(run_id) as watchdog:
        folder = private_folder(run_id)
        try:
            copy, inventory = folder / "project", folder / "inventory"
            files = _copied(project, closure_files(project, procedure.playbook), copy)
            _link(project, _named_by_settings(project), copy)
            variables = _copied(site.folder, site.variable_files, inventory)
            # What lies beside them counts for nothing that Ansible reads, but a value may name it.
            further = (one for name in VARIABLE_FOLDERS for one in (site.folder / name).rglob("*") if one.is_file())
            _copied(site.folder, {*further} - {*site.variable_files}, inventory)
            _link(site.folder, (one for one in site.folder.iterdir() if one.name not in VARIABLE_FOLDERS), inventory)
            yield Frozen(
                run_id=run_id,
                folder=folder,
                project=copy,
                playbook=copy / procedure.playbook.relative_to(project),
                inventory=inventory / site.inventory.name,
                closure=Closure(files, installed_core()),
                variables={"digest": digest(canonical(variables)), "files": variables},
                variable_files=tuple(inventory / name for name in variables),
                shown={str(copy): str(project), str(inventory): str(site.folder)},
                watchdog=watchdog,
            )
        finally:
            remove_private_folders(run_id)


def _copied(root: Path, files: Iterable[Path], into: Path) -> dict[str, str]:
    """Copy files with their permissions and return the SHA-256 of each, by its name relative to the root."""
    hashes: dict[str, str] = {}
    for path in sorted(files):
        try:
            data, mode = path.read_bytes(), S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
        target = into / path.relative_to(root)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode)
        except OSError as error:
            raise MachineError(f"{into}: takes no copy of what is to run: {error.strerror}") from error
        hashes[path.relative_to(root).as_posix()] = digest(data)
    return hashes


def _named_by_settings(project: Path) -> Iterator[Path]:
    """Yield the project's own files of keys and passwords that ansible.cfg names."""
    settings = ConfigParser(interpolation=None, strict=False)
    try:
        settings.read(project / "ansible.cfg", encoding="utf-8")
    except (ParsingError, UnicodeDecodeError):
        return  # which Ansible tells
    for section, option in ((one, key) for one in settings.sections() for key in settings[one]):
        if option in _SETTINGS:
            for part in settings[section][option].split(","):
                name = part.rpartition("@")[2].strip()
                if name and not name.startswith("~") and (project / name).is_file():
                    yield project / name


def _link(root: Path, paths: Iterable[Path], into: Path) -> None:
    """Let what was not copied be found where a setting or a value names it relative to what was."""
    for path in paths:
        target = into / path.relative_to(root) if path.is_relative_to(root) else path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path.absolute())
