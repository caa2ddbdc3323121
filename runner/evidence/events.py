"""What a stream of Ansible's events says: which hosts were reached, and whether the stream is whole.

Pure: events in, records and a verdict out. Nothing here knows how the events were produced. An event is
the mapping that ansible-runner hands over: ``counter``, ``event``, ``created``, ``event_data`` with
``host``, ``task`` and ``res``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from module_utils.observations import problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.evidence.redaction import Redactor

#: Completes a host's observations: (host, observations) to observations.
Completion = Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]]

#: The statuses with which a run can end by itself.
FINAL_STATUSES = frozenset({"successful", "failed"})

#: The kind of an event that Ansible did not write: a host printed what looks like one.
FORGED = "forged"

#: How much of a failure's message the manifest keeps of each host.
MESSAGE_LENGTH = 500

#: What gives a record its form and never holds a secret: a password such as "critical" must not break it.
EVENT_FIELDS = frozenset({"counter", "created", "event", "parent_uuid", "pid", "runner_ident", "uuid"})
OBSERVATION_FIELDS = frozenset({"check", "event", "level", "schema_version", "time", "unit"})

#: What sudo or su says, or Ansible in its stead, when it does not let the login become another user: whole sentences
#: of theirs, because what a module reports may hold the words.
_REFUSED = re.compile(
    r"(^|: )(Missing|Incorrect) (\S+\.)?(sudo|su|doas|dzdo|ksu|pbrun|pfexec|runas|become) password$"
    r"|(^|: )(sudo|su|doas): (.*(a password|a terminal) is required|.*must have a tty|Authentication failure)"
    r"|\S+ is not in the sudoers file|Sorry, user \S+ (is not allowed to execute|may not run sudo)",
    re.MULTILINE,
)

_RESULTS = frozenset({"runner_on_ok", "runner_on_failed", "runner_item_on_ok", "runner_item_on_failed"})
_FAILURES = frozenset({"runner_on_failed", "runner_on_unreachable"})
_COUNTS = (
    ("ok", "ok"),
    ("changed", "changed"),
    ("failures", "failed"),
    ("dark", "unreachable"),
    ("skipped", "skipped"),
)


@dataclass(frozen=True)
class Reason:
    """Why a verdict is not better: a code that the catalogue words, and its parameters."""

    code: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the manifest keeps."""
        return {"code": self.code, "parameters": self.parameters}


