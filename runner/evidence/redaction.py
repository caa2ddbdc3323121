"""Known secrets are replaced before anything touches the disk.

A secret can stand in an event as it is, escaped, quoted or encoded; every such form is replaced by
``[redacted: NAME]``. Replacing never fails and never drops the event: evidence of what was done is kept.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Shorter values would blank ordinary words; they are named in the manifest as not redacted.
MINIMUM_LENGTH = 6

#: Keys by which events and observations are read again: they keep their names, whatever a secret is.
_KEYS = frozenset(
    {"event_data", "observations", "changed", "failures", "skipped", "processed", "censored", "ignore_errors"}
    | {"notice", "warning", "critical", "parameters"}
)

#: A password that stands in a URL is a secret whoever knows of it: ``scheme://user:password@host``. What was replaced
#: already holds a blank.
_USERINFO = re.compile(r"(?<=://)([^\s/:@\"'<>]*:)([^\s/@\"'<>]+)(?=@)")
USERINFO = "userinfo"

#: What Python's html, Jinja, and XML write for the two quotes.
_ENTITIES = (("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&#39;"), ("&quot;", "&apos;"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what base64 makes of a secret at each of the three offsets that it can stand at.

    The characters that also depend on the neighbouring bytes are left out.
    """
    for before, start in enumerate((0, 2, 3)):
        core = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")[start:]
        if (before + len(secret)) % 3:
            core = core[:-1]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _json_forms(texts: Iterable[str]) -> set[str]:
    """Return what JSON makes of texts, with and without escapes for what is not ASCII."""
    return {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in texts for ascii_only in (True, False)}


def _text_forms(text: str) -> Iterator[str]:
    """Yield a text as it is, and as URLs, shells, Python, SQL, YAML and HTML write it."""
    yield text
    for escaped in (quote(text, safe="", errors="replace"), quote(text, errors="replace")):
        yield escaped
        yield re.sub("%..", lambda found: found[0].lower(), escaped)
    yield quote_plus(text, errors="replace")
    quoted = shlex.quote(text)
    if quoted != text:
        yield quoted[1:-1]
    yield repr(text)[1:-1]
    yield repr("'\"" + text)[4:-1]  # both quotes stand before it: its own ' is escaped too
    yield text.replace("'", "''")
    escaped = html.escape(text, quote=False)
    yield escaped
    for double, single in _ENTITIES:
        yield escaped.replace('"', double).replace("'", single)


