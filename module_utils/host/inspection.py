"""Asks every subject of a host in turn."""

import fnmatch
from typing import Iterator, List

from ..measuring.taking import take
from ..observations import Observation
from . import (
    antivirus,
    certificates,
    clock,
    cpu,
    filesystems,
    hardware,
    identity,
    logs,
    memory,
    network,
    packages,
    processes,
    raid,
    services,
)
from .context import Context, Measures
from .thresholds import CHECKS

#: In the order of the record.
SUBJECTS = (
    identity,
    clock,
    cpu,
    memory,
    filesystems,
    services,
    processes,
    network,
    logs,
    packages,
    certificates,
    hardware,
    raid,
    antivirus,
)


def measures() -> Measures:
    """Return every measurement in the order of the record."""
    return tuple(measure for subject in SUBJECTS for measure in subject.MEASURES)


def matching(pattern: str) -> List[str]:
    """Return the check ids that a shell pattern matches."""
    return [check for check in CHECKS if fnmatch.fnmatchcase(check, pattern)]


def inspect(context: Context) -> Iterator[Observation]:
    """Yield the observations that were asked for."""
    for checks, function in measures():
        wanted = [check for check in checks if context.wants(check)]
        if wanted:
            for observation in take(context, wanted, function):
                if context.wants(observation.check):
                    yield observation
