from __future__ import annotations

import os
import sqlite3
from email.utils import formatdate
from pathlib import Path

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


@pytest.mark.parametrize("state", ["install reinstreq installed", "install reinstreq half-installed"])
def test_a_package_that_must_be_installed_again_is_an_interruption(state):
    assert apt.parse_half_done(f"Package: x\nStatus: {state}\n\nPackage: y\nStatus: install ok installed\n") == ["x"]


POLICY = """\
Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://mirror/sec bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
     origin mirror
 500 http://mirror/debian bookworm/main amd64 Packages
     release v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=amd64
     origin mirror
Pinned packages:
"""
VERSIONS = """\
openssl:
  Installed: 3.0.19-1~deb12u2
  Candidate: 3.0.22-1~deb12u2
  Version table:
     3.0.22-1~deb12u2 500
        500 http://mirror/sec bookworm-security/main amd64 Packages
     3.0.20-1~deb12u2 500
        500 http://mirror/debian bookworm/main amd64 Packages
 *** 3.0.19-1~deb12u2 100
        100 /var/lib/dpkg/status
bash:
  Installed: 5.2.15-2+b8
  Candidate: 5.2.15-2+b13
  Version table:
     5.2.15-2+b13 500
        500 http://mirror/debian bookworm/main amd64 Packages
     5.2.15-2+b9 -1
        -1 http://mirror/sec bookworm-security/main amd64 Packages
 *** 5.2.15-2+b8 100
        100 /var/lib/dpkg/status
"""


def test_packages_whose_candidate_is_for_security():
    sources = apt.parse_security_sources(POLICY)
    assert sources == {"http://mirror/sec bookworm-security/main amd64 Packages"}
    assert apt.parse_candidates(VERSIONS, sources) == ["openssl"]


NOW = 1_795_305_600
DAY = 86400


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """A folder of apt's lists that a failing update touched just now."""
    folder = tmp_path / "lists"
    (folder / "partial").mkdir(parents=True)
    monkeypatch.setattr(apt, "LISTS", str(folder))
    monkeypatch.setattr(apt, "SUCCESS_STAMP", str(tmp_path / "stamp"))

    def make(suite, age, label="Debian", *, expires=False):
        fields = [f"Label: {label}", f"Suite: {suite}", f"Date: {formatdate(NOW - age * DAY, usegmt=True)}"]
        if expires:
            fields.append(f"Valid-Until: {formatdate(NOW + (7 - age) * DAY, usegmt=True)}")
        text = "\n".join(["-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA512", "", *fields, "SHA256:", " 00 1 x"])
        (folder / f"mirror_dists_{suite}_InRelease").write_text(text)
        (folder / f"mirror_dists_{suite}_main_binary-amd64_Packages.lz4").touch()

    make.folder = folder
    return make


def age_of_lists():
    moment, repository = apt.fetched()
    return round((NOW - moment) / DAY, 3), repository


def test_lists_that_were_never_fetched(lists):
    with pytest.raises(Unmeasurable) as caught:
        apt.fetched()
    assert caught.value.code == "source_missing"


def test_the_frozen_suite_does_not_make_a_kept_host_stale(lists):
    lists("stable", 130)
    lists("stable-security", 2, "Debian-Security", expires=True)
    lists("stable-updates", 5)
    assert age_of_lists() == (2, "Debian-Security stable-security")


def test_an_update_that_fails_does_not_make_old_lists_fresh(lists):
    lists("stable-security", 30, "Debian-Security", expires=True)
    lists("vendor", 0)  # one source that answers is enough for apt to call it a success
    Path(apt.SUCCESS_STAMP).touch()
    assert age_of_lists() == (30, "Debian-Security stable-security")


def test_no_repository_that_expires_vouches_for_another(lists):
    lists("stable-security", 1, "Debian-Security", expires=True)
    lists("stable-backports", 20, expires=True)
    assert age_of_lists() == (20, "Debian stable-backports")


def test_of_suites_that_never_expire_those_for_security_count(lists):
    lists("jammy", 900, "Ubuntu")
    lists("jammy-updates", 0.5, "Ubuntu")
    assert age_of_lists() == (0.5, "Ubuntu jammy-updates")
    lists("jammy-security", 40, "Ubuntu")
    lists("jammy-infra-security", 50, "UbuntuESM")
    assert age_of_lists() == (40, "Ubuntu jammy-security")


