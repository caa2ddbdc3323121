"""Text that any format can hold: what hosts send may carry anything."""

from __future__ import annotations

import re

#: Controls (C0 but tab and newline, DEL, C1), invisible and direction-changing characters, surrogates, noncharacters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)

ELLIPSIS = "…"

_FIGURES = re.compile(r"[0-9]+")


def printable(text: str) -> str:
    """Return the text with every character that a page cannot show spelled out, such as ``<U+202E>``."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda match: f"<U+{ord(match.group()):04X}>", text.replace("\r\n", "\n"))


def shorten(text: str, length: int) -> str:
    """Return the text on one line, cut to at most so many characters, the last one then an ellipsis."""
    line = " ".join(text[: length * 4].split())
    cut = len(line) > length or len(text) > length * 4
    return line[: length - 1].rstrip() + ELLIPSIS if cut else line


def without_figures(message: str, name: str) -> str:
    """Return what a host said, its own name and figures (its address) aside, so that equal failures are equal."""
    return _FIGURES.sub("#", message.replace(name, ""))


def columns(text: str) -> int:
    """Return how many columns of a typewriter a text takes: two for each Chinese character."""
    return sum(2 if character > "\u2e80" else 1 for character in text)


def lines_needed(text: str, width: float) -> int:
    """Return how many lines a text takes where each has so many columns of a typewriter."""
    return max(1, sum(-(-columns(line) // int(width)) or 1 for line in text.split("\n")))


def cut(text: str, width: int) -> str:
    """Return the text cut to at most so many columns of a typewriter, then with an ellipsis at its end."""
    if columns(text) <= width:
        return text
    kept, left = [], width - 1
    for character in text:
        left -= columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ELLIPSIS


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key that sorts web-2 before web-10."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if place % 2 else (1, 0, part) for place, part in enumerate(parts)]
