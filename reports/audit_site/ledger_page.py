"""The entries of the ledger and the documents, as the site lists them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reports.audit_site.scripts import clean, same
from reports.documents.change_words import ChangeWords
from reports.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reports.audit_site.scripts import Both, Tongues
    from reports.wording import Wording

#: Entries lie in files of so many.
EACH = 2000

#: A body of more characters is not shown: the entry's file has it.
_LONGEST = 100_000
_ABOUT = 300
#: A record with none of these only takes back another entry.
_SAYING = ("obligations", "case", "event", "attributes", "quantities", "period", "document")
#: What tells most of an entry of a kind that has no words here.
_ANY = ("id", "change", "step", "decision", "title", "procedure", "obligations", "by", "reason")


def about(kind: str, body: Mapping[str, Any], tongues: Tongues) -> Both:
    """Return in a line what an entry is about."""
    told = (
        " · ".join(part for part in (_corrects(body, words), *_about(kind, body, words)) if part)
        for words in tongues.words
    )
    return same(shorten(one, _ABOUT) for one in told)


def _about(kind: str, body: Mapping[str, Any], words: Wording) -> Iterable[str]:
    tell = _TOLD.get(kind)
    try:
        return tell(body, words) if tell else [_listed(body.get(key)) for key in _ANY]
    except (KeyError, TypeError, AttributeError):
        return []


def _corrects(body: Mapping[str, Any], words: Wording) -> str:
    """Return which entry it corrects, or takes back where it says nothing in its place."""
    if body.get("corrects") is None:
        return ""
    key = "corrects" if any(body.get(one) for one in _SAYING) else "takes_back"
    return words.fill(words.catalogue.word("audit", key), body)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _listed(values: Any) -> str:
    return " ".join(map(str, values)) if isinstance(values, list) else _text(values)


def _run(body: Mapping[str, Any], words: Wording) -> list[str]:
    verdict = words.catalogue.word("states", str(body.get("verdict")))
    return [_text(body.get("procedure")), verdict, _text(body.get("run"))]


def _record(body: Mapping[str, Any], words: Wording) -> list[str]:
    case = body.get("case")
    named = f"{case['kind']}:{case['id']}" if case else ""
    told = [_listed(body.get("obligations")), named, _text(body.get("period")), _event(body, words)]
    told += [_text(body.get("item")), *_figures(body, words), _listed(body.get("who"))]
    return [*told, _text(body.get("text"))]


def _figures(body: Mapping[str, Any], words: Wording) -> Iterable[str]:
    """Yield what a record says of its case, and how much of what, in the words of the shipped contracts."""
    for key in ("attributes", "quantities"):
        for name, value in (body.get(key) or {}).items():
            told = [words.catalogue.word("audit_words", _text(one)) for one in (name, value)]
            yield words.labelled(*told)


def _waiver(body: Mapping[str, Any], words: Wording) -> list[str]:
    consent = words.fill(words.catalogue.word("records", "consent"), body)
    return [_listed(body.get("obligations")), _text(body.get("period")), consent]


def _document(body: Mapping[str, Any], words: Wording) -> list[str]:
    named = [f"{body['number']} v{body['version']}", words.catalogue.word("documents", str(body["document"]))]
    return [*named, words.catalogue.word("document_steps", str(body["step"])), _text(body.get("to") or body.get("by"))]


def _key(body: Mapping[str, Any], words: Wording) -> list[str]:
    old, new = _text(body.get("replaces")), _text(body.get("fingerprint"))
    told = [words.catalogue.word("audit_keys", str(body["step"]))]
    told += [words.catalogue.word("audit_holders", _text(body.get("holder")))]
    told += [f"{old} → {new}" if old else new]
    for key, one in (("not_believed", body if body.get("since") else None), ("vouches", body.get("adopts"))):
        told += [words.fill(words.catalogue.word("audit_keys", key), one)] if one else []
    return [*told, _text(body.get("reason"))]


def _trust(body: Mapping[str, Any], words: Wording) -> list[str]:
    told = body.get("changes") or {"is": [str(one["name"]) for one in body["people"]]}
    changes = [
        words.labelled(words.catalogue.word("audit_trust", key), words.term("list_separator").join(names))
        for key, names in told.items()
        if names
    ]
    consent, state = body.get("consent") or {}, body.get("state")
    by = [
        words.fill(words.catalogue.word("audit_trust", key), consent) for key in ("by", "vouched_by") if key in consent
    ]
    return [*changes, *by, words.catalogue.word("audit_trust", state) if state else ""]


def _checkpoint(body: Mapping[str, Any], _words: Wording) -> list[str]:
    return [f"#{body['head']['sequence']}", str(body["head"]["sha256"])[:32], _text(body.get("file"))]


def _archive(body: Mapping[str, Any], words: Wording) -> list[str]:
    told = {"count": len(body["runs"]), "place": body["place"]}
    return [words.fill(words.catalogue.word("audit", "archived"), told)]


def _notification(body: Mapping[str, Any], words: Wording) -> list[str]:
    return [_text(body.get("channel")), _event(body, words), _text(body.get("run"))]


def _change(body: Mapping[str, Any], words: Wording) -> list[str]:
    step = words.catalogue.word("change_steps", str(body["step"]))
    who = _text(body.get("by") or body.get("supervisor") or body.get("requester"))
    plan = body.get("plan") or {}
    told = [_text(body["change"]), step, who, _text(plan.get("procedure")), _text(body.get("run"))]
    if "passed" in body:
        key = "verification_passed" if body["passed"] else "verification_failed"
        told += [words.catalogue.word("change_documents", key)]
    if body.get("outcome"):
        told += [words.catalogue.word("change_outcomes", str(body["outcome"]), "name")]
    if body["step"] == "refused":
        told += [ChangeWords(words).refusal(one) for one in body["reasons"]]
    return [*told, _text(plan.get("content") or body.get("reason") or body.get("text"))]


def _event(body: Mapping[str, Any], words: Wording) -> str:
    """Return what happened: as cases of its kind call it, else by the catalogue, else in the contract's own words."""
    event, case = _text(body.get("event")), body.get("case") or {}
    found = words.catalogue.find("audit_events", f"{case.get('kind')} {event}")
    return found if isinstance(found, str) else words.catalogue.word("audit_events", event)


