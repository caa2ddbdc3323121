"""What processes of others hold open, as root tells through sudo.

Root is asked for no file that may be on a dead server: first for the descriptors alone, then for the sizes of those
files that are known to be on a disk.
"""

import re
import time
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set

from ..measuring.errors import Unmeasurable
from .context import Context
from .elevation import FIND, STAT, run

#: How many files root is asked for at once: each command line goes into the host's log.
BATCH = 50

#: How find and stat end where a file was closed, or a process ended, before they came to it.
SOME_GONE = (0, 1)

_OWNER = re.compile(r"/proc/([0-9]+)/fd/([0-9]+)\Z")


class Held(NamedTuple):
    """An open file: where its descriptor leads, and for a deleted one what the kernel knows of the descriptor."""

    target: str
    about: str = ""


class Status(NamedTuple):
    """An open file as stat(1) describes it; ``path`` is its descriptor's, ``bytes`` as allocated on disk."""

    path: str
    device: int
    inode: int
    mode: int
    links: int
    bytes: int


class Listing(NamedTuple):
    """The open files by process and descriptor; ``denied`` are the processes of which even root may not know."""

    files: Dict[int, Dict[str, Held]]
    denied: Set[int]


def parse_listing(text: str) -> Dict[int, Dict[str, Held]]:
    """Return what FIND prints: pieces that end in a descriptor's path, after its target and then, if that is deleted,
    after what the kernel knows of it.

    A target may hold anything but a NUL.
    """
    found: Dict[int, Dict[str, Held]] = {}
    for piece in text.split("\0"):
        match = _OWNER.search(piece)
        if match is None:
            continue
        files, descriptor, said = found.setdefault(int(match.group(1)), {}), match.group(2), piece[: match.start()]
        files[descriptor] = files[descriptor]._replace(about=said) if descriptor in files else Held(said)
    return found


def parse_status(text: str) -> List[Status]:
    """Return what STAT prints."""
    found = []
    for line in text.splitlines():
        fields = line.split("-", 5)
        if len(fields) == 6:
            device, inode, mode, links, blocks, path = fields
            found.append(Status(path, int(device), int(inode), int(mode, 16), int(links), int(blocks) * 512))
    return found


def parse_denied(errors: str) -> Set[int]:
    """Return the processes that find or stat complains of, other than that they ended or closed the file."""
    gone = re.compile("No such (file|process)")
    lines = [line for line in errors.splitlines() if not gone.search(line)]
    return {int(pid) for line in lines for pid in re.findall(r"/proc/([0-9]+)\b", line)}


def listing(context: Context) -> Listing:
    """Return what every process of the host holds open. Raises Unmeasurable."""
    answer = run(context, FIND.split(), accepted=SOME_GONE)
    files = parse_listing(answer.output)
    if not files:  # not even its own
        raise Unmeasurable("command_failed", command="sudo find", message=answer.errors.strip()[:200])
    return Listing(files, parse_denied(answer.errors))


def statuses(context: Context, paths: Sequence[str], denied: Set[int]) -> Iterator[Status]:
    """Yield the files behind descriptors' paths that are still open; processes that may not be known join ``denied``.

    Raises Unmeasurable, also when all of them together take longer than one command may.
    """
    deadline = time.monotonic() + context.inputs.command_timeout
    for start in range(0, len(paths), BATCH):
        if time.monotonic() > deadline:
            raise Unmeasurable("timed_out", path="/proc", seconds=context.inputs.command_timeout)
        answer = run(context, STAT.split() + list(paths[start : start + BATCH]), accepted=SOME_GONE)
        denied |= parse_denied(answer.errors)
        for status in parse_status(answer.output):
            yield status
