"""One observation of one host, as the inspection record keeps it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation of one host, as it was sealed."""

    host: str
    check: str
    subject: str
    value: Any
    unit: str
    level: str
    limits: Mapping[str, Any]
    reason: Mapping[str, Any] | None
    detail: Mapping[str, Any]
    time: str | None

    @property
    def bad(self) -> bool:
        """Return whether somebody has to act on it."""
        return self.level in ("warning", "critical")


FIELDS = tuple(one.name for one in dataclasses.fields(Finding))


def finding_of(observation: Mapping[str, Any]) -> Finding:
    """Return an observation of a sealed run, which was validated when it was sealed."""
    return Finding(*(observation.get(key) for key in FIELDS))  # type: ignore[arg-type]
