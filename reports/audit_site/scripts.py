"""Data as scripts: a page that was opened from a folder may load scripts, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.catalogue import LANGUAGES, load_catalogue
from reports.text import printable
from reports.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import tzinfo
    from pathlib import Path

#: A text in both languages: one string where they agree, else the Chinese and the English one.
Both = str | list[str]

#: Where the data lies, from the top of the pack.
FOLDER = "site/data"


def script(name: str, value: Any) -> bytes:
    """Return the file that hands a value to the site under a name: ASCII only, no markup anywhere in it."""
    text = json.dumps(clean(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"Site.take({json.dumps(name)},{text});\n".encode("ascii")


def path_of(name: str) -> str:
    """Return where the script of a name lies in the pack."""
    return f"{FOLDER}/{name}.js"


def clean(value: Any) -> Any:
    """Return a value of JSON with every text printable, keys too; figures that JSON does not know as text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): clean(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN
        return str(value)
    return value


def parts(values: Sequence[Any], each: int) -> Iterator[list[Any]]:
    """Yield values in lists of so many."""
    for start in range(0, len(values), each):
        yield list(values[start : start + each])


@dataclass(frozen=True)
class Tongues:
    """The words of both languages in one zone."""

    words: tuple[Wording, ...]

    @classmethod
    def load(cls, overlay: Path | None, zone: tzinfo | None) -> Tongues:
        """Return the words of every language, with a site's own laid over them."""
        return cls(tuple(Wording(load_catalogue(language, overlay), zone) for language in LANGUAGES))

    def both(self, tell: Callable[[Wording], str]) -> Both:
        """Return what is told in each language."""
        return same([tell(words) for words in self.words])

    def word(self, table: str, key: str, *path: Any) -> Both:
        """Return a word of the catalogue."""
        return self.both(lambda words: words.catalogue.word(table, key, *path))

    def time(self, moment: Any) -> str:
        """Return a moment, given as ISO text, to the second in the zone of the contract; what is none as it is."""
        try:
            return f"{self.words[0].local(datetime.fromisoformat(str(moment))):%Y-%m-%d %H:%M:%S}"
        except ValueError:
            return str(moment)

    def offset(self, moment: datetime) -> str:
        """Return how far the zone is from UTC at a moment, such as +08:00."""
        return self.words[0].local(moment).isoformat()[-6:]


def same(texts: Iterable[str]) -> Both:
    """Return one text where all are the same, else all."""
    found = list(texts)
    return found[0] if len(set(found)) == 1 else found
