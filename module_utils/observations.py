"""Observations: the one thing that every role measures, and how it is graded.

Modules on the hosts and the controller share this file, so it keeps Python 3.6
syntax and imports the standard library only. An observation is a mapping of

    check    dotted id that the catalogue words, e.g. ``filesystem.used``
    subject  what was looked at, e.g. ``/var``; empty for the host itself
    value    number, string, boolean or None; lists belong into ``detail``
    unit     ``percent``, ``bytes``, ``seconds``, ``count`` ...; empty for names
    level    one of LEVELS
    limits   the limits that applied: any of notice, warning, critical, below
    reason   None, or ``{code, parameters}`` telling why the level is unknown
    detail   evidence beside the value, a mapping
"""

from __future__ import absolute_import, division, print_function

import fnmatch
import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

__metaclass__ = type

SCHEMA_VERSION = 1

#: From fine to worst. ``unknown`` outranks ``notice``: what was not measured is never fine.
LEVELS = ("ok", "notice", "unknown", "warning", "critical")

#: The limits of one check, worst first, as grade() tries them.
GRADES = ("critical", "warning", "notice")

FIELDS = ("check", "subject", "value", "unit", "level", "limits", "reason", "detail")

Limits = Mapping[str, Any]
Thresholds = Mapping[str, Mapping[str, Any]]

Observation = NamedTuple(
    "Observation",
    [
        ("check", str),
        ("subject", str),
        ("value", Any),
        ("unit", str),
        ("level", str),
        ("limits", Dict[str, Any]),
        ("reason", Optional[Dict[str, Any]]),
        ("detail", Dict[str, Any]),
    ],
)


def rank(level: str) -> int:
    """Return the position of a level from fine (0) to worst (4)."""
    return LEVELS.index(level)


def grade(value: float, limits: Limits) -> str:
    """Return the level of a measured number under its limits.

    A limit is reached at ``value >= limit``, or at ``value < limit`` where ``below`` is true
    (days left, space left). A limit of None is switched off. Raises ValueError for what is
    not a finite number: that is unknown, never fine.
    """
    if not _is_number(value):
        raise ValueError("cannot grade %r" % (value,))
    for level in GRADES:
        limit = limits.get(level)
        if limit is None:
            continue
        if value < limit if limits.get("below") else value >= limit:
            return level
    return "ok"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def limits_for(thresholds: Thresholds, check: str, subject: str) -> Dict[str, Any]:
    """Return the limits of one check for one subject.

    ``subjects`` maps shell patterns to limits that are laid over the check's own, key by key;
    where several patterns match, the longest, hence the most specific, is laid last.
    """
    table = thresholds.get(check, {})
    limits = {key: value for key, value in table.items() if key != "subjects"}
    patterns = table.get("subjects") or {}
    for pattern in sorted(patterns, key=len):
        if fnmatch.fnmatchcase(subject, pattern):
            limits.update(patterns[pattern])
    return limits


def merge_thresholds(defaults: Thresholds, overrides: Thresholds) -> Dict[str, Dict[str, Any]]:
    """Return the defaults with the overrides laid over them, key by key and pattern by pattern."""
    merged = {check: dict(table) for check, table in defaults.items()}
    for check, table in overrides.items():
        target = merged.setdefault(check, {})
        patterns = dict(target.get("subjects") or {})
        patterns.update(table.get("subjects") or {})
        target.update(table)
        if patterns:
            target["subjects"] = patterns
    return merged


def threshold_problems(overrides: Any, known_checks: Any) -> List[str]:
    """Return what is wrong with thresholds that a person wrote, each as ``key: problem``."""
    if not isinstance(overrides, Mapping):
        return ["must map check ids to limits"]
    found = []
    for check, table in overrides.items():
        if check not in known_checks:
            found.append("%s: no such check" % check)
        elif not isinstance(table, Mapping):
            found.append("%s: must be a mapping of limits" % check)
        else:
            own = {key: value for key, value in table.items() if key != "subjects"}
            found.extend(_limit_problems(check, own))
            patterns = table.get("subjects") or {}
            if not isinstance(patterns, Mapping):
                found.append("%s.subjects: must map patterns to limits" % check)
                continue
            for pattern, limits in patterns.items():
                where = "%s.subjects.%s" % (check, pattern)
                if isinstance(limits, Mapping):
                    found.extend(_limit_problems(where, limits))
                else:
                    found.append("%s: must be a mapping of limits" % where)
    return found


def _limit_problems(where: str, limits: Limits) -> List[str]:
    found = []
    for key, value in limits.items():
        if key == "below":
            if not isinstance(value, bool):
                found.append("%s.below: must be true or false" % where)
        elif key not in GRADES:
            found.append("%s.%s: no such limit; use %s or below" % (where, key, ", ".join(GRADES)))
        elif value is not None and (isinstance(value, bool) or not _is_number(value)):
            found.append("%s.%s: must be a number or null" % (where, key))
    return found


def observe(
    thresholds: Thresholds,
    check: str,
    subject: str,
    value: Any,
    unit: str = "",
    detail: Optional[Dict[str, Any]] = None,
) -> Observation:
    """Return the graded observation of a measured value; a value without limits is fine."""
    limits = limits_for(thresholds, check, subject)
    graded = any(limits.get(level) is not None for level in GRADES)
    level = grade(value, limits) if graded else "ok"
    return Observation(check, subject, value, unit, level, limits, None, detail or {})


def unknown(
    check: str, subject: str, code: str, detail: Optional[Dict[str, Any]] = None, **parameters: Any
) -> Observation:
    """Return the observation of what could not be measured, with the code that the catalogue words."""
    reason = {"code": code, "parameters": parameters}
    return Observation(check, subject, None, "", "unknown", {}, reason, detail or {})


def problems(candidate: Any) -> List[str]:
    """Return how something that claims to be an observation breaks the schema; empty if it holds."""
    if not isinstance(candidate, Mapping):
        return ["not a mapping"]
    found = ["missing %s" % field for field in FIELDS if field not in candidate]
    found += ["surplus %s" % field for field in candidate if field not in FIELDS]
    if found:
        return found
    texts = [field for field in ("check", "subject", "unit") if not isinstance(candidate[field], str)]
    found += ["%s is not text" % field for field in texts]
    found += ["%s is not a mapping" % key for key in ("limits", "detail") if not isinstance(candidate[key], Mapping)]
    if isinstance(candidate["limits"], Mapping):
        found += _limit_problems("limits", candidate["limits"])
    if not candidate["check"]:
        found.append("check is empty")
    if candidate["level"] not in LEVELS:
        found.append("level is not one of %s" % ", ".join(LEVELS))
    return found + _value_problems(candidate["value"]) + _reason_problems(candidate["reason"], candidate["level"])


def _value_problems(value: Any) -> List[str]:
    if not isinstance(value, (str, int, float, bool, type(None))):
        return ["value is neither number, text, boolean nor null"]
    if isinstance(value, float) and not math.isfinite(value):
        return ["value is not finite"]
    return []


def _reason_problems(reason: Any, level: Any) -> List[str]:
    if reason is None:
        return ["unknown without a reason"] if level == "unknown" else []
    if not isinstance(reason, Mapping) or not isinstance(reason.get("code"), str):
        return ["reason is not a mapping with a code"]
    return []
