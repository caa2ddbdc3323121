"""The colours of tones, as six hexadecimal digits of red, green and blue; the one home of all formats."""

from __future__ import annotations

#: Of words, borders and figures.
INK = {"critical": "B42318", "warning": "B54708", "unknown": "6941C6", "notice": "175CD3", "ok": "067647"}
#: Behind words.
SHADE = {"critical": "FEF3F2", "warning": "FFFAEB", "unknown": "F4F3FF", "notice": "EFF8FF", "ok": "ECFDF3"}
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
