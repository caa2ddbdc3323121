"""Compares kernel releases."""

import re
from typing import List, Optional, Sequence, Tuple

_FLAVOUR = re.compile(r"-([a-z][a-z0-9_-]*)\Z|\.[a-z]\w*\+([\w-]+)\Z|\.(debug)\Z")


def sort_key(release: str) -> List[Tuple[int, int, str]]:
    """Return a key that sorts kernel releases as people read them: numbers by value."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"[0-9]+|[a-z]+", release)]


def flavour(release: str) -> str:
    """Return a release's flavour, else empty.

    ``amd64`` of 6.1.0-40-amd64, ``generic`` of 5.15.0-91-generic, ``debug`` of 5.14.0-427.el9.x86_64+debug.
    """
    match = _FLAVOUR.search(release)
    return next(filter(None, match.groups())) if match else ""


def newest(releases: Sequence[str], running: str) -> Optional[str]:
    """Return the newest installed kernel of the running one's flavour; None if there is none."""
    alike = [release for release in releases if flavour(release) == flavour(running)]
    return max(alike, key=sort_key) if alike else None
