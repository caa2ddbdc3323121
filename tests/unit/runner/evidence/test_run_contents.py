"""What the holder of the key says of a run must follow from the run's own events, by the code that sealed it."""

from __future__ import annotations

import gzip
import random
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from runner.evidence.canonical import canonical, digest
from runner.evidence.events import FORGED, Ending, Reason
from runner.evidence.finding import Finding
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import EVENTS, MANIFEST, OBSERVATIONS, LineFile, SealedRun, seal
from runner.evidence.verify import Folders, Verification, verified_run
from tests.signing import signed_ledger
from tests.unit.runner.evidence.sealed import GOOD, OBSERVATION, event, events_of, list_run, seal_run


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return signed_ledger(tmp_path / "ledger")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def found(ledger: Ledger, runs: Path) -> list[tuple[str, str]]:
    return [(one.file, one.problem) for one in Verification(ledger, Folders(runs)).findings()]


ENDINGS = {
    "good": GOOD,
    "failed": Ending(2, "failed"),
    "timed out": Ending(None, "timeout", Reason("timed_out", {"seconds": 5})),
    "no code": Ending(None, "successful"),
    "left": Ending(0, "successful", left=(4711,)),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("unreachable", [(), ("db-1",)])
def test_an_honest_run_verifies_however_it_ended(
    ledger: Ledger, runs: Path, ending: Ending, unreachable: tuple[str, ...]
) -> None:
    run = seal_run(runs, "r1", events_of("web-1", unreachable=unreachable), ending, ("web-1", "never-seen"))
    list_run(ledger, run)
    assert found(ledger, runs) == []


def some_events(chance: random.Random) -> list[dict[str, Any]]:
    """The events of a run in which this and that goes wrong."""
    hosts = chance.sample(("web-1", "web-2", "web-3"), chance.randrange(4))
    events = events_of(*hosts, unreachable=chance.choice(((), ("db-1",))))
    results: tuple[Any, ...] = (
        *({}, None, {"msg": "x" * 900}, {"observations": 5}, {"observations": True}, {"observations": [None]}),
        *(
            {"observations": "x"},
            {"observations": [OBSERVATION] * 3},
            {"censored": "hidden"},
            {"timedout": {"period": 1}},
        ),
        {"observations": [OBSERVATION], "results": []},
    )
    for _ in range(max(0, chance.randrange(8) - 2)):
        kind = chance.choice(("runner_on_ok", "runner_on_failed", "runner_item_on_ok", FORGED, "verbose", "error"))
        more = event(0, kind, host=chance.choice(("web-1", "web-9")), res=chance.choice(results))
        if chance.random() < 0.2:
            more["stdout"] = "[ERROR]: something \ud800 odd"
        events.insert(chance.randrange(len(events) + 1), more)
    for number, one in enumerate(events, start=1):
        one["counter"] = number
    for _ in range(chance.choice((0, 0, 1, 2))):
        events.pop(chance.randrange(len(events)))
    if chance.random() < 0.1 and events:
        chance.choice(events)["counter"] = "x"
    return events


def test_whatever_happened_the_verdict_that_was_sealed_is_the_one_that_is_recomputed(
    ledger: Ledger, runs: Path
) -> None:
    states = set()
    for seed in range(250):
        chance = random.Random(seed)
        ending = chance.choice((GOOD, GOOD, GOOD, *ENDINGS.values()))
        run = seal_run(runs, f"r{seed}", some_events(chance), ending, chance.choice(((), ("web-1",))))
        list_run(ledger, run)
        states.add(run.manifest["verdict"]["state"])
    assert found(ledger, runs) == []
    assert states == {"complete", "partial", "failed", "incomplete"}


COMPLETE = {"state": "complete", "reasons": [], "missed": []}


@pytest.mark.parametrize(
    ("told", "file", "words"),
    [
        ({"verdict": COMPLETE}, MANIFEST, "its verdict is complete, but its events say partial (hosts_unreachable)"),
        (
            {"verdict": {**COMPLETE, "state": "partial", "missed": ["web-1"]}},
            MANIFEST,
            "its verdict is partial, missing web-1, but its events say partial (hosts_unreachable), missing db-1",
        ),
        ({"ending": Ending(0, "successful", Reason("cancelled")).as_dict()}, MANIFEST, "its events say incomplete"),
        ({"ending": {"stopped": 3}}, MANIFEST, "cannot be read"),
        ({"events": 99}, EVENTS, "holds 5 events where the manifest says 99"),
        ({"levels": {"critical": 1}}, OBSERVATIONS, "has levels {'ok': 1} where the manifest says {'critical': 1}"),
        ({"hosts": {}}, MANIFEST, "of host db-1 it says None"),
        ({"run": "r7"}, MANIFEST, "is of run 'r7'"),
        ({"started": "2099-01-01T00:00:00Z"}, MANIFEST, "before it started"),
        ({"sealed": "2099-01-01T00:00:00Z"}, MANIFEST, "after the time of 000002-run.json"),
    ],
)
def test_a_lie_of_who_holds_the_key_is_found(
    ledger: Ledger, runs: Path, told: dict[str, Any], file: str, words: str
) -> None:
    run = seal_run(runs, "r1", events_of("web-1", unreachable=("db-1",)), **told)
    list_run(ledger, run, run="r1")
    assert [problem for where, problem in found(ledger, runs) if where == f"r1/{file}" and words in problem]


@pytest.mark.parametrize(
    ("key", "value"), [("verdict", "complete"), ("obligations", ["A99"]), ("ended", "2026-01-01T00:00:00Z"), ("new", 1)]
)
def test_an_entry_that_says_otherwise_than_the_manifest_is_found(
    ledger: Ledger, runs: Path, key: str, value: object
) -> None:
    list_run(ledger, seal_run(runs, "r1", events_of("web-1", unreachable=("db-1",))), **{key: value})
    ((file, problem),) = found(ledger, runs)
    assert file == f"r1/{MANIFEST}"
    assert f"of {key}, where 000002-run.json says {value!r}" in problem


def test_an_observation_that_was_left_out_is_found(ledger: Ledger, runs: Path) -> None:
    run = seal_run(runs, "r1")
    path = run.folder / OBSERVATIONS
    path.unlink()
    lines = LineFile(path)
    lines.close()
    manifest = {key: value for key, value in run.manifest.items() if key != "files"} | {"levels": {}}
    list_run(ledger, seal(run.folder, manifest))
    assert found(ledger, runs) == [
        (f"r1/{OBSERVATIONS}", f"has 0 observations of event {event}, which carried 1") for event in (3, 4)
    ]


def test_a_run_sealed_before_manifests_kept_the_ending_is_judged_by_what_its_events_allow(
    ledger: Ledger, runs: Path
) -> None:
    for run_id, verdict in (("good", "partial"), ("bad", "complete")):
        run = seal_run(runs, run_id, events_of("web-1", unreachable=("db-1",)), verdict={**COMPLETE, "state": verdict})
        manifest = {key: value for key, value in run.manifest.items() if key not in ("files", "ending")}
        list_run(ledger, seal(run.folder, manifest))
    assert found(ledger, runs) == [(f"bad/{MANIFEST}", "says complete, where its events say partial at best")]


def test_a_file_that_the_manifest_does_not_name_is_found(ledger: Ledger, runs: Path) -> None:
    run = seal_run(runs, "r1")
    list_run(ledger, run)
    (run.folder / "notes.txt").write_text("x")
    (run.folder / ".manifest.json.1.tmp").write_text("x")
    assert found(ledger, runs) == [("r1/notes.txt", "its manifest does not name this file")]


def test_what_lies_loose_among_the_runs_is_found(ledger: Ledger, runs: Path) -> None:
    list_run(ledger, seal_run(runs, "r1"))
    (runs / "events.jsonl.gz").write_text("x")
    (runs / "gone").symlink_to(runs / "nowhere")
    (runs / ".DS_Store").write_text("x")
    problem = "lies among the runs, and no entry names it"
    assert found(ledger, runs) == [("events.jsonl.gz", problem), ("gone", problem)]


@pytest.mark.parametrize("name", [EVENTS, OBSERVATIONS])
def test_one_endless_line_does_not_fill_the_memory(
    ledger: Ledger, runs: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("runner.evidence.reading._LONGEST_LINE", 1 << 16)
    run = seal_run(runs, "r1", [event(1, "verbose", res={"msg": "x" * 50_000})])
    assert run.manifest["events"] == 1
    bomb = gzip.compress(b'{"event": "' + b"x" * (50 << 20))
    (run.folder / name).write_bytes(bomb)
    files = {**run.manifest["files"], name: {"sha256": digest(bomb), "bytes": len(bomb)}}
    manifest = {**run.manifest, "files": files}
    (run.folder / MANIFEST).write_bytes(canonical(manifest))
    list_run(ledger, SealedRun(run.folder, manifest))
    tracemalloc.start()
    told = found(ledger, runs)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == [(f"r1/{name}", "is damaged: holds a line of more than 0 MiB")]
    assert most < 8 << 20


def test_a_run_whose_host_is_called_as_a_secret_is_a_remark(ledger: Ledger, runs: Path) -> None:
    run = seal_run(runs, "r1", events_of("[redacted: db_password]"))
    list_run(ledger, run)
    verification = Verification(ledger, Folders(runs))
    assert list(verification.findings()) == []
    assert [(one.file, one.entry) for one in verification.remarks] == [(f"r1/{MANIFEST}", 2)]


def test_a_run_that_two_entries_list_is_found(ledger: Ledger, runs: Path) -> None:
    run = seal_run(runs, "r1")
    list_run(ledger, run)
    list_run(ledger, run)
    assert found(ledger, runs) == [("000/000003-run.json", "lists run r1, which 000002-run.json lists already")]


# -- archives ---------------------------------------------------------------------------------------------


def moved(ledger: Ledger, run: SealedRun, place: Path, sha256: str | None = None) -> None:
    """Note that a run was moved."""
    entry = next(one for one in ledger.newest_first() if one.kind == "run")
    named = {"run": run.run_id, "manifest_sha256": entry.body["manifest_sha256"]}
    ledger.append("archive", {"schema_version": 1, "runs": [named], "place": str(place), "sha256": sha256})


def test_verification_follows_a_run_to_its_archive_and_reads_it_there(
    ledger: Ledger, runs: Path, tmp_path: Path
) -> None:
    run = seal_run(runs, "r1")
    list_run(ledger, run)
    moved(ledger, run, tmp_path / "disk")
    assert found(ledger, runs) == []
    (tmp_path / "disk").mkdir()
    run.folder.rename(tmp_path / "disk" / "r1")
    assert found(ledger, runs) == []
    assert verified_run(ledger, runs, "r1").folder == tmp_path / "disk" / "r1"
    (tmp_path / "disk" / "r1" / EVENTS).unlink()
    assert found(ledger, runs) == [(f"r1/{EVENTS}", "missing, but named by its manifest")]
    (tmp_path / "disk").rename(tmp_path / "elsewhere")
    ((file, problem),) = found(ledger, runs)
    assert file == str(tmp_path / "disk")
    assert "is not there, but by 000003-archive.json 1 runs lie there, which cannot be verified: r1" in problem


def test_what_an_archive_says_must_be_what_the_runs_entries_say(ledger: Ledger, runs: Path, tmp_path: Path) -> None:
    list_run(ledger, seal_run(runs, "r1"))
    named = [{"run": "r1", "manifest_sha256": "0" * 64}, {"run": "r2", "manifest_sha256": "0" * 64}]
    ledger.append("archive", {"runs": named, "place": str(tmp_path), "sha256": None})
    assert found(ledger, runs) == [
        ("000/000003-archive.json", "names another manifest of run r1 than 000002-run.json"),
        ("000/000003-archive.json", "moves run r2, which no entry before it lists"),
    ]


def test_a_tar_is_no_place_for_surprises(ledger: Ledger, runs: Path, tmp_path: Path) -> None:
    run = seal_run(runs, "r1")
    list_run(ledger, run)
    place = tmp_path / "old.tar"
    place.write_bytes(b"no tar" * 200)
    moved(ledger, run, place)
    run.folder.rename(tmp_path / "gone")
    assert [(file, "cannot be read" in problem) for file, problem in found(ledger, runs)] == [(f"r1/{MANIFEST}", True)]
    with tarfile.open(place, "w") as tar:
        tar.add(tmp_path / "gone" / MANIFEST, "r1/manifest.json")
    assert [Path(file).name for file, _ in found(ledger, runs)] == [EVENTS, OBSERVATIONS]


def test_findings_say_which_entry_they_are_about() -> None:
    assert str(Finding("r1/manifest.json", "missing", 7)) == "r1/manifest.json: missing (entry 7)"
    assert str(Finding("000/000007-run.json", "is not JSON", 7)) == "000/000007-run.json: is not JSON"
    assert str(Finding("ledger", "is empty")) == "ledger: is empty"
