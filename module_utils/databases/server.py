"""What every check of one server is given: its inputs, its own figures, asked once, and how to ask it more."""

import os
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Union

from ..measuring.errors import Unmeasurable
from ..measuring.moments import DEFAULT_PERIOD
from ..measuring.observer import Observer
from ..observations import Observation, Thresholds, rank
from .releases import Version
from .settings import Instance
from .thresholds import UNITS

#: Asks a statement and returns its rows, columns by name.
Query = Callable[[str], List[Dict[str, Any]]]

#: Rates since its start tell nothing of a server that is younger, in seconds.
GROWN_UP = 86400


class Settings(NamedTuple):
    """What a person chose for all databases; times in seconds, ``since`` in seconds of the epoch."""

    thresholds: Thresholds
    timeout: float = 10.0
    since: Optional[float] = None


class Server(Observer):
    """A database of which observations are made; ``since`` and ``now`` are seconds of the epoch."""

    def __init__(self, settings: Settings, instance: Instance, local: bool) -> None:
        super().__init__(UNITS, settings.thresholds)
        self.settings = settings
        self.instance = instance
        self.local = local
        self.version = Version("mysql", "", ())
        self.query: Optional[Query] = None
        self.now = time.time()
        self.since = self.now - DEFAULT_PERIOD if settings.since is None else settings.since
        self._answers: Dict[str, Union[Dict[str, str], Unmeasurable]] = {}

    def ask(self, statement: str) -> Any:
        """Return the rows of a statement. Raises Unmeasurable as Connection.query() does."""
        if self.query is None:
            raise Unmeasurable("database_unreachable")
        return self.query(statement)

    @property
    def status(self) -> Dict[str, str]:
        """Return SHOW GLOBAL STATUS by name in lower case."""
        return self._once("SHOW GLOBAL STATUS")

    @property
    def variables(self) -> Dict[str, str]:
        """Return SHOW GLOBAL VARIABLES by name in lower case."""
        return self._once("SHOW GLOBAL VARIABLES")

    def _once(self, statement: str) -> Dict[str, str]:
        if statement not in self._answers:
            try:
                rows = self.ask(statement)
                self._answers[statement] = {row["Variable_name"].lower(): str(row["Value"]) for row in rows}
            except Unmeasurable as why:
                self._answers[statement] = why
        answer = self._answers[statement]
        if isinstance(answer, Unmeasurable):
            raise answer
        return answer

    def counter(self, name: str) -> int:
        """Return a whole number of the status. Raises Unmeasurable: source_missing."""
        return _whole(self.status, name)

    def setting(self, name: str) -> int:
        """Return a whole number of the variables. Raises Unmeasurable: source_missing."""
        return _whole(self.variables, name)

    def optional_setting(self, name: str) -> float:
        """Return a number of the variables, 0 for one that this server does not have."""
        try:
            return float(self.variables.get(name, ""))
        except ValueError:
            return 0.0

    def is_on(self, name: str) -> bool:
        """Return whether a variable is switched on."""
        return self.variables.get(name, "").upper() in ("ON", "1", "YES")

    def require_this_host(self) -> None:
        """Raise Unmeasurable (other_host) unless the server's files are this host's.

        A server in a container, or behind a tunnel, answers at this host's address too; it knows its own host's name.
        """
        told, own = self.variables.get("hostname", ""), os.uname()[1]
        if told and told.partition(".")[0].lower() != own.partition(".")[0].lower():
            raise Unmeasurable("other_host", hostname=told)

    def seen(self, check: str, value: Any, detail: Optional[Dict[str, Any]] = None, channel: str = "") -> Observation:
        """Return the graded observation of this server, or of one of its channels."""
        return self.observe(check, value, detail, self.subject(channel))

    def unseen(
        self, check: str, why: Unmeasurable, detail: Optional[Dict[str, Any]] = None, channel: str = ""
    ) -> Observation:
        """Return the observation of what could not be measured of this server, or of one of its channels."""
        return self.unknown(check, why.code, detail, self.subject(channel), **why.parameters)

    def partly_seen(self, check: str, value: Any, detail: Dict[str, Any], why: Optional[Unmeasurable]) -> Observation:
        """Return what was measured; but where a part is missing and the rest is at most a notice, it is unknown."""
        observation = self.seen(check, value, detail)
        if why is None or rank(observation.level) > rank("unknown"):
            return observation
        return self.unseen(check, why, dict(detail, seen=observation.value))

    def subject(self, channel: str = "") -> str:
        """Return the subject of observations: the instance's name, and the channel's where it has one."""
        return "%s %s" % (self.instance.name, channel) if channel else self.instance.name

    def judged(self) -> Iterator[str]:
        """Yield the checks whose limits call for somebody: what is not known of them has to be said."""
        for check in UNITS:
            limits = self.thresholds.get(check, {})
            if limits.get("warning") is not None or limits.get("critical") is not None:
                yield check


def _whole(table: Dict[str, str], name: str) -> int:
    try:
        return int(table[name])
    except (KeyError, ValueError):
        raise Unmeasurable("source_missing", source=name) from None
