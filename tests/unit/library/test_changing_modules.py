"""What the documentation of the modules that change hosts says is what they take; the roles pass all of it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.changing.hold import folder_of_account
from ansible.module_utils.restarting.assessing import FIGURES, PRESENT

PROJECT = Path(__file__).resolve().parents[3]


def load(name):
    spec = importlib.util.spec_from_file_location(name, PROJECT / "library" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = {name: load(name) for name in ("service_restart", "change_probe")}


def arguments(options):
    kept = ("type", "elements", "default", "required", "choices")
    return {
        name: {
            **{key: option[key] for key in kept if key in option},
            **({"options": arguments(option["suboptions"])} if "suboptions" in option else {}),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_is_what_the_module_takes(name):
    documented = arguments(yaml.safe_load(MODULES[name].DOCUMENTATION)["options"])
    taken = {**MODULES[name].ARGUMENTS, "probes": {"type": "dict", "default": {}}}  # service_inspection documents these
    assert documented == taken


def test_the_role_passes_what_the_module_takes():
    tasks = PROJECT / "roles" / "service_restart" / "tasks"
    (work,) = yaml.safe_load((tasks / "main.yml").read_text())
    (task,), (rescue,) = work["block"], work["rescue"]
    (back,) = yaml.safe_load((tasks / "rollback.yml").read_text())
    taken = set(MODULES["service_restart"].ARGUMENTS)
    assert set(task["service_restart"]) == taken - {"state", "before", "touched", "drained"}
    assert set(back["service_restart"]) == taken - {"when", "thresholds"}
    assert set(rescue["service_restart"]) == set(task["service_restart"]) - {"thresholds"} | {"state"}
    assert rescue["register"] == task["register"], "by which the gate goes"
    for one in (work, back):
        assert one["vars"] == {"ansible_no_target_syslog": True, "ansible_ssh_retries": 0}


def test_the_options_of_services_are_the_role_s():
    specified = yaml.safe_load((PROJECT / "roles/service_restart/meta/argument_specs.yml").read_text())
    options = specified["argument_specs"]["main"]["options"]["service_restart_services"]["options"]
    taken = MODULES["service_restart"].ARGUMENTS["services"]["options"]
    assert {name: option["type"] for name, option in options.items()} == {
        name: option["type"] for name, option in taken.items()
    }


def test_the_lab_grants_what_the_readme_of_the_role_says():
    text = (PROJECT / "roles/service_restart/README.md").read_text()
    documented = re.search(r"^    inspector ALL=.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)[0]
    granted = (PROJECT / "molecule/lab/files/hosts/sudoers-inspector-changes").read_text()
    lines = [line.strip() for line in granted.splitlines() if not line.startswith("#")]
    assert lines == [line.strip() for line in documented.strip().splitlines()]


def run(tmp_path, name, *options, **given):
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(PROJECT / "library"),
        "ANSIBLE_MODULE_UTILS": str(PROJECT / "module_utils"),
    }
    command = [Path(sys.executable).parent / "ansible", "localhost", "-m", name, "-a", json.dumps(given)]
    local = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    answer = subprocess.run([*command, *local, *options], env=environment, capture_output=True, text=True, check=False)
    result = re.search(r"^(?:\[ERROR\].*\n)*localhost \| \S+ => (\{.*\})$", answer.stdout, re.MULTILINE | re.DOTALL)
    assert result, answer.stdout + answer.stderr
    return json.loads(result.group(1))


def test_everything_wrong_is_named_at_once(tmp_path):
    answer = run(
        tmp_path,
        "service_restart",
        services=[{"name": "a b"}, {"name": "x.timer"}],
        thresholds={"restart.tmie": {}},
        probes={"http": [{"url": "http://user:geheim@his:0/"}]},
    )
    for part in ("x.timer is no service", "restart.tmie: no such check", "probes.http[0].url", "'a b"):
        assert part in answer["msg"]
    assert "geheim" not in json.dumps(answer)


def test_it_does_not_restart_without_a_change(tmp_path):
    answer = run(tmp_path, "service_restart", services=[{"name": "weibao-none"}], when="always")
    assert "the play has to pass role change_gate first" in answer["msg"]


def test_check_mode_needs_no_change_and_holds_nothing(tmp_path):
    answer = run(tmp_path, "service_restart", "--check", services=[{"name": "weibao-none"}], when="always")
    # Here nothing can be measured, so that nothing would be touched.
    assert (answer["changed"], answer["restarted"]) == (False, [])
    assert [one["check"] for one in answer["observations"]] == [PRESENT, *FIGURES, "restart.due"]


def test_commands_and_their_arguments_are_not_in_the_result(tmp_path):
    service = {"name": "weibao-none", "drain_command": ["lb", "-p", "geheim"], "resume_command": ["lb", "geheim"]}
    for options in (["-vvv", "--check"], ["-vvv"]):
        answer = run(tmp_path, "service_restart", *options, services=[service], when="always")
        assert "geheim" not in json.dumps(answer)
        assert answer["invocation"]["module_args"]["services"][0]["drain_command"] == ["lb"]


@pytest.mark.parametrize("patience", [-1, "nan", "inf"])
def test_patience_that_no_window_has_is_refused(tmp_path, patience):
    change = {"run": "weibao-test", "lease_seconds": 10}
    answer = run(tmp_path, "change_probe", change=change, patience=patience)
    assert "patience must be from 0 to 86400 seconds" in answer["msg"]


def test_of_a_host_without_services_it_is_not_known_whether_a_restart_is_due(tmp_path):
    found = run(tmp_path, "service_restart", "--check", services=[])["observations"]
    assert [one["check"] for one in found] == [PRESENT, "restart.due"]
    assert {(one["level"], one["reason"]["code"]) for one in found} == {("unknown", "not_declared")}


def test_check_mode_tells_the_steps_that_would_be_done(monkeypatch):
    module = MODULES["service_restart"]
    given = {"before": [], "thresholds": {}, "wait": 0.0, "sudo": False, "when": "always"}
    services, wrong = module.read_services([{"name": "nginx"}])
    assert wrong == []
    plan = module.Restart(services, module.probing.declared({}, ["nginx.service"]), [], 0.0, [])
    well = [{"check": "dns.answer", "subject": "localhost", "level": "ok", "reason": None}]
    # No systemd is needed here: what is asked is told, what is made of it is real.
    monkeypatch.setattr(module, "wanted", lambda plan, given: ([], [], ["nginx.service"]))
    monkeypatch.setattr(module.probing, "ask", lambda probes: well)
    answer = module._assessed(plan, given)
    assert [one["subject"] for one in answer["observations"]] == [
        "stop nginx.service",
        "start nginx.service",
        "check the probes",
    ]
    well[0]["level"] = "critical"
    assert module._assessed(plan, given)["observations"] == []


def test_a_service_that_is_not_there_is_left_alone_and_not_told_as_nothing_due(tmp_path, monkeypatch):
    tool = tmp_path / "systemctl"
    tool.write_text("#!/bin/sh\necho LoadState=not-found\necho ActiveState=inactive\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with socket.create_server(("127.0.0.1", 0)) as there:
        probes = {"tcp": [{"host": "127.0.0.1", "port": there.getsockname()[1]}]}
        change = {"run": "weibao-test", "lease_seconds": 10}
        try:
            given = {"services": [{"name": "nosuch"}], "when": "always", "probes": probes, "change": change}
            answer = run(tmp_path, "service_restart", **given)
        finally:
            (Path(folder_of_account()) / "change.json").unlink(missing_ok=True)
    assert (answer["changed"], answer["restarted"], answer["outcome"]) == (False, [], "idle")
    found = {one["check"]: one for one in answer["observations"]}
    assert (found[PRESENT]["level"], found[PRESENT]["detail"]) == ("critical", {"state": "not-found"})
    (step,) = [one for one in answer["observations"] if one["check"] == "change.step"]
    assert (step["subject"], step["level"]) == ("left alone nosuch.service", "critical")
    assert step["detail"]["problem"] == "not running"


def test_a_host_is_given_free_unless_its_way_back_follows(tmp_path):
    change = {"run": "weibao-test", "lease_seconds": 10}
    path = Path(folder_of_account()) / "change.json"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        probes = {"tcp": [{"host": "127.0.0.1", "port": closed.getsockname()[1]}]}
    try:
        for leads_back in (True, False):
            answer = run(tmp_path, "change_probe", change=change, probes=probes, leads_back=leads_back)
            assert answer["judgement"]["word"] == "worse"
            assert path.exists() == leads_back
    finally:
        path.unlink(missing_ok=True)