def test_a_mirror_of_frozen_suites_is_as_fresh_as_its_last_success(lists):
    lists("10.1", 200, "Kylin")
    assert age_of_lists() == (200, "Kylin 10.1")
    Path(apt.SUCCESS_STAMP).touch()
    os.utime(apt.SUCCESS_STAMP, (NOW - DAY,) * 2)
    assert age_of_lists() == (1, "stamp")


def test_a_release_file_without_a_date_proves_nothing(lists):
    (lists.folder / "x_Release").write_text("Label: x\nSuite: x-security\n")
    with pytest.raises(Unmeasurable):
        apt.fetched()


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
    assert rpm.interrupted("dnf") == ["2 -y update"]
    history.execute("INSERT INTO trans VALUES (3, 40, 50, 'update', 1)")
    history.commit()
    history.close()
    assert rpm.interrupted("dnf") == []


def test_repositories_that_dnf_and_yum_list():
    dnf = "repo id                      repo name\nbaseos                       AlmaLinux 9 - BaseOS\nepel   Extra\n"
    assert rpm.parse_repositories(dnf) == ["baseos", "epel"]
    yum = "repo id            repo name        status\n!base/7/x86_64  CentOS-7 - Base  10072\n*epel/x86_64 EPEL 13\n"
    assert rpm.parse_repositories(yum + "repolist: 10085\n") == ["base", "epel"]


PROVIDERS = """\
Installed Packages
glibc.x86_64    2.34-83.el9_3.7     @anaconda
Available Packages
glibc.x86_64    2.34-83.el9_3.7     os
glibc.x86_64    2.34-100.el9_4.2    update
"""


def test_who_carries_the_base_packages():
    assert rpm.parse_providers(PROVIDERS) == {"os", "update"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cached metadata of dnf's repositories, and what dnf answers from it."""
    monkeypatch.setattr(rpm, "CACHES", (str(tmp_path / "{id}-[0-9a-f]*/repodata/{name}"),))
    answers = {"repolist": "", "glibc": PROVIDERS, "check-update": "openssl.x86_64  3.0-2  update\n"}
    monkeypatch.setattr(rpm.commands, "run", lambda argv, *_: rpm.commands.Completed(0, answers[argv[-1]], ""))

    def make(repository, age, index="<repomd/>"):
        folder = tmp_path / f"{repository}-0123456789abcdef" / "repodata"
        folder.mkdir(parents=True)
        for name, content in (("repomd.xml", index), ("ab-primary.xml.gz", "")):
            (folder / name).write_text(content)
            os.utime(folder / name, (NOW - age * DAY,) * 2)
        answers["repolist"] += f"{repository}   A repository\n"
        return folder

    make.answers = answers
    return make


def test_each_repository_of_dnf_stands_for_itself(cache):
    cache("epel", 0)
    folder = cache("baseos", 90)
    assert rpm.fetched("dnf", 5) == (NOW - 90 * DAY, "baseos")
    os.utime(folder / "ab-primary.xml.gz", (NOW, NOW))  # found unchanged at its origin
    assert rpm.fetched("dnf", 5)[0] == NOW
    cache.answers["repolist"] += "never   Never fetched\n"
    with pytest.raises(Unmeasurable) as caught:
        rpm.fetched("dnf", 5)
    assert caught.value.code == "source_missing"


def test_what_is_for_security_is_known_from_the_distribution_alone(cache):
    cache("os", 0)
    cache("epel", 0, '<data type="updateinfo">')
    assert rpm.security("dnf", 5) is None
    cache("update", 0, '<data type="updateinfo">')
    assert rpm.security("dnf", 5) == ["openssl"]


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
def host(monkeypatch):
    """A host with apt, 2 updates and 2 held ones, and lists of a given age in days."""

    def make(age=1, half_done=(), holder=None, security=True, held_security=()):
        context = Context(Inputs(DEFAULT_THRESHOLDS))
        monkeypatch.setattr(packages, "manager", lambda: "apt")
        monkeypatch.setattr(apt, "fetched", lambda: (context.now - age * DAY, "Ubuntu jammy-security"))
        monkeypatch.setattr(apt, "releases", lambda: [apt.Release("x", 0, False, security, True)])
        monkeypatch.setattr(apt, "plan", lambda _timeout: apt.parse_plan(UBUNTU))
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
