from __future__ import annotations

import socket

import pytest
from ansible.module_utils.host import network
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.network import Socket
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(local, remote, state, inode=1):
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0 100 0 0 10 0\n"


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_sshd_of_real_hosts(captured, suite):
    assert [(found.port, found.address) for found in network.parse_sockets(captured(suite + "/net-tcp"), "tcp")] == [
        ("tcp/22", "0.0.0.0")
    ]
    assert [(found.port, found.address) for found in network.parse_sockets(captured(suite + "/net-tcp6"), "tcp")] == [
        ("tcp/22", "::")
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
        ("000080FE00000000FF005450563412FE", "fe80::5054:ff:fe12:3456"),
    ],
)
def test_addresses_are_in_the_machines_own_order(text, address):
    assert network.parse_address(text) == address


def test_only_sockets_that_wait_for_anyone_count():
    tcp = HEADER + row("0100007F:0CEA", "00000000:0000", "0A", 7) + row("0100007F:0CEA", "0100007F:9999", "01")
    assert network.parse_sockets(tcp, "tcp") == [Socket("tcp/3306", "127.0.0.1", True, 7)]
    udp = HEADER + row("00000000:0035", "00000000:0000", "07", 8) + row("0100007F:A000", "08080808:0035", "01")
    assert network.parse_sockets(udp, "udp") == [Socket("udp/53", "0.0.0.0", False, 8)]


def test_an_empty_table_has_no_sockets():
    assert network.parse_sockets("", "tcp") == network.parse_sockets(HEADER, "udp") == []


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13", "vm"])
def test_interfaces_of_real_hosts(captured, suite):
    found = {interface.name: interface for interface in network.parse_interfaces(captured(suite + "/net-dev"))}
    assert {"lo", "eth0"} <= set(found)
    assert found["eth0"].received > 0


def test_a_busy_interface_leaves_no_space_after_its_colon():
    (found,) = network.parse_interfaces("eth0:1234567 100 2 3 0 0 0 0 7654321 200 4 5 0 0 0 0\n")
    assert found == network.Interface("eth0", 100, 2, 3, 200, 4, 5)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("tcp/22", True),
        ("udp/65535", True),
        ("tcp/0", False),
        ("tcp/65536", False),
        ("22", False),
        ("tcp/22\n", False),
        ("TCP/22", False),
        ("tcp/022", False),
    ],
)
def test_ports_are_written_one_way(text, valid):
    assert network.valid_port(text) is valid


@pytest.fixture
def listener():
    with socket.socket() as everywhere, socket.socket() as inside:
        everywhere.bind(("0.0.0.0", 0))
        inside.bind(("127.0.0.1", 0))
        everywhere.listen()
        inside.listen()
        yield everywhere.getsockname()[1], inside.getsockname()[1]


def test_what_listens_is_held_against_what_was_declared(listener):
    everywhere, inside = listener
    context = Context(Inputs(DEFAULT_THRESHOLDS, expected_ports=["tcp/1"]))
    found = {(seen.check, seen.subject): seen for seen in network.listening(context)}
    assert found["network.unexpected_port", f"tcp/{everywhere}"].level == "warning"
    assert ("network.unexpected_port", f"tcp/{inside}") not in found
    assert found["network.missing_port", "tcp/1"].level == "critical"
    listed = {port["port"]: port for port in found["network.listening", ""].detail["ports"]}
    assert listed[f"tcp/{inside}"]["addresses"] == ["127.0.0.1"]
    assert listed[f"tcp/{everywhere}"]["process"]


def test_what_was_declared_and_listens_is_no_finding(listener):
    everywhere, _ = listener
    context = Context(Inputs(DEFAULT_THRESHOLDS, expected_ports=[f"tcp/{everywhere}"]))
    subjects = {seen.subject for seen in network.listening(context)}
    assert f"tcp/{everywhere}" not in subjects


def test_without_a_declaration_ports_are_listed_but_not_judged(listener):
    (seen,) = network.listening(Context(Inputs(DEFAULT_THRESHOLDS)))
    assert seen.level == "unknown"
    assert seen.reason["code"] == "not_declared"
    assert f"tcp/{listener[0]}" in {port["port"] for port in seen.detail["ports"]}


def test_a_declared_port_that_only_the_host_itself_reaches_is_missing(listener):
    _, inside = listener
    found = list(network.listening(Context(Inputs(DEFAULT_THRESHOLDS, expected_ports=[f"tcp/{inside}"]))))
    (missing,) = [seen for seen in found if seen.check == "network.missing_port"]
    assert (missing.subject, missing.level) == (f"tcp/{inside}", "critical")
    assert missing.detail["addresses"] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("port", "loopback", "surprise"),
    [
        ("udp/40000", False, False),  # a client that waits for an answer
        ("udp/123", False, True),
        ("tcp/40000", False, True),
        ("tcp/80", True, False),
        ("tcp/22", False, False),
    ],
)
def test_what_nobody_intended_is_a_surprise(port, loopback, surprise):
    found = network.Port(port, ["0.0.0.0"], loopback, "x")
    assert network.surprises(found, {"tcp/22"}, range(32768, 61000)) is surprise


def test_the_ports_that_the_kernel_chooses_are_as_it_says():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("0.0.0.0", 0))
        assert client.getsockname()[1] in network._ephemeral()


def test_interfaces_beyond_the_limit_are_counted_and_the_unused_do_not_count(monkeypatch):
    monkeypatch.setattr(network, "MAXIMUM", 1)
    rows = [f"eth{each}: 0 98 2 0 0 0 0 0 0 1000 0 0 0 0 0 0" for each in range(3)] + ["eth9:" + " 0" * 16]
    monkeypatch.setattr(network.files, "read", lambda _path: "\n".join(rows))
    seen, left_out = network.errors(Context(Inputs(DEFAULT_THRESHOLDS)))
    assert seen.detail == {
        "received": 98, "receive_errors": 2, "receive_drops": 0, "sent": 1000, "send_errors": 0, "send_drops": 0
    }  # fmt: skip
    assert left_out.reason == {"code": "left_out", "parameters": {"count": 2}}


def test_errors_are_a_share_of_the_packets(monkeypatch):
    rows = ["eth0: 0 98 2 0 0 0 0 0 0 1000 0 0 0 0 0 0", "lo: 0 9 9" + " 0" * 13, "eth1:" + " 0" * 16]
    monkeypatch.setattr(network.files, "read", lambda _path: "\n".join(rows))
    (seen,) = network.errors(Context(Inputs(DEFAULT_THRESHOLDS)))
    assert (seen.subject, seen.value, seen.level) == ("eth0", 2.0, "warning")
