"""How obligations stand after a record, on one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reports.catalogue import load_catalogue
from reports.documents.record_lines import row_line
from reports.wording import Wording
from runner.contract.status import Row

ZONE = ZoneInfo("Asia/Shanghai")


def line(language: str = "zh", **row: Any) -> str:
    given = {"obligation": "A48", "kind": "document", "period": "2026Q1", "state": "due", **row}
    return row_line(Row(**given), Wording(load_catalogue(language), ZONE))


@pytest.mark.parametrize(
    ("due", "shown"),
    [
        (datetime(2026, 4, 1, tzinfo=ZONE), "应于 2026-03-31 前"),
        (datetime(2026, 4, 1, 10, 15, tzinfo=ZONE), "应于 2026-04-01 10:15 前"),
    ],
)
def test_what_is_due_by_the_end_of_a_day_names_that_day(due: datetime, shown: str) -> None:
    assert line(due=due) == f"A48 2026Q1：待履约，{shown}"


def test_what_was_done_too_late_says_when_it_was_due() -> None:
    due, done = datetime(2026, 4, 1, tzinfo=ZONE), datetime(2026, 4, 9, tzinfo=ZONE)
    assert line(state="breached", due=due, done=done) == "A48 2026Q1：违约，应于 2026-03-31 前"
    assert line(state="fulfilled", due=due, done=datetime(2026, 3, 9, tzinfo=ZONE)) == "A48 2026Q1：已履约"


def test_a_figure_reads_alike_for_a_cap_and_a_minimum() -> None:
    quota = {"kind": "quota", "period": "2026", "used": 3.0, "allowed": 8.0}
    assert line(**quota) == "A48 2026：待履约，已计 3 / 8"
    assert line("en", **quota) == "A48 2026: due, 3 of 8"
