"""What a site declares about its services, checked and understood before anything is asked."""

import ipaddress
import math
import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union
from urllib.parse import quote, unquote, urlsplit

#: Seconds that any one probe may take at most, and how many there may be: each is a thread of the host.
LONGEST_TIMEOUT = 120
MOST = 200

METHODS = ("GET", "HEAD", "OPTIONS")

#: Suffixes of systemd.unit(5); a name without one is a service's, as systemctl has it.
SUFFIXES = ("service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope")

_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+\Z")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")


class Tcp(NamedTuple):
    """A port that must take connections; ``timeout`` in seconds."""

    subject: str
    host: str
    port: int
    timeout: float


class Page(NamedTuple):
    """A page that must answer; ``secret`` are user and password of the URL, ``host_header`` is empty for the URL's."""

    subject: str
    scheme: str
    host: str
    port: int
    target: str
    shown: str
    secret: str
    host_header: str
    method: str
    status: Tuple[int, ...]
    contains: str
    ca_file: str
    verify: bool
    timeout: float


class Name(NamedTuple):
    """A name that the host's own resolver must know, and the addresses that it must give (none: any)."""

    subject: str
    query: str
    addresses: Tuple[str, ...]
    timeout: float


Probe = Union[Tcp, Page, Name]


class Declared(NamedTuple):
    """Everything that a site declares of one host's services."""

    units: List[str]
    probes: List[Probe]


class Wrong(Exception):
    """What is wrong with an entry, as ``option: problem``; never the value, which may hold a password."""


def parse(parameters: Dict[str, Any]) -> Tuple[Declared, List[str]]:
    """Return what a module's parameters declare, and everything that is wrong with them."""
    problems: List[str] = []
    default = parameters["timeout"]
    if not _is_timeout(default):
        problems.append("timeout: must be above 0 and at most %d" % LONGEST_TIMEOUT)
    units = [unit_name(name) for name in parameters["units"]]
    problems += ["units: %r is not the name of a unit" % name for name in parameters["units"] if not _is_unit(name)]
    problems += ["units: %s is declared twice" % name for name in _twice(units)]
    probes: List[Probe] = []
    for option, read in READERS:
        entries = _read(option, read, parameters[option], default, problems)
        problems += ["%s: %r is declared twice; give each a name" % (option, name) for name in _twice(_names(entries))]
        probes.extend(entries)
    if len(units) + len(probes) > MOST:
        problems.append("units, tcp, http, dns: at most %d in all" % MOST)
    return Declared(units, probes), problems


def _read(
    option: str, read: Callable[[Dict[str, Any], float], Probe], entries: Any, default: float, problems: List[str]
) -> List[Probe]:
    found = []
    for index, entry in enumerate(entries):
        timeout = entry.get("timeout")
        label = "%s[%d]%s" % (option, index, " (%s)" % entry["name"] if entry.get("name") else "")
        if timeout is not None and not _is_timeout(timeout):
            problems.append("%s.timeout: must be above 0 and at most %d" % (label, LONGEST_TIMEOUT))
        try:
            found.append(read(entry, default if timeout is None else timeout))
        except Wrong as wrong:
            problems.append("%s.%s" % (label, wrong))
    return found


def _names(probes: Sequence[Probe]) -> List[str]:
    return [probe.subject for probe in probes]


