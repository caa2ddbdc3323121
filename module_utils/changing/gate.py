"""What the gate decides between batches, and before one begins. Pure: records in, a decision out.

Hosts judge themselves by these rules, and the controller decides for the batch; neither reads a clock in here.
"""

from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..observations import rank

#: What a host is after its batch, against the state before it.
UNCHANGED, WORSE, UNMEASURED = "unchanged", "worse", "unmeasured"

#: What the gate decides after a batch, or instead of one.
PASSED, PAUSED, FAILED, CLOSED = "passed", "paused", "failed", "window closed"

#: The level that the decision has in records.
LEVELS = {PASSED: "ok", PAUSED: "unknown", FAILED: "critical", CLOSED: "notice"}

#: What the changing role did on a host: its work, nothing as nothing was due, nothing although it was due, a part.
DONE, IDLE, LEFT, TROUBLED = "done", "idle", "left", "troubled"

#: The reasons of what is not judged by itself: another probe's failure keeps it from being measured, and that one is
#: judged; or systemd cannot tell, for the unit is of an init script.
SHADOWS = ("no_answer", "init_script")

#: The checks that tell that something answers; how long that took does not tell whether it was well.
ANSWERS = ("unit.active", "tcp.reachable", "http.answer", "http.text", "dns.answer")

#: Seconds that the hold on a host lasts at the least between two calls of a run.
SHORTEST_HOLD = 10

Observations = Sequence[Mapping[str, Any]]

Judgement = NamedTuple("Judgement", [("word", str), ("worse", List[str]), ("unmeasured", List[str])])

Decision = NamedTuple(
    "Decision",
    [("word", str), ("done", List[str]), ("worse", List[str]), ("unmeasured", List[str]), ("lost", List[str])],
)

#: ``seconds`` are the estimate; ``host_seconds`` those that each host has, with its way back, None without a window.
Opening = NamedTuple(
    "Opening", [("proceed", bool), ("seconds", int), ("lease_seconds", int), ("host_seconds", Optional[int])]
)


def judge(before: Observations, after: Observations, outcome: str = DONE) -> Judgement:
    """Return how a host is after a change, from its probes before and after; ``outcome`` is what its module did.

    Worse is what is critical now and was not, and a change that its own module calls troubled. What was not measured,
    before or after, is never fine; neither is a host that was changed and of which no probe is well, nor one that was
    left although it was due.
    """
    former = {_key(one): one for one in before}
    latter = {_key(one): one for one in after}
    worse = [
        _name(key)
        for key, one in latter.items()
        if one["level"] == "critical" and (key not in former or rank(former[key]["level"]) < rank("critical"))
    ]
    both = {**former, **latter}
    once = [key for key in set(former) ^ set(latter) if not _is_shadow(both[key])]
    open_ones = [key for each in (former, latter) for key, one in each.items() if is_open(one)]
    unmeasured = sorted({_name(key) for key in once + open_ones})
    if worse or outcome == TROUBLED:
        return Judgement(WORSE, sorted(worse), unmeasured)
    if unmeasured or outcome == LEFT or (outcome != IDLE and not _any_well(after)):
        return Judgement(UNMEASURED, [], unmeasured or sorted(map(_name, latter)))
    return Judgement(UNCHANGED, [], [])


def unjudgeable(before: Observations) -> str:
    """Return why a host cannot be judged after a change, in code words; empty where it can.

    It can where all of its probes were measured, and one at least is well.
    """
    open_ones = sorted(_name(_key(one)) for one in before if is_open(one))
    if open_ones:
        return "unmeasured: %s" % ", ".join(open_ones)
    return "" if _any_well(before) else "no probe is well"


def _any_well(found: Observations) -> bool:
    return any(one["check"] in ANSWERS and one["level"] not in ("critical", "unknown") for one in found)


def is_open(observation: Mapping[str, Any]) -> bool:
    """Return whether a probe was not measured, and should have been."""
    return bool(observation["level"] == "unknown") and not _is_shadow(observation)


def _is_shadow(observation: Mapping[str, Any]) -> bool:
    return (observation.get("reason") or {}).get("code") in SHADOWS


def _key(observation: Mapping[str, Any]) -> Tuple[str, str]:
    return observation["check"], observation["subject"]


def _name(key: Tuple[str, str]) -> str:
    return " ".join(part for part in key if part)


def decide(begun: Iterable[str], judged: Mapping[str, Optional[str]]) -> Decision:
    """Return what becomes of a batch: ``begun`` are its hosts, ``judged`` the words of those that answered.

    A host that gave no answer is lost, which is a failure; one that could not measure pauses the change.
    """
    sorted_out: Dict[Optional[str], List[str]] = {}
    for host in begun:
        sorted_out.setdefault(judged.get(host), []).append(host)
    done, worse, unmeasured = (sorted_out.pop(word, []) for word in (UNCHANGED, WORSE, UNMEASURED))
    lost = [host for hosts in sorted_out.values() for host in hosts]
    word = FAILED if worse or lost else PAUSED if unmeasured or not done else PASSED
    return Decision(word, done, worse, unmeasured, lost)


def estimate(past: Iterable[Tuple[float, int]], planned: Optional[float], hosts: int, forks: int) -> float:
    """Return the seconds that a batch of so many hosts takes.

    ``past`` are (seconds, hosts that were worked on) of the batches so far. Hosts beyond the number of ``forks`` wait
    for a place, so that a batch comes in waves. The longest wave counts, or the plan's ``planned`` seconds where these
    are more; of a batch in which nothing was done nothing is learnt.
    """
    longest = max([seconds / waves(count, forks) for seconds, count in past if count] or [0.0])
    return max(longest, float(planned or 0)) * waves(hosts, forks)


def waves(hosts: int, forks: int) -> int:
    """Return in how many goes a batch is done."""
    return max(1, -(-hosts // max(1, forks)))


def opening(left: Optional[float], reserve: float, seconds: float, goes: int = 1) -> Opening:
    """Return whether a batch may begin: ``left`` are the seconds until the window ends, None without an end.

    It must be done, and could be rolled back within ``reserve`` seconds, before the window ends. ``goes`` are its
    waves: hosts of the last one begin late. Hosts are held until the window ends, since one waits for the slowest.
    """
    lease = max(float(SHORTEST_HOLD), seconds + reserve, left or 0.0)
    if left is None:
        return Opening(True, round(seconds), round(lease), None)
    share = int(left - seconds * (goes - 1) / goes)
    return Opening(left > 0 and seconds + reserve <= left, round(seconds), round(lease), share)
