"""The addresses under which others reach the host."""

import ipaddress
import re
from typing import List

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable

MAXIMUM = 8

#: Interfaces of container engines and hypervisors on this host, which nobody outside reaches.
INSIDE = re.compile(r"(lo|docker|podman|br-[0-9a-f]{12}|veth|virbr|vnet|cni|flannel|cali|lxcbr|lxdbr)")


def parse_ip(output: str) -> List[str]:
    """Return the addresses of ``ip -o address show scope global``: one line for each, IPv4 and IPv6."""
    found = []
    for line in output.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[2] in ("inet", "inet6") and not INSIDE.match(fields[1]):
            found.append(fields[3].partition("/")[0])
    return found


def parse_fib_trie(text: str) -> List[str]:
    """Return the host's own IPv4 addresses in /proc/net/fib_trie, without the loopback's."""
    found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", text)
    return sorted({address for address in found if not address.startswith("127.")}, key=ipaddress.ip_address)


def parse_if_inet6(text: str) -> List[str]:
    """Return the global addresses in /proc/net/if_inet6 (scope 00)."""
    rows = [line.split() for line in text.splitlines()]
    return [
        str(ipaddress.ip_address(int(row[0], 16)))
        for row in rows
        if len(row) == 6 and row[3] == "00" and not INSIDE.match(row[5])
    ]


def addresses(timeout: float) -> List[str]:
    """Return at most MAXIMUM addresses of the host, without those of the loopback and of its own containers."""
    try:
        found = parse_ip(commands.run(["ip", "-o", "address", "show", "scope", "global"], timeout).output)
    except Unmeasurable:  # no iproute2
        found = parse_fib_trie(files.optional("/proc/net/fib_trie") or "")
        found += parse_if_inet6(files.optional("/proc/net/if_inet6") or "")
    return found[:MAXIMUM]
