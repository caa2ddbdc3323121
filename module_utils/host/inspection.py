"""Takes every subject's measurements and loses none: what fails becomes ``unknown`` with its reason."""

import fnmatch
import json
import traceback
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from ..masking import mask
from ..observations import Observation
from . import (
    antivirus,
    certificates,
    clock,
    cpu,
    filesystems,
    hardware,
    identity,
    logs,
    memory,
    network,
    packages,
    processes,
    raid,
    services,
)
from .context import Context, Measures
from .errors import Unmeasurable
from .thresholds import CHECKS

#: In the order of the record.
SUBJECTS = (
    identity,
    clock,
    cpu,
    memory,
    filesystems,
    services,
    processes,
    network,
    logs,
    packages,
    certificates,
    hardware,
    raid,
    antivirus,
)

#: Ansible drops a result above 700,000 characters without a word; the observations keep well below it.
LARGEST_RESULT = 400000


def measures() -> Measures:
    """Return every measurement in the order of the record."""
    return tuple(measure for subject in SUBJECTS for measure in subject.MEASURES)


def matching(pattern: str) -> List[str]:
    """Return the check ids that a shell pattern matches."""
    return [check for check in CHECKS if fnmatch.fnmatchcase(check, pattern)]


def inspect(context: Context) -> List[Dict[str, Any]]:
    """Return the observations that were asked for, as mappings of valid Unicode, within LARGEST_RESULT."""
    found: List[Observation] = []
    for checks, function in measures():
        wanted = [check for check in checks if context.wants(check)]
        if wanted:
            taken = take(context, wanted, function)
            found.extend(observation for observation in taken if context.wants(observation.check))
    return bounded([clean(dict(observation._asdict())) for observation in found])


def take(
    context: Context, checks: Sequence[str], function: Callable[[Context], Iterator[Observation]]
) -> List[Observation]:
    """Return what one measurement yields; where it stops short, its checks are unknown for the reason it stopped."""
    found: List[Observation] = []
    try:
        for observation in function(context):
            found.append(observation)  # noqa: PERF402 - what came before a failure counts
    except Unmeasurable as why:
        code, parameters = why.code, why.parameters
    except Exception as error:  # noqa: BLE001 - one subject's bug must not cost the others
        code, parameters = "check_crashed", {"error": _described(error)}
    else:
        return found
    answered = {observation.check for observation in found if not observation.subject}
    return found + [context.unknown(check, code, **parameters) for check in checks if check not in answered]


def _described(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = "%s:%s" % (last.filename.rpartition("/")[2], last.lineno)
    return mask("%s: %s (%s)" % (type(error).__name__, error, place))[:300]


def clean(value: Any) -> Any:
    """Return a value as JSON and XML can carry it: text without lone surrogates and control characters."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return "".join(char if char >= " " and char != "\x7f" else "\ufffd" for char in whole)
    if isinstance(value, dict):
        return {clean(key): clean(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(entry) for entry in value]
    return value


def bounded(observations: List[Dict[str, Any]], largest: int = LARGEST_RESULT) -> List[Dict[str, Any]]:
    """Return the observations within ``largest`` characters of JSON: the longest details give way first."""
    sizes: List[Tuple[int, int]] = [
        (len(json.dumps(observation["detail"])), index) for index, observation in enumerate(observations)
    ]
    total = len(json.dumps(observations))
    for size, index in sorted(sizes, reverse=True):
        if total <= largest:
            break
        observations[index]["detail"] = {"truncated": True}
        total -= size - len('{"truncated": true}')
    return observations
