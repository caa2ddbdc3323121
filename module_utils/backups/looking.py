"""Lists the backups in a folder without following links, bounded in what it reads."""

import errno
import fnmatch
import os
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from ..measuring import files
from ..measuring.errors import Unmeasurable
from .sets import BackupSet

#: Entries that are read of one set at most, in all of its folders; and backups that are told of, the newest.
MOST_ENTRIES = 200000
MOST_BACKUPS = 1000

#: How programs name what they are still writing.
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".writing", ".incomplete", ".inprogress", ".filepart", "~")

#: Names of checksums, which are no backups though a pattern may match them.
SUFFIXES = (".sha256", ".sha256sum", ".sha512", ".sha512sum", ".sha1", ".sha1sum", ".md5", ".md5sum")
LISTS = ("SHA256SUMS", "SHA512SUMS", "SHA1SUMS", "MD5SUMS", "sha256sum.txt", "sha512sum.txt", "md5sum.txt")


#: What compresses nothing writes at most so many bytes, 13 (zstd) to 45 (tar.gz), and perhaps the file's name.
COMPRESSED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".zip")
LARGEST_FRAME = 45


class Backup(NamedTuple):
    """One backup: its name, bytes, last change in seconds of the epoch, and how many files it is made of."""

    name: str
    size: int
    changed: float
    files: int

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is in it: a dump that failed leaves the compressed form of no bytes behind."""
        frame = LARGEST_FRAME + len(self.name) if self.name.endswith(COMPRESSED) else 0
        return self.size <= frame


class Seen(NamedTuple):
    """The backups of a set, newest first, those that bear an unfinished name, and how many there are of the former."""

    backups: List[Backup]
    unfinished: List[Backup]
    total: int
    empty: int
    oldest: float


class _Missing(Exception):
    """There is no such folder; ``problem`` says what there is, as a code word."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class _Budget:
    """Counts what is read, so that a folder of millions of files costs no more than one of many."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = MOST_ENTRIES

    def entries(self, folder: str) -> Iterator["os.DirEntry[str]"]:
        """Yield what is in a folder. Raises OSError, Unmeasurable."""
        with os.scandir(folder) as found:
            for entry in found:
                self._left -= 1
                if self._left < 0:
                    raise Unmeasurable("too_many", path=self._path, limit=MOST_ENTRIES)
                yield entry


def look(one: BackupSet) -> Dict[str, Any]:
    """Return ``{seen}`` as a Seen's fields, ``{problem}`` where there is no folder, or ``{unmeasurable}``."""
    try:
        return {"seen": _seen(one)}
    except _Missing as why:
        return {"problem": why.problem}
    except Unmeasurable as why:
        return {"unmeasurable": [why.code, why.parameters]}
    except Exception as error:  # noqa: BLE001 - one set's bug must not cost the others
        code, parameters = "check_crashed", {"error": "%s: %s" % (type(error).__name__, error)}
        return {"unmeasurable": [code, parameters]}


def _seen(one: BackupSet) -> Seen:
    """Return the backups in a set's folder. Raises _Missing, Unmeasurable."""
    budget = _Budget(one.path)
    backups, unfinished = [], []
    try:
        for entry in budget.entries(one.path):
            if is_unfinished(entry.name, one.pattern):
                unfinished.extend(_measured(entry, one, budget))
            elif is_backup(entry.name, one.pattern):
                backups.extend(_measured(entry, one, budget))
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise _Missing("folder missing") from error
        if error.errno == errno.ENOTDIR:
            raise _Missing("not a folder") from error
        raise failure(error, one.path) from error
    for found in (backups, unfinished):
        found.sort(key=lambda backup: (-backup.changed, backup.name))
    return Seen(
        backups[:MOST_BACKUPS],
        unfinished[:MOST_BACKUPS],
        len(backups),
        sum(1 for backup in backups if backup.is_empty),
        min([backup.changed for backup in backups] or [0.0]),
    )


def is_unfinished(name: str, pattern: str) -> bool:
    """Return whether a name is that of a set's backup which is still being written."""
    for suffix in UNFINISHED:
        if name.endswith(suffix):
            stem = name[: -len(suffix)]
            return fnmatch.fnmatchcase(stem, pattern) or fnmatch.fnmatchcase(name, pattern)
    return name.startswith(".") and fnmatch.fnmatchcase(name, pattern)


def is_backup(name: str, pattern: str) -> bool:
    """Return whether a name is that of a set's backup: matched by its pattern, and no checksum."""
    return fnmatch.fnmatchcase(name, pattern) and not name.endswith(SUFFIXES) and name not in LISTS


def failure(error: OSError, path: str) -> Unmeasurable:
    """Return why something cannot be read; an error of the disk or the server is told as what it is."""
    why = files.reason(error, path)
    if why.code == "not_supported":
        return Unmeasurable("command_failed", command="read " + path, message=error.strerror)
    return why


def _measured(entry: "os.DirEntry[str]", one: BackupSet, budget: _Budget) -> List[Backup]:
    """Return an entry as a backup, or none where it is of another kind, or gone. Raises OSError, Unmeasurable."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return []
        raise failure(error, entry.path) from error
    if one.kind == "file":
        return [Backup(entry.name, status.st_size, status.st_mtime, 1)] if stat.S_ISREG(status.st_mode) else []
    if not stat.S_ISDIR(status.st_mode):
        return []
    size, changed, count = _walked(entry.path, budget)
    return [Backup(entry.name, size, changed if count else status.st_mtime, count)]


def _walked(top: str, budget: _Budget) -> Tuple[int, float, int]:
    """Return the bytes of all files below a folder, the newest one's time, and their number."""
    size, changed, count = 0, 0.0, 0
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            for entry in budget.entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    size, changed, count = size + status.st_size, max(changed, status.st_mtime), count + 1
        except OSError as error:
            if error.errno != errno.ENOENT:  # what is gone meanwhile was rotated away
                raise failure(error, folder) from error
    return size, changed, count
