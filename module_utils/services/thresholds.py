"""The checks of a service inspection, their units, and the limits that apply unless a site says otherwise."""

from typing import Any, Dict

#: Every check id and its unit; empty for names and counts.
UNITS: Dict[str, str] = {
    "unit.active": "flag",
    "tcp.reachable": "flag",
    "tcp.connect_time": "milliseconds",
    "http.answer": "flag",
    "http.text": "flag",
    "http.time": "milliseconds",
    "http.certificate": "days",
    "http.certificate_trusted": "flag",
    "dns.answer": "flag",
    "dns.time": "milliseconds",
}

CHECKS = tuple(UNITS)

#: Where each limit comes from: "field" is what operators' alert rules agree on, "own" is this project's choice.
DEFAULT_THRESHOLDS: Dict[str, Dict[str, Any]] = {
    "unit.active": {"critical": 1, "below": True},  # own: it was declared because it must be
    "tcp.reachable": {"critical": 1, "below": True},  # own: the same
    "tcp.connect_time": {"warning": 200},  # own: a hospital's network answers within a few milliseconds
    "http.answer": {"critical": 1, "below": True},  # field: blackbox exporter, probe_success
    "http.text": {"critical": 1, "below": True},  # own: a page without its text is another page
    "http.time": {"warning": 1000, "critical": 5000},  # field: awesome-prometheus-alerts, slow probe; critical: own
    "http.certificate": {"warning": 30, "critical": 7, "below": True},  # field
    "http.certificate_trusted": {"critical": 1, "below": True},  # own: browsers refuse such a page
    "dns.answer": {"critical": 1, "below": True},  # own
    "dns.time": {"warning": 500},  # own: slower, and a name server of several is likely dead
}
