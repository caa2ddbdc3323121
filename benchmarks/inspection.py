"""Inspection: one module call against twenty tasks, and the program against plain ansible-playbook.

    make lab && .venv/bin/python -m benchmarks.inspection [--names 16] [--rounds 3]

Over SSH to the lab's hosts, which appear under as many names as asked for. The twenty facts are frozen: the checks of
PROFILE on our side, one command each on the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.lab import LAB, lab_hosts, lab_site
from benchmarks.measure import alternate, machine, verdict
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent

#: Each fact: the check that takes it, and the command that shows the same.
PROFILE = {
    "host.identity": "cat /etc/os-release; uname -a; nproc",
    "host.uptime": "cat /proc/uptime",
    "time.synchronised": "timedatectl show -p NTPSynchronized",
    "cpu.load_per_core": "cat /proc/loadavg",
    "memory.used": "cat /proc/meminfo",
    "memory.swap_used": "cat /proc/swaps",
    "memory.oom_kills": "grep oom_kill /proc/vmstat",
    "filesystem.used": "df -P",
    "filesystem.inodes": "df -Pi",
    "filesystem.read_only": "cat /proc/mounts /etc/fstab",
    "systemd.state": "systemctl is-system-running || true",
    "unit.failed": "systemctl list-units --failed --plain --no-legend",
    "process.zombies": "ps -eo stat= | grep -c ^Z || true",
    "system.descriptors": "cat /proc/sys/fs/file-nr",
    "network.conntrack": "cat /proc/sys/net/netfilter/nf_conntrack_count || true",
    "network.errors": "cat /proc/net/dev",
    "network.listening": "ss -tulnp",
    "packages.interrupted": "dpkg --audit; ls /var/lib/dpkg/updates",
    "packages.reboot_required": "ls /run/reboot-required || true",
    "packages.metadata_age": "stat -c %Y /var/lib/apt/lists/partial",
}

DEFAULTS = "[defaults]\nhost_key_checking = True\n"
TUNED = DEFAULTS + "forks = 16\n[ssh_connection]\npipelining = True\n"


def playbook(tasks: list[dict[str, Any]]) -> str:
    """Return a playbook over all hosts with these tasks."""
    return yaml.safe_dump(
        [{"name": "Benchmark", "hosts": "all", "gather_facts": False, "tasks": tasks}], sort_keys=False
    )


def local_site(folder: Path, names: int) -> Path:
    """Write a site whose names all mean this machine; return its folder."""
    folder.mkdir(parents=True)
    hosts = {f"name-{number:04d}": {"ansible_connection": "local"} for number in range(names)}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    for name in ("contract.yml", "people.yml"):
        shutil.copy(LAB / name, folder)
    return folder


def ansible(folder: Path, name: str, hosts: Path, configuration: str, **environment: str) -> Callable[[], None]:
    """Return a call that runs a playbook plainly; its SSH connections are its own, and cold each time."""
    settings = folder / f"{name}.cfg"
    settings.write_text(configuration)

    def call() -> None:
        control = tempfile.mkdtemp(dir="/tmp", prefix="cp")
        variables = {**os.environ, "ANSIBLE_CONFIG": str(settings), "ANSIBLE_SSH_CONTROL_PATH_DIR": control}
        command = [str(BIN / "ansible-playbook"), "-i", str(hosts), str(folder / f"{name}.yml")]
        subprocess.run(command, cwd=PROJECT, env={**variables, **environment}, stdout=subprocess.DEVNULL, check=True)
        shutil.rmtree(control)

    return call


def weibao(project: Path, sites: Path, procedure: str, home: Path) -> Callable[[], None]:
    """Return a call that runs the program itself, from start to exit, in a copy of the project."""

    def call() -> None:
        control = tempfile.mkdtemp(dir="/tmp", prefix="cp")
        environment = {
            **os.environ,
            "PYTHONPATH": str(project),
            "WEIBAO_SITES": str(sites.parent),
            "WEIBAO_HOME": str(home),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
        }
        command = [sys.executable, "-m", "runner.cli", "--site", sites.name, "run", procedure, "--fail-on", "never"]
        result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        shutil.rmtree(control)

    return call


def twenty_facts(folder: Path, names: int, hosts: dict[str, tuple[str, dict[str, Any]]], rounds: int) -> None:
    """Measure one module call against twenty tasks: tuned, with defaults, with Mitogen."""
    import ansible_mitogen  # noqa: PLC0415 - in requirements/benchmark.txt only

    inventory = lab_site(folder / "facts", names, hosts) / "hosts.yml"
    tasks = [
        {"name": check, "ansible.builtin.shell": command, "changed_when": False} for check, command in PROFILE.items()
    ]
    ours = [{"name": "Inspect", "host_inspection": {"checks": list(PROFILE)}}]
    for name in ("tuned", "defaults", "mitogen"):
        (folder / f"{name}.yml").write_text(playbook(tasks))
    (folder / "ours.yml").write_text(playbook(ours))
    ours_settings = f"library = {PROJECT / 'library'}\nmodule_utils = {PROJECT / 'module_utils'}\n"
    plugins = Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"
    mitogen = DEFAULTS + f"forks = 16\nstrategy = mitogen_linear\nstrategy_plugins = {plugins}\n"
    taken = alternate(
        {
            "weibao: 20 facts in one module call": ansible(
                folder, "ours", inventory, TUNED.replace("forks = 16\n", "forks = 16\n" + ours_settings)
            ),
            "20 tasks, pipelining, 16 forks": ansible(folder, "tuned", inventory, TUNED),
            "20 tasks, Mitogen, 16 forks": ansible(folder, "mitogen", inventory, mitogen),
        },
        rounds,
    )
    slow = alternate({"20 tasks, Ansible's defaults": ansible(folder, "defaults", inventory, DEFAULTS)}, 1)
    one, tuned, faster = taken.values()
    verdict("times as fast as pipelining and 16 forks", tuned / one, 8, at_least=True)
    verdict("times as fast as Ansible's defaults", next(iter(slow.values())) / one, 20, at_least=True)
    verdict("times as fast as Mitogen", faster / one, 2.5, at_least=True)


def whole_program(folder: Path, names: int, hosts: dict[str, tuple[str, dict[str, Any]]], rounds: int) -> None:
    """Measure `weibao run` against plain ansible-playbook, with the project's own settings."""
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".venv*", "var", ".git", "__pycache__", ".*_cache"))
    noop = [{"name": f"Task {number}", "ansible.builtin.debug": {"msg": str(number)}} for number in range(10)]
    play = yaml.safe_load(playbook(noop))
    declared = {"changes_hosts": False, "repeatable": True, "observations": False}
    play[0]["vars"] = {"weibao_procedure": declared}
    (project / "playbooks" / "noop.yml").write_text(yaml.safe_dump(play, sort_keys=False))
    settings = (project / "ansible.cfg").read_text()
    for room in ("roles", "library", "module_utils", "filter_plugins"):
        settings = settings.replace(f" = {room}\n", f" = {project / room}\n")
    cases = (
        ("inspect", lab_site(folder / "sites" / "fleet", names, hosts), names, 1.15),
        ("noop", local_site(folder / "sites" / "noop", 200), 200, 1.35),
    )
    for procedure, place, count, limit in cases:
        shutil.copy(project / "playbooks" / f"{procedure}.yml", folder)
        sides: dict[str, Callable[[], object]] = {
            f"ansible-playbook {procedure}.yml, {count} names": ansible(
                folder, procedure, place / "hosts.yml", settings
            ),
            f"weibao run {procedure}, {count} names, sealed and listed": weibao(
                project, place, procedure, folder / "home"
            ),
        }
        taken = alternate(sides, rounds)
        plain, program = taken.values()
        verdict(f"times the time of ansible-playbook {procedure}.yml", program / plain, limit, at_least=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["facts", "program"])
    options = parser.parse_args()
    # Two hosts alike, as when the figures were first claimed.
    hosts = {name: one for name, one in lab_hosts().items() if one[0] == "app"}
    print(machine())
    print(f"{options.names} names over {len(hosts)} SSH hosts; median of {options.rounds} rounds, sides taking turns")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "program":
            twenty_facts(folder, options.names, hosts, options.rounds)
        if options.only != "facts":
            whole_program(folder, options.names, hosts, options.rounds)


if __name__ == "__main__":
    main()
