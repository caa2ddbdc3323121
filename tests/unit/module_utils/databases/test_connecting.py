"""What PyMySQL raises, recorded from real servers, and what it means."""

from __future__ import annotations

import socket
import ssl
import sys
from types import SimpleNamespace

import pytest
from ansible.module_utils.databases import connecting
from ansible.module_utils.databases.connecting import Connection, Refused, Unreachable, driver
from ansible.module_utils.databases.settings import Account
from ansible.module_utils.measuring.errors import Unmeasurable

SOCKET = Account("/run/mysqld/mysqld.sock", "localhost", 3306, "weibao", "secret-word", {})
TCP = Account(None, "10.0.8.14", 3306, "weibao", "secret-word", {"ca": "/etc/ca.pem"})


class MySQLError(Exception):
    """As PyMySQL's own: a number and a message, and what the operating system said."""

    def __init__(self, number, message="", original=None):
        super().__init__(number, message)
        if original is not None:
            self.original_exception = original


class Session:
    """A session whose statements meet with an error, or answer with one row."""

    server_version = "10.11.19-MariaDB"

    def __init__(self, error=None):
        self.error = error
        self.closed = 0

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, statement):
        if self.error:
            raise self.error
        self.description = (("n", None), ("text", None))

    def fetchall(self):
        return ((1, b"\xe4\xb8\xad\xff"),)

    def close(self):
        self.closed += 1

    _force_close = close


class Deferred(Session):
    """A session that connects when it is told to, as PyMySQL's does, to a server with these capabilities."""

    def __init__(self, capabilities):
        super().__init__()
        self.server_capabilities = capabilities
        self.told = []

    def _get_server_information(self):
        self.told.append("greeting")

    def connect(self):
        self._get_server_information()
        self.told.append("password")


def connect(error=None, session=None, where=SOCKET, budget=25.0):
    given = {}

    def answer(**options):
        given.update(options)
        if error is not None:
            raise error
        return session or Session()

    return Connection(SimpleNamespace(connect=answer), where, 5.0, budget), given


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (MySQLError(2003, "Can't connect", ConnectionRefusedError(111, "refused")), "connection refused"),
        (MySQLError(2003, "Can't connect", FileNotFoundError(2, "no such file")), "socket file missing"),
        (MySQLError(2003, "Can't connect", socket.gaierror(-2, "not known")), "unknown host name"),
        (MySQLError(2003, "Can't connect", TimeoutError("timed out")), "connection timed out"),
        (MySQLError(2013, "Lost connection to MySQL server during query (timed out)"), "no answer in time"),
        (MySQLError(2013, "Lost connection to MySQL server during query"), ""),
        (MySQLError(1040, "Too many connections"), "too many connections"),
        (MySQLError(1053, "Server shutdown in progress"), "server shutting down"),
    ],
)
def test_a_server_that_answers_nobody_is_unreachable(error, problem):
    with pytest.raises(Unreachable) as raised:
        connect(error)
    assert raised.value.problem == problem
    assert raised.value.error


@pytest.mark.parametrize(
    ("error", "code", "parameters"),
    [
        (MySQLError(1045, "Access denied for user 'w'@'l' (using password: YES)"), "not_permitted", "command"),
        (MySQLError(1698, "Access denied for user 'root'@'localhost'"), "not_permitted", "command"),
        (MySQLError(1130, "Host '10.0.0.1' is not allowed to connect"), "not_permitted", "command"),
        (MySQLError(2003, "Can't connect", PermissionError(13, "denied")), "not_permitted", "path"),
        (MySQLError(2059, "Authentication plugin 'b'parsec'' not configured"), "not_supported", "feature"),
        (MySQLError(2003, "Can't connect", ssl.SSLError(1, "certificate verify failed")), "command_failed", "message"),
        (RuntimeError("'cryptography' package is required for sha256_password"), "tool_missing", "tool"),
        (FileNotFoundError(2, "No such file", "/etc/ca.pem"), "source_missing", "source"),
        (MySQLError(1129, "Host is blocked because of many connection errors"), "command_failed", "message"),
        (ValueError("anything"), "command_failed", "message"),
    ],
)
def test_a_server_that_answers_but_not_us_is_not_down(error, code, parameters):
    with pytest.raises(Unmeasurable) as raised:
        connect(error)
    assert raised.value.code == code
    assert parameters in raised.value.parameters


