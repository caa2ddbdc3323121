"""What every subject is given: the inputs of one inspection and the way to word its observations."""

import fnmatch
import os
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

from ..masking import mask
from ..observations import Observation, Thresholds, limits_for, observe, unknown
from .container import Surroundings, surroundings
from .errors import Unmeasurable
from .thresholds import UNITS

Answer = TypeVar("Answer")

#: A contract's month: how far back to look when nobody says since when.
DEFAULT_PERIOD = 31 * 86400

#: At most this many entries go into a list of details; ``truncated`` says that there were more.
LIST_LENGTH = 20


class Inputs(NamedTuple):
    """What a person chose; times in seconds, ``since`` in seconds of the epoch (None is 31 days ago)."""

    thresholds: Thresholds
    sample_seconds: float = 1.0
    since: Optional[float] = None
    expected_ports: Sequence[str] = ()
    certificates: Sequence[str] = ()
    ignored_mounts: Sequence[str] = ()
    checks: Sequence[str] = ()
    command_timeout: float = 20.0


class Context:
    """The inputs of one inspection, and what is asked once; ``since`` and ``now`` are seconds of the epoch."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.now = time.time()
        self.since = self.now - DEFAULT_PERIOD if inputs.since is None else inputs.since
        self.privileged = os.geteuid() == 0
        self._answers: Dict[Any, Any] = {}

    def wants(self, check: str) -> bool:
        """Return whether a check was asked for; no patterns ask for all."""
        return not self.inputs.checks or any(fnmatch.fnmatchcase(check, pattern) for pattern in self.inputs.checks)

    def once(self, question: Callable[["Context"], Answer]) -> Answer:
        """Return what a function says about this host, asking it once however many subjects want to know.

        Raises Unmeasurable, each time, if it did so when it was asked.
        """
        if question not in self._answers:
            try:
                self._answers[question] = question(self)
            except Unmeasurable as why:
                self._answers[question] = why
        answer: Union[Answer, Unmeasurable] = self._answers[question]
        if isinstance(answer, Unmeasurable):
            raise answer
        return answer

    @property
    def surroundings(self) -> Surroundings:
        """Return what the host is to its kernel: a machine or a container with its own limits."""
        return self.once(_surroundings)

    def scope(self, scope: str) -> Dict[str, str]:
        """Return the detail that says whose figure it is; empty outside containers, where it cannot be doubted."""
        return {"scope": scope} if self.surroundings.container else {}

    def observe(
        self,
        check: str,
        value: Any,
        detail: Optional[Dict[str, Any]] = None,
        subject: str = "",
        limits: Optional[Dict[str, Any]] = None,
    ) -> Observation:
        """Return a graded observation; ``limits`` are the subject's own, over which a site's are laid."""
        if isinstance(value, float):
            value = round(value, 2)
        thresholds = self.inputs.thresholds
        if limits is not None:
            own = dict(limits)
            own.update(limits_for(thresholds, check, subject))
            thresholds = {check: own}
        return observe(thresholds, check, subject, value, UNITS[check], detail)

    def unknown(
        self, check: str, code: str, detail: Optional[Dict[str, Any]] = None, subject: str = "", **parameters: Any
    ) -> Observation:
        """Return the observation of what could not be measured, with the limits that would have applied.

        What a reason says in the host's own words is masked.
        """
        parameters = {
            key: mask(value) if isinstance(value, str) and key not in OWN_WORDS else value
            for key, value in parameters.items()
        }
        limits = limits_for(self.inputs.thresholds, check, subject)
        return unknown(check, subject, code, detail, **parameters)._replace(unit=UNITS[check], limits=limits)

    def left_out(self, check: str, count: int) -> Iterator[Observation]:
        """Yield that a check has more subjects than are reported; nothing where all are."""
        if count > 0:
            yield self.unknown(check, "left_out", count=count)


#: Parameters of reasons that are our own names for things; the others may hold what a host says.
OWN_WORDS = frozenset(("feature", "input", "product", "service", "source", "tool", "what"))

#: One measurement: the checks that it answers, and the function that yields their observations.
Measure = Tuple[Tuple[str, ...], Callable[[Context], Iterator[Observation]]]
Measures = Tuple[Measure, ...]


def _surroundings(_context: Context) -> Surroundings:
    return surroundings()


def capped(name: str, entries: Sequence[Any], length: int = LIST_LENGTH) -> Dict[str, Any]:
    """Return a list as a detail of that name, cut to ``length`` entries; ``truncated`` says that there were more."""
    shown: List[Any] = list(entries[:length])
    return {name: shown, "truncated": True} if len(entries) > length else {name: shown}
