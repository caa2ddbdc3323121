"""What a single look cannot tell: how long a file system lasts, how many packets go wrong now, how a service grows.

The modules on the host leave ``filesystem.time_to_full`` and ``restart.memory_growth`` open, with their limits, and
grade ``network.errors`` since boot; with an earlier run to compare with, all are completed here.
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
from runner.history import runs_of

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


#: What of an earlier run is kept: the details of these checks.
KEPT = ("filesystem.used", "network.errors", "restart.memory")

#: How much more memory a service holds than in the earlier run, and the verdict that it may change.
MEMORY_GROWTH, RESTART_DUE = "restart.memory_growth", "restart.due"

#: Counters of packets, and of those among them that came or went with an error.
COUNTERS = (("received", "receive_errors"), ("sent", "send_errors"))


class Growth:
    """The figures of an earlier run, against which a host's observations are completed."""

    def __init__(self, run: SealedRun | None) -> None:
        self._run_id = run.run_id if run else ""
        self._since = parse_timestamp(run.manifest["started"]) if run else None
        self._before: dict[tuple[str, str, str], dict[str, Any]] = {}
        for one in run.observations() if run else ():
            if one["check"] in KEPT:
                self._before[(one["host"], one["check"], one["subject"])] = one["detail"]

    def complete(self, host: str, observations: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
        """Return the observations with everything told that takes two inspections."""
        if self._since is None or now - self._since < SHORTEST:
            return observations
        hours = (now - self._since) / timedelta(hours=1)
        sizes = {one["subject"]: one["detail"] for one in observations if one["check"] == "filesystem.used"}
        completed = []
        for one in observations:
            if one["check"] == CHECK:
                completed.append(self._time_to_full(one, host, sizes.get(one["subject"], {}), hours))
            elif one["check"] == "network.errors" and one["level"] != "unknown":
                completed.append(self._recent_errors(one, host))
            elif one["check"] == MEMORY_GROWTH:
                completed.append(self._memory_growth(one, host, observations))
            else:
                completed.append(one)
        return _made_due(completed)

    def _known(self, observation: dict[str, Any], **figures: Any) -> dict[str, Any]:
        """Return an observation with further figures in its detail, and what it was compared with."""
        compared = {"since": timestamp(self._since), "compared_with": self._run_id}
        return {**observation, "reason": None, "detail": {**observation["detail"], **figures, **compared}}

    def _time_to_full(
        self, observation: dict[str, Any], host: str, size: dict[str, Any], hours: float
    ) -> dict[str, Any]:
        before = self._before.get((host, "filesystem.used", observation["subject"]), {}).get("used_bytes")
        used, available = size.get("used_bytes"), size.get("available_bytes")
        if not isinstance(before, int) or not isinstance(used, int) or not isinstance(available, int):
            return observation
        per_hour = (used - before) / hours
        known = {**self._known(observation, bytes_per_day=round(24 * per_hour)), "unit": "hours"}
        if per_hour <= 0:
            return {**known, "value": NOT_GROWING, "level": "ok"}
        left = round(available / per_hour, 1)
        return {**known, "value": left, "level": grade(left, observation["limits"])}

    def _memory_growth(
        self, observation: dict[str, Any], host: str, observations: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return by how many percent a service holds more memory than in the earlier run."""
        subject = observation["subject"]
        held = [one for one in observations if (one["check"], one["subject"]) == ("restart.memory", subject)]
        used = held[0]["detail"].get("used_bytes") if held else None
        before = self._before.get((host, "restart.memory", subject), {}).get("used_bytes")
        if not isinstance(before, int) or not isinstance(used, int) or before <= 0:
            return observation
        percent = round(100 * (used - before) / before, 1)
        known = self._known(observation, used_bytes=used, before_bytes=before)
        return {**known, "value": percent, "level": grade(percent, observation["limits"])}

    def _recent_errors(self, observation: dict[str, Any], host: str) -> dict[str, Any]:
        """Return the share of errors since the earlier run: that since boot hides what goes wrong now."""
        before = self._before.get((host, "network.errors", observation["subject"]))
        now = observation["detail"]
        names = [name for pair in COUNTERS for name in pair]
        if before is None or any(not isinstance(seen.get(name), int) for seen in (before, now) for name in names):
            return observation
        if any(now[name] < before[name] for name in names):
            # The host restarted, or the interface came anew: the counters tell of this time alone.
            return observation
        grown = {name: now[name] - before[name] for name in names}
        shares = (100 * grown[bad] / max(grown[good] + grown[bad], 1) for good, bad in COUNTERS)
        recent = round(max(shares), 2)
        known = self._known(observation, lifetime_percent=observation["value"])
        return {**known, "value": recent, "level": grade(recent, observation["limits"])}


def _made_due(observations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the observations with those services due for a restart whose memory has grown to its limit."""
    grown = {
        one["subject"]
        for one in observations
        if one["check"] == MEMORY_GROWTH and one["level"] in ("warning", "critical")
    }
    return [_due(one) if one["check"] == RESTART_DUE and one["subject"] in grown else one for one in observations]


def _due(verdict: dict[str, Any]) -> dict[str, Any]:
    reasons = [*(verdict["detail"].get("due_for") or ()), MEMORY_GROWTH]
    detail = {**verdict["detail"], "due_for": reasons}
    return {**verdict, "value": 1, "reason": None, "level": grade(1, verdict["limits"]), "detail": detail}


def growth_since_last_run(ledger: Ledger, runs: Path, procedure: str, now: datetime) -> Growth:
    """Return the growth against the newest run of a procedure that is old enough and can be read."""
    for body in islice(runs_of(ledger, procedure), LOOK_BACK):
        # A damaged run is found by `ledger verify`; here it is merely of no use.
        with suppress(WeibaoError, KeyError, ValueError, TypeError):
            if now - parse_timestamp(str(body["started"])) >= SHORTEST:
                return Growth(open_sealed(runs, str(body["run"])))
    return Growth(None)
