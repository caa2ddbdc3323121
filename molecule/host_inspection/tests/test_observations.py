"""What the inspection reports of a host is what testinfra sees on it, and what prepare.yml planted is found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

INPUTS = Path(__file__).resolve().parent.parent / "vars" / "main.yml"


class Observations:
    """A host's observations, by check and subject."""

    def __init__(self, observations):
        self.by_key = {(item["check"], item["subject"]): item for item in observations}
        assert len(self.by_key) == len(observations)

    def __getitem__(self, key):
        """Return the observation of a check, or of a check and a subject."""
        return self.by_key[key if isinstance(key, tuple) else (key, "")]

    def subjects(self, check):
        return {subject for name, subject in self.by_key if name == check}


@pytest.fixture(scope="module")
def observed(host):
    inputs = yaml.safe_load(INPUTS.read_text(encoding="utf-8"))
    options = {name.removeprefix("host_inspection_"): value for name, value in inputs.items()}
    result = host.ansible("host_inspection", json.dumps(options))
    assert not result["changed"]
    return Observations(result["observations"])


def test_identity(host, observed):
    detail = observed["host.identity"]["detail"]
    assert observed["host.identity"]["value"] == host.check_output(". /etc/os-release; echo $PRETTY_NAME")
    assert detail["hostname"] == host.check_output("hostname") == host.backend.get_hostname()
    assert detail["kernel"] == host.check_output("uname -r")
    assert detail["python"] == host.check_output("python3 --version").split()[1]
    assert detail["container"] is True


def test_every_observation_is_graded_or_explained(observed):
    for item in observed.by_key.values():
        assert (item["level"] == "unknown") == (item["reason"] is not None), item


def test_root_file_system(host, observed):
    item = observed["filesystem.used", "/"]
    seen = host.check_output("df --output=pcent,size --block-size=1 / | tail -n 1").split()
    assert item["value"] == pytest.approx(float(seen[0].rstrip("%")), abs=1.5)
    assert item["detail"]["size_bytes"] == int(seen[1])


def test_failed_unit(host, observed):
    assert host.run("systemctl is-failed planted-failure.service").rc == 0
    assert observed.subjects("unit.failed") == {"planted-failure.service"}
    assert observed["unit.failed", "planted-failure.service"]["level"] == "critical"
    assert observed["systemd.state"]["value"] == host.run("systemctl is-system-running").stdout.strip() == "degraded"


def test_listening_ports(host, observed):
    assert host.socket("tcp://0.0.0.0:22").is_listening
    assert host.socket("tcp://0.0.0.0:8099").is_listening
    listed = {item["port"] for item in observed["network.listening"]["detail"]["ports"]}
    assert {"tcp/22", "tcp/8099"} <= listed
    assert observed.subjects("network.unexpected_port") == {"tcp/8099"}
    assert observed.subjects("network.missing_port") == {"tcp/3306"}
    assert observed["network.missing_port", "tcp/3306"]["level"] == "critical"


def test_deleted_file_held_open(host, observed):
    item = observed["filesystem.deleted_open"]
    pid = int(host.check_output("systemctl show --property=MainPID --value planted-holder.service"))
    assert item["level"] == "notice"
    assert item["value"] >= 120_000_000
    assert pid in [holder["pid"] for holder in item["detail"]["holders"]]


def test_certificate(observed):
    item = observed["certificate.expiry", "/etc/ssl/certs/planted.crt"]
    assert item["value"] == pytest.approx(5, abs=0.1)
    assert item["limits"] == {"warning": 30, "critical": 6, "below": True}
    assert item["level"] == "critical"


def test_errors_in_the_log(host, observed):
    assert "13812345678" in host.check_output("journalctl --identifier=planted --output=cat")
    digest = json.dumps(observed["log.errors"])
    assert "planted error for phone" in digest
    assert "13812345678" not in digest


def test_pending_packages(host, observed):
    planned = host.check_output("apt-get --simulate --quiet --ignore-hold dist-upgrade")
    upgrades = re.findall(r"^Inst (\S+) \[.*?\] \((.*)\)", planned, re.MULTILINE)
    security = {name for name, origins in upgrades if "Security:" in origins or "-security" in origins}
    assert {"planted-waiting", "planted-held"} <= security
    assert observed["packages.pending"]["value"] == len(upgrades)
    assert observed["packages.security"]["value"] == len(security)
    assert observed["packages.security"]["detail"]["held_security"] == ["planted-held"]
    assert observed["packages.security"]["level"] == "warning"


def test_memory_limit_is_told_from_the_machine(host, observed):
    machine = 1024 * int(re.search(r"MemTotal: +(\d+)", host.file("/proc/meminfo").content_string).group(1))
    limits = host.run("cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes").stdout.split()
    limit = min((int(text) for text in limits if text != "max"), default=machine)
    detail = observed["memory.used"]["detail"]
    assert detail["scope"] == ("container" if limit < machine else "machine")
    assert detail["total_bytes"] == min(limit, machine)
