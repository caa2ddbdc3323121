"""Whether each RAID array is whole: software arrays of the kernel, and those of controllers with a tool of their own.

A container has no arrays of its own, and a virtual machine has no controller: nothing is owed there.
"""

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import elevation
from .context import Context, Measures
from .identity import virtualization

DRIVERS = "/sys/bus/pci/drivers"

#: Broadcom's tool and Dell's edition of it, which answer in JSON alike.
STORCLI = (
    "storcli64",
    "/opt/MegaRAID/storcli/storcli64",
    "storcli",
    "perccli64",
    "/opt/MegaRAID/perccli/perccli64",
    "perccli",
)

#: The kernel's drivers of RAID controllers, and the tools that know their arrays, first the one to ask for.
CONTROLLERS = {
    "megaraid_sas": STORCLI,
    "mpt3sas": STORCLI,
    "mpt2sas": STORCLI,
    "hpsa": ("ssacli",),
    "smartpqi": ("ssacli", "arcconf"),
    "aacraid": ("arcconf",),
}

_ARRAY = re.compile(
    r"(?P<name>md\S*) : (?P<state>\S+)(?: \((?P<flag>[^)]*)\))?(?: (?P<level>[a-z]+[0-9]*))? (?P<members>.*)"
)


class Array(NamedTuple):
    """A software RAID array: how many members it should have, how many work, which failed, what it is doing."""

    name: str
    level: str
    state: str
    wanted: int
    working: int
    failed: List[str]
    progress: str

    @property
    def degraded(self) -> bool:
        """Return whether the array lacks a member or does not run."""
        return self.working < self.wanted or bool(self.failed) or self.state != "active"


class Drive(NamedTuple):
    """A virtual drive of a controller as storcli shows it; ``state`` is ``Optl`` where it is whole."""

    name: str
    level: str
    state: str


def parse_mdstat(text: str) -> List[Array]:
    """Return /proc/mdstat; arrays without redundancy have no member counts and count as whole."""
    arrays: List[Array] = []
    for line in text.splitlines():
        match = _ARRAY.match(line)
        if match:
            members = match.group("members").split()
            failed = [member.split("[")[0] for member in members if "(F)" in member]
            level, state = match.group("level") or "", match.group("state")
            arrays.append(Array(match.group("name"), level, state, 0, 0, failed, ""))
        elif arrays:
            counts = re.search(r"\[(\d+)/(\d+)\] \[[U_]+\]", line)
            if counts:
                arrays[-1] = arrays[-1]._replace(wanted=int(counts.group(1)), working=int(counts.group(2)))
            doing = re.search(r"\b(recovery|resync|reshape|check)\s*=\s*(\S+)", line)
            if doing:
                arrays[-1] = arrays[-1]._replace(progress=" ".join(doing.groups()))
    return arrays


def parse_storcli(report: Dict[str, Any]) -> List[Drive]:
    """Return ``storcli /call/vall show J``; none where a controller has no virtual drives (HBA mode).

    Raises Unmeasurable: command_failed, unparsable.
    """
    found = []
    try:
        for controller in report["Controllers"]:
            status = controller["Command Status"]
            problem = str(status.get("Description", ""))
            if status.get("Status") != "Success" and not problem.startswith("No V"):
                raise Unmeasurable("command_failed", command="storcli", message=problem)
            for row in (controller.get("Response Data") or {}).get("Virtual Drives") or []:
                name = "/c%s/v%s" % (status["Controller"], row["DG/VD"].partition("/")[2])
                found.append(Drive(name, row["TYPE"], row["State"]))
    except (AttributeError, KeyError, TypeError):
        raise Unmeasurable("unparsable", source="storcli") from None
    return found


def controllers() -> List[str]:
    """Return the drivers of RAID controllers that have a device here."""
    return [
        driver
        for driver in CONTROLLERS
        if any(re.match(r"[0-9a-f]{4,}:", name) for name in files.names("%s/%s" % (DRIVERS, driver)))
    ]


def arrays(context: Context) -> Iterator[Observation]:
    """Yield whether each array lacks a member; software arrays speak for the drives of their controller."""
    if context.surroundings.container:
        return
    software = parse_mdstat(files.optional("/proc/mdstat") or "")
    for array in software:
        detail = {key: value for key, value in array._asdict().items() if key != "name" and value}
        yield context.observe("raid.degraded", int(array.degraded), detail, array.name)
    if software or context.once(virtualization) != "none":
        return
    for tools, driver in {CONTROLLERS[driver]: driver for driver in controllers()}.items():
        try:
            drives = _drives(context, next(filter(commands.available, tools), tools[0]))
        except Unmeasurable as why:
            yield context.unknown("raid.degraded", why.code, subject=driver, **why.parameters)
            continue
        for drive in drives:
            detail = {"level": drive.level, "state": drive.state, "driver": driver}
            yield context.observe("raid.degraded", int(drive.state != "Optl"), detail, drive.name)


def _drives(context: Context, tool: str) -> List[Drive]:
    """Return a controller's virtual drives. Raises Unmeasurable, always for tools that have no JSON."""
    if not commands.available(tool):
        raise Unmeasurable("tool_missing", tool=tool)
    if tool not in STORCLI:
        raise Unmeasurable("not_supported", feature=tool + " (JSON)")
    if not elevation.possible(context):
        raise Unmeasurable("not_permitted", command=tool)
    # Without "nolog" it leaves a log file behind; it exits with an error where there is no virtual drive.
    argv = [tool, "/call/vall", "show", "J", "nolog"]
    answer = elevation.run(context, argv, accepted=range(256))
    try:
        return parse_storcli(json.loads(answer.output))
    except ValueError:
        raise Unmeasurable("unparsable", source=tool) from None


MEASURES: Measures = ((("raid.degraded",), arrays),)
