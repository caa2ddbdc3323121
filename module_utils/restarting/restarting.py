"""Restarts services in order: traffic drained, stopped from the last to the first, started the other way round."""

import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..changing import probing
from ..changing.gate import DONE, TROUBLED
from ..changing.steps import Failed, Steps, planned
from ..measuring import commands
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from ..services.probes import Declared, unit_name

SYSTEMCTL = "/usr/bin/systemctl"
SETTLE = "check the probes"
LEFT_ALONE = "left alone"

#: Seconds that a command, or the wait for the probes, may be given at the most.
LONGEST = 3600

Work = Callable[[], Optional[str]]


class Service(NamedTuple):
    """A service to restart; commands are argument lists, empty for none, seconds the longest that each may take."""

    unit: str
    drain: List[str]
    resume: List[str]
    seconds: float


class Restart(NamedTuple):
    """What is to be restarted, and how it is known to be well: its probes, as they were ``before``."""

    services: Sequence[Service]
    probes: Declared
    before: probing.Found
    wait_seconds: float
    elevate: Sequence[str]

    def only(self, units: Sequence[str]) -> "Restart":
        """Return the same for some of the services."""
        return self._replace(services=[service for service in self.services if service.unit in units])


class Outcome(NamedTuple):
    """What a restart did: its steps, whether it touched anything, gate's word for it, and what it left drained."""

    steps: Steps
    changed: bool
    word: str
    drained: List[str]

    @classmethod
    def nothing(cls, word: str) -> "Outcome":
        """Return that nothing was touched."""
        return cls(Steps(), False, word, [])


def read_services(entries: Sequence[Dict[str, Any]]) -> Tuple[List[Service], List[str]]:
    """Return the services in the order in which they start, and what is wrong with them."""
    problems = []
    ranked = sorted(enumerate(entries), key=lambda item: (item[1].get("order") or 0, item[0]))
    services = [
        Service(
            unit_name(entry["name"]),
            list(entry.get("drain_command") or ()),
            list(entry.get("resume_command") or ()),
            float(entry.get("timeout", 120)),
        )
        for _, entry in ranked
    ]
    names = [service.unit for service in services]
    problems += ["services: %s is named twice" % name for name in sorted(set(names)) if names.count(name) > 1]
    problems += ["services: %s is no service" % name for name in names if not name.endswith(".service")]
    bounds = "timeout must be above 0 and no more than %d seconds" % LONGEST
    problems += ["services: %r: %s" % (one.unit, bounds) for one in services if not 0 < one.seconds <= LONGEST]
    return services, problems


def wait_problems(seconds: float) -> List[str]:
    """Return what is wrong with the seconds to wait for the probes."""
    return [] if 0 <= seconds <= LONGEST else ["wait must be from 0 to %d seconds" % LONGEST]


def hide_commands(entries: Sequence[Dict[str, Any]]) -> None:
    """Leave only the programs of the commands in a module's parameters: their arguments may hold secrets."""
    for entry in entries:
        for key in ("drain_command", "resume_command"):
            entry[key] = (entry.get(key) or [])[:1]


def longest(plan: Restart) -> float:
    """Return for how many seconds a restart may go on, its way back not included."""
    return plan.wait_seconds + sum(
        service.seconds * (2 + bool(service.drain) + bool(service.resume)) for service in plan.services
    )


def longest_back(plan: Restart) -> float:
    """Return for how many seconds the way back may go on."""
    return plan.wait_seconds + sum(service.seconds * (1 + bool(service.resume)) for service in plan.services)


def leave_alone(units: Sequence[str], problem: str = "not running") -> List[Observation]:
    """Return that services were left alone, and why, though their restart was asked for: steps that failed."""
    steps = Steps()
    for unit in units:
        _tried(steps, LEFT_ALONE, unit, lambda: problem)
    return steps.observations


def foreseen(plan: Restart) -> List[Observation]:
    """Return the steps that restart() would do, in its order."""
    if not plan.services:
        return []
    steps = [("drain", service.unit) for service in plan.services if service.drain]
    steps += [("stop", service.unit) for service in reversed(plan.services)]
    steps += [("start", service.unit) for service in plan.services] + [(SETTLE, "")]
    steps += [("resume", service.unit) for service in plan.services if service.resume]
    return [planned(action, unit) for action, unit in steps]


def restart(plan: Restart) -> Outcome:
    """Restart the services; where a step fails, lead back at once."""
    steps = Steps()
    drained: List[str] = []
    try:
        for service in plan.services:
            if service.drain:
                # Even a command that fails may have taken traffic away.
                drained += [service.unit] if service.resume else []
                steps.do("drain", service.unit, _command(service.drain, service.seconds))
        for service in reversed(plan.services):
            drained += [service.unit] if service.resume and not service.drain else []
            steps.do("stop", service.unit, _systemctl(plan, "stop", service))
        for service in plan.services:
            steps.do("start", service.unit, _systemctl(plan, "start", service))
        steps.do(SETTLE, "", _settled(plan))
        for service in plan.services:
            if service.resume:
                steps.do("resume", service.unit, _command(service.resume, service.seconds))
                drained.remove(service.unit)
    except Failed:
        return Outcome(steps, True, TROUBLED, _back(plan, steps, drained).drained)
    return Outcome(steps, True, DONE, [])


def lead_back(plan: Restart, drained: Sequence[str]) -> Outcome:
    """Start every service again, and send traffic there again where it was drained: the way back of a restart."""
    return _back(plan, Steps(), drained)


def _back(plan: Restart, steps: Steps, drained: Sequence[str]) -> Outcome:
    """Do every step of the way back, whatever becomes of the others; nothing that is not well gets traffic."""
    steps.way_back = True
    well = True
    for service in plan.services:
        well = _tried(steps, "start again", service.unit, _systemctl(plan, "start", service)) and well
    settled = _tried(steps, SETTLE, "", _settled(plan))
    left = []
    for service in plan.services:
        if service.unit in drained:
            work = _command(service.resume, service.seconds) if settled else _left_drained
            left += [] if _tried(steps, "resume", service.unit, work) else [service.unit]
    return Outcome(steps, True, DONE if well and settled and not left else TROUBLED, left)


def _left_drained() -> Optional[str]:
    return "left drained"


def _tried(steps: Steps, action: str, service: str, work: Work) -> bool:
    try:
        steps.do(action, service, work)
    except Failed:
        return False
    return True


def _settled(plan: Restart) -> Work:
    def work() -> Optional[str]:
        return probing.settle(plan.probes, plan.before, plan.wait_seconds).problem()

    return work


def _systemctl(plan: Restart, verb: str, service: Service) -> Work:
    # A sudoers file names the whole command, so it is always asked for in these words.
    tool = SYSTEMCTL if plan.elevate else "systemctl"
    return _command([*plan.elevate, tool, verb, service.unit], service.seconds)


def _command(argv: Sequence[str], seconds: float) -> Work:
    def work() -> Optional[str]:
        try:
            commands.run(argv, seconds)
        except Unmeasurable as why:
            return _worded(why, os.path.basename(argv[0]))
        return None

    return work


def _worded(why: Unmeasurable, program: str) -> str:
    """Return why a command did not do its work, in code words that the catalogue's names word; never its arguments."""
    if why.code == "timed_out":
        return "not done within %d s: %s" % (round(why.parameters["seconds"]), program)
    if why.code == "tool_missing":
        return "tool missing: %s" % program
    return "command failed: %s: %s" % (program, why.parameters["message"])
