#!/usr/bin/python
"""Ansible module: tells whether a restart of services is due, and restarts them in order under an approved change."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: service_restart
short_description: Restart services in order, where that is due
description:
  - Assesses whether each service's restart is due, which is by how long it runs, how much memory it holds, and how many
    files that an update has replaced it still uses.
  - Restarts in one call. Traffic is drained, the services are stopped from the last to the first and started from the
    first to the last, and the call waits until the declared probes are as they were before.
  - Where a step fails, the services are started again at once, and those that this call drained get their traffic back
    once the probes are as they were. The host is then worse, and role change_gate stops the change there.
  - A service that is not there, or does not run beforehand, is left alone, which a step that failed tells. So is one of
    which it cannot be told whether its restart is due, where no other one is.
  - Holds the host for its run, so that no other change works on it at the same time. A host is not touched whose probes
    cannot be measured beforehand, of which none is well, or where all of it might take longer than the window; a step
    says so.
  - Where it is sent again, since a connection dropped, it returns what the call before did, or leads back what that one
    may have begun and did not end.
attributes:
  check_mode:
    description: Assesses, asks the probes, and says whether it would restart; it touches nothing and holds nothing.
    support: full
  diff_mode:
    description: Shows which services would be, or were, restarted.
    support: full
  idempotent:
    description: With O(when=due) a second run changes nothing; with O(when=always) each run restarts.
    support: partial
options:
  services:
    description:
      - The services, in the order in which they start; they stop the other way round.
      - Of a host without any it is unknown whether a restart is due.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The service's unit.
        type: str
        required: true
      order:
        description: A number that overrides the order of the list; lower ones start first.
        type: int
        default: 0
      drain_command:
        description:
          - A program with its arguments that takes traffic away from the service before anything is stopped.
          - Arguments can be seen on the host while it works, so a password belongs into a file that it reads.
        type: list
        elements: str
        default: []
      resume_command:
        description: A program with its arguments that gives it traffic again when the probes are as they were.
        type: list
        elements: str
        default: []
      timeout:
        description: For how many seconds each command, stop or start may take, an hour at the most.
        type: float
        default: 120.0
  state:
    description:
      - V(restarted) restarts what O(when) says.
      - V(started_again) is the way back. It starts what was O(touched), waits for the probes, and gives traffic to what
        is O(drained) if they are as they were.
      - V(led_back) is for a restart that died. It leads back what that one noted, and fails where it noted nothing.
    type: str
    choices: [restarted, started_again, led_back]
    default: restarted
  when:
    description: Whether only to restart where one of the services is due, or always.
    type: str
    choices: [due, always]
    default: due
  change:
    description: The change that allows it, as role change_gate hands it over; needed unless in check mode.
    type: dict
    suboptions:
      run:
        description: The run's id.
        type: str
        required: true
      change:
        description: The change's number.
        type: str
      lease_seconds:
        description: For how many seconds the host is held.
        type: int
        required: true
      host_seconds:
        description: How many seconds the host has, its way back included, when the batch begins; none without a window.
        type: int
      reserve_seconds:
        description: How many of these are for the way back.
        type: int
        default: 0
  probes:
    description: The probes that tell whether the host is well, with the options of module service_inspection.
    type: dict
    default: {}
  before:
    description: For O(state=started_again), the observations of the probes before the change.
    type: list
    elements: dict
    default: []
  touched:
    description: The services that the restart touched; those that the way back starts.
    type: list
    elements: str
    default: []
  drained:
    description: The services that the restart took traffic from and did not give it back to.
    type: list
    elements: str
    default: []
  thresholds:
    description: Limits by check id, laid over the default ones key by key, as in module service_inspection.
    type: dict
    default: {}
  wait:
    description: For how many seconds to wait after the start until the probes are as they were before.
    type: float
    default: 60.0
  sudo:
    description: Whether an account without root stops and starts the services through sudo.
    type: bool
    default: false
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Restart the web server and what is behind it
  service_restart:
    change: "{{ __change_gate_change }}"
    services:
      - name: his-gateway
      - name: nginx
        drain_command: [/usr/local/bin/lb, disable, web1]
        resume_command: [/usr/local/bin/lb, enable, web1]
    probes:
      tcp:
        - {host: 127.0.0.1, port: 443}
"""

