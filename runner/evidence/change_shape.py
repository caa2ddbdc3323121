"""Is the body of a change's entry what this program writes? Asked before anything in it is followed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.change_rules import Rules
from runner.changes import HOST_ENDS, NUMBER, OUTCOMES, SCHEMA_VERSION, STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HASH = re.compile(r"[0-9a-f]{64}")

#: Minutes that an approval may last; a contract says no more than twenty years.
_LONGEST = 21 * 366 * 24 * 60


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _maybe_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _hash(value: Any) -> bool:
    return isinstance(value, str) and bool(_HASH.fullmatch(value))


def _number(value: Any) -> bool:
    return isinstance(value, str) and bool(NUMBER.fullmatch(value))


def _moment(value: Any) -> bool:
    """Return whether something is a moment that tells its zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _case(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(_text(value.get(key)) for key in ("kind", "id")))


def _terms(value: Any) -> bool:
    try:
        rules = Rules.of(value)
        least, minutes = value["approvals"], value["approval_minutes"]
        lasts = minutes is None or (type(minutes) is int and 0 < minutes <= _LONGEST)
        return bool(lasts and type(least) is int and least >= 1 and rules.as_dict() == value)
    except (KeyError, TypeError, ValueError):
        return False


def _hosts(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= set(HOST_ENDS) and all(map(_names, value.values()))


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _papers(value: Any) -> bool:
    return isinstance(value, list) and all(_mapping(one) and _hash(one.get("sha256")) for one in value)


def _reasons(value: Any) -> bool:
    return isinstance(value, list) and all(_mapping(one) and _text(one.get("code")) for one in value)


def _plan(value: Any) -> bool:
    return isinstance(value, dict) and not _wrong(value, _PLAN) and not _wrong(value["window"], _WINDOW)


def _steps(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and _minutes(one.get("minutes")) for one in value)


def _minutes(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**6)


_WINDOW = {"from": _moment, "to": _moment}
_PLAN: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: value is None or _number(value),
    "procedure": _text,
    "supervisor": _text,
    "hosts": _mapping,
    "window": _mapping,
    "reserve_minutes": lambda value: value is not None and _minutes(value),
    "steps": _steps,
    "automatic": _flag,
    "emergency": _flag,
    "terms": _terms,
}

_COMMON: Mapping[str, Callable[[Any], bool]] = {
    "schema_version": lambda value: type(value) is int and value == SCHEMA_VERSION,
    "change": _number,
    "step": lambda value: value in STEPS,
    "at": _moment,
    "case": _case,
    "operator": _mapping,
    "attachments": _papers,
}
_PROOF = {"digest": _hash, "signature": _maybe_text, "public_key": _maybe_text, "vouched_by": _maybe_text}
_DECISION = {"by": _text, "reason": _text, **_PROOF}
_PRESENCE = {"supervisor": _text, **_PROOF}
_STEPS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "requested": {"request": _mapping, "plan": _plan, "digest": _hash, "requester": _text},
    "approved": _DECISION,
    "rejected": _DECISION,
    "withdrawn": {"by": _text, "reason": _text},
    "signed-in": _PRESENCE,
    "signed-out": _PRESENCE,
    "refused": {"attempt": _text, "by": _maybe_text, "reasons": _reasons},
    "started": {"run": _text, "digest": _hash},
    "executed": {"run": _text, "outcome": lambda value: value in OUTCOMES, "hosts": _hosts},
    "verified": {"run": _text, "by": _text, "passed": _flag, "text": _text, **_PROOF},
    "closed": {"outcome": _text, "text": _maybe_text},
}


def _wrong(body: Mapping[str, Any], keys: Mapping[str, Callable[[Any], bool]]) -> str:
    """Return the first key whose value is not what it must be; empty where all are."""
    return next((key for key, fits in keys.items() if not fits(body.get(key))), "")


def change_problem(body: Mapping[str, Any]) -> str:
    """Return why a body is none of a change's entry; empty where it is."""
    try:
        wrong = _wrong(body, _COMMON) or _wrong(body, _STEPS[body["step"]])
        if not wrong and body["step"] == "requested" and body["plan"].get("number") not in (None, body["change"]):
            wrong = "plan.number"
    except TypeError:
        wrong = "step"
    return f"{wrong} is missing, or not what it must be" if wrong else ""
