"""The checks that every change reports, and their units."""

from typing import Dict

#: Every check id and its unit; empty for names and counts.
UNITS: Dict[str, str] = {
    "change.step": "seconds",
    "change.batch": "",
}
