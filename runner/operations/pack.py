"""The folder of an auditor's pack: every file is hashed as it is written, under names that any system can hold.

Names are ASCII, without ``: ? * " < > |``, never apart by case alone, and no folder has more names than FAT32 takes;
there are no links, and no file of 4 GiB or more.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from runner.errors import BadInput, MachineError

if TYPE_CHECKING:
    from pathlib import Path

SUMS = "SHA256SUMS"

#: FAT32 holds no larger file.
MOST_BYTES = (1 << 32) - 1

_CHUNK = 1 << 20
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_ENDING = re.compile(r"[A-Za-z0-9]{1,12}")
_DAY = re.compile(r"\d{8}(?=T)")
#: What Windows takes for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LONGEST = 80
#: What a browser or a system would run where it lies beside the evidence: it is kept as text.
_ACTIVE = re.compile(
    r"\.(x?html?|[ps]html|xht|svgz?|xml|xslt?|mht(ml)?|hta|url|lnk|[cm]?js|jse|vb[es]?|wsf|swf|jar|sh|ps1|bat|cmd|com|exe|"
    r"scr|msi|dll|desktop|webloc|command|app|reg|inf)$",
    re.IGNORECASE,
)
#: What systems put on every stick; verify.sh passes over it, too.
_OF_SYSTEMS = re.compile(
    r"System Volume Information|\$RECYCLE\.BIN|\.Trash-.*|\.Spotlight-V100|\.fseventsd|lost\+found"
)


@dataclass(frozen=True)
class Copied:
    """A file of the pack: its path from the top, its hash and its size in bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass
class Pack:
    """A pack that is being written; it is whole when ``seal()`` has returned."""

    folder: Path
    files: dict[str, Copied] = field(default_factory=dict)

    @classmethod
    def begin(cls, folder: Path) -> Pack:
        """Return an empty pack; raises BadInput where the folder holds anything already."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(not _OF_SYSTEMS.fullmatch(path.name) for path in folder.iterdir()):
                raise BadInput(f"{folder}: is not empty; a pack is written into an empty folder, or a new one")
        except OSError as error:
            raise BadInput(f"{folder}: cannot be written to: {error.strerror}") from error
        return cls(folder)

    def write(self, path: str, data: bytes) -> None:
        """Write a file of the pack."""
        self.note(write(self.folder, path, data))

    def copy(self, path: str, source: IO[bytes]) -> Copied:
        """Copy a file into the pack, and return what was copied."""
        copied = copy(self.folder, path, source)
        self.note(copied)
        return copied

    def note(self, copied: Copied) -> None:
        """Take in a file that another process has written."""
        self.files[copied.path] = copied

    def sums(self) -> bytes:
        """Return the list of all files, in the order in which a shell walks through them."""
        paths = sorted(self.files, key=lambda path: path.split("/"))
        return "".join(f"{self.files[path].sha256}  {path}\n" for path in paths).encode("ascii")

    def seal(self, sums: bytes, signature: bytes) -> None:
        """Write the list and its signature, and have the system put everything on the disk."""
        write(self.folder, f"{SUMS}.sig", signature)
        write(self.folder, SUMS, sums)
        os.sync()


def write(folder: Path, path: str, data: bytes) -> Copied:
    """Write a new file below a folder; raises MachineError where the disk does not take it."""
    target = _target(folder, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise _untaken(target, error) from error
    return Copied(path, hashlib.sha256(data).hexdigest(), len(data))


def copy(folder: Path, path: str, source: IO[bytes]) -> Copied:
    """Copy a file to a new one below a folder; raises MachineError where the disk does not take it.

    An OSError of reading is passed on.
    """
    target = _target(folder, path)
    sha256, size = hashlib.sha256(), 0
    chunk = source.read(_CHUNK)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb")
    except OSError as error:
        raise _untaken(target, error) from error
    with file:
        while chunk:
            sha256.update(chunk)
            size += len(chunk)
            try:
                file.write(chunk)
            except OSError as error:
                raise _untaken(target, error) from error
            chunk = source.read(_CHUNK)
    return Copied(path, sha256.hexdigest(), size)


def _untaken(path: Path, error: OSError) -> MachineError:
    return MachineError(f"{path}: cannot be written: {error.strerror}; the pack is not whole")


def _target(folder: Path, path: str) -> Path:
    if not _PATH.fullmatch(path):
        raise MachineError(f"{path!r}: is no name for a file of a pack")
    return folder / path


def is_plain(name: str) -> bool:
    """Return whether a name can stand in a pack as it is."""
    return bool(_PATH.fullmatch(name)) and "/" not in name and not name.endswith(".") and not _DEVICES.match(name)


def plain_name(name: str) -> str:
    """Return a file's name as any system can hold it; its ending, which tells what opens it, stays."""
    stem, _, ending = name.rpartition(".")
    if not stem or not _ENDING.fullmatch(ending):
        stem, ending = name, ""
    plain = _ODD.sub("_", stem)[:_LONGEST].strip("._-") or "file"
    found = f"{plain}.{ending}" if ending else plain
    return f"_{found}" if _DEVICES.match(found) else found


def run_folder(run_id: str) -> str:
    """Return where a run lies in the pack: in the folder of its day, so that no folder grows too large."""
    day = _DAY.match(run_id)
    return f"{day.group() if day else 'other'}/{run_id}"


def kept_path(folder: str, sha256: str, name: str) -> str:
    """Return where a file lies in the pack that an entry names by hash; what would run when it is opened, as text."""
    plain = plain_name(name)
    return f"{folder}/{sha256[:2]}/{sha256}/{plain}{'.txt' if _ACTIVE.search(plain) else ''}"
