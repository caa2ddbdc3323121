"""Is a sealed run what its entry says, and do its own files say the same?

The manifest must be the one that the entry names by hash, the files those that the manifest names; what the entry says
of the run must stand in the manifest; and host by host, the outcome and the verdict must follow from the events by the
same code that judged them when the run was sealed (``events.py``). Words of hosts (messages) are not compared: they
were cut and redacted from more than is kept.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from pydantic_core import from_json

from runner.evidence.canonical import canonical, parse_timestamp
from runner.evidence.events import Ending, EventStream
from runner.evidence.finding import Finding, Kind
from runner.evidence.reading import LARGEST, packed_lines
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import EVENTS, MANIFEST, OBSERVATIONS, entry_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from runner.evidence.run_files import RunFiles

_CHUNK = 1 << 20

#: States of a verdict, the better the further on.
_STATES = ("incomplete", "failed", "partial", "complete")

_ODD = (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, OverflowError)


@dataclass(frozen=True)
class ListedRun:
    """A run as an entry lists it: where its files lie, and the entry's number, name, time and body."""

    files: RunFiles
    sequence: int
    entry: str
    time: datetime | None
    body: Mapping[str, Any] = field(hash=False)

    def finding(self, name: str, problem: str, kind: Kind = "run") -> Finding:
        """Return a finding about a file of the run."""
        return Finding(f"{self.files.run_id}/{name}", problem, self.sequence, kind)


@dataclass
class RunProblems:
    """What is wrong with a run, and what could not be judged, which is wrong with nothing."""

    findings: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)


def examine_run(run: ListedRun, *, contents: bool = True) -> RunProblems:
    """Return every way in which a run differs from what its entry says, and from what its own files say.

    Without ``contents`` only hashes are held against each other.
    """
    found = RunProblems()
    if not run.files.packed and (run.files.place / run.files.run_id).is_symlink():
        problem = "is a link: its files lie elsewhere, where others may change them"
        found.remarks.append(run.finding("", problem, "link"))
    manifest = _manifest(run, found)
    if manifest is None:
        return found
    try:
        whole = _check_files(run, manifest, found)
        if contents:
            _check_manifest(run, manifest, found)
        if contents and whole:
            _check_contents(run, manifest, found)
    except (OSError, *_ODD) as error:
        found.findings.append(run.finding(MANIFEST, f"cannot be read: {type(error).__name__}: {error}"))
    return found


def _manifest(run: ListedRun, found: RunProblems) -> dict[str, Any] | None:
    try:
        with run.files.open(MANIFEST) as file:
            if run.files.size(MANIFEST) > LARGEST:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))  # noqa: TRY301 - as the system says it
            raw = file.read()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(run.files.place):
            problem = f"cannot be verified: {run.files.place}, where it was moved, is not there"
        else:
            what = "missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            problem = f"{what}, but named by {run.entry}"
        found.findings.append(run.finding(MANIFEST, problem))
        return None
    if hashlib.sha256(raw).hexdigest() != run.body.get("manifest_sha256"):
        found.findings.append(run.finding(MANIFEST, f"differs from what {run.entry} names"))
    try:
        manifest = from_json(raw)
        if not isinstance(manifest, dict):
            raise TypeError("is not an object")
        if canonical(manifest) != raw:
            found.findings.append(run.finding(MANIFEST, "is not canonical: its bytes were changed"))
    except _ODD as error:
        found.findings.append(run.finding(MANIFEST, f"is not a manifest: {error}"))
        return None
    return manifest


# -- the files --------------------------------------------------------------------------------------------


def _check_files(run: ListedRun, manifest: Mapping[str, Any], found: RunProblems) -> bool:
    """Note each file that is missing, differs, or is named by nobody; return whether all are what they were."""
    before = len(found.findings)
    named = manifest["files"]
    for name in (EVENTS, OBSERVATIONS):
        if name not in named:
            found.findings.append(run.finding(MANIFEST, f"does not name {name}"))
    for name, what in named.items():
        problem = _file_problem(run.files, name, what)
        if problem:
            found.findings.append(run.finding(name, problem))
    for name in run.files.names():
        if name != MANIFEST and name not in named:
            found.findings.append(run.finding(name, "its manifest does not name this file"))
    return len(found.findings) == before


def _file_problem(files: RunFiles, name: str, named: Mapping[str, Any]) -> str:
    try:
        if files.size(name) != named.get("bytes", files.size(name)):
            return f"differs from what its manifest names: {files.size(name)} bytes where {named['bytes']} are named"
        with files.open(name) as file:
            sha256 = _digest(file)
    except FileNotFoundError:
        return "missing, but named by its manifest"
    except OSError as error:
        return f"cannot be read ({error.strerror}), but named by its manifest"
    return "" if sha256 == named["sha256"] else "differs from what its manifest names"


