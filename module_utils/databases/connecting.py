"""The one door to PyMySQL: connects within a time, asks one statement at a time, and says precisely what went wrong."""

import importlib
import re
import socket
import ssl
import time
from typing import Any, Dict, Iterable, List, Optional

from ..measuring import files
from ..measuring.errors import Unmeasurable
from . import messages
from .releases import parse_version
from .settings import Account

MESSAGE_LENGTH = 200

#: Errors of servers (ER_*), by number: the account may not come in or may not do what it asked for.
DENIED = frozenset((1044, 1045, 1130, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 1862, 3118, 3159, 3955, 4151))
#: The server is there, but lets nobody in: too many connections, out of memory or threads, shutting down.
FULL = {
    1040: "too many connections",
    1041: "server out of memory",
    1053: "server shutting down",
    1135: "server out of memory",
}
#: The server itself gave the statement up: for its time or for a lock.
OUT_OF_TIME = frozenset((1205, 1317, 1969, 3024))
SYNTAX = frozenset((1064, 1235, 1295))
#: Errors of the client (CR_*): how to prove who one is.
AUTHENTICATION = frozenset((2049, 2054, 2059, 2061))

#: The connection broke off, or gave no answer, after it was made.
LOST = 2013

#: Of a server's capabilities (CLIENT_SSL): it can encrypt.
CLIENT_SSL = 1 << 11

#: For any error of PyMySQL that has no number.
UNNUMBERED = 0

_NEEDED = re.compile(r"need \(at least one of\) the (.+?) privilege", re.I)
_COMMAND = re.compile(r"^([A-Z][A-Z ]*?) command denied", re.I)
_MISSING_PACKAGE = re.compile(r"'?(cryptography|pynacl)'? package is required", re.I)


class Unreachable(Exception):
    """Nobody answers at the server's place, or nobody is let in.

    ``problem`` is a code word of ours, empty for what has none; ``error`` the masked message.
    """

    def __init__(self, problem: str, error: str) -> None:
        super().__init__(problem, error)
        self.problem = problem
        self.error = error


class Refused(Unmeasurable):
    """The server refused a statement; ``number`` is its error."""

    def __init__(self, number: int, code: str, **parameters: Any) -> None:
        super().__init__(code, **parameters)
        self.number = number


def driver() -> Any:
    """Return PyMySQL. Raises Unmeasurable: tool_missing, also where it needs a newer Python than there is."""
    try:
        return importlib.import_module("pymysql")
    except Exception as error:
        raise Unmeasurable("tool_missing", tool="PyMySQL") from error


def shown(error: Any) -> str:
    """Return an error's own message as it may leave the host: masked, on one line, cut to MESSAGE_LENGTH."""
    arguments: Any = getattr(error, "args", ())
    text = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], str) else str(error)
    return messages.error(text)[:MESSAGE_LENGTH]


class Connection:
    """A session that only reads; ``seconds`` bounds each answer, ``budget`` the whole session."""

    def __init__(self, pymysql: Any, where: Account, seconds: float, budget: float) -> None:
        """Raise Unreachable where nobody answers, Unmeasurable where somebody does but does not let this account in."""
        self._seconds = seconds
        self._deadline = time.monotonic() + budget
        self._budget = budget
        self._lost: Optional[Unmeasurable] = None
        started = time.monotonic()
        self._session = _open(pymysql, where, seconds)
        self.milliseconds = (time.monotonic() - started) * 1000
        self.version = parse_version(str(getattr(self._session, "server_version", "")))

    def query(self, statement: str) -> List[Dict[str, Any]]:
        """Return a statement's rows, columns by name.

        Raises Unmeasurable: timed_out, not_permitted (Refused), command_failed. Once the server is lost, all further
        statements fail for the same reason, at once.
        """
        if self._lost is None and time.monotonic() > self._deadline:
            self._lost = Unmeasurable("timed_out", command=label(statement), seconds=self._budget)
        if self._lost is not None:
            raise self._lost
        try:
            with self._session.cursor() as cursor:
                cursor.execute(statement)
                names = [column[0] for column in cursor.description or ()]
                return [_named(names, row) for row in cursor.fetchall()]
        except Exception as error:
            why = _why(error, statement, self._seconds)
            if not isinstance(why, Refused):
                self._lost = why
            raise why from error

    def close(self) -> None:
        """End the session without waiting for the server."""
        closer = getattr(self._session, "_force_close", None) if self._lost else None
        try:
            (closer or self._session.close)()
        except Exception:  # noqa: BLE001, S110 - there is nothing left to close
            pass


def label(statement: str) -> str:
    """Return what a statement is called in a reason."""
    words = " ".join(statement.split())
    match = re.match(r"SELECT .*? FROM ([\w.]+)", words)
    return match.expand(r"SELECT ... FROM \1") if match else words[:60]


