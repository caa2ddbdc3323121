"""What became of an execution, by what its run says; and the marker of one whose program died."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from ansible.module_utils.changing.steps import WAY_BACK_ENDED

from runner.operations.change_marker import abandoned, has_markers, mark
from runner.operations.change_outcome import outcome_of
from runner.site import Site

HOSTS = ("app1", "app2", "app3")


def manifest(stopped: str | None = None, **outcomes: str) -> dict[str, Any]:
    told = {host: outcomes.get(host, "not_finished") for host in HOSTS}
    hosts = {
        host: {"outcome": "ok", "changed": 1} if one == "changed" else {"outcome": one} for host, one in told.items()
    }
    return {"hosts": hosts, "ending": {"stopped": {"code": stopped} if stopped else None}}


def batch(word: str, **hosts: list[str]) -> dict[str, Any]:
    return {"check": "change.batch", "host": "app1", "value": word, "level": "ok", "detail": hosts}


def step(host: str, level: str = "ok", of: str = "", **detail: Any) -> dict[str, Any]:
    return {"check": "change.step", "host": host, "subject": of, "level": level, "detail": detail}


#: Where the way back led, by the gate.
BACK = step("app1", of=WAY_BACK_ENDED, way_back=True)


@pytest.mark.parametrize(
    ("told", "observations", "outcome", "hosts"),
    [
        (
            manifest(app1="ok", app2="ok", app3="ok"),
            [batch("passed", done=["app1"]), batch("passed", done=["app2", "app3"])],
            "done",
            {"done": HOSTS},
        ),
        (
            manifest(app1="ok", app2="ok", app3="no_observations"),  # the gate told it by one of them
            [batch("passed", done=["app1"], left=["app2", "app3"]), batch("window closed", left=["app2", "app3"])],
            "window closed",
            {"done": ("app1",), "left": ("app2", "app3")},
        ),
        (
            manifest(app1="ok", app2="ok"),
            [step("app1"), batch("paused", done=["app1"], unmeasured=["app2"], left=["app3"])],
            "paused",
            {"done": ("app1",), "left": ("app2", "app3")},
        ),
        (  # what was carried out and cannot be measured is not told as if it had not begun
            manifest(app1="ok", app2="ok"),
            [step("app1"), step("app2"), batch("paused", done=["app1"], unmeasured=["app2"], left=["app3"])],
            "paused",
            {"done": ("app1",), "unsure": ("app2",), "left": ("app3",)},
        ),
        (
            manifest(app1="ok", app2="changed", app3="ok"),  # no step tells of it, but Ansible counts a change
            [batch("paused", unmeasured=["app2"], left=["app1", "app3"])],
            "paused",
            {"unsure": ("app2",), "left": ("app1", "app3")},
        ),
        (  # two have nothing due, which they say; of the third nothing is known but that it did not fail
            manifest(app1="ok", app2="ok", app3="ok"),
            [step("app1", action="nothing due"), batch("passed", done=["app2"])],
            "failed",
            {"done": ("app1", "app2"), "left": ("app3",)},
        ),
        (
            manifest(app1="ok", app2="ok", app3="ok"),
            [step(host, action="nothing due") for host in HOSTS],
            "done",
            {"done": HOSTS},
        ),
        (  # what was to be restarted there does not run: that is no success, be the host as well as it was before
            manifest(app1="ok", app2="ok", app3="ok"),
            [
                *(step(host, "critical", "left alone nosuch.service", action="left alone") for host in HOSTS[:2]),
                step("app2", of="start nginx.service", action="start"),
                batch("passed", done=list(HOSTS)),
            ],
            "failed",
            {"done": ("app3",), "failed": ("app2",), "left": ("app1",)},
        ),
        (
            manifest(app1="failed"),
            [step("app1", "critical"), batch("failed", worse=["app1"]), step("app1"), BACK],
            "rolled back",
            {"rolled_back": ("app1",), "left": ("app2", "app3")},
        ),
        (  # every step of the way back went well, and the host is still broken
            manifest(app1="failed"),
            [batch("failed", worse=["app1"]), step("app1", of="start"), {**BACK, "level": "critical"}],
            "failed",
            {"failed": ("app1",), "left": ("app2", "app3")},
        ),
        (  # its own way back went well, and still it was worse; the gate's could not be gone
            manifest(app1="failed"),
            [step("app1", way_back=True), batch("failed", worse=["app1"])],
            "failed",
            {"failed": ("app1",), "left": ("app2", "app3")},
        ),
        (
            manifest(app1="failed"),
            [step("app1"), batch("failed", worse=["app1"]), step("app1", "critical", of="start"), BACK],
            "failed",
            {"failed": ("app1",), "left": ("app2", "app3")},
        ),
        (  # its own module led it back at once, at the second attempt
            manifest(app1="failed"),
            [
                step("app1", "critical"),
                step("app1", "critical", "start", way_back=True),
                step("app1", "ok", "start", way_back=True),
                batch("failed", worse=["app1"]),
                BACK,
            ],
            "rolled back",
            {"rolled_back": ("app1",), "left": ("app2", "app3")},
        ),
        (
            manifest(app1="ok", app2="unreachable"),
            [batch("failed", done=["app1"], lost=["app2"])],
            "failed",
            {"done": ("app1",), "unreachable": ("app2",), "left": ("app3",)},
        ),
        (
            manifest("interrupted"),
            [step("app1"), batch("passed", done=["app1"]), step("app2")],
            "interrupted",
            {"done": ("app1",), "failed": ("app2",), "left": ("app3",)},
        ),
        (manifest(), [], "failed", {"left": HOSTS}),
        (manifest("interrupted"), [], "not begun", {"left": HOSTS}),
        (None, [], "not begun", {"left": HOSTS}),
    ],
)
def test_the_outcome_is_what_the_run_says(
    told: dict[str, Any] | None, observations: list[dict[str, Any]], outcome: str, hosts: dict[str, tuple[str, ...]]
) -> None:
    found = outcome_of(HOSTS, told, observations)
    assert (found.outcome, {key: names for key, names in found.hosts.items() if names}) == (outcome, hosts)
    assert sum(len(names) for names in found.hosts.values()) == len(HOSTS)


def test_hosts_of_a_run_that_was_lost_are_not_told_as_left() -> None:
    found = outcome_of(HOSTS, None, (), HOSTS)
    assert (found.outcome, found.hosts["failed"]) == ("interrupted", HOSTS)


def test_what_was_begun_and_never_told_its_end_is_to_be_looked_at() -> None:
    done = [batch("passed", done=["app1"], left=["app2", "app3"])]
    found = outcome_of(HOSTS, manifest("interrupted"), done, begun=["app1", "app2"])
    assert (found.hosts["done"], found.hosts["failed"], found.hosts["left"]) == (("app1",), ("app2",), ("app3",))


# -- the marker -------------------------------------------------------------------------------------------


def test_a_marker_that_is_held_is_nobody_elses(site: Site) -> None:
    assert not has_markers(site)
    with mark(site, "C-1", "run-1") as held:
        assert has_markers(site)
        assert list(abandoned(site)) == []
        assert json.loads(held.path.read_bytes()) == {"change": "C-1", "run": "run-1"}
    (left,) = abandoned(site)
    assert left.run_id == "run-1"
    (again,) = abandoned(site)  # what is not done stays
    again.done()
    assert not has_markers(site)


def test_a_marker_that_is_done_is_gone(site: Site) -> None:
    with mark(site, "C-1", "run-1") as held:
        held.done()
    assert list(abandoned(site)) == []


def test_half_a_marker_is_swept_and_a_damaged_one_names_its_run(site: Site) -> None:
    folder = site.state / "changing"
    folder.mkdir()
    (folder / "run-0.new").write_text("{")
    (folder / "run-1.json").write_text("{")
    (left,) = abandoned(site)
    assert left.run_id == "run-1"
    assert (folder / "run-0.new").exists(), "it may be about to get its name"
    os.utime(folder / "run-0.new", (time.time() - 100,) * 2)
    list(abandoned(site))
    assert not (folder / "run-0.new").exists()
