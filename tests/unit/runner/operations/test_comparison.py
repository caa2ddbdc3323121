from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from module_utils.observations import Observation, observe, unknown
from reports.catalogue import load_catalogue
from reports.documents.comparison import Comparison
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import EVENTS, OBSERVATIONS, SealedRun
from runner.operations.comparison import compare, known_key
from tests.unit.runner.operations.evidence import sealed_run

LIMITS = {"filesystem.used": {"warning": 80, "critical": 90}, "unit.failed": {"critical": 1}}
DAY = timedelta(days=1)


def used(percent: float, mount: str = "/") -> Observation:
    return observe(LIMITS, "filesystem.used", mount, percent, "percent")


def failed(unit: str) -> Observation:
    return observe(LIMITS, "unit.failed", unit, 1, "flag")


SERVICES = observe({}, "systemd.state", "", "running")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for folder in ("ledger", "runs"):
        (tmp_path / "own" / folder).mkdir(parents=True)
    return tmp_path / "own"


def compared(state: Path, run: SealedRun) -> Comparison:
    return compare(Ledger(state / "ledger", "own"), state / "runs", run, load_catalogue("zh").section_of)


def keys(known: tuple) -> list[tuple[str, str, str]]:
    return [known_key(one) for one in known]


def test_a_first_run_has_nothing_to_compare_with(state: Path) -> None:
    found = compared(state, sealed_run(state, {"web": [used(95)]}))
    assert found.runs == ()
    assert found.status == {("web", "filesystem.used", "/"): "first"}
    assert (found.gone, found.unconfirmed) == ((), ())


def test_what_is_new_worse_the_same_and_gone(state: Path) -> None:
    before = sealed_run(
        state, {"web": [used(85), used(95, "/var"), failed("a.service"), used(85, "/srv"), SERVICES]}, ago=DAY
    )
    now = sealed_run(state, {"web": [used(95), used(96, "/var"), used(10, "/srv"), used(85, "/new"), SERVICES]})
    found = compared(state, now)
    assert found.runs == ((before.run_id, before.manifest["started"]),)
    assert {subject: status for (_, _, subject), status in found.status.items()} == {
        "/": "worse", "/var": "same", "/new": "new"
    }  # fmt: skip
    assert keys(found.gone) == [("web", "unit.failed", "a.service"), ("web", "filesystem.used", "/srv")]
    assert found.unconfirmed == ()


@pytest.mark.parametrize(
    "now",
    [
        [unknown("unit.failed", "", "timed_out", command="systemctl", seconds=20), SERVICES],  # the check itself failed
        [unknown("unit.failed", "a.service", "not_permitted"), SERVICES],  # this subject could not be looked at
        [used(10)],  # the section was left out
        [],  # nothing of the role came
    ],
)
def test_what_was_not_looked_at_again_is_not_gone(state: Path, now: list[Observation]) -> None:
    sealed_run(state, {"web": [failed("a.service"), SERVICES]}, ago=DAY)
    found = compared(state, sealed_run(state, {"web": now}))
    assert found.gone == ()
    assert keys(found.unconfirmed) == [("web", "unit.failed", "a.service")]


def test_what_a_missed_host_had_is_not_gone(state: Path) -> None:
    sealed_run(state, {"web": [used(95)], "db": [used(10)]}, ago=DAY)
    now = sealed_run(state, {"db": [used(95)]}, outcomes={"web": "unreachable"}, verdict="partial")
    found = compared(state, now)
    assert keys(found.unconfirmed) == [("web", "filesystem.used", "/")]
    assert found.status == {("db", "filesystem.used", "/"): "new"}


def test_a_host_that_the_last_run_missed_is_held_against_the_one_before(state: Path) -> None:
    sealed_run(state, {"web": [used(95)], "db": [used(95)]}, ago=2 * DAY)
    sealed_run(state, {"db": [used(10)]}, ago=DAY, outcomes={"web": "unreachable"}, verdict="partial")
    found = compared(state, sealed_run(state, {"web": [used(95)], "db": [used(95)]}))
    assert found.status == {("web", "filesystem.used", "/"): "same", ("db", "filesystem.used", "/"): "new"}
    assert len(found.runs) == 2


NOT_SEEN = unknown("filesystem.used", "/", "not_permitted")
GAUGE = used(10, "/boot")