def _open(pymysql: Any, where: Account, seconds: float) -> Any:
    options: Dict[str, Any] = {
        "host": where.host,
        "port": where.port,
        "password": where.password,
        "connect_timeout": max(seconds, 1),
        "read_timeout": max(seconds, 1),
        "write_timeout": max(seconds, 1),
        "charset": "utf8mb4",
        "autocommit": True,  # no transaction of ours holds back a server's purge
        "local_infile": False,
    }
    if where.user:
        options["user"] = where.user
    if where.socket:
        options["unix_socket"] = where.socket
    if where.tls:
        options["ssl"] = where.tls
    try:
        return _encrypted(pymysql, options) if where.tls and not where.socket else pymysql.connect(**options)
    except Unmeasurable:
        raise
    except Exception as error:
        raise _why_not_connected(error, where) from error


def _encrypted(pymysql: Any, options: Dict[str, Any]) -> Any:
    """Return a session over TLS. Raises Unmeasurable where the server, or who sits before it, offers none.

    PyMySQL would go on without, and give the password to whoever asks for it in plain text.
    """
    session = pymysql.connect(defer_connect=True, **options)
    greet = session._get_server_information  # noqa: SLF001 - the only moment before the password is sent

    def insist() -> None:
        greet()
        if not session.server_capabilities & CLIENT_SSL:
            raise Unmeasurable("command_failed", command="TLS", message="the server offers no encryption")

    session._get_server_information = insist  # noqa: SLF001
    session.connect()
    return session


def _why_not_connected(error: Exception, where: Account) -> Exception:
    """Return Unreachable where nobody answers or is let in, else why this account, or this client, is not."""
    number = _number(error)
    original = getattr(error, "original_exception", error)
    ours = _why_not_sent(error, original, where)
    if ours is not None:
        return ours
    if number in AUTHENTICATION:
        return Unmeasurable("not_supported", feature=shown(error))
    if number in DENIED:
        return Unmeasurable("not_permitted", command=shown(error))
    if number in FULL or 2000 <= number < 3000:
        return Unreachable(_problem(number, error, original), shown(error))
    return Unmeasurable("command_failed", command=where.place, message=shown(error))


def _problem(number: int, error: Exception, original: Exception) -> str:
    """Return the code word for why nobody answers, empty for what has none."""
    if isinstance(original, socket.timeout) or "timed out" in str(error):
        return "no answer in time" if number == LOST else "connection timed out"
    words = (
        (FileNotFoundError, "socket file missing"),
        (ConnectionRefusedError, "connection refused"),
        (ConnectionResetError, "connection reset"),
        (socket.gaierror, "unknown host name"),
    )
    return FULL.get(number) or next((word for kind, word in words if isinstance(original, kind)), "")


def _why_not_sent(error: Exception, original: Exception, where: Account) -> Optional[Unmeasurable]:
    """Return what on this host, or in what was declared, kept it from connecting; None where it is the server."""
    package = _MISSING_PACKAGE.search(str(error))
    if package:
        return Unmeasurable("tool_missing", tool="cryptography" if package.group(1) == "cryptography" else "PyNaCl")
    if isinstance(original, PermissionError) and where.socket:
        return Unmeasurable("not_permitted", path=where.socket)
    if isinstance(original, ssl.SSLError):
        return Unmeasurable("command_failed", command="TLS", message=shown(original))
    if isinstance(error, OSError):  # a certificate's file, before any connection was made
        return files.reason(error, str(error.filename or where.place))
    return None


def _why(error: Exception, statement: str, seconds: float) -> Unmeasurable:
    """Return why a statement failed; Refused where the server answered, so that others may still succeed."""
    number = _number(error)
    if number in DENIED:
        return Refused(number, "not_permitted", command=_right(error))
    if number in OUT_OF_TIME:
        return Refused(number, "timed_out", command=label(statement), seconds=seconds)
    if isinstance(error, socket.timeout) or "timed out" in str(error):
        return Unmeasurable("timed_out", command=label(statement), seconds=seconds)
    if 1000 <= number < 2000 or number >= 3000:
        return Refused(number, "command_failed", command=label(statement), message=shown(error))
    return Unmeasurable("command_failed", command=label(statement), message=shown(error))


def _right(error: Exception) -> str:
    """Return the right that a server says is missing, else its message."""
    text = str(error.args[1]) if len(error.args) > 1 else ""
    found = _NEEDED.search(text) or _COMMAND.search(text)
    return found.group(1) if found else shown(error)


def _number(error: Exception) -> int:
    arguments = getattr(error, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else UNNUMBERED


def _named(names: List[str], row: Iterable[Any]) -> Dict[str, Any]:
    return {name: _plain(value) for name, value in zip(names, row)}  # noqa: B905 - strict= is younger than 3.6


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
