"""The checks of a restart's assessment, their units, and the limits that apply unless a site says otherwise."""

from typing import Any, Dict

#: Every check id and its unit; empty for names and counts.
UNITS: Dict[str, str] = {
    "restart.present": "flag",
    "restart.due": "flag",
    "restart.uptime": "days",
    "restart.memory": "percent",
    "restart.memory_growth": "percent",
    "restart.updates": "count",
}

CHECKS = tuple(UNITS)

#: Where each limit comes from: "field" is what operators' tools agree on, "own" is this project's choice. A figure that
#: reaches its warning makes a restart due.
DEFAULT_THRESHOLDS: Dict[str, Dict[str, Any]] = {
    "restart.present": {"critical": 1, "below": True},  # own: its restart was asked for, and cannot be done
    "restart.due": {"warning": 1},  # own
    "restart.uptime": {"warning": 180},  # own: half a year, two quarterly windows
    # own: one service with half of the host's memory. No cause for a restart, since a database has as much right after.
    "restart.memory": {"notice": 50},
    "restart.memory_growth": {"warning": 50},  # own: half as much again since the last assessment
    "restart.updates": {"warning": 1},  # field: needrestart, checkrestart: any replaced file still in use
}
