"""Where the files of sealed runs lie: in a folder of their own, or in an archive that an entry of the ledger names.

A tar holds ``<run-id>/manifest.json`` and its fellows, uncompressed: what is large in them is compressed already, and
each can be read by itself.
"""

from __future__ import annotations

import os
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runner.evidence.reading import open_regular
from runner.evidence.sealing import MANIFEST
from runner.evidence.shapes import shape_problem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RunFiles:
    """The files of one run; ``place`` is the folder that holds the run's folder, or the tar that does."""

    place: Path
    run_id: str

    @property
    def packed(self) -> bool:
        """Return whether they lie in a tar."""
        return self.place.suffix == ".tar"

    def names(self) -> list[str]:
        """Return the files that lie there, sorted; raises OSError where there is no such run."""
        if not self.packed:
            return sorted(path.name for path in (self.place / self.run_id).iterdir() if not path.name.startswith("."))
        names = sorted(Path(one).name for one in _tar(self.place).members if Path(one).parent == Path(self.run_id))
        if not names:
            raise FileNotFoundError(2, "not in the archive")
        return names

    def size(self, name: str) -> int:
        """Return a file's size in bytes; raises OSError where it is not there."""
        if self.packed:
            return self._member(name).size
        return (self.place / self.run_id / name).lstat().st_size

    def open(self, name: str) -> IO[bytes]:
        """Open a file; raises OSError where it is not there."""
        if not self.packed:
            return open_regular(self.place / self.run_id / name)
        member = self._member(name)
        file = _tar(self.place).file.extractfile(member)
        if file is None:
            raise FileNotFoundError(2, "not a file in the archive")
        return file

    def _member(self, name: str) -> tarfile.TarInfo:
        try:
            return _tar(self.place).members[f"{self.run_id}/{name}"]
        except KeyError:
            raise FileNotFoundError(2, "not in the archive") from None


@dataclass(frozen=True)
class _Tar:
    """A tar that is open, and where each file lies in it; ``state`` changes when it is written anew."""

    path: Path
    state: tuple[int, int]
    file: tarfile.TarFile
    members: Mapping[str, tarfile.TarInfo]


#: What reading the headers of a tar raises where somebody wrote into them.
_DAMAGED = (tarfile.TarError, ValueError, KeyError, IndexError, OverflowError)

#: The tar that was read last: thousands of runs lie in one, and reading its list takes a second.
_HELD: list[_Tar] = []


def _tar(path: Path) -> _Tar:
    with open_regular(path, follow=True) as regular:
        found = os.fstat(regular.fileno())
    state = (found.st_mtime_ns, found.st_size)
    if _HELD and (_HELD[0].path, _HELD[0].state) == (path, state):
        return _HELD[0]
    forget_tars()
    try:
        file = tarfile.open(path, "r:")  # noqa: SIM115 - stays open for the runs that are read from it
    except _DAMAGED as error:
        raise OSError(5, f"is no tar: {error}") from error
    try:
        members = {one.name: one for one in file if one.isfile()}
    except _DAMAGED as error:
        file.close()
        raise OSError(5, f"is damaged: {error}") from error
    _HELD.append(_Tar(path, state, file, members))
    return _HELD[0]


def forget_tars() -> None:
    """Close the tar that was read last."""
    while _HELD:
        _HELD.pop().file.close()


class Places:
    """Where each run lies, by what the entries of kind ``archive`` say; the newest that names a run counts."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._archived: dict[str, Path] = {}

    def take(self, body: Mapping[str, Any]) -> None:
        """Follow one entry of kind ``archive``; one that this program did not write leads nowhere."""
        if not shape_problem("archive", body):
            self._archived |= {one["run"]: Path(body["place"]) for one in body["runs"]}

    def of(self, run_id: str) -> RunFiles:
        """Return where a run lies: among the runs if it is there (again), else where it was moved."""
        archived = self._archived.get(run_id)
        back = True
        with suppress(OSError):
            back = archived is None or (self._runs / run_id / MANIFEST).is_file()
        return RunFiles(self._runs if archived is None or back else archived, run_id)

    def archived(self, run_id: str) -> Path | None:
        """Return where a run was moved, None where it was not."""
        return self._archived.get(run_id)
