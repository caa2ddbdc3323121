#!/usr/bin/python
"""Ansible module: asks a host's services for an answer, as their users would, and returns observations."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: service_inspection
short_description: Ask the declared services of a host for an answer
description:
  - Looks from the host itself at what a site declares of its services, which are units of systemd, TCP ports, pages
    and names of the DNS. Grades each figure under its limits, and returns the observations.
  - All probes of a host are made at the same time, each within its own deadline, whatever the other side does.
  - What does not answer is critical; what its failure keeps from being measured, and what this host could not ask, is
    V(unknown) with the reason, never fine.
  - Reads only. Users, passwords and query strings of URLs are neither returned nor part of any message.
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
  units:
    description:
      - Units of systemd that must be active; a name without a suffix is a service's.
      - A unit that starts, or waits to be started again, is not active.
    type: list
    elements: str
    default: []
  tcp:
    description: Ports that must take a connection.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the port is called in findings; by default its host and number.
        type: str
      host:
        description: The address or name of the host that listens.
        type: str
        required: true
      port:
        description: The port's number.
        type: int
        required: true
      timeout:
        description: For how many seconds to wait at most, up to 120; by default O(timeout).
        type: float
  http:
    description: Pages that must answer. Redirects are not followed, and no proxy is used.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the page is called in findings; by default its URL without user and query.
        type: str
      url:
        description:
          - The page, C(http) or C(https). A user and password in it are sent as basic authentication.
          - Over a connection that is not trusted, neither these nor a query are sent; the page is then unknown.
        type: str
        required: true
      status:
        description: The expected status, any of these.
        type: list
        elements: int
        default: [200]
      contains:
        description:
          - A text that the page must contain, as it stands in its source, within the first MiB.
          - The page is read in the charset that it declares; without one as UTF-8 or GB 18030.
        type: str
      method:
        description: How to ask.
        type: str
        choices: [GET, HEAD, OPTIONS]
        default: GET
      host_header:
        description: The name to ask for where the URL has an address; also the name of the certificate.
        type: str
      ca_file:
        description: A file with the only authorities to trust, such as the hospital's own; by default the host's.
        type: path
      verify:
        description: Whether the certificate must be trusted; its days left are looked at in any case.
        type: bool
        default: true
      timeout:
        description: For how many seconds to wait for the whole answer at most, up to 120; by default O(timeout).
        type: float
  dns:
    description: Names that the host's own resolver must know.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the name is called in findings; by default the name itself.
        type: str
      query:
        description: The name to look up.
        type: str
        required: true
      addresses:
        description:
          - The addresses that it must have, and of their kind (IPv4, IPv6) no others.
          - Empty means that any will do.
        type: list
        elements: str
        default: []
      timeout:
        description: For how many seconds to wait at most, up to 120; by default O(timeout).
        type: float
  thresholds:
    description:
      - Limits by check id, laid over the default ones key by key. Each check takes any of C(notice), C(warning),
        C(critical), C(below), and C(subjects), which maps shell patterns of names to limits of their own.
      - A limit of V(null) is switched off.
    type: dict
    default: {}
  timeout:
    description: For how many seconds to wait for any one probe, at most 120.
    type: float
    default: 10.0
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Ask what the outpatient system's users ask
  service_inspection:
    units: [nginx.service, his-gateway]
    tcp:
      - {name: HIS database, host: db1.hospital.internal, port: 3306}
    http:
      - name: Outpatient login
        url: https://his.hospital.internal/login
        contains: 门诊登录
        ca_file: /etc/ssl/hospital-ca.pem
    dns:
      - {query: his.hospital.internal, addresses: [10.1.2.3]}
  register: inspection

- name: Let one slow page be slow, and see a virtual host behind its address
  service_inspection:
    http:
      - {name: Report, url: "https://10.1.2.3/report", host_header: report.hospital.internal, status: [200, 401]}
    thresholds:
      http.time:
        subjects:
          Report: {warning: 5000, critical: 20000}
"""

RETURN = r"""
observations:
  description: What was found, in the order units, ports, pages, names.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: The check's id.
      type: str
      sample: http.answer
    subject:
      description: The name of what was asked.
      type: str
      sample: Outpatient login
    value:
      description: The measured number, 1 and 0 for yes and no; null where it is unknown.
      type: raw
      sample: 0
    unit:
      description: The value's unit.
      type: str
      sample: flag
    level:
      description: One of V(ok), V(notice), V(unknown), V(warning), V(critical).
      type: str
      sample: critical
    limits:
      description: The limits that applied.
      type: dict
      sample: {"critical": 1, "below": true}
    reason:
      description: Why the level is unknown, as a code with parameters; null otherwise.
      type: dict
      sample: null
    detail:
      description: The evidence beside the value.
      type: dict
      sample: {"url": "https://his.hospital.internal/login", "address": "10.1.2.3", "status": 502, "expected": [200]}
  sample:
    - {"check": "tcp.connect_time", "subject": "HIS database", "value": 0.42, "unit": "milliseconds", "level": "ok",
       "limits": {"warning": 200}, "reason": null, "detail": {}}
"""

from typing import Any, Dict, Iterator, List

from ansible.module_utils.measuring.module import run_module
from ansible.module_utils.observations import Observation, merge_thresholds, threshold_problems
from ansible.module_utils.services import inspection, probes
from ansible.module_utils.services.arguments import PROBES
from ansible.module_utils.services.thresholds import CHECKS, DEFAULT_THRESHOLDS

ARGUMENTS: Dict[str, Dict[str, Any]] = dict(
    PROBES,
    thresholds={"type": "dict", "default": {}},
    timeout={"type": "float", "default": 10.0},
)


def input_problems(parameters: Dict[str, Any]) -> List[str]:
    """Return everything that is wrong with the module's inputs, each as ``option: problem``."""
    found = ["thresholds.%s" % problem for problem in threshold_problems(parameters["thresholds"], CHECKS)]
    found += probes.parse(parameters)[1]
    if found:
        probes.hide_secrets(parameters)
    return found


def inspect(parameters: Dict[str, Any]) -> Iterator[Observation]:
    """Yield what the services answer, its limits laid over the default ones."""
    declared, _ = probes.parse(parameters)
    probes.hide_secrets(parameters)
    thresholds = merge_thresholds(DEFAULT_THRESHOLDS, parameters["thresholds"])
    yield from inspection.inspect(declared, thresholds, parameters["timeout"])


def main() -> None:
    """Validate, inspect, exit."""
    run_module("service_inspection", ARGUMENTS, input_problems, inspect)


if __name__ == "__main__":
    main()
