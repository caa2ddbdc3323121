"""The checks of a database inspection, their units, and the limits that apply unless a site says otherwise."""

from typing import Any, Dict

#: Every check id and its unit; empty for names and counts.
UNITS = {
    "database.reachable": "flag",
    "database.version": "",
    "database.end_of_life": "days",
    "database.uptime": "seconds",
    "database.connections": "percent",
    "database.threads_running": "count",
    "database.aborted_connects": "percent",
    "database.slow_queries": "percent",
    "database.temporary_tables": "percent",
    "database.buffer_pool": "percent",
    "database.memory_peak": "percent",
    "database.transaction": "seconds",
    "database.replication": "flag",
    "database.replication_lag": "seconds",
    "database.binlog_expiry": "flag",
    "database.auto_increment": "percent",
    "database.datadir": "percent",
    "database.error_log": "count",
}

CHECKS = tuple(UNITS)

#: Checks whose value is a word, which no limit can grade.
WORDS = ("database.version",)

#: Where each limit comes from: "field" is what operators' alert rules agree on, "own" is this project's choice.
DEFAULT_THRESHOLDS: Dict[str, Dict[str, Any]] = {
    "database.reachable": {"critical": 1, "below": True},  # field: a server that does not answer
    "database.end_of_life": {"notice": 180, "warning": 0, "below": True},  # own: half a year to plan the upgrade
    "database.uptime": {"notice": 86400, "below": True},  # field: younger servers have no rates yet
    "database.connections": {"warning": 80, "critical": 85},  # field: peak of max_connections
    "database.threads_running": {"warning": 25, "critical": 50},  # field: where schema changes pause and stop
    "database.aborted_connects": {"warning": 3},  # field: MySQLTuner
    "database.slow_queries": {"warning": 5},  # field: MySQLTuner
    "database.temporary_tables": {"notice": 5, "warning": 25},  # field: MySQLTuner; notice: awesome-prometheus-alerts
    "database.buffer_pool": {"warning": 90, "below": True},  # field: MySQLTuner
    "database.memory_peak": {"warning": 85},  # field: MySQLTuner
    "database.transaction": {"warning": 3600},  # field: an hour
    "database.replication": {"critical": 1, "below": True},  # field: a thread that has stopped
    "database.replication_lag": {"warning": 60, "critical": 300},  # field
    "database.binlog_expiry": {"warning": 1, "below": True},  # field: logs that nothing removes fill the disk
    "database.auto_increment": {"warning": 75},  # field: time enough to widen the column
    "database.datadir": {"warning": 80, "critical": 90},  # field: as any file system
    "database.error_log": {"notice": 1, "warning": 100},  # own: per inspection, as log.errors
}