RETURN = r"""
observations:
  description: Whether restarts are due, and each step with its time; in check mode, each that would be done.
  returned: success
  type: list
  elements: dict
before:
  description: What the probes found before anything was touched.
  returned: success
  type: list
  elements: dict
due:
  description: The services whose restart is due.
  returned: success
  type: list
  elements: str
  sample: [nginx.service]
restarted:
  description: The services that were restarted, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [nginx.service]
drained:
  description: The services that are left without traffic.
  returned: success
  type: list
  elements: str
  sample: []
outcome:
  description:
    - What was done. One of V(done), V(troubled) where a step failed, V(idle) where nothing was due, and V(left) where
      something was, or that could not be told, and nothing was touched.
  returned: success
  type: str
  sample: done
"""

import hashlib
import time
from contextlib import suppress
from typing import Any, Dict, List, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.changing import holding, probing
from ansible.module_utils.changing.gate import IDLE, LEFT, TROUBLED, unjudgeable
from ansible.module_utils.changing.hold import Held, Hold
from ansible.module_utils.measuring.observer import Observer
from ansible.module_utils.measuring.taking import deliverable
from ansible.module_utils.observations import merge_thresholds, threshold_problems
from ansible.module_utils.restarting.assessing import PRESENT, assess
from ansible.module_utils.restarting.restarting import (
    Outcome,
    Restart,
    foreseen,
    hide_commands,
    lead_back,
    leave_alone,
    longest,
    longest_back,
    read_services,
    restart,
    wait_problems,
)
from ansible.module_utils.restarting.thresholds import CHECKS, DEFAULT_THRESHOLDS, UNITS
from ansible.module_utils.services.probes import hide_secrets

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "services": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "order": {"type": "int", "default": 0},
            "drain_command": {"type": "list", "elements": "str", "default": []},
            "resume_command": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 120.0},
        },
    },
    "state": {"type": "str", "choices": ["restarted", "started_again", "led_back"], "default": "restarted"},
    "when": {"type": "str", "choices": ["due", "always"], "default": "due"},
    "change": holding.ARGUMENT,
    "probes": probing.ARGUMENT,
    "before": {"type": "list", "elements": "dict", "default": []},
    "touched": {"type": "list", "elements": "str", "default": []},
    "drained": {"type": "list", "elements": "str", "default": []},
    "thresholds": {"type": "dict", "default": {}},
    "wait": {"type": "float", "default": 60.0},
    "sudo": {"type": "bool", "default": False},
}


def read(given: Dict[str, Any]) -> Restart:
    """Return what the module is asked to do. Raises ValueError with all that is wrong."""
    services, problems = read_services(given["services"])
    problems += wait_problems(given["wait"])
    before = given["before"]
    problems += ["thresholds.%s" % problem for problem in threshold_problems(given["thresholds"], CHECKS)]
    probes = None
    try:
        probes = probing.declared(given["probes"], [service.unit for service in services])
    except ValueError as error:
        problems.append(str(error))
    hide(given)
    if problems or probes is None:
        raise ValueError("; ".join(problems))
    elevate = ["sudo", "-n", "--"] if given["sudo"] else []
    return Restart(services, probes, before, given["wait"], elevate)


def hide(given: Dict[str, Any]) -> None:
    """Take what nobody else should read out of the parameters: Ansible returns them with every result."""
    hide_secrets(given["probes"])
    hide_commands(given["services"])
    given["before"] = []


def wanted(plan: Restart, given: Dict[str, Any]) -> Tuple[List[Any], List[str], List[str]]:
    """Return the assessment, the services that are due, and those to restart: none, or all that run."""
    observer = Observer(UNITS, merge_thresholds(DEFAULT_THRESHOLDS, given["thresholds"]))
    if not plan.services:
        checks = (PRESENT, "restart.due")
        return [observer.unknown(one, "not_declared", input="service_restart_services") for one in checks], [], []
    names = [service.unit for service in plan.services]
    found, due = assess(observer, names, time.monotonic())
    resting = _resting(found)
    running = [name for name in names if name not in resting]
    return found, due, running if due or given["when"] == "always" else []


def _resting(assessed: List[Any]) -> List[str]:
    """Return the services that were found not to run."""
    return [one.subject for one in assessed if one.check == PRESENT and one.value == 0]


