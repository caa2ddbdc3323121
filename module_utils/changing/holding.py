"""How a module that changes a host is given the change it belongs to."""

import math
from contextlib import ExitStack
from typing import Any, ContextManager, Dict, Optional

from .hold import Foreign, Held, Hold

#: The argument ``change`` of every module that changes a host; role change_gate hands it over.
ARGUMENT: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "run": {"type": "str", "required": True},
        "change": {"type": "str"},
        "lease_seconds": {"type": "int", "required": True},
        "host_seconds": {"type": "int"},
        "reserve_seconds": {"type": "int", "default": 0},
    },
}

WITHOUT = (
    "this changes the host, and nothing says under which change: the play has to pass role change_gate first,"
    " which hands it over"
)


def hold(change: Optional[Dict[str, Any]], at_least: float = 0.0) -> Hold:
    """Return the host held for a change, for so many seconds at the least.

    Raises Held where it is held by another, or no change was handed over.
    """
    if not change:
        raise Held(WITHOUT)
    held = Hold(change["run"])
    try:
        held.take(max(change["lease_seconds"], at_least), change.get("change"))
    except BaseException:
        held.close()
        raise
    return held


def hold_if_possible(change: Optional[Dict[str, Any]], at_least: float) -> ContextManager[Any]:
    """Return the host held as hold() does, or not held where nothing can be noted on it: a way back waits for no disk.

    Raises Held where another run holds it, or no change was handed over.
    """
    if change:
        try:
            return hold(change, at_least)
        except Foreign:
            raise
        except Held:
            return ExitStack()
    raise Held(WITHOUT)


def too_late(change: Dict[str, Any], longest: float, back: float) -> str:
    """Return why work of so many seconds, and the way back from it, may end after the window, in code words, or ''."""
    seconds, needed = change.get("host_seconds"), longest + max(back, change["reserve_seconds"])
    if seconds is None or needed <= seconds:
        return ""
    return "too late, may take %d s, has %d s" % (math.ceil(needed), max(0, seconds))
