"""Use case: run a procedure. Gate, execute, seal, append; the documents follow from what was sealed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput, MachineError, Refused
from runner.evidence.canonical import canonical, digest, timestamp
from runner.evidence.events import EventStream
from runner.evidence.ledger import Entry, Ledger
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import OpenRun, SealedRun, seal
from runner.execution.closure import closure_of, files_digest
from runner.execution.execute import execute
from runner.execution.job import Job
from runner.execution.secrets import known_secrets
from runner.operations.growth import growth_since_last_run, last_whole_run
from runner.operations.manifest import entry_body, manifest_of, new_run_id, operator, source_of, tool
from runner.procedures import Procedure, find_procedure
from runner.site import PROJECT, Site

if TYPE_CHECKING:
    from runner.evidence.events import Ending
    from runner.execution.progress import Progress
    from runner.operations.check_site import CheckedSite

#: Less free space than this, and the evidence of a run may not fit.
FREE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class RunRequest:
    """What a person or the schedule asks for."""

    procedure: str
    limit: str | None = None
    check: bool = False
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class ListedRun:
    """A sealed run with its entry in the ledger, and how its execution ended."""

    run: SealedRun
    entry: Entry
    ending: Ending


def run_procedure(checked: CheckedSite, request: RunRequest, progress: Progress) -> ListedRun:
    """Run a procedure on a site's hosts and return it sealed and listed, whatever became of it.

    Raises BadInput for an unknown procedure or limit, Refused where the gate is closed, MachineError where
    evidence cannot be kept: then the run is stopped, and the next command seals it as interrupted.
    """
    site = checked.site
    procedure = find_procedure(PROJECT, request.procedure)
    gate(procedure, request)
    check_limit(site, request.limit)
    ledger = Ledger(site.ledger_folder, site.name)
    job, intent = prepare(checked, procedure, request, ledger)
    redactor = Redactor(known_secrets(PROJECT, site.variable_files))
    try:
        run = OpenRun(site.runs_folder, job.run_id, intent)
        stream, ending = record(run, job, redactor, ledger, procedure, progress)
        manifest = manifest_of(intent, stream, stream.verdict(ending, procedure.observations), redactor)
        sealed = seal(run.folder, manifest)
        entry = ledger.append("run", entry_body(sealed.manifest, digest(canonical(sealed.manifest))))
        run.listed()
    except OSError as error:
        message = f"{site.state}: the run was stopped, its evidence cannot be written: {error.strerror}"
        raise MachineError(f"{message}; the next command seals it as interrupted") from error
    return ListedRun(sealed, entry, ending)


def gate(procedure: Procedure, request: RunRequest) -> None:
    """Let a run pass that changes nothing; raises Refused for one that changes hosts without an approval."""
    if procedure.changes_hosts and not request.check:
        raise Refused(f"{procedure.name} changes hosts: it runs only under an approved change, or with --check")


def check_limit(site: Site, limit: str | None) -> None:
    """Raise BadInput where a limit matches no host of the site."""
    if limit is None:
        return
    # Imported only now: half a second that a run of the whole site need not wait.
    os.environ.setdefault("ANSIBLE_CONFIG", str(PROJECT / "ansible.cfg"))
    from ansible.errors import AnsibleError  # noqa: PLC0415
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415

    try:
        inventory = InventoryManager(loader=DataLoader(), sources=[str(site.inventory)])
        inventory.subset(limit)
        matched = inventory.get_hosts("all")
    except AnsibleError as error:
        raise BadInput(f"--limit {limit}: {error}") from error
    if not matched:
        raise BadInput(f"--limit {limit}: matches no host of site {site.name}")


def prepare(
    checked: CheckedSite, procedure: Procedure, request: RunRequest, ledger: Ledger
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
        forks=min(64, 8 * (os.cpu_count() or 1)),
        timeout_seconds=request.timeout_seconds,
    )
    arguments = {"limit": job.limit, "check": job.check, "forks": job.forks, "variables": variables}
    intent = {
        "run": job.run_id,
        "site": site.name,
        "procedure": procedure.name,
        "repeatable": procedure.repeatable,
        "obligations": list(checked.contract.fulfilled_by(procedure.name)),
        "operator": operator(checked.people),
        "started": timestamp(),
        "source": source_of(PROJECT),
        "closure": closure_of(PROJECT, procedure.playbook).as_dict(),
        "variables": files_digest(site.folder, site.variable_files),
        "arguments": {**arguments, "timeout_seconds": job.timeout_seconds},
        "approval": None,
        "tool": tool(),
        "head": ledger.head().sequence,
        "observations_owed": procedure.observations,
    }
    return job, intent


def record(
    run: OpenRun, job: Job, redactor: Redactor, ledger: Ledger, procedure: Procedure, progress: Progress
) -> tuple[EventStream, Ending]:
    """Execute the job, writing every event and observation as it comes."""
    started = datetime.now(UTC)
    growth = growth_since_last_run(ledger, run.folder.parent, procedure.name, started)
    stream = EventStream(redactor, lambda host, found: growth.complete(host, found, started))

    def on_event(event: dict[str, Any]) -> None:
        line, observations = stream.take(event)
        run.events.write(line)
        for observation in observations:
            run.observations.write(observation)
        progress.follow(event, stream)

    with progress:
        ending = execute(job, on_event)
    run.close_files()
    return stream, ending
