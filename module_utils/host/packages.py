"""Updates that wait, how fresh that knowledge is, and whether the host must restart to use what it has.

The package manager is told by its executable, not by the distribution's name.
"""

import glob
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from ..observations import Observation, limits_for
from . import apt, commands, files, rpm, versions
from .context import Context, Measures, capped
from .errors import Unmeasurable
from .processes import running

#: The processes that change the package database.
CHANGING = frozenset({"apt", "apt-get", "aptitude", "dpkg", "unattended-upgr", "dnf", "yum", "rpm"})


class Updates(NamedTuple):
    """The updates that wait, by package name; ``security`` is None where the repositories don't say."""

    pending: List[str]
    security: Optional[List[str]]
    detail: Dict[str, Any]


def manager() -> str:
    """Return ``apt``, ``dnf`` or ``yum``. Raises Unmeasurable: tool_missing."""
    if commands.available("apt-get") and os.path.exists(apt.STATUS):
        return "apt"
    for tool in ("dnf", "yum"):
        if commands.available(tool):
            return tool
    raise Unmeasurable("tool_missing", tool="apt-get, dnf, yum")


def metadata_changed(tool: str) -> float:
    """Return when the package lists were last fetched, in seconds of the epoch. Raises Unmeasurable: source_missing."""
    return apt.metadata_changed() if tool == "apt" else rpm.metadata_changed()


def _updates(tool: str, timeout: float) -> Updates:
    if tool == "apt":
        plan = apt.plan(timeout)
        detail = {"new": len(plan.new), "kept_back": len(plan.kept_back), "phased": len(plan.phased)}
        return Updates(plan.upgraded, plan.security, detail)
    return Updates(rpm.pending(tool, timeout), rpm.security(tool, timeout), {})


def _age_days(context: Context) -> float:
    return max(context.now - metadata_changed(manager()), 0.0) / 86400


def metadata_age(context: Context) -> Iterator[Observation]:
    """Yield how old the package lists are, in days."""
    yield context.observe("packages.metadata_age", context.once(_age_days), {"manager": manager()})


def pending(context: Context) -> Iterator[Observation]:
    """Yield how many updates wait, and how many of them are for security; from stale lists neither is known."""
    tool = manager()
    age = context.once(_age_days)
    found = _updates(tool, context.inputs.command_timeout)
    detail = dict(found.detail, manager=tool)
    listed = {"packages.pending": found.pending, "packages.security": found.security}
    limit = limits_for(context.inputs.thresholds, "packages.metadata_age", "").get("warning")
    for check, names in listed.items():
        if names is None:
            yield context.unknown(check, "source_missing", detail, source="updateinfo")
            continue
        figures = dict(detail, **capped("packages", names))
        if limit is not None and age >= limit:
            figures["count"] = len(names)
            yield context.unknown(check, "metadata_stale", figures, days=int(age))
        else:
            yield context.observe(check, len(names), figures)


def interrupted(context: Context) -> Iterator[Observation]:
    """Yield whether the package database was left in the middle of a change; one that is under way is not left."""
    tool = manager()
    broken = apt.interrupted() if tool == "apt" else rpm.interrupted(tool)
    busy = running(context, CHANGING) if broken else []
    detail: Dict[str, Any] = dict(capped("packages", broken), manager=tool)
    if busy:
        detail["running"] = busy
    yield context.observe("packages.interrupted", int(bool(broken) and not busy), detail)


def reboot_required(context: Context) -> Iterator[Observation]:
    """Yield whether the host must restart: something says so, or a newer kernel is installed than runs.

    A container has no kernel of its own: only what its packages say counts.
    """
    reasons: List[str] = []
    detail: Dict[str, Any] = dict(context.scope("container"))
    if os.path.exists("/run/reboot-required"):
        reasons.append("/run/reboot-required")
        asked = (files.optional("/run/reboot-required.pkgs") or "").split()
        detail.update(capped("packages", sorted(set(asked))))
    if not context.surroundings.container:
        kernel = os.uname().release
        newest = versions.newest(_kernels(), kernel)
        detail.update(running_kernel=kernel, installed_kernel=newest)
        if newest is not None and versions.sort_key(newest) > versions.sort_key(kernel):
            reasons.append("kernel")
        if commands.available("needs-restarting"):
            argv = ["needs-restarting", "-r"]
            if commands.run(argv, context.inputs.command_timeout, accepted=(0, 1)).code == 1:
                reasons.append("needs-restarting")
    detail["reasons"] = reasons
    yield context.observe("packages.reboot_required", int(bool(reasons)), detail)


def _kernels() -> List[str]:
    """Return the releases of the installed kernels: images in /boot, or else folders of modules with a kernel."""
    prefix = "/boot/vmlinuz-"
    images = [path[len(prefix) :] for path in glob.glob(prefix + "[0-9]*")]
    return images or [path.split("/")[-2] for path in glob.glob("/lib/modules/[0-9]*/vmlinuz")]


MEASURES: Measures = (
    (("packages.metadata_age",), metadata_age),
    (("packages.pending", "packages.security"), pending),
    (("packages.interrupted",), interrupted),
    (("packages.reboot_required",), reboot_required),
)
