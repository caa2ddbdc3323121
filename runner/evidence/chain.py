"""Whether entries follow each other: number by number, each on the hash of the one before it, time running forward."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from runner.evidence.ledger import GENESIS, Head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner.evidence.finding import Finding
    from runner.evidence.seen_entries import SeenEntry

#: An entry may be so far ahead of the clock of the machine that looks: two clocks differ.
_AHEAD = timedelta(minutes=10)


class Chain:
    """The entries so far; ``head`` is the newest of them."""

    def __init__(self, now: datetime) -> None:
        self.head = Head(0, GENESIS)
        self._latest = now + _AHEAD
        self._time: datetime | None = None
        self._timed = 0

    def findings(self, entry: SeenEntry) -> Iterator[Finding]:
        """Go on to the next entry; yield how it does not continue what came before it."""
        before, self.head = self.head, Head(entry.sequence, entry.digest)
        if entry.sequence != before.sequence + 1:
            yield entry.finding(f"number {entry.sequence} where {before.sequence + 1} is due", "chain")
        if entry.content and entry.previous != before.digest:
            words = f"names {str(entry.previous)[:16]}… as the entry before it, which is {before.digest[:16]}…"
            yield entry.finding(words, "chain")
        if not entry.time:
            return
        if self._time and entry.time < self._time:
            words = f"its time lies {self._time - entry.time} before that of entry {self._timed}"
            yield entry.finding(f"{words}: the clock was set back, or it is dated back", "clock")
        else:
            self._time, self._timed = entry.time, entry.sequence
        if entry.time > self._latest:
            yield entry.finding(f"its time {entry.content['time']} lies in the future", "clock")
