"""The lab itself: repeatable, repairs itself, and its host keys are really checked."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.lab import INVENTORY, PROJECT, STATE, Lab, LabError, command

pytestmark = pytest.mark.lab


def changes(output: str) -> dict[str, int]:
    """Return the count of changes that Ansible's recap names for each host."""
    recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE)
    return {name: int(count) for name, count in recap}


def test_hosts_run_the_suites_that_the_inventory_names(lab: Lab) -> None:
    hosts = [lab.host(name) for name in lab.names]
    assert [host.check_output("hostname") for host in hosts] == ["debian12", "debian13"]
    assert [host.system_info.codename for host in hosts] == ["bookworm", "trixie"]
    assert [host.run("systemctl is-system-running").stdout for host in hosts] == ["running\n"] * 2


def test_creating_again_changes_nothing(lab: Lab) -> None:
    assert changes(lab.create()) == {"localhost": 0, **dict.fromkeys(lab.names, 0)}


@pytest.mark.parametrize("damage", ["podman kill weibao-lab-{}", "podman rm --force --time 0 weibao-lab-{}"])
def test_creating_again_repairs_a_broken_host(lab: Lab, damage: str) -> None:
    broken, *others = lab.names
    command(damage.format(broken).split())
    assert lab.status()[broken] != "running"
    assert changes(lab.create()) == {"localhost": 0, broken: 1, **dict.fromkeys(others, 0)}
    assert lab.host(broken).check_output("id -un") == "root"


def test_a_host_with_another_key_is_refused(lab: Lab) -> None:
    first, second = (f"[127.0.0.1]:{port} " for port in (22012, 22013))
    known = STATE / "ssh" / "known_hosts"
    genuine = known.read_text(encoding="utf-8")
    assert first in genuine
    swapped = genuine.replace(first, "#").replace(second, first).replace("#", second)
    known.write_text(swapped, encoding="utf-8")
    try:
        with pytest.raises(LabError, match="Host key verification failed"):
            command(["ansible", "-i", INVENTORY, "debian12", "-m", "ping"], {"ANSIBLE_SSH_ARGS": "-o ControlPath=none"})
    finally:
        known.write_text(genuine, encoding="utf-8")


def test_apt_reaches_its_archives_from_inside(lab: Lab) -> None:
    for name in lab.names:
        assert lab.host(name).run("apt-get update --error-on=any").rc == 0


def test_the_lab_is_not_removed_under_a_test_run(lab: Lab) -> None:
    refused = subprocess.run(
        [PROJECT / "molecule" / "lab" / "files" / "remove.sh"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "in use by the test run" in refused.stderr
    assert set(lab.status().values()) == {"running"}


def test_hosts_do_not_share_keys(lab: Lab) -> None:
    keys = [lab.podman(name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1] for name in lab.names]
    machines = [lab.podman(name, "cat", "/etc/machine-id") for name in lab.names]
    assert len(set(keys)) == len(set(machines)) == len(lab.names), json.dumps([keys, machines])
