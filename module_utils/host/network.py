"""The network's side of the host: connection tracking, interface errors, listening ports."""

import binascii
import ipaddress
import re
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..measuring import files
from ..measuring.observer import capped
from ..observations import Observation
from .context import Context, Measures
from .processes import snapshot

#: linux/net/tcp_states.h: a listening TCP socket, and a UDP socket that is bound to no peer.
TCP_LISTEN, UDP_UNCONNECTED = "0A", "07"

#: Where the kernel takes the ports of sockets that asked for none (ip-sysctl, ip_local_port_range).
EPHEMERAL = "/proc/sys/net/ipv4/ip_local_port_range"

PORT = re.compile(r"(tcp|udp)/([1-9][0-9]{0,4})\Z")
MAXIMUM = 200


class Interface(NamedTuple):
    """An interface's counters since it came up."""

    name: str
    received: int
    receive_errors: int
    receive_drops: int
    sent: int
    send_errors: int
    send_drops: int


class Socket(NamedTuple):
    """A socket that waits for anyone: ``port`` like ``tcp/22``."""

    port: str
    address: str
    loopback: bool
    inode: int


class Port(NamedTuple):
    """A listening port, its addresses, and the process that holds it (empty if we may not know)."""

    port: str
    addresses: Sequence[str]
    loopback: bool
    process: str


def valid_port(text: str) -> bool:
    """Return whether text names a port like ``tcp/22``."""
    match = PORT.match(text)
    return match is not None and int(match.group(2)) < 65536


def parse_interfaces(text: str) -> List[Interface]:
    """Return /proc/net/dev."""
    found = []
    for line in text.splitlines():
        name, separator, rest = line.rpartition(":")
        figures = rest.split()
        if separator and len(figures) >= 12 and all(figure.isdigit() for figure in figures):
            numbers = [int(figure) for figure in figures]
            found.append(Interface(name.strip(), *(numbers[index] for index in (1, 2, 3, 9, 10, 11))))
    return found


def parse_address(text: str) -> str:
    """Return an address of /proc/net/tcp or tcp6: groups of four bytes in the machine's own byte order."""
    raw = binascii.unhexlify(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def parse_sockets(text: str, protocol: str) -> List[Socket]:
    """Return the sockets of /proc/net/{tcp,udp}{,6} that wait for anyone; ``protocol`` is ``tcp`` or ``udp``."""
    wanted = TCP_LISTEN if protocol == "tcp" else UDP_UNCONNECTED
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != wanted or not fields[2].endswith(":0000"):
            continue
        host, _, port = fields[1].rpartition(":")
        if port == "0000":
            continue
        address = parse_address(host)
        loopback = ipaddress.ip_address(address).is_loopback
        found.append(Socket("%s/%d" % (protocol, int(port, 16)), address, loopback, int(fields[9])))
    return found


def conntrack(context: Context) -> Iterator[Observation]:
    """Yield how full the connection tracking table is, where the kernel has one."""
    count = files.number("/proc/sys/net/netfilter/nf_conntrack_count")
    limit = files.number("/proc/sys/net/netfilter/nf_conntrack_max")
    if count is not None and limit:
        yield context.observe("network.conntrack", 100.0 * count / limit, {"count": count, "limit": limit})


def errors(context: Context) -> Iterator[Observation]:
    """Yield the share of packets that each used interface received or sent with an error, the worse direction.

    The share is that since the interface came up; the counters in the detail tell two inspections apart.
    """
    used = [
        interface
        for interface in parse_interfaces(files.read("/proc/net/dev"))
        if interface.received + interface.sent and interface.name != "lo" and not interface.name.startswith("veth")
    ]
    for interface in used[:MAXIMUM]:
        receiving = interface.receive_errors / max(interface.received + interface.receive_errors, 1)
        sending = interface.send_errors / max(interface.sent + interface.send_errors, 1)
        counters = interface._asdict()
        detail = {key: counters[key] for key in counters if key != "name"}
        yield context.observe("network.errors", 100.0 * max(receiving, sending), detail, interface.name)
    yield from context.left_out("network.errors", len(used[MAXIMUM:]))


def _ports(context: Context) -> List[Port]:
    sockets: List[Socket] = []
    for protocol in ("tcp", "udp"):
        sockets += parse_sockets(files.read("/proc/net/" + protocol), protocol)
        sockets += parse_sockets(files.optional("/proc/net/%s6" % protocol) or "", protocol)
    holders = context.once(snapshot).sockets
    grouped: Dict[str, List[Socket]] = {}
    for socket in sockets:
        grouped.setdefault(socket.port, []).append(socket)
    return [
        Port(
            port,
            sorted({socket.address for socket in group}),
            all(socket.loopback for socket in group),
            next((holders[socket.inode].name for socket in group if socket.inode in holders), ""),
        )
        for port, group in sorted(grouped.items(), key=lambda item: _order(item[0]))
    ]


def _order(port: str) -> Tuple[str, int]:
    protocol, _, number = port.partition("/")
    return protocol, int(number)


def _ephemeral() -> range:
    """Return the ports that sockets get which asked for none."""
    first, last = (files.optional(EPHEMERAL) or "32768 60999").split()[:2]
    return range(int(first), int(last) + 1)


def surprises(port: Port, expected: Set[str], ephemeral: range) -> bool:
    """Return whether an open port is nobody's intention.

    Ports of the loopback alone reach nobody; a UDP port that the kernel chose is a client's, which waits for an answer.
    """
    protocol, number = _order(port.port)
    chosen = protocol == "udp" and number in ephemeral
    return port.port not in expected and not port.loopback and not chosen


def listening(context: Context) -> Iterator[Observation]:
    """Yield the listening ports against those that were declared; who is only reached from inside is missing."""
    ports = context.once(_ports)
    shown = [dict(_holder(port), port=port.port) for port in ports]
    detail: Dict[str, Any] = dict(capped("ports", shown, MAXIMUM), count=len(ports))
    if not context.inputs.expected_ports:
        yield context.unknown("network.listening", "not_declared", detail, input="host_inspection_expected_ports")
        return
    yield context.observe("network.listening", len(ports), detail)
    expected: Set[str] = set(context.inputs.expected_ports)
    ephemeral = _ephemeral()
    unexpected = [port for port in ports if surprises(port, expected, ephemeral)]
    for port in unexpected[:MAXIMUM]:
        yield context.observe("network.unexpected_port", 1, _holder(port), port.port)
    yield from context.left_out("network.unexpected_port", len(unexpected[MAXIMUM:]))
    found = {port.port: port for port in ports}
    for name in sorted(expected, key=_order):
        if name not in found:
            yield context.observe("network.missing_port", 1, {}, name)
        elif found[name].loopback:
            yield context.observe("network.missing_port", 1, _holder(found[name]), name)


def _holder(port: Port) -> Dict[str, Any]:
    return {"addresses": list(port.addresses[:8]), "process": port.process}


MEASURES: Measures = (
    (("network.conntrack",), conntrack),
    (("network.errors",), errors),
    (("network.listening", "network.unexpected_port", "network.missing_port"), listening),
)
