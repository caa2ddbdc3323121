"""The colours of tones, as six hexadecimal digits of red, green and blue; the one home of all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.document import Square

#: Of words, borders and figures.
INK = {"critical": "B42318", "warning": "B54708", "unknown": "6941C6", "notice": "175CD3", "ok": "067647"}
#: Behind words.
SHADE = {"critical": "FEF3F2", "warning": "FFFAEB", "unknown": "F4F3FF", "notice": "EFF8FF", "ok": "ECFDF3"}
#: Of the squares of heat maps: darker than behind words, since a square is small.
SQUARE = {"critical": "FBC8C3", "warning": "FCDDB0", "unknown": "E2DDFC", "notice": "D6E9FB", "ok": "CDEBDB"}
#: Of bars; those without a tone are PLAIN.
BAR = {"critical": "D92D20", "warning": "F79009", "unknown": "9B8AFB", "notice": "53B1FD", "ok": "3F9C6F"}
PLAIN = "6B7A90"
#: Of the part of a bar that is not filled.
TRACK = "EDF0F4"

TEXT = "1D2433"
SOFT = "5B6475"
LINE = "D5DAE3"
#: Behind the heads of tables.
HEAD = "F4F6F9"


def square(one: Square) -> tuple[str, str]:
    """Return what stands behind a square of a heat map, and the ink of its letter."""
    if not one.letter:
        return "FFFFFF", TEXT
    if one.filled:
        return INK.get(one.tone, PLAIN), "FFFFFF"
    return SQUARE.get(one.tone, TRACK), INK.get(one.tone, TEXT)
