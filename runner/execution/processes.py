"""The processes of a run: found wherever they went, and ended without exception.

Ansible's workers open sessions of their own, and survive their parent. So every process of a run bears
the run's id in its environment, and is looked for by it as well as by descent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil

from runner.errors import MachineError

#: The environment variable that marks every process of a run.
MARK = "WEIBAO_RUN_ID"

#: How long a run's processes may take to be gone after they were killed.
GRACE_SECONDS = 5.0


def processes_of(run_id: str) -> list[psutil.Process]:
    """Return every living process of a run: those that bear its mark, and all their descendants."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.pid not in found and process.environ().get(MARK) == run_id:
                for one in (process, *process.children(recursive=True)):
                    found[one.pid] = one
        except (psutil.Error, OSError):
            continue
    return [process for process in found.values() if _alive(process)]


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_processes(run_id: str) -> list[int]:
    """Kill every process of a run until none is left; return the ids of those that did not go in time."""
    deadline = time.monotonic() + GRACE_SECONDS
    while remaining := processes_of(run_id):
        if time.monotonic() > deadline:
            return [process.pid for process in remaining]
        for process in remaining:
            try:
                process.kill()
            except psutil.Error:
                continue
        time.sleep(0.05)
    return []


def end_connections(run_id: str) -> None:
    """End the SSH connections that a run kept open for itself; nothing else of it."""
    for process in processes_of(run_id):
        try:
            if process.name() == "ssh":
                process.kill()
        except psutil.Error:
            continue


def memory_folders() -> tuple[Path, ...]:
    """Return where files live in memory: events lie there for a moment before they are redacted."""
    in_memory = {one.mountpoint for one in psutil.disk_partitions(all=True) if one.fstype in ("tmpfs", "ramfs")}
    candidates = ("/dev/shm", f"/run/user/{os.getuid()}")  # noqa: S108 - private folders are made in there
    return tuple(Path(one) for one in candidates if one in in_memory)


def private_folder(run_id: str) -> Path:
    """Create the folder that ansible-runner works in: in memory, for this user alone, new for each run.

    Raises MachineError where the machine offers no file system in memory: unredacted events would touch a disk.
    """
    for folder in memory_folders():
        try:
            return Path(tempfile.mkdtemp(prefix=_prefix(run_id), dir=folder))
        except OSError:
            continue
    raise MachineError("no file system in memory can be written to: mount a tmpfs at /dev/shm")


def private_folders(run_id: str) -> list[Path]:
    """Return the folders in memory that a run has, or left."""
    return [path for folder in memory_folders() for path in folder.glob(_prefix(run_id) + "*")]


def remove_private_folders(run_id: str) -> None:
    """Remove what a run left in memory."""
    for path in private_folders(run_id):
        shutil.rmtree(path, ignore_errors=True)


def _prefix(run_id: str) -> str:
    return f"weibao-{run_id}-"