def test_rows_come_by_name_and_as_text():
    connection, _ = connect()
    assert connection.query("SELECT 1") == [{"n": 1, "text": "\u4e2d\ufffd"}]
    assert connection.version.engine == "mariadb"


def test_every_wait_is_bounded_and_no_file_is_given_away():
    _, given = connect(where=TCP, session=Deferred(connecting.CLIENT_SSL))
    assert {given[key] for key in ("connect_timeout", "read_timeout", "write_timeout")} == {5.0}
    assert (given["host"], given["ssl"], given["local_infile"]) == ("10.0.8.14", {"ca": "/etc/ca.pem"}, False)
    assert connect()[1]["unix_socket"] == "/run/mysqld/mysqld.sock"


def test_where_encryption_was_declared_no_password_goes_to_a_server_without_it():
    session = Deferred(connecting.CLIENT_SSL | 1)
    connect(where=TCP, session=session)
    assert session.told == ["greeting", "password"]
    session = Deferred(1)
    with pytest.raises(Unmeasurable) as raised:
        connect(where=TCP, session=session)
    assert (raised.value.code, raised.value.parameters["command"]) == ("command_failed", "TLS")
    assert session.told == ["greeting"]


@pytest.mark.parametrize(
    ("error", "code", "survives"),
    [
        (MySQLError(1227, "Access denied; you need (at least one of) the SUPER privilege(s)"), "not_permitted", True),
        (MySQLError(1142, "SELECT command denied to user 'w'@'l' for table `t`"), "not_permitted", True),
        (MySQLError(1969, "Query execution was interrupted (max_statement_time exceeded)"), "timed_out", True),
        (MySQLError(3024, "maximum statement execution time exceeded"), "timed_out", True),
        (MySQLError(1064, "You have an error in your SQL syntax near 'x'"), "command_failed", True),
        (MySQLError(2013, "Lost connection to MySQL server during query (timed out)"), "timed_out", False),
        (MySQLError(2013, "Lost connection to MySQL server during query"), "command_failed", False),
    ],
)  # fmt: skip
def test_a_refused_statement_costs_only_itself_and_a_lost_server_all_others(error, code, survives):
    session = Session(error)
    connection, _ = connect(session=session)
    with pytest.raises(Unmeasurable) as raised:
        connection.query("SHOW GLOBAL STATUS")
    assert raised.value.code == code
    assert isinstance(raised.value, Refused) is survives
    session.error = None
    if survives:
        assert connection.query("SELECT 1")
    else:
        with pytest.raises(Unmeasurable) as again:
            connection.query("SELECT 1")
        assert again.value.parameters == raised.value.parameters
    connection.close()
    assert session.closed == 1


@pytest.mark.parametrize(
    ("message", "right"),
    [
        ("Access denied; you need (at least one of) the PROCESS privilege(s) for this operation", "PROCESS"),
        ("Access denied; you need (at least one of) the SUPER, SLAVE MONITOR privilege(s)", "SUPER, SLAVE MONITOR"),
        ("SELECT command denied to user 'w'@'l' for table `t`", "SELECT"),
    ],
)
def test_the_right_that_is_missing_is_named(message, right):
    connection, _ = connect(session=Session(MySQLError(1227, message)))
    with pytest.raises(Refused) as raised:
        connection.query("SHOW REPLICA STATUS")
    assert raised.value.parameters == {"command": right}


def test_a_session_that_takes_too_long_ends():
    connection, _ = connect(budget=-1.0)
    with pytest.raises(Unmeasurable) as raised:
        connection.query("SHOW GLOBAL STATUS")
    assert raised.value.code == "timed_out"


@pytest.mark.parametrize("source", ["raise ImportError('none')", "def broken(:\n", "raise RuntimeError('Python 3.9')"])
def test_a_missing_or_too_new_driver_is_a_missing_tool(monkeypatch, tmp_path, source):
    (tmp_path / "pymysql.py").write_text(source)
    monkeypatch.delitem(sys.modules, "pymysql", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Unmeasurable) as raised:
        driver()
    assert (raised.value.code, raised.value.parameters) == ("tool_missing", {"tool": "PyMySQL"})


def test_a_statement_has_a_short_name():
    assert connecting.label("\nSELECT a,\n b FROM information_schema.innodb_trx t") == (
        "SELECT ... FROM information_schema.innodb_trx"
    )
