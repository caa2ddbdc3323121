from __future__ import annotations

import os
import sqlite3

import pytest
from ansible.module_utils.host import apt, packages, rpm, versions
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.errors import Unmeasurable
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS

UBUNTU = """\
The following packages have been kept back:
  linux-generic linux-headers-generic
The following upgrades have been deferred due to phasing:
  python3-distupgrade
The following NEW packages will be installed:
  linux-image-5.15.0-92-generic
The following packages will be upgraded:
  curl libssl3
2 upgraded, 1 newly installed, 0 to remove and 3 not upgraded.
Inst curl [7.81.0-1ubuntu1.14] (7.81.0-1ubuntu1.15 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
Inst libssl3 [3.0.2-0ubuntu1.12] (3.0.2-0ubuntu1.13 Ubuntu:22.04/jammy-updates [amd64]) []
Inst linux-image-5.15.0-92-generic (5.15.0-92.102 Ubuntu:22.04/jammy-security [amd64])
Conf curl (7.81.0-1ubuntu1.15 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
"""


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_the_plans_of_real_hosts(captured, suite):
    text = captured(suite + "/apt-dist-upgrade.txt")
    plan = apt.parse_plan(text)
    upgraded, new = len(plan.upgraded), len(plan.new)
    assert f"{upgraded} upgraded, {new} newly installed" in text
    assert upgraded > 0
    assert set(plan.security) <= {*plan.upgraded, *plan.new}
    assert len(plan.security) == sum("-security" in line for line in text.splitlines() if line.startswith("Inst"))


def test_a_plan_with_new_kept_and_phased_packages():
    plan = apt.parse_plan(UBUNTU)
    assert plan.upgraded == ["curl", "libssl3"]
    assert plan.new == ["linux-image-5.15.0-92-generic"]
    assert plan.security == ["curl", "linux-image-5.15.0-92-generic"]
    assert plan.kept_back == ["linux-generic", "linux-headers-generic"]
    assert plan.phased == ["python3-distupgrade"]


def test_packages_in_the_middle_of_a_change(captured):
    healthy = captured("debian12/dpkg-status.txt")
    assert apt.parse_half_done(healthy) == []
    broken = healthy.replace("Status: install ok installed", "Status: install ok half-configured", 1)
    assert apt.parse_half_done(broken) == [healthy.splitlines()[0].partition(": ")[2]]


def test_a_removed_package_with_its_configuration_is_no_interruption():
    assert apt.parse_half_done("Package: x\nStatus: deinstall ok config-files\n") == []


def test_the_newest_of_the_stamps_tells_when_lists_were_fetched(tmp_path, monkeypatch):
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    monkeypatch.setattr(apt, "LISTS", str(lists))
    monkeypatch.setattr(apt, "STAMPS", (str(tmp_path / "stamp"), str(lists / "partial"), str(lists)))
    with pytest.raises(Unmeasurable) as caught:
        apt.metadata_changed()
    assert caught.value.code == "source_missing"
    (lists / "mirror_dists_x_main_binary-amd64_Packages.lz4").touch()
    os.utime(lists, (1000, 1000))
    os.utime(lists / "partial", (5000, 5000))
    assert apt.metadata_changed() == 5000


def test_updates_that_dnf_knows(captured):
    long_name = "hospital-library-with-a-very-long-name-that-wraps-the-output-of-yum"
    assert rpm.parse_check_update(captured("dnf/check-update.txt")) == ["hospital-agent", long_name]
    assert rpm.parse_check_update(captured("dnf/check-update-security.txt")) == ["hospital-agent"]


def test_yum_wraps_long_lines_and_lists_obsoleted_packages_at_the_end():
    text = """
bind-libs.x86_64         32:9.11.4-26.P2.el7_9.16   updates
java-1.8.0-openjdk-headless.x86_64
                         1:1.8.0.412.b08-1.el7_9    updates
kernel.x86_64            3.10.0-1160.119.1.el7      updates
Obsoleting Packages
grub2.x86_64             1:2.02-0.87.el7.14         updates
    grub2.x86_64         1:2.02-0.87.el7            @base
"""
    assert rpm.parse_check_update(text) == ["bind-libs", "java-1.8.0-openjdk-headless", "kernel"]


