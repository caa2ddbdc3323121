"""Reads small files of the host and says precisely why one cannot be read."""

import errno
import os
from typing import IO, Iterator, List, Optional

from .errors import Unmeasurable

LARGEST = 16 * 1024 * 1024


def read(path: str, largest: int = LARGEST) -> str:
    """Return a file's text, at most ``largest`` bytes; what is not UTF-8 becomes U+FFFD.

    Raises Unmeasurable: source_missing, not_permitted, not_supported.
    """
    return read_bytes(path, largest).decode("utf-8", "replace")


def read_bytes(path: str, largest: int = LARGEST) -> bytes:
    """Return a file's bytes, at most ``largest`` of them. Raises as read() does."""
    try:
        with open(path, "rb", buffering=0, opener=_at_once) as stream:
            return b"".join(_chunks(stream, largest))
    except OSError as error:
        raise reason(error, path) from error


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting for somebody who writes: whoever may make files may put a pipe in its place."""
    return os.open(path, flags | os.O_NONBLOCK)


def _chunks(stream: IO[bytes], largest: int) -> Iterator[bytes]:
    """Yield a file piece by piece: the kernel refuses to prepare large pieces of its own files."""
    while largest > 0:
        chunk = stream.read(min(largest, 65536))
        if not chunk:
            return
        largest -= len(chunk)
        yield chunk


def optional(path: str) -> Optional[str]:
    """Return a file's text, or None where it does not exist or cannot be read."""
    try:
        return read(path)
    except Unmeasurable:
        return None


def number(path: str) -> Optional[int]:
    """Return the whole number that a kernel file holds, or None."""
    try:
        return int((optional(path) or "").strip())
    except ValueError:
        return None


def names(path: str) -> List[str]:
    """Return the sorted names in a folder; none where it does not exist or cannot be read."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def reason(error: OSError, path: str) -> Unmeasurable:
    """Return an operating system's error as the reason that an observation carries."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Unmeasurable("source_missing", source=path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unmeasurable("not_permitted", path=path)
    return Unmeasurable("not_supported", feature="%s: %s" % (path, error.strerror))
