"""What a document is for: the obligations that it serves, and which of their occurrences, by period or case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.contract.clocks import concerns
from runner.contract.occurrences import label_of
from runner.errors import BadInput
from runner.evidence.ledger import Ledger
from runner.history import is_whole, runs_of
from runner.operations.compliance import DOCUMENT as COMPLIANCE
from runner.operations.documents import DOCUMENTS, find_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.contract.facts import Fact
    from runner.contract.model import Valid
    from runner.contract.obligations import Obligation
    from runner.evidence.sealing import SealedRun
    from runner.operations.situation import Case, Situation

#: Kinds of obligations that a submitted document can meet; a procedure is met by its runs alone.
_MET = ("document", "record")


@dataclass(frozen=True)
class Occasion:
    """The obligations that a document serves, and the period or the case that it is for, if any."""

    obligations: tuple[Obligation, ...] = ()
    label: str | None = None
    case: Case | None = None

    @property
    def name(self) -> str:
        """Return how the document's number tells it, empty where the day has to."""
        return (self.label or (self.case[1] if self.case else "")).lstrip("#")

    def as_dict(self) -> dict[str, Any]:
        """Return what the entry holds of it."""
        return {
            "obligations": [one.id for one in self.obligations],
            "period": self.label,
            "case": {"kind": self.case[0], "id": self.case[1]} if self.case else None,
        }

    def facts(self, situation: Situation) -> list[Fact]:
        """Return what was recorded of it: everything of its case, else what its obligations have in its period."""
        if self.case:
            return list(situation.cases.get(self.case, ()))
        ids = {one.id: one for one in self.obligations}
        return [
            fact
            for fact in situation.facts
            if any(self._is_for(ids[name], fact, situation) for name in fact.obligations if name in ids)
        ]

    def _is_for(self, one: Obligation, fact: Fact, situation: Situation) -> bool:
        day = situation.checked.working.date_of(fact.at)
        return (fact.period or label_of(one, day, situation.contract)) == self.label


def occasion_of(
    document: str,
    label: str | None,
    case: Case | None,
    run: SealedRun | None,
    at: datetime,
    situation: Situation,
) -> Occasion:
    """Return what a document is for; raises BadInput where period and case do not tell, or fit no obligation.

    Without either it is for the period of its run, or for the term where that is all that is owed.
    """
    asking = [one for one in situation.contract.versions if one.obligation.document == document]
    asking = [one for one in asking if one.obligation.kind in _MET]
    if case:
        if label is not None:
            raise BadInput(f"--period {label}: goes without --case, which tells what the document is for")
        return _of_case(document, case, asking, situation)
    if label is not None:
        return _of_period(document, label, asking, situation)
    if run:
        return _of_run(run, asking, situation)
    return _unnamed(document, asking, at, situation)


def _of_case(document: str, case: Case, asking: Sequence[Valid], situation: Situation) -> Occasion:
    option = f"--case {case[0]}:{case[1]}"
    events = situation.cases.get(case)
    if events is None:
        raise BadInput(f"{option}: there is no such case; see weibao record list")
    found = [one.obligation for one in asking if one.obligation.cadence == "on event"]
    found = [one for one in found if concerns(one, case, events)]
    if not found:
        raise BadInput(f"{option}: no obligation asks for {document} of such a case{_hints(asking, situation)}")
    return Occasion(tuple(found), case=case)


def _of_period(document: str, label: str, asking: Sequence[Valid], situation: Situation) -> Occasion:
    found = _fitting(asking, label, situation)
    if found:
        return Occasion(found, label)
    done = [one for one in situation.contract.versions if one.obligation.procedure == DOCUMENTS.get(document, "")]
    # A report on compliance may be about any period, asked for or not.
    if not asking and (document == COMPLIANCE or _fitting(done, label, situation)):
        return Occasion((), label)
    raise BadInput(f"--period {label}: no obligation asks for {document} in it{_hints(asking or done, situation)}")


def _fitting(versions: Sequence[Valid], label: str, situation: Situation) -> tuple[Obligation, ...]:
    """Return the obligations that have a period of this name, as they hold in it."""
    names = dict.fromkeys(one.obligation.id for one in versions)
    found = [situation.fitting(name, label) for name in names]
    return tuple(one for one in found if one and any(one is version.obligation for version in versions))


def _of_run(run: SealedRun, asking: Sequence[Valid], situation: Situation) -> Occasion:
    """Return what the document of a run is for: the period that the run was told, else that in which it ended."""
    told = _entry(run, situation).get("period")
    for label in (told, _label_of_day(run.manifest, asking, situation)):
        found = _fitting(asking, str(label), situation) if label else ()
        if found:
            return Occasion(found, str(label))
    return Occasion((), str(told) if told else None)


def _unnamed(document: str, asking: Sequence[Valid], at: datetime, situation: Situation) -> Occasion:
    day = situation.checked.working.date_of(at)
    now = [one for one in asking if situation.holds(one, day)] or list(asking)
    if not now:
        return Occasion()
    if any(one.obligation.cadence not in ("once", "standing") for one in now):
        raise BadInput(f"--period: is missing, or --case; {document} is owed for each{_hints(now, situation)}")
    return Occasion(tuple(one.obligation for one in now), "term" if situation.contract.term else None)


def _hints(versions: Sequence[Valid], situation: Situation) -> str:
    names = dict.fromkeys(one.obligation.id for one in versions)
    return "".join(f"; {name}: {situation.hint(name)}" for name in names)


# -- the run that a document is written from --------------------------------------------------------------


def run_for(
    document: str, occasion: Occasion | None, situation: Situation, run_id: str | None = None
) -> SealedRun | None:
    """Return the run that a document is written from: the one named, else the newest of its period, whole ones first.

    None for a document that is not written from runs. Raises BadInput where there is no such run, VerificationError
    where it is not what was sealed.
    """
    if document not in DOCUMENTS:
        return None
    site, procedure, contract = situation.checked.site, DOCUMENTS[document], situation.contract
    if run_id is None and occasion and occasion.label:
        ledger = Ledger(site.ledger_folder, site.name)
        versions = [one for one in contract.versions if one.obligation.procedure == procedure]
        found = [body for body in runs_of(ledger, procedure) if _label(body, versions, situation) == occasion.label]
        if not found:
            raise BadInput(f"--period {occasion.label}: no run of {procedure} is for it")
        run_id = str(next(iter([*filter(is_whole, found), *found]))["run"])
    return find_run(site, procedure, run_id, None, contract.zone())


def _entry(run: SealedRun, situation: Situation) -> Mapping[str, Any]:
    bodies = (line.body for line in situation.lines if line.kind == "run" and line.body["run"] == run.run_id)
    return next(bodies, run.manifest)


def _label(body: Mapping[str, Any], versions: Sequence[Valid], situation: Situation) -> str | None:
    """Return the period that a run was for: the one it was told, else that in which it ended."""
    return str(body["period"]) if body.get("period") else _label_of_day(body, versions, situation)


def _label_of_day(body: Mapping[str, Any], versions: Sequence[Valid], situation: Situation) -> str | None:
    """Return the period of the first of some obligations that come again, in which a run ended."""
    if situation.contract.term is None:
        return None
    day = situation.checked.working.date_of(datetime.fromisoformat(str(body["ended"])))
    periodic = (one.obligation for one in versions if one.obligation.periodic and situation.holds(one, day))
    return next((label_of(one, day, situation.contract) for one in periodic), None)
