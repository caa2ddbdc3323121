"""Whether units that must be active are, asked of systemd in one call."""

import time
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from ..host.journal import iso
from ..host.services import running
from ..measuring import commands
from ..measuring.errors import Unmeasurable
from ..measuring.observer import Observer
from ..observations import Observation

PROPERTIES = ("Id", "LoadState", "ActiveState", "SubState", "Result", "SourcePath", "StateChangeTimestampMonotonic")

#: States of a unit that does its work (org.freedesktop.systemd1(5)); one that starts does not yet.
ACTIVE = ("active", "reloading", "refreshing")


class State(NamedTuple):
    """What systemd says of a unit; ``since`` in seconds of the monotonic clock, 0 where it does not say."""

    id: str
    load: str
    active: str
    sub: str
    result: str
    source: str
    since: float

    @property
    def has_no_process(self) -> bool:
        """Return whether a unit is active because its init script said so, while systemd knows no process of it."""
        return self.sub == "exited" and "/init.d/" in self.source


def parse_states(output: str) -> List[State]:
    """Return ``systemctl show`` of several units, in the order in which they were asked for."""
    states = []
    for block in output.strip().split("\n\n"):
        found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in found:
            words: List[Any] = [found.get(name, "") for name in PROPERTIES[:-1]]
            states.append(State._make(words + [_seconds(found.get(PROPERTIES[-1]))]))
    return states


def _seconds(microseconds: Any) -> float:
    return int(microseconds) / 1e6 if str(microseconds).isdigit() else 0.0


def ask_states(names: Sequence[str], timeout: float) -> List[State]:
    """Return the state of each unit, ``timeout`` in seconds. Raises Unmeasurable."""
    if not running():
        raise Unmeasurable("not_running", service="systemd")
    argv = ["systemctl", "show", "--no-pager", "-p", ",".join(PROPERTIES), "--"] + list(names)
    states = parse_states(commands.run(argv, timeout).output)
    if len(states) != len(names):
        raise Unmeasurable("unparsable", source="systemctl show")
    return states


def active(observer: Observer, names: Sequence[str], timeout: float) -> Iterator[Observation]:
    """Yield whether each unit is active."""
    if not names:
        return
    try:
        states = ask_states(names, timeout)
    except Unmeasurable as why:
        for name in names:
            yield observer.unknown("unit.active", why.code, subject=name, **why.parameters)
        return
    booted = time.time() - time.monotonic()
    for index, name in enumerate(names):
        state = states[index]
        detail = _detail(name, state, booted)
        if state.has_no_process:
            yield observer.unknown("unit.active", "init_script", detail, name, path=state.source)
        else:
            yield observer.observe("unit.active", int(state.active in ACTIVE), detail, name)


def _detail(name: str, state: State, booted: float) -> Dict[str, Any]:
    """Return a state's words; of a unit that does not exist that is all there is to say."""
    if state.load not in ("loaded", "") and state.active not in ACTIVE:
        return {"state": state.load}
    detail: Dict[str, Any] = {"state": state.sub if state.sub == "auto-restart" else state.active}
    if state.active not in ACTIVE and state.result not in ("", "success"):
        detail["result"] = state.result
    if state.id != name:
        detail["unit"] = state.id
    if state.since:
        detail["since"] = iso(booted + state.since)
    return detail
