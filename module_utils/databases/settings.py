"""How a person declares a database: an instance's inputs, and the option file that may hold its account."""

import os
import re
from typing import Any, Dict, NamedTuple, Optional

from ..measuring import files
from ..measuring.errors import Unmeasurable

#: Engines that are looked at; the others can be declared, so that nobody takes them for inspected.
COVERED = ("mysql", "mariadb")
NOT_COVERED = {"oracle": "Oracle", "sqlserver": "SQL Server", "other": "other database"}

#: Where a server's socket is when nobody says so: Debian, RHEL, the vendors' own builds.
SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108 - a place to look, nothing is made there
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\"}


class Instance(NamedTuple):
    """A declared database; None where nobody said."""

    name: str
    engine: str
    socket: Optional[str] = None
    host: Optional[str] = None
    port: Optional[int] = None
    user: Optional[str] = None
    password: Optional[str] = None
    config_file: Optional[str] = None
    role: Optional[str] = None
    error_log: Optional[str] = None
    ssl_ca: Optional[str] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    ssl_check_hostname: bool = True


class Account(NamedTuple):
    """How to reach a server: a socket, or a host and port; ``tls`` is what PyMySQL takes as ``ssl``."""

    socket: Optional[str]
    host: str
    port: int
    user: Optional[str]
    password: str
    tls: Dict[str, Any]

    @property
    def place(self) -> str:
        """Return where the server should be, as people write it."""
        return self.socket or "%s:%d" % (self.host, self.port)

    @property
    def local(self) -> bool:
        """Return whether the server should be on this very host."""
        return bool(self.socket) or self.host in LOOPBACK


def account(instance: Instance) -> Account:
    """Return how to reach an instance: what its inputs say, else its option file, else the usual socket.

    ``localhost`` without a port of its own is the socket, as for MySQL's own programs. Raises Unmeasurable where the
    option file cannot be read: source_missing, not_permitted, unparsable.
    """
    options = _options(instance.config_file) if instance.config_file else {}
    host = instance.host or (None if instance.socket else options.get("host"))
    port = instance.port or (int(options["port"]) if options.get("port", "").isdecimal() else 3306)
    socket = instance.socket or (None if instance.host else options.get("socket"))
    if socket is None and (host is None or (host == "localhost" and instance.port is None)):
        socket = next((path for path in SOCKETS if os.path.exists(path)), SOCKETS[0])
    tls: Dict[str, Any] = {
        key: value
        for key, value in (
            ("ca", instance.ssl_ca or options.get("ssl-ca")),
            ("cert", instance.ssl_cert or options.get("ssl-cert")),
            ("key", instance.ssl_key or options.get("ssl-key")),
        )
        if value
    }
    if tls:
        tls["check_hostname"] = instance.ssl_check_hostname
    return Account(
        socket,
        host or "localhost",
        port,
        instance.user or options.get("user"),
        options.get("password", "") if instance.password is None else instance.password,
        tls,
    )


def _options(path: str) -> Dict[str, str]:
    try:
        return parse_options(files.read(path))
    except ValueError as error:
        raise Unmeasurable("unparsable", source=path) from error


def parse_options(text: str, group: str = "client") -> Dict[str, str]:
    """Return a group of an option file as MySQL's own programs read it; names with dashes. The last value counts.

    Raises ValueError for what is no option file.
    """
    found: Dict[str, str] = {}
    current = None
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;!":
            continue
        header = re.match(r"\[([^\]]+)\]", line)
        if header:
            current = header.group(1).strip()
        elif current is None:
            raise ValueError("no group before the first option")
        elif current == group:
            name, _, value = line.partition("=")
            found[name.strip().replace("_", "-")] = _value(value.strip())
    return found


def _value(raw: str) -> str:
    """Return a value without its quotes, its comment, and with its escapes undone."""
    quoted = re.match(r"(['\"])(.*)\1\s*(?:#.*)?\Z", raw)
    raw = quoted.group(2) if quoted else re.sub(r"\s+#.*", "", raw)
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group()), raw)
