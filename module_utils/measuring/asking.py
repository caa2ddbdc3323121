"""Asks what a dead disk or server may never answer, in a process of its own that can be left behind."""

import json
import os
import select
import signal
import threading
import time
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Sequence

#: File descriptors that the process must not keep open: whoever reads their other end would wait for it.
MOST_DESCRIPTORS = 1024


def ask(function: Callable[[str], Any], questions: Sequence[str], timeout: float) -> Dict[str, Any]:
    """Return what a function answers to each question, all asked at the same time, within ``timeout`` seconds in all.

    Answers are what JSON can carry. A question without an answer in time is left out. Raises RuntimeError where the
    function raises: it has to turn what it expects into answers.
    """
    if not questions:
        return {}
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        _work(function, questions, sending)
    os.close(sending)
    answers = {}
    try:
        for number, answer, error in _received(receiving, len(questions), time.monotonic() + timeout):
            if error:
                raise RuntimeError(error)
            answers[questions[number]] = answer
    finally:
        os.close(receiving)
        _leave(child)
    return answers


def _work(function: Callable[[str], Any], questions: Sequence[str], sending: int) -> None:
    """Answer in one thread for each question, and end the process."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.closerange(3, sending)
        os.closerange(sending + 1, MOST_DESCRIPTORS)
        threading.stack_size(1 << 18)
        lock = threading.Lock()
        with os.fdopen(sending, "wb") as stream:
            threads = []
            for number, question in enumerate(questions):
                thread = threading.Thread(target=_one, args=(function, number, question, stream, lock))
                try:
                    thread.start()
                except RuntimeError:  # no more threads are to be had
                    _one(function, number, question, stream, lock)
                else:
                    threads.append(thread)
            for thread in threads:
                thread.join()
    finally:
        os._exit(0)


def _one(function: Callable[[str], Any], number: int, question: str, stream: BinaryIO, lock: threading.Lock) -> None:
    try:
        line = json.dumps([number, function(question), ""])
    except Exception as error:  # noqa: BLE001 - the process that asked reports it
        line = json.dumps([number, None, "%s: %s" % (type(error).__name__, error)])
    with lock:
        stream.write(line.encode("ascii") + b"\n")
        stream.flush()


def _received(receiving: int, wanted: int, deadline: float) -> Iterator[List[Any]]:
    pending = b""
    while wanted:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not select.select([receiving], [], [], remaining)[0]:
            return
        chunk = os.read(receiving, 1 << 18)
        if not chunk:
            return
        lines = (pending + chunk).split(b"\n")
        pending = lines.pop()
        for line in lines:
            wanted -= 1
            yield json.loads(line.decode("ascii"))


def _leave(child: int) -> None:
    """Kill the process, and leave it be if the kernel cannot let go of it."""
    os.kill(child, signal.SIGKILL)
    for _ in range(100):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
