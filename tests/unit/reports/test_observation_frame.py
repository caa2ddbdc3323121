"""Sealed runs as a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from reports.observations import COLUMNS, frame

if TYPE_CHECKING:
    from conftest import Sample


def test_a_row_per_observation_with_ordered_levels(sample: Sample) -> None:
    found = frame([sample])
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == len(sample.rows)
    bad = found[found["level"] >= "warning"]
    assert set(bad["level"]) == {"warning", "critical"}
    assert (found["run"] == sample.manifest["run"]).all()
    used = found[(found["check"] == "filesystem.used") & (found["subject"] == "/var")]
    assert used["value"].max() == 95.2


def test_times_are_utc(sample: Sample) -> None:
    found = frame([sample])
    assert found["time"].min() == pd.Timestamp("2026-11-21T15:55:20Z")


def test_no_runs_give_an_empty_frame_of_the_same_shape() -> None:
    assert list(frame([]).columns) == list(COLUMNS)
    assert frame([])["level"].cat.ordered


def test_a_time_that_is_none_is_missing(sample: Sample) -> None:
    sample.rows = sample.rows[:2]
    sample.rows[0]["time"] = None
    sample.rows[1]["time"] = "yesterday"
    assert frame([sample])["time"].isna().all()
