from __future__ import annotations

import os
import sqlite3

import pytest
from ansible.module_utils.host import rpm
from ansible.module_utils.measuring.errors import Unmeasurable

NOW = 1_795_305_600
DAY = 86400


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
