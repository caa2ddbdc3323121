#!/usr/bin/python
"""Ansible module: looks at the declared backups of a host without touching them, and returns observations."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: backup_inspection
short_description: Look at the declared backups of a host
description:
  - Tells of each declared set whether it is there, how old its newest finished backup is, how large, also against the
    median of the ten before it, how many are kept, and whether its bytes are those of its checksum. Grades each figure
    under its limits, and returns the observations.
  - A backup that changed within the last minutes, or bears a name such as C(.tmp) or C(.part), is still being written;
    the one before it is judged, so a job that never ends does not look fine.
  - What cannot be measured is V(unknown) with the reason, never fine. Symbolic links are not followed.
  - Reads only. Personal data in names of files is masked before it leaves the host.
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
  sets:
    description: The sets of backups that must be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the set is called in findings; by default its folder and pattern.
        type: str
      path:
        description: The folder that the backups lie in.
        type: str
        required: true
      pattern:
        description: The shell pattern of their names in it. Names of checksums are left out.
        type: str
        default: "*"
      kind:
        description: Whether each backup is a file or a directory; one of these is as old as the newest file in it.
        type: str
        choices: [file, directory]
        default: file
      every_hours:
        description:
          - Within how many hours a new one is due. Its age is a warning from 1.25 times this on, critical from twice
            this on, unless O(thresholds) says otherwise.
        type: float
        required: true
      keep:
        description: How many must be there; fewer are a warning. Without it they are not counted.
        type: int
      checksum:
        description:
          - Where the checksum of each lies; V(beside) it, as C(FILE.sha256) or C(FILE.md5), or in a V(file) of its
            folder, as C(SHA256SUMS) or C(MD5SUMS); for directories that is the directory itself.
          - The forms of coreutils and BSD are read, and bare digests.
        type: str
        choices: [none, beside, file]
        default: none
      settle_minutes:
        description: For how many minutes a backup must not have changed to be finished.
        type: float
        default: 5.0
  thresholds:
    description:
      - Limits by check id, laid over the default ones key by key. Each check takes any of C(notice), C(warning),
        C(critical), C(below), and C(subjects), which maps shell patterns of sets' names to limits of their own.
      - A limit of V(null) is switched off.
    type: dict
    default: {}
  hash_bytes:
    description:
      - The newest backup of a set is held against its checksum up to this many bytes; of a larger one only the presence
        and form of the checksum are judged, and the observation says so.
    type: int
    default: 1073741824
  timeout:
    description: For how many seconds to wait for all folders, and again for all checksums, at most 3600.
    type: float
    default: 60.0
author:
  - Weibao contributors
"""

EXAMPLES = r"""
- name: Look at the nightly dumps
  backup_inspection:
    sets:
      - name: HIS nightly dump
        path: /var/backups/mariadb
        pattern: "*.sql.gz"
        every_hours: 24
        keep: 7
        checksum: beside
  register: inspection

- name: Look at weekly full copies, of which a larger size is usual
  backup_inspection:
    sets:
      - {name: PACS weekly, path: /backup/pacs, pattern: "full-*", kind: directory, every_hours: 168, checksum: file}
    thresholds:
      backup.age:
        subjects:
          PACS weekly: {warning: 180, critical: 200}
      backup.size_change: {notice: 400}
"""

RETURN = r"""
observations:
  description: What was found, set by set.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: The check's id.
      type: str
      sample: backup.age
    subject:
      description: The set's name.
      type: str
      sample: HIS nightly dump
    value:
      description: The measured number or word; null where it is unknown.
      type: raw
      sample: 31.5
    unit:
      description: The value's unit; empty for words.
      type: str
      sample: hours
    level:
      description: One of V(ok), V(notice), V(unknown), V(warning), V(critical).
      type: str
      sample: warning
    limits:
      description: The limits that applied.
      type: dict
      sample: {"warning": 30.0, "critical": 48.0}
    reason:
      description: Why the level is unknown, as a code with parameters; null otherwise.
      type: dict
      sample: null
    detail:
      description: The evidence beside the value.
      type: dict
      sample: {"newest": "his-2026-11-21.sql.gz", "time": "2026-11-21T18:30:00+00:00", "every_hours": 24.0}
  sample:
    - {"check": "backup.size", "subject": "HIS nightly dump", "value": 734003200, "unit": "bytes", "level": "ok",
       "limits": {}, "reason": null, "detail": {"newest": "his-2026-11-21.sql.gz"}}
"""

from typing import Any, Dict, Iterator, List

from ansible.module_utils.backups import inspection, sets
from ansible.module_utils.backups.thresholds import CHECKS, DEFAULT_THRESHOLDS, WORDS
from ansible.module_utils.measuring.module import run_module
from ansible.module_utils.observations import Observation, merge_thresholds, threshold_problems

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "sets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "path": {"type": "str", "required": True},
            "pattern": {"type": "str", "default": "*"},
            "kind": {"type": "str", "choices": ["file", "directory"], "default": "file"},
            "every_hours": {"type": "float", "required": True},
            "keep": {"type": "int"},
            "checksum": {"type": "str", "choices": ["none", "beside", "file"], "default": "none"},
            "settle_minutes": {"type": "float", "default": 5.0},
        },
    },
    "thresholds": {"type": "dict", "default": {}},
    "hash_bytes": {"type": "int", "default": 1073741824},
    "timeout": {"type": "float", "default": 60.0},
}


def input_problems(parameters: Dict[str, Any]) -> List[str]:
    """Return everything that is wrong with the module's inputs, each as ``option: problem``."""
    found = ["thresholds.%s" % problem for problem in threshold_problems(parameters["thresholds"], CHECKS)]
    found += ["thresholds.%s: is a word, not a number" % check for check in WORDS if check in parameters["thresholds"]]
    if not 0 < parameters["timeout"] <= 3600:  # which NaN is not either
        found.append("timeout: must be above 0 and at most 3600")
    if parameters["hash_bytes"] < 0:
        found.append("hash_bytes: must not be negative")
    _, wrong = sets.parse(parameters)
    found += wrong
    return found


def inspect(parameters: Dict[str, Any]) -> Iterator[Observation]:
    """Yield how the backups stand, its limits laid over the default ones."""
    declared, _ = sets.parse(parameters)
    limits = inspection.Limits(parameters["timeout"], parameters["hash_bytes"])
    yield from inspection.inspect(declared, merge_thresholds(DEFAULT_THRESHOLDS, parameters["thresholds"]), limits)


def main() -> None:
    """Validate, inspect, exit."""
    run_module("backup_inspection", ARGUMENTS, input_problems, inspect)


if __name__ == "__main__":
    main()
