"""Real servers on the loopback: pages that are slow, drip or never end, ports that accept and say nothing."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading
from types import SimpleNamespace

import pytest
from ansible.module_utils.services import inspection, probes
from ansible.module_utils.services.thresholds import DEFAULT_THRESHOLDS

PARAMETERS = {"units": [], "tcp": [], "http": [], "dns": [], "timeout": 5.0}


def declare(**parameters):
    """Return what a module's parameters declare; they have to be good."""
    declared, problems = probes.parse({**PARAMETERS, **parameters})
    assert problems == []
    return declared


def look(thresholds=DEFAULT_THRESHOLDS, **parameters):
    """Inspect services for real: look(http=[...]) → {(check, subject): observation}."""
    seen = list(inspection.inspect(declare(**parameters), thresholds, 5.0))
    assert len({(each.check, each.subject) for each in seen}) == len(seen)
    return {(each.check, each.subject): each for each in seen}


@pytest.fixture
def serve():
    """Serve connections: serve(function) → the port; the function gets each connection and the request's bytes."""
    with contextlib.ExitStack() as stack:

        def start(answer, tls=None, base=socketserver.ThreadingTCPServer):
            class Handler(socketserver.BaseRequestHandler):
                def handle(self):
                    with contextlib.suppress(OSError), contextlib.ExitStack() as held:
                        connection = self.request
                        if tls:
                            wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                            connection = held.enter_context(wrapped)
                            connection.do_handshake()
                        request = b""
                        while b"\r\n\r\n" not in request:
                            chunk = connection.recv(65536)
                            if not chunk:
                                return
                            request += chunk
                            if request[:1] == b"\x16" and not tls:  # a TLS greeting, which web servers answer in plain
                                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                                return
                        answer(connection, request)
                        with contextlib.suppress(OSError):
                            connection.shutdown(socket.SHUT_WR)

            class Server(base):
                daemon_threads = True
                block_on_close = False
                request_queue_size = 64

            server = stack.enter_context(Server(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(server.shutdown)
            return server.server_address[1]

        yield start


@pytest.fixture
def page(serve):
    """Serve one answer: page(body, status=..., headers=...) → its URL; page.requests are what was asked."""

    def start(body=b"", status="200 OK", headers=(), tls=None):
        length = [] if any(header.startswith(("Content-Length", "Transfer")) for header in headers) else [len(body)]
        lines = [f"HTTP/1.1 {status}", *headers, *(f"Content-Length: {size}" for size in length)]

        def answer(connection, request):
            start.requests.append(request.decode())
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

        return f"http{'s' if tls else ''}://127.0.0.1:{serve(answer, tls)}/"

    start.requests = []
    return start


@pytest.fixture
def dead_ports():
    """Return a function that gives ports which nobody listens on: bound, so that nobody else does either."""
    with contextlib.ExitStack() as stack:

        def take(count=1):
            held = [stack.enter_context(socket.socket()) for _ in range(count)]
            for one in held:
                one.bind(("127.0.0.1", 0))
            return [one.getsockname()[1] for one in held]

        yield take


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """An authority: authority.file, and authority.context(name, days=, names=) for a server with its certificate."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    constraints = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(
        "req",
        "-x509",
        *key,
        "-days",
        900,
        "-subj",
        "/CN=Hospital CA",
        *constraints,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
    )

    def context(name, days=365, names="DNS:localhost,IP:127.0.0.1"):
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", f"{name}.ext")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-days", days, "-out", f"{name}.crt")
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        return made

    return SimpleNamespace(file=str(folder / "ca.crt"), context=context)
