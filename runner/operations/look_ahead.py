"""Use case: what the schedule has before it, remembered until the ledger, the contract or the hour changes it.

Looking at a contract against a long ledger takes a second or two; a timer asks every few minutes, and mostly nothing
has changed since. What was found lies in the cache folder: whoever deletes it loses nothing but that time.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from runner.contract.load import load_calendar, load_contract
from runner.contract.working_time import WorkingTime
from runner.errors import MachineError
from runner.evidence.canonical import canonical, digest, replace
from runner.evidence.ledger import Ledger
from runner.operations.facts import facts_of
from runner.operations.schedule import Scheduler, Turn
from runner.procedures import load_procedures
from runner.site import PROJECT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from runner.contract.facts import Fact
    from runner.contract.model import Contract
    from runner.contract.working_time import OwnCalendar
    from runner.evidence.ledger import Entry
    from runner.site import Site

NAME = "schedule.json"

#: Raised whenever the rules of the schedule change, or what is kept of it.
VERSION = 2

#: The longest for which what was found is believed.
_LONGEST = timedelta(days=1)

#: A clock that is behind the ledger by more than this has been set back, or was wrong before.
_BEHIND = timedelta(minutes=5)

#: What was done counts, even if the clock under which it was written was wrong.
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Look:
    """The next run of each procedure; ``behind`` is the time of the newest entry, where the clock is before it.

    ``newest`` is the newest run of each procedure in the ledger.
    """

    turns: tuple[Turn, ...]
    behind: datetime | None = None
    timezone: str | None = None
    newest: Mapping[str, str] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo | None:
        """Return the time zone of the contract; None stands for the controller's own."""
        return ZoneInfo(self.timezone) if self.timezone else None


def look_ahead(site: Site, now: datetime) -> Look:
    """Return what the schedule has before it at a moment.

    Every entry counts, one from the future too. Raises BadInput where contract or calendar are not in order,
    MachineError where the ledger cannot be read.
    """
    ledger = Ledger(site.ledger_folder, site.name)
    newest = next(ledger.newest_first(), None)
    basis = [VERSION, newest.digest if newest else "", _files(site)]
    look = _remembered(site, basis, now)
    if look is None:
        contract = load_contract(site)
        working = working_time(contract, load_calendar(site))
        facts, procedures = facts_of(site, _EVER), load_procedures(PROJECT)
        scheduler = Scheduler(contract, facts, working, procedures, now)
        turns, runs = tuple(scheduler.turns()), _newest_runs(facts, procedures)
        look = Look(turns, _behind(newest, now), contract.timezone, runs)
        _remember(site, basis, now, look)
    return look


def working_time(contract: Contract, calendar: OwnCalendar) -> WorkingTime:
    """Return the time that a contract counts in; without a zone of its own, that of the controller."""
    zone = contract.zone() or datetime.now().astimezone().tzinfo or UTC
    return WorkingTime(zone, contract.service_hours, calendar)


def _behind(newest: Entry | None, now: datetime) -> datetime | None:
    """Return the time of the newest entry, where the clock is clearly before it."""
    # A damaged entry is found by `ledger verify`.
    with suppress(MachineError, KeyError, ValueError):
        written = datetime.fromisoformat(str(newest.content["time"])) if newest else now
        return written if written > now + _BEHIND else None
    return None


def _newest_runs(facts: Iterable[Fact], procedures: Collection[str]) -> dict[str, str]:
    """Return the run of each procedure that was listed last."""
    found: dict[str, Fact] = {}
    for fact in facts:
        name = str(fact.body.get("procedure")) if fact.kind == "run" else ""
        if name in procedures and (name not in found or found[name].sequence < fact.sequence):
            found[name] = fact
    return {name: str(fact.body["run"]) for name, fact in found.items()}


def _files(site: Site) -> str:
    """Return the digest of every file that the schedule follows from."""
    paths: Iterable[Any] = (site.contract_file, site.calendar_file, *sorted((PROJECT / "playbooks").glob("*.yml")))
    return digest(b"".join(digest(path.read_bytes()).encode() for path in paths if path.is_file()))


def _remembered(site: Site, basis: list[Any], now: datetime) -> Look | None:
    """Return what was found before, unless something has changed since, the hour or the clock among it."""
    try:
        kept = json.loads((site.cache_folder / NAME).read_bytes())
        looked, until = (datetime.fromisoformat(kept[key]) for key in ("looked", "until"))
        if kept["basis"] != basis or not looked <= now < until:
            return None
        turns = tuple(
            Turn(
                **{
                    **one,
                    "occurrences": tuple(one["occurrences"]),
                    "at": one["at"] and datetime.fromisoformat(one["at"]),
                }
            )
            for one in kept["turns"]
        )
        behind = kept["behind"] and datetime.fromisoformat(kept["behind"])
        return Look(turns, behind, kept["timezone"], dict(kept["newest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(site: Site, basis: list[Any], now: datetime, look: Look) -> None:
    """Keep what was found until the first moment at which something more is to be run; where the disk takes it."""
    coming = [turn.at for turn in look.turns if turn.at and turn.at > now]
    kept = {
        "basis": basis,
        "looked": now.isoformat(),
        "until": min([*coming, now + _LONGEST]).isoformat(),
        "turns": [{**asdict(turn), "at": turn.at and turn.at.isoformat()} for turn in look.turns],
        "behind": look.behind and look.behind.isoformat(),
        "timezone": look.timezone,
        "newest": dict(look.newest),
    }
    with suppress(OSError):
        replace(site.cache_folder / NAME, canonical(kept))
