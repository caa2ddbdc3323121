"""The same work on many things, in several processes where that takes less time than starting them.

Results come in the order of the work. Workers ignore Ctrl-C, which is the parent's to answer, and end with it even
where it is killed: nothing of them may go on reading a disk that somebody wants to unmount.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Work = TypeVar("Work")
Result = TypeVar("Result")

#: Starting the processes and their imports takes about as long as this many seconds of work.
WORTH_SECONDS = 2.0

#: Pieces of work that each process has waiting: enough to be busy, few enough that results do not pile up.
_AHEAD = 3


def processes_here() -> int:
    """Return how many processes can work at once on this machine."""
    return len(os.sched_getaffinity(0))


def in_order(
    function: Callable[[Work], Result], work: Sequence[Work], cost_seconds: float, processes: int | None = None
) -> Iterator[Result]:
    """Yield the function's result of each piece of work, in order.

    ``cost_seconds`` is what all of it takes one process, roughly: below WORTH_SECONDS this process does it. The
    function is one of a module, work and results can be pickled. Raises MachineError where a process is killed.
    """
    count = min(processes_here() if processes is None else processes, len(work))
    if count < 2 or cost_seconds < WORTH_SECONDS:
        yield from map(function, work)
        return
    # Imported only now: nearly every command does without.
    import multiprocessing  # noqa: PLC0415
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

    # Not forked off this process, which may have threads: a progress bar draws in one.
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_follow_parent)
    try:
        pending = deque(pool.submit(function, one) for one in work[: count * _AHEAD])
        for one in work[count * _AHEAD :]:
            yield pending.popleft().result()
            pending.append(pool.submit(function, one))
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise MachineError("a process that verifies was killed; is there enough memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)


def chunks(work: Iterable[Work], weigh: Callable[[Work], float], most: float) -> Iterator[list[Work]]:
    """Yield work in lists whose weights add up to ``most`` at the most, or that hold one piece."""
    gathered: list[Work] = []
    weight = 0.0
    for one in work:
        more = weigh(one)
        if gathered and weight + more > most:
            yield gathered
            gathered, weight = [], 0.0
        gathered.append(one)
        weight += more
    if gathered:
        yield gathered


def _follow_parent() -> None:
    import multiprocessing  # noqa: PLC0415 - see in_order()
    import signal  # noqa: PLC0415
    import threading  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    from multiprocessing.connection import wait  # noqa: PLC0415 - see in_order()

    wait([sentinel])
    os._exit(1)
