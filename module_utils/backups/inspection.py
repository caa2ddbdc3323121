"""Looks at every declared set at once, and words how its backups stand as observations."""

import os
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from ..host.journal import iso
from ..masking import mask
from ..measuring.asking import ask
from ..measuring.observer import Observer, capped
from ..observations import Observation, Thresholds
from .checksums import verify
from .judging import FEWEST_EARLIER, MOST_EARLIER, Standing, median_size, stand
from .looking import Backup, Seen, look
from .sets import BackupSet
from .thresholds import AGE, GROWN, UNITS

#: What a checksum's state is worth. Bytes that nobody compared are not fine, but no exception either.
LEVELS_OF_CHECKSUMS = {
    "verified": "ok",
    "unverified": "notice",
    "missing": "warning",
    "incomplete": "warning",
    "mismatch": "critical",
}

_FIGURES = ("backup.age", "backup.size", "backup.size_change")


class Limits(NamedTuple):
    """Seconds to wait for all folders, and again for all checksums; bytes of one backup to hold against them."""

    timeout: float
    hash_bytes: int


def inspect(sets: Sequence[BackupSet], thresholds: Thresholds, limits: Limits) -> Iterator[Observation]:
    """Yield how each set's backups stand: present, age, size, against the earlier ones, count, checksum."""
    observer = Observer(UNITS, thresholds)
    questions = [str(index) for index in range(len(sets))]
    answers = ask(lambda question: look(sets[int(question)]), questions, limits.timeout)
    end = time.monotonic() + limits.timeout
    for index, one in enumerate(sets):
        answer = answers.get(str(index)) or _overdue(one.path, limits.timeout)
        if "unmeasurable" in answer:
            yield from _all_unknown(observer, one, ["backup.present"] + _others(one), answer["unmeasurable"])
        elif "problem" in answer:
            yield from _absent(observer, one, {"problem": answer["problem"]})
        else:
            yield from _judged(observer, one, _seen(answer["seen"]), limits, end)


def _overdue(path: str, seconds: float) -> Dict[str, Any]:
    return {"unmeasurable": ["timed_out", {"path": path, "seconds": seconds}]}


def _seen(fields: Sequence[Any]) -> Seen:
    """Return what came back as JSON as what it was."""
    backups, unfinished = ([Backup(*each) for each in several] for several in fields[:2])
    return Seen(backups, unfinished, *fields[2:])


def _others(one: BackupSet) -> List[str]:
    """Return the checks of a set that need a backup."""
    return list(_FIGURES) + ["backup.count"] * bool(one.keep) + ["backup.checksum"] * (one.checksum != "none")


def _all_unknown(
    observer: Observer, one: BackupSet, checks: Sequence[str], why: Sequence[Any]
) -> Iterator[Observation]:
    for check in checks:
        yield observer.unknown(check, why[0], subject=one.name, **why[1])


def _absent(observer: Observer, one: BackupSet, detail: Dict[str, Any]) -> Iterator[Observation]:
    detail.update({"folder": one.path, "pattern": one.pattern})
    yield observer.observe("backup.present", 0, detail, one.name)
    for check in _others(one):
        yield observer.unknown(check, "no_backup", subject=one.name)


def _judged(observer: Observer, one: BackupSet, seen: Seen, limits: Limits, end: float) -> Iterator[Observation]:
    now = time.time()
    standing = stand(seen, now, one.settle_minutes * 60)
    beside = _beside(standing)
    if not seen.backups and not standing.writing:
        problem = "only unfinished ones" if standing.abandoned else "no backup found"
        yield from _absent(observer, one, dict(beside, problem=problem))
        return
    if standing.newest is None and standing.future is None and standing.writing:
        why = ["being_written", {"path": os.path.join(one.path, standing.writing[0].name)}]
        yield from _all_unknown(observer, one, ["backup.present"] + _others(one), why)
        return
    detail = dict(beside, folder=one.path, total=seen.total)
    yield observer.observe("backup.present", 1, detail, one.name)
    if standing.newest is None:
        why = _ahead(one, standing)
        yield from _all_unknown(observer, one, _FIGURES, why)
    else:
        yield from _figures(observer, one, standing, standing.newest, now)
    if one.keep:
        yield _count(observer, one, seen)
    if one.checksum != "none":
        if standing.newest is None:
            yield from _all_unknown(observer, one, ["backup.checksum"], why)
        else:
            yield _checksum(observer, one, standing.newest, limits, end)