@pytest.mark.parametrize(
    ("earlier", "now", "status", "gone"),
    [
        (used(95), used(95), "same", False),
        (used(85), used(95), "worse", False),
        (used(95), used(10), None, True),
        (used(10), used(95), "new", False),
        (NOT_SEEN, used(95), "first", False),
        (GAUGE, used(95), "new", False),  # it was not there
    ],
)
def test_what_the_last_runs_could_not_measure_is_held_against_the_one_before(
    state: Path, earlier: Observation, now: Observation, status: str | None, gone: bool
) -> None:
    sealed_run(state, {"web": [earlier, GAUGE]}, ago=3 * DAY)
    for days in (2, 1):
        sealed_run(state, {"web": [NOT_SEEN, GAUGE]}, ago=days * DAY)
    found = compared(state, sealed_run(state, {"web": [now, GAUGE]}))
    assert found.status.get(("web", "filesystem.used", "/")) == status
    assert keys(found.gone) == ([("web", "filesystem.used", "/")] if gone else [])
    assert found.unconfirmed == ()


def test_what_is_unknown_for_long_stays_unconfirmed(state: Path) -> None:
    sealed_run(state, {"web": [used(95)]}, ago=3 * DAY)
    sealed_run(state, {"web": [NOT_SEEN]}, ago=2 * DAY)
    found = compared(state, sealed_run(state, {"web": [NOT_SEEN]}))
    assert keys(found.unconfirmed) == [("web", "filesystem.used", "/")]
    assert len(found.runs) == 2


def test_a_run_that_is_looked_at_again_is_compared_with_what_came_before_it(state: Path) -> None:
    old = sealed_run(state, {"web": [used(95)]}, ago=DAY)
    sealed_run(state, {"web": [used(95)]})
    assert compared(state, old).status == {("web", "filesystem.used", "/"): "first"}


@pytest.mark.parametrize("file", [OBSERVATIONS, EVENTS, "manifest.json"])
def test_a_damaged_run_is_passed_over(state: Path, file: str) -> None:
    sealed_run(state, {"web": [used(95)]}, ago=2 * DAY)
    damaged = sealed_run(state, {"web": [used(10)]}, ago=DAY)
    (damaged.folder / file).write_bytes(b"not what it was")
    found = compared(state, sealed_run(state, {"web": [used(95)]}))
    assert found.status[("web", "filesystem.used", "/")] == ("new" if file == EVENTS else "same")


def test_the_channels_of_a_server_that_does_not_answer_are_not_gone(state: Path) -> None:
    channel = observe({"database.replication": {"critical": 1}}, "database.replication", "his lis", 1, "flag")
    sealed_run(state, {"db": [channel]}, ago=DAY)
    silent = unknown("database.replication", "his", "database_unreachable")
    found = compared(state, sealed_run(state, {"db": [silent]}))
    assert (found.gone, keys(found.unconfirmed)) == ((), [("db", "database.replication", "his lis")])


def test_what_its_check_did_not_look_at_again_is_not_gone(state: Path) -> None:
    inodes = observe({"filesystem.inodes": {"critical": 90}}, "filesystem.inodes", "/", 99, "percent")
    sealed_run(state, {"web": [used(95), inodes]}, ago=DAY)
    # host_inspection_checks now leaves out the inodes, while others of the section and the role were made.
    found = compared(state, sealed_run(state, {"web": [used(10)]}))
    assert keys(found.gone) == [("web", "filesystem.used", "/")]
    assert keys(found.unconfirmed) == [("web", "filesystem.inodes", "/")]


@pytest.mark.parametrize("manifest", ["[]", "{}", '{"hosts": {"web": null}}', '{"hosts": []}'])
def test_an_odd_manifest_is_passed_over(state: Path, manifest: str) -> None:
    odd = sealed_run(state, {"web": [used(95)]}, ago=DAY)
    (odd.folder / "manifest.json").write_text(manifest)
    assert compared(state, sealed_run(state, {"web": [used(95)]})).runs == ()


def test_runs_of_other_hosts_do_not_hide_the_last_look_at_one(state: Path) -> None:
    sealed_run(state, {"web": [used(95)], "db": [used(10)]}, ago=2 * DAY)
    for hours in range(15):
        sealed_run(state, {"db": [used(10)]}, ago=timedelta(hours=40 - hours), limit="db")
    found = compared(state, sealed_run(state, {"web": [used(95)], "db": [used(10)]}))
    assert found.status == {("web", "filesystem.used", "/"): "same"}
