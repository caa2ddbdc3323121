"""The one door to apprise: a message to one channel, and what went wrong if it did not arrive."""

from __future__ import annotations

import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from runner.evidence.redaction import MINIMUM_LENGTH, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

#: How often a message is tried again, and after how many seconds.
RETRIES = 2
WAIT_SECONDS = 2.0

#: How long a message may take with all of its tries: a service that feeds its answer byte by byte would never end.
LONGEST_SECONDS = 90.0

#: Services that count the bytes of a message, of which a Chinese letter takes three; apprise counts letters.
_COUNTING_BYTES = ("wecombot",)

#: Where a robot's answer holds the code of a refusal; 0 is none. Only Feishu's own answers call it merely "code".
_REFUSALS = {"errcode": "errmsg", "StatusCode": "StatusMessage"}
_REFUSALS_OF = {"feishu": {"code": "msg"}, "lark": {"code": "msg"}}


def deliver(url: str, title: str, body: str) -> str | None:
    """Send a message; return None when the channel took it, else what went wrong, without the channel's secrets."""
    outcome: list[str | None] = []
    # A thread of its own can be left behind; the program ends without it.
    thread = threading.Thread(target=lambda: outcome.append(_tried(url, title, body)), daemon=True)
    thread.start()
    thread.join(LONGEST_SECONDS)
    return outcome[0] if outcome else f"it did not answer within {LONGEST_SECONDS:g} s"


def _tried(url: str, title: str, body: str) -> str | None:
    try:
        return _deliver(url, title, body)
    except Exception as error:  # noqa: BLE001 - a service's own odd ways must cost neither run nor documents
        return f"apprise stumbled over it: {type(error).__name__}"


def _deliver(url: str, title: str, body: str) -> str | None:
    import apprise  # noqa: PLC0415 - only where there is something to tell

    asset = apprise.AppriseAsset(
        app_id="Weibao",
        app_desc="Weibao",
        default_service_retry=RETRIES,
        default_service_wait=WAIT_SECONDS,
        secure_logging=True,
    )
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        channel = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if channel is None:
            return "its URL is not of a form that apprise knows"
        # A message that is too long comes in parts: services drop it, or cut off its end, where it comes as one.
        channel.overflow_mode = apprise.OverflowMode.SPLIT
        kind = url.partition("://")[0].lower()
        if kind in _COUNTING_BYTES:
            channel.body_maxlen //= 3
        sender = apprise.Apprise(asset=asset)
        sender.add(channel)
        with _refusals({**_REFUSALS, **_REFUSALS_OF.get(kind, {})}) as refused:
            if sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
                return None
        lines = [*refused, *(line for line in log.getvalue().splitlines() if line.strip())]
    said = Redactor(_secrets(url)).text("; ".join(dict.fromkeys(lines)))
    return said[:300] or "it was not taken"


@contextmanager
def _refusals(codes: dict[str, str]) -> Iterator[list[str]]:
    """Collect why a service refuses what it answers with 200: the robots of chats do, and apprise does not look."""
    import requests  # noqa: PLC0415 - as apprise

    refused: list[str] = []
    plain = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = plain(self, request, **options)
        refusal = _refusal(answer, codes)
        if refusal:
            refused.append(refusal)
            raise requests.RequestException(refusal)
        return answer

    requests.Session.send = send  # type: ignore[method-assign]
    try:
        yield refused
    finally:
        requests.Session.send = plain  # type: ignore[method-assign]


def _refusal(answer: requests.Response, codes: dict[str, str]) -> str | None:
    """Return the code and the words with which an answer refuses a message; None where it does not."""
    try:
        said = answer.json()
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    found = ((said.get(code), said.get(words)) for code, words in codes.items())
    return next((f"refused with {code}: {words}" for code, words in found if code not in (None, 0, "0")), None)


def _secrets(url: str) -> dict[str, str]:
    """Return what of a URL must not be shown, coded or not: all of it, and every part but the scheme and the server."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, _, place = authority.rpartition("@")
    server, *others = re.split(r"[/:?&=#,]", place + rest.removeprefix(authority))
    parts = [url, *re.split(r"[/:?&=]", login), *others]
    if "." not in server:
        parts.append(server)  # a token, where a server's name would stand
    known = dict.fromkeys(form for part in parts for form in (part, unquote(part)) if len(form) >= MINIMUM_LENGTH)
    return {f"channel ({number})": form for number, form in enumerate(known)}
