"""Tells who holds the lock on a file, as package managers take it."""

import fcntl
import os
import struct
from typing import Optional

from ..measuring import files

#: struct flock (fcntl(2)): l_type, l_whence, l_start, l_len, l_pid.
_FLOCK = "hhqqi4x"


def holder(path: str) -> Optional[str]:
    """Return the program that holds a write lock on a file; None if nobody does or there is no such file.

    The path stands for a program that has no name here, as in another container. Raises Unmeasurable: not_permitted.
    """
    question = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with open(path, "rb", buffering=0) as stream:
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(stream, fcntl.F_GETLK, question))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise files.reason(error, path) from error
    if kind == fcntl.F_UNLCK:
        return None
    return (files.optional("/proc/%d/comm" % pid) or path).strip()