def _untold(assessed: List[Any]) -> List[str]:
    """Return the services of which it could not be told whether their restart is due."""
    resting = _resting(assessed)
    unknown = [one.subject for one in assessed if one.check == "restart.due" and one.level == "unknown"]
    return [name for name in unknown if name and name not in resting]


def work(module: AnsibleModule, plan: Restart) -> Dict[str, Any]:
    """Do what the module is asked to do, and return its result. Raises Held."""
    given = module.params
    if given["state"] == "started_again":
        plan = plan.only(given["touched"])
        if module.check_mode:
            return _result([], plan, Outcome.nothing(IDLE), [], [])
        with holding.hold_if_possible(given["change"], longest_back(plan)):
            return _result([], plan, lead_back(plan, given["drained"]), [], given["touched"])
    if module.check_mode:
        if given["state"] == "led_back":
            raise Held("in check mode nothing is begun, and nothing is led back")
        return _assessed(plan, given)
    with holding.hold(given["change"], longest(plan) + 2 * longest_back(plan)) as held:
        # What is sent twice is the same but for the time that is left.
        call = hashlib.sha256(ascii((plan.services, given["when"])).encode("ascii")).hexdigest()
        ended: Optional[Dict[str, Any]] = held.ended(call)
        if ended is not None:
            return ended
        noted = held.noted()
        if noted is None and given["state"] == "led_back":
            held.release()
            raise Held("nothing was begun here, so that nothing is led back")
        result = _restarted(plan, given, held) if noted is None else _led_back(plan, noted)
        if result["changed"]:
            with suppress(Held):  # then its repetition leads back
                held.end(call, result)
        return result


def _assessed(plan: Restart, given: Dict[str, Any]) -> Dict[str, Any]:
    """Return what would be done: what is not fit to be judged would be left."""
    assessed, due, names = wanted(plan, given)
    plan = plan._replace(before=probing.ask(plan.probes))
    names = [] if unjudgeable(plan.before) else names
    steps = foreseen(plan.only(names))
    return _result(assessed + steps, plan, Outcome.nothing(IDLE)._replace(changed=bool(names)), due, names)


def _led_back(plan: Restart, noted: Dict[str, Any]) -> Dict[str, Any]:
    """Lead back what this run has begun here in a call before, of which nobody knows how it ended."""
    plan = plan.only(noted["services"])._replace(before=noted["before"])
    outcome = lead_back(plan, [service.unit for service in plan.services if service.resume])
    return _result([], plan, outcome._replace(word=TROUBLED), [], noted["services"])


def _restarted(plan: Restart, given: Dict[str, Any], held: Hold) -> Dict[str, Any]:
    """Restart the services where that is due and can be judged afterwards, and inside the window."""
    assessed, due, names = wanted(plan, given)
    plan = plan.only(names)._replace(before=probing.ask(plan.probes))
    resting, untold = _resting(assessed), _untold(assessed)
    assessed = assessed + leave_alone(resting)
    problem = unjudgeable(plan.before) or holding.too_late(given["change"], longest(plan), longest_back(plan))
    if not names and untold:
        outcome, assessed = Outcome.nothing(LEFT), assessed + leave_alone(untold, "unmeasured: restart.due")
    elif not names:
        outcome = Outcome.nothing(IDLE)
        if not resting:
            outcome.steps.do("nothing due", "", lambda: None)
    elif problem:
        outcome, assessed, names = Outcome.nothing(LEFT), assessed + leave_alone(names, problem), []
    else:
        held.note({"services": names, "before": plan.before})
        outcome = restart(plan)
    return _result(assessed, plan, outcome, due, names)


def _result(assessed: List[Any], plan: Restart, outcome: Outcome, due: List[str], names: List[str]) -> Dict[str, Any]:
    return {
        "changed": outcome.changed,
        "observations": deliverable(assessed + outcome.steps.observations),
        "before": plan.before,
        "due": due,
        "restarted": names,
        "drained": outcome.drained,
        "outcome": outcome.word,
        "diff": {"before": "", "after": "".join("restart %s\n" % name for name in names)},
    }


def main() -> None:
    """Validate, work, exit."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = work(module, read(module.params))
    except (Held, ValueError) as error:
        hide(module.params)
        module.fail_json(msg="service_restart: %s" % error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
