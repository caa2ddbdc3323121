"""Use case: a tick of the schedule. Recover, look, tell what was left untold, run what is due, until nothing more is.

A tick holds a lock of the site: a second one leaves the work to the first. What a dead program left is sealed before
the ledger is looked at, and before each run the ledger is looked at again. So each occurrence is run until a run for
it is complete, and then no more, wherever a tick is killed.
"""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.errors import MachineError, WeibaoError
from runner.evidence.canonical import parse_timestamp, timestamp
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import marker_path, open_sealed
from runner.evidence.verify import entry_of
from runner.operations.book import Book
from runner.operations.change_entries import known_changes, words_for
from runner.operations.change_execute import Executed, execute
from runner.operations.change_finish import close_unmarked
from runner.operations.change_gate import Waiting, began_not, ready, waiting
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.follow_up import Followed, follow_up, left_over
from runner.operations.locks import opened_lock
from runner.operations.look_ahead import Look, look_ahead
from runner.operations.notify import Sent, notify_of_changes, notify_of_newest
from runner.operations.recover import Recovered, recover
from runner.operations.run_procedure import ListedRun, RunRequest, run_procedure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.execution.progress import Progress
    from runner.operations.change_finish import Closed
    from runner.operations.schedule import Turn
    from runner.site import Site


_LOCK = ".tick.lock"

#: A tick, or a run by hand, that is at it for longer hangs, and keeps what is due from being run.
STUCK_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Manner:
    """How the runs of a tick are shown and documented; ``begin`` is told of each before it is made."""

    language: str
    formats: Sequence[str]
    progress: Callable[[], Progress]
    begin: Callable[[Turn], None]
    show: Callable[[str], None]


@dataclass(frozen=True)
class Ran:
    """A run that a tick made; ``unfinished`` says what could not follow from it."""

    turn: Turn
    listed: ListedRun
    followed: Followed | None
    unfinished: str | None = None


@dataclass(frozen=True)
class Changed:
    """An approved change that a tick carried out; ``unfinished`` says what could not follow from its run."""

    executed: Executed
    followed: Followed | None
    unfinished: str | None = None

    @property
    def listed(self) -> ListedRun:
        """Return the run."""
        return self.executed.listed


@dataclass(frozen=True)
class Late:
    """What now followed from a run whose own program died before; ``unfinished`` says what still could not."""

    run_id: str
    followed: Followed | None
    unfinished: str | None = None


@dataclass(frozen=True)
class Tick:
    """What a tick did. ``busy``: another one was at it. ``problems``: procedures that could not be run, and why.

    ``refused``: changes that could not be carried out, and why. ``left``: those that were to begin by themselves and
    wait for a person. ``running``: procedures that other programs run, and since when.
    """

    busy: bool = False
    recovered: list[Recovered | Closed] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    problems: list[tuple[Turn, WeibaoError]] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    refused: list[tuple[str, WeibaoError]] = field(default_factory=list)
    left: list[Waiting] = field(default_factory=list)
    look: Look = field(default_factory=lambda: Look(()))
    running: Mapping[str, datetime] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    untold: str | None = None

    @property
    def ends(self) -> list[Late | Changed | Ran]:
        """Return what followed from runs, or should have."""
        return [*self.late, *self.changed, *self.ran]

    @property
    def stuck(self) -> dict[str, datetime]:
        """Return the procedures that other programs have been running for suspiciously long."""
        now = datetime.now(UTC)
        return {name: since for name, since in self.running.items() if now - since > STUCK_AFTER}

    @property
    def waiting(self) -> list[Turn]:
        """Return what waits for a person to look at an attempt that must not be repeated."""
        return [turn for turn in self.look.turns if turn.reason == "not_repeatable"]


def tick(site: Site, manner: Manner) -> Tick:
    """Run every procedure that is due now and may run without an approval, oldest period first.

    Raises BadInput where the site's files are not in order, MachineError where its state cannot be kept.
    """
    site.prepare()
    with _alone(site) as held:
        return _Ticking(site, manner).tick() if held else Tick(busy=True)


