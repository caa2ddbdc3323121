from __future__ import annotations

import os

import pytest
from ansible.module_utils.host import apt, packages, versions
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable


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
        (["5.14.0-427.el9.x86_64", "5.14.0-427.el9.x86_64+debug"], "5.14.0-427.el9.x86_64", "5.14.0-427.el9.x86_64"),
        (["3.10.0-957.el7.x86_64", "3.10.0-1160.el7.x86_64.debug"], "3.10.0-957.el7.x86_64", "3.10.0-957.el7.x86_64"),
        (["5.14.0-427.el9.aarch64+64k"], "5.14.0-362.el9.aarch64+64k", "5.14.0-427.el9.aarch64+64k"),
    ],
)
def test_the_newest_kernel_of_the_same_flavour(installed, running, newest):
    assert versions.newest(installed, running) == newest


@pytest.fixture
def host(monkeypatch, captured):
    """A host with apt, 2 updates and 2 held ones, and lists of a given age in days."""

    def make(age=1, half_done=(), holder=None, security=True, held_security=()):
        context = Context(Inputs(DEFAULT_THRESHOLDS))
        monkeypatch.setattr(packages, "manager", lambda: "apt")
        monkeypatch.setattr(apt, "fetched", lambda: (context.now - age * 86400, "Ubuntu jammy-security"))
        monkeypatch.setattr(apt, "releases", lambda: [apt.Release("x", 0, False, security, True)])
        monkeypatch.setattr(apt, "plan", lambda _timeout: apt.parse_plan(captured("ubuntu2204/apt-dist-upgrade.txt")))
        monkeypatch.setattr(apt, "security_among", lambda names, _timeout: [n for n in names if n in held_security])
        monkeypatch.setattr(apt, "interrupted", lambda: list(half_done))
        monkeypatch.setattr(packages.locks, "holder", lambda _path: holder)
        return context

    return make


def test_updates_that_wait(host):
    pending, security = packages.pending(host())
    assert (pending.level, pending.value, pending.detail["kept_back"], pending.detail["new"]) == ("notice", 4, 2, 1)
    assert (security.level, security.value, security.detail["packages"]) == ("warning", 1, ["curl"])


def test_a_security_update_that_is_held_back_is_not_hidden(host):
    pending, security = packages.pending(host(held_security=["linux-generic"]))
    assert (security.level, security.value) == ("warning", 2)
    assert security.detail["held_security"] == ["linux-generic"]
    assert set(security.detail["packages"]) < set(pending.detail["packages"])


def test_without_a_security_repository_nobody_knows(host):
    pending, security = packages.pending(host(security=False))
    assert pending.level == "notice"
    assert (security.level, security.value, security.reason["code"]) == ("unknown", None, "no_security_source")


def test_from_stale_lists_nothing_is_known(host):
    pending, security = packages.pending(host(8.5))
    for seen, count in ((pending, 4), (security, 1)):
        assert (seen.level, seen.value) == ("unknown", None)
        assert seen.reason == {"code": "metadata_stale", "parameters": {"days": 8}}
        assert seen.detail["count"] == count


def test_an_interrupted_change_is_critical(host):
    (seen,) = packages.interrupted(host(half_done=["mariadb-server"]))
    assert (seen.level, seen.detail["packages"]) == ("critical", ["mariadb-server"])


@pytest.mark.parametrize("half_done", [[], ["mariadb-server"]])
def test_while_a_change_is_under_way_nobody_knows(host, half_done):
    (seen,) = packages.interrupted(host(half_done=half_done, holder="dpkg"))
    assert (seen.level, seen.value) == ("unknown", None)
    assert seen.reason == {"code": "in_progress", "parameters": {"process": "dpkg"}}


def test_a_program_that_only_waits_for_the_shutdown_is_not_at_work(host, monkeypatch):
    names = {"unattended-upgr", "apt-get"}
    monkeypatch.setattr(packages, "running", lambda _context, programs: sorted(names & set(programs)))
    (seen,) = packages.interrupted(host(half_done=["mariadb-server"]))
    assert seen.level == "critical"

    def refuse(_path):
        raise Unmeasurable("not_permitted", path="/var/lib/dpkg/lock")

    context = host(half_done=["mariadb-server"])
    monkeypatch.setattr(packages.locks, "holder", refuse)
    (seen,) = packages.interrupted(context)
    assert seen.reason["parameters"] == {"process": "apt-get"}
    names.remove("apt-get")
    (seen,) = packages.interrupted(context)
    assert seen.level == "critical"


@pytest.fixture
def machine(monkeypatch):
    """A host, not a container, with given kernels, that runs 6.1.0-40-amd64; tools and files are those named."""

    def make(kernels=(), present=(), answer=0):
        context = Context(Inputs(DEFAULT_THRESHOLDS))
        monkeypatch.setattr(type(context.surroundings), "container", False, raising=False)
        monkeypatch.setattr(packages, "_kernels", lambda: list(kernels))
        monkeypatch.setattr(packages.os, "uname", lambda: os.uname_result(("", "", "6.1.0-40-amd64", "", "")))
        monkeypatch.setattr(packages.os.path, "exists", lambda path: path in present)
        monkeypatch.setattr(packages.commands, "available", lambda tool: tool in present)
        monkeypatch.setattr(packages.commands, "run", lambda *_, **__: packages.commands.Completed(answer, "", ""))
        (seen,) = packages.reboot_required(context)
        return seen

    return make


def test_without_anything_to_judge_by_nobody_knows_whether_to_restart(machine):
    assert machine().reason["code"] == "source_missing"
    assert machine(["6.1.0-41-cloud-amd64"]).level == "unknown"
    assert machine(["6.1.0-40-amd64"]).level == "ok"
    assert machine(present=["needs-restarting"]).level == "ok"
    assert machine(present=packages.REBOOT_HOOKS[:1]).level == "ok"


@pytest.mark.parametrize(
    ("host", "reasons"),
    [
        ({"kernels": ["6.1.0-40-amd64", "6.1.0-41-amd64"]}, ["kernel"]),
        ({"present": ["/run/reboot-required"]}, ["/run/reboot-required"]),
        ({"present": ["needs-restarting"], "answer": 1}, ["needs-restarting"]),
    ],
)
def test_why_a_host_must_restart(machine, host, reasons):
    seen = machine(**host)
    assert (seen.level, seen.detail["reasons"]) == ("warning", reasons)
