"""Quotas: so many at most, or at least, in a period, counted from records; and stocks that must always be there."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.contract.obligations import RECORDS as RECORDS  # noqa: PLC0414 - whoever reads quotas finds it here
from runner.contract.status import STATES, Row, State, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from runner.contract.base import Span
    from runner.contract.facts import Fact
    from runner.contract.obligations import Obligation, Quota
    from runner.contract.occurrences import Period
    from runner.contract.working_time import WorkingTime


def counting(told: Sequence[Fact], quota: Quota) -> Sequence[Fact]:
    """Return which of the facts that fulfilled something once a quota counts that names its obligation.

    However many records there are of one time, it is one; a quantity may be told in parts.
    """
    if quota.counts == RECORDS:
        return told[:1]
    names = (quota.counts, quota.of)
    return [fact for fact in told if any(name and _told_of(fact, name) is not None for name in names)]


@dataclass(frozen=True)
class QuotaOf:
    """The quota of an obligation, with every record that counts, in order, and the grace after a period's end."""

    one: Obligation
    quota: Quota
    facts: Sequence[Fact]
    working: WorkingTime
    grace: Span | None
    now: datetime

    def rows(self, periods: Sequence[Period]) -> Iterator[Row]:
        """Yield a row for each period, and for each item of the quota; without items whatever is told counts."""
        told = self._told(periods)
        for period in periods:
            for item in self.quota.items or ("",):
                counted = told[period.label, item]
                found = self._level(period, item) if self.quota.level else self._flow(period, item, counted)
                yield Row(
                    obligation=self.one.id,
                    kind="quota",
                    period=period.label,
                    subject=item,
                    due=self.working.end_of(period.end),
                    evidence=tuple(fact.sequence for fact in counted),
                    part=period.part,
                    **found,
                )

    def _told(self, periods: Sequence[Period]) -> dict[tuple[str, str], list[Fact]]:
        """Return the facts by period and item: of the period that they name, if it is one, else of their day."""
        found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        labels, starts = {each.label for each in periods}, [each.start for each in periods]
        for fact in self.facts:
            label = fact.period if fact.period in labels else None
            if label is None:
                day = self.working.date_of(fact.at)
                period = periods[bisect_right(starts, day) - 1] if starts and starts[0] <= day else None
                label = period.label if period and day <= period.end else None
            if label is not None:
                found[label, self._item(fact)].append(fact)
        return found

    def _item(self, fact: Fact) -> str:
        return str(fact.body.get("item") or "") if self.quota.items else ""

    # -- what is added up ----------------------------------------------------------------------------------

    def _flow(self, period: Period, item: str, counted: Sequence[Fact]) -> dict[str, Any]:
        allowed = self._allowed(period, item)
        used, done = 0.0, None
        for fact in counted:
            used += 1.0 if self.quota.counts == RECORDS else _told_of(fact, self.quota.counts) or 0.0
            if allowed is not None and used >= allowed and done is None:
                done = fact.at
        if allowed is None:
            return {"state": "not assessed", "reason": "no_stock", "parameters": {"of": self.quota.of}, "used": used}
        due = self.working.end_of(period.end)
        figures = {"used": used, "allowed": allowed}
        if self.quota.at_most is not None or not allowed:
            return {"state": self._capped(due, used, allowed), **figures}
        return {"state": judge(self.now, due, self._over(due), done), "done": done, **figures}

    def _capped(self, due: datetime, used: float, allowed: float) -> State:
        """Return how a cap stands; a share of nothing asks for nothing, and is kept like a cap."""
        if self.quota.at_most is not None and used > allowed:
            return self._exceeded
        return "due" if self.now < due else "fulfilled"

    @property
    def _exceeded(self) -> State:
        return "beyond cap" if self.quota.beyond == "agreement" else "breached"

    def _over(self, due: datetime) -> datetime | None:
        return self.working.extended(due, self.grace).moment if self.grace else None

    def _allowed(self, period: Period, item: str) -> float | None:
        """Return the figure of the quota; of a share what it is of, as told last before the period or first in it."""
        quota = self.quota
        if quota.at_least_percent is None:
            return quota.at_most if quota.at_most is not None else quota.at_least
        begins, ends = self.working.midnight(period.start), self.working.end_of(period.end)
        stocks = self._figures[item]
        before = [figure for at, figure in stocks if at < begins]
        within = [figure for at, figure in stocks if begins <= at < ends]
        stock = next(iter([*before[-1:], *within]), None)
        return stock * quota.at_least_percent / 100 if stock is not None else None

    @cached_property
    def _figures(self) -> dict[str, list[tuple[datetime, float]]]:
        """Return by item when records told of a stock, and how much there was: of the share's, or of the level."""
        found: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
        for fact in self.facts:
            figure = _told_of(fact, self.quota.of or self.quota.counts)
            if figure is not None:
                found[self._item(fact)].append((fact.at, figure))
        return found

    # -- what is there at every moment ---------------------------------------------------------------------

    def _level(self, period: Period, item: str) -> dict[str, Any]:
        """Return how a stock stood in a period: as badly as it ever did; where nobody told it then, nobody knows."""
        begins, ends = self.working.midnight(period.start), self.working.end_of(period.end)
        told = [(at, figure) for at, figure in self._figures[item] if at < ends]
        states = [
            self._missed(since, until)
            for since, until in self._stretches(item)
            if since < ends and (until is None or until > begins)
        ]
        figures = {
            "used": told[-1][1] if told else None,
            "allowed": self.quota.at_most if self.quota.at_most is not None else self.quota.at_least,
        }
        if states:
            return {"state": max(states, key=STATES.index), **figures}
        if any(at >= begins for at, _ in told):
            return {"state": "fulfilled", **figures}
        return {"state": "not assessed", "reason": "no_level", "parameters": {"of": self.quota.counts}, **figures}

    def _stretches(self, item: str) -> Iterator[tuple[datetime, datetime | None]]:
        """Yield from when to when a stock was out of bounds; None: it still is."""
        since: datetime | None = None
        for at, figure in self._figures[item]:
            inside = figure <= self.quota.at_most if self.quota.at_most is not None else figure >= self._least
            if since is None and not inside:
                since = at
            elif since is not None and inside:
                if at > since:  # else the later record of the same moment tells it better
                    yield since, at
                since = None
        if since is not None:
            yield since, None

    @property
    def _least(self) -> float:
        return self.quota.at_least or 0.0

    def _missed(self, since: datetime, until: datetime | None) -> State:
        if self.quota.beyond == "agreement":
            return self._exceeded
        over = self._over(since)
        if over and (until or self.now) < over:
            return "late" if until else "overdue"
        return "breached"


def _told_of(fact: Fact, quantity: str) -> float | None:
    """Return how much of a quantity a record tells of, None where it does not."""
    found = (fact.body.get("quantities") or {}).get(quantity)
    return None if found is None else float(found)
