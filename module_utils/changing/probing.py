"""The declared probes of a host, as a change asks them: before, after, and until they are as they were."""

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ..measuring.taking import deliverable
from ..services import inspection, probes
from ..services.arguments import PROBES
from ..services.thresholds import DEFAULT_THRESHOLDS
from .gate import DONE, UNCHANGED, UNMEASURED, WORSE, Judgement, is_open, judge

#: Seconds between two looks at what does not answer yet.
PAUSE = 1.0

#: What any one probe may take; declared ones have their own.
TIMEOUT = 10.0

Found = List[Dict[str, Any]]

#: How a module takes the probes that a change is judged by: as service_inspection does.
ARGUMENT: Dict[str, Any] = {"type": "dict", "options": PROBES, "apply_defaults": True}


class Probed(NamedTuple):
    """What the probes found, and what it means against the state before."""

    found: Found
    judgement: Judgement

    def problem(self) -> Optional[str]:
        """Return what is not as it was, in code words that the catalogue's names word; None where all is."""
        word, worse, unmeasured = self.judgement
        return None if word == UNCHANGED else ": ".join(filter(None, [word, ", ".join(worse or unmeasured)]))


def declared(given: Mapping[str, Any], units: Sequence[str] = ()) -> probes.Declared:
    """Return the declared probes with further units. Raises ValueError with all that is wrong with them."""
    parameters = {name: list(given.get(name) or ()) for name in PROBES}
    names = [probes.unit_name(name) for name in list(parameters["units"]) + list(units)]
    parameters["units"] = list(dict.fromkeys(names))
    understood, problems = probes.parse(dict(parameters, timeout=TIMEOUT))
    if problems:
        raise ValueError("; ".join("probes.%s" % problem for problem in problems))
    return understood


def ask(wanted: probes.Declared) -> Found:
    """Return what the probes find now, as mappings that can be sent."""
    return deliverable(inspection.inspect(wanted, DEFAULT_THRESHOLDS, TIMEOUT))


def ask_until(
    wanted: probes.Declared, before: Found, seconds: float, again: Sequence[str], outcome: str = DONE
) -> Probed:
    """Ask until the judgement is none of those worth asking ``again``, for so many seconds at the most.

    What was not measured before stays so however often it is asked after.
    """
    end = time.monotonic() + (0.0 if not before or any(is_open(one) for one in before) else seconds)
    while True:
        found = ask(wanted)
        judgement = judge(before, found, outcome)
        if judgement.word == UNCHANGED or judgement.word not in again or time.monotonic() + PAUSE > end:
            return Probed(found, judgement)
        time.sleep(PAUSE)


def settle(wanted: probes.Declared, before: Found, seconds: float) -> Probed:
    """Ask until everything is as it was, for so many seconds at the most."""
    return ask_until(wanted, before, seconds, (WORSE, UNMEASURED))
