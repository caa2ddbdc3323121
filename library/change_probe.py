#!/usr/bin/python
"""Ansible module: asks a host's probes after a change, judges them against those before, and gives the host free."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: change_probe
short_description: Tell whether a host is as it was before a change
description:
  - Asks the declared probes, and judges them against what they found before the change. Worse is what is critical now
    and was not; what cannot be measured is never fine.
  - Asks again while something cannot be measured, for O(patience) seconds at the most.
  - Gives the host free for other changes, unless it is worse and its way back follows.
  - Role change_gate calls it once a host and batch.
attributes:
  check_mode:
    description: Does nothing in check mode but ask; the host is not held then.
    support: full
  diff_mode:
    description: There is nothing to show, because it changes nothing.
    support: none
  idempotent:
    description: Running it again changes nothing; the figures are those of the moment.
    support: full
options:
  change:
    description: The change that holds the host, as role change_gate hands it over.
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
    description: The probes that the change is judged by, with the options of module service_inspection.
    type: dict
    default: {}
  units:
    description: Units of systemd that must be active, beside those of the probes.
    type: list
    elements: str
    default: []
  before:
    description: The observations of the probes before the change.
    type: list
    elements: dict
    default: []
  outcome:
    description:
      - What the change did on the host. V(troubled) makes it worse whatever the probes say. V(left) pauses the change,
        since it was due and not done. With V(idle) nothing was due, so that a host without probes is fine, too.
    type: str
    choices: [done, idle, left, troubled]
    default: done
  leads_back:
    description: Whether a host that is worse is led back after this, for which it stays held.
    type: bool
    default: false
  led_back:
    description: Whether this looks where the way back led, which it tells as its last step.
    type: bool
    default: false
  patience:
    description: For how many seconds to ask again for what cannot be measured.
    type: float
    default: 60.0
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Measure the host after its change
  change_probe:
    change: "{{ __change_gate_begin.change }}"
    probes: {units: [nginx.service]}
    before: "{{ work.before }}"
    outcome: "{{ work.outcome }}"
"""

RETURN = r"""
observations:
  description: What the probes found after the change; before it, with O(led_back), whether all is as it was.
  returned: success
  type: list
  elements: dict
outcome:
  description: What the change did on the host, as it was handed over.
  returned: success
  type: str
  sample: done
judgement:
  description: How the host is.
  returned: success
  type: dict
  contains:
    word:
      description: One of V(unchanged), V(worse), V(unmeasured).
      type: str
      sample: worse
    worse:
      description: The checks that are critical now and were not.
      type: list
      elements: str
      sample: [unit.active nginx.service]
    unmeasured:
      description: The checks that could not be measured.
      type: list
      elements: str
      sample: []
"""

from contextlib import suppress
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.changing import holding, probing
from ansible.module_utils.changing.gate import DONE, IDLE, LEFT, TROUBLED, UNMEASURED, WORSE
from ansible.module_utils.changing.hold import Held
from ansible.module_utils.changing.steps import WAY_BACK_ENDED, Failed, Steps
from ansible.module_utils.measuring.taking import deliverable
from ansible.module_utils.services.probes import hide_secrets

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "change": holding.ARGUMENT,
    "probes": probing.ARGUMENT,
    "units": {"type": "list", "elements": "str", "default": []},
    "before": {"type": "list", "elements": "dict", "default": []},
    "outcome": {"type": "str", "choices": [DONE, IDLE, LEFT, TROUBLED], "default": DONE},
    "leads_back": {"type": "bool", "default": False},
    "led_back": {"type": "bool", "default": False},
    "patience": {"type": "float", "default": 60.0},
}


#: Seconds; a window may be as long as that.
LONGEST_PATIENCE = 86400


def main() -> None:
    """Ask, judge, give free, exit."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        wanted = probing.declared(given["probes"], given["units"])
        hide_secrets(given["probes"])
        if module.check_mode:
            probed = _ask(wanted, given)
        else:
            with holding.hold(given["change"]) as held:
                probed = _ask(wanted, given)
                if not (given["leads_back"] and probed.judgement.word == WORSE):
                    held.release()
    except (Held, ValueError) as error:
        hide_secrets(given["probes"])
        module.fail_json(msg="change_probe: %s" % error)
    # Ansible returns a module's arguments with its result; these the record has already.
    given["before"] = []
    judgement = dict(probed.judgement._asdict())
    observations = _told(probed) + probed.found if given["led_back"] else probed.found
    module.exit_json(changed=False, observations=observations, outcome=given["outcome"], judgement=judgement)


def _ask(wanted: Any, given: Dict[str, Any]) -> probing.Probed:
    if not 0 <= given["patience"] <= LONGEST_PATIENCE:
        raise ValueError("patience must be from 0 to %d seconds" % LONGEST_PATIENCE)
    patience = 0.0 if given["outcome"] == LEFT else given["patience"]
    return probing.ask_until(wanted, given["before"], patience, (UNMEASURED,), given["outcome"])


def _told(probed: probing.Probed) -> probing.Found:
    """Return the step that tells whether the host is as it was, which stands before what it rests on."""
    steps = Steps()
    steps.way_back = True
    with suppress(Failed):
        steps.do(WAY_BACK_ENDED, "", probed.problem)
    return deliverable(steps.observations)


if __name__ == "__main__":
    main()
