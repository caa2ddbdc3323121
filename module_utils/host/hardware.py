"""The machine under the host: temperatures, and what drives say of themselves.

A container has no hardware of its own, and a virtual machine no drives that could say anything: nothing is owed there.
"""

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..measuring.observer import capped
from ..observations import Observation
from . import elevation
from .context import Context, Measures
from .identity import virtualization

HWMON = "/sys/class/hwmon"
MAXIMUM = 100

#: Attributes whose raw value foretells failure (Backblaze's five): reallocated sectors, reported uncorrectable
#: errors, command timeouts, pending sectors, offline uncorrectable sectors.
FORETELLING = (5, 187, 188, 197, 198)

#: Exit bits of smartctl(8) that mean that it could not do its work: bad command line, device did not open, a command
#: to the drive failed or its answer was damaged.
COULD_NOT = 0b111


#: Types of drives that smartctl finds out by itself when it is not told.
RECOGNISED = ("ata", "sat", "scsi", "nvme")


class Sensor(NamedTuple):
    """A temperature in degrees Celsius, with the limits that the chip knows."""

    name: str
    celsius: float
    maximum: Optional[float]
    critical: Optional[float]


class Health(NamedTuple):
    """What a drive says of itself; each is None where it says nothing.

    ``passed`` is its own verdict, ``foretelling`` the figures above zero that foretell a failure.
    """

    passed: Optional[bool]
    foretelling: Optional[Dict[str, int]]
    detail: Dict[str, Any]


def parse_smart(report: Dict[str, Any]) -> Health:
    """Return a report of ``smartctl --json -H -A -l error`` (ATA, NVMe or SCSI)."""
    nvme = report.get("nvme_smart_health_information_log") or {}
    detail = {
        "model": report.get("model_name") or report.get("scsi_model_name"),
        "celsius": (report.get("temperature") or {}).get("current"),
        "power_on_hours": (report.get("power_on_time") or {}).get("hours"),
        "percentage_used": nvme.get("percentage_used"),
    }
    passed = (report.get("smart_status") or {}).get("passed")
    if nvme.get("critical_warning"):
        passed = False
    figures = _figures(report)
    foretelling = {key: value for key, value in figures.items() if value > 0} if figures else None
    return Health(passed, foretelling, {key: value for key, value in detail.items() if value is not None})


def _figures(report: Dict[str, Any]) -> Dict[str, int]:
    """Return every figure of a report that could foretell a failure, by attribute or name; none where it has none."""
    figures = {}
    for row in (report.get("ata_smart_attributes") or {}).get("table") or []:
        if row.get("id") in FORETELLING:
            figures[str(row["id"])] = int((row.get("raw") or {}).get("value", 0))
    nvme = report.get("nvme_smart_health_information_log") or {}
    if "media_errors" in nvme:
        figures["media_errors"] = int(nvme["media_errors"])
    if "scsi_grown_defect_list" in report:
        figures["grown_defects"] = int(report["scsi_grown_defect_list"])
    for kind, counter in (report.get("scsi_error_counter_log") or {}).items():
        if "total_uncorrected_errors" in counter:
            figures["uncorrected_%s" % kind] = int(counter["total_uncorrected_errors"])
    return figures


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
    found = sensors() if not context.surroundings.container else []
    for sensor in found[:MAXIMUM]:
        limits = {"warning": sensor.maximum, "critical": sensor.critical}
        own = {level: limit for level, limit in limits.items() if limit is not None}
        yield context.observe("sensor.temperature", sensor.celsius, {}, sensor.name, own)
    yield from context.left_out("sensor.temperature", len(found[MAXIMUM:]))


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
    if not elevation.possible(context):
        raise Unmeasurable("not_permitted", path=known[0])
    scan = _smartctl(context, ["--scan-open"])
    devices = [(row["name"], row.get("type", "auto")) for row in scan.get("devices") or []]
    devices = devices or [(name, "auto") for name in known]
    names = [name for name, _ in devices]
    for name, kind in devices[:MAXIMUM]:
        subject = name if names.count(name) < 2 else "%s %s" % (name, kind)
        yield from _drive(context, name, kind, subject)
    yield from context.left_out("disk.smart", len(devices[MAXIMUM:]))


def _drive(context: Context, name: str, kind: str, subject: str) -> Iterator[Observation]:
    try:
        health = parse_smart(_report(context, name, kind))
    except Unmeasurable as why:
        yield context.unknown("disk.smart", why.code, subject=subject, **why.parameters)
        return
    if health.passed is None:
        yield context.unknown("disk.smart", "not_supported", health.detail, subject, feature="SMART")
    else:
        yield context.observe("disk.smart", int(not health.passed), health.detail, subject)
    if health.foretelling is None:
        yield context.unknown("disk.smart_attributes", "not_supported", subject=subject, feature="SMART attributes")
    else:
        detail = dict(capped("attributes", sorted(health.foretelling)), raw=health.foretelling)
        yield context.observe("disk.smart_attributes", len(health.foretelling), detail, subject)


def _report(context: Context, name: str, kind: str) -> Dict[str, Any]:
    """Return a drive's report; a SCSI drive has its counters in the error log, which others may refuse."""
    if not context.privileged and kind in RECOGNISED:
        kind = "auto"  # sudo is asked for few commands
    asked = ["-d", kind, name]
    report = _smartctl(context, ["-i", "-H", "-A"] + asked)
    if (report.get("device") or {}).get("protocol") == "SCSI":
        try:
            report.update(_smartctl(context, ["-l", "error"] + asked))
        except Unmeasurable:
            pass  # its verdict and its defects are known
    return report


def _smartctl(context: Context, arguments: List[str]) -> Dict[str, Any]:
    """Return what smartctl says as JSON (7.0 and newer). Raises Unmeasurable.

    A drive that says that it fails is believed, whatever else went wrong.
    """
    argv = ["smartctl", "--json"] + arguments
    answer = elevation.run(context, argv, accepted=range(256))
    try:
        report: Dict[str, Any] = json.loads(answer.output)
    except ValueError:
        raise Unmeasurable("not_supported", feature="smartctl --json") from None
    if answer.code & COULD_NOT and (report.get("smart_status") or {}).get("passed") is not False:
        messages = [row.get("string", "") for row in (report.get("smartctl") or {}).get("messages") or []]
        message = "; ".join(messages)[:200] or "exit code %d" % answer.code
        raise Unmeasurable("command_failed", command=" ".join(argv), message=message)
    return report


MEASURES: Measures = (
    (("sensor.temperature",), temperatures),
    (("disk.smart", "disk.smart_attributes"), smart),
)
