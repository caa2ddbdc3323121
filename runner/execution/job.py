"""What is to be run, complete and unchangeable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One execution of a playbook. ``variables`` hold no secrets: they travel on a command line."""

    run_id: str
    project: Path
    playbook: Path
    inventory: Path
    limit: str | None = None
    check: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    forks: int = 16
    timeout_seconds: float | None = None
