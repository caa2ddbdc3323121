"""Observations of many sealed runs as one table; the only place that knows pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from module_utils.observations import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COLUMNS = ("host", "check", "subject", "value", "unit", "level", "limits", "reason", "detail", "time", "run")

#: Levels compare as they rank: ``frame[frame["level"] >= "warning"]``.
LEVEL = pd.CategoricalDtype(list(LEVELS), ordered=True)


class Run(Protocol):
    """What is needed of a sealed run."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Return the run's manifest."""

    def observations(self) -> Iterator[Mapping[str, Any]]:
        """Yield the run's observations."""


def frame(runs: Iterable[Run]) -> pd.DataFrame:
    """Return the observations of sealed runs, a row each, in the order of the runs.

    Columns are COLUMNS: ``level`` is an ordered category, ``time`` is UTC, ``run`` is the run's id; ``value``
    keeps the type that was measured, ``limits``, ``reason`` and ``detail`` stay mappings. A level that is none
    of LEVELS, or a time that is no time, is missing (NaN, NaT).
    """
    rows = [
        {**{column: observation.get(column) for column in COLUMNS}, "run": run.manifest["run"]}
        for run in runs
        for observation in run.observations()
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    found["level"] = found["level"].astype(LEVEL)
    found["time"] = pd.to_datetime(found["time"], utc=True, format="ISO8601", errors="coerce")
    return found
