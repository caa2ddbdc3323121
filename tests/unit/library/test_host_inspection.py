"""Runs the module through Ansible on this very machine, and holds what it says against other ways of asking."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.host.thresholds import CHECKS
from ansible.module_utils.observations import problems
from hypothesis import given
from hypothesis import strategies as st

PROJECT = Path(__file__).resolve().parents[3]
MODULE = PROJECT / "library" / "host_inspection.py"


def load():
    spec = importlib.util.spec_from_file_location("host_inspection", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


host_inspection = load()


def run(tmp_path, *options, **arguments):
    """Run the module as Ansible does; return its result and the process's exit code."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(PROJECT / "library"),
        "ANSIBLE_MODULE_UTILS": str(PROJECT / "module_utils"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "ANSIBLE_REMOTE_TMP": str(tmp_path),
    }
    answer = subprocess.run(
        [
            *(
                Path(sys.executable).parent / "ansible",
                "localhost",
                "-m",
                "host_inspection",
                "-a",
                json.dumps(arguments),
            ),
            *("-i", "localhost,", "-c", "local", *options),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    result = re.search(r"^localhost \| \S+ => (\{.*\})$", answer.stdout, re.MULTILINE | re.DOTALL)
    assert result, answer.stdout + answer.stderr
    return json.loads(result.group(1)), answer.returncode


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    answer, code = run(tmp_path_factory.mktemp("ansible"), sample_seconds=0.2, expected_ports=["tcp/1"])
    assert code == 0, answer
    return answer


@pytest.fixture(scope="module")
def seen(result):
    return {(observation["check"], observation["subject"]): observation for observation in result["observations"]}


def test_every_observation_holds_the_schema_and_the_whole_is_lean(result):
    assert result["changed"] is False
    assert {check for observation in result["observations"] for check in problems(observation)} == set()
    assert {observation["check"] for observation in result["observations"]} <= set(CHECKS)
    assert len(json.dumps(result)) < 60_000


def test_the_disk_is_as_full_as_python_says(seen):
    usage = shutil.disk_usage("/")
    root = seen["filesystem.used", "/"]
    assert root["detail"]["size_bytes"] == usage.total
    # Others on this machine write and remove meanwhile.
    assert root["value"] == pytest.approx(100 * usage.used / (usage.used + usage.free), abs=5)


def test_inodes_are_as_df_says(seen):
    answer = subprocess.run(["df", "--output=itotal,iused", "/"], capture_output=True, text=True, check=True)
    total, used = (int(field) for field in answer.stdout.splitlines()[1].split())
    detail = seen["filesystem.inodes", "/"]["detail"]
    assert detail["inodes"] == total
    assert abs(detail["used"] - used) < 0.05 * total


def test_memory_is_as_the_kernel_or_the_cgroup_says(seen):
    memory = seen["memory.used", ""]
    if memory["detail"].get("scope") == "container":
        pytest.skip("the container's own figure; tests/unit/module_utils/host/test_container.py has its parts")
    figures = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(figures[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    assert memory["detail"]["total_bytes"] == total
    assert abs(memory["value"] - 100 * (total - available) / total) < 5


def test_load_and_uptime_are_as_the_system_calls_say(seen):
    load = seen["cpu.load_per_core", ""]
    assert abs(load["detail"]["load15"] - os.getloadavg()[2]) < 0.5
    assert load["detail"]["cores"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert 0 < seen["host.uptime", ""]["value"] <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_cpu_shares_are_shares(seen):
    shares = [seen[f"cpu.{share}", ""]["value"] for share in ("busy", "steal", "iowait")]
    assert all(0 <= share <= 100 for share in shares)
    assert sum(shares) <= 100.1


def test_a_declared_port_that_nobody_listens_on_is_critical(seen):
    assert seen["network.missing_port", "tcp/1"]["level"] == "critical"


def test_pending_updates_are_as_apt_says(seen):
    pending = seen["packages.pending", ""]
    if pending["level"] == "unknown" or pending["detail"]["manager"] != "apt":
        pytest.skip(f"this machine's updates are not known: {pending['reason']}")
    answer = subprocess.run(
        ["apt-get", "-s", "dist-upgrade"], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    upgraded, kept_back = re.search(r"(\d+) upgraded, .* (\d+) not upgraded", answer.stdout).groups()
    assert pending["value"] == int(upgraded) + int(kept_back) - pending["detail"]["phased"]


def test_check_mode_says_the_same(tmp_path, seen):
    answer, code = run(tmp_path, "--check", checks=["filesystem.used", "host.identity"])
    assert (code, answer["changed"]) == (0, False)
    assert {observation["check"] for observation in answer["observations"]} == {
        "filesystem.used", "host.identity"
    }  # fmt: skip
    assert answer["observations"][0] == seen["host.identity", ""]


def test_limits_of_a_site_are_laid_over_the_default_ones(tmp_path):
    thresholds = {"filesystem.used": {"subjects": {"/": {"warning": 0}}}, "host.uptime": {"notice": 1}}
    answer, _ = run(tmp_path, checks=["filesystem.used", "host.uptime"], thresholds=thresholds)
    found = {(each["check"], each["subject"]): each for each in answer["observations"]}
    assert found["filesystem.used", "/"]["limits"] == {"warning": 0, "critical": 90}
    assert found["filesystem.used", "/"]["level"] in ("warning", "critical")
    assert found["host.uptime", ""]["level"] == "notice"


def test_bad_inputs_are_all_named_at_once_and_nothing_is_measured(tmp_path):
    answer, code = run(
        tmp_path,
        thresholds={"cpu.bsuy": {}, "systemd.state": {}, "cpu.busy": {"warning": "high"}},
        sample_seconds=0,
        command_timeout=1e9,
        since="yesterday",
        expected_ports=["22"],
        certificates=["relative.crt"],
        checks=["cpu.*", "disc.*"],
    )
    assert code != 0
    assert "observations" not in answer
    for part in (
        "thresholds.cpu.bsuy: no such check",
        "thresholds.systemd.state: is a word",
        "thresholds.cpu.busy.warning: must be a number",
        "sample_seconds: must be",
        "command_timeout: must be",
        "since: 'yesterday'",
        "expected_ports: '22'",
        "certificates: 'relative.crt'",
        "checks: 'disc.*' matches no check",
    ):
        assert part in answer["msg"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("2026-11-22", 1795305600),
        ("2026-11-22T08:00:00+08:00", 1795305600),
        ("2026-11-22T00:00:00.123456Z", 1795305600),
        ("2026-11-22 00:00", 1795305600),
        ("2026-11-21T19:00:00-0500", 1795305600),
    ],
)
def test_moments_in_iso_8601(text, moment):
    assert host_inspection.parse_moment(text) == moment


@given(st.text(min_size=1))
def test_anything_else_is_no_moment(text):
    try:
        host_inspection.parse_moment(text)
    except ValueError:
        return
    assert text[:4].isdigit()


def test_the_documentation_is_what_the_module_takes():
    documented = yaml.safe_load(host_inspection.DOCUMENTATION)["options"]
    assert {
        name: {key: option[key] for key in ("type", "elements", "default") if key in option}
        for name, option in documented.items()
    } == host_inspection.ARGUMENTS


def test_the_role_passes_every_option(tmp_path):
    tasks = yaml.safe_load((PROJECT / "roles" / "host_inspection" / "tasks" / "main.yml").read_text())
    (task,) = tasks
    assert task["host_inspection"] == {
        option: f"{{{{ host_inspection_{option} }}}}" for option in host_inspection.ARGUMENTS
    }


def test_the_samples_of_the_documentation_are_real(seen):
    returned = yaml.safe_load(host_inspection.RETURN)["observations"]
    assert [problem for sample in returned["sample"] for problem in problems(sample)] == []
    assert set(returned["contains"]) == set(seen["host.identity", ""])
