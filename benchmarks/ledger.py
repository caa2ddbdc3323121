"""The ledger: verifying, hashing, appending and exporting, each against the stock tool that does the same.

    .venv/bin/python -m benchmarks.ledger [--entries 100000] [--megabytes 2048] [--appends 400] [--runs 1000]

Verifying is held against ``ssh-keygen -Y verify`` called once an entry from a shell, hashing against ``sha256sum``, and
appending against ``ssh-keygen -Y sign`` called once at a time from a shell. ``--only`` measures one of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import alternate, machine, seconds, verdict
from module_utils.observations import observe
from runner.evidence.canonical import canonical, digest, digest_file, timestamp
from runner.evidence.events import Ending, EventStream
from runner.evidence.kept import ATTACHING, KeptFiles
from runner.evidence.ledger import Ledger
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import MANIFEST, OpenRun, entry_body, seal
from runner.evidence.seen_entries import SeenEntry
from runner.evidence.verify import Folders, Verification
from runner.operations.book import open_book
from runner.operations.check_site import check_site
from runner.operations.export import export
from runner.operations.manifest import manifest_of
from runner.site import PROJECT, Site
from tests.signing import QuickSigner, signed_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WRITERS = 8

#: Entries that ssh-keygen verifies: it takes as long for each of them.
SAMPLE = 400


# -- verifying --------------------------------------------------------------------------------------------


def write_entries(folder: Path, count: int) -> Ledger:
    """Write a ledger of so many signed entries as appending would, without waiting for the disk."""
    ledger = signed_ledger(folder)
    signer = QuickSigner()
    previous = ledger.head().digest
    body = {"channel": "mail", "event": "critical", "run": "20260101T000000Z-inspect-abcdef", "text": "x" * 300}
    for sequence in range(2, count + 1):
        entry = {"schema_version": 1, "sequence": sequence, "kind": "notification", "time": timestamp(), "site": "test"}
        raw = canonical({**entry, "previous": previous, "signer": signer.fingerprint(), "body": body})
        chapter = folder / f"{sequence // 1000:03d}"
        chapter.mkdir(exist_ok=True)
        path = chapter / f"{sequence:06d}-notification.json"
        path.write_bytes(raw)
        path.with_name(f"{path.name}.sig").write_bytes(signer.sign(raw))
        previous = digest(raw)
    return ledger


def verifying(folder: Path, entries: int) -> None:
    """Measure the verification of a ledger against ssh-keygen, entry by entry."""
    taken = seconds(lambda: write_entries(folder / "ledger", entries))
    print(f"{entries:,} signed entries, written in {taken:.0f} s")
    ledger = Ledger(folder / "ledger", "test")
    signer = QuickSigner()
    allowed = folder / "allowed_signers"
    allowed.write_text(f'site namespaces="weibao-entry" {signer.public_key.line}\n')
    listed = folder / "sample"
    names = [str(path) for _, _, path in ledger.paths()]
    sample = names[:: max(1, len(names) // SAMPLE)]
    listed.write_text("".join(f"{name}\n" for name in sample))
    check = (
        f'ssh-keygen -Y verify -f {allowed} -I site -n weibao-entry -s "$one.sig" < "$one" > {folder}/said || exit 1'
    )
    loop = f"while read -r one; do {check}; done < {listed}"
    found: list[object] = []

    def ours(processes: int | None) -> None:
        found.extend(Verification(ledger, Folders(folder / "runs"), processes=processes).findings())

    times = alternate(
        {
            f"ssh-keygen -Y verify, {len(sample)} entries one by one": lambda: subprocess.run(
                ["sh", "-c", loop], check=True
            ),
            f"weibao, {len(names):,} entries, one process": lambda: ours(1),
            f"weibao, {len(names):,} entries, {os.cpu_count()} processes": lambda: ours(None),
        },
        rounds=3,
    )
    assert not found, found[:3]
    theirs, alone, together = times.values()
    each = theirs / len(sample)
    print(f"  an entry: ssh-keygen {each * 1e6:.0f} µs, weibao {alone / len(names) * 1e6:.0f} µs in one process")
    verdict("times as fast as ssh-keygen, one process", each * len(names) / alone, 20, at_least=True)
    verdict("times as fast as ssh-keygen, as it is called", each * len(names) / together, 20, at_least=True)


# -- hashing ----------------------------------------------------------------------------------------------


def hashing(folder: Path, megabytes: int) -> None:
    """Measure the hashing of kept files against sha256sum."""
    size = 16
    kept = folder / "attachments"
    kept.mkdir()
    for _ in range(max(1, megabytes // size)):
        path = kept / "new"
        path.write_bytes(os.urandom(size << 20))
        path.rename(kept / digest_file(path))
    names = sorted(path.name for path in kept.iterdir())
    body = {"attachments": [{"name": "scan.pdf", "sha256": name} for name in names]}
    entry = SeenEntry(2, "record", "000/000002-record.json", "", {"body": body}, None, signed=True, signed_by=None)
    print(f"{len(names)} files of {size} MiB")

    def ours(processes: int | None) -> None:
        files = KeptFiles(kept, ATTACHING)
        files.note(entry)
        assert not list(files.findings(processes))

    command = ["sha256sum", *(str(kept / name) for name in names)]
    times = alternate(
        {
            "sha256sum": lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL),
            "weibao, one process": lambda: ours(1),
            f"weibao, {os.cpu_count()} processes": lambda: ours(None),
        },
        rounds=3,
    )
    theirs, alone, together = times.values()
    speeds = ", ".join(f"{megabytes / one:.0f}" for one in (theirs, alone, together))
    print(f"  MiB a second: {speeds}")
    verdict("of sha256sum's speed, one process", theirs / alone, 0.8, at_least=True)


# -- appending --------------------------------------------------------------------------------------------


def a_site(folder: Path) -> Site:
    """A copy of the embedded default."""
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    return site


def append_some(site: Site, numbers: range) -> None:
    """Append an entry for each number, as one program does."""
    book = open_book(site)
    for number in numbers:
        book.append("note", {"number": number, "text": "x" * 300})


def appending(folder: Path, appends: int) -> None:
    """Measure eight writers against one ssh-keygen at a time, on the same disk."""
    site = a_site(folder)
    open_book(site).tell_due()
    each = appends // WRITERS
    given = 0
    (folder / "entry").write_bytes(next(open_book(site).entries()).raw)
    sign = f"ssh-keygen -q -Y sign -f {site.keys_folder}/site -n weibao-entry < {folder}/entry > {folder}/signed"
    loop = f"i=0; while [ $i -lt {each * WRITERS} ]; do {sign} || exit 1; i=$((i+1)); done"
    with ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as pool:

        def together(count: int = each) -> None:
            nonlocal given
            parts = [range(given + count * one, given + count * (one + 1)) for one in range(WRITERS)]
            given += count * WRITERS
            list(pool.map(append_some, [site] * WRITERS, parts))

        together(1)  # all are started, and everything is imported
        times = alternate(
            {
                f"ssh-keygen -Y sign, {each * WRITERS} times, one at a time": lambda: subprocess.run(
                    ["sh", "-c", loop], check=True
                ),
                f"weibao, {WRITERS} writers, {each * WRITERS} entries": together,
            },
            rounds=5,
        )
    numbers = sorted(entry.body["number"] for entry in open_book(site).entries() if entry.kind == "note")
    findings = list(Verification(Ledger(site.ledger_folder, site.name), Folders(site.runs_folder)).findings())
    assert numbers == list(range(given)), "every number that was given is in one entry"
    assert not findings, findings[:3]
    theirs, ours = times.values()
    print(
        f"  {each * WRITERS / theirs:.0f} signatures a second, {each * WRITERS / ours:.0f} entries a second, none lost"
    )
    verdict("of the rate of one ssh-keygen at a time", theirs / ours, 0.8, at_least=True)


# -- exporting --------------------------------------------------------------------------------------------


#: What is known of a run before it starts, as far as it is the same for all.
_INTENT: dict[str, Any] = {
    "procedure": "inspect",
    "obligations": [],
    "source": None,
    "operator": {"login": "root", "name": None},
    "observations_owed": True,
    "arguments": {"limit": None, "check": False, "occurrences": None},
    "groups": {},
    "not_covered": [],
    "closure": {"digest": "0" * 64},
    "variables": {"digest": "0" * 64},
    "approval": None,
    "tool": {},
}


def seal_runs(site: Site, count: int) -> None:
    """Seal and list runs of ten hosts, twelve observations each."""
    signer_book = open_book(site)
    for number in range(count):
        run = OpenRun(site.runs_folder, f"20260101T{number:06d}Z-inspect-{number:06x}", {})
        stream = EventStream(Redactor({}))
        for event in _events(number):
            line, observations = stream.take(event)
            run.events.write(line)
            for one in observations:
                run.observations.write(one)
        run.close_files()
        intent = _INTENT | {"run": run.run_id, "site": site.name, "started": timestamp()}
        sealed = seal(run.folder, manifest_of(intent, stream, Ending(0, "successful"), Redactor({})))
        signer_book.append("run", entry_body(sealed.manifest, digest_file(run.folder / MANIFEST)))
        run.listed()


def _events(number: int) -> Iterable[dict[str, object]]:
    hosts = [f"host-{one:02d}" for one in range(10)]
    observations = [
        dict(observe({}, "filesystem.used", f"/mount/{one}", float(number % 90), "percent")._asdict())
        for one in range(12)
    ]
    told: list[tuple[str, dict[str, object]]] = [("playbook_on_start", {})]
    told += [("playbook_on_task_start", {"task": "Inspect", "task_uuid": "1"})]
    told += [("runner_on_ok", {"host": one, "task": "Inspect", "res": {"observations": observations}}) for one in hosts]
    told += [("playbook_on_stats", {"ok": dict.fromkeys(hosts, 1), "processed": dict.fromkeys(hosts, 1)})]
    for counter, (kind, data) in enumerate(told, start=1):
        yield {"counter": counter, "uuid": str(counter), "event": kind, "created": timestamp(), "event_data": data}


def exporting(folder: Path, runs: int) -> None:
    """Measure the export of the auditor's pack, and its own verify.sh."""
    site = a_site(folder)
    taken = seconds(lambda: seal_runs(site, runs))
    print(f"{runs:,} runs of 10 hosts and 120 observations, sealed and signed in {taken:.0f} s")
    checked = check_site(site)
    start = time.perf_counter()
    done = export(checked, folder / "pack")
    taken = time.perf_counter() - start
    print(f"  exported {done.runs:,} runs, {done.files:,} files, {done.bytes / 2**20:.1f} MiB in {taken:.1f} s")
    assert done.runs == runs
    assert not done.findings, done.findings[:3]
    taken_check = seconds(
        lambda: subprocess.run(["sh", "verify.sh"], cwd=done.folder, check=True, stdout=subprocess.DEVNULL)
    )
    print(f"  the pack's own verify.sh takes {taken_check:.1f} s")
    verdict(f"seconds for an export of {runs:,} runs", taken, 60, at_least=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--appends", type=int, default=400)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", choices=["verifying", "hashing", "appending", "exporting"])
    options = parser.parse_args()
    print(machine())
    parts: dict[str, Callable[[Path], None]] = {
        "verifying": lambda folder: verifying(folder, options.entries),
        "hashing": lambda folder: hashing(folder, options.megabytes),
        "appending": lambda folder: appending(folder, options.appends),
        "exporting": lambda folder: exporting(folder, options.runs),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
                print(name)
                part(Path(folder))


if __name__ == "__main__":
    main()
