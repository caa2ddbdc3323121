"""What is to be run, complete and unchangeable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One execution of a playbook. ``variables`` hold no secrets: they travel on a command line.

    ``project`` has Ansible's settings and all that runs; ``working_folder`` is where it runs, if elsewhere. ``shown``
    maps folders to those by which people know what lies there. ``change`` is the file that tells the gate on the
    hosts of the approved change that it belongs to, if it does.
    """

    run_id: str
    project: Path
    playbook: Path
    inventory: Path
    limit: str | None = None
    check: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    forks: int = 16
    timeout_seconds: float | None = None
    change: Path | None = None
    working_folder: Path | None = None
    shown: Mapping[str, str] = field(default_factory=dict)


def as_known(text: str, shown: Mapping[str, str]) -> str:
    """Return a text that names files by the folders that people know."""
    for copy, known in shown.items():
        text = text.replace(copy, known)
    return text
