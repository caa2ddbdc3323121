"""What does not verify."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What does not verify: the file, and how it differs."""

    file: str
    problem: str
