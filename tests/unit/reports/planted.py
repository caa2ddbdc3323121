"""Hospitals that were never inspected: a small one with every kind of failure, and a fleet of any size."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from module_utils.observations import grade
from reports.documents.comparison import Comparison, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIME = "2026-11-21T15:55:20.000000Z"


def observation(host: str, check: str, subject: str = "", value: Any = 0, **given: Any) -> dict[str, Any]:
    """Return an observation as it is sealed, graded by its limits unless ``level`` is given."""
    limits = given.get("limits", {})
    level = given.get("level") or ("unknown" if value is None else grade(value, limits) if limits else "ok")
    return {
        "schema_version": 1,
        "host": host,
        "event": "0000",
        "time": TIME,
        "check": check,
        "subject": subject,
        "value": value,
        "unit": given.get("unit", ""),
        "level": level,
        "limits": limits,
        "reason": given.get("reason"),
        "detail": given.get("detail", {}),
    }


def unknown(host: str, check: str, code: str, subject: str = "", **parameters: Any) -> dict[str, Any]:
    """Return the observation of what could not be measured."""
    return observation(host, check, subject, None, reason={"code": code, "parameters": parameters})


#: One of each failure that an inspection must find: check, subject, value, unit, limits, detail.
PERCENT = {"warning": 80, "critical": 90}
FLAG = {"critical": 1}
WANTED = {"critical": 1, "below": True}
PLANTED: tuple[tuple[str, str, str, Any, str, dict[str, Any]], ...] = (
    ("app1", "filesystem.used", "/var", 97.3, "percent", PERCENT),
    ("app1", "filesystem.inodes", "/srv/dicom", 100, "percent", {"warning": 90, "critical": 95}),
    ("app1", "unit.failed", "hello.service", 1, "flag", FLAG),
    ("app2", "unit.restarts", "hl7-gateway.service", 7, "count", {"warning": 3}),
    ("app2", "memory.oom_kills", "", 2, "count", {"warning": 1}),
    ("app2", "http.text", "HIS 登录页", 0, "flag", WANTED),
    ("app2", "http.time", "PACS 影像浏览", 8412.5, "milliseconds", {"warning": 1000, "critical": 5000}),
    (
        "app2",
        "http.certificate",
        "https://his.hospital.local/",
        -3.2,
        "days",
        {"warning": 30, "critical": 7, "below": True},
    ),
    ("app2", "tcp.reachable", "LIS 接口 10.1.0.40:6661", 0, "flag", WANTED),
    ("app2", "network.unexpected_port", "tcp/4444", 1, "flag", {"warning": 1}),
    ("db1", "database.reachable", "his", 0, "flag", WANTED),
    ("db2", "database.replication", "his-replica", 0, "flag", WANTED),
    ("db1", "backup.age", "his-dump", 75.2, "hours", {"warning": 26, "critical": 50}),
    ("db1", "backup.size_change", "his-dump", -83.1, "percent", {"warning": -30, "critical": -60, "below": True}),
    ("db2", "filesystem.deleted_open", "", 21474836480, "bytes", {"warning": 1073741824}),
    ("db2", "packages.interrupted", "", 1, "flag", FLAG),
    ("db2", "time.synchronised", "", 0, "flag", WANTED),
)

OUTCOMES = {
    "inner": (
        "unreachable",
        "Failed to connect to the host via ssh: kex_exchange_identification: Connection closed by remote host",
    ),
    "legacy": ("refused", "Missing sudo password"),
    "jump": ("timed_out", "no result within 300 s, the time limit of one host"),
}
NOT_COVERED = [
    {"host": "lis-windows", "kind": "windows", "product": "Windows Server 2016"},
    {"host": "oracle-his", "kind": "oracle", "product": "Oracle Database 19c"},
    {"host": "printer-ward3", "kind": "peripheral", "product": "Zebra ZD421"},
]
GROUPS = {"app": ["app1", "app2"], "db": ["db1", "db2"], "edge": ["jump", "inner", "legacy"]}


def host_outcome(outcome: str = "ok", message: str | None = None, observations: int = 40) -> dict[str, Any]:
    """Return what a manifest says of one host."""
    fine = outcome == "ok"
    tasks = {"ok": 3 if fine else 0, "changed": 0, "failed": 0 if fine else 1, "unreachable": 0, "skipped": 1}
    return {"outcome": outcome, **tasks, "observations": observations if fine else 0, "message": message}


def manifest(hosts: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the manifest of a run over hosts; its verdict follows from their outcomes."""
    by_outcome: dict[str, list[str]] = {}
    for name, host in hosts.items():
        if host["outcome"] != "ok":
            by_outcome.setdefault(host["outcome"], []).append(name)
    missed = [name for names in by_outcome.values() for name in names]
    reasons = [{"code": f"hosts_{outcome}", "parameters": {"hosts": names}} for outcome, names in by_outcome.items()]
    return {
        "schema_version": 1,
        "run": "20261121T155519Z-inspect-1a2b3c",
        "site": "hospital-a",
        "procedure": "inspect",
        "obligations": ["A01"],
        "operator": {"login": "zhangwei", "name": None},
        "started": "2026-11-21T15:55:19.123456Z",
        "ended": "2026-11-21T16:08:02.654321Z",
        "arguments": {"limit": None, "check": False, "variables": {}},
        "hosts": hosts,
        "verdict": {"state": "partial" if missed else "complete", "reasons": reasons, "missed": missed},
        **more,
    }


