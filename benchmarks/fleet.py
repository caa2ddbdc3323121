"""A fleet: what `weibao run inspect` costs a host, in time, memory, SSH executions and evidence, as the fleet grows.

    make lab && .venv/bin/python -m benchmarks.fleet [--names 16,200,2000]

Over SSH to the lab's hosts, which appear under as many names as asked for; the hosts run on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.lab import lab_hosts, lab_site
from benchmarks.measure import machine, verdict
from runner.site import PROJECT

#: Stands in for ssh: notes each execution, then becomes it.
COUNTING_SSH = '#!/bin/sh\necho >>"{log}"\nexec ssh "$@"\n'


#: A small fleet is inspected so often that this many hosts were, and the mean counts: single runs differ by a third.
LEAST_HOSTS = 80


@dataclass(frozen=True)
class Cost:
    """What one inspection of a fleet took; memory is the sum of what each process has for itself (PSS)."""

    names: int
    seconds: float
    memory: float
    executions: int
    evidence: int
    record: int


class Memory(threading.Thread):
    """Watches a process and all below it, and keeps the highest sum of their memory in MiB."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.highest = 0.0
        self._process = psutil.Process(process)
        self._over = threading.Event()

    def run(self) -> None:
        """Look twice a second."""
        while not self._over.wait(0.5):
            self.highest = max(self.highest, self._now())

    def _now(self) -> float:
        total = 0
        try:
            processes = [self._process, *self._process.children(recursive=True)]
        except psutil.Error:
            return 0.0
        for one in processes:
            try:
                total += one.memory_full_info().pss
            except psutil.Error:
                continue
        return total / 2**20

    def end(self) -> float:
        """Return the highest sum."""
        self._over.set()
        self.join()
        return self.highest


def cost_of(folder: Path, names: int) -> Cost:
    """Inspect the lab under so many names, small fleets several times; return the means, and the most memory."""
    times = max(1, LEAST_HOSTS // names)
    costs = [inspect(folder / f"{names}-{number}", names) for number in range(times)]
    return Cost(
        names=names,
        seconds=sum(cost.seconds for cost in costs) / times,
        memory=max(cost.memory for cost in costs),
        executions=sum(cost.executions for cost in costs) // times,
        evidence=sum(cost.evidence for cost in costs) // times,
        record=sum(cost.record for cost in costs) // times,
    )


def inspect(folder: Path, names: int) -> Cost:
    """Inspect the lab under so many names, once."""
    folder.mkdir()
    log, ssh = folder / f"ssh-{names}.log", folder / f"ssh-{names}"
    ssh.write_text(COUNTING_SSH.format(log=log))
    ssh.chmod(0o700)
    site = lab_site(folder / "sites" / f"fleet-{names}", names, lab_hosts(), ansible_ssh_executable=str(ssh))
    environment = {**os.environ, "WEIBAO_SITES": str(site.parent), "WEIBAO_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "runner.cli", "--site", site.name, "--json", "run", "inspect"]
    start = time.perf_counter()
    with subprocess.Popen(
        [*command, "--fail-on", "never"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        memory = Memory(process.pid)
        memory.start()
        printed, _ = process.communicate()
    seconds, highest = time.perf_counter() - start, memory.end()
    run = json.loads(printed)
    reached = sum(host["outcome"] == "ok" for host in run["hosts"].values())
    assert reached == names, f"{reached} of {names} reached: {run['verdict']}"
    return Cost(
        names=names,
        seconds=seconds,
        memory=highest,
        executions=len(log.read_text().splitlines()),
        evidence=sum(path.stat().st_size for path in Path(run["folder"]).iterdir()),
        record=sum(Path(path).stat().st_size for path in run["documents"]),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", default="16,200,2000")
    options = parser.parse_args()
    print(machine())
    print(f"names over {len(lab_hosts())} SSH hosts on the same machine; HTML record included")
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for names in map(int, options.names.split(",")):
            cost = cost_of(Path(folder), names)
            costs.append(cost)
            print(
                f"  {names:5} names  {cost.seconds:8.1f} s  {1000 * cost.seconds / names:7.0f} ms a host"
                f"  {cost.memory:6.0f} MiB  {cost.executions / names:5.2f} SSH executions a host"
                f"  {cost.evidence / names / 1000:6.2f} kB a host  record {cost.record / 1e6:.2f} MB",
                flush=True,
            )
    first, last = costs[0], costs[-1]
    for cost in costs[1:]:
        ratio = (cost.seconds / cost.names) / (first.seconds / first.names)
        verdict(f"times the cost a host of {first.names} names, at {cost.names}", ratio, 1.2, at_least=False)
    verdict(f"MiB of memory at {last.names} names", last.memory, 400, at_least=False)
    executions = max(cost.executions / cost.names for cost in costs)
    verdict("SSH executions a host", executions, 5, at_least=False)
    verdict(
        "kB of sealed evidence a host", max(cost.evidence / cost.names for cost in costs) / 1000, 10, at_least=False
    )


if __name__ == "__main__":
    main()