def _twice(names: Sequence[str]) -> List[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _is_timeout(seconds: float) -> bool:
    return math.isfinite(seconds) and 0 < seconds <= LONGEST_TIMEOUT


def _is_unit(name: str) -> bool:
    return bool(_UNIT.match(name)) and not name.startswith("-") and "@." not in unit_name(name)


def unit_name(name: str) -> str:
    """Return a unit's full name: what has no suffix is a service."""
    return name if name.rpartition(".")[2] in SUFFIXES else name + ".service"


def host_is_valid(host: str) -> bool:
    """Return whether something is an address or can be a host's name, Chinese ones included."""
    if address(host):
        return True
    try:
        return bool(_HOST.match(host.encode("idna").decode("ascii")))
    except UnicodeError:
        return False


def address(text: str) -> Optional[str]:
    """Return an IP address in its usual form, or None for anything else."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def read_tcp(entry: Dict[str, Any], timeout: float) -> Tcp:
    """Return a declared port. Raises Wrong."""
    host, port = entry["host"], entry["port"]
    if not host_is_valid(host):
        raise Wrong("host: %r is neither an address nor a host's name" % host)
    if not 0 < port < 65536:
        raise Wrong("port: %d is not between 1 and 65535" % port)
    return Tcp(entry.get("name") or "%s:%d" % (host, port), host, port, timeout)


def read_name(entry: Dict[str, Any], timeout: float) -> Name:
    """Return a declared name. Raises Wrong."""
    query = entry["query"]
    if address(query) or not host_is_valid(query):
        raise Wrong("query: %r is not a host's name" % query)
    addresses = [(text, address(text)) for text in entry.get("addresses") or ()]
    wrong = [text for text, parsed in addresses if parsed is None]
    if wrong:
        raise Wrong("addresses: %r is not an address" % wrong[0])
    return Name(entry.get("name") or query, query, tuple(parsed for _, parsed in addresses if parsed), timeout)


def read_page(entry: Dict[str, Any], timeout: float) -> Page:
    """Return a declared page. Raises Wrong, whose text never holds the URL."""
    url = entry["url"]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Wrong("url: is not like https://host:port/path") from None
    if parts.scheme not in ("http", "https") or not host_is_valid(host) or re.search(r"[\x00-\x20\x7f]", url):
        raise Wrong("url: is not like https://host:port/path")
    method = entry.get("method") or "GET"
    header = entry.get("host_header") or ""
    status = entry.get("status") or [200]
    contains = entry.get("contains") or ""
    for wrong, problem in (
        (port == 0, "url: has no port 0"),
        (method not in METHODS, "method: must be one of %s" % ", ".join(METHODS)),
        (contains and method != "GET", "contains: only GET brings a page that can hold a text"),
        (any(not 100 <= code <= 599 for code in status), "status: must be between 100 and 599"),
        (header and not host_is_valid(_host_of(header)), "host_header: is not a host's name"),
        (not os.path.isabs(entry.get("ca_file") or "/"), "ca_file: is not an absolute path"),
    ):
        if wrong:
            raise Wrong(problem)
    path = quote(parts.path or "/", safe="/%:=&+!$,;'@()*~")
    query = quote(parts.query, safe="/%:=&+!$,;'@()*~?[]")
    secret = ":".join(unquote(part or "") for part in (parts.username, parts.password)) if "@" in parts.netloc else ""
    shown = shown_url(url)
    return Page(
        subject=entry.get("name") or shown,
        scheme=parts.scheme,
        host=host,
        port=port or (443 if parts.scheme == "https" else 80),
        target=path + ("?" + query if query else ""),
        shown=shown,
        secret=secret,
        host_header=header,
        method=method,
        status=tuple(status),
        contains=contains,
        ca_file=entry.get("ca_file") or "",
        verify=entry.get("verify") is not False,
        timeout=timeout,
    )


def _host_of(header: str) -> str:
    """Return the host of ``host``, ``host:port`` or ``[address]:port``."""
    match = re.match(r"\[(.+)\](?::\d+)?\Z|([^:]+)(?::\d+)?\Z", header)
    return (match.group(1) or match.group(2)) if match else ""


def shown_url(url: str) -> str:
    """Return a URL as it may be shown: without user, password, query and fragment; empty if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not parts.netloc:  # whatever it is, a password may stand anywhere in it
        return ""
    return "%s://%s%s" % (parts.scheme, parts.netloc.rpartition("@")[2], parts.path)


def hide_secrets(parameters: Dict[str, Any]) -> None:
    """Take users, passwords and queries out of a module's parameters: Ansible returns them with every result."""
    for entry in parameters["http"]:
        entry["url"] = shown_url(entry["url"])


def tls_name(page: Page) -> str:
    """Return the name that a page's certificate must be for."""
    return _host_of(page.host_header) if page.host_header else page.host


READERS: Tuple[Tuple[str, Callable[[Dict[str, Any], float], Probe]], ...] = (
    ("tcp", read_tcp),
    ("http", read_page),
    ("dns", read_name),
)
