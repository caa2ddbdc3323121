"""The event path: parse, redact, verdict, gzip, hash; against ansible-runner's own one file per event.

Redaction looks for 2,000 secrets in every form; it is also measured by itself, against looking for form after form.

    .venv/bin/python -m benchmarks.events [--hosts 200] [--tasks 10]

The events are recorded from a real playbook over local host names before anything is timed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import alternate, machine, seconds, verdict
from runner.evidence.canonical import digest_file
from runner.evidence.events import Ending, EventStream
from runner.evidence.redaction import Redactor, compact, forms_of
from runner.evidence.sealing import LineFile
from runner.execution.execute import execute
from runner.execution.job import Job
from runner.site import PROJECT

#: A site whose hosts each have a become password of their own, as a password generator makes them.
SECRETS = {f"password {number}": hashlib.sha256(b"%d" % number).hexdigest()[:16] for number in range(2_000)}


def record(folder: Path, hosts: int, tasks: int) -> list[str]:
    """Return the raw events of a real run, a line of JSON each."""
    names = "\n".join(f"    h{number}: {{ansible_connection: local}}" for number in range(hosts))
    (folder / "hosts.yml").write_text(f"all:\n  hosts:\n{names}\n")
    steps = "\n".join(
        f"    - name: Task {number}\n      ansible.builtin.debug: {{msg: 'step {number}'}}" for number in range(tasks)
    )
    (folder / "play.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{steps}\n")
    lines: list[str] = []
    job = Job("benchmark-events", PROJECT, folder / "play.yml", folder / "hosts.yml")
    execute(job, lambda event: lines.append(json.dumps(event)))
    return lines


def redaction(lines: list[str]) -> None:
    """Measure redaction alone, for few and many secrets, against looking for one form after another."""
    events = [json.loads(line) for line in lines]
    plain = min(seconds(lambda: [compact(event) for event in events]) for _ in range(5))
    for count in (3, 200, len(SECRETS)):
        known = dict(list(SECRETS.items())[:count])
        redactor = Redactor(known)
        needles = sorted({form for secret in known.values() for form in forms_of(secret)})
        some = lines[: max(40, len(lines) // count)]
        ours = min(seconds(partial(redact, redactor, events)) for _ in range(5)) - plain
        theirs = min(seconds(partial(needle_by_needle, needles, some)) for _ in range(5))
        figures = f"{ours / len(events) * 1e6:6.1f} µs an event; form by form {theirs / len(some) * 1e6:8.1f} µs"
        print(f"  redaction alone, {count:>5,} secrets, {len(needles):>6,} forms: {figures}")


def redact(redactor: Redactor, events: list[dict[str, Any]]) -> None:
    """Turn events into redacted lines."""
    for event in events:
        redactor.line(event)


def needle_by_needle(needles: list[str], lines: list[str]) -> int:
    """Return how many lines hold one of the needles, looked for one after another."""
    return sum(any(needle in line for needle in needles) for line in lines)


def our_path(lines: list[str], folder: Path, redactor: Redactor) -> str:
    """Take the lines down our event path, sealed and hashed; return the verdict."""
    target = folder / "events.jsonl.gz"
    target.unlink(missing_ok=True)
    stream = EventStream(redactor)
    file = LineFile(target)
    for line in lines:
        text, _ = stream.take(json.loads(line))
        file.write(text)
    file.close()
    digest_file(target)
    return stream.verdict(Ending(0, "successful"), observations_owed=False).state


def file_per_event(lines: list[str], folder: Path) -> None:
    """Write the lines as ansible-runner keeps them: parsed, then one JSON file each."""
    folder.mkdir(exist_ok=True)
    for number, line in enumerate(lines):
        event: dict[str, Any] = json.loads(line)
        temporary = folder / f"{number}.json.tmp"
        with temporary.open("w") as file:
            temporary.chmod(0o600)
            json.dump(event, file)
        temporary.rename(folder / f"{number}-{event['uuid']}.json")


def memory_of(lines: list[str], folder: Path, redactor: Redactor, times: int) -> int:
    """Return by how many KiB the peak of memory grew while the same events came many times."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    target = folder / "many.jsonl.gz"
    stream = EventStream(redactor)
    file = LineFile(target)
    for _ in range(times):
        for line in lines:
            text, _ = stream.take(json.loads(line))
            file.write(text)
    file.close()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=10)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = record(folder, options.hosts, options.tasks)
        size = sum(len(line) for line in lines)
        origin = f"{options.hosts} hosts × {options.tasks} tasks"
        print(f"{len(lines)} events recorded from {origin}, {size / len(lines):.0f} B each")
        redactor = Redactor(SECRETS)
        print(f"{len(SECRETS):,} secrets learnt in {seconds(lambda: Redactor(SECRETS)):.2f} s, once a run")
        assert our_path(lines, folder, redactor) == "complete"
        taken = alternate(
            {
                "weibao: parse, redact, verdict, gzip, hash": lambda: our_path(lines, folder, redactor),
                "ansible-runner's form: parse, one file an event": lambda: file_per_event(lines, folder / "job_events"),
            },
            rounds=5,
        )
        ours, theirs = taken.values()
        kept = (folder / "events.jsonl.gz").stat().st_size
        files = list((folder / "job_events").iterdir())
        disk = sum(path.stat().st_blocks * 512 for path in files)
        print(f"  on disk: {kept:,} B against {disk:,} B ({disk / kept:.0f} ×)")
        verdict("events a second", len(lines) / ours, 20_000, at_least=True)
        verdict("times as fast as a file per event", theirs / ours, 1.0, at_least=True)
        redaction(lines)
        memory_of(lines, folder, redactor, 1)
        (folder / "many.jsonl.gz").unlink()
        times = 20
        grown = memory_of(lines, folder, redactor, times)
        print(f"  {times * len(lines):,} events: peak memory grew by {grown / 1024:.1f} MiB")
        verdict("MiB of growth over 20 × the events", grown / 1024, 2.0, at_least=False)


if __name__ == "__main__":
    main()
