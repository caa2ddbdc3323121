"""Strategy ``fleet``: host_pinned, without going through the hosts that are done again and again.

Ansible's own looks at every host of a play each time it looks for work, from the first one on. Of two thousand hosts
that takes most of a core by the time the first thousand are done; see docs/decisions/0005-strategy-of-fleets.md.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from ansible.plugins.strategy.host_pinned import StrategyModule as HostPinned

if TYPE_CHECKING:
    from ansible.executor.play_iterator import PlayIterator
    from ansible.inventory.host import Host

DOCUMENTATION = """
name: fleet
short_description: Leads each host through the play at a stretch, however many there are
description:
  - As C(host_pinned), for plays of thousands of hosts.
author: Weibao
"""


class StrategyModule(HostPinned):  # type: ignore[misc]
    """As host_pinned, but a host that is done is not looked at again."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._left: list[Host] | None = None
        # Workers are forked from here. What there is by now their garbage collectors leave alone, so that they share
        # that memory rather than each having a copy.
        gc.freeze()

    def get_hosts_left(self, iterator: PlayIterator) -> list[Host]:
        """Return the hosts that are not done; at the end one that is, since none would mean that all were lost."""
        if self._left is None:
            self._left = super().get_hosts_left(iterator)
        self._left = [host for host in self._left if not self._is_done(host, iterator)]
        return self._left or super().get_hosts_left(iterator)[:1]

    def _is_done(self, host: Host, iterator: PlayIterator) -> bool:
        # Whoever was given a task is in there: True while it is at work on it. Only then is the costly question asked.
        idle = self._blocked_hosts.get(host.name) is False
        gone = host.name in self._tqm._unreachable_hosts  # noqa: SLF001 - as the class above does
        return gone or (idle and iterator.get_next_task_for_host(host, peek=True)[1] is None)
