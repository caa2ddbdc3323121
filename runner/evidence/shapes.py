"""Is the body of an entry what this program writes? Asked before anything in it names a file or leads anywhere."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from runner.changes import KIND
from runner.evidence.change_shape import change_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bytes that Linux takes as the name of a file, and as a path.
_LONGEST_NAME, _LONGEST_PATH = 255, 4095

_HASH = re.compile(r"[0-9a-f]{64}")


def is_run_name(name: object) -> bool:
    """Return whether something is the name of a run: that of a folder among the runs, which leads nowhere else."""
    return isinstance(name, str) and not name.startswith(".") and _is_name(name)


def _is_name(name: str) -> bool:
    return 0 < len(name.encode(errors="replace")) <= _LONGEST_NAME and name.isprintable() and "/" not in name


def shape_problem(kind: str, body: Mapping[str, Any]) -> str:
    """Return why a body is not one of its kind; empty where it is, or where nothing is followed that it names."""
    if kind == "run":
        found = _run_problem(body)
    elif kind == "archive":
        found = _archive_problem(body)
    elif kind == KIND:
        found = change_problem(body)
    else:
        return ""
    return f"is not what weibao writes of kind {kind}: {found}" if found else ""


def _run_problem(body: Mapping[str, Any]) -> str:
    if not is_run_name(body.get("run")):
        return f"{_short(body.get('run'))} is no name of a run"
    if not isinstance(body.get("manifest_sha256"), str):
        return "it names no manifest"
    return ""


def _archive_problem(body: Mapping[str, Any]) -> str:
    runs, place, sha256 = body.get("runs"), body.get("place"), body.get("sha256")
    if not isinstance(runs, list) or not runs:
        return "it names no runs"
    for one in runs:
        found = _run_problem(one) if isinstance(one, dict) else f"{_short(one)} is no run"
        if found:
            return found
    if not isinstance(place, str) or not _is_place(place):
        return f"{_short(place)} is no place"
    if sha256 is not None and not (isinstance(sha256, str) and _HASH.fullmatch(sha256)):
        return f"{_short(sha256)} is no SHA-256"
    return ""


def _is_place(text: str) -> bool:
    """Return whether a text is an absolute path, written in the one way in which paths are written."""
    path = PurePosixPath(text)
    names = path.parts[1:]
    return (
        path.is_absolute()
        and not text.startswith("//")
        and str(path) == text
        and bool(names)
        and ".." not in names
        and len(text.encode(errors="replace")) <= _LONGEST_PATH
        and all(map(_is_name, names))
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
