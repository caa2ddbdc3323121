"""Files of the evidence opened for reading: regular ones only, and none that is larger than it can be.

Whoever can write to the disk can put a pipe, a device or a link in the place of a file: reading it would never end, or
would read something else.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
from typing import IO, TYPE_CHECKING, Any

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

#: More than any entry or manifest holds, and any signature; in bytes.
LARGEST = 1 << 28
LARGEST_SIGNATURE = 1 << 16
#: More than any event or observation holds; a packed file of a few kilobytes can be one line that fills the memory.
_LONGEST_LINE = 1 << 26


def open_regular(path: Path, *, follow: bool = False) -> BufferedReader:
    """Open a regular file; ``follow`` takes a link to one, too. Raises OSError for anything else."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise OSError(errno.ELOOP, "is a link, not a file", str(path)) from None
        raise
    except ValueError:
        # A NUL in its name.
        raise OSError(errno.EINVAL, "is no name of a file", str(path)) from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "is no regular file", str(path))


def read_regular(path: Path, largest: int = LARGEST, *, follow: bool = False) -> bytes:
    """Return a regular file's content; raises OSError for anything else, and where it is larger than ``largest``."""
    with open_regular(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        # Room is made for all that is asked for: so for no more than is there, unless it grew meanwhile.
        content = file.read(size + 1) if size <= largest else b""
        if len(content) > size:
            content += file.read(largest + 1 - len(content))
    if max(size, len(content)) > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def packed_lines(file: IO[bytes]) -> Iterator[Any]:
    """Yield the JSON of each line of a file packed by gzip; raises OSError, EOFError, ValueError or zlib.error."""
    with gzip.GzipFile(fileobj=file, mode="rb") as lines:
        while line := lines.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"holds a line of more than {_LONGEST_LINE >> 20} MiB")
            yield from_json(line)