def test_a_transaction_of_dnf_that_never_ended(tmp_path, monkeypatch):
    path = tmp_path / "history.sqlite"
    monkeypatch.setattr(rpm, "HISTORY", str(path))
    with pytest.raises(Unmeasurable):
        rpm.interrupted("dnf")
    history = sqlite3.connect(path)
    history.execute("CREATE TABLE trans (id INTEGER, dt_begin INTEGER, dt_end INTEGER, cmdline TEXT, state INTEGER)")
    history.execute("INSERT INTO trans VALUES (1, 10, 20, 'update', 1)")
    history.commit()
    assert rpm.interrupted("dnf") == []
    history.execute("INSERT INTO trans VALUES (2, 30, NULL, '-y update', 0)")
    history.commit()
    history.close()
    assert rpm.interrupted("dnf") == ["2 -y update"]


@pytest.mark.parametrize(
    ("installed", "running", "newest"),
    [
        (["6.1.0-9-amd64", "6.1.0-40-amd64", "6.1.0-41-cloud-amd64"], "6.1.0-9-amd64", "6.1.0-40-amd64"),
        (["5.15.0-91-generic", "5.15.0-101-generic"], "5.15.0-91-generic", "5.15.0-101-generic"),
        (
            ["3.10.0-957.el7.x86_64", "3.10.0-1160.119.1.el7.x86_64"],
            "3.10.0-957.el7.x86_64",
            "3.10.0-1160.119.1.el7.x86_64",
        ),
        (["6.12.38+deb13-amd64", "6.1.0-40-amd64"], "6.1.0-40-amd64", "6.12.38+deb13-amd64"),
        (["6.1.0-40-amd64"], "6.18.44-custom", None),
        ([], "6.18.44", None),
    ],
)
def test_the_newest_kernel_of_the_same_flavour(installed, running, newest):
    assert versions.newest(installed, running) == newest


@pytest.fixture
def host(monkeypatch):
    """A host with apt, 2 updates, and lists of a given age in days."""

    def make(age, half_done=(), running=()):
        context = Context(Inputs(DEFAULT_THRESHOLDS))
        monkeypatch.setattr(packages, "manager", lambda: "apt")
        monkeypatch.setattr(apt, "metadata_changed", lambda: context.now - age * 86400)
        monkeypatch.setattr(apt, "plan", lambda _timeout: apt.parse_plan(UBUNTU))
        monkeypatch.setattr(apt, "interrupted", lambda: list(half_done))
        monkeypatch.setattr(packages, "running", lambda _context, names: [name for name in running if name in names])
        return context

    return make


def test_updates_that_wait(host):
    pending, security = packages.pending(host(1))
    assert (pending.level, pending.value, pending.detail["kept_back"]) == ("notice", 2, 2)
    assert (security.level, security.value) == ("warning", 2)


def test_from_stale_lists_nothing_is_known(host):
    pending, security = packages.pending(host(8.5))
    for seen in (pending, security):
        assert (seen.level, seen.value) == ("unknown", None)
        assert seen.reason == {"code": "metadata_stale", "parameters": {"days": 8}}
        assert seen.detail["count"] == 2


def test_an_interrupted_change_is_critical_but_one_under_way_is_not(host):
    (seen,) = packages.interrupted(host(1, half_done=["mariadb-server"]))
    assert (seen.level, seen.detail["packages"]) == ("critical", ["mariadb-server"])
    (seen,) = packages.interrupted(host(1, half_done=["mariadb-server"], running=["dpkg", "bash"]))
    assert (seen.level, seen.detail["running"]) == ("ok", ["dpkg"])
