"""Inspects the declared databases one after another; whatever fails of one costs the others nothing."""

from functools import partial
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from ..measuring.errors import Unmeasurable
from ..measuring.taking import take
from ..observations import Observation
from . import dialect, errorlog, figures, replicas, storage, tables
from .connecting import Connection, Unreachable, driver
from .server import Server, Settings
from .settings import COVERED, NOT_COVERED, Account, Instance, account

#: A session in all may take so many times what one answer may.
BUDGET = 5

#: The server gives a statement up before this side stops waiting: so the session survives.
SERVER_SHARE = 0.8

Measure = Tuple[Tuple[str, ...], Callable[[Server], Iterator[Observation]]]

#: In the order in which they are asked: what may take long comes last, so that its end costs nothing else.
MEASURES: Tuple[Measure, ...] = (
    (("database.version", "database.end_of_life"), figures.version),
    (("database.uptime",), figures.uptime),
    (("database.connections", "database.threads_running"), figures.connections),
    (
        (
            "database.aborted_connects",
            "database.slow_queries",
            "database.temporary_tables",
            "database.buffer_pool",
        ),
        figures.rates,
    ),
    (("database.memory_peak",), figures.memory_peak),
    (("database.transaction",), tables.transaction),
    (("database.replication", "database.replication_lag"), replicas.follows),
    (("database.binlog_expiry",), figures.binlog_expiry),
    (("database.datadir",), storage.datadir),
    (("database.error_log",), errorlog.errors),
    (("database.auto_increment",), tables.auto_increment),
)

#: Checks of the host's own files, which a server elsewhere does not have here.
OF_THIS_HOST = ("database.memory_peak", "database.datadir", "database.error_log")
OF_REPLICAS = ("database.replication", "database.replication_lag")


def inspect(settings: Settings, instances: Tuple[Instance, ...]) -> Iterator[Observation]:
    """Yield what each instance tells."""
    try:
        pymysql, missing = driver(), None
    except Unmeasurable as why:
        pymysql, missing = None, why
    for instance in instances:
        each = partial(_instance, instance=instance, pymysql=pymysql, missing=missing)
        for observation in take(Server(settings, instance, local=False), ("database.reachable",), each, instance.name):
            yield observation


def _instance(
    server: Server, instance: Instance, pymysql: Any, missing: Optional[Unmeasurable]
) -> Iterator[Observation]:
    settings = server.settings
    if instance.engine not in COVERED:
        why = Unmeasurable("not_covered", product=NOT_COVERED[instance.engine], engine=instance.engine)
        yield server.unseen("database.reachable", why)
        return
    try:
        where = account(instance)
        server = Server(settings, instance, where.local)
        if missing is not None:
            raise missing
        connection = Connection(pymysql, where, settings.timeout, BUDGET * settings.timeout)
    except Unreachable as error:
        detail = {"problem": error.problem, "at": where.place, "error": error.error}
        yield server.seen("database.reachable", 0, {key: value for key, value in detail.items() if value})
        for observation in untold(server, Unmeasurable("database_unreachable")):
            yield observation
    except Unmeasurable as why:
        yield server.unseen("database.reachable", why)
        for observation in untold(server, why):
            yield observation
    else:
        try:
            for observation in _answering(server, connection, where):
                yield observation
        finally:
            connection.close()


def _answering(server: Server, connection: Connection, where: Account) -> Iterator[Observation]:
    """Yield what a server tells that has let us in."""
    detail: Dict[str, Any] = {"at": where.place, "milliseconds": round(connection.milliseconds, 1)}
    yield server.seen("database.reachable", 1, detail)
    server.query, server.version = connection.query, connection.version
    try:
        for statement in dialect.session(connection.version, SERVER_SHARE * server.settings.timeout):
            connection.query(statement)
    except Unmeasurable as why:  # nothing is asked in a session that could write
        for observation in untold(server, why):
            yield observation
        return
    for observation in measured(server):
        yield observation


def measured(server: Server) -> Iterator[Observation]:
    """Yield what each measurement tells of a server."""
    for checks, function in MEASURES:
        for observation in take(server, checks, function, server.subject()):
            yield observation


def untold(server: Server, why: Unmeasurable) -> Iterator[Observation]:
    """Yield, for one reason, what is not known of a server: each check whose limits would call for somebody.

    What logs its errors to a declared file tells them all the same; they may say why it is down.
    """
    for check in server.judged():
        if check == "database.reachable" or (check in OF_THIS_HOST and not server.local):
            continue
        if check in OF_REPLICAS and server.instance.role in ("primary", "standalone"):
            continue
        if check == "database.error_log" and server.instance.error_log:
            for observation in take(server, (check,), errorlog.errors, server.subject()):
                yield observation
        else:
            yield server.unseen(check, why)
