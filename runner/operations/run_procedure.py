"""Use case: run a procedure. Gate, execute, seal, append; the documents follow from what was sealed."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError, Refused
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.events import EventStream
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import FREE_BYTES, OpenRun, SealedRun, entry_body, seal
from runner.execution.closure import Closure, closure_of, files_digest
from runner.execution.execute import execute
from runner.execution.job import Job
from runner.execution.progress import Unfailing
from runner.execution.secrets import known_secrets
from runner.execution.targets import Targets
from runner.history import last_whole_run
from runner.operations.book import open_book
from runner.operations.growth import growth_since_last_run
from runner.operations.manifest import manifest_of, new_run_id, operator, source_of, tool
from runner.operations.terms import is_routine
from runner.procedures import Procedure, find_procedure
from runner.site import PROJECT

if TYPE_CHECKING:
    from runner.contract.model import Contract
    from runner.evidence.events import Ending
    from runner.evidence.ledger import Entry, Ledger
    from runner.execution.progress import Progress
    from runner.operations.check_site import CheckedSite


@dataclass(frozen=True)
class RunRequest:
    """What a person or the schedule asks for; ``occurrences`` names what of the contract the run is for, if it does."""

    procedure: str
    limit: str | None = None
    check: bool = False
    timeout_seconds: float | None = None
    occurrences: tuple[str, ...] | None = None


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
    site = checked.site
    procedure = find_procedure(PROJECT, request.procedure)
    gate(procedure, request, checked.contract)
    with closing(Targets(PROJECT, procedure.playbook, site.inventory, request.limit)) as targets:
        ledger = open_book(site)
        closure = closure_of(PROJECT, procedure.playbook)
        redactor = Redactor(known_secrets(PROJECT, (*site.variable_files, *closure.yaml_files(PROJECT))))
        job, intent = prepare(checked, procedure, request, ledger, closure, redactor)
        try:
            run = OpenRun(site.runs_folder, job.run_id, intent)
            stream, ending = record(run, job, redactor, ledger, procedure, targets, progress)
            stream.expect(targets.hosts())
            intent["arguments"]["left_out"] = targets.left_out()
            intent |= {"groups": targets.groups(), "not_covered": targets.not_covered()}
            manifest = manifest_of(intent, stream, ending, redactor)
            sealed = seal(run.folder, manifest)
            entry = ledger.append("run", entry_body(sealed.manifest, digest(canonical(sealed.manifest))))
            run.listed()
        except OSError as error:
            message = f"{site.state}: the run was stopped, its evidence cannot be written: {error.strerror}"
            raise MachineError(f"{message}; the next command seals what was recorded") from error
    return ListedRun(sealed, entry, ending)


def gate(procedure: Procedure, request: RunRequest, contract: Contract) -> None:
    """Let a run pass that changes nothing, or that the contract calls routine; raises Refused for any other."""
    if not request.check and not is_routine(contract, procedure):
        raise Refused(f"{procedure.name} changes hosts: it runs only under an approved change, or with --check")


def prepare(
    checked: CheckedSite,
    procedure: Procedure,
    request: RunRequest,
    ledger: Ledger,
    closure: Closure,
    redactor: Redactor,
) -> tuple[Job, dict[str, Any]]:
    """Return what is to run, and the intent: the part of the manifest that is known beforehand."""
    site = checked.site
    if shutil.disk_usage(site.state).free < FREE_BYTES:
        raise MachineError(f"{site.state}: less than {FREE_BYTES >> 20} MiB free; the evidence might not fit")
    last = last_whole_run(ledger, procedure.name)
    variables = {"weibao_since": last["started"]} if last else {}
    job = Job(
        run_id=new_run_id(procedure.name),
        project=PROJECT,
        playbook=procedure.playbook,
        inventory=site.inventory,
        limit=request.limit,
        check=request.check,
        variables=variables,
        forks=min(48, 4 * (os.cpu_count() or 1)),
        timeout_seconds=request.timeout_seconds,
    )
    arguments = {
        "limit": redactor.text(job.limit) if job.limit is not None else None,
        "check": job.check,
        "forks": job.forks,
        "timeout_seconds": job.timeout_seconds,
        "variables": variables,
        "occurrences": None if request.occurrences is None else list(request.occurrences),
    }
    whole = job.limit is None and not job.check
    intent = {
        "run": job.run_id,
        "site": site.name,
        "procedure": procedure.name,
        "repeatable": procedure.repeatable,
        # What looks at a part of the site, or only tries, fulfils nothing.
        "obligations": list(_owed(checked, procedure, request)) if whole else [],
        "operator": operator(checked.people),
        "started": timestamp(),
        "source": source_of(PROJECT),
        "closure": closure.as_dict(),
        "variables": files_digest(site.folder, site.variable_files),
        "arguments": arguments,
        "approval": None,
        "tool": tool(),
        "head": ledger.head().sequence,
        "observations_owed": procedure.observations,
        "groups": {},
        "not_covered": [],
    }
    return job, intent


def _owed(checked: CheckedSite, procedure: Procedure, request: RunRequest) -> tuple[str, ...]:
    """Return the obligations that a run may fulfil: those that it is for, or all that name the procedure."""
    if request.occurrences is None:
        return checked.contract.fulfilled_by(procedure.name)
    return tuple(dict.fromkeys(key.partition("/")[0] for key in request.occurrences))


def record(
    run: OpenRun,
    job: Job,
    redactor: Redactor,
    ledger: Ledger,
    procedure: Procedure,
    targets: Targets,
    progress: Progress,
) -> tuple[EventStream, Ending]:
    """Execute the job, writing every event and observation as it comes."""
    started = datetime.now(UTC)
    growth = growth_since_last_run(ledger, run.folder.parent, procedure.name, started)
    stream = EventStream(redactor, lambda host, found: growth.complete(host, found, started))

    def on_event(event: dict[str, Any]) -> None:
        if not stream.count:
            # By now Ansible has read the inventory, and so have they; progress knows how far there is to go.
            stream.expect(targets.hosts())
        line, observations = stream.take(event)
        run.events.write(line)
        for observation in observations:
            run.observations.write(observation)
        shown.follow(event, stream)

    shown = Unfailing(progress)
    with shown:
        ending = execute(job, on_event)
    run.close_files()
    return stream, ending
