"""A web server that takes what is posted to it, as a channel that notifications go to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Receiver:
    """A web server that keeps what is posted and gives its ``answer``; the first ``failing`` posts get an error."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.asked = 0
        self.failing = 0
        self.answer: object = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                if receiver.asked <= receiver.failing:
                    self.send_error(503)
                    return
                receiver.received.append(json.loads(body))
                self.send_response(200)
                self.end_headers()
                if receiver.answer is not None:
                    self.wfile.write(json.dumps(receiver.answer).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/token-0123456789"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield a server that listens on loopback."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