@dataclass(frozen=True)
class Verdict:
    """What a run is worth as evidence: ``complete``, ``partial``, ``failed`` or ``incomplete``."""

    state: str
    reasons: tuple[Reason, ...] = ()
    missed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the manifest keeps."""
        return {
            "state": self.state,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "missed": list(self.missed),
        }


@dataclass(frozen=True)
class Ending:
    """How the execution ended: the return code and final status where there are any, else why it was ended."""

    return_code: int | None = None
    status: str | None = None
    stopped: Reason | None = None
    left: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the form that the manifest keeps: with the events, all that the verdict rests on."""
        return {
            "return_code": self.return_code,
            "status": self.status,
            "stopped": self.stopped.as_dict() if self.stopped else None,
            "left": list(self.left),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Ending:
        """Return what a manifest keeps; raises KeyError or TypeError where that is no ending."""
        stopped = kept["stopped"]
        reason = None if stopped is None else Reason(stopped["code"], stopped["parameters"])
        return cls(kept["return_code"], kept["status"], reason, tuple(kept["left"]))


@dataclass
class HostTally:
    """What is known of one host so far."""

    observations: int = 0
    message: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    invalid: str | None = None
    lost: bool = False
    cause: str = "failed"

    def outcome(self, observations_owed: bool) -> str:
        """Return ``ok``, ``not_finished``, ``unreachable``, ``no_observations``, or why it failed.

        A failure is ``refused`` where sudo did not let the login become another user, ``timed_out`` where a step
        took longer than a host is given, else ``failed``.
        """
        if not self.counts:
            return "not_finished"
        if self.counts.get("unreachable"):
            return "unreachable"
        if self.counts.get("failed"):
            return self.cause
        if self.invalid or self.lost or (observations_owed and not self.observations):
            return "no_observations"
        return "ok"


def _first_problem(claimed: Any) -> str | None:
    """Return how what a module claims to be its observations is none; None if it holds."""
    if not isinstance(claimed, list):
        return "observations is not a list"
    return next(
        (f"observation {place}: {found[0]}" for place, one in enumerate(claimed) if (found := problems(one))), None
    )


class EventStream:
    """Turns events into records, one after another, keeping counts only: its memory doesn't grow with the run."""

    def __init__(self, redactor: Redactor, complete: Completion | None = None, *, replayed: bool = False) -> None:
        """Take what redacts, and what adds to a host's observations that only the controller can know.

        ``replayed`` events come from a sealed run: their observations have moved out and are but counted.
        """
        self.hosts: dict[str, HostTally] = {}
        self.levels: dict[str, int] = {}
        self.count = 0
        self.missing = 0
        self.garbled = 0
        self.forged = 0
        self.finished = False
        self.task = ""
        self.error: str | None = None
        self._redactor = redactor
        self._complete = complete or (lambda _host, observations: observations)
        self._replayed = replayed
        self._last_counter = 0

    def expect(self, hosts: Iterable[str]) -> None:
        """Note the hosts that the run is meant for: one that never shows up is missed, not forgotten."""
        for host in hosts:
            self.hosts.setdefault(host, HostTally())

    def take(self, event: Mapping[str, Any]) -> tuple[str, list[str]]:
        """Return an event's redacted line, and a line for each observation that it carried.

        Observations move out of the event, which keeps their number. What a module claims to be an
        observation and is not, is counted against its host and kept in the event as it came.
        """
        record, observations = self.follow(event)
        return self._redactor.line(record, EVENT_FIELDS), observations

    def follow(self, event: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Count an event as take() does, and return what its line is to hold: all that a verdict needs."""
        record = {key: value for key, value in event.items() if key not in ("stdout", "start_line", "end_line")}
        data = record.get("event_data")
        data = data if isinstance(data, dict) else {}
        self._count(record)
        kind = record.get("event")
        host = data.get("host")
        observations: list[str] = []
        if isinstance(host, str):
            tally = self.hosts.setdefault(host, HostTally())
            if kind in _RESULTS:
                record, observations = self._observations(record, tally, host)
        elif kind == "playbook_on_stats":
            self._finish(data)
        if "stdout" in event and not isinstance(data.get("res"), dict):
            record["stdout"] = event["stdout"]
        if kind in ("error", "verbose") and str(event.get("stdout", "")).startswith(("[ERROR]", "ERROR!")):
            self.error = self.error or self._shown(str(event["stdout"]))
        if kind in _FAILURES and isinstance(host, str) and not data.get("ignore_errors"):
            self._failure(self.hosts[host], data.get("res"))
        return record, observations

    def _count(self, record: Mapping[str, Any]) -> None:
        """Count the event, note gaps in the counters, and remember the task that runs."""
        self.count += 1
        counter = record.get("counter")
        if not isinstance(counter, int) or not isinstance(record.get("event"), str):
            self.garbled += 1
            return
        self.missing += max(0, counter - self._last_counter - 1)
        self._last_counter = max(counter, self._last_counter)
        if record["event"] == FORGED:
            self.forged += 1
        elif record["event"] == "playbook_on_task_start":
            self.task = self._shown(str((record.get("event_data") or {}).get("task", "")))
        elif record["event"] not in ("verbose", "EOF") and not isinstance(record.get("event_data"), dict):
            self.garbled += 1

    def _observations(self, record: dict[str, Any], tally: HostTally, host: str) -> tuple[dict[str, Any], list[str]]:
        data = record["event_data"]
        result = data.get("res")
        if result == {} or not isinstance(result, dict):
            # ansible-runner empties a result above its limit: what was measured there is lost.
            tally.lost = True
            return record, []
        claimed = result.get("observations")
        if claimed is None or "results" in result:
            return record, []
        if self._replayed and isinstance(claimed, int):
            tally.observations += claimed
            return record, []
        wrong = _first_problem(claimed)
        if wrong:
            tally.invalid = self._shown(wrong)
            if isinstance(claimed, int):
                # A bare number is what the events of a sealed run have where observations have moved out.
                return {**record, "event_data": {**data, "res": {**result, "observations": [claimed]}}}, []
            return record, []
        tally.observations += len(claimed)
        source = {"host": host, "event": record.get("counter"), "time": record.get("created")}
        lines = [self._observation_line(one, source) for one in self._complete(host, claimed)]
        kept = {**result, "observations": len(claimed)}
        return {**record, "event_data": {**data, "res": kept}}, lines

    def _observation_line(self, observation: Mapping[str, Any], source: Mapping[str, Any]) -> str:
        level = observation["level"]
        self.levels[level] = self.levels.get(level, 0) + 1
        return self._redactor.line({"schema_version": 1, **source, **observation}, OBSERVATION_FIELDS)

    def _failure(self, tally: HostTally, result: Any) -> None:
        tally.message = self._message(result)
        if isinstance(result, dict) and result.get("timedout"):
            tally.cause = "timed_out"
        else:
            tally.cause = "refused" if _REFUSED.search(tally.message) else "failed"

    def _message(self, result: Any) -> str:
        if not isinstance(result, dict) or "censored" in result:
            return "(hidden by no_log)"
        parts = (str(result.get(key) or "").strip() for key in ("msg", "module_stderr", "stderr"))
        return self._shown(": ".join(part for part in parts if part) or "failed")

    def _shown(self, text: str) -> str:
        """Return a host's words fit for manifest and terminal: redacted, short, without control characters."""
        redacted = self._redactor.text(text[: 20 * MESSAGE_LENGTH])[:MESSAGE_LENGTH]
        return "".join(one if one.isprintable() or one == "\n" else " " for one in redacted)

    def _finish(self, data: Mapping[str, Any]) -> None:
        self.finished = True
        for name, ours in _COUNTS:
            for host, count in (data.get(name) or {}).items():
                self.hosts.setdefault(host, HostTally()).counts[ours] = count
        for host in data.get("processed") or {}:
            self.hosts.setdefault(host, HostTally()).counts.setdefault("ok", 0)

    def outcomes(self, observations_owed: bool) -> dict[str, dict[str, Any]]:
        """Return each host's outcome, counts and message, as the manifest keeps them."""
        return {
            host: {
                "outcome": tally.outcome(observations_owed),
                **{name: tally.counts.get(name, 0) for _, name in _COUNTS},
                "observations": tally.observations,
                "message": tally.message or tally.invalid,
            }
            for host, tally in sorted(self.hosts.items())
        }

    def verdict(self, ending: Ending, observations_owed: bool) -> Verdict:
        """Return what the run is worth, by the completeness rule and each host's outcome."""
        missed = {host: tally.outcome(observations_owed) for host, tally in sorted(self.hosts.items())}
        missed = {host: outcome for host, outcome in missed.items() if outcome != "ok"}
        broken = tuple(self._breaks(ending))
        reasons = broken + tuple(self._host_reasons(missed))
        if broken:
            return Verdict("incomplete", reasons, tuple(missed))
        if not self.hosts:
            return Verdict("failed", (*reasons, Reason("no_hosts")))
        if len(missed) == len(self.hosts):
            return Verdict("failed", reasons, tuple(missed))
        if missed:
            return Verdict("partial", reasons, tuple(missed))
        if ending.return_code != 0:
            return Verdict("failed", (Reason("playbook_failed", {"message": self.error or ""}),))
        return Verdict("complete")

    def _breaks(self, ending: Ending) -> Iterator[Reason]:
        """Yield each way in which the stream breaks the completeness rule."""
        if ending.stopped:
            yield ending.stopped
        if not isinstance(ending.return_code, int) or isinstance(ending.return_code, bool):
            yield Reason("no_return_code")
        if ending.status not in FINAL_STATUSES:
            yield Reason("no_final_status")
        if not self.finished:
            yield Reason("no_stats", {"message": self.error} if self.error else {})
        if self.missing:
            yield Reason("event_gap", {"missing": self.missing})
        if self.garbled:
            yield Reason("garbled_events", {"count": self.garbled})
        if self.forged:
            yield Reason("forged_events", {"count": self.forged})
        if ending.left:
            yield Reason("processes_left", {"pids": list(ending.left)})

    def _host_reasons(self, missed: Mapping[str, str]) -> Iterator[Reason]:
        codes = (
            ("failed", "hosts_failed"),
            ("refused", "hosts_refused"),
            ("timed_out", "hosts_timed_out"),
            ("unreachable", "hosts_unreachable"),
            ("not_finished", "hosts_not_finished"),
        )
        for outcome, code in codes:
            hosts = [host for host, found in missed.items() if found == outcome]
            if hosts:
                yield Reason(code, {"hosts": hosts})
        silent = [host for host, found in missed.items() if found == "no_observations"]
        groups = {
            "invalid_observations": [host for host in silent if self.hosts[host].invalid],
            "result_lost": [host for host in silent if self.hosts[host].lost and not self.hosts[host].invalid],
        }
        groups["no_observations"] = [host for host in silent if all(host not in named for named in groups.values())]
        yield from (Reason(code, {"hosts": hosts}) for code, hosts in groups.items() if hosts)
