"""Use case: what a change left is applied for again, in another window: its request, for the hosts that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from reports.documents.change_lines import say
from runner.change_request import ChangeRequest
from runner.errors import BadInput
from runner.operations.change_entries import known_changes, named_change

if TYPE_CHECKING:
    from reports.wording import Wording
    from runner.operations.check_site import CheckedSite

#: What of the former request is its own: the next one has another number, and is no emergency by itself.
_ITS_OWN = ("number", "case", "hosts", "window", "emergency")


def remainder_request(checked: CheckedSite, number: str, words: Wording) -> str:
    """Return a request as YAML for the hosts that a change left, without a window.

    Hosts where it was carried out and nobody knows how they are stand there as comments: a person decides. Raises
    BadInput where there is no such change, it is being carried out, or it left nothing.
    """
    change = named_change(known_changes(checked.site), number)
    unsure = sorted({host for one in change.executions for host in one.hosts.get("unsure", ())})
    if change.running:
        raise BadInput(f"NUMBER {number}: it is being carried out (run {change.run})")
    if not change.executions or not (change.remainder or unsure):
        raise BadInput(f"NUMBER {number}: {'has left nothing' if change.executions else 'was not carried out'}")
    # In the order in which people write a request; entries keep none.
    keys = (key for key in ChangeRequest.model_fields if key not in _ITS_OWN)
    asked = {key: change.request[key] for key in keys if change.request.get(key) is not None}
    why = say(words, "remainder_unsure")
    return "".join(
        [
            f"# {say(words, 'remainder_head', change=number)}\n",
            "hosts:\n",
            *(_yaml([host]) for host in change.remainder),
            *(f"# {_yaml([host]).rstrip()}  # {why}\n" for host in unsure),
            _yaml({"window": {"from": "", "to": ""}}),
            _yaml(asked),
        ]
    )


def _yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=120))
