"""The one door to ansible-runner: a Job in, events out, and how it ended.

ansible-runner is told to keep nothing: its folder lies in memory and goes with the run, no output file is
written, and each event goes to the caller, who redacts it before it touches a disk.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import ansible_runner

from runner.evidence.events import FORGED, Ending, Reason
from runner.execution.environment import CHANGE, foreign_settings, settings_of
from runner.execution.job import as_known
from runner.execution.processes import (
    MARK,
    end_connections,
    end_processes,
    private_folder,
)
from runner.execution.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import FrameType

    from runner.execution.job import Job

#: How often the runner looks whether the run is to be stopped.
POLL_SECONDS = 0.5

#: The signals that end a run in order: processes ended, evidence sealed.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop:
    """Why the run is to be stopped, as soon as somebody or something wants that."""

    def __init__(self, job: Job) -> None:
        self.reason: Reason | None = None
        self.error: Exception | None = None
        self.left: tuple[int, ...] = ()
        self.watchdog: Watchdog | None = None
        self._run_id = job.run_id
        self._limit = job.timeout_seconds
        self._deadline = time.monotonic() + job.timeout_seconds if job.timeout_seconds else None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.reason = self.reason or Reason("cancelled", {"signal": signal.Signals(number).name})

    def on_error(self, error: Exception) -> None:
        self.error = self.error or error
        self.reason = self.reason or Reason("program_failed", {"message": str(error)})

    def asked(self) -> bool:
        """Tell the runner whether to stop; by then every process of the run has been ended."""
        if self.watchdog:
            self.watchdog.ensure()
        if self._deadline and time.monotonic() > self._deadline:
            self.reason = self.reason or Reason("timed_out", {"seconds": self._limit})
        if self.reason:
            self.left = tuple(end_processes(self._run_id))
        return self.reason is not None


def execute(job: Job, on_event: Callable[[dict[str, Any]], None], watchdog: Watchdog | None = None) -> Ending:
    """Run a job to its end and return how it ended; nothing of a run that was stopped is left by then.

    ``on_event`` gets every event in order. An exception that it raises stops the run and is raised here. ``watchdog``
    is the one that watches the run already, if one does.
    """
    stop = _Stop(job)
    # A host can print what ansible-runner takes for an event; only Ansible's own bear the stamp.
    stamp = secrets.randbits(128)

    def hand_over(event: dict[str, Any]) -> bool:
        # ansible-runner swallows some exceptions of a handler and lets others kill it: so none may leave it.
        if stop.error is None:
            try:
                on_event(_shown(_genuine(event, stamp), job.shown) if job.shown else _genuine(event, stamp))
            except Exception as error:  # noqa: BLE001 - raised again below
                stop.on_error(error)
        return False

    private = private_folder(job.run_id)
    status: str | None = None
    return_code: int | None = None
    try:
        with _signals(stop), _settings(), _watched(job, watchdog) as stop.watchdog:
            runner = ansible_runner.run(
                private_data_dir=str(private),
                project_dir=str(job.working_folder or job.project),
                playbook=str(job.playbook),
                inventory=str(job.inventory),
                limit=job.limit,
                extravars=dict(job.variables) or None,
                forks=job.forks,
                cmdline="--check --diff" if job.check else "--diff",
                envvars=_environment(job, private, stamp),
                settings={"suppress_output_file": True, "pexpect_timeout": POLL_SECONDS},
                suppress_env_files=True,
                quiet=True,
                event_handler=hand_over,
                cancel_callback=stop.asked,
            )
            status, return_code = runner.status, runner.rc
    except Exception as error:
        if stop.reason is None:
            raise
        # ansible-runner stumbles over a process that was ended under its hands.
        status, return_code = f"stopped: {error}", None
    finally:
        # What a run that ended by itself started on this machine, a service perhaps, stays.
        if stop.reason or return_code is None:
            stop.left = tuple(end_processes(job.run_id))
        end_connections(job.run_id)
        shutil.rmtree(private, ignore_errors=True)
    if stop.error:
        raise stop.error
    return Ending(return_code, status, stop.reason, stop.left)


def _genuine(event: dict[str, Any], stamp: int) -> dict[str, Any]:
    """Return an event without its stamp; of one that lacks it, only that it came."""
    if event.pop("job_id", None) == stamp:
        return event
    kept: dict[str, Any] = {key: event[key] for key in ("counter", "created", "stdout", "uuid") if key in event}
    # Lines that Ansible prints outside of any event come as ``verbose``, without data and without a stamp.
    return {**kept, "event": "verbose" if event.get("event") == "verbose" else FORGED, "event_data": {}}


def _shown(value: Any, shown: Mapping[str, str]) -> Any:
    """Return a JSON value that tells of files by the folders that people know."""
    if isinstance(value, str):
        return as_known(value, shown)
    if isinstance(value, dict):
        return {as_known(key, shown): _shown(one, shown) for key, one in value.items()}
    return [_shown(one, shown) for one in value] if isinstance(value, list) else value


def _watched(job: Job, watchdog: Watchdog | None) -> AbstractContextManager[Watchdog]:
    return nullcontext(watchdog) if watchdog else Watchdog(job.run_id)


@contextmanager
def _signals(stop: _Stop) -> Iterator[None]:
    """Let signals stop the run in order; one that the caller has us ignore, as nohup does, stays ignored."""
    heeded = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, stop.on_signal) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _settings() -> Iterator[None]:
    """Take the caller's foreign settings out of the environment, which ansible-runner copies."""
    taken = {name: os.environ.pop(name) for name in foreign_settings()}
    try:
        yield
    finally:
        os.environ.update(taken)


def _environment(job: Job, private: Path, stamp: int) -> dict[str, str]:
    return {
        **({CHANGE: str(job.change)} if job.change else {}),
        **settings_of(job.project),
        MARK: job.run_id,
        "JOB_ID": str(stamp),
        # Without this line ansible-runner switches the check off.
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        # Unpacked files and connections of this run alone, gone with its folder.
        "ANSIBLE_LOCAL_TEMP": str(private / "temporary"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "control"),
        "ANSIBLE_NOCOLOR": "True",
        "RUNNER_OMIT_EVENTS": "False",
        "RUNNER_ONLY_FAILED_EVENTS": "False",
    }
