"""Use case: run a procedure. Gate, execute, seal, append; the documents follow from what was sealed."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError, Refused
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.events import EventStream
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import FREE_BYTES, OpenRun, SealedRun, entry_body, seal
from runner.execution.execute import execute
from runner.execution.frozen import frozen
from runner.execution.job import Job
from runner.execution.progress import Unfailing
from runner.execution.secrets import known_secrets
from runner.execution.targets import Targets
from runner.history import last_whole_run
from runner.operations.book import open_book
from runner.operations.growth import growth_since_last_run
from runner.operations.manifest import manifest_of, new_run_id, operator, source_of, tool
from runner.operations.terms import is_routine
from runner.procedures import find_procedure
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.contract.model import Contract
    from runner.evidence.events import Ending
    from runner.evidence.ledger import Entry, Ledger
    from runner.execution.frozen import Frozen
    from runner.execution.progress import Progress
    from runner.operations.check_site import CheckedSite
    from runner.procedures import Procedure
    from runner.site import Site


#: What a run needs of the file system in memory, beside its copy, for the events on their way.
_FREE_MEMORY = 16 * 1024 * 1024


@dataclass(frozen=True)
class RunRequest:
    """What a person or the schedule asks for; ``occurrences`` names what of the contract the run is for, if it does.

    ``variables`` are further ones and hold no secrets.
    """

    procedure: str
    limit: str | None = None
    check: bool = False
    timeout_seconds: float | None = None
    occurrences: tuple[str, ...] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedRun:
    """A sealed run with its entry in the ledger, and how its execution ended."""

    run: SealedRun
    entry: Entry
    ending: Ending


def run_procedure(checked: CheckedSite, request: RunRequest, progress: Progress) -> ListedRun:
    """Run a procedure on a site's hosts and return it sealed and listed, whatever became of it.

    Raises BadInput for an unknown procedure or limit, Refused where the gate is closed, MachineError where
    evidence cannot be kept: then the run is stopped, and the next command seals what was recorded.
    """
    procedure = find_procedure(PROJECT, request.procedure)
    gate(procedure, request, checked.contract)
    with frozen(new_run_id(procedure.name), PROJECT, checked.site, procedure) as copy:
        return run_frozen(checked, request, procedure, copy, progress)


def run_frozen(
    checked: CheckedSite, request: RunRequest, procedure: Procedure, copy: Frozen, progress: Progress
) -> ListedRun:
    """Run what a copy was made of, as run_procedure() does; the caller says that it may."""
    with prepared(checked, request, procedure, copy) as ready:
        return ready.run(progress)


def gate(procedure: Procedure, request: RunRequest, contract: Contract) -> None:
    """Let a run pass that changes nothing, or that the contract calls routine; raises Refused for any other."""
    if not (request.check or is_routine(contract, procedure)):
        raise Refused(f"{procedure.name} changes hosts: it runs only under an approved change, or with --check")


@contextmanager
def prepared(checked: CheckedSite, request: RunRequest, procedure: Procedure, copy: Frozen) -> Iterator[Prepared]:
    """Look at all that a run needs, and return it ready: what can be refused is refused by now.

    Raises BadInput for a limit or variables that cannot be used, MachineError where there is no space for evidence.
    """
    site = checked.site
    with closing(Targets(copy, request.limit)) as targets:
        ledger = open_book(site)
        redactor = Redactor(known_secrets(PROJECT, copy.yaml_files))
        for folder, least in ((site.state, FREE_BYTES), (copy.folder.parent, _FREE_MEMORY)):
            if shutil.disk_usage(folder).free < least:
                raise MachineError(f"{folder}: less than {least >> 20} MiB free; the evidence might not fit")
        job = _job(request, procedure, copy, last_whole_run(ledger, procedure.name))
        intent = _intent(checked, procedure, request, copy, job, redactor)
        intent["head"] = ledger.head().sequence
        yield Prepared(site, procedure, job, intent, ledger, redactor, targets, copy)


@dataclass(frozen=True)
class Prepared:
    """A run that is ready: the job, and the intent, which is the part of the manifest that is known beforehand."""

    site: Site
    procedure: Procedure
    job: Job
    intent: dict[str, Any]
    ledger: Ledger
    redactor: Redactor
    targets: Targets
    copy: Frozen

    def under(self, approval: Mapping[str, Any], told: Mapping[str, Any]) -> Prepared:
        """Return this run as one of an approved change; the manifest keeps the approval, the hosts' gate is told."""
        job = replace(self.job, change=self.copy.tell_of_change(told))
        return replace(self, job=job, intent={**self.intent, "approval": dict(approval)})

    def run(self, progress: Progress) -> ListedRun:
        """Execute, seal, list; raises MachineError where evidence cannot be kept."""
        site, targets = self.site, self.targets
        intent = {**self.intent, "started": timestamp()}
        try:
            run = OpenRun(site.runs_folder, self.job.run_id, intent)
            stream, ending = self._record(run, progress)
            stream.expect(targets.hosts())
            intent["arguments"]["left_out"] = targets.left_out()
            intent |= {"groups": targets.groups(), "not_covered": targets.not_covered()}
            manifest = manifest_of(intent, stream, ending, self.redactor)
            sealed = seal(run.folder, manifest)
            entry = self.ledger.append("run", entry_body(sealed.manifest, digest(canonical(sealed.manifest))))
            run.listed()
        except OSError as error:
            message = f"{site.state}: the run was stopped, its evidence cannot be written: {error.strerror}"
            raise MachineError(f"{message}; the next command seals what was recorded") from error
        return ListedRun(sealed, entry, ending)

    def _record(self, run: OpenRun, progress: Progress) -> tuple[EventStream, Ending]:
        """Execute the job, writing every event and observation as it comes."""
        started = datetime.now(UTC)
        growth = growth_since_last_run(self.ledger, run.folder.parent, self.procedure.name, started)
        stream = EventStream(self.redactor, lambda host, found: growth.complete(host, found, started))

        def on_event(event: dict[str, Any]) -> None:
            if not stream.count:
                # By now Ansible has read the inventory, and so have they; progress knows how far there is to go.
                stream.expect(self.targets.hosts())
            line, observations = stream.take(event)
            run.events.write(line)
            if self.job.change:
                # What was begun on a host must be known, however soon this program dies.
                run.events.flush()
            for observation in observations:
                run.observations.write(observation)
            shown.follow(event, stream)

        shown = Unfailing(progress)
        with shown:
            ending = execute(self.job, on_event, self.copy.watchdog)
        run.close_files()
        return stream, ending


