"""Words what one module measures as observations, by the module's units and the limits that apply."""

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ..masking import mask
from ..observations import Observation, Thresholds, limits_for, observe, unknown

#: At most this many entries go into a list of details; ``truncated`` says that there were more.
LIST_LENGTH = 20

#: Parameters of reasons that are our own names for things; the others may hold what a host says.
OWN_WORDS = frozenset(("input", "product", "service", "tool", "what"))


class Observer:
    """The units of a module's checks, by id, and their limits with a site's own laid over them."""

    def __init__(self, units: Mapping[str, str], thresholds: Thresholds) -> None:
        self.units = units
        self.thresholds = thresholds

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
        thresholds = self.thresholds
        if limits is not None:
            own = dict(limits)
            own.update(limits_for(thresholds, check, subject))
            thresholds = {check: own}
        return observe(thresholds, check, subject, value, self.units[check], detail)

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
        limits = limits_for(self.thresholds, check, subject)
        return unknown(check, subject, code, detail, **parameters)._replace(unit=self.units[check], limits=limits)

    def left_out(self, check: str, count: int) -> Iterator[Observation]:
        """Yield that a check has more subjects than are reported; nothing where all are."""
        if count > 0:
            yield self.unknown(check, "left_out", count=count)


def capped(name: str, entries: Sequence[Any], length: int = LIST_LENGTH) -> Dict[str, Any]:
    """Return a list as a detail of that name, cut to ``length`` entries; ``truncated`` says that there were more."""
    shown: List[Any] = list(entries[:length])
    return {name: shown, "truncated": True} if len(entries) > length else {name: shown}
