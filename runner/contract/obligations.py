"""What one clause of a contract owes: when, how much, with which clocks and gates."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from runner.contract.base import Record, Span, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["procedure", "record", "document", "sla", "quota"]
Cadence = Literal["weekly", "monthly", "quarterly", "half-yearly", "yearly", "once", "standing", "on event"]
#: Cadences that come again by the calendar.
PERIODIC = ("weekly", "monthly", "quarterly", "half-yearly", "yearly")

#: What a due date may follow, beside the id of an obligation and the name of an event.
ANCHORS = ("period start", "period end", "signature", "term start", "term end")

Names = Annotated[tuple[Text, ...], Field(strict=False)]


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


_WORD = {"type": "string", "minLength": 1}

#: One word, or a list of them.
Words = Annotated[
    Names,
    BeforeValidator(_several),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_WORD, {"type": "array", "items": _WORD, "minItems": 1}]}),
]

#: The attribute of a case that tells the deadline on which both sides agreed.
AGREED = "agreed"

#: A clock in service hours that allows more than this is a slip of the pen: more than a year of service.
_LONGEST_SERVICE_HOURS = 2500


class Due(Record):
    """A due date: so long after something. Without ``within`` it is due at once.

    ``after`` is one of ANCHORS, the id of another obligation (its fulfilment), or the name of an event. Days count from
    the day after; from a period's start with its first day, so 5 days are the first five.
    """

    after: Text
    within: Span | None = None


class Clock(Record):
    """One clock of an obligation of kind sla: which events start, stop and hold it, and what it allows.

    It runs always, or in service hours only; or it runs always and allows ``outside_service`` where it started outside
    those hours. ``if_needed`` marks what is owed only where somebody judged it needed; ``agreed`` that both sides may
    agree on another deadline, which the record of a case then tells. Of several events that start it the first one
    does, even if the case turned out later to be what ``when`` asks.
    """

    name: Text
    within: Span
    outside_service: Span | None = None
    starts: Annotated[Names, Field(min_length=1)]
    stops: Annotated[Names, Field(min_length=1)]
    pauses: Names = ()
    resumes: Names = ()
    hours: Literal["always", "service"] = "always"
    if_needed: bool = False
    agreed: bool = False

    @model_validator(mode="after")
    def _events_make_sense(self) -> Clock:
        for one, other in (("starts", "stops"), ("pauses", "resumes"), ("pauses", "stops")):
            both = set(getattr(self, one)) & set(getattr(self, other))
            if both:
                raise ValueError(f"the same event {one} and {other} this clock: {', '.join(sorted(both))}")
        if bool(self.pauses) != bool(self.resumes):
            raise ValueError("a clock that can be held has both pauses and resumes")
        if self.name == AGREED:
            raise ValueError(f"a clock cannot be called {AGREED}, which tells a deadline that both sides agreed on")
        return self

    @model_validator(mode="after")
    def _service_is_counted(self) -> Clock:
        if self.hours == "service":
            if not self.within.exact:
                raise ValueError(f"hours: service counts minutes or hours; {self.within.unit} are whole days")
            if self.within.count > _LONGEST_SERVICE_HOURS * (60 if self.within.unit == "minutes" else 1):
                raise ValueError(f"{self.within.count} {self.within.unit} of service are more than a year of it")
            if self.outside_service:
                raise ValueError("outside_service goes without hours: service, which waits for service hours")
        return self


#: What a quota counts where it names no quantity.
RECORDS = "records"


class Quota(Record):
    """So many at most, or at least, in each period: of records, or of a quantity that they tell.

    ``at_least_percent`` is of the quantity ``of``, as it stood at the period's start. With ``items`` each has its own.
    ``records_of`` names obligations that count, too, each time that one of them is fulfilled. ``level`` marks a stock
    that has to be there at every moment, told anew in each period, rather than a flow that is added up. ``beyond`` says
    what more than a cap is: a breach, or a matter for a further agreement.
    """

    at_most: Annotated[float, Field(ge=0, strict=False)] | None = None
    at_least: Annotated[float, Field(gt=0, strict=False)] | None = None
    at_least_percent: Annotated[float, Field(gt=0, le=1000, strict=False)] | None = None
    of: Text | None = None
    counts: Text = RECORDS
    records_of: Names = ()
    level: bool = False
    per: Literal["week", "month", "quarter", "half-year", "year", "term"] = "year"
    items: Names = ()
    beyond: Literal["breach", "agreement"] | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Quota:
        if [self.at_most, self.at_least, self.at_least_percent].count(None) != 2:
            raise ValueError("a quota has one of at_most, at_least, at_least_percent")
        if (self.at_least_percent is None) != (self.of is None):
            raise ValueError("at_least_percent and of, the quantity that it is a share of, go together")
        if self.at_least_percent is not None and self.counts == RECORDS:
            raise ValueError("a share of a quantity counts a quantity, too: counts is missing")
        for key in ("items", "records_of"):
            twice = _twice(getattr(self, key))
            if twice:
                raise ValueError(f"{key} named twice: {twice}")
        return self

    @model_validator(mode="after")
    def _keys_fit(self) -> Quota:
        if self.beyond and self.at_most is None:
            raise ValueError("beyond says what more than a cap is, so it goes with at_most")
        if self.level and self.at_least_percent is not None:
            raise ValueError("a level is at_most or at_least a figure, not a share")
        if self.level and self.counts == RECORDS:
            raise ValueError("a level is that of a quantity: counts is missing")
        if self.records_of and self.items and self.counts == RECORDS:
            raise ValueError("what records_of names has no items: leave one of the two out")
        return self


class Gate(Record):
    """What must be there before something may happen: an approval, a presence, a signature, a consent."""

    name: Text
    before: Text
    by: Literal["purchaser", "provider", "both"] = "purchaser"


class Obligation(Record):
    """What one clause owes: an id, one of five kinds, and who or what fulfils it.

    ``ours`` marks a deliverable that the text does not name, ``note`` tells which value is a parameter where the
    text is silent or contradicts itself. ``opened_by`` names the events that make an obligation ``on event`` due;
    ``case`` and ``when`` choose the cases whose events open it, or run its clocks: ``when: {grade: [P1, P2]}``.
    ``grace`` is how long what is overdue may still come late before it is breached; without one the contract's holds,
    but not for clocks and what is due within minutes or hours: days of grace would make nothing of them.
    ``proof_lasts`` is how long evidence of what is standing proves it; without one for the whole term.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    kind: Kind
    title: Text | None = None
    clause: Text
    deliverable: Text | None = None
    ours: bool = False
    note: Text | None = None
    procedure: Text | None = None
    document: Text | None = None
    cadence: Cadence | None = None
    due: Due | None = None
    opened_by: Names = ()
    case: Text | None = None
    when: Annotated[dict[str, Words], Field(strict=False)] = Field(default_factory=dict)
    clocks: Annotated[tuple[Clock, ...], Field(strict=False)] = ()
    quota: Quota | None = None
    gates: Annotated[tuple[Gate, ...], Field(strict=False)] = ()
    targets: Annotated[dict[str, Span], Field(strict=False)] = Field(default_factory=dict)
    grace: Span | None = None
    proof_lasts: Span | None = None
    responsible: Literal["provider", "purchaser", "both"] = "provider"

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.title or self.deliverable or self.clause

    @property
    def periodic(self) -> bool:
        """Return whether it comes again by the calendar."""
        return self.cadence in PERIODIC

    @model_validator(mode="after")
    def _whole(self) -> Obligation:
        for kind, given in (("procedure", self.procedure), ("document", self.document)):
            if self.kind == kind and not given:
                raise ValueError(f"an obligation of kind {kind} names its {kind}")
        if (self.kind == "sla") != bool(self.clocks):
            raise ValueError("clocks belong to an obligation of kind sla, and it has at least one")
        if (self.kind == "quota") != (self.quota is not None):
            raise ValueError("a quota belongs to an obligation of kind quota")
        for what, entries in (("clocks", self.clocks), ("gates", self.gates)):
            twice = _twice(one.name for one in entries)
            if twice:
                raise ValueError(f"{what} with the same name: {twice}")
        if self.when and not self.case:
            raise ValueError("when chooses among the cases of a kind, so case names the kind")
        return self

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Obligation:
        if self.kind in ("sla", "quota"):
            told = ("cadence", "due", "opened_by", "procedure", "document", "proof_lasts")
            surplus = [key for key in told if getattr(self, key)]
            if surplus:
                raise ValueError(f"kind {self.kind} has no {', '.join(surplus)}: its clocks or quota tell all")
            if self.kind == "sla" and not self.case:
                raise ValueError("case is missing: the kind of case that starts the clocks, such as fault")
            if self.kind == "quota" and self.case:
                raise ValueError("a quota has no case: what counts is what names it")
            return self
        if self.cadence is None:
            raise ValueError("cadence is missing: weekly to yearly, once, standing, or on event")
        if (self.cadence == "on event") != bool(self.opened_by):
            raise ValueError("opened_by, the events that open it, belongs to the cadence on event")
        if self.case and self.cadence != "on event":
            raise ValueError("case belongs to the cadence on event, and to clocks")
        return self

    @model_validator(mode="after")
    def _due_fits_the_cadence(self) -> Obligation:
        if self.cadence == "once" and self.due is None:
            raise ValueError("what is owed once says when it is due")
        if self.cadence == "standing" and self.due is not None:
            raise ValueError("what is standing has no due date; give a cadence if it must be renewed")
        if self.proof_lasts and self.cadence != "standing":
            raise ValueError("proof_lasts belongs to the cadence standing")
        anchor = self.due.after if self.due else None
        if anchor in ("period start", "period end") and not self.periodic:
            raise ValueError(f"due after {anchor}: only a cadence by the calendar has periods")
        if anchor in ANCHORS and self.cadence == "on event":
            raise ValueError(f"due after {anchor}: what an event opens is due after an event, or another obligation")
        if anchor in ANCHORS and anchor not in ("period start", "period end") and self.periodic:
            raise ValueError(
                f"due after {anchor}: what comes again {self.cadence} is due after its period's start or end"
            )
        return self


def _twice(names: Iterable[str]) -> str:
    return ", ".join(name for name, count in Counter(names).items() if count > 1)
