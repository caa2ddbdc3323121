"""A site in words, and as JSON, for ``weibao site show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.text import columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.wording import Wording
    from runner.contract.model import Contract, Party
    from runner.operations.check_site import CheckedSite
    from runner.operations.schedule import Line
    from runner.operations.site_summary import SiteSummary


def summary_lines(checked: CheckedSite, summary: SiteSummary, wording: Wording) -> Iterator[str]:
    """Yield the lines that tell a person what the site is."""
    said = [(_say(wording, key), text) for key, text in _parts(checked, summary, wording) if text]
    width = max(columns(label) for label, _ in said)
    for label, text in said:
        yield f"{label}{' ' * (width - columns(label))}  {text}"
    if checked.contract.term is None:
        return
    yield ""
    yield wording.labelled(_say(wording, "next_due"), "").rstrip()
    for line in summary.next_due:
        yield f"  {line.day}  {line.row.obligation}  {_period(line)}{line.obligation.name}"
    if not summary.next_due:
        yield f"  {_say(wording, 'nothing_due')}"
    if summary.open_before:
        yield f"  {_say(wording, 'open_before', count=summary.open_before)}"


def _parts(checked: CheckedSite, summary: SiteSummary, wording: Wording) -> Iterator[tuple[str, str]]:
    """Yield the key of each label with what stands beside it."""
    contract, catalogue, listed = checked.contract, wording.catalogue, wording.term("list_separator")
    yield "folder", f"{checked.site.name}  {checked.site.folder}"
    yield "contract", f"{contract.number}  {contract.title}"
    modules = _say(wording, "modules", count=len(contract.modules)) if contract.modules else ""
    yield "system", contract.system + modules
    yield "purchaser", _party(contract.purchaser, wording)
    yield "provider", _party(contract.provider, wording)
    yield "term", _term(contract, summary, wording)
    yield "amendments", listed.join(_aside(one.title, str(one.start), wording) for one in contract.amendments)
    kinds = [f"{catalogue.word('obligation_kinds', kind)} {count}" for kind, count in summary.kinds.items()]
    yield "obligations", f"{len(summary.obligations)}  {listed.join(kinds)}"
    gated = [one.id for one in summary.obligations for _ in one.gates]
    yield "gates", f"{len(gated)}  {listed.join(dict.fromkeys(gated))}" if gated else ""
    people = [_aside(one.name, catalogue.word("duties", one.duty), wording) for one in summary.people]
    yield "people", f"{len(people)}  {listed.join(people)}" if people else _say(wording, "nobody")
    groups = [f"{name} {count}" for name, count in summary.groups.items()]
    more = [_say(wording, "not_covered", count=summary.not_covered)] if summary.not_covered else []
    yield "hosts", f"{summary.hosts}  {listed.join([*groups, *more])}"
    years = listed.join(str(year) for year in summary.unknown_years)
    yield "unknown_years", _say(wording, "unknown_years_text", years=years) if years else ""


def _say(wording: Wording, key: str, **parameters: Any) -> str:
    return wording.fill(wording.catalogue.word("site", key), parameters)


def _aside(name: str, aside: str, wording: Wording) -> str:
    return _say(wording, "aside", name=name, aside=aside)


def _party(party: Party, wording: Wording) -> str:
    return f"{party.name}  {_say(wording, 'hotline', hotline=party.hotline)}" if party.hotline else party.name


def _term(contract: Contract, summary: SiteSummary, wording: Wording) -> str:
    term = contract.term
    if term is None:
        return _say(wording, "no_term")
    if summary.today < term.start:
        state = _say(wording, "not_begun")
    elif summary.today > term.end:
        state = _say(wording, "over")
    else:
        state = _say(wording, "running", days=(term.end - summary.today).days)
    days = _say(wording, "term_days", first=str(term.start), last=str(term.end), state=state)
    return f"{days}  {_say(wording, 'signed', day=str(contract.signed))}" if contract.signed else days


def _period(line: Line) -> str:
    """Return the label of a period, where it is more than the whole term."""
    return "" if line.row.period == "term" else f"{line.row.period}  "


def summary_json(checked: CheckedSite, summary: SiteSummary) -> dict[str, Any]:
    """Return the same for programs."""
    contract, term = checked.contract, checked.contract.term
    return {
        "site": checked.site.name,
        "folder": str(checked.site.folder),
        "contract": {
            "number": contract.number,
            "title": contract.title,
            "system": contract.system,
            "modules": list(contract.modules),
            "purchaser": contract.purchaser.name,
            "provider": contract.provider.name,
            "term": {"from": str(term.start), "to": str(term.end)} if term else None,
            "signed": str(contract.signed) if contract.signed else None,
            "amendments": [{"from": str(one.start), "title": one.title} for one in contract.amendments],
        },
        "obligations": {"count": len(summary.obligations), "kinds": summary.kinds},
        "gates": [
            {"obligation": one.id, "name": gate.name, "before": gate.before, "by": gate.by}
            for one in summary.obligations
            for gate in one.gates
        ],
        "people": [{"name": one.name, "duty": one.duty, "organisation": one.organisation} for one in summary.people],
        "hosts": {"count": summary.hosts, "groups": dict(summary.groups), "not_covered": summary.not_covered},
        "provisional_years": list(summary.unknown_years),
        "next_due": [
            {
                "obligation": line.row.obligation,
                "period": line.row.period,
                "day": str(line.day),
                "state": line.state,
                "provisional": line.row.provisional,
                "estimated": line.row.estimated,
            }
            for line in summary.next_due
        ],
        "open_before": summary.open_before,
    }