def forms_of(secret: str) -> set[str]:
    """Return every form in which a secret is looked for."""
    lines = (line.strip() for line in secret.splitlines())
    plain = {secret, *(line for line in lines if len(line) >= 2 * MINIMUM_LENGTH)}
    forms = {form for text in plain for form in _text_forms(text)}
    once = _json_forms(plain)
    raw = secret.encode("utf-8", "replace")
    forms |= {*once, *_json_forms(once), *_base64_forms(raw), raw.hex(), raw.hex().upper()}
    return {form for form in forms if len(form) >= MINIMUM_LENGTH}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class _Index:
    """Finds any of many needles in one pass, whose time hardly depends on how many there are.

    The text is read in words at every half word: so each needle of a word and a half, less a byte, has a word
    among them that begins in its first half word. Those words of all needles are in a table.
    """

    def __init__(self, width: int, code: Literal["Q", "I"]) -> None:
        """Take the width of a word in bytes, and its code in ``memoryview.cast``."""
        self.shortest = width + width // 2 - 1
        self._width = width
        self._code = code
        self._places: dict[int, set[tuple[int, int]]] = {}

    def add(self, needle: bytes) -> None:
        """Take a needle of at least ``shortest`` bytes."""
        for offset in range(self._width // 2):
            word = int.from_bytes(needle[offset : offset + self._width], sys.byteorder)
            self._places.setdefault(word, set()).add((offset, len(needle)))

    def candidates(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end of what may be a needle."""
        for word in self._words(data):
            wanted = word.to_bytes(self._width, sys.byteorder)
            at = data.find(wanted)
            while at >= 0:
                for offset, length in self._places[word]:
                    if at >= offset:
                        yield at - offset, at - offset + length
                at = data.find(wanted, at + 1)

    def _words(self, data: bytes) -> set[int]:
        if not self._places:
            return set()
        view = memoryview(data)
        found: set[int] = set()
        for first in (0, self._width // 2):
            whole = max(0, len(data) - first) // self._width * self._width
            # In C: iterates over the words, and looks each up in the table.
            found |= self._places.keys() & view[first : first + whole].cast(self._code)
        return found


class Redactor:
    """Replaces the forms of known secrets, and counts what it replaced, by name."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take secrets as ``name: value``; values below MINIMUM_LENGTH are listed in ``too_short``.

        Space around a value does not count: it gets lost on the way, and what is inside is sought.
        """
        bare = {name: value.strip() for name, value in sorted(secrets.items())}
        self.counts: dict[str, int] = {}
        self.too_short = tuple(name for name, value in bare.items() if 0 < len(value) < MINIMUM_LENGTH)
        self._names: dict[bytes, str] = {}
        self._indexes = (_Index(8, "Q"), _Index(4, "I"))
        for name, value in bare.items():
            if len(value) >= MINIMUM_LENGTH:
                forms = forms_of(value)
                # A line of JSON is searched before its texts are: so also for each form as it stands there.
                for form in forms | _json_forms(forms):
                    self._add(_bytes(form), name)

    def _add(self, needle: bytes, name: str) -> None:
        if self._names.setdefault(needle, name) == name:
            next(index for index in self._indexes if len(needle) >= index.shortest).add(needle)

    def _found(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield start and end of each form of a secret; they may overlap."""
        for index in self._indexes:
            for start, end in index.candidates(data):
                if data[start:end] in self._names:
                    yield start, end

    def text(self, text: str) -> str:
        """Return a text with every form of a secret replaced; forms that overlap are replaced as one."""
        if len(text) < MINIMUM_LENGTH:
            return text
        data = _bytes(text)
        found = sorted(set(self._found(data)), key=lambda span: (span[0], -span[1]))
        if not found:
            return self._urls(text)
        parts: list[bytes] = []
        done = 0
        for start, end in found:
            if start >= done:
                name = self._names[data[start:end]]
                self.counts[name] = self.counts.get(name, 0) + 1
                parts += (data[done:start], _bytes(f"[redacted: {name}]"))
            done = max(done, end)
        return self._urls(b"".join((*parts, data[done:])).decode("utf-8", "surrogatepass"))

    def _urls(self, text: str) -> str:
        """Return a text with the password of each URL replaced."""
        if "://" not in text:
            return text
        replaced, count = _USERINFO.subn(rf"\1[redacted: {USERINFO}]", text)
        if count:
            self.counts[USERINFO] = self.counts.get(USERINFO, 0) + count
        return replaced

    def value(self, value: Any) -> Any:
        """Return a JSON value with every form of a secret replaced in texts and keys, and each number that is one."""
        if isinstance(value, dict):
            return {self._key(str(key)): self.value(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(child) for child in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return self.text(str(value)) if _bytes(str(value)) in self._names else value
        return self.text(str(value))

    def _key(self, key: str) -> str:
        return key if key in _KEYS else self.text(key)

    def line(self, value: Any, plain: frozenset[str] = frozenset()) -> str:
        """Return a JSON value as one redacted line, without its newline.

        The top-level keys of a mapping keep their names; what stands under those in ``plain`` is kept too.
        """
        line = _encode(value)
        if next(self._found(_bytes(line)), None) or ("://" in line and _USERINFO.search(line)):
            if isinstance(value, dict):
                value = {key: child if key in plain else self.value(child) for key, child in value.items()}
            else:
                value = self.value(value)
            line = _encode(value)
        return _sound(line)


def compact(value: Any) -> str:
    """Return a JSON value on one line; what JSON cannot say (NaN, odd types) becomes text."""
    return _sound(_encode(value))


def _encode(value: Any) -> str:
    try:
        return _ENCODER.encode(value)
    except (ValueError, TypeError):
        return _ENCODER.encode(_sayable(value))


def _sound(line: str) -> str:
    """Return a line that UTF-8 can say: a lone surrogate becomes a question mark."""
    return line if line.isascii() else line.encode("utf-8", "replace").decode()


def _sayable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _sayable(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sayable(child) for child in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
