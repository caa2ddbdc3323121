"""Whether a server follows its source: each channel's threads, their last errors, and how far behind they are."""

from typing import Any, Dict, Iterator, List

from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import messages
from .connecting import SYNTAX, Refused
from .dialect import Channel, parse_channel, replication
from .server import Server

#: Groups keep their members by other means; what they show of it in channels of these names says little.
_GROUP = "group_replication_"


def channels(server: Server) -> List[Channel]:
    """Return the channels of a server, none where it follows nobody."""
    statements = replication(server.version)
    for statement in statements[:-1]:
        try:
            return [parse_channel(row) for row in server.ask(statement)]
        except Refused as why:
            if why.number not in SYNTAX:
                raise
    return [parse_channel(row) for row in server.ask(statements[-1])]


def follows(server: Server) -> Iterator[Observation]:
    """Yield whether each channel runs and how far it is behind; a declared replica without a channel is broken.

    Nothing is asked of a server that is declared to follow nobody.
    """
    if server.is_on("wsrep_on"):
        yield server.unseen("database.replication", Unmeasurable("not_supported", feature="Galera"))
    elif server.instance.role not in ("primary", "standalone"):
        found = channels(server)
        if not found and server.instance.role == "replica":
            yield server.seen("database.replication", 0, {"state": "not configured"})
            yield server.unseen("database.replication_lag", Unmeasurable("not_running", service="replication"))
        for channel in found:
            if channel.name.startswith(_GROUP):
                why = Unmeasurable("not_supported", feature="group replication")
                yield server.unseen("database.replication", why, channel=channel.name)
            else:
                yield server.seen("database.replication", int(channel.running), _detail(channel), channel.name)
                yield _lag(server, channel)


def _detail(channel: Channel) -> Dict[str, Any]:
    detail: Dict[str, Any] = {"io": channel.io, "sql": channel.sql}
    if channel.source:
        detail["source"] = "%s:%s" % (channel.source, channel.port) if channel.port else channel.source
    if channel.io != "Yes" and channel.io_state:
        detail["state"] = channel.io_state
    for thread, number, error in (
        ("io", channel.io_errno, channel.io_error),
        ("sql", channel.sql_errno, channel.sql_error),
    ):
        if number or error:
            detail[thread + "_errno"] = number
            detail[thread + "_error"] = messages.error(error)
    return detail


def _lag(server: Server, channel: Channel) -> Observation:
    if not channel.running:
        return server.unseen(
            "database.replication_lag", Unmeasurable("not_running", service="replication"), channel=channel.name
        )
    if channel.lag is None:
        return server.unseen(
            "database.replication_lag", Unmeasurable("not_told", what="replication lag"), channel=channel.name
        )
    detail = {"behind_seconds": channel.lag, "delay_seconds": channel.delay} if channel.delay else {}
    return server.seen("database.replication_lag", max(channel.lag - channel.delay, 0), detail, channel.name)
