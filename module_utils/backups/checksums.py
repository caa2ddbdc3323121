"""Finds the checksums of a backup and holds its bytes against them, as far as that may cost."""

import binascii
import errno
import hashlib
import os
import re
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..measuring import files
from ..measuring.errors import Unmeasurable
from .looking import LISTS, SUFFIXES, failure
from .sets import BackupSet

#: By the length of their hexadecimal digits.
ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}

#: Bytes of a list of checksums that are read at most.
LARGEST_LIST = 16 << 20
CHUNK = 1 << 20

_GNU = re.compile(r"(\\?)([0-9a-fA-F]{32,128})[ \t]+\*?(.+)\Z")
_BSD = re.compile(r"[A-Z0-9-]+ ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})\Z")
_BARE = re.compile(r"([0-9a-fA-F]{32,128})\Z")


class Sum(NamedTuple):
    """One line of a checksum file; ``name`` is empty where it says none."""

    digest: str
    name: str


def parse_sums(text: str) -> List[Sum]:
    """Return the lines of a checksum file: those of coreutils, of BSD, and bare digests. Raises ValueError."""
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        gnu, bsd, bare = _GNU.match(line), _BSD.match(line), _BARE.match(line.strip())
        if gnu:
            name = gnu.group(3)
            if gnu.group(1):  # coreutils escapes names with newlines and backslashes
                name = name.replace("\\n", "\n").replace("\\\\", "\\")
            entry = Sum(gnu.group(2).lower(), name)
        elif bsd:
            entry = Sum(bsd.group(2).lower(), bsd.group(1))
        elif bare:
            entry = Sum(bare.group(1).lower(), "")
        else:
            raise ValueError("not a checksum")
        if len(entry.digest) not in ALGORITHMS:
            raise ValueError("not a checksum")
        found.append(entry)
    if not found:
        raise ValueError("no checksum")
    return found


def verify(one: BackupSet, name: str, largest: int) -> Dict[str, Any]:
    """Return ``{state, detail}`` or ``{unmeasurable}`` for a set's backup of that name.

    ``state`` is verified, unverified (more than ``largest`` bytes), missing, incomplete (files without a checksum) or
    mismatch. The process that asks gives way to all others.
    """
    os.nice(19)
    try:
        state, detail = _verified(one, name, largest)
    except Unmeasurable as why:
        return {"unmeasurable": [why.code, why.parameters]}
    except OSError as error:
        met = failure(error, os.path.join(one.path, name))
        return {"unmeasurable": [met.code, met.parameters]}
    except Exception as error:  # noqa: BLE001 - one set's bug must not cost the others
        code, parameters = "check_crashed", {"error": "%s: %s" % (type(error).__name__, error)}
        return {"unmeasurable": [code, parameters]}
    return {"state": state, "detail": detail}


def _verified(one: BackupSet, name: str, largest: int) -> Tuple[str, Dict[str, Any]]:
    top = os.path.join(one.path, name)
    source = _source(one, name)
    if source is None:
        return "missing", {}
    detail: Dict[str, Any] = {"checksum_file": os.path.basename(source)}
    try:
        sums = parse_sums(_decoded(files.read_bytes(source, LARGEST_LIST)))
    except ValueError:
        raise Unmeasurable("unparsable", source=source) from None
    wanted = [(path, digest) for path, digest in _wanted(one, top, source, sums)]
    if not wanted:
        return "missing", detail
    state, more = _compared(wanted, largest)
    if state in ("verified", "unverified") and one.kind == "directory":
        covered = {path for path, _ in wanted} | {os.path.join(top, each) for each in LISTS}
        uncovered = [path for path in _files(top) if path not in covered]
        if uncovered:
            state, more = "incomplete", dict(more, uncovered=len(uncovered), file=uncovered[0])
    if one.kind == "file":
        more.pop("file", None)  # which is the backup itself
    elif "file" in more:
        more["file"] = os.path.relpath(more["file"], one.path)
    return state, dict(detail, **more)


def _compared(wanted: Sequence[Tuple[str, str]], largest: int) -> Tuple[str, Dict[str, Any]]:
    """Return how files compare with their digests; ``file`` is the one that does not."""
    absent = sorted(path for path, _ in wanted if not _is_regular(path))
    if absent:
        return "mismatch", {"problem": "file missing", "file": absent[0]}
    size = sum(os.lstat(path).st_size for path, _ in wanted)
    if size > largest:
        return "unverified", {"bytes": size}
    for path, digest in wanted:
        if _digest(path, ALGORITHMS[len(digest)]) != digest:
            return "mismatch", {"file": path}
    return "verified", {"bytes": size, "algorithm": ALGORITHMS[len(wanted[0][1])].upper()}


def _source(one: BackupSet, name: str) -> Optional[str]:
    """Return the file with a backup's checksums, or None."""
    top = os.path.join(one.path, name)
    if one.checksum == "beside":
        candidates = [top + suffix for suffix in SUFFIXES]
    else:
        folder = top if one.kind == "directory" else one.path
        candidates = [os.path.join(folder, each) for each in LISTS]
    return next((path for path in candidates if _is_regular(path)), None)


def _wanted(one: BackupSet, top: str, source: str, sums: Sequence[Sum]) -> Iterator[Tuple[str, str]]:
    """Yield the backup's files and their digests.

    Names are relative to the checksum file's folder. A single line beside a file is that file's, whatever it says.
    """
    folder = os.path.dirname(source)
    if one.kind == "file":
        if one.checksum == "beside" and len(sums) == 1:
            yield top, sums[0].digest
            return
        for each in sums:
            if os.path.basename(each.name) == os.path.basename(top):
                yield top, each.digest
                return
        return
    for each in sums:
        path = os.path.normpath(os.path.join(folder, each.name))
        if each.name and path.startswith(top + os.sep):
            yield path, each.digest


def _decoded(data: bytes) -> str:
    """Return a list of checksums with the names as the system has them."""
    return os.fsdecode(data)


def _is_regular(path: str) -> bool:
    """Return whether a path is a file, and no link to one. Raises OSError."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise


def _files(top: str) -> Iterator[str]:
    for folder, _folders, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if _is_regular(path):
                yield path


def _digest(path: str, algorithm: str) -> str:
    """Return a file's digest, without filling the page cache. Raises OSError, Unmeasurable."""
    try:
        digest = hashlib.new(algorithm)
    except ValueError:  # FIPS mode has no MD5
        raise Unmeasurable("not_supported", feature=algorithm.upper()) from None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        while True:
            chunk = os.read(descriptor, CHUNK)
            if not chunk:
                break
            digest.update(chunk)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (before.st_size, before.st_mtime) != (after.st_size, after.st_mtime):
        raise Unmeasurable("being_written", path=path)
    return binascii.hexlify(digest.digest()).decode("ascii")