@contextmanager
def _alone(site: Site) -> Iterator[bool]:
    """Hold the site's schedule if no other program does; a program that dies lets go of it.

    Raises MachineError where the other one hangs.
    """
    with opened_lock(site, _LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _check_stuck(site.state / _LOCK)
            yield False
        else:
            # A full disk keeps this tick from nothing: whether its runs fit is asked before each.
            with suppress(OSError):
                lock.truncate(0)
                lock.write(timestamp().encode())
            yield True


def _check_stuck(path: Path) -> None:
    """Raise MachineError where the tick that holds a lock has held it for so long that it hangs."""
    with suppress(OSError, ValueError):
        since = parse_timestamp(path.read_text())
        if datetime.now(UTC) - since > STUCK_AFTER:
            raise MachineError(
                f"another weibao schedule tick has been at work since {since:%Y-%m-%d %H:%M} UTC and hangs: "
                f"nothing is run until it is ended (fuser {path} tells which process it is)"
            )


class _Ticking:
    """One tick, holding the lock."""

    def __init__(self, site: Site, manner: Manner) -> None:
        self._site, self._manner = site, manner
        self._checked: CheckedSite | None = None
        self._late: list[Late] | None = None
        self._ran: list[Ran] = []
        self._problems: list[tuple[Turn, WeibaoError]] = []
        self._changed: list[Changed] = []
        self._refused: list[tuple[str, WeibaoError]] = []
        self._left: list[Waiting] = []

    def tick(self) -> Tick:
        recovered = [*recover(self._site), *close_unmarked(self._site)]
        # A window does not wait for anything else that is due.
        self._carry_out()
        while True:
            # First the runs that go on, then the ledger: one that ends in between is in either.
            running = runs_going_on(self._site.runs_folder)
            now = datetime.now(UTC)
            look = look_ahead(self._site, now)
            if self._late is None:
                self._late = [self._catch_up(run_id) for run_id in left_over(self._site, look.newest)]
            failed = {turn.procedure for turn, _ in self._problems}
            left_out = running.keys() | failed
            turn = next((one for one in look.turns if one.ready(now) and one.procedure not in left_out), None)
            if turn is None or not self._run(turn):
                break
        done = Tick(
            recovered=recovered,
            late=self._late,
            ran=self._ran,
            problems=self._problems,
            changed=self._changed,
            refused=self._refused,
            left=self._left,
            look=look,
            running={name: since for name, since in running.items() if name not in failed},
        )
        return self._tell(done) if done.waiting or done.left else done

    def _carry_out(self) -> None:
        """Carry out every approved change that is to begin by itself, each once."""
        site, manner = self._site, self._manner
        known = known_changes(site)
        if not any(began_not(one, datetime.now(UTC)) for one in known.values()):
            return
        self._checked = checked = self._checked or check_site(site)
        keyring = Book(site).keyring()
        for change in ready(known, datetime.now(UTC), keyring):
            words = words_for(checked, manner.language)
            manner.show(words.fill(words.catalogue.word("change_commands", "runs"), {"change": change.number}))
            try:
                executed = execute(checked, change.number, manner.language, manner.progress(), automatic=True)
            except WeibaoError as error:
                self._refused.append((change.number, error))
                continue
            self._changed.append(self._followed(checked, executed))
        self._left = waiting(known_changes(site), datetime.now(UTC), keyring)

    def _followed(self, checked: CheckedSite, executed: Executed) -> Changed:
        manner, listed = self._manner, executed.listed
        try:
            followed = follow_up(checked, listed.run, listed.entry, manner.language, manner.formats, manner.show)
        except WeibaoError as error:
            return Changed(executed, None, str(error))
        return Changed(executed, followed)

    def _catch_up(self, run_id: str) -> Late:
        """Let follow from a listed run what its own program did not live to do."""
        site, manner = self._site, self._manner
        self._checked = self._checked or check_site(site)
        try:
            entry = entry_of(Ledger(site.ledger_folder, site.name), run_id)
            if entry is None:
                raise MachineError(f"run {run_id} is not in the ledger any more")
            run = open_sealed(site.runs_folder, run_id)
            return Late(run_id, follow_up(self._checked, run, entry, manner.language, manner.formats, manner.show))
        except WeibaoError as error:
            return Late(run_id, None, str(error))

    def _run(self, turn: Turn) -> bool:
        """Make a run and let follow what follows; return whether the tick may go on."""
        try:
            if any(one.turn.occurrences == turn.occurrences and _complete(one) for one in self._ran):
                raise MachineError(f"{', '.join(turn.occurrences)}: was run, but the ledger does not show it as done")
            self._checked = self._checked or check_site(self._site)
            self._manner.begin(turn)
            request = RunRequest(turn.procedure, occurrences=turn.occurrences)
            listed = run_procedure(self._checked, request, self._manner.progress())
        except WeibaoError as error:
            if self._checked is None:
                raise
            self._problems.append((turn, error))
            return True
        followed, unfinished = None, None
        try:
            manner = self._manner
            run, entry = listed.run, listed.entry
            followed = follow_up(self._checked, run, entry, manner.language, manner.formats, manner.show)
        except WeibaoError as error:
            unfinished = str(error)
        self._ran.append(Ran(turn, listed, followed, unfinished))
        stopped = listed.ending.stopped
        return not (stopped and stopped.code == "cancelled")

    def _tell(self, done: Tick) -> Tick:
        """Tell the channels of attempts and changes that wait for a person, which no later run may do."""
        try:
            self._checked = self._checked or check_site(self._site)
            if done.waiting:
                done.sent.extend(notify_of_newest(self._checked, self._manner.language))
            done.sent.extend(notify_of_changes(self._checked, done.left, self._manner.language))
        except WeibaoError as error:
            return Tick(**{**vars(done), "untold": str(error)})
        return done


def _complete(ran: Ran) -> bool:
    return bool(ran.listed.run.manifest["verdict"]["state"] == "complete")


def runs_going_on(runs: Path) -> dict[str, datetime]:
    """Return the procedures that programs are running on the whole site, or have not listed yet, and since when.

    Asked after a recovery, when no marker of a dead program is left but a damaged one, of which nobody can tell
    what it was.
    """
    found: dict[str, datetime] = {}
    for marker in marker_path(runs, "any").parent.glob("*.json"):
        try:
            intent = json.loads(marker.read_bytes())
            if intent["obligations"]:
                found[str(intent["procedure"])] = parse_timestamp(intent["started"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
