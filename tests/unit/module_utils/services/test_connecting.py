from __future__ import annotations

import errno
import socket
import ssl
import time

import pytest
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.services import connecting, inspection

from .conftest import look


def test_a_port_that_listens(serve):
    port = serve(lambda *_: None)
    seen = look(tcp=[{"name": "DB", "host": "localhost", "port": port}])
    reachable, soon = seen["tcp.reachable", "DB"], seen["tcp.connect_time", "DB"]
    assert (reachable.value, reachable.level) == (1, "ok")
    assert reachable.detail == {"host": "localhost", "port": port, "address": "127.0.0.1"}
    assert 0 < soon.value < 200


def test_a_port_that_nobody_listens_on(dead_ports):
    (port,) = dead_ports()
    seen = look(tcp=[{"host": "127.0.0.1", "port": port}])
    subject = f"127.0.0.1:{port}"
    assert seen["tcp.reachable", subject].level == "critical"
    assert seen["tcp.reachable", subject].detail["problem"] == "connection refused"
    assert seen["tcp.connect_time", subject].reason == {"code": "no_answer", "parameters": {}}


@pytest.fixture
def full():
    """A port whose queue is full: connections to it are neither taken nor refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for one in waiting:
            one.close()


def test_twenty_that_never_answer_cost_one_timeout(full, dead_ports, monkeypatch):
    forks = []
    real = inspection.ask
    monkeypatch.setattr(inspection, "ask", lambda *arguments: forks.append(arguments[1:]) or real(*arguments))
    ports = [{"name": f"dead {number}", "host": "127.0.0.1", "port": full} for number in range(20)]
    refused = [{"name": f"refused {port}", "host": "127.0.0.1", "port": port} for port in dead_ports(5)]
    started = time.monotonic()
    seen = look(tcp=ports + refused, timeout=1.0)
    assert time.monotonic() - started < 10, "one after the other they would take 20 s"
    assert forks == [([str(number) for number in range(25)], 1.0 + inspection.GRACE)]
    problems = [each.detail["problem"] for (check, _), each in seen.items() if check == "tcp.reachable"]
    assert problems == ["connection timed out"] * 20 + ["connection refused"] * 5


def test_an_address_that_leads_nowhere_does_not_hide_the_one_that_answers(serve, monkeypatch):
    port = serve(lambda *_: None)
    family = socket.AF_INET
    addresses = [(family, ("127.0.0.1", 1)), (family, ("127.0.0.1", port))]
    monkeypatch.setattr(connecting, "resolve", lambda *_: addresses)
    connection, _ = connecting.connect("his", port, connecting.Deadline(5))
    with connection:
        assert connection.getpeername()[1] == port


def test_of_several_failures_the_telling_one_is_told(monkeypatch, dead_ports):
    (port,) = dead_ports()
    addresses = [(socket.AF_INET6, ("2001:db8::1", 1, 0, 0)), (socket.AF_INET, ("127.0.0.1", port))]
    monkeypatch.setattr(connecting, "resolve", lambda *_: addresses)
    with pytest.raises(connecting.Unanswered, match="connection refused"):
        connecting.connect("his", port, connecting.Deadline(1))


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (TimeoutError("x"), "connection timed out"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to host"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "connection reset"),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied"),
        (ssl.SSLError(1, "anything at all"), "no TLS connection"),
    ],
)
def test_errors_in_words(error, problem):
    assert connecting.failure(error).problem == problem


def test_what_this_host_lacks_says_nothing_of_the_service():
    with pytest.raises(Unmeasurable) as raised:
        connecting.failure(OSError(errno.EMFILE, "Too many open files"))
    assert raised.value.code == "command_failed"


def test_names_that_resolve():
    seen = look(dns=[{"query": "localhost", "addresses": ["127.0.0.1"]}, {"name": "any", "query": "localhost"}])
    assert seen["dns.answer", "localhost"].level == seen["dns.answer", "any"].level == "ok"
    assert "127.0.0.1" in seen["dns.answer", "localhost"].detail["addresses"]
    assert seen["dns.time", "localhost"].value > 0


def test_a_name_that_resolves_to_another_address():
    seen = look(dns=[{"query": "localhost", "addresses": ["10.1.2.3"]}])["dns.answer", "localhost"]
    assert (seen.level, seen.detail["expected"]) == ("critical", ["10.1.2.3"])


def test_a_name_that_does_not_resolve():
    seen = look(
        dns=[{"query": "no-such-host.invalid"}], tcp=[{"name": "DB", "host": "no-such-host.invalid", "port": 1}]
    )
    for check, subject in (("dns.answer", "no-such-host.invalid"), ("tcp.reachable", "DB")):
        assert seen[check, subject].level == "critical"
        assert seen[check, subject].detail["problem"] in ("unknown host name", "name servers gave no answer")
    assert seen["dns.time", "no-such-host.invalid"].reason["code"] == "no_answer"


def test_a_resolver_that_never_answers_costs_no_more_than_the_deadline(monkeypatch, serve):
    port = serve(lambda *_: None)
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: time.sleep(60) if b"dead" in host else real(host, *rest, **more),
    )
    seen = look(
        tcp=[{"host": "127.0.0.1", "port": port}, {"name": "DB", "host": "dead.example", "port": port}],
        dns=[{"query": "dead.example"}],
        timeout=0.3,
    )
    assert seen["tcp.reachable", f"127.0.0.1:{port}"].level == "ok"
    for check, subject in (("dns.answer", "dead.example"), ("tcp.reachable", "DB")):
        assert (seen[check, subject].level, seen[check, subject].detail["problem"]) == (
            "critical", "name servers gave no answer"
        )  # fmt: skip


def test_a_name_that_comes_too_late_is_no_answer_though_another_probe_has_more_time(monkeypatch, dead_ports):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: time.sleep(0.4) or real(*given, **more))
    seen = look(
        tcp=[{"host": "127.0.0.1", "port": dead_ports()[0], "timeout": 20}],
        dns=[{"query": "localhost", "timeout": 0.2}],
    )
    assert seen["dns.answer", "localhost"].level == "critical"


def test_an_address_that_could_not_be_asked_is_unknown_not_down(monkeypatch):
    monkeypatch.setattr(inspection, "ask", lambda *_: {})
    seen = look(tcp=[{"host": "10.1.2.3", "port": 1}])
    assert {each.reason["code"] for each in seen.values()} == {"timed_out"}


def test_a_bug_in_one_probe_costs_only_that_one(monkeypatch, serve):
    port = serve(lambda *_: None)
    monkeypatch.setattr(inspection, "probe_name", lambda _: 1 // 0)
    seen = look(tcp=[{"name": "DB", "host": "127.0.0.1", "port": port}], dns=[{"query": "localhost"}])
    assert seen["tcp.reachable", "DB"].level == "ok"
    for check in ("dns.answer", "dns.time"):
        assert seen[check, "localhost"].reason["code"] == "check_crashed"


@pytest.mark.parametrize(
    ("declared", "found", "good"),
    [
        ((), ["10.0.0.1"], True),
        (("10.0.0.1",), ["10.0.0.1"], True),
        (("10.0.0.1",), ["10.0.0.1", "2001:db8::1"], True),
        (("10.0.0.1",), ["10.0.0.1", "10.0.0.2"], False),
        (("10.0.0.1", "10.0.0.2"), ["10.0.0.1"], False),
        (("10.0.0.1", "2001:db8::1"), ["10.0.0.1"], False),
        (("2001:db8::1",), ["10.0.0.1"], False),
    ],
)
def test_a_name_has_the_declared_addresses_and_of_their_kind_no_others(declared, found, good):
    assert inspection.as_declared(declared, found) is good
