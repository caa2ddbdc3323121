"""Debian's package management: what an upgrade would do, how old the lists are, what was left half done."""

import email.utils
import os
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable

STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"
LISTS = "/var/lib/apt/lists"
SUCCESS_STAMP = "/var/lib/apt/periodic/update-success-stamp"

#: Whoever changes the database holds one of these.
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")

#: The programs that change the database, for those who may not look at the locks.
PROGRAMS = ("apt", "apt-get", "aptitude", "dpkg")

#: dpkg's states between "not installed" and "installed" (dpkg(1), package states).
HALF_DONE = ("half-installed", "half-configured", "unpacked", "triggers-awaited", "triggers-pending")

_INSTALL = re.compile(r"Inst (?P<name>\S+)(?: \[(?P<old>[^\]]*)\])? \((?P<new>\S+) (?P<origins>.*?)(?: \[[^\]]*\])?\)")

#: A version in the table of ``apt-cache policy``; *** marks the installed one.
_VERSION = re.compile(r" (?:\*\*\*|   ) (\S+) -?\d+\Z")


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
        if _for_security(label, suite.split(" ")[0]):
            return True
    return False


def _for_security(label: str, *suites: str) -> bool:
    return "security" in label.lower() or any(suite.endswith("-security") for suite in suites)


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


def parse_security_sources(policy: str) -> Set[str]:
    """Return the sources for security that ``apt-cache policy`` lists, as it words them below versions."""
    found: Set[str] = set()
    source = ""
    for line in policy.splitlines():
        first, _, rest = line.strip().partition(" ")
        if first.lstrip("-").isdigit():
            source = rest.strip()
        elif first == "release":
            fields = dict(part.partition("=")[::2] for part in rest.split(","))
            if _for_security(fields.get("l", ""), fields.get("a", ""), fields.get("n", "")):
                found.add(source)
    return found


def parse_candidates(policy: str, sources: Iterable[str]) -> List[str]:
    """Return the packages of ``apt-cache policy NAME ...`` whose candidate comes from one of the sources."""
    found: List[str] = []
    name = candidate = version = ""
    for line in policy.splitlines():
        match = _VERSION.match(line)
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif line.startswith("  Candidate: "):
            candidate = line.split()[1]
        elif match:
            version = match.group(1)
        elif version == candidate and line.strip().partition(" ")[2] in sources and name not in found:
            found.append(name)
    return found


def security_among(names: Sequence[str], timeout: float) -> List[str]:
    """Return the packages for which a security update waits, whether or not something holds it back."""
    if not names:
        return []
    sources = parse_security_sources(commands.run(["apt-cache", "policy"], timeout).output)
    return parse_candidates(commands.run(["apt-cache", "policy", *names], timeout).output, sources)


class Release(NamedTuple):
    """A repository as its fetched Release file tells it: ``date`` of its signing, in seconds of the epoch.

    ``expires`` says that it has to be signed anew before long, ``changes`` that its suite gets updates between point
    releases.
    """

    name: str
    date: float
    expires: bool
    security: bool
    changes: bool


def parse_release(text: str) -> Optional[Release]:
    """Return a Release or InRelease file; None where it does not say when it was made."""
    fields = dict(re.findall(r"^([A-Z][A-Za-z-]*): (\S.*)$", text, re.MULTILINE))
    moment = email.utils.parsedate_tz(fields.get("Date", ""))
    if moment is None:
        return None
    label, suites = fields.get("Label", ""), (fields.get("Suite", ""), fields.get("Codename", ""))
    security = _for_security(label, *suites)
    changes = security or any(suite.endswith("-updates") for suite in suites)
    name = " ".join(part for part in (label, suites[0] or suites[1]) if part)
    return Release(name, email.utils.mktime_tz(moment), "Valid-Until" in fields, security, changes)


def releases() -> List[Release]:
    """Return the repositories whose lists were fetched. Raises Unmeasurable: source_missing where none were."""
    names = files.names(LISTS)
    if not any(name.endswith("Release") or "_Packages" in name for name in names):
        raise Unmeasurable("source_missing", source=LISTS)
    texts = [files.optional(os.path.join(LISTS, name)) for name in names if name.endswith("Release")]
    return [found for found in map(parse_release, filter(None, texts)) if found]


def fetched() -> Tuple[float, str]:
    """Return up to when the lists are known to be right, in seconds of the epoch, and the repository that says so.

    Only what the repositories themselves have signed is proof. An update that fails touches the folder of the lists,
    ends with 0 and runs the hooks for success if any one source answered; one that finds nothing new touches nothing.
    So the signature's date counts, of the repositories that are signed anew all the time:

    - those with Valid-Until (Debian's security and updates): the oldest, since each must be younger than that;
    - else the newest of the suites for security, else of those named -updates (Ubuntu changes them almost daily; after
      its end of life nothing vouches for a host, and its lists are old);
    - else (one mirror of frozen suites) the newest, or the stamp that update-notifier leaves after a success.

    Raises Unmeasurable: source_missing.
    """
    found = releases()
    expiring = [(release.date, release.name) for release in found if release.expires]
    if expiring:
        return min(expiring)
    for alike in ([each for each in found if each.security], [each for each in found if each.changes]):
        if alike:
            return max((release.date, release.name) for release in alike)
    proofs = [(release.date, release.name) for release in found]
    if os.path.exists(SUCCESS_STAMP):
        proofs.append((os.stat(SUCCESS_STAMP).st_mtime, os.path.basename(SUCCESS_STAMP)))
    if not proofs:
        raise Unmeasurable("source_missing", source=LISTS + "/*Release")
    return max(proofs)


def parse_half_done(status: str) -> List[str]:
    """Return the packages of dpkg's status file that are in the middle of a change."""
    broken = []
    for block in status.split("\n\n"):
        fields: Dict[str, str] = {}
        for line in block.split("\n", 8)[:8]:
            name, separator, value = line.partition(": ")
            if separator:
                fields[name] = value
        state = fields.get("Status", "").split(" ")
        if state[-1] in HALF_DONE or "reinstreq" in state:
            broken.append(fields.get("Package", ""))
    return broken


def interrupted() -> List[str]:
    """Return the packages in the middle of a change, and dpkg's unfinished journal if there is one."""
    largest = 64 * 1024 * 1024
    broken = parse_half_done(files.read(STATUS, largest))
    if any(name.isdigit() for name in files.names(UPDATES)):
        broken.append(UPDATES)
    return broken