def _ahead(one: BackupSet, standing: Standing) -> List[Any]:
    if standing.future is None:
        return ["no_backup", {}]
    path = os.path.join(one.path, standing.future.name)
    return ["time_in_future", {"path": path, "time": iso(standing.future.changed)}]


def _beside(standing: Standing) -> Dict[str, Any]:
    """Return what lies beside the finished backups, for the evidence."""
    detail: Dict[str, Any] = {}
    if standing.writing:
        detail["being_written"] = mask(standing.writing[0].name)
    if standing.abandoned:
        detail.update(capped("unfinished", [mask(backup.name) for backup in standing.abandoned]))
    return detail


def _figures(
    observer: Observer, one: BackupSet, standing: Standing, newest: Backup, now: float
) -> Iterator[Observation]:
    name = mask(newest.name)
    age = max(now - newest.changed, 0.0) / 3600
    limits = {level: one.every_hours * factor for level, factor in AGE.items()}
    detail = {"newest": name, "time": iso(newest.changed), "every_hours": one.every_hours}
    if standing.writing:
        detail["being_written"] = mask(standing.writing[0].name)
    yield observer.observe("backup.age", age, detail, one.name, limits=limits)
    files = {"files": newest.files} if one.kind == "directory" else {}
    yield observer.observe("backup.size", newest.size, dict(files, newest=name), one.name)
    yield _size_change(observer, one, standing.earlier, newest)


def _size_change(observer: Observer, one: BackupSet, earlier: Sequence[Backup], newest: Backup) -> Observation:
    check, median = "backup.size_change", median_size(earlier)
    detail = {"newest": mask(newest.name), "size_bytes": newest.size}
    compared = len([backup for backup in earlier if not backup.is_empty][:MOST_EARLIER])
    if median is not None:
        detail.update({"median_bytes": int(median), "compared": compared})
    elif not newest.is_empty:
        return observer.unknown(check, "too_few_backups", detail, one.name, count=compared, wanted=FEWEST_EARLIER)
    share = 100.0 * newest.size / median if median else 0.0  # an empty backup needs nothing to compare with
    observation = observer.observe(check, share, detail, one.name)
    if share >= GROWN and observation.level == "ok" and "notice" not in observation.limits:
        return observation._replace(level="notice", limits={"notice": GROWN})
    return observation


def _count(observer: Observer, one: BackupSet, seen: Seen) -> Observation:
    """Return how many backups are kept; empty ones are none."""
    detail: Dict[str, Any] = {"keep": one.keep, "oldest": iso(seen.oldest)}
    if seen.empty:
        detail["empty"] = seen.empty
    limits = {"warning": one.keep, "below": True}
    return observer.observe("backup.count", seen.total - seen.empty, detail, one.name, limits=limits)


def _checksum(observer: Observer, one: BackupSet, newest: Backup, limits: Limits, end: float) -> Observation:
    """Return whether the newest backup's bytes are those of its checksum; one set after the other, disks are slow."""
    left = max(end - time.monotonic(), 0.1)
    answers = ask(lambda name: verify(one, name, limits.hash_bytes), [newest.name], left)
    answer = answers.get(newest.name) or _overdue(os.path.join(one.path, newest.name), limits.timeout)
    if "unmeasurable" in answer:
        code, parameters = answer["unmeasurable"]
        return observer.unknown("backup.checksum", code, subject=one.name, **parameters)
    detail = {key: mask(value) if isinstance(value, str) else value for key, value in answer["detail"].items()}
    detail["newest"] = mask(newest.name)
    observation = observer.observe("backup.checksum", answer["state"], detail, one.name)
    return observation._replace(level=LEVELS_OF_CHECKSUMS[answer["state"]])
