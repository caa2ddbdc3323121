"""What every subject is given: the inputs of one inspection and what was asked once."""

import fnmatch
import os
import time
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Sequence, Set, Tuple, TypeVar, Union

from ..measuring.errors import Unmeasurable
from ..measuring.moments import DEFAULT_PERIOD
from ..measuring.observer import Observer
from ..observations import Observation, Thresholds
from .container import Surroundings, surroundings
from .thresholds import UNITS

Answer = TypeVar("Answer")


class Inputs(NamedTuple):
    """What a person chose; times in seconds, ``since`` in seconds of the epoch (None is 31 days ago).

    ``sudo`` says that sudo may be asked for the commands of elevation.py.
    """

    thresholds: Thresholds
    sample_seconds: float = 1.0
    since: Optional[float] = None
    expected_ports: Sequence[str] = ()
    certificates: Sequence[str] = ()
    ignored_mounts: Sequence[str] = ()
    checks: Sequence[str] = ()
    command_timeout: float = 20.0
    sudo: bool = False


class Context(Observer):
    """The inputs of one inspection, and what is asked once; ``since`` and ``now`` are seconds of the epoch."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(UNITS, inputs.thresholds)
        self.inputs = inputs
        self.now = time.time()
        self.since = self.now - DEFAULT_PERIOD if inputs.since is None else inputs.since
        self.privileged = os.geteuid() == 0
        #: What sudo refused once, so that it is not asked again.
        self.refused: Set[Any] = set()
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


#: One measurement: the checks that it answers, and the function that yields their observations.
Measure = Tuple[Tuple[str, ...], Callable[[Context], Iterator[Observation]]]
Measures = Tuple[Measure, ...]


def _surroundings(_context: Context) -> Surroundings:
    return surroundings()
