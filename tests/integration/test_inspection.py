"""The main job over SSH: `weibao --site lab run inspect`, and the record that comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.program import Program
from tests.texts import text_of

pytestmark = pytest.mark.lab


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites", site="lab")


def test_the_lab_is_inspected_over_ssh_sealed_and_recorded(lab: Lab, program: Program) -> None:
    lab.host("app1").run("systemd-run --unit=broken-on-purpose /bin/false")
    try:
        printed = program.json("run", "inspect", "--format", "html,docx,pdf,xlsx,json", code=1)
    finally:
        lab.host("app1").run("systemctl reset-failed broken-on-purpose.service")
    assert printed["verdict"]["state"] == "complete"
    assert {host: result["outcome"] for host, result in printed["hosts"].items()} == dict.fromkeys(lab.names, "ok")
    assert all(result["changed"] == 0 and result["observations"] > 30 for result in printed["hosts"].values())
    documents = [Path(path) for path in printed["documents"]]
    assert [path.suffix for path in documents] == [".html", ".docx", ".pdf", ".xlsx", ".json"]
    for path in documents[:4]:
        text = text_of(path)
        assert "broken-on-purpose.service" in text, path
        assert all(name in text for name in lab.names), path
    record = json.loads(documents[4].read_text())
    assert {host["name"] for host in record["hosts"]} == set(lab.names)
    assert program.json("ledger", "verify")["findings"] == []


def test_limit_and_the_time_of_the_last_inspection(lab: Lab, program: Program) -> None:
    first = program.json("run", "inspect", "--fail-on", "never", "--format", "none")
    second = program.json("run", "inspect", "--fail-on", "never", "--format", "none", "--limit", "app2")
    assert list(second["hosts"]) == ["app2"]
    manifest = program.manifest()
    assert manifest["arguments"]["limit"] == "app2"
    started = json.loads((Path(first["folder"]) / "manifest.json").read_text())["started"]
    assert manifest["arguments"]["variables"] == {"weibao_since": started}


def test_a_host_that_dies_is_missed_and_the_others_are_recorded(lab: Lab, program: Program) -> None:
    # Sessions that an earlier connection left open would outlive the service.
    lab.podman("app1", "sh", "-c", "systemctl stop ssh.service ssh.socket; pkill -KILL sshd || true")
    try:
        printed = program.json("run", "inspect", "--fail-on", "never", code=4)
    finally:
        lab.podman("app1", "systemctl", "start", "ssh.service")
    assert printed["verdict"]["state"] == "partial"
    assert printed["verdict"]["missed"] == ["app1"]
    assert printed["hosts"]["app1"]["outcome"] == "unreachable"
    assert printed["hosts"]["app2"]["outcome"] == "ok"
    assert "app1" in text_of(Path(printed["documents"][0]))
