"""Debian's package management: what an upgrade would do, how old the lists are, what was left half done."""

import os
import re
from typing import Dict, List, NamedTuple

from . import commands, files
from .errors import Unmeasurable

STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"
LISTS = "/var/lib/apt/lists"
STAMPS = ("/var/lib/apt/periodic/update-success-stamp", LISTS + "/partial", LISTS)

#: dpkg's states between "not installed" and "installed" (dpkg(1), package states).
HALF_DONE = ("half-installed", "half-configured", "unpacked", "triggers-awaited", "triggers-pending")

_INSTALL = re.compile(r"Inst (?P<name>\S+)(?: \[(?P<old>[^\]]*)\])? \((?P<new>\S+) (?P<origins>.*?)(?: \[[^\]]*\])?\)")


class Plan(NamedTuple):
    """What ``dist-upgrade`` would do, by package name."""

    upgraded: List[str]
    new: List[str]
    security: List[str]
    kept_back: List[str]
    phased: List[str]


def parse_plan(output: str) -> Plan:
    """Return the output of ``apt-get --simulate dist-upgrade``.

    An update is for security if one of its origins is labelled so (``Debian-Security:12/stable-security``) or comes
    from a suite that ends in -security (Ubuntu, Kylin).
    """
    found = Plan([], [], [], [], [])
    section: List[str] = []
    for line in output.splitlines():
        match = _INSTALL.match(line)
        if match:
            (found.new if match.group("old") is None else found.upgraded).append(match.group("name"))
            if _is_security(match.group("origins")):
                found.security.append(match.group("name"))
        elif line.startswith("  "):
            section.extend(line.split())
        elif "kept back" in line:
            section = found.kept_back
        elif "deferred due to phasing" in line:
            section = found.phased
        else:
            section = []
    return found


def _is_security(origins: str) -> bool:
    for origin in origins.split(", "):
        label, _, suite = origin.partition("/")
        if "security" in label.lower() or suite.split(" ")[0].endswith("-security"):
            return True
    return False


def plan(timeout: float) -> Plan:
    """Return what an upgrade would do now, without taking a lock. Raises Unmeasurable."""
    argv = [
        "apt-get",
        "--simulate",
        "-q",
        "-o",
        "Debug::NoLocking=true",
        "-o",
        "APT::Get::Show-User-Simulation-Note=false",
    ]
    return parse_plan(commands.run(argv + ["dist-upgrade"], timeout).output)


def metadata_changed() -> float:
    """Return when the lists were last fetched, in seconds of the epoch.

    An update that finds nothing new still touches the folder partial. Raises Unmeasurable: source_missing.
    """
    lists = [name for name in files.names(LISTS) if name.endswith(("Release", "_Packages")) or "_Packages." in name]
    if not lists:
        raise Unmeasurable("source_missing", source=LISTS)
    moments = [os.stat(path).st_mtime for path in STAMPS if os.path.exists(path)]
    return max(moments)


def parse_half_done(status: str) -> List[str]:
    """Return the packages of dpkg's status file that are in the middle of a change."""
    broken = []
    for block in status.split("\n\n"):
        fields: Dict[str, str] = {}
        for line in block.split("\n", 8)[:8]:
            name, separator, value = line.partition(": ")
            if separator:
                fields[name] = value
        if fields.get("Status", "").split(" ")[-1] in HALF_DONE:
            broken.append(fields.get("Package", ""))
    return broken


def interrupted() -> List[str]:
    """Return the packages in the middle of a change, and dpkg's unfinished journal if there is one."""
    largest = 64 * 1024 * 1024
    broken = parse_half_done(files.read(STATUS, largest))
    if any(name.isdigit() for name in files.names(UPDATES)):
        broken.append(UPDATES)
    return broken