def hospital() -> tuple[dict[str, Any], list[dict[str, Any]], Comparison]:
    """Return seven hosts: four with every failure, one unreachable, one that refuses sudo, one that hangs."""
    rows = [
        row
        for host in ("app1", "app2", "db1", "db2")
        for row in itertools.chain(
            _fine(host, 3),
            (
                observation(host, *rest[:2], rest[2], unit=rest[3], limits=rest[4])
                for name, *rest in PLANTED
                if name == host
            ),
        )
    ]
    rows.append(unknown("db2", "database.reachable", "not_covered", "lis", product="SQL Server 2014"))
    hosts = {name: host_outcome() for name in ("app1", "app2", "db1", "db2")}
    hosts |= {name: host_outcome(outcome, message) for name, (outcome, message) in OUTCOMES.items()}
    comparison = Comparison(
        runs=(("20261114T155519Z-inspect-0f0f0f", "2026-11-14T15:55:19.123456Z"),),
        status={
            (host, check, subject): ("same", "new", "worse")[number % 3]
            for number, (host, check, subject, *_) in enumerate(PLANTED)
        },
        gone=(
            Known("db1", "filesystem.used", "/var/lib/mysql", "critical", 93.5, "percent", PERCENT, TIME),
            Known("app1", "unit.failed", "cups.service", "warning", 1, "flag", {"warning": 1}, TIME),
        ),
        unconfirmed=(
            Known("legacy", "packages.security", "", "warning", 14, "count", {"warning": 1}, TIME),
            Known("db2", "disk.smart", "/dev/sda", "critical", 1, "flag", FLAG, TIME),
        ),
    )
    return manifest(hosts, groups=GROUPS, not_covered=NOT_COVERED), rows, comparison


