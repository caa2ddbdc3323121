"""Action ``change_gate``: lets a batch of a changing play begin, and decides after it. Runs on the controller alone.

It asks no host anything: it reads the runner's token, what the probes of the batch's hosts said, and the clock. What it
goes by from one batch to the next lies beside the token, not in variables, which whoever starts a play may set.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ansible.module_utils
from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

# The rules are shared with the modules on the hosts; Ansible finds those for modules, not for plugins.
_SHARED = str(Path(__file__).resolve().parent.parent / "module_utils")
if _SHARED not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_SHARED)

from ansible.module_utils.changing import gate  # noqa: E402
from ansible.module_utils.changing.checks import UNITS  # noqa: E402
from ansible.module_utils.changing.memory import Memory  # noqa: E402
from ansible.module_utils.changing.token import Refused, Token, read_token, shown  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = """
action: change_gate
short_description: Opens and closes a batch of a changing play
description:
  - Role C(change_gate) calls it, once a batch, on the controller.
author: Weibao
"""

#: The group of what a site declares as not covered, as a Windows host.
NOT_COVERED = "not_covered"

#: What the role registers of each host after its batch.
AFTER = "__change_gate_after"

#: How variables begin that are the gate's and the roles' own: given on the command line, they would override both.
OWN = ("_", "change_gate_")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Begins a batch (``at: begin``) or decides after one (``at: end``)."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result that the role goes by: ``proceed``, and ``change`` for the modules, or the decision."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        way = self._begin if self._task.args.get("at") == "begin" else self._end
        return {**result, "changed": False, **way(variables)}

    def _begin(self, variables: dict[str, Any]) -> dict[str, Any]:
        hosts = [str(name) for name in variables["ansible_play_batch"]]
        try:
            _refuse_own(load_extra_vars(self._loader))
            if self._task.check_mode:
                return {"proceed": True, "change": None, "hosts": hosts}
            token = read_token(os.environ)
            memory = Memory(token)
            left = _after(variables, hosts)
            if memory.open:
                return _lost(memory, hosts + left)
            if memory.last not in (None, gate.PASSED):
                return {"proceed": False}
            return _open(token, memory, hosts, left)
        except (Refused, OSError) as error:
            raise AnsibleActionFail(str(error)) from None

    def _end(self, variables: dict[str, Any]) -> dict[str, Any]:
        try:
            memory = Memory(read_token(os.environ))
        except Refused as refused:
            raise AnsibleActionFail(str(refused)) from None
        batch, known = memory.open, variables["hostvars"]
        if batch is None:
            raise AnsibleActionFail("no batch has begun: tasks begin.yml of role change_gate come first")
        # Whoever was lost is not in the batch any more, and what is known of it may be of an earlier play.
        answers = {str(name): known[name].get(AFTER) for name in variables["ansible_play_batch"]}
        decision = gate.decide(batch["hosts"], {name: _word(answer) for name, answer in answers.items()})
        now = memory.now()
        # Where this cannot be written, the batch stays open, and no other one begins.
        with suppress(OSError):
            memory.end(decision.word, (now - batch["started"], sum(map(_worked, answers.values()))))
        told = {key: list(value) for key, value in decision._asdict().items() if key != "word"}
        told["left"] = list(batch["left"])
        return {"decision": decision.word, **told, "observations": [_observation(decision.word, batch, told, now)]}


def _refuse_own(extra: Mapping[str, Any]) -> None:
    """Raise Refused where variables are given on the command line that would switch the gate off."""
    if names := sorted(name for name in extra if name.startswith(OWN)):
        raise Refused(f"extra variables {', '.join(names)}: are the gate's own, nobody sets them")


def _open(token: Token, memory: Memory, hosts: list[str], left: list[str]) -> dict[str, Any]:
    """Return the opening of a batch; where the window is too short for it, that it does not begin."""
    now, forks = memory.now(), int(context.CLIARGS.get("forks") or 1)
    seconds = gate.estimate(memory.batches, token.planned, len(hosts), forks)
    remaining = None if token.ends is None else token.ends - now
    opening = gate.opening(remaining, token.reserve, seconds, gate.waves(len(hosts), forks))
    batch = {
        "hosts": hosts,
        "left": left,
        "number": len(memory.batches) + 1,
        "started": now,
        "seconds": opening.seconds,
        "window_end": None if token.ends is None else shown(token.ends),
    }
    if not opening.proceed:
        memory.end(gate.CLOSED)
        return {"proceed": False, "observations": [_observation(gate.CLOSED, batch, {"left": hosts + left}, now)]}
    memory.begin(batch)
    change = {
        "run": token.run,
        "change": token.change,
        "lease_seconds": opening.lease_seconds,
        "host_seconds": opening.host_seconds,
        "reserve_seconds": round(token.reserve),
    }
    # For how long at the most to ask again what cannot be measured.
    patience = None if remaining is None else max(0, int(remaining - token.reserve - seconds))
    return {"proceed": True, **batch, "change": change, "ends": token.ends, "patience": patience}


def _lost(memory: Memory, left: list[str]) -> dict[str, Any]:
    """Return that the batch before was lost with every host, so that nobody was there to decide on; none begins."""
    batch, now = dict(memory.open or {}), memory.now()
    memory.end(gate.FAILED)
    told = {"done": [], "worse": [], "unmeasured": [], "lost": list(batch["hosts"]), "left": left}
    return {"proceed": False, "observations": [_observation(gate.FAILED, batch, told, now)]}


def _word(answer: Any) -> str | None:
    """Return how a host judged itself; worse where it was asked in vain and can still be led back."""
    if not answer or answer.get("unreachable"):
        return None
    return str((answer.get("judgement") or {"word": gate.WORSE})["word"])


def _worked(answer: Any) -> bool:
    """Return whether a host took its time: not where nothing was due, or nothing was begun."""
    return not answer or answer.get("outcome") not in (gate.IDLE, gate.LEFT)


def _after(variables: Mapping[str, Any], hosts: list[str]) -> list[str]:
    """Return the hosts of the batches to come."""
    everyone = [str(name) for name in variables["ansible_play_hosts_all"]]
    last = max(everyone.index(name) for name in hosts)
    outside = variables["groups"].get(NOT_COVERED, ())
    return [name for name in everyone[last + 1 :] if name not in outside]


def _observation(word: str, begin: Mapping[str, Any], told: Mapping[str, Any], now: float) -> dict[str, Any]:
    detail = {
        "hosts": list(begin["hosts"]),
        "started": shown(begin["started"]),
        "ended": shown(now),
        "seconds": round(now - begin["started"], 1),
        "planned_seconds": begin["seconds"],
        "window_end": begin["window_end"],
        **told,
    }
    level = gate.LEVELS[word]
    reason = {"code": "change_unmeasured", "parameters": {}} if level == "unknown" else None
    return {
        "check": "change.batch",
        "subject": str(begin["number"]),
        "value": word,
        "unit": UNITS["change.batch"],
        "level": level,
        "limits": {},
        "reason": reason,
        "detail": {key: value for key, value in detail.items() if value is not None},
    }
