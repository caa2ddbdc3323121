"""The files of the pack that are the same for every site: pages, scripts, colours, words, README, verify.sh."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from reports.audit_site.scripts import path_of, script
from reports.catalogue import LANGUAGES
from reports.render import palette
from reports.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.audit_site.scripts import Tongues
    from reports.wording import Wording
    from runner.evidence.finding import Finding

_FOLDER = Path(__file__).parent
_ASSETS = _FOLDER / "assets"
#: The README has so many findings, and so many remarks; the pages have all.
_FIRST = 20
_READMES = {"zh": "README.zh-CN.txt", "en": "README.txt"}

#: Tables of the catalogue that the pages word by key.
_TABLES = (
    *("audit", "audit_tasks", "audit_kinds", "audit_fields", "audit_findings", "audit_events", "audit_organisations"),
    *("audit_keys", "audit_holders", "audit_words"),
    *("states", "levels", "document_steps", "documents", "period_names", "duties"),
    *("change_states", "change_decisions", "change_assurances", "change_attempts", "change_steps"),
)


def fixed_files(tongues: Tongues) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each."""
    yield "index.html", _first_page(tongues)
    for path in sorted(_ASSETS.iterdir()):
        if path.name != "index.html":
            yield f"site/{path.name}", path.read_bytes()
    yield "site/colours.css", colours().encode()
    yield path_of("words"), script("words", words(tongues))
    yield "verify.sh", (_FOLDER / "verify.sh").read_bytes()


def _first_page(tongues: Tongues) -> bytes:
    """Return the page with the words that it has before a script runs, or where none may."""
    page = (_ASSETS / "index.html").read_text(encoding="utf-8")
    for language, words in zip(LANGUAGES, tongues.words, strict=True):
        for key in ("title", "needs_script"):
            page = page.replace(f"{{{key}:{language}}}", str(escape(words.catalogue.word("audit", key))))
    return page.encode()


def readmes(
    tongues: Tongues, facts: Mapping[str, tuple[str, ...]], found: Mapping[str, Sequence[Finding]]
) -> Iterator[tuple[str, bytes]]:
    """Yield the README in each language; ``facts`` are its parameters in every language.

    ``found`` has findings and remarks under the words that head them. The files begin with a byte order mark and have
    the line ends of Windows, for the oldest of its editors.
    """
    for place, words in enumerate(tongues.words):
        text = words.catalogue.word("audit_readme", "text")
        text = text.replace("{keys}", "\n".join(_keys(facts, place, words)))
        for key, values in facts.items():
            text = text.replace(f"{{{key}}}", printable(values[place]).replace("\n", " "))
        told = "".join(f"{printable(line)}\n" for key, some in found.items() for line in _listed(key, some, words))
        text = text.replace("{found}", told)
        yield _READMES[LANGUAGES[place]], ("\ufeff" + text.replace("\n", "\r\n")).encode()


def _keys(facts: Mapping[str, tuple[str, ...]], place: int, words: Wording) -> Iterator[str]:
    """Yield the site's first key and its present one: whoever wrote one down may have either."""
    first, present = facts["first_key"][place], facts["fingerprint"][place]
    named = {"site_key": present} if first == present else {"site_key_first": first, "site_key_now": present}
    for key, fingerprint in named.items():
        yield words.labelled(words.catalogue.word("audit", key), fingerprint)


def _listed(key: str, found: Sequence[Finding], words: Wording) -> Iterator[str]:
    """Yield the first of what was found, each by its kind and in the exact words of the program."""
    if not found:
        return
    say = words.catalogue.word
    title = words.fill(say("audit", "counted"), {"title": say("audit", key), "count": len(found)})
    yield from ("", words.labelled(title, say("audit", f"{key}_note")))
    for one in found[:_FIRST]:
        yield f"- {say('audit_findings', one.kind)}"
        yield f"    {one}"
    if len(found) > _FIRST:
        yield f"- {words.fill(say('audit', 'further'), {'count': len(found) - _FIRST})}"


def words(tongues: Tongues) -> dict[str, Any]:
    """Return what the pages word by key, each word in both languages."""
    tables = tongues.words[0].catalogue
    found = {table: {str(key): tongues.word(table, key) for key in tables.keys(table)} for table in _TABLES}
    found["standings"] = {
        **{key: tongues.word("states_of_obligations", key) for key in tables.keys("states_of_obligations")},
        "idle": tongues.word("compliance", "state_idle"),
    }
    found["outcomes"] = {key: tongues.word("outcomes", key, "name") for key in tables.keys("outcomes")}
    for table in ("change_outcomes", "change_ends"):
        found[table] = {key: tongues.word(table, key, "name") for key in tables.keys(table)}
    found["procedures"] = {key: tongues.word("procedures", key, "title") for key in tables.keys("procedures")}
    found["checks"] = {key: tongues.word("checks", key, "title") for key in tables.keys("checks")}
    return found


def colours() -> str:
    """Return the style sheet with the colours that every document of this program has."""
    lines = [f":root {{ --track: #{palette.TRACK}; {_properties()} }}"]
    for tone, ink in palette.INK.items():
        words = f".tag.{tone}, .tile.{tone}, .mark.{tone}"
        lines.append(f"{words} {{ background: #{palette.SHADE[tone]}; color: #{ink}; }}")
        lines.append(f".square.{tone} {{ background: #{palette.SQUARE[tone]}; color: #{ink}; }}")
        lines.append(f".square.{tone}.filled {{ background: #{ink}; color: #fff; }}")
    lines.append(f".square.plain {{ background: #{palette.TRACK}; }}")
    return "\n".join(lines) + "\n"


def _properties() -> str:
    return " ".join(f"--{tone}: #{ink}; --{tone}-shade: #{palette.SHADE[tone]};" for tone, ink in palette.INK.items())
