"""What a site declares about its backups, checked and understood before anything is looked at."""

import math
import os
from typing import Any, Dict, List, NamedTuple, Tuple

#: Of sets on one host: each is a thread while folders are read.
MOST = 100

KINDS = ("file", "directory")
CHECKSUMS = ("none", "beside", "file")

#: Hours: ten years.
LONGEST_INTERVAL = 87600
#: Minutes: a day.
LONGEST_SETTLE = 1440


class BackupSet(NamedTuple):
    """Backups of one thing, made again and again into one folder; ``keep`` 0 is not declared."""

    name: str
    path: str
    pattern: str
    kind: str
    every_hours: float
    keep: int
    checksum: str
    settle_minutes: float


def parse(parameters: Dict[str, Any]) -> Tuple[List[BackupSet], List[str]]:
    """Return the declared sets, and everything that is wrong with them."""
    found, problems = [], []
    for index, entry in enumerate(parameters["sets"]):
        one = _read(entry)
        label = "sets[%d]%s" % (index, " (%s)" % entry["name"] if entry.get("name") else "")
        problems += ["%s.%s" % (label, problem) for problem in _problems(one)]
        found.append(one)
    names = [one.name for one in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append("sets: %r is declared twice; give each a name of its own" % name)
    if len(found) > MOST:
        problems.append("sets: at most %d" % MOST)
    return found, problems


def _read(entry: Dict[str, Any]) -> BackupSet:
    settle, pattern = entry.get("settle_minutes"), entry.get("pattern") or "*"
    return BackupSet(
        name=entry.get("name") or os.path.join(entry["path"], pattern),
        path=entry["path"],
        pattern=pattern,
        kind=entry.get("kind") or "file",
        every_hours=entry["every_hours"],
        keep=entry.get("keep") or 0,
        checksum=entry.get("checksum") or "none",
        settle_minutes=5.0 if settle is None else settle,
    )


def _problems(one: BackupSet) -> List[str]:
    checks = (
        (os.path.isabs(one.path) and "\0" not in one.path, "path: %r is not an absolute path" % one.path),
        ("/" not in one.pattern, "pattern: %r is of names in the folder, so without a /" % one.pattern),
        (one.kind in KINDS, "kind: must be one of %s" % ", ".join(KINDS)),
        (one.checksum in CHECKSUMS, "checksum: must be one of %s" % ", ".join(CHECKSUMS)),
        (
            _is_within(one.every_hours, LONGEST_INTERVAL),
            "every_hours: must be above 0 and at most %d" % LONGEST_INTERVAL,
        ),
        (one.keep >= 0, "keep: must be at least 1"),
        (
            one.settle_minutes == 0 or _is_within(one.settle_minutes, LONGEST_SETTLE),
            "settle_minutes: must be between 0 and %d" % LONGEST_SETTLE,
        ),
    )
    return [problem for good, problem in checks if not good]


def _is_within(value: float, highest: float) -> bool:
    return math.isfinite(value) and 0 < value <= highest
