"""The checks of a backup inspection, their units, and the limits that apply unless a site says otherwise."""

from typing import Any, Dict

#: Every check id and its unit; empty for names and counts.
UNITS: Dict[str, str] = {
    "backup.present": "flag",
    "backup.age": "hours",
    "backup.size": "bytes",
    "backup.size_change": "percent",
    "backup.count": "count",
    "backup.checksum": "",
}

CHECKS = tuple(UNITS)

#: Checks whose value is a word, which no limit can grade.
WORDS = ("backup.checksum",)

#: Where each limit comes from: "own" is this project's choice. Age and count have those of each set, see AGE.
DEFAULT_THRESHOLDS: Dict[str, Dict[str, Any]] = {
    "backup.present": {"critical": 1, "below": True},  # own: a declared backup that is not there
    "backup.size_change": {"warning": 70, "critical": 50, "below": True},  # own: of the median of earlier ones
}

#: Limits of a backup's age, as multiples of the hours between two.
AGE = {"warning": 1.25, "critical": 2.0}  # own: a quarter late; one left out

#: A backup of this percentage of the median deserves a look too.
GROWN = 200  # own
