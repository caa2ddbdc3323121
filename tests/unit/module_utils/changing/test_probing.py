from __future__ import annotations

import socket

import pytest
from ansible.module_utils.changing import probing
from ansible.module_utils.changing.gate import UNMEASURED


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def asked(server):
    """Return how often the server was connected to."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def seen(subject, level="ok", check="tcp.reachable"):
    return {"check": check, "subject": subject, "level": level, "reason": {"code": "timed_out"}}


@pytest.mark.parametrize("before", [[], [seen("it", "unknown"), seen("it", "ok", "tcp.connect_time")]])
def test_what_was_not_measured_before_is_not_asked_for_again(server, before):
    port = server.getsockname()[1]
    wanted = probing.declared({"tcp": [{"name": "it", "host": "127.0.0.1", "port": port}]})
    assert probing.ask_until(wanted, before, 3600, (UNMEASURED,)).judgement.word == UNMEASURED
    assert asked(server) == 1


def test_what_is_not_measured_after_is_asked_for_again(server):
    port = server.getsockname()[1]
    wanted = probing.declared({"tcp": [{"name": "it", "host": "127.0.0.1", "port": port}]})
    before = [seen("it"), seen("it", check="tcp.connect_time"), seen("elsewhere")]
    assert probing.ask_until(wanted, before, 1.5, (UNMEASURED,)).judgement.unmeasured == ["tcp.reachable elsewhere"]
    assert asked(server) == 2
