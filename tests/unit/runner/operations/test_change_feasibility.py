"""Whether a change can be carried out as it is planned, by what can be told without a preview."""

from __future__ import annotations

from typing import Any

from runner.operations.book import open_book
from runner.operations.change_feasibility import Feasible, feasibility, previewed_checks
from runner.operations.change_plan import Plan
from runner.procedures import find_procedure
from runner.site import PROJECT, Site
from tests.unit.runner.operations.changed import PLAN, changed


def checks(site: Site, unpinned: tuple[str, ...] = (), **told: Any) -> dict[str, Feasible]:
    plan = Plan({**PLAN, **told}, {}, unpinned)
    checked = changed(site)
    return {one.check: one for one in feasibility(checked, plan, None, open_book(site).keyring(), "张伟")}


def test_a_window_holds_a_batch_and_the_way_back(site: Site) -> None:
    assert checks(site)["window"].passed is True
    short = checks(site, steps=[{"name": "慢", "minutes": 300}])["window"]
    assert (short.passed, short.reason and short.reason.code) == (False, "window_short")


def test_a_step_that_does_not_say_how_long_it_takes_leaves_it_open(site: Site) -> None:
    silent = [{"name": "停止", "minutes": 5}, {"name": "启动"}]
    found = checks(site, steps=silent)["window"]
    assert (found.passed, found.reason and found.reason.as_dict()) == (
        None,
        {"code": "no_minutes", "parameters": {"steps": ["启动"]}},
    )
    assert checks(site, steps=silent, reserve_minutes=235)["window"].passed is False


def test_what_is_looked_up_when_it_is_used_is_told_to_whoever_approves(site: Site) -> None:
    assert "pinned" not in checks(site)
    found = checks(site, ("release",))["pinned"]
    assert (found.passed, found.reason and found.reason.parameters) == (None, {"names": ["release"]})


def test_a_restart_is_feasible_where_every_service_is_there() -> None:
    declared = find_procedure(PROJECT, "restart-services").feasibility
    levels = {"app1": "ok", "app2": "critical", "app3": "unknown"}
    for hosts, passed in (("app1",), True), (("app1", "app3"), None), (("app1", "app2", "app3"), False):
        observed = [{"check": "restart.present", "host": host, "level": levels[host]} for host in hosts]
        (found,) = previewed_checks(declared, observed)
        assert (found.check, found.passed) == ("restart.present", passed)
