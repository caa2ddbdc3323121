"""Moments as people and the controller write them."""

import datetime
import re
from typing import Optional

#: A contract's month, in seconds: how far back to look when nobody says since when.
DEFAULT_PERIOD = 31 * 86400

MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?\Z",
)


def parse_moment(text: str) -> Optional[float]:
    """Return an ISO 8601 time in seconds of the epoch, None for an empty text; without an offset it is UTC.

    Raises ValueError.
    """
    if not text:
        return None
    match = MOMENT.match(text)
    if match is None:
        raise ValueError(text)
    day, time, seconds, zone = match.groups()
    offset = (zone or "Z").replace(":", "").replace("Z", "+0000")
    whole = "%sT%s%s%s" % (day, time or "00:00", seconds or ":00", offset)
    return datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S%z").timestamp()
