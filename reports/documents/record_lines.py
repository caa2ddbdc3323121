"""Records, documents and how obligations stand since, as lines for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.wording import Wording
    from runner.contract.status import Row


def entry_line(body: Mapping[str, Any], kind: str, number: int, words: Wording) -> str:
    """Return what became of a record or waiver that was just written."""
    parameters = {"entry": number, "corrects": body.get("corrects"), "consent": body.get("consent_by")}
    if kind == "waiver":
        key = "waived"
    elif body.get("corrects") is None:
        key = "recorded"
    else:
        key = "corrected" if body["obligations"] or body.get("case") else "taken_back"
    return words.fill(words.catalogue.word("records", key), parameters)


def listed_line(body: Mapping[str, Any], kind: str, number: int, corrected_by: int | None, words: Wording) -> str:
    """Return a record or waiver on one line."""
    case = body.get("case")
    say = words.catalogue.word
    parts = [
        f"{number:06d}",
        words.moment(body["at"]),
        say("records", "kinds", kind),
        words.term("list_separator").join(body["obligations"]),
        f"{case['kind']}:{case['id']}" if case else str(body.get("period") or ""),
        str(body.get("event") or ""),
        words.pairs(body["attributes"]) if body.get("attributes") else "",
        str(body.get("item") or ""),
        words.pairs(body["quantities"]) if body.get("quantities") else "",
        words.term("list_separator").join(body.get("who") or ()),
        words.fill(say("records", "consent"), body) if kind == "waiver" else words.plain(body.get("text") or ""),
    ]
    attachments = [one["name"] for one in body.get("attachments") or ()]
    if attachments:
        parts.append(words.fill(say("records", "attached"), {"attachments": attachments}))
    if corrected_by is not None:
        parts.append(words.fill(say("records", "corrected_by"), {"corrected_by": corrected_by}))
    return printable("  ".join(part for part in parts if part))


def row_line(row: Row, words: Wording) -> str:
    """Return how one thing owed stands, with its deadline, its margin, or what of its quota is used."""

    def say(key: str, **parameters: Any) -> str:
        return words.fill(words.catalogue.word("rows", key), parameters)

    what = " ".join(part for part in (row.obligation, row.subject, row.period) if part)
    line = say("line", what=what, state=words.catalogue.word("states_of_obligations", row.state))
    if row.used is not None and row.allowed is not None:
        line += say("quota", used=row.used, allowed=row.allowed)
    if row.due and row.state != "waived" and (row.done is None or row.state in ("late", "breached")):
        line += say("due", due=words.deadline(row.due))
    if row.provisional:
        line += say("provisional")
    if row.margin_seconds is not None and row.state != "waived":
        line += say("margin" if row.margin_seconds >= 0 else "over", margin=abs(row.margin_seconds))
    return printable(line)


def step_line(body: Mapping[str, Any], number: int, words: Wording) -> str:
    """Return what became of a document that just took a step."""
    step = words.catalogue.word("document_steps", str(body["step"]))
    return words.fill(words.catalogue.word("document_lines", "stepped"), {**body, "step": step, "entry": number})


def version_line(number: str, version: int, bodies: list[Mapping[str, Any]], words: Wording) -> str:
    """Return one version of a document with its steps, on one line."""
    title = words.catalogue.word("documents", str(bodies[0]["document"]))
    return printable("  ".join((f"{number}  v{version}  {title}", *_steps(bodies, words))))


def _steps(bodies: list[Mapping[str, Any]], words: Wording) -> Iterator[str]:
    say = words.catalogue.word
    for body in bodies:
        step = say("document_steps", str(body["step"]))
        line = words.fill(say("document_lines", "step"), {"step": step, "at": body["at"]})
        for key in ("to", "by"):
            if body.get(key):
                line += words.fill(say("document_lines", key), {key: body[key]})
        yield line
