"""Updates that wait, how fresh that knowledge is, and whether the host must restart to use what it has.

The package manager is told by its executable, not by the distribution's name.
"""

import glob
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..measuring import commands, files
from ..measuring.errors import Unmeasurable
from ..measuring.observer import capped
from ..observations import Observation, limits_for
from . import apt, locks, rpm, versions
from .context import Context, Measures
from .processes import running

#: What asks for a restart through /run/reboot-required; without any of them its absence says nothing.
REBOOT_HOOKS = (
    "/usr/share/update-notifier/notify-reboot-required",
    "/etc/kernel/postinst.d/update-notifier",
    "/etc/kernel/postinst.d/unattended-upgrades",
)


class Updates(NamedTuple):
    """The updates that wait, held ones too; ``security`` are those of them for security, None where nobody says."""

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


def _updates(tool: str, timeout: float) -> Updates:
    """Return the updates of installed packages; what they bring in anew is only a figure of the detail."""
    if tool != "apt":
        return Updates(rpm.pending(tool, timeout), rpm.security(tool, timeout), {})
    plan = apt.plan(timeout)
    detail: Dict[str, Any] = {"new": len(plan.new), "kept_back": len(plan.kept_back), "phased": len(plan.phased)}
    waiting = plan.upgraded + plan.kept_back
    if not any(release.security for release in apt.releases()):
        return Updates(waiting, None, detail)
    held = apt.security_among(plan.kept_back, timeout)
    if held:
        detail.update(capped("held_security", held))
    return Updates(waiting, [name for name in plan.upgraded if name in plan.security] + held, detail)


def _fetched(context: Context) -> Tuple[float, str]:
    """Return how old the package lists are, in days, and the repository that they are oldest of."""
    tool = manager()
    moment, repository = apt.fetched() if tool == "apt" else rpm.fetched(tool, context.inputs.command_timeout)
    return max(context.now - moment, 0.0) / 86400, repository


def metadata_age(context: Context) -> Iterator[Observation]:
    """Yield how old the package lists are, in days."""
    age, repository = context.once(_fetched)
    yield context.observe("packages.metadata_age", age, {"manager": manager(), "repository": repository})


def pending(context: Context) -> Iterator[Observation]:
    """Yield how many updates wait, and how many of them are for security; from stale lists neither is known."""
    tool = manager()
    age, _ = context.once(_fetched)
    found = _updates(tool, context.inputs.command_timeout)
    detail = dict(found.detail, manager=tool)
    listed = {"packages.pending": found.pending, "packages.security": found.security}
    limit = limits_for(context.inputs.thresholds, "packages.metadata_age", "").get("warning")
    for check, names in listed.items():
        if names is None:
            yield context.unknown(check, "no_security_source", detail)
            continue
        figures = dict(detail, **capped("packages", names))
        if limit is not None and age >= limit:
            figures["count"] = len(names)
            yield context.unknown(check, "metadata_stale", figures, days=int(age))
        else:
            yield context.observe(check, len(names), figures)


def interrupted(context: Context) -> Iterator[Observation]:
    """Yield whether the package database was left in the middle of a change; while one is under way nobody can tell."""
    tool = manager()
    busy = _at_work(context, tool)
    broken = apt.interrupted() if tool == "apt" else rpm.interrupted(tool)
    detail: Dict[str, Any] = dict(capped("packages", broken), manager=tool)
    if busy:
        yield context.unknown("packages.interrupted", "in_progress", detail, process=busy)
    else:
        yield context.observe("packages.interrupted", int(bool(broken)), detail)


def _at_work(context: Context, tool: str) -> str:
    """Return the program that changes the package database at this moment, empty if none does.

    The lock tells for sure: programs such as unattended-upgrade-shutdown run all the time and change nothing. dnf gives
    its lock back before it has finished its history, so there the programs count as well.
    """
    manages = apt if tool == "apt" else rpm
    try:
        holders = [holder for holder in map(locks.holder, manages.LOCKS) if holder]
        if holders or tool == "apt":
            return ", ".join(sorted(set(holders)))
    except Unmeasurable:
        pass  # not permitted
    return ", ".join(running(context, manages.PROGRAMS))


def reboot_required(context: Context) -> Iterator[Observation]:
    """Yield whether the host must restart: something says so, or a newer kernel is installed than runs.

    A container has no kernel of its own: only what its packages say counts.
    """
    reasons: List[str] = []
    detail: Dict[str, Any] = dict(context.scope("container"), reasons=reasons)
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
        asks = commands.available("needs-restarting")
        if asks and not reasons:
            argv = ["needs-restarting", "-r"]
            if commands.run(argv, context.inputs.command_timeout, accepted=(0, 1)).code == 1:
                reasons.append("needs-restarting")
        if newest is None and not reasons and not asks and not any(map(os.path.exists, REBOOT_HOOKS)):
            source = "/boot/vmlinuz-*, needs-restarting, /run/reboot-required"
            yield context.unknown("packages.reboot_required", "source_missing", detail, source=source)
            return
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
