from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from module_utils.observations import observe, problems, unknown
from runner.evidence.canonical import digest_file, timestamp
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import MANIFEST, OpenRun, seal
from runner.history import last_whole_run
from runner.operations.growth import growth_since_last_run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GIB = 2**30
LIMITS = {"warning": 24, "critical": 4, "below": True}


def observations(used: int, available: int = 10 * GIB) -> list[dict[str, Any]]:
    detail = {"used_bytes": used, "available_bytes": available}
    return [
        dict(observe({}, "filesystem.used", "/var", 50.0, "percent", detail)._asdict()),
        dict(unknown("filesystem.time_to_full", "/var", "needs_history")._replace(limits=LIMITS)._asdict()),
    ]


def earlier_run(home: Path, ago: timedelta, used: int, **body: Any) -> None:
    run_id = f"run-{int(ago.total_seconds())}"
    run = OpenRun(home / "runs", run_id, {})
    for one in observations(used):
        run.observations.write(json.dumps({"host": "web", **one}))
    run.close_files()
    manifest = seal(run.folder, {"run": run_id, "started": timestamp(NOW - ago), "procedure": "inspect"}).manifest
    run.listed()
    digest = digest_file(run.folder / MANIFEST)
    entry = {"run": run_id, "manifest_sha256": digest, "procedure": "inspect", "started": manifest["started"]}
    Ledger(home / "ledger", "test").append(
        "run", {**entry, "verdict": "complete", "limit": None, "check": False, **body}
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "runs").mkdir()
    return tmp_path


def completed(home: Path, used: int) -> dict[str, Any]:
    growth = growth_since_last_run(Ledger(home / "ledger", "test"), home / "runs", "inspect", NOW)
    _, found = growth.complete("web", observations(used), NOW)
    assert problems(found) == []
    return found


@pytest.mark.parametrize(("grown", "hours", "level"), [(1, 100.0, "ok"), (5, 20.0, "warning"), (50, 2.0, "critical")])
def test_the_time_to_full_follows_from_the_growth_since_an_earlier_run(
    home: Path, grown: int, hours: float, level: str
) -> None:
    earlier_run(home, timedelta(hours=10), 100 * GIB)
    found = completed(home, (100 + grown) * GIB)
    assert (found["value"], found["level"], found["reason"]) == (hours, level, None)
    assert found["detail"]["bytes_per_day"] == round(grown * GIB * 2.4)


def test_a_cleanup_since_then_is_no_growth(home: Path) -> None:
    earlier_run(home, timedelta(hours=10), 100 * GIB)
    found = completed(home, 90 * GIB)
    assert (found["value"], found["level"]) == ("not_growing", "ok")


def test_without_an_old_enough_run_it_stays_unknown(home: Path) -> None:
    assert completed(home, GIB)["reason"]["code"] == "needs_history"
    earlier_run(home, timedelta(minutes=30), 0)
    assert completed(home, GIB)["level"] == "unknown"
    earlier_run(home, timedelta(hours=2), 0)
    # Entries are looked at newest first; the one of half an hour ago is too young and is passed over.
    assert completed(home, GIB)["level"] != "unknown"


@pytest.mark.parametrize(
    ("received", "errors", "value", "level"),
    [(10_000, 500, 4.76, "warning"), (10_000, 0, 0.0, "ok"), (-1, 0, 0.5, "ok")],
)
def test_errors_are_a_share_of_the_packets_since_the_earlier_run(
    home: Path, received: int, errors: int, value: float, level: str
) -> None:
    def interface(good: int, bad: int) -> dict[str, Any]:
        counters = {"received": good, "receive_errors": bad, "sent": 0, "send_errors": 0}
        return dict(
            observe({"network.errors": {"warning": 1}}, "network.errors", "eth0", 0.5, "percent", counters)._asdict()
        )

    run = OpenRun(home / "runs", "run-1", {})
    run.observations.write(json.dumps({"host": "web", **interface(10**9, 5 * 10**6)}))
    run.close_files()
    seal(run.folder, {"run": "run-1", "started": timestamp(NOW - timedelta(days=30)), "procedure": "inspect"})
    run.listed()
    body = {"run": "run-1", "procedure": "inspect", "started": timestamp(NOW - timedelta(days=30))}
    Ledger(home / "ledger", "test").append("run", body)
    growth = growth_since_last_run(Ledger(home / "ledger", "test"), home / "runs", "inspect", NOW)
    (found,) = growth.complete("web", [interface(10**9 + received, 5 * 10**6 + errors)], NOW)
    assert (found["value"], found["level"]) == (value, level)
    assert problems(found) == []


def test_the_last_whole_run_is_neither_partial_nor_limited_nor_a_check(home: Path) -> None:
    ledger = Ledger(home / "ledger", "test")
    assert last_whole_run(ledger, "inspect") is None
    earlier_run(home, timedelta(hours=4), 0)
    for hours, body in ((3, {"verdict": "partial"}), (2, {"limit": "web"}), (1, {"check": True})):
        earlier_run(home, timedelta(hours=hours), 0, **body)
    found = last_whole_run(ledger, "inspect")
    assert found is not None
    assert found["run"] == "run-14400"
    assert last_whole_run(ledger, "other") is None


def memory(used: int, due: int = 0) -> list[dict[str, Any]]:
    detail = {"used_bytes": used}
    return [
        dict(observe({}, "restart.memory", "his.service", 1.0, "percent", detail)._asdict()),
        dict(
            unknown("restart.memory_growth", "his.service", "needs_history")._replace(limits={"warning": 50})._asdict()
        ),
        dict(observe({"restart.due": {"warning": 1}}, "restart.due", "his.service", due, "flag")._asdict()),
    ]


@pytest.mark.parametrize(("used", "percent", "level", "due"), [(140, 40.0, "ok", 0), (150, 50.0, "warning", 1)])
def test_a_service_whose_memory_grew_is_due_for_a_restart(
    home: Path, monkeypatch: pytest.MonkeyPatch, used: int, percent: float, level: str, due: int
) -> None:
    monkeypatch.setitem(earlier_run.__globals__, "observations", memory)
    earlier_run(home, timedelta(days=1), 100, check=True, limit="web")
    growth = growth_since_last_run(Ledger(home / "ledger", "test"), home / "runs", "inspect", NOW)
    _, grown, verdict = growth.complete("web", memory(used), NOW)
    assert [problem for one in (grown, verdict) for problem in problems(one)] == []
    assert (grown["value"], grown["level"], grown["detail"]["before_bytes"]) == (percent, level, 100)
    assert (verdict["value"], verdict["level"]) == (due, "warning" if due else "ok")
    assert verdict["detail"].get("due_for", []) == (["restart.memory_growth"] if due else [])


def test_without_an_earlier_figure_the_growth_of_memory_is_not_known(home: Path) -> None:
    earlier_run(home, timedelta(days=1), 100)
    growth = growth_since_last_run(Ledger(home / "ledger", "test"), home / "runs", "inspect", NOW)
    assert growth.complete("web", memory(100), NOW) == memory(100)
