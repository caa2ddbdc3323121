from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.changing import hold, holding
from ansible.module_utils.changing.hold import Held, Hold

CHANGE = {"run": "one", "change": "SJ-1", "lease_seconds": 10, "host_seconds": None, "reserve_seconds": 0}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    path = tmp_path / "weibao"
    monkeypatch.setattr(hold, "folder_of_account", lambda: str(path))
    return path


def test_a_host_is_held_for_as_long_as_the_work_may_take():
    for longest, left in ((0, 10), (300, 300)):
        holding.hold(CHANGE, longest).close()
        with Hold("one") as held:
            assert left - 5 < held._lease()["until"] - hold.now().uptime <= left


def test_the_way_back_waits_for_no_disk(folder):
    folder.mkdir(0o700)
    Path(folder, "change.json").write_text("damaged")
    with pytest.raises(Held, match="damaged"):
        holding.hold(CHANGE)
    with holding.hold_if_possible(CHANGE, 60):
        pass


def test_the_way_back_is_not_gone_where_another_run_holds_the_host():
    with Hold("two") as held:
        held.take(100)
        with pytest.raises(Held, match="run two is at work"):
            holding.hold_if_possible(CHANGE, 60)
    with pytest.raises(Held, match="run two holds"):
        holding.hold_if_possible(CHANGE, 60)
    with pytest.raises(Held, match="has to pass role change_gate first"):
        holding.hold_if_possible(None, 60)


@pytest.mark.parametrize(
    ("seconds", "reserve", "problem"),
    [
        (None, 0, ""),
        (500, 0, ""),
        (499, 0, "too late, may take 500 s, has 499 s"),
        (700, 400, ""),
        (-9, 400, "too late, may take 700 s, has 0 s"),
    ],
)
def test_nothing_is_begun_that_may_not_end_with_its_way_back_inside_the_window(seconds, reserve, problem):
    change = {**CHANGE, "host_seconds": seconds, "reserve_seconds": reserve}
    assert holding.too_late(change, longest=300, back=200) == problem
