"""The machine under the host: temperatures, what drives say of themselves, software RAID.

A container has no hardware of its own, and a virtual machine no drives that could say anything: nothing is owed there.
"""

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ..observations import Observation
from . import commands, files
from .context import Context, Measures, capped
from .errors import Unmeasurable
from .identity import virtualization

HWMON = "/sys/class/hwmon"

#: Attributes whose raw value foretells failure (Backblaze's five): reallocated sectors, reported uncorrectable
#: errors, command timeouts, pending sectors, offline uncorrectable sectors.
FORETELLING = (5, 187, 188, 197, 198)

#: Exit bits of smartctl(8) that mean that it could not do its work: bad command line, device did not open.
COULD_NOT = 0b11

_ARRAY = re.compile(
    r"(?P<name>md\S*) : (?P<state>\S+)(?: \((?P<flag>[^)]*)\))?(?: (?P<level>[a-z]+[0-9]*))? (?P<members>.*)"
)


class Sensor(NamedTuple):
    """A temperature in degrees Celsius, with the limits that the chip knows."""

    name: str
    celsius: float
    maximum: Optional[float]
    critical: Optional[float]


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


class Health(NamedTuple):
    """What a drive says of itself; ``passed`` is None where it says nothing."""

    passed: Optional[bool]
    foretelling: Dict[str, int]
    detail: Dict[str, Any]


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


def parse_smart(report: Dict[str, Any]) -> Health:
    """Return a report of ``smartctl --json -H -A`` (ATA, NVMe or SCSI)."""
    table = (report.get("ata_smart_attributes") or {}).get("table") or []
    foretelling = {
        str(row["id"]): int(row["raw"]["value"])
        for row in table
        if row.get("id") in FORETELLING and int((row.get("raw") or {}).get("value", 0)) > 0
    }
    nvme = report.get("nvme_smart_health_information_log") or {}
    if nvme.get("media_errors"):
        foretelling["media_errors"] = int(nvme["media_errors"])
    detail = {
        "model": report.get("model_name"),
        "celsius": (report.get("temperature") or {}).get("current"),
        "power_on_hours": (report.get("power_on_time") or {}).get("hours"),
        "percentage_used": nvme.get("percentage_used"),
    }
    passed = (report.get("smart_status") or {}).get("passed")
    if nvme.get("critical_warning"):
        passed = False
    return Health(passed, foretelling, {key: value for key, value in detail.items() if value is not None})


def sensors() -> List[Sensor]:
    """Return the temperatures of /sys/class/hwmon; limits that no chip can mean are left out."""
    found: List[Sensor] = []
    for chip in files.names(HWMON):
        folder = "%s/%s" % (HWMON, chip)
        if not any(name.endswith("_input") for name in files.names(folder)):
            folder += "/device"  # before Linux 3.15
        title = (files.optional(folder + "/name") or chip).strip()
        for name in files.names(folder):
            if not re.match(r"temp\d+_input\Z", name):
                continue
            prefix = "%s/%s" % (folder, name[: -len("_input")])
            label = (files.optional(prefix + "_label") or name[: -len("_input")]).strip()
            celsius = _celsius(prefix + "_input")
            if celsius is not None:
                limits = [_celsius(prefix + end) for end in ("_max", "_crit")]
                limits = [limit if limit is not None and 20 < limit < 200 else None for limit in limits]
                found.append(Sensor("%s/%s" % (title, label), celsius, limits[0], limits[1]))
    return _numbered(found)


def _numbered(found: List[Sensor]) -> List[Sensor]:
    """Return the sensors with equal names told apart: two processors have the same chip."""
    counts: Dict[str, int] = {}
    told = []
    for sensor in found:
        counts[sensor.name] = counts.get(sensor.name, 0) + 1
        number = counts[sensor.name]
        told.append(sensor if number == 1 else sensor._replace(name="%s #%d" % (sensor.name, number)))
    return told


