"""Takes measurements and loses none: what fails becomes ``unknown`` with its reason, and all of it can be sent."""

import json
import traceback
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple, TypeVar

from ..masking import mask
from ..observations import Observation
from .errors import Unmeasurable
from .observer import Observer

Asked = TypeVar("Asked", bound=Observer)

#: Ansible drops a result above 700,000 characters without a word; the observations keep well below it.
LARGEST_RESULT = 400000


def take(
    observer: Asked, checks: Sequence[str], function: Callable[[Asked], Iterator[Observation]], subject: str = ""
) -> List[Observation]:
    """Return what one measurement of a subject yields.

    Where it stops short, those of its checks that it did not answer are unknown for the reason it stopped.
    """
    found: List[Observation] = []
    try:
        for observation in function(observer):
            found.append(observation)  # noqa: PERF402 - what came before a failure counts
    except Unmeasurable as why:
        code, parameters = why.code, why.parameters
    except Exception as error:  # noqa: BLE001 - one subject's bug must not cost the others
        code, parameters = "check_crashed", {"error": _described(error)}
    else:
        return found
    answered = {observation.check for observation in found if observation.subject == subject}
    missing = [check for check in checks if check not in answered]
    return found + [observer.unknown(check, code, subject=subject, **parameters) for check in missing]


def _described(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = "%s:%s" % (last.filename.rpartition("/")[2], last.lineno)
    return mask("%s: %s (%s)" % (type(error).__name__, error, place))[:300]


def deliverable(found: Iterable[Observation]) -> List[Dict[str, Any]]:
    """Return observations as mappings of valid Unicode, within LARGEST_RESULT."""
    return bounded([clean(dict(observation._asdict())) for observation in found])


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
