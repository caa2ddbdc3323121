from __future__ import annotations

import json
from typing import Any

import pytest

from runner.evidence.events import FORGED, Ending, EventStream, Reason
from runner.evidence.redaction import Redactor
from tests.unit.runner.evidence.sealed import GOOD, OBSERVATION, event


def run_of(*hosts: str, **stats: dict[str, int]) -> list[dict[str, Any]]:
    """The events of a run in which every host delivered one observation, with these stats."""
    events = [event(1, "playbook_on_start"), event(2, "playbook_on_task_start", task="Inspect")]
    for host in hosts:
        events.append(
            event(len(events) + 1, "runner_on_ok", host=host, res={"changed": False, "observations": [OBSERVATION]})
        )
    counts = {"ok": dict.fromkeys(hosts, 1), "processed": dict.fromkeys(hosts, 1), **stats}
    return [*events, event(len(events) + 1, "playbook_on_stats", **counts)]


def follow(
    events: list[dict[str, Any]], redactor: Redactor | None = None, *, replayed: bool = False
) -> tuple[EventStream, list[str], list[str]]:
    stream = EventStream(redactor or Redactor({}), replayed=replayed)
    lines, observations = [], []
    for one in events:
        line, found = stream.take(one)
        lines.append(line)
        observations += found
    return stream, lines, observations


def test_a_whole_run_is_complete_and_its_observations_move_out_of_the_events() -> None:
    stream, lines, observations = follow(run_of("web-1", "web-2"))
    assert stream.verdict(GOOD, observations_owed=True).state == "complete"
    assert [json.loads(line)["host"] for line in observations] == ["web-1", "web-2"]
    assert json.loads(lines[2])["event_data"]["res"]["observations"] == 1
    assert stream.levels == {"ok": 2}


def test_the_verdict_can_be_recomputed_from_the_sealed_events() -> None:
    _, lines, _ = follow(run_of("web-1"))
    again, _, _ = follow([json.loads(line) for line in lines], replayed=True)
    assert again.verdict(GOOD, observations_owed=True).state == "complete"


@pytest.mark.parametrize("cut", range(6))
def test_a_stream_cut_anywhere_is_incomplete(cut: int) -> None:
    events = run_of("web-1", "web-2")[:cut] if cut < 5 else run_of("web-1", "web-2")[1:]
    stream, _, _ = follow(events)
    verdict = stream.verdict(GOOD, observations_owed=True)
    assert verdict.state == "incomplete"
    assert {reason.code for reason in verdict.reasons} & {"no_stats", "event_gap"}


@pytest.mark.parametrize("lost", range(1, 4))
def test_a_missing_event_is_a_gap(lost: int) -> None:
    events = run_of("web-1", "web-2")
    del events[lost]
    verdict = follow(events)[0].verdict(GOOD, observations_owed=True)
    assert Reason("event_gap", {"missing": 1}) in verdict.reasons


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending(None, "successful"), "no_return_code"),
        (Ending(0, None), "no_final_status"),
        (Ending(0, "canceled"), "no_final_status"),
        (Ending(254, "timeout", Reason("timed_out", {"seconds": 1})), "timed_out"),
    ],
)
def test_an_ending_that_is_not_final_is_incomplete(ending: Ending, code: str) -> None:
    verdict = follow(run_of("web-1"))[0].verdict(ending, observations_owed=True)
    assert verdict.state == "incomplete"
    assert code in [reason.code for reason in verdict.reasons]


def test_garbled_events_make_a_run_incomplete() -> None:
    stream, _, _ = follow(
        [*run_of("web-1"), {"counter": "x"}, {"event": "runner_on_ok", "counter": 5, "event_data": None}]
    )
    verdict = stream.verdict(GOOD, observations_owed=True)
    assert Reason("garbled_events", {"count": 2}) in verdict.reasons


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"changed": False, "observations": "much"}, "invalid_observations"),
        ({"changed": False, "observations": 3}, "invalid_observations"),
        ({"changed": False, "observations": True}, "invalid_observations"),
        ({"changed": False, "observations": [{**OBSERVATION, "limits": {"warning": "24"}}]}, "invalid_observations"),
        ({"changed": False, "observations": [{"check": "x"}]}, "invalid_observations"),
        ({"changed": False, "observations": [{**OBSERVATION, "level": "splendid"}]}, "invalid_observations"),
        ({"changed": False, "observations": [{**OBSERVATION, "level": "unknown"}]}, "invalid_observations"),
        ({}, "result_lost"),
        ({"changed": False}, "no_observations"),
    ],
)
def test_a_host_whose_module_returns_garbage_is_missed_and_named(result: dict[str, Any], code: str) -> None:
    events = run_of("web-1", "web-2")
    events[2]["event_data"]["res"] = result
    verdict = follow(events)[0].verdict(GOOD, observations_owed=True)
    assert (verdict.state, verdict.missed) == ("partial", ("web-1",))
    assert verdict.reasons == (Reason(code, {"hosts": ["web-1"]}),)


def test_some_hosts_missed_is_partial_all_missed_is_failed() -> None:
    events = run_of("web-1", "web-2", dark={"web-2": 1})
    verdict = follow(events)[0].verdict(Ending(4, "failed"), observations_owed=True)
    assert (verdict.state, verdict.missed) == ("partial", ("web-2",))
    verdict = follow(run_of("web-1", failures={"web-1": 1}))[0].verdict(Ending(2, "failed"), observations_owed=True)
    assert verdict.state == "failed"