def _celsius(path: str) -> Optional[float]:
    thousandths = files.number(path)
    return None if thousandths is None else thousandths / 1000.0


def temperatures(context: Context) -> Iterator[Observation]:
    """Yield each temperature under the limits of its own chip, unless the site set others."""
    for sensor in sensors()[:100] if not context.surroundings.container else []:
        limits = {"warning": sensor.maximum, "critical": sensor.critical}
        own = {level: limit for level, limit in limits.items() if limit is not None}
        yield context.observe("sensor.temperature", sensor.celsius, {}, sensor.name, own)


def raid(context: Context) -> Iterator[Observation]:
    """Yield whether each software RAID array lacks a member."""
    text = files.optional("/proc/mdstat") if not context.surroundings.container else None
    for array in parse_mdstat(text or ""):
        detail = {key: value for key, value in array._asdict().items() if key != "name" and value}
        yield context.observe("raid.degraded", int(array.degraded), detail, array.name)


def disks() -> List[str]:
    """Return the physical drives that the kernel knows, as device paths."""
    found = []
    for name in files.names("/sys/block"):
        if re.match(r"(sd[a-z]+|hd[a-z]+|nvme\d+n\d+)\Z", name):
            model = (files.optional("/sys/block/%s/device/model" % name) or "").lower()
            if files.number("/sys/block/%s/removable" % name) != 1 and "virtual" not in model:
                found.append("/dev/" + name)
    return found


def smart(context: Context) -> Iterator[Observation]:
    """Yield what each drive says of its own health."""
    known = disks()
    if not known or context.surroundings.container or context.once(virtualization) != "none":
        return
    if not commands.available("smartctl"):
        raise Unmeasurable("tool_missing", tool="smartctl")
    if not context.privileged:
        raise Unmeasurable("not_permitted", path=known[0])
    scan = _smartctl(["--scan-open"], context.inputs.command_timeout)
    devices = [(row["name"], row.get("type", "auto")) for row in scan.get("devices") or []]
    names = [name for name, _ in devices]
    for name, kind in (devices or [(name, "auto") for name in known])[:100]:
        subject = name if names.count(name) < 2 else "%s %s" % (name, kind)
        for observation in _drive(context, name, kind, subject):
            yield observation


def _drive(context: Context, name: str, kind: str, subject: str) -> Iterator[Observation]:
    try:
        health = parse_smart(_smartctl(["-i", "-H", "-A", "-d", kind, name], context.inputs.command_timeout))
    except Unmeasurable as why:
        yield context.unknown("disk.smart", why.code, subject=subject, **why.parameters)
        return
    if health.passed is None:
        yield context.unknown("disk.smart", "not_supported", health.detail, subject, feature="SMART")
    else:
        yield context.observe("disk.smart", int(not health.passed), health.detail, subject)
        detail = dict(capped("attributes", sorted(health.foretelling)), raw=health.foretelling)
        yield context.observe("disk.smart_attributes", len(health.foretelling), detail, subject)


def _smartctl(arguments: List[str], timeout: float) -> Dict[str, Any]:
    """Return what smartctl says as JSON (7.0 and newer). Raises Unmeasurable."""
    argv = ["smartctl", "--json"] + arguments
    answer = commands.run(argv, timeout, accepted=range(256))
    try:
        report: Dict[str, Any] = json.loads(answer.output)
    except ValueError:
        raise Unmeasurable("not_supported", feature="smartctl --json") from None
    if answer.code & COULD_NOT:
        messages = [row.get("string", "") for row in (report.get("smartctl") or {}).get("messages") or []]
        raise Unmeasurable("command_failed", command=" ".join(argv), message="; ".join(messages)[:200])
    return report


MEASURES: Measures = (
    (("sensor.temperature",), temperatures),
    (("disk.smart", "disk.smart_attributes"), smart),
    (("raid.degraded",), raid),
)
