#!/usr/bin/python
"""Ansible module: inspects a host in one call and returns what it measured as observations."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_inspection
short_description: Inspect a host in one call
description:
  - Measures what a host can tell of its own health, grades each figure under its limits, and returns the observations.
  - What cannot be measured is returned with the level V(unknown) and the reason; it is never fine.
  - What does not exist on a host, such as an array on a host without RAID, is not reported; what the inputs declare is
    held to exist.
  - Inside a container the container's own figures are read where its cgroup has them; RV(observations[].detail)
    says with C(scope) whether a figure is the container's or the machine's.
  - Reads only. Personal data in log messages, errors and names of files is masked before it leaves the host.
attributes:
  check_mode:
    description: Runs the same in check mode, because it changes nothing.
    support: full
  diff_mode:
    description: There is nothing to show, because it changes nothing.
    support: none
  idempotent:
    description: Running it again changes nothing; the figures are those of the moment.
    support: full
options:
  sample_seconds:
    description:
      - For how many seconds to watch where the CPU's time goes, at most 60.
      - Where sysstat keeps the averages of the day, those are taken instead.
    type: float
    default: 1.0
  since:
    description:
      - Digest the log from this time on, in ISO 8601; without an offset it is UTC.
      - Empty means the last 31 days.
    type: str
    default: ""
  thresholds:
    description:
      - Limits by check id, laid over the default ones key by key. Each check takes any of C(notice), C(warning),
        C(critical), C(below), and C(subjects), which maps shell patterns of subjects to limits of their own.
      - A limit of V(null) is switched off.
    type: dict
    default: {}
  expected_ports:
    description:
      - The ports that the host should listen on, such as V(tcp/22).
      - Empty means that nobody has declared them, so the ports are listed but not judged.
    type: list
    elements: str
    default: []
  certificates:
    description:
      - Glob patterns of certificate files that the host must have; a pattern without a certificate is unknown.
      - Lists of authorities and keys among them are passed over.
      - Empty means those that are found where web servers and databases keep theirs.
    type: list
    elements: str
    default: []
  ignored_mounts:
    description: Shell patterns of mount points that are not measured.
    type: list
    elements: str
    default: []
  checks:
    description: Shell patterns of check ids to take; empty means all. What only other checks need is not run.
    type: list
    elements: str
    default: []
  command_timeout:
    description: For how many seconds to wait for any one command or file system, at most 600.
    type: float
    default: 20.0
  sudo:
    description:
      - Run the few commands that need root through C(sudo -n), for hosts whose owner grants no root.
      - These are the commands of the sudoers file in the role's README, and no others; none is run where the module is
        root itself.
      - Without it sudo is never asked, because a refusal goes into the host's security log.
    type: bool
    default: false
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Inspect the host
  host_inspection:
  register: inspection

- name: Look at the disks alone, with a limit of its own for one of them
  host_inspection:
    checks: [filesystem.*]
    thresholds:
      filesystem.used:
        subjects:
          /backup: {warning: 95, critical: 98}

- name: Hold the listening ports against the declared ones
  host_inspection:
    expected_ports: [tcp/22, tcp/3306]
    since: "2026-10-31T08:00:00+08:00"
"""

RETURN = r"""
observations:
  description: What was measured, in the order of the inspection record.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: The check's id.
      type: str
      sample: filesystem.used
    subject:
      description: What was looked at; empty for the host itself.
      type: str
      sample: /var
    value:
      description: The measured number or word; null where it is unknown.
      type: raw
      sample: 81.4
    unit:
      description: The value's unit; empty for names.
      type: str
      sample: percent
    level:
      description: One of V(ok), V(notice), V(unknown), V(warning), V(critical).
      type: str
      sample: warning
    limits:
      description: The limits that applied.
      type: dict
      sample: {"warning": 80, "critical": 90}
    reason:
      description: Why the level is unknown, as a code with parameters; null otherwise.
      type: dict
      sample: null
    detail:
      description: The evidence beside the value.
      type: dict
      sample: {"size_bytes": 52521566208, "device": "/dev/vda1", "type": "ext4"}
  sample:
    - {"check": "memory.swap_used", "subject": "", "value": 0, "unit": "percent", "level": "ok",
       "limits": {"warning": 80}, "reason": null, "detail": {"swap_bytes": 0}}
"""

import os
from typing import Any, Dict, Iterator, List

from ansible.module_utils.host import inspection, network
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.thresholds import CHECKS, DEFAULT_THRESHOLDS, WORDS
from ansible.module_utils.measuring.module import run_module
from ansible.module_utils.measuring.moments import parse_moment
from ansible.module_utils.observations import Observation, merge_thresholds, threshold_problems

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "sample_seconds": {"type": "float", "default": 1.0},
    "since": {"type": "str", "default": ""},
    "thresholds": {"type": "dict", "default": {}},
    "expected_ports": {"type": "list", "elements": "str", "default": []},
    "certificates": {"type": "list", "elements": "str", "default": []},
    "ignored_mounts": {"type": "list", "elements": "str", "default": []},
    "checks": {"type": "list", "elements": "str", "default": []},
    "command_timeout": {"type": "float", "default": 20.0},
    "sudo": {"type": "bool", "default": False},
}


def input_problems(parameters: Dict[str, Any]) -> List[str]:
    """Return everything that is wrong with the module's inputs, each as ``option: problem``."""
    found = ["thresholds.%s" % problem for problem in threshold_problems(parameters["thresholds"], CHECKS)]
    found += ["thresholds.%s: is a word, not a number" % check for check in WORDS if check in parameters["thresholds"]]
    for option, highest in (("sample_seconds", 60), ("command_timeout", 600)):
        if not 0 < parameters[option] <= highest:  # which NaN is not either
            found.append("%s: must be above 0 and at most %d" % (option, highest))
    try:
        parse_moment(parameters["since"])
    except ValueError:
        found.append("since: %r is no ISO 8601 time" % parameters["since"])
    for option, valid, wanted in (
        ("expected_ports", network.valid_port, "is not like tcp/22 or udp/123"),
        ("checks", inspection.matching, "matches no check"),
        ("certificates", os.path.isabs, "is not an absolute path"),
    ):
        found.extend("%s: %r %s" % (option, entry, wanted) for entry in parameters[option] if not valid(entry))
    return found


def inspect(parameters: Dict[str, Any]) -> Iterator[Observation]:
    """Yield what the host tells, its limits laid over the default ones."""
    inputs = dict(parameters, since=parse_moment(parameters["since"]))
    inputs["thresholds"] = merge_thresholds(DEFAULT_THRESHOLDS, inputs["thresholds"])
    yield from inspection.inspect(Context(Inputs(**inputs)))


def main() -> None:
    """Validate, inspect, exit."""
    run_module("host_inspection", ARGUMENTS, input_problems, inspect)


if __name__ == "__main__":
    main()
