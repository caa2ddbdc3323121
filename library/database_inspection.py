#!/usr/bin/python
"""Ansible module: inspects a host's declared databases in one call and returns what it measured as observations."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: database_inspection
short_description: Inspect MySQL and MariaDB servers in one call
description:
  - Asks each declared server how it is, grades each figure under its limits, and returns the observations. The subject
    of each is the instance's name, that of a named replication channel V(name channel).
  - A server that does not answer is critical. One that answers but does not let the account in, or a figure for which
    the account lacks a right, is V(unknown) with the reason; it is never fine.
  - The session is read only, waits shortly for locks, and each answer is bounded in time. Nothing is written.
  - Needs PyMySQL on the host; without it every instance is V(unknown).
  - Messages of servers are masked before they leave the host, and statements are shown without their literals.
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
  instances:
    description: The databases, each with a name of its own.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What people call it; the subject of its observations.
        type: str
        required: true
      engine:
        description: What it is; those other than V(mysql) and V(mariadb) are returned as not covered.
        type: str
        required: true
        choices: [mysql, mariadb, oracle, sqlserver, other]
      socket:
        description:
          - Its socket. Without this and O(instances[].host), what O(instances[].config_file) says, else the usual
            places.
        type: path
      host:
        description: Its address; C(localhost) without a port is the socket, as for MySQL's own programs.
        type: str
      port:
        description: Its port; 3306 if nobody says.
        type: int
      user:
        description: The account; without this, what O(instances[].config_file) says, else the login's own name.
        type: str
      password:
        description: The account's password; none for an account that the server knows by its login on the host.
        type: str
      config_file:
        description: An option file on the host whose group C([client]) says what is not said here.
        type: path
      role:
        description:
          - What it does in replication. A V(replica) must have a channel; V(primary) and V(standalone) are not asked.
        type: str
        choices: [primary, replica, standalone]
      error_log:
        description: Its error log, where the server's own word for it does not hold on this host.
        type: path
      ssl_ca:
        description: Certificates of the authorities to trust; with this the connection is encrypted and verified.
        type: path
      ssl_cert:
        description: The account's certificate.
        type: path
      ssl_key:
        description: The account's key.
        type: path
      ssl_check_hostname:
        description: Whether the server's certificate must be for the address that is connected to.
        type: bool
        default: true
  thresholds:
    description:
      - Limits by check id, laid over the default ones key by key. Each check takes any of C(notice), C(warning),
        C(critical), C(below), and C(subjects), which maps shell patterns of subjects to limits of their own.
      - A limit of V(null) is switched off.
    type: dict
    default: {}
  since:
    description:
      - Count the errors logged from this time on, in ISO 8601; without an offset it is UTC.
      - Empty means the last 31 days.
    type: str
    default: ""
  timeout:
    description:
      - For how many seconds to wait for a server's answer, at most 600; a server in all may take five times that.
    type: float
    default: 10.0
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Inspect the local MariaDB as root, who needs no password
  database_inspection:
    instances:
      - {name: his, engine: mariadb, socket: /run/mysqld/mysqld.sock, role: primary}

- name: Inspect two MySQL servers with accounts of their own, one of them elsewhere
  database_inspection:
    instances:
      - {name: lis, engine: mysql, config_file: /etc/weibao/lis.cnf, role: replica}
      - {name: pacs, engine: mysql, host: 10.0.8.14, user: weibao, password: "{{ pacs_password }}"}
    thresholds:
      database.replication_lag:
        subjects:
          lis: {warning: 600, critical: 3600}
"""

