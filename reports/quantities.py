"""Figures as people read them: in the unit that suits, with the decimals that tell something."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BYTE_UNITS = ("PiB", "TiB", "GiB", "MiB", "KiB")
#: Per unit the larger units that read better: their length, and from which value on.
_LARGER = {
    "bytes": [(unit, 1024**power, 1024**power) for power, unit in zip((5, 4, 3, 2, 1), BYTE_UNITS, strict=True)],
    "seconds": [("days", 86400, 172_800), ("hours", 3600, 7200), ("minutes", 60, 120)],
    "hours": [("days", 24, 48)],
    "milliseconds": [("seconds", 1000, 1000)],
}
_DECIMALS = {"per_core": 2, "milliseconds": 2}
#: So many times its limit a value may stand in a larger unit than the limit.
_FAR = 5
#: Of hundreds of these nobody needs a decimal.
_WHOLE = ("days", "milliseconds")
#: A value that its limit tells apart by a hair gets so many more decimals before it is cut off.
_MORE_DECIMALS = 4


def mildest(limits: Mapping[str, Any]) -> Any:
    """Return the limit from which on a value is bad."""
    return next((limits[level] for level in ("warning", "critical") if limits.get(level) is not None), None)


def is_short(value: float) -> bool:
    """Return whether a figure reads well as a limit: whole, or and a half."""
    return round(2 * value) == 2 * value


def scale(value: float, unit: str, limit: float | None) -> tuple[str, float]:
    """Return the unit in which a value reads best, and its length; near its limit only one that suits both."""
    for larger, length, least in _LARGER.get(unit, ()):
        far = limit is None or unit == "bytes" or abs(value) > _FAR * abs(limit)
        if abs(value) >= least and (far or is_short(limit / length)):
            return larger, length
    return unit, 1


def decimals_of(value: float, unit: str) -> int:
    """Return how many decimals of a measured value tell something."""
    if abs(value) >= 10:
        return 0 if abs(value) >= 100 and unit in _WHOLE else 1
    return _DECIMALS.get(unit, 1)


def figure(value: float, decimals: int, near: Sequence[float] = ()) -> str:
    """Return a figure with at most so many decimals, or more where it would else cross a limit near it."""
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    for places in range(decimals, decimals + _MORE_DECIMALS + 1):
        shown = f"{value:.{places}f}"
        if all((float(shown) >= limit) == (value >= limit) for limit in near):
            break
    else:
        shown = f"{math.floor(value * 10**places) / 10**places:.{places}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
