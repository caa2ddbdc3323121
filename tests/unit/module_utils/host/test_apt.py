from __future__ import annotations

import os
from email.utils import formatdate
from pathlib import Path

import pytest
from ansible.module_utils.host import apt
from ansible.module_utils.measuring.errors import Unmeasurable


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_the_plans_of_real_hosts(captured, suite):
    text = captured(suite + "/apt-dist-upgrade.txt")
    plan = apt.parse_plan(text)
    upgraded, new = len(plan.upgraded), len(plan.new)
    assert f"{upgraded} upgraded, {new} newly installed" in text
    assert upgraded > 0
    assert set(plan.security) <= {*plan.upgraded, *plan.new}
    assert len(plan.security) == sum("-security" in line for line in text.splitlines() if line.startswith("Inst"))


def test_a_plan_with_new_kept_and_phased_packages(captured):
    plan = apt.parse_plan(captured("ubuntu2204/apt-dist-upgrade.txt"))
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
