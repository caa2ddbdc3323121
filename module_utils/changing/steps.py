"""The steps of a change on one host: each with its time and what became of it, as observations."""

import datetime
import time
from typing import Any, Callable, Dict, List, Optional

from ..masking import mask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from .checks import UNITS

CHECK = "change.step"

#: The action of the last step of a way back: whether the host is as it was, by its probes.
WAY_BACK_ENDED = "state after the way back"


#: The value of a step that check mode tells of: it would be done.
PLANNED = "planned"


def planned(action: str, service: str) -> Observation:
    """Return a step that would be done, as check mode tells of it."""
    subject = " ".join(part for part in (action, service) if part)
    return Observation(CHECK, subject, PLANNED, UNITS[CHECK], "ok", {}, None, {"action": action, "service": service})


class Failed(Exception):
    """A step did not do what it was for; it is already among the steps."""


class Steps:
    """Does one step after another and remembers each."""

    def __init__(self) -> None:
        self.observations: List[Observation] = []
        #: Whether the steps to come lead back.
        self.way_back = False

    def do(self, action: str, service: str, work: Callable[[], Optional[str]]) -> None:
        """Do a step, which returns what went wrong or None. Raises Failed; what was measured in vain fails, too."""
        started, clock = _moment(), time.monotonic()
        try:
            problem = work()
        except Unmeasurable as why:
            problem = ": ".join([why.code] + [str(value) for value in why.parameters.values()])
        except Exception as error:  # noqa: BLE001 - told as what it is, for the way back has to follow
            problem = "%s: %s" % (type(error).__name__, error)
        seconds = round(time.monotonic() - clock, 2)
        detail: Dict[str, Any] = {"action": action, "service": service, "started": started, "ended": _moment()}
        if self.way_back:
            detail["way_back"] = True
        if problem:
            detail["problem"] = mask(problem)
        subject = " ".join(part for part in (action, service) if part)
        level = "critical" if problem else "ok"
        self.observations.append(Observation(CHECK, subject, seconds, UNITS[CHECK], level, {}, None, detail))
        if problem:
            raise Failed(subject)


def _moment() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
