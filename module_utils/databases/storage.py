"""How full the file system is that holds a server's data; of servers on this host only."""

import errno
import os
from typing import Iterator, List, Union

from ..host.filesystems import space, used_percent
from ..measuring import files
from ..measuring.asking import ask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from .server import Server


def datadir(server: Server) -> Iterator[Observation]:
    """Yield how full the file system of the data directory is."""
    if not server.local:
        return
    server.require_this_host()
    path = server.variables.get("datadir", "")
    if not path:
        raise Unmeasurable("source_missing", source="datadir")
    answer = ask(_look, [path], server.settings.timeout).get(path)
    if answer is None:
        raise Unmeasurable("timed_out", path=path, seconds=server.settings.timeout)
    if isinstance(answer, int):
        raise files.reason(OSError(answer, os.strerror(answer)), path)
    found = space(answer)
    detail = {"path": path, "size_bytes": found.size, "used_bytes": found.used, "available_bytes": found.available}
    yield server.seen("database.datadir", used_percent(found), detail)


def _look(path: str) -> Union[List[int], int]:
    """Return the fields of statvfs(3), or the number of the error."""
    try:
        return list(os.statvfs(path))
    except OSError as error:
        return error.errno or errno.EIO
