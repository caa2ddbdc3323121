"""The one door to apprise: a message to one channel, and what went wrong if it did not arrive."""

from __future__ import annotations

import logging
import re

from runner.evidence.redaction import MINIMUM_LENGTH, Redactor

#: How often a message is tried again, and after how many seconds.
RETRIES = 2
WAIT_SECONDS = 2.0


def deliver(url: str, title: str, body: str) -> str | None:
    """Send a message; return None when the channel took it, else what went wrong, without the channel's secrets."""
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
        sender = apprise.Apprise(asset=asset)
        sender.add(channel)
        if sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
            return None
        lines = [line for line in log.getvalue().splitlines() if line.strip()]
    said = Redactor(_secrets(url)).text("; ".join(dict.fromkeys(lines)))
    return said[:300] or "it was not taken"


def _secrets(url: str) -> dict[str, str]:
    """Return what of a URL must not be shown: all of it, and every part but the scheme and the host."""
    rest = url.partition("://")[2]
    login, _, place = rest.rpartition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    parts = [*re.split(r"[/:?&=]", login), *re.split(r"[/?&=]", place)[1:]]
    if not login and "/" not in place.strip("/"):
        parts.append(place)  # a token alone, where a host would stand
    return {f"channel ({number})": part for number, part in enumerate([url, *parts]) if len(part) >= MINIMUM_LENGTH}
