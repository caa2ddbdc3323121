"""Hosts that could not be looked at: the verdict, the first page, the exit code and the channels agree on it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import Lab
from tests.program import PROJECT, Program
from tests.texts import text_of

pytestmark = pytest.mark.lab

#: Enough to know a host by, and no more.
QUICK = {"host_inspection_checks": ["host.*"], "service_inspection_units": [], "service_inspection_tcp": [],
         "service_inspection_http": [], "service_inspection_dns": [], "backup_inspection_sets": [],
         "database_inspection_instances": []}  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites", site="fleet")


def fleet(program: Program, **of_hosts: dict[str, Any]) -> Program:
    """Make a site of the lab's hosts that is quickly inspected, with further variables of single hosts."""
    folder = program.sites / program.site
    shutil.copytree(PROJECT / "inventories" / "lab", folder)
    inventory = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))
    for group in inventory["lab"]["children"].values():
        for host, variables in group["hosts"].items():
            group["hosts"][host] = {**variables, **QUICK, **of_hosts.get(host, {})}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return program


@contextmanager
def in_the_middle(program: Program, *arguments: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Start a run, and go on when the module is at work on the hosts; yield what waits for its end."""
    running = subprocess.Popen(
        program.command("run", "inspect", "--fail-on", "never", *arguments),
        env=program.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr
    for line in running.stderr:
        if "Inspect the host" in line:
            break

    def ended() -> dict[str, Any]:
        running.communicate(timeout=240)
        assert running.returncode == 4
        return program.manifest()

    yield ended
    running.kill()
    running.communicate()


def outcomes(manifest: dict[str, Any]) -> dict[str, str]:
    return {host: result["outcome"] for host, result in manifest["hosts"].items() if result["outcome"] != "ok"}


def first_page(program: Program) -> str:
    """Return the text of the newest record's first section, whose title stands in the list of contents too."""
    (record,) = sorted((program.state / "documents").glob("*.html"))[-1:]
    return text_of(record).rpartition("一、巡检结论与异常")[2].partition("二、")[0]


def test_a_jump_host_that_is_down_hides_what_lies_behind_it(lab: Lab, program: Program) -> None:
    fleet(program)
    lab.kill("jump")
    try:
        printed = program.json("run", "inspect", "--fail-on", "never", code=4)
    finally:
        lab.start("jump")
    assert printed["verdict"]["state"] == "partial"
    assert printed["verdict"]["missed"] == ["inner", "jump"]
    assert outcomes(program.manifest()) == {"inner": "unreachable", "jump": "unreachable"}
    shown = first_page(program)
    assert "inner" in shown
    assert "jump" in shown
    assert "无法连接" in shown


def test_refused_sudo_is_told_as_such(lab: Lab, program: Program) -> None:
    fleet(program, legacy={"ansible_become": True})
    printed = program.json("run", "inspect", "--fail-on", "never", code=4)
    assert outcomes(program.manifest()) == {"legacy": "refused"}
    assert [reason["code"] for reason in printed["verdict"]["reasons"]] == ["hosts_refused"]
    assert "legacy" in first_page(program)


def test_a_host_that_hangs_in_the_middle_costs_its_own_time_only(lab: Lab, program: Program) -> None:
    slow = {"host_inspection_checks": ["cpu.*"], "host_inspection_sample_seconds": 12, "weibao_host_timeout": 20}
    fleet(program, app1=slow)
    with in_the_middle(program) as ended:
        lab.pause("app1")
        try:
            manifest = ended()
        finally:
            lab.resume("app1")
    assert manifest["verdict"]["state"] == "partial"
    assert outcomes(manifest) == {"app1": "timed_out"}
    assert "app1" in first_page(program)


def test_a_host_that_dies_in_the_middle_is_missed(lab: Lab, program: Program) -> None:
    fleet(program, app2={"host_inspection_checks": ["cpu.*"], "host_inspection_sample_seconds": 30})
    with in_the_middle(program) as ended:
        lab.kill("app2")
        try:
            manifest = ended()
        finally:
            lab.start("app2")
    assert outcomes(manifest) == {"app2": "unreachable"}
    assert "app2" in first_page(program)


def test_a_run_that_takes_too_long_is_incomplete_and_keeps_what_came(lab: Lab, program: Program) -> None:
    fleet(program, app1={"host_inspection_checks": ["cpu.*"], "host_inspection_sample_seconds": 60})
    printed = program.json("run", "inspect", "--timeout", "20", "--fail-on", "never", code=4)
    assert printed["verdict"]["state"] == "incomplete"
    assert printed["verdict"]["reasons"][0] == {"code": "timed_out", "parameters": {"seconds": 20}}
    assert printed["hosts"]["db1"]["observations"] > 0
    assert printed["hosts"]["app1"]["outcome"] == "not_finished"
    assert "不能作为履约记录" in first_page(program)


def test_a_module_that_crashes_is_that_host_s_failure(lab: Lab, program: Program) -> None:
    # A Python that cannot start: what Ansible calls a module failure.
    fleet(program, db2={"ansible_python_interpreter": "/usr/bin/false"})
    program.json("run", "inspect", "--fail-on", "never", code=4)
    assert outcomes(program.manifest()) == {"db2": "failed"}
    assert "db2" in first_page(program)


def test_half_a_fleet_is_named_host_by_host_and_all_of_it_is_a_failure(lab: Lab, program: Program) -> None:
    gone = {"ansible_port": 1}
    fleet(program, app1=gone, app2=gone, db1=gone)
    printed = program.json("run", "inspect", "--fail-on", "never", code=4)
    assert printed["verdict"]["state"] == "partial"
    assert printed["verdict"]["missed"] == ["app1", "app2", "db1"]
    none = program.json("run", "inspect", "--limit", "app", code=4)
    assert none["verdict"]["state"] == "failed"
    shown = first_page(program)
    assert "实检 0 台" in shown


def test_what_is_not_covered_is_on_the_first_page_and_harms_no_verdict(lab: Lab, program: Program) -> None:
    fleet(program)
    printed = program.json("run", "inspect", "--fail-on", "never")
    assert printed["verdict"] == {"state": "complete", "reasons": [], "missed": []}
    assert {asset["host"] for asset in printed["not_covered"]} == {"lis-windows", "oracle-his", "printer-ward3"}
    assert set(printed["hosts"]) == set(lab.names)
    shown = first_page(program)
    assert "lis-windows" in shown
    assert "未覆盖" in shown
