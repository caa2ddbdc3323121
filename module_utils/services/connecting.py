"""Connections that keep to a deadline as a whole, whatever the other side does, and why one fails."""

import errno
import os
import socket
import ssl
import time
from typing import Any, List, Optional, Tuple

from ..measuring.errors import Unmeasurable

#: What an error of the system means to people; the catalogue words it.
PROBLEMS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.ECONNABORTED: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to host",
    errno.EHOSTDOWN: "no route to host",
    errno.EADDRNOTAVAIL: "no route to host",
    errno.ETIMEDOUT: "connection timed out",
}

#: What is short on this host says nothing of the service.
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAFNOSUPPORT)

#: Of a host with several addresses, what one of them said tells more than that another leads nowhere from here.
VAGUE = {"connection timed out": 1, "no route to host": 2}

UNKNOWN_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}


class Unanswered(Exception):
    """A service did not answer as it should; ``problem`` is a code word that the catalogue's names word."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Deadline:
    """A moment that all steps of one probe share; in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises socket.timeout where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("deadline")
        return left


def failure(error: OSError, timed_out: str = "connection timed out") -> Unanswered:
    """Return why a service did not answer. Raises Unmeasurable where this host is to blame."""
    if isinstance(error, socket.timeout):
        return Unanswered(timed_out)
    if isinstance(error, ssl.SSLError):
        return Unanswered("no TLS connection")
    if error.errno in SHORTAGES:
        raise Unmeasurable("command_failed", command="socket", message=os.strerror(error.errno)) from error
    return Unanswered(PROBLEMS.get(error.errno or 0) or error.strerror or type(error).__name__)


def resolve(host: str, port: Optional[int]) -> List[Tuple[int, Any]]:
    """Return the families and addresses of a host, as its resolver orders them. Raises Unanswered."""
    try:
        found = socket.getaddrinfo(host.encode("idna"), port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        known = error.errno in UNKNOWN_NAME
        raise Unanswered("unknown host name" if known else "name servers gave no answer") from error
    return [(family, address) for family, _type, _protocol, _name, address in found]


def connect(host: str, port: int, deadline: Deadline) -> Tuple[socket.socket, float]:
    """Return a connection to the first address of a host that takes it, and in how many milliseconds it did.

    Each address has its share of the time that is left. Raises Unanswered, Unmeasurable.
    """
    addresses = resolve(host, port)
    problems = []
    for index, (family, address) in enumerate(addresses):
        started = time.monotonic()
        connection = None
        try:
            share = deadline.left() / (len(addresses) - index)
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(share)
            connection.connect(address)
        except OSError as error:
            if connection is not None:
                connection.close()
            problems.append(failure(error).problem)
        else:
            return connection, (time.monotonic() - started) * 1000
    raise Unanswered(min(problems, key=lambda problem: VAGUE.get(problem, 0)))


def peer(connection: socket.socket) -> str:
    """Return the address that a connection leads to."""
    return str(connection.getpeername()[0])
