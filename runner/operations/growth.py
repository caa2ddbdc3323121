"""What a single look cannot tell: how long a file system lasts at the growth since an earlier run.

The module on the host leaves ``filesystem.time_to_full`` open, with its limits; it is completed here.
A forecast over many runs belongs to the quarter's report; this one answers "will it be full tonight?".
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from module_utils.observations import grade
from runner.errors import WeibaoError
from runner.evidence.canonical import parse_timestamp, timestamp
from runner.evidence.sealing import SealedRun, open_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    for run in islice(_earlier_runs(ledger, runs, procedure), LOOK_BACK):
        if now - parse_timestamp(run.manifest["started"]) >= SHORTEST:
            return Growth(run)
    return Growth(None)


def last_whole_run(ledger: Ledger, procedure: str) -> dict[str, Any] | None:
    """Return the entry of the newest complete run of a procedure over the whole site, not in check mode."""
    for entry in ledger.newest_first():
        body = entry.body if entry.kind == "run" else {}
        whole = body.get("verdict") == "complete" and body.get("limit") is None and not body.get("check")
        if whole and body.get("procedure") == procedure:
            return dict(body)
    return None


def _earlier_runs(ledger: Ledger, runs: Path, procedure: str) -> Iterator[SealedRun]:
    for entry in ledger.newest_first():
        body = entry.body if entry.kind == "run" else {}
        if body.get("procedure") != procedure:
            continue
        try:
            yield open_sealed(runs, str(body.get("run")))
        except WeibaoError:
            # A damaged run is found by `ledger verify`; here it is merely of no use.
            continue