RETURN = r"""
observations:
  description: What was measured, instance by instance.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: The check's id.
      type: str
      sample: database.connections
    subject:
      description: The instance's name, followed by the channel's name where replication has named channels.
      type: str
      sample: his
    value:
      description: The measured number or word; null where it is unknown.
      type: raw
      sample: 62.5
    unit:
      description: The value's unit; empty for names.
      type: str
      sample: percent
    level:
      description: One of V(ok), V(notice), V(unknown), V(warning), V(critical).
      type: str
      sample: ok
    limits:
      description: The limits that applied.
      type: dict
      sample: {"warning": 80, "critical": 85}
    reason:
      description: Why the level is unknown, as a code with parameters; null otherwise.
      type: dict
      sample: null
    detail:
      description: The evidence beside the value.
      type: dict
      sample: {"peak": 95, "limit": 152, "now": 12}
  sample:
    - {"check": "database.reachable", "subject": "his", "value": 0, "unit": "flag", "level": "critical",
       "limits": {"critical": 1, "below": true}, "reason": null,
       "detail": {"at": "10.0.8.14:3306", "error": "Can't connect to MySQL server on '10.0.8.14' (timed out)"}}
"""

from typing import Any, Dict, Iterator, List

from ansible.module_utils.databases import inspection
from ansible.module_utils.databases.server import Settings
from ansible.module_utils.databases.settings import COVERED, NOT_COVERED, Instance
from ansible.module_utils.databases.thresholds import CHECKS, DEFAULT_THRESHOLDS, WORDS
from ansible.module_utils.measuring.module import run_module
from ansible.module_utils.measuring.moments import parse_moment
from ansible.module_utils.observations import Observation, merge_thresholds, threshold_problems

INSTANCE: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "engine": {"type": "str", "required": True, "choices": list(COVERED) + list(NOT_COVERED)},
    "socket": {"type": "path"},
    "host": {"type": "str"},
    "port": {"type": "int"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "config_file": {"type": "path"},
    "role": {"type": "str", "choices": ["primary", "replica", "standalone"]},
    "error_log": {"type": "path"},
    "ssl_ca": {"type": "path"},
    "ssl_cert": {"type": "path"},
    "ssl_key": {"type": "path", "no_log": False},
    "ssl_check_hostname": {"type": "bool", "default": True},
}

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "instances": {"type": "list", "elements": "dict", "required": True, "options": INSTANCE},
    "thresholds": {"type": "dict", "default": {}},
    "since": {"type": "str", "default": ""},
    "timeout": {"type": "float", "default": 10.0},
}


def input_problems(parameters: Dict[str, Any]) -> List[str]:
    """Return everything that is wrong with the module's inputs, each as ``option: problem``."""
    found = ["thresholds.%s" % problem for problem in threshold_problems(parameters["thresholds"], CHECKS)]
    found += ["thresholds.%s: is a word, not a number" % check for check in WORDS if check in parameters["thresholds"]]
    if not 0 < parameters["timeout"] <= 600:  # which NaN is not either
        found.append("timeout: must be above 0 and at most 600")
    try:
        parse_moment(parameters["since"])
    except ValueError:
        found.append("since: %r is no ISO 8601 time" % parameters["since"])
    names = [instance["name"] for instance in parameters["instances"]]
    found += ["instances: %r is declared twice" % name for name in sorted(set(names)) if names.count(name) > 1]
    for number, instance in enumerate(parameters["instances"]):
        found += ["instances[%d].%s" % (number, problem) for problem in _instance_problems(instance)]
    return found


def _instance_problems(instance: Dict[str, Any]) -> Iterator[str]:
    if not instance["name"].strip():
        yield "name: must not be empty"
    if instance["socket"] and instance["host"]:
        yield "socket: and host exclude each other"
    if instance["port"] is not None and not 0 < instance["port"] < 65536:
        yield "port: must be above 0 and below 65536"
    if instance["ssl_key"] and not instance["ssl_cert"]:
        yield "ssl_key: needs ssl_cert"


def inspect(parameters: Dict[str, Any]) -> Iterator[Observation]:
    """Yield what the servers tell, a site's limits laid over the default ones."""
    settings = Settings(
        merge_thresholds(DEFAULT_THRESHOLDS, parameters["thresholds"]),
        parameters["timeout"],
        parse_moment(parameters["since"]),
    )
    yield from inspection.inspect(settings, tuple(Instance(**instance) for instance in parameters["instances"]))


def main() -> None:
    """Validate, inspect, exit."""
    run_module("database_inspection", ARGUMENTS, input_problems, inspect)


if __name__ == "__main__":
    main()
