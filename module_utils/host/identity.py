"""Who the host is: operating system, kernel, size, addresses, virtualization, time zone, uptime."""

import os
import platform
import shlex
import time
from typing import Dict, Iterator, Optional

from ..measuring import files
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import container
from .addresses import addresses
from .context import Context, Measures

#: linux/time.h; it goes on while the machine sleeps, and no container engine puts its own figure in its place.
CLOCK_BOOTTIME = 7


def parse_os_release(text: str) -> Dict[str, str]:
    """Return the variables of os-release(5), unquoted."""
    found = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            try:
                found[name] = "".join(shlex.split(value))
            except ValueError:
                found[name] = value.strip("\"'")
    return found


def parse_fqdn(hosts: str, hostname: str) -> str:
    """Return the full name that /etc/hosts gives a host; the host name itself where it gives none."""
    for line in hosts.splitlines():
        fields = line.partition("#")[0].split()
        if hostname in fields[1:]:
            full = [name for name in fields[1:] if name.startswith(hostname + ".")]
            if full:
                return full[0]
    return hostname


def parse_virtualization(vendor: str, product: str, cpuinfo: str) -> str:
    """Return the hypervisor that the firmware names; ``virtual machine`` if only the CPU tells, ``none`` on metal."""
    firmware = (vendor + " " + product).lower()
    for mark, name in (
        ("vmware", "vmware"),
        ("virtualbox", "virtualbox"),
        ("innotek", "virtualbox"),
        ("kvm", "kvm"),
        ("qemu", "kvm"),
        ("openstack", "kvm"),
        ("alibaba cloud", "kvm"),
        ("tencent cloud", "kvm"),
        ("huawei cloud", "kvm"),
        ("amazon ec2", "kvm"),
        ("google", "kvm"),
        ("xen", "xen"),
        ("parallels", "parallels"),
        ("virtual machine", "hyperv"),
    ):
        if mark in firmware:
            return name
    flags = [line for line in cpuinfo.splitlines() if line.startswith(("flags", "Features"))]
    return "virtual machine" if flags and "hypervisor" in flags[0].split() else "none"


def virtualization(context: Context) -> str:
    """Return the kind of container, else the hypervisor, else ``none``."""
    if context.surroundings.container:
        return context.surroundings.kind
    return parse_virtualization(
        files.optional("/sys/class/dmi/id/sys_vendor") or "",
        files.optional("/sys/class/dmi/id/product_name") or "",
        files.optional("/proc/cpuinfo") or "",
    )


def cores(context: Context) -> float:
    """Return the CPUs that the host may use: its affinity, or less where a container's quota grants less."""
    usable = float(len(os.sched_getaffinity(0)))
    quota = container.cpu_quota(context.surroundings)
    return usable if quota is None else min(usable, quota)


def timezone(link: str = "/etc/localtime", name: str = "/etc/timezone") -> str:
    """Return the zone that programs take, which /etc/timezone need not be; its offset where it has no name."""
    _, zoned, zone = os.path.realpath(link).partition("/zoneinfo/")
    if zoned:
        return zone[len("posix/") :] if zone.startswith("posix/") else zone
    if not os.path.exists(link):
        return "UTC"
    named = (files.optional(name) or "").split()
    return named[0] if named else time.strftime("UTC%z")


def _memory_bytes(context: Context) -> Optional[int]:
    own = container.memory(context.surroundings)
    if own is not None and own.limit is not None:
        return own.limit
    for line in files.read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def identify(context: Context) -> Iterator[Observation]:
    """Yield who the host is."""
    release = parse_os_release(files.optional("/etc/os-release") or files.optional("/usr/lib/os-release") or "")
    kernel = os.uname()
    pretty = release.get("PRETTY_NAME") or (files.optional("/etc/redhat-release") or "").strip()
    yield context.observe(
        "host.identity",
        pretty or kernel.sysname,
        {
            "hostname": kernel.nodename,
            "fqdn": parse_fqdn(files.optional("/etc/hosts") or "", kernel.nodename),
            "kernel": kernel.release,
            "architecture": kernel.machine,
            "cpus": round(cores(context), 2),
            "memory_bytes": context.once(_memory_bytes),
            "virtualization": context.once(virtualization),
            "container": context.surroundings.container,
            "python": platform.python_version(),
            "timezone": timezone(),
            "addresses": addresses(context.inputs.command_timeout),
        },
    )


def machine_seconds() -> float:
    """Return the seconds since the kernel started."""
    try:
        return time.clock_gettime(CLOCK_BOOTTIME)
    except OSError:
        return float(files.read("/proc/uptime").split()[0])


def uptime_seconds(context: Context) -> float:
    """Return the seconds since the host started: a container's PID 1, else the kernel."""
    kernel = machine_seconds()
    if not context.surroundings.container:
        return kernel
    stat = files.read("/proc/1/stat")
    started = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return max(kernel - started, 0.0)


def uptime(context: Context) -> Iterator[Observation]:
    """Yield for how long the host has been up, in seconds."""
    try:
        seconds = uptime_seconds(context)
    except (ValueError, IndexError):
        raise Unmeasurable("unparsable", source="/proc/uptime") from None
    yield context.observe("host.uptime", int(seconds), context.scope("container"))


MEASURES: Measures = (
    (("host.identity",), identify),
    (("host.uptime",), uptime),
)