def test_a_host_that_never_shows_up_is_missed_not_forgotten() -> None:
    stream, _, _ = follow(run_of("web-1"))
    stream.expect(["web-1", "web-2"])
    verdict = stream.verdict(GOOD, observations_owed=True)
    assert (verdict.state, verdict.missed) == ("partial", ("web-2",))
    assert verdict.reasons == (Reason("hosts_not_finished", {"hosts": ["web-2"]}),)


def test_an_event_that_ansible_did_not_write_makes_the_run_incomplete() -> None:
    forged = {"counter": 5, "event": FORGED, "event_data": {}}
    verdict = follow([*run_of("web-1"), forged])[0].verdict(GOOD, observations_owed=True)
    assert verdict.state == "incomplete"
    assert Reason("forged_events", {"count": 1}) in verdict.reasons


def test_processes_that_could_not_be_ended_are_told() -> None:
    verdict = follow(run_of("web-1"))[0].verdict(Ending(0, "successful", left=(7,)), observations_owed=True)
    assert verdict.reasons == (Reason("processes_left", {"pids": [7]}),)


def test_a_host_s_words_cannot_steer_the_terminal_nor_flood_the_manifest() -> None:
    failed = event(1, "runner_on_failed", host="a", res={"msg": "\x1b[2Jcleared\r" + "x" * 100_000})
    message = follow([failed])[0].hosts["a"].message
    assert message is not None
    assert "\x1b" not in message
    assert len(message) <= 500


def test_a_run_that_reached_nobody_fulfils_nothing() -> None:
    verdict = follow(run_of())[0].verdict(GOOD, observations_owed=True)
    assert (verdict.state, verdict.reasons[0].code) == ("failed", "no_hosts")


def test_a_censored_result_leaves_neither_its_output_nor_its_message() -> None:
    failed = event(3, "runner_on_failed", host="web-1", res={"censored": "hidden", "changed": True})
    failed["stdout"] = "fatal: canary"
    stream, lines, _ = follow([event(1, "playbook_on_start"), event(2, "playbook_on_task_start", task="t"), failed])
    assert "canary" not in "".join(lines)
    assert stream.hosts["web-1"].message == "(hidden by no_log)"


def test_secrets_are_replaced_in_events_observations_messages_and_task_names() -> None:
    redactor = Redactor({"token": "s3cr3t-token"})
    events = [
        event(1, "playbook_on_task_start", task="use s3cr3t-token"),
        event(2, "runner_on_ok", host="a", res={"observations": [{**OBSERVATION, "detail": {"k": "s3cr3t-token"}}]}),
        event(3, "runner_on_failed", host="a", res={"msg": "bad s3cr3t-token"}),
    ]
    stream, lines, observations = follow(events, redactor)
    everything = "".join([*lines, *observations, stream.task, stream.hosts["a"].message or ""])
    assert "s3cr3t" not in everything
    assert everything.count("[redacted: token]") == 5


@pytest.mark.parametrize(
    ("result", "outcome", "code"),
    [
        ({"msg": "Task failed: Missing sudo password"}, "refused", "hosts_refused"),
        ({"msg": "MODULE FAILURE", "module_stderr": "sudo: a password is required\n"}, "refused", "hosts_refused"),
        (
            {"msg": "x", "module_stderr": "Sorry, user a is not allowed to execute '/bin/sh' as root on db."},
            "refused",
            "hosts_refused",
        ),
        ({"msg": "the backup's archive says: a password is required"}, "failed", "hosts_failed"),
        ({"msg": "user his is not allowed to execute PROCEDURE x"}, "failed", "hosts_failed"),
        ({"msg": "Missing database password for account his"}, "failed", "hosts_failed"),
        ({"msg": "Timed out after 5 second(s).", "timedout": {"period": 5}}, "timed_out", "hosts_timed_out"),
        ({"msg": "MODULE FAILURE: see stdout/stderr"}, "failed", "hosts_failed"),
    ],
)
def test_a_failure_is_told_by_its_cause(result: dict[str, Any], outcome: str, code: str) -> None:
    events = run_of("web")
    events[-1:] = [
        event(4, "runner_on_failed", host="db", res=result),
        event(5, "playbook_on_stats", ok={"web": 1}, failures={"db": 1}, processed={"web": 1, "db": 1}),
    ]
    stream, _, _ = follow(events)
    verdict = stream.verdict(Ending(return_code=2, status="failed"), observations_owed=True)
    assert verdict.state == "partial"
    assert verdict.reasons == (Reason(code, {"hosts": ["db"]}),)
    assert stream.outcomes(True)["db"]["outcome"] == outcome


def test_a_host_s_cause_is_that_of_its_last_failure() -> None:
    events = run_of("web")
    events[-1:] = [
        event(4, "runner_on_failed", host="db", res={"msg": "Timed out after 5 second(s).", "timedout": {"period": 5}}),
        event(5, "runner_on_failed", host="db", res={"msg": "no space left on device"}),
        event(6, "playbook_on_stats", ok={"web": 1}, failures={"db": 1}, processed={"web": 1, "db": 1}),
    ]
    stream, _, _ = follow(events)
    assert stream.outcomes(True)["db"]["outcome"] == "failed"
