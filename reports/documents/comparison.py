"""What the last run knew of an inspection's warnings and criticals: the reports show it, the runner finds it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How an exception stands to the last run, in the order in which people want to see them.
STATUSES = ("new", "worse", "first", "same")


@dataclass(frozen=True)
class Known:
    """A warning or critical of an earlier run; ``time`` is ISO text."""

    host: str
    check: str
    subject: str
    level: str
    value: Any
    unit: str
    limits: Mapping[str, Any]
    time: str | None


@dataclass(frozen=True)
class Comparison:
    """An inspection beside earlier ones.

    ``runs`` are (run id, started as ISO text) of those compared with, the newest first; none: nothing to compare with.
    ``status`` maps (host, check, subject) of each warning and critical now to one of STATUSES, ``first`` being that
    it was never measured before. ``gone`` was bad and is measured fine, or no longer exists; ``unconfirmed`` was
    bad and could not be measured this time, so nobody may take it for gone.
    """

    runs: tuple[tuple[str, str], ...] = ()
    status: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    gone: tuple[Known, ...] = ()
    unconfirmed: tuple[Known, ...] = ()