_TOLD: Mapping[str, Callable[[Mapping[str, Any], Wording], list[str]]] = {
    "run": _run,
    "record": _record,
    "waiver": _waiver,
    "document": _document,
    "key": _key,
    "trust": _trust,
    "checkpoint": _checkpoint,
    "archive": _archive,
    "notification": _notification,
    "change": _change,
}


def content(body: Mapping[str, Any]) -> str | None:
    """Return a body as the site shows it; None where only the entry's file has it."""
    text = json.dumps(clean(dict(body)), ensure_ascii=False)
    return text if len(text) <= _LONGEST else None


def document_line(
    number: str, document: str, version: int, steps: Sequence[Mapping[str, Any]], tongues: Tongues
) -> list[Any]:
    """Return a version of a document; each step has ``sequence``, ``body``, and ``files`` as path and name."""
    last = steps[-1]["body"]
    files = {name: path for step in steps for path, name in step["files"]}
    case = last.get("case")
    return [
        number,
        tongues.word("documents", document),
        version,
        [
            [
                step["body"]["step"],
                tongues.time(step["body"]["at"])[:16],
                _text(step["body"].get("to") or step["body"].get("by")),
                step["sequence"],
            ]
            for step in steps
        ],
        [[path, name] for name, path in files.items()],
        f"{case['kind']}:{case['id']}" if case else tongues.word("period_names", _text(last.get("period"))),
    ]