def _digest(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest()


# -- the manifest -----------------------------------------------------------------------------------------


def _check_manifest(run: ListedRun, manifest: Mapping[str, Any], found: RunProblems) -> None:
    """Note where the entry says something else than the manifest, and where the manifest's times are in disorder."""
    said = entry_body(dict(manifest), str(run.body.get("manifest_sha256")))
    for key, value in run.body.items():
        if key not in said or said[key] != value:
            stands = repr(said[key]) if key in said else "nothing"
            problem = f"says {stands} of {key}, where {run.entry} says {value!r}"
            found.findings.append(run.finding(MANIFEST, problem, "listed"))
    if "change" in said and "change" not in run.body:
        problem = f"belongs to change {said['change']}, which {run.entry} does not say"
        found.findings.append(run.finding(MANIFEST, problem, "listed"))
    if manifest["run"] != run.files.run_id:
        found.findings.append(run.finding(MANIFEST, f"is of run {manifest['run']!r}", "listed"))
    started, ended = parse_timestamp(manifest["started"]), parse_timestamp(manifest["ended"])
    if ended < started:
        problem = f"ended {manifest['ended']}, before it started: a clock was set back"
        found.findings.append(run.finding(MANIFEST, problem, "clock"))
    sealed = manifest.get("sealed")
    if sealed and run.time and run.time < parse_timestamp(sealed):
        problem = f"was sealed {sealed}, after the time of {run.entry}: a clock was set back"
        found.findings.append(run.finding(MANIFEST, problem, "clock"))


# -- what happened ----------------------------------------------------------------------------------------


class _Replay:
    """Reads what happened once more, as it was judged when the run was sealed."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.stream = EventStream(Redactor({}), replayed=True)
        self.stream.expect(manifest["hosts"])
        #: How many observations each event carried, by its counter, and how many lines came of it.
        self.carried: Counter[Any] = Counter()
        self.lines: Counter[Any] = Counter()
        self.levels: Counter[str] = Counter()

    def event(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        before = sum(self.stream.hosts[host].observations for host in _host(event) if host in self.stream.hosts)
        self.stream.follow(event)
        after = sum(self.stream.hosts[host].observations for host in _host(event))
        if after > before:
            self.carried[event.get("counter")] += after - before

    def observation(self, one: Mapping[str, Any]) -> None:
        """Take one observation."""
        self.levels[str(one["level"])] += 1
        self.lines[one.get("event")] += 1


def _host(event: Mapping[str, Any]) -> tuple[str, ...]:
    data = event.get("event_data")
    host = data.get("host") if isinstance(data, dict) else None
    return (host,) if isinstance(host, str) else ()


def _check_contents(run: ListedRun, manifest: Mapping[str, Any], found: RunProblems) -> None:
    replay = _Replay(manifest)
    for name, take in ((EVENTS, replay.event), (OBSERVATIONS, replay.observation)):
        try:
            with run.files.open(name) as file:
                for line in packed_lines(file):
                    take(line)
        except (OSError, EOFError, zlib.error, *_ODD) as error:
            found.findings.append(run.finding(name, f"is damaged: {error}"))
            return
    found.findings += [run.finding(*one, "verdict") for one in _count_problems(manifest, replay)]
    if any("[redacted: " in host for host in replay.stream.hosts):
        problem = "the verdict cannot be recomputed: the name of a host is one of the secrets that were redacted"
        found.remarks.append(run.finding(MANIFEST, problem, "not_recomputed"))
    else:
        found.findings += [run.finding(*one, "verdict") for one in _verdict_problems(manifest, replay)]


def _count_problems(manifest: Mapping[str, Any], replay: _Replay) -> Iterator[tuple[str, str]]:
    """Yield file and problem wherever events and observations are not as many as they should be."""
    if manifest["events"] != replay.stream.count:
        yield EVENTS, f"holds {replay.stream.count} events where the manifest says {manifest['events']}"
    levels = dict(sorted(replay.levels.items()))
    if manifest["levels"] != levels:
        yield OBSERVATIONS, f"has levels {levels} where the manifest says {manifest['levels']}"
    if manifest["verdict"]["state"] == "incomplete":
        # What was cut off by a crash is whole in each file, but the files may end at different moments.
        return
    for counter in sorted(replay.carried.keys() | replay.lines.keys(), key=str):
        carried, lines = replay.carried[counter], replay.lines[counter]
        if carried != lines:
            yield OBSERVATIONS, f"has {lines} observations of event {counter}, which carried {carried}"


def _verdict_problems(manifest: Mapping[str, Any], replay: _Replay) -> Iterator[tuple[str, str]]:
    """Yield every difference between what the manifest says came of it, and what its events say."""
    said = manifest["verdict"]
    kept = manifest.get("ending")
    if kept is None:
        # Sealed before manifests kept how the execution ended: only that it was no better can be told.
        state = replay.stream.verdict(Ending(0, "successful"), observations_owed=False).state
        if _STATES.index(said["state"]) > _STATES.index(state):
            yield MANIFEST, f"says {said['state']}, where its events say {state} at best"
        return
    owed = manifest["observations_owed"]
    judged = replay.stream.verdict(Ending.of(kept), owed).as_dict()
    if _wordless(said) != _wordless(judged):
        yield MANIFEST, f"its verdict is {_told(said)}, but its events say {_told(judged)}"
    outcomes = replay.stream.outcomes(owed)
    for host in sorted(manifest["hosts"].keys() | outcomes.keys()):
        ours, theirs = _bare(outcomes.get(host)), _bare(manifest["hosts"].get(host))
        if ours != theirs:
            yield MANIFEST, f"of host {host} it says {theirs}, but its events say {ours}"


def _bare(outcome: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a host's outcome and counts without its message."""
    return None if outcome is None else {key: value for key, value in outcome.items() if key != "message"}


def _wordless(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict without the words of hosts."""
    reasons = [
        (one["code"], {key: value for key, value in one["parameters"].items() if key != "message"})
        for one in verdict["reasons"]
    ]
    return {"state": verdict["state"], "reasons": reasons, "missed": verdict["missed"]}


def _told(verdict: Mapping[str, Any]) -> str:
    codes = ", ".join(str(one["code"]) for one in verdict["reasons"])
    missed = ", ".join(map(str, verdict["missed"]))
    return str(verdict["state"]) + (f" ({codes})" if codes else "") + (f", missing {missed}" if missed else "")
