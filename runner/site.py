"""A site: the inventory folder that says what is maintained, and the state folders that it owns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from runner.errors import BadInput, MachineError

#: The clone that this program runs from: playbooks, roles and modules lie in it.
PROJECT = Path(__file__).resolve().parents[1]

DEFAULT_SITE = "local"

#: Where Ansible reads variables, beside the inventory.
VARIABLE_FOLDERS = ("group_vars", "host_vars")

#: Endings of what people put there besides variables; no host is called so.
_NO_VARIABLES = frozenset(
    f".{one}" for one in ("md", "txt", "rst", "bak", "old", "orig", "save", "swp", "j2", "sample")
)


@dataclass(frozen=True)
class Site:
    """One site: ``folder`` holds what people wrote, ``state`` holds what the program keeps."""

    name: str
    folder: Path
    state: Path

    @property
    def inventory(self) -> Path:
        """Return the hosts of this site."""
        return self.folder / "hosts.yml"

    @property
    def contract_file(self) -> Path:
        """Return the file of the contract."""
        return self.folder / "contract.yml"

    @property
    def people_file(self) -> Path:
        """Return the file of the people."""
        return self.folder / "people.yml"

    @property
    def calendar_file(self) -> Path:
        """Return the file of the site's own days, which may be missing."""
        return self.folder / "calendar.yml"

    @property
    def forms_folder(self) -> Path:
        """Return where the purchaser's own Word forms lie, which may be missing."""
        return self.folder / "forms"

    @property
    def notifications_file(self) -> Path:
        """Return the file of the channels, which may be missing."""
        return self.folder / "notify.yml"

    @property
    def catalogue_overlay(self) -> Path:
        """Return the site's own wording of checks, which may be missing."""
        return self.folder / "catalog.yml"

    @property
    def variable_files(self) -> tuple[Path, ...]:
        """Return every file that gives hosts and variables, sorted."""
        return (self.inventory, *variable_files(self.folder))

    @property
    def ledger_folder(self) -> Path:
        """Return where the entries lie."""
        return self.state / "ledger"

    @property
    def runs_folder(self) -> Path:
        """Return where the sealed runs lie."""
        return self.state / "runs"

    @property
    def documents_folder(self) -> Path:
        """Return where the documents lie."""
        return self.state / "documents"

    @property
    def attachments_folder(self) -> Path:
        """Return where attachments of records lie, each named by its hash."""
        return self.state / "attachments"

    @property
    def keys_folder(self) -> Path:
        """Return where the site's key lies, made with it."""
        return self.state / "keys"

    @property
    def cache_folder(self) -> Path:
        """Return where lies what can be thrown away and made again."""
        return self.state / "cache"

    def prepare(self) -> None:
        """Create the state folders, for this user alone; raises MachineError where that is impossible."""
        folders = (
            *(self.state, self.ledger_folder, self.runs_folder, self.documents_folder),
            *(self.attachments_folder, self.cache_folder),
        )
        for folder in folders:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise MachineError(f"{folder}: cannot keep state here: {error.strerror}") from error
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise MachineError(f"{folder}: cannot keep state here: no permission")


def variable_files(folder: Path) -> list[Path]:
    """Return the files below group_vars and host_vars that Ansible reads, by its rule, sorted; links are followed.

    Directly in there a file is named as a host or group is, and what looks like an ending may be a part of that name.
    Raises BadInput where a folder cannot be read.
    """
    found = []
    for top in (folder / name for name in VARIABLE_FOLDERS):
        for parent, folders, files in os.walk(top, followlinks=True, onerror=_unreadable):
            folders[:] = [one for one in folders if not one.startswith(".")]
            for path in (Path(parent, one) for one in files if not one.startswith(".") and not one.endswith("~")):
                named = path.parent == top and path.suffix.lower() not in _NO_VARIABLES
                if named or path.suffix in ("", ".yml", ".yaml", ".json"):
                    found.append(path)
    return sorted(found)


def _unreadable(error: OSError) -> None:
    """Tell of a folder that cannot be read; one that is not there gives nothing."""
    if not isinstance(error, FileNotFoundError):
        raise BadInput(f"{error.filename}: cannot be read: {error.strerror}")


def site_roots() -> tuple[Path, ...]:
    """Return the folders that hold sites: the clone's inventories, then those of WEIBAO_SITES."""
    further = os.environ.get("WEIBAO_SITES", "")
    return (PROJECT / "inventories", *(Path(part).resolve() for part in further.split(os.pathsep) if part))


def site_names() -> tuple[str, ...]:
    """Return the names of all sites that can be chosen, sorted."""
    names = {hosts.parent.name for root in site_roots() if root.is_dir() for hosts in root.glob("*/hosts.yml")}
    return tuple(sorted(names))


def find_site(name: str, home: Path) -> Site:
    """Return a site by name; raises BadInput, naming those that exist, where there is none."""
    if name and name == Path(name).name and not name.startswith("."):
        folders = dict.fromkeys(root / name for root in site_roots() if (root / name / "hosts.yml").is_file())
        if len(folders) > 1:
            raise BadInput(f"sites of the same name would share their state: {', '.join(map(str, folders))}")
        for folder in folders:
            return Site(name, folder, home / name)
    raise BadInput(f"no site named {name!r}; sites: {', '.join(site_names()) or 'none'}")
