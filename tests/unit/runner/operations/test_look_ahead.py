from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError
from runner.evidence.ledger import Ledger
from runner.operations.look_ahead import NAME, Look, look_ahead
from runner.site import Site
from tests.unit.runner.operations.contracts import moment

CONTRACT = """
schema_version: 1
number: T-1
title: 维保合同
system: 影像系统
provider: {name: 甲}
purchaser: {name: 乙}
timezone: Asia/Shanghai
term: {from: 2041-01-01, to: 2041-12-31}
obligations:
  - {id: A01, kind: procedure, procedure: inspect, cadence: monthly, clause: 巡检}
"""

#: Later than any clock that writes the entries of these tests.
NOW = moment("2041-03-10T08:00")


@pytest.fixture
def ledger(site: Site) -> Ledger:
    site.contract_file.write_text(CONTRACT, encoding="utf-8")
    return Ledger(site.ledger_folder, site.name)


def listed(ledger: Ledger, ended: str, *occurrences: str, verdict: str = "complete") -> None:
    body = {
        "run": f"run-{ended}",
        "procedure": "inspect",
        "obligations": ["A01"],
        "occurrences": list(occurrences),
        "ended": moment(ended).isoformat(),
        "verdict": verdict,
    }
    ledger.append("run", body)


def wanted(look: Look) -> list[str]:
    return [occurrence for turn in look.turns for occurrence in turn.occurrences]


def test_what_is_remembered_says_the_same_as_looking_again(site: Site, ledger: Ledger) -> None:
    listed(ledger, "2041-01-03T08:00", "A01/2041-01")
    listed(ledger, "2041-02-03T08:00", "A01/2041-02", verdict="failed")
    first = look_ahead(site, NOW)
    remembered = (site.cache_folder / NAME).read_bytes()
    assert look_ahead(site, NOW + timedelta(minutes=15)) == first
    assert (site.cache_folder / NAME).read_bytes() == remembered, "it was looked up, not worked out"
    (site.cache_folder / NAME).unlink()
    assert look_ahead(site, NOW) == first
    assert wanted(first) == ["A01/2041-03"]


def test_a_new_entry_is_seen_at_once(site: Site, ledger: Ledger) -> None:
    assert wanted(look_ahead(site, NOW)) == ["A01/2041-01"]
    listed(ledger, "2041-03-09T08:00", "A01/2041-01")
    assert wanted(look_ahead(site, NOW)) == ["A01/2041-02"]


def test_a_changed_contract_or_calendar_is_seen_at_once(site: Site, ledger: Ledger) -> None:
    look_ahead(site, NOW)
    site.contract_file.write_text(CONTRACT.replace("2041-01-01", "2041-03-01"), encoding="utf-8")
    assert wanted(look_ahead(site, NOW)) == ["A01/2041-03"]
    site.calendar_file.write_text("schema_version: 1\ncovers: [twenty]\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"calendar\.yml"):
        look_ahead(site, NOW)


def test_it_is_looked_up_again_when_the_next_run_begins(site: Site, ledger: Ledger) -> None:
    for month in (1, 2, 3):
        listed(ledger, "2041-03-09T08:00", f"A01/2041-{month:02d}")
    night = moment("2041-03-31T23:59")
    (turn,) = look_ahead(site, night).turns
    assert (turn.at, turn.reason) == (moment("2041-04-01"), "planned")
    (turn,) = look_ahead(site, moment("2041-04-01")).turns
    assert (turn.ready(moment("2041-04-01")), turn.reason) == (True, "")


def test_nothing_is_believed_for_longer_than_a_day_or_after_the_clock_was_set_back(site: Site, ledger: Ledger) -> None:
    look_ahead(site, NOW)
    kept = json.loads((site.cache_folder / NAME).read_text())
    assert datetime.fromisoformat(kept["until"]) <= NOW + timedelta(days=1)
    assert wanted(look_ahead(site, moment("2040-12-01T08:00"))) == ["A01/2041-01"]
    assert look_ahead(site, moment("2040-12-01T08:00")).turns[0].reason == "planned"


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"basis": 1, "looked": "x"}', b"\xff"])
def test_a_damaged_memory_is_no_harm(site: Site, ledger: Ledger, damage: bytes) -> None:
    first = look_ahead(site, NOW)
    (site.cache_folder / NAME).write_bytes(damage)
    assert look_ahead(site, NOW) == first


def test_entries_from_the_future_count_and_are_told(site: Site, ledger: Ledger) -> None:
    # The entry is written now: for a clock of 2020 that is the future.
    site.contract_file.write_text(CONTRACT.replace("2041", "2020"), encoding="utf-8")
    ledger.append(
        "run",
        {"run": "r", "procedure": "inspect", "obligations": ["A01"], "occurrences": ["A01/2020-01"],
         "ended": "2020-01-02T08:00:00+08:00", "verdict": "complete"},
    )  # fmt: skip
    look = look_ahead(site, moment("2020-01-05T08:00"))
    assert (wanted(look), look.turns[0].reason) == (["A01/2020-02"], "planned")
    assert look.behind is not None
    assert abs(look.behind - datetime.now(UTC)) < timedelta(minutes=1)
    assert look_ahead(site, NOW).behind is None


def test_an_entry_from_the_future_counts_after_the_clock_was_set_right(site: Site, ledger: Ledger) -> None:
    listed(ledger, "2041-12-03T08:00", "A01/2041-01")
    listed(ledger, "2041-03-03T08:00", "A01/2041-02")
    assert wanted(look_ahead(site, NOW)) == ["A01/2041-03"]


def test_a_folder_that_takes_nothing_costs_only_time(site: Site, ledger: Ledger, tmp_path: Path) -> None:
    site.cache_folder.rmdir()
    site.cache_folder.write_text("in the way")
    assert wanted(look_ahead(site, NOW)) == ["A01/2041-01"]


def test_an_entry_that_somebody_wrote_over_is_named(site: Site, ledger: Ledger) -> None:
    listed(ledger, "2041-01-03T08:00", "A01/2041-01")
    entry = ledger.append("record", {"obligations": ["A01"], "at": "gestern"})
    with pytest.raises(MachineError) as error:
        look_ahead(site, NOW)
    assert str(error.value) == (
        f"{entry.path.name}: is not what weibao writes (Invalid isoformat string: 'gestern'); see weibao ledger verify"
    )
