"""A program that kills itself at the n-th of some calls: what tests start to have it die at every step in turn."""

from __future__ import annotations

import os
import signal
from typing import Any


def die_at(step: int, *calls: tuple[Any, str]) -> None:
    """End this process by SIGKILL before the step-th call, from 1, of any of these: owner and name; 0 for never."""
    count = 0

    def dying(real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for owner, name in calls:
        setattr(owner, name, dying(getattr(owner, name)))