def _fine(host: str, number: int) -> Iterator[dict[str, Any]]:
    """Yield about seventy observations of a host without exceptions, some of them unknown or worth a notice."""
    detail = {
        "hostname": host,
        "kernel": "6.1.0-27-amd64",
        "cpus": 4,
        "memory_bytes": 8 * 2**30,
        "addresses": ["10.1.0.9"],
    }
    yield observation(
        host, "host.identity", "", ("Debian GNU/Linux 12 (bookworm)", "openEuler 22.03")[number % 2], detail=detail
    )
    yield observation(host, "host.uptime", "", 8640000 + number, unit="seconds")
    yield observation(
        host,
        "time.offset",
        "",
        0.4,
        unit="milliseconds",
        limits={"warning": 50},
        detail={"daemon": "chronyd", "stratum": 3},
    )
    yield observation(host, "cpu.busy", "", 2 + number % 60, unit="percent", limits={"warning": 95})
    yield observation(host, "cpu.load_per_core", "", 0.23, unit="per_core", limits={"warning": 2})
    yield observation(host, "memory.used", "", 20 + number % 60, unit="percent", limits={"warning": 90})
    for mount in ("/", "/boot", "/var", "/srv", "/home", "/opt"):
        sizes = {"used_bytes": 31437033472, "size_bytes": 270553174016, "available_bytes": 77507260416, "type": "ext4"}
        yield observation(
            host, "filesystem.used", mount, 10 + number % 50, unit="percent", limits=PERCENT, detail=sizes
        )
        yield observation(
            host,
            "filesystem.inodes",
            mount,
            3.28,
            unit="percent",
            limits=PERCENT,
            detail={"inodes": 16777216, "used": 550840},
        )
        yield observation(
            host, "filesystem.read_only", mount, 0, unit="flag", limits=FLAG, detail={"device": "/dev/vda"}
        )
    yield unknown(host, "filesystem.time_to_full", "needs_history", "/")
    yield observation(host, "systemd.state", "", "running", detail={"failed": 0, "failed_units": []})
    yield observation(host, "process.zombies", "", 0, unit="count", limits={"warning": 10})
    for interface in range(4):
        yield observation(
            host,
            "network.errors",
            f"eth{interface}",
            0.0,
            unit="percent",
            limits={"warning": 1},
            detail={"received": 125262, "sent": 82720},
        )
    yield observation(
        host, "network.listening", "", 3, unit="count", detail={"ports": [{"port": "tcp/22", "process": "sshd"}]}
    )
    messages = [
        {
            "unit": "ssh.service",
            "count": 18,
            "message": f"error: kex_exchange_identification: Connection closed by remote host port {number}",
        },
        {
            "unit": "kernel",
            "count": 1 + number % 3,
            "message": f"nf_conntrack: table full, dropping packet [{number}.{number}]",
        },
    ]
    logged = {"messages": messages, "by_unit": [{"unit": one["unit"], "count": one["count"]} for one in messages]}
    logged |= {"since": "2026-10-21T15:55:19+00:00", "source": "journal"}
    yield observation(host, "log.errors", "", 20, unit="count", limits={"warning": 100}, detail=logged)
    yield observation(
        host,
        "packages.pending",
        "",
        number % 40,
        unit="count",
        limits={"notice": 1},
        detail={"packages": ["bash", "openssl"] * 10},
    )
    yield observation(host, "packages.security", "", 0, unit="count", limits={"warning": 1})
    yield unknown(host, "disk.smart", "tool_missing", tool="smartctl")
    yield unknown(host, "antivirus.signature_age", "not_installed", product="clamav")
    yield observation(host, "packages.reboot_required", "", 0, unit="flag", limits={"warning": 1})
    for name in range(25):
        days = 60 + name
        yield observation(
            host,
            "certificate.expiry",
            f"/etc/ssl/app-{name}.crt",
            days,
            unit="days",
            limits={"warning": 30, "critical": 7, "below": True},
        )


def fleet(count: int) -> tuple[dict[str, Any], Callable[[], Iterator[dict[str, Any]]]]:
    """Return ``count`` hosts in wards and services, one in twenty with an exception, one in a hundred missed."""
    names = [f"{('his', 'lis', 'pacs', 'emr', 'ris')[number % 5]}-node-{number:04d}" for number in range(count)]
    hosts = {}
    for number, name in enumerate(names):
        outcome = ("unreachable", "refused", "timed_out")[number // 100 % 3] if number % 100 == 7 else "ok"
        message = (
            None if outcome == "ok" else f"Failed to connect to the host via ssh: ssh: connect to host {name} port 22"
        )
        hosts[name] = host_outcome(outcome, message)
    groups = {"servers": names[: count * 9 // 10]}
    for name in names[: count * 9 // 10]:
        groups.setdefault(name.split("-")[0], []).append(name)

    def observations() -> Iterator[dict[str, Any]]:
        for number, name in enumerate(names):
            if hosts[name]["outcome"] == "ok":
                yield from _fine(name, number)
                if number % 20 == 3:
                    _, *rest = PLANTED[number // 20 % len(PLANTED)]
                    yield observation(name, *rest[:2], rest[2], unit=rest[3], limits=rest[4])
                if number % 50 == 11:
                    yield observation(name, "unit.failed", f"app-{number}.service", 1, unit="flag", limits=FLAG)

    return manifest(hosts, groups=groups, not_covered=NOT_COVERED), observations
