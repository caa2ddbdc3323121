"""The frame of every inspecting module: validate, inspect, exit; one error that names all that is wrong."""

import traceback
from typing import Any, Callable, Dict, Iterable, List

from ansible.module_utils.basic import AnsibleModule

from ..observations import Observation
from .taking import deliverable

Parameters = Dict[str, Any]


def run_module(
    name: str,
    arguments: Parameters,
    problems: Callable[[Parameters], List[str]],
    inspect: Callable[[Parameters], Iterable[Observation]],
) -> None:
    """Run an Ansible module that only reads: its observations go into ``observations``, ``changed`` is false."""
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    wrong = problems(module.params)
    if wrong:
        module.fail_json(msg="%s: %s" % (name, "; ".join(wrong)))
    try:
        observations = deliverable(inspect(module.params))
    except Exception as error:  # noqa: BLE001 - the one place that tells Ansible
        module.fail_json(msg="%s: %s" % (name, error), exception=traceback.format_exc())
    module.exit_json(changed=False, observations=observations)
