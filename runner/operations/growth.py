"""What a single look cannot tell: how long a file system lasts at the growth since an earlier run.

The module on the host leaves ``filesystem.time_to_full`` open, with its limits; it is completed here.
A forecast over many runs belongs to the quarter's report; this one answers "will it be full tonight?".
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from module_utils.observations import grade
from runner.errors import WeibaoError
from runner.evidence.canonical import parse_timestamp, timestamp
from runner.evidence.sealing import SealedRun, open_sealed
from runner.operations.history import runs_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runner.evidence.ledger import Ledger

CHECK = "filesystem.time_to_full"

#: The value of a file system that will not be full, worded by the catalogue.
NOT_GROWING = "not_growing"

#: Growth over less than this is noise.
SHORTEST = timedelta(hours=1)

#: How many earlier runs are looked at for one that is old enough.
LOOK_BACK = 5


class Growth:
    """The figures of an earlier run, against which a host's observations are completed."""

    def __init__(self, run: SealedRun | None) -> None:
        self._run_id = run.run_id if run else ""
        self._since = parse_timestamp(run.manifest["started"]) if run else None
        self._used: dict[tuple[str, str], int] = {}
        if run:
            for one in run.observations():
                used = one["detail"].get("used_bytes")
                if one["check"] == "filesystem.used" and isinstance(used, int):
                    self._used[(one["host"], one["subject"])] = used

    def complete(self, host: str, observations: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
        """Return the observations with each time to full filled in that can be told."""
        if self._since is None or now - self._since < SHORTEST:
            return observations
        hours = (now - self._since) / timedelta(hours=1)
        sizes = {one["subject"]: one["detail"] for one in observations if one["check"] == "filesystem.used"}
        return [
            self._completed(one, host, sizes.get(one["subject"], {}), hours) if one["check"] == CHECK else one
            for one in observations
        ]

    def _completed(self, observation: dict[str, Any], host: str, size: dict[str, Any], hours: float) -> dict[str, Any]:
        before = self._used.get((host, observation["subject"]))
        used, available = size.get("used_bytes"), size.get("available_bytes")
        if before is None or not isinstance(used, int) or not isinstance(available, int):
            return observation
        per_hour = (used - before) / hours
        detail = {
            **observation["detail"],
            "bytes_per_day": round(24 * per_hour),
            "since": timestamp(self._since),
            "compared_with": self._run_id,
        }
        known = {**observation, "unit": "hours", "reason": None, "detail": detail}
        if per_hour <= 0:
            return {**known, "value": NOT_GROWING, "level": "ok"}
        left = round(available / per_hour, 1)
        return {**known, "value": left, "level": grade(left, observation["limits"])}


def growth_since_last_run(ledger: Ledger, runs: Path, procedure: str, now: datetime) -> Growth:
    """Return the growth against the newest run of a procedure that is old enough and can be read."""
    for body in islice(runs_of(ledger, procedure), LOOK_BACK):
        # A damaged run is found by `ledger verify`; here it is merely of no use.
        with suppress(WeibaoError, KeyError, ValueError, TypeError):
            if now - parse_timestamp(str(body["started"])) >= SHORTEST:
                return Growth(open_sealed(runs, str(body["run"])))
    return Growth(None)
