"""The checks of a host inspection, their units, and the limits that apply unless a site says otherwise."""

from typing import Any, Dict

#: Every check id and its unit; empty for names and counts.
UNITS = {
    "host.identity": "",
    "host.uptime": "seconds",
    "time.synchronised": "flag",
    "time.offset": "milliseconds",
    "cpu.load_per_core": "per_core",
    "cpu.busy": "percent",
    "cpu.steal": "percent",
    "cpu.iowait": "percent",
    "memory.used": "percent",
    "memory.swap_used": "percent",
    "memory.oom_kills": "count",
    "memory.ecc_uncorrected": "count",
    "pressure.cpu": "percent",
    "pressure.memory": "percent",
    "pressure.io": "percent",
    "filesystem.used": "percent",
    "filesystem.inodes": "percent",
    "filesystem.read_only": "flag",
    "filesystem.time_to_full": "hours",
    "filesystem.deleted_open": "bytes",
    "systemd.state": "",
    "unit.failed": "flag",
    "unit.restarts": "count",
    "process.zombies": "count",
    "process.descriptors": "percent",
    "system.descriptors": "percent",
    "network.conntrack": "percent",
    "network.errors": "percent",
    "network.listening": "count",
    "network.unexpected_port": "flag",
    "network.missing_port": "flag",
    "log.errors": "count",
    "log.critical": "count",
    "packages.pending": "count",
    "packages.security": "count",
    "packages.metadata_age": "days",
    "packages.reboot_required": "flag",
    "packages.interrupted": "flag",
    "certificate.expiry": "days",
    "sensor.temperature": "celsius",
    "disk.smart": "flag",
    "disk.smart_attributes": "count",
    "raid.degraded": "flag",
    "antivirus.signature_age": "days",
}

CHECKS = tuple(UNITS)

#: Checks whose value is a word, which no limit can grade.
WORDS = ("host.identity", "systemd.state")

#: Where each limit comes from: "field" is what operators' alert rules agree on, "own" is this project's choice.
DEFAULT_THRESHOLDS: Dict[str, Dict[str, Any]] = {
    "time.synchronised": {"critical": 1, "below": True},  # field: a clock that nothing disciplines
    "time.offset": {"warning": 50},  # field: node-exporter mixin, ClockSkewDetected
    "cpu.load_per_core": {"warning": 2},  # field: node-exporter mixin, SystemSaturation
    "cpu.steal": {"warning": 10},  # field: awesome-prometheus-alerts
    "cpu.iowait": {"warning": 10},  # field: awesome-prometheus-alerts
    "memory.used": {"warning": 90, "critical": 97},  # field: node-exporter mixin; critical: own
    "memory.swap_used": {"warning": 80},  # field: awesome-prometheus-alerts
    "memory.oom_kills": {"warning": 1},  # field: any kill
    "memory.ecc_uncorrected": {"critical": 1},  # field: any uncorrectable error
    "pressure.memory": {"warning": 60},  # field: full stall
    "filesystem.used": {"warning": 80, "critical": 90},  # field: hospital inspection forms
    "filesystem.inodes": {"warning": 90, "critical": 95},  # field
    "filesystem.read_only": {"critical": 1},  # field: errors=remount-ro took effect
    "filesystem.time_to_full": {"warning": 24, "critical": 4, "below": True},  # field: node-exporter mixin
    "filesystem.deleted_open": {"notice": 104857600, "warning": 1073741824},  # own: 100 MiB, 1 GiB
    "unit.failed": {"critical": 1},  # field: any failed unit
    "unit.restarts": {"warning": 3},  # field: more than two restarts in five minutes
    "process.zombies": {"warning": 5},  # own
    "process.descriptors": {"warning": 70, "critical": 90},  # field: node-exporter mixin
    "system.descriptors": {"warning": 70, "critical": 90},  # field: node-exporter mixin
    "network.conntrack": {"warning": 75, "critical": 90},  # field: node-exporter mixin; critical: own
    "network.errors": {"warning": 1},  # field: node-exporter mixin
    "network.unexpected_port": {"warning": 1},  # own: any port that nobody declared
    "network.missing_port": {"critical": 1},  # own: any declared port that nobody listens on
    "log.errors": {"notice": 1, "warning": 100},  # own: per inspection
    "log.critical": {"warning": 1},  # own: priorities emerg, alert, crit
    "packages.pending": {"notice": 1},  # own
    "packages.security": {"warning": 1},  # field: any security update
    "packages.metadata_age": {"warning": 7},  # own: older figures are not figures
    "packages.reboot_required": {"warning": 1},  # field
    "packages.interrupted": {"critical": 1},  # field
    "certificate.expiry": {"warning": 30, "critical": 7, "below": True},  # field
    "disk.smart": {"critical": 1},  # field: the drive's own verdict
    "disk.smart_attributes": {"warning": 1},  # field: raw 5, 187, 188, 197, 198 above zero
    "raid.degraded": {"critical": 1},  # field: any missing disk
    "antivirus.signature_age": {"warning": 7},  # field
}
