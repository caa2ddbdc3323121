"""What a server's own counters and settings tell: its age, its connections, its rates, its appetite for memory."""

import datetime
from typing import Any, Dict, Iterator, List, Tuple

from ..host import container, memory
from ..measuring import files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from .releases import end_of_support, parse_version
from .server import GROWN_UP, Server

#: Memory that a server takes once, and memory that each connection may take; in bytes, as MySQLTuner counts it.
_SHARED = (
    "innodb_buffer_pool_size",
    "innodb_log_buffer_size",
    "key_buffer_size",
    "query_cache_size",
    "aria_pagecache_buffer_size",
)
_EACH = ("read_buffer_size", "read_rnd_buffer_size", "sort_buffer_size", "join_buffer_size", "thread_stack")


def version(server: Server) -> Iterator[Observation]:
    """Yield what the server is, and for how many days its vendor still maintains it."""
    told = parse_version(server.variables.get("version", server.version.text))
    comment = server.variables.get("version_comment", "")
    product = {"mysql": "MySQL", "mariadb": "MariaDB"}[told.engine]
    detail = {"engine": told.engine}
    named = comment.partition("--")[0].strip()  # MariaDB 11.8 asks for stars behind it
    if named:
        detail["comment"] = named
    if told.engine != server.instance.engine:
        detail["declared"] = server.instance.engine
    yield server.seen("database.version", told.text, detail)
    last = end_of_support(told, comment)
    if last is None:
        why = Unmeasurable("release_not_listed", product=product, version=told.text)
        yield server.unseen("database.end_of_life", why)
        return
    today = datetime.datetime.fromtimestamp(server.now, datetime.timezone.utc).date()
    series = "%s %s" % (product, ".".join(str(number) for number in told.numbers[:2]))
    yield server.seen("database.end_of_life", (last - today).days, {"series": series, "until": last.isoformat()})


def uptime(server: Server) -> Iterator[Observation]:
    """Yield for how many seconds the server has been running."""
    yield server.seen("database.uptime", server.counter("uptime"))


def connections(server: Server) -> Iterator[Observation]:
    """Yield the most connections that there ever were, of those that may be, and how many threads work now."""
    peak, limit = server.counter("max_used_connections"), server.setting("max_connections")
    detail: Dict[str, Any] = {"peak": peak, "limit": limit, "now": server.counter("threads_connected")}
    moment = server.status.get("max_used_connections_time", "")
    if moment:
        detail["peak_at"] = moment
    yield server.seen("database.connections", 100.0 * peak / limit if limit else 0, detail)
    yield server.seen("database.threads_running", server.counter("threads_running"), {"connected": detail["now"]})


def _rates(server: Server) -> List[Tuple[str, int, int, Dict[str, Any]]]:
    """Return each rate as check, part, whole, and detail."""
    count = server.counter
    aborted, attempts = count("aborted_connects"), count("connections")
    slow, questions = count("slow_queries"), count("questions")
    on_disk, temporary = count("created_tmp_disk_tables"), count("created_tmp_tables")
    rates: List[Tuple[str, int, int, Dict[str, Any]]] = [
        ("database.aborted_connects", aborted, attempts, {"aborted": aborted, "connections": attempts}),
        (
            "database.slow_queries",
            slow,
            questions,
            {"slow": slow, "questions": questions, "longer_than": server.optional_setting("long_query_time")},
        ),
        ("database.temporary_tables", min(on_disk, temporary), temporary, {"on_disk": on_disk, "tables": temporary}),
    ]
    if "innodb_buffer_pool_read_requests" in server.status:
        reads, requests = count("innodb_buffer_pool_reads"), count("innodb_buffer_pool_read_requests")
        size = server.setting("innodb_buffer_pool_size")
        detail = {"disk_reads": reads, "requests": requests, "pool_bytes": size}
        rates.append(("database.buffer_pool", max(requests - reads, 0), requests, detail))
    return rates


def rates(server: Server) -> Iterator[Observation]:
    """Yield the rates since the server started; of one that is too young they are unknown."""
    age = server.counter("uptime")
    for check, part, whole, detail in _rates(server):
        if age < GROWN_UP:
            yield server.unseen(check, Unmeasurable("too_young", needed=GROWN_UP), detail)
        elif whole:
            yield server.seen(check, 100.0 * part / whole, detail)
        elif check != "database.buffer_pool":
            yield server.seen(check, 0, detail)


def memory_peak(server: Server) -> Iterator[Observation]:
    """Yield what the server may have taken at its peak of connections, of the host's memory; of local servers only."""
    if not server.local:
        return
    server.require_this_host()
    shared = sum(server.optional_setting(name) for name in _SHARED)
    shared += min(server.optional_setting("tmp_table_size"), server.optional_setting("max_heap_table_size"))
    each = sum(server.optional_setting(name) for name in _EACH)
    peak = server.counter("max_used_connections")
    total = _memory()
    detail = {"shared_bytes": int(shared), "each_bytes": int(each), "peak": peak, "memory_bytes": total}
    yield server.seen("database.memory_peak", 100.0 * (shared + peak * each) / total, detail)


def _memory() -> int:
    """Return the bytes of memory that the host has: its cgroup's limit inside a container."""
    own = container.memory(container.surroundings())
    if own is not None and own.limit is not None:
        return own.limit
    return memory.parse_meminfo(files.read("/proc/meminfo"))["MemTotal"]


def binlog_expiry(server: Server) -> Iterator[Observation]:
    """Yield whether something ever removes the binary logs; nothing where there are none."""
    if not server.is_on("log_bin"):
        return
    seconds = server.optional_setting("binlog_expire_logs_seconds")
    seconds = seconds or 86400 * server.optional_setting("expire_logs_days")
    size = server.optional_setting("max_binlog_total_size")  # MariaDB 11.4
    purged = server.variables.get("binlog_expire_logs_auto_purge", "ON").upper() != "OFF"  # MySQL 8.0.29
    detail: Dict[str, Any] = {"after_seconds": int(seconds)} if seconds and purged else {}
    if size:
        detail["total_bytes"] = int(size)
    yield server.seen("database.binlog_expiry", int(bool(size or (seconds and purged))), detail)