def _job(request: RunRequest, procedure: Procedure, copy: Frozen, last: Mapping[str, Any] | None) -> Job:
    routine = procedure.changes_hosts and not request.check
    return Job(
        run_id=copy.run_id,
        project=copy.project,
        playbook=copy.playbook,
        inventory=copy.inventory,
        limit=request.limit,
        check=request.check,
        variables={**({"weibao_since": last["started"]} if last else {}), **request.variables},
        forks=min(48, 4 * (os.cpu_count() or 1)),
        timeout_seconds=request.timeout_seconds,
        change=copy.tell_of_change(_routine(copy.run_id)) if routine else None,
        working_folder=PROJECT,
        shown=copy.shown,
    )


def _intent(
    checked: CheckedSite, procedure: Procedure, request: RunRequest, copy: Frozen, job: Job, redactor: Redactor
) -> dict[str, Any]:
    arguments = {
        "limit": redactor.text(job.limit) if job.limit is not None else None,
        "check": job.check,
        "forks": job.forks,
        "timeout_seconds": job.timeout_seconds,
        "variables": job.variables,
        "occurrences": None if request.occurrences is None else list(request.occurrences),
    }
    whole = job.limit is None and not job.check
    return {
        "run": job.run_id,
        "site": checked.site.name,
        "procedure": procedure.name,
        "repeatable": procedure.repeatable,
        # What changes hosts needs an approval, unless the contract calls it routine.
        "changes_hosts": procedure.changes_hosts and not job.check,
        "routine": is_routine(checked.contract, procedure),
        # What looks at a part of the site, or only tries, fulfils nothing.
        "obligations": list(_owed(checked, procedure, request)) if whole else [],
        "operator": operator(checked.people),
        "source": source_of(PROJECT),
        "closure": copy.closure.as_dict(),
        "variables": dict(copy.variables),
        "arguments": arguments,
        "approval": None,
        "tool": tool(),
        "observations_owed": procedure.observations,
        "groups": {},
        "not_covered": [],
    }


def _routine(run_id: str) -> dict[str, Any]:
    """Return what the gate on the hosts is told of a run that changes them as a routine, without a window."""
    return {"schema_version": 1, "run": run_id, "routine": True}


def _owed(checked: CheckedSite, procedure: Procedure, request: RunRequest) -> tuple[str, ...]:
    """Return the obligations that a run may fulfil: those that it is for, or all that name the procedure."""
    if request.occurrences is None:
        return checked.contract.fulfilled_by(procedure.name)
    return tuple(dict.fromkeys(key.partition("/")[0] for key in request.occurrences))
