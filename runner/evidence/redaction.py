"""Known secrets are replaced before anything touches the disk.

A secret can stand in an event as it is, escaped, quoted or encoded; every such form is replaced by
``[redacted: NAME]``. Replacing never fails and never drops the event: evidence of what was done is kept.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Shorter values would blank ordinary words; they are named in the manifest as not redacted.
MINIMUM_LENGTH = 6


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


def forms_of(secret: str) -> set[str]:
    """Return every form in which a secret is looked for."""
    raw = secret.encode("utf-8", "surrogateescape")
    plain = {
        secret,
        *(line.strip() for line in secret.splitlines() if len(line.strip()) >= 2 * MINIMUM_LENGTH),
    }
    forms = set(plain)
    for text in plain:
        forms.update((quote(text, safe=""), quote(text), quote_plus(text), shlex.quote(text)[1:-1], repr(text)[1:-1]))
        forms.update((json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]))
    forms.update(_base64_forms(raw))
    forms.update((raw.hex(), raw.hex().upper()))
    return {form for form in forms if len(form) >= MINIMUM_LENGTH}


class Redactor:
    """Replaces the forms of known secrets, and counts what it replaced, by name."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take secrets as ``name: value``; values below MINIMUM_LENGTH are listed in ``too_short``."""
        self.counts: dict[str, int] = {}
        self.too_short = tuple(sorted(name for name, value in secrets.items() if 0 < len(value) < MINIMUM_LENGTH))
        names = {
            form: name
            for name, value in sorted(secrets.items(), reverse=True)
            if len(value) >= MINIMUM_LENGTH
            for form in forms_of(value)
        }
        # Longest first, so that a form that contains another is replaced as a whole.
        self._names = dict(sorted(names.items(), key=lambda item: (-len(item[0]), item[0])))
        self._needles = tuple({json.dumps(form, ensure_ascii=False)[1:-1] for form in self._names})

    def touches(self, line: str) -> bool:
        """Return whether a line of JSON holds any form of a secret; fast, for every event."""
        return any(needle in line for needle in self._needles)

    def text(self, text: str) -> str:
        """Return a text with every form of a secret replaced."""
        for form, name in self._names.items():
            if form in text:
                self.counts[name] = self.counts.get(name, 0) + text.count(form)
                text = text.replace(form, f"[redacted: {name}]")
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value with every form of a secret replaced: in texts, keys and numbers."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(child) for child in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            replaced = self.text(str(value))
            return value if replaced == str(value) else replaced
        return value

    def line(self, value: Any) -> str:
        """Return a JSON value as one redacted line, without its newline."""
        line = compact(value)
        return compact(self.value(value)) if self.touches(line) else line


def compact(value: Any) -> str:
    """Return a JSON value on one line; what JSON cannot say (NaN, odd types) becomes text."""
    try:
        line = _ENCODER.encode(value)
    except (ValueError, TypeError):
        line = _ENCODER.encode(_sayable(value))
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
