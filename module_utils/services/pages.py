"""Asks for one page as a browser would, without following redirects, proxies, or a server that never ends."""

import base64
import http.client
import io
import socket
import time
from typing import Any, Dict, NamedTuple, Optional

from ..masking import mask
from ..measuring.errors import Unmeasurable
from . import tls
from .connecting import Deadline, Unanswered, connect, failure, peer
from .probes import Page, shown_url
from .texts import LARGEST, read_text, title

AGENT = "weibao service_inspection"


class _Timely(io.RawIOBase):
    """Reads a connection within a deadline: a server that sends a byte now and then does not renew it."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)


class _Wire:
    """What http.client wants of a socket."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._stream = io.BufferedReader(_Timely(connection, deadline), 65536)

    def makefile(self, _mode: str) -> Any:
        return self._stream


class _Body(NamedTuple):
    """What was read of an answer; ``started`` is the monotonic clock's time."""

    response: http.client.HTTPResponse
    data: bytes
    milliseconds: float


def probe(page: Page) -> Dict[str, Any]:
    """Return what a page answers: any of ``problem, address, status, location, milliseconds, text, title, charset``.

    ``certificate`` and ``trust`` (a problem, or empty) are there for https. ``unmeasurable`` says why the page was
    not asked for, ``text_unmeasurable`` why its text and ``trust_unmeasurable`` why its certificate could not be
    judged, as code and parameters.
    """
    answer: Dict[str, Any] = {}
    deadline = Deadline(page.timeout)
    connection: Optional[socket.socket] = None
    try:
        started = time.monotonic()
        if page.scheme == "https":
            secured = tls.secure(page, deadline)
            connection, started = secured.connection, secured.started
            answer["certificate"] = tls.described(secured.certificate)
            if secured.unknown:
                answer["trust_unmeasurable"] = [secured.unknown.code, secured.unknown.parameters]
            elif secured.problem is not None:
                answer["trust"] = secured.problem
        else:
            connection, _ = connect(page.host, page.port, deadline)
        answer["address"] = peer(connection)
        untrusted = answer.get("trust") or "trust_unmeasurable" in answer
        if untrusted and (page.secret or "?" in page.target):
            answer["unmeasurable"] = ["not_trusted", {}]  # whoever answers there is not told the page's secrets
        else:
            _judge(page, _ask(page, connection, deadline, started), answer)
    except Unanswered as why:
        answer["problem"] = why.problem
    except Unmeasurable as why:
        answer["unmeasurable"] = [why.code, why.parameters]
    except OSError as error:
        answer["problem"] = failure(error, "no answer in time").problem
    finally:
        if connection is not None:
            connection.close()
    return answer


def _judge(page: Page, body: _Body, answer: Dict[str, Any]) -> None:
    """Add what an answer is to what is told of its page."""
    response = body.response
    answer["status"], answer["milliseconds"] = response.status, body.milliseconds
    location = response.getheader("Location")
    if location and 300 <= response.status < 400:
        shown = shown_url(location) if "://" in location else location.partition("?")[0]
        answer["location"] = mask(shown.partition(";")[0])  # behind which servers put the session
    try:
        text = read_text(
            body.data, response.getheader("Content-Type") or "", response.getheader("Content-Encoding") or ""
        )
    except Unmeasurable as why:
        answer["text_unmeasurable"] = [why.code, why.parameters]
        return
    answer["title"] = title(text.text)
    if page.contains:
        answer["charset"], answer["text"] = text.charset, page.contains in text.text
        if text.cut and not answer["text"]:
            answer["text_unmeasurable"] = ["too_large", {"bytes": LARGEST}]


def _ask(page: Page, connection: socket.socket, deadline: Deadline, started: float) -> _Body:
    """Return the answer to a request. Raises Unanswered."""
    step = "no answer in time"
    try:
        connection.settimeout(deadline.left())
        connection.sendall(_request(page))
        response = http.client.HTTPResponse(_Wire(connection, deadline), method=page.method)  # type: ignore[arg-type]
        response.begin()
        step = "answer not complete in time"
        data = _read(response)
    except socket.timeout:
        raise Unanswered(step) from None
    except http.client.RemoteDisconnected:
        raise Unanswered("connection closed without an answer") from None
    except http.client.IncompleteRead:
        raise Unanswered("answer cut short") from None
    except (http.client.HTTPException, ValueError):
        raise Unanswered("not an HTTP answer") from None
    except OSError as error:
        raise failure(error) from error
    return _Body(response, data, (time.monotonic() - started) * 1000)


def _read(response: http.client.HTTPResponse) -> bytes:
    """Return a body, or as much of a long one as is looked at."""
    chunks, size = [], 0
    while size <= LARGEST:
        chunk = response.read(65536)
        if not chunk:
            if response.length:  # http.client says nothing where a piece of it is missing
                raise http.client.IncompleteRead(b"")
            break
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def _request(page: Page) -> bytes:
    usual = 443 if page.scheme == "https" else 80
    host = "[%s]" % page.host if ":" in page.host else page.host.encode("idna").decode("ascii")
    fields: Dict[str, str] = {
        "Host": page.host_header.encode("idna").decode("ascii")
        or (host if page.port == usual else "%s:%d" % (host, page.port)),
        "User-Agent": AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if page.secret:
        fields["Authorization"] = "Basic " + base64.b64encode(page.secret.encode("utf-8")).decode("ascii")
    lines = ["%s %s HTTP/1.1" % (page.method, page.target)] + ["%s: %s" % field for field in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
