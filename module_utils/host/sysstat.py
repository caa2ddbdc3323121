"""Averages of the day from sysstat, where it keeps them: one second tells little of a day."""

import calendar
import json
import time
from typing import NamedTuple

from ..measuring import commands
from ..measuring.errors import Unmeasurable
from .context import Context

#: Averages over less than this say no more than a sample does, and so do those that ended longer ago (seconds).
SHORTEST = 600
OLDEST = 3600


class Averages(NamedTuple):
    """How the CPU time of a day was spent, in percent; ``span`` in seconds, ``until`` in seconds of the epoch."""

    busy: float
    steal: float
    iowait: float
    span: float
    until: float


def parse_cpu(text: str) -> Averages:
    """Return ``sadf -j -- -u`` averaged over its intervals. Raises Unmeasurable: unparsable."""
    span = until = 0.0
    sums = {"busy": 0.0, "steal": 0.0, "iowait": 0.0}
    try:
        for record in json.loads(text)["sysstat"]["hosts"][0]["statistics"]:
            moment = record["timestamp"]
            (row,) = [row for row in record["cpu-load"] if row["cpu"] in ("all", "-1")]
            interval = float(moment["interval"])
            span += interval
            sums["busy"] += interval * (float(row["user"]) + float(row["nice"]) + float(row["system"]))
            sums["steal"] += interval * float(row["steal"])
            sums["iowait"] += interval * float(row["iowait"])
            parsed = time.strptime("%s %s" % (moment["date"], moment["time"]), "%Y-%m-%d %H:%M:%S")
            until = float(calendar.timegm(parsed)) if moment.get("utc") else time.mktime(parsed)
    except (ValueError, KeyError, IndexError, TypeError):
        raise Unmeasurable("unparsable", source="sadf") from None
    if not span:
        raise Unmeasurable("unparsable", source="sadf")
    return Averages(sums["busy"] / span, sums["steal"] / span, sums["iowait"] / span, span, until)


def cpu(context: Context) -> Averages:
    """Return today's averages. Raises Unmeasurable where sysstat keeps none that are worth more than a sample."""
    averages = parse_cpu(commands.run(["sadf", "-j", "--", "-u"], context.inputs.command_timeout).output)
    if averages.span < SHORTEST or context.now - averages.until > OLDEST:
        raise Unmeasurable("source_missing", source="sysstat")
    return averages
