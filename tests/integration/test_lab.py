"""The lab itself: repeatable, repairs itself, and its host keys are really checked."""

from __future__ import annotations

import itertools
import json
import re
import subprocess

import pytest
import yaml

from tests.lab import INVENTORY, PROJECT, STATE, Lab, LabError, command

pytestmark = pytest.mark.lab


def changes(output: str) -> dict[str, int]:
    """Return the count of changes that Ansible's recap names for each host."""
    recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE)
    return {name: int(count) for name, count in recap}


#: Asks for a page over TLS with the lab's authority alone, and prints its status and its text.
HTTPS = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/etc/weibao-lab/ca.crt")
answer = urllib.request.urlopen(sys.argv[1], context=context, timeout=10)
print(answer.status, answer.read().decode())
"""

#: What inspector may do as root on legacy, and what it may not although it is close.
BOUND = "/usr/bin/timeout -k 5 60"
ALLOWED = f"{BOUND} /usr/bin/stat -L -c %d-%i-%f-%h-%b-%n /proc/1/fd/0"
FORBIDDEN = (
    "-s",
    "id",
    "cat /etc/shadow",
    f"{BOUND} /bin/sh -c id",
    f"{BOUND} /usr/bin/stat -L -c %n /etc/shadow",
    f"{BOUND} /usr/bin/find /proc -delete",
    f"{BOUND} /usr/sbin/smartctl --json --smart=off /dev/sda",
)


def ssh_arguments(group: str) -> str:
    """Return how the hosts of a group are reached, as the inventory says it."""
    variables = yaml.safe_load((INVENTORY.parent / "group_vars" / f"{group}.yml").read_text(encoding="utf-8"))
    return str(variables["ansible_ssh_common_args"])


def ping(name: str, **variables: str) -> None:
    """Log in to a host with a connection of its own; raise LabError where that fails.

    Nothing is sent there: it could be in vain before ssh has said why it gives up.
    """
    module = ("-m", "raw", "-a", "true", "-e", json.dumps(variables))
    command(["ansible", "-i", INVENTORY, name, *module], {"ANSIBLE_SSH_ARGS": "-o ControlPath=none"})


@pytest.mark.parametrize(
    ("name", "suite", "python"),
    [
        ("app1", "bookworm", "3.11"),
        ("app2", "trixie", "3.13"),
        ("db1", "bookworm", "3.11"),
        ("db2", "trixie", "3.13"),
        ("jump", "bookworm", "3.11"),
        ("inner", "bookworm", "3.11"),
        ("legacy", "bullseye", "3.9"),
    ],
)
def test_a_host_is_what_the_inventory_says_and_starts_clean(lab: Lab, name: str, suite: str, python: str) -> None:
    host = lab.host(name)
    assert host.check_output("hostname") == name
    assert host.check_output("id -un") == ("inspector" if name == "legacy" else "root")
    assert host.system_info.codename == suite
    assert host.check_output("python3 --version").startswith(f"Python {python}.")
    assert host.run("systemctl is-system-running").stdout == "running\n"
    assert host.run("systemctl list-units --failed --no-legend").stdout == ""


def test_every_host_is_named_by_a_test_above(lab: Lab) -> None:
    assert lab.names == ("app1", "app2", "db1", "db2", "jump", "inner", "legacy")


def test_creating_again_changes_nothing(lab: Lab) -> None:
    assert changes(lab.create()) == {"localhost": 0, **dict.fromkeys(lab.names, 0)}


@pytest.mark.parametrize("damage", ["kill", "pause", "rm --force --time 0"])
def test_creating_again_repairs_a_broken_host(lab: Lab, damage: str) -> None:
    command(["podman", *damage.split(), "weibao-lab-app1"])
    assert lab.status()["app1"] != "running"
    changed = changes(lab.create())
    assert changed.pop("app1") > 0
    assert changed == dict.fromkeys(changed, 0)
    assert "挂号系统" in lab.podman("app2", "python3", "-c", HTTPS, "https://app1/")


def test_a_killed_host_is_back_when_start_returns(lab: Lab) -> None:
    lab.kill("app2")
    lab.start("app2")
    assert lab.shell("app2", "systemctl is-system-running").strip() == "running"
    assert "挂号系统" in lab.podman("app2", "python3", "-c", HTTPS, "https://localhost/")
    ping("app2")


@pytest.mark.parametrize("name", ["app1", "app2"])
def test_the_application_answers_in_chinese_over_tls(lab: Lab, name: str) -> None:
    page = lab.podman("db1", "python3", "-c", HTTPS, f"https://{name}/")
    assert page.startswith("200 ")
    assert "<h1>挂号系统</h1>" in page
    assert '"status": "ok"' in lab.podman(name, "python3", "-c", HTTPS, "http://localhost/health")
    with pytest.raises(LabError, match="CERTIFICATE_VERIFY_FAILED"):
        lab.podman("db1", "python3", "-c", HTTPS.replace('cafile="/etc/weibao-lab/ca.crt"', ""), f"https://{name}/")


def test_the_clocks_follow_jump(lab: Lab) -> None:
    leap, reference = (lab.shell("app1", f"chronyc -c tracking | cut -d, -f{field}").strip() for field in (14, 2))
    assert (leap, reference) == (
        "Normal",
        lab.shell("app1", "getent ahostsv4 jump | cut -d' ' -f1 | head -n 1").strip(),
    )


def test_db2_follows_db1(lab: Lab) -> None:
    assert "10.11." in lab.podman("db1", "mariadb", "-NBe", "SELECT VERSION()")
    assert "11.8." in lab.podman("db2", "mariadb", "-NBe", "SELECT VERSION()")
    lab.podman("db1", "mariadb", "-e", "CREATE TABLE his.probe (id INT); INSERT INTO his.probe VALUES (42)")
    try:
        position = lab.podman("db1", "mariadb", "-NBe", "SELECT @@gtid_binlog_pos").strip()
        assert lab.podman("db2", "mariadb", "-NBe", f"SELECT MASTER_GTID_WAIT('{position}', 10)") == "0\n"
        assert lab.podman("db2", "mariadb", "-NBe", "SELECT id FROM his.probe") == "42\n"
    finally:
        lab.podman("db1", "mariadb", "-e", "DROP TABLE his.probe")


@pytest.mark.parametrize("name", ["db1", "db2"])
def test_the_database_account_may_look_and_no_more(lab: Lab, name: str) -> None:
    account = ("mariadb", "--defaults-file=/etc/weibao-lab/weibao.cnf", "-NBe")
    assert "weibao@localhost" in lab.podman(name, *account, "SELECT CURRENT_USER()")
    assert lab.podman(name, *account, "SHOW REPLICA STATUS").startswith("" if name == "db1" else "Waiting")
    for statement in ("SELECT * FROM his.patient", "CREATE DATABASE mine", "SET GLOBAL read_only = 0"):
        with pytest.raises(LabError, match=r"denied|read-only"):
            lab.podman(name, *account, statement)
    assert lab.shell(name, "stat -c '%a %U' /etc/weibao-lab/weibao.cnf") == "600 root\n"


def test_a_new_primary_is_followed(lab: Lab) -> None:
    command(["podman", "rm", "--force", "--time", "0", "weibao-lab-db1"])
    changed = changes(lab.create())
    assert {name for name, count in changed.items() if count} == {"db1", "db2"}
    test_db2_follows_db1(lab)


def test_a_week_of_backups_lies_on_db1(lab: Lab) -> None:
    listed = lab.shell("db1", "cd /var/backups/mariadb; find . -name '*.gz' -printf '%T@\n' | sort -n")
    moments = [float(line) for line in listed.split()]
    assert len(moments) == 7
    assert {round(later - earlier) for earlier, later in itertools.pairwise(moments)} == {86400}
    assert 0 <= float(lab.shell("db1", "date +%s")) - moments[-1] <= 86400
    lab.shell("db1", "cd /var/backups/mariadb; sha256sum --check --strict --quiet *.sha256")
    assert lab.shell("db1", "zcat /var/backups/mariadb/*.gz | grep -c '^-- Dump completed'") == "7\n"


def test_inner_is_reached_through_jump_alone(lab: Lab) -> None:
    ping("inner")
    assert command(["podman", "port", "weibao-lab-inner"]) == ""
    with pytest.raises(LabError, match="Could not resolve hostname inner"):
        ping("inner", ansible_ssh_common_args=ssh_arguments("lab"))
    lab.kill("jump")
    try:
        with pytest.raises(LabError, match="UNREACHABLE"):
            ping("inner")
    finally:
        lab.start("jump")


def test_legacy_grants_its_inspector_a_few_commands_and_no_root(lab: Lab) -> None:
    host = lab.host("legacy")
    assert host.check_output(f"sudo -n {ALLOWED}").endswith("-/proc/1/fd/0")
    for forbidden in FORBIDDEN:
        assert "a password is required" in host.run(f"sudo -n {forbidden}").stderr, forbidden
    assert host.run("cat /etc/shadow").rc != 0
    assert host.check_output("journalctl --quiet --lines 1 --output=cat _PID=1") != ""
    with pytest.raises(LabError, match="Permission denied"):
        ping("legacy", ansible_user="root")


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [("app1", "[127.0.0.1]:22021 ", "[127.0.0.1]:22022 "), ("inner", "inner ", "[127.0.0.1]:22021 ")],
)
def test_a_host_with_another_key_is_refused(lab: Lab, name: str, first: str, second: str) -> None:
    known = STATE / "ssh" / "known_hosts"
    genuine = known.read_text(encoding="utf-8")
    assert first in genuine
    assert second in genuine
    swapped = genuine.replace(first, "#").replace(second, first).replace("#", second)
    known.write_text(swapped, encoding="utf-8")
    try:
        with pytest.raises(LabError, match="Host key verification failed"):
            ping(name)
    finally:
        known.write_text(genuine, encoding="utf-8")


def test_apt_reaches_its_archives_from_inside(lab: Lab) -> None:
    for name in lab.names:
        lab.podman(name, "apt-get", "update", "--error-on=any")


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
