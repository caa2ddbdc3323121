"""How old the virus signatures are (ClamAV)."""

import calendar
import os
import re
import time
from typing import Iterator, Optional

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import journal
from .context import Context, Measures

FOLDER = "/var/lib/clamav"
DATABASES = ("daily.cld", "daily.cvd", "main.cld", "main.cvd")

_HEADER = re.compile(
    r"ClamAV-VDB:(?P<day>\d{2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) (?P<hour>\d{2})-(?P<minute>\d{2}) "
    r"(?P<sign>[+-])(?P<zone_hours>\d{2})(?P<zone_minutes>\d{2}):"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_built(header: str) -> Optional[float]:
    """Return when a database was built, in seconds of the epoch, from the header of a .cvd or .cld file."""
    match = _HEADER.match(header)
    if match is None or match.group("month") not in MONTHS:
        return None
    figures = [int(match.group(name)) for name in ("year", "day", "hour", "minute", "zone_hours", "zone_minutes")]
    year, day, hour, minute, zone_hours, zone_minutes = figures
    moment = calendar.timegm((year, MONTHS.index(match.group("month")) + 1, day, hour, minute, 0))
    offset = (zone_hours * 60 + zone_minutes) * 60
    return float(moment - offset if match.group("sign") == "+" else moment + offset)


def signatures(context: Context) -> Iterator[Observation]:
    """Yield the age of the newest signature database, in days."""
    if not (commands.available("clamscan") or commands.available("clamd") or os.path.isdir(FOLDER)):
        raise Unmeasurable("not_installed", product="clamav")
    built = []
    for name in DATABASES:
        path = os.path.join(FOLDER, name)
        if os.path.exists(path):
            moment = parse_built(files.read(path, 512))
            if moment is not None:
                built.append((moment, name))
    if not built:
        raise Unmeasurable("source_missing", source=FOLDER)
    newest, name = max(built)
    detail = {"product": "clamav", "database": name, "built": journal.iso(newest)}
    yield context.observe("antivirus.signature_age", max(time.time() - newest, 0) / 86400, detail)


MEASURES: Measures = ((("antivirus.signature_age",), signatures),)
