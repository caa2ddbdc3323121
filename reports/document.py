"""The one model of every document: words and figures in reading order, for any renderer.

All text in it is ready for people, in one language, and printable: its constructors spell out what no page can show.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, TypeVar

from reports.text import columns, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

#: How something is to be read at a glance; the levels of observations and the state of a run.
Tone = Literal["", "ok", "notice", "unknown", "warning", "critical"]
Alignment = Literal["left", "center", "right"]
Scalar = str | int | float | None
#: The part of a heat map's width that its labels have, in percent, and how many columns share the rest at least.
_HEAT_LABEL = 29.0
_HEAT_COLUMNS = 13
#: Where a document is read: on a screen (HTML), on paper (PDF, Word), or in a spreadsheet.
Medium = Literal["screen", "paper", "sheet"]


class _Printable:
    """Makes every text field of a frozen dataclass printable."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if isinstance(value, str):
                object.__setattr__(self, one.name, printable(value))


@dataclass(frozen=True, slots=True)
class Cell(_Printable):
    """A cell of a table; ``number`` is the figure behind the text, for spreadsheets, in the column's unit.

    A ``note`` stands small below the text: technical words that only some readers need.
    """

    text: str
    number: int | float | None = None
    tone: Tone = ""
    anchor: str = ""
    note: str = ""

    @property
    def lines(self) -> str:
        """Return the text and below it the note, where only plain text can stand."""
        return f"{self.text}\n{self.note}" if self.note else self.text


@dataclass(frozen=True)
class Column(_Printable):
    """A column of a table: ``share`` is its part of the width, the shares of all columns being summed."""

    title: str
    share: float = 1
    align: Alignment = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; a ``heading`` row has one cell, which spans the table, its note below it; links lead there."""

    cells: tuple[Cell, ...]
    heading: bool = False


@dataclass(frozen=True)
class Paragraph(_Printable):
    """A paragraph; one with a tone stands out, a ``note`` stands back, one with ``only`` is for that medium alone."""

    text: str
    tone: Tone = ""
    note: bool = False
    only: Medium | None = None


@dataclass(frozen=True)
class Figure(_Printable):
    """One key figure: large value, small label."""

    label: str
    value: str
    tone: Tone = ""
    number: int | float | None = None


@dataclass(frozen=True)
class Figures:
    """Key figures beside each other."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table(_Printable):
    """A table; ``sheet`` names the worksheet of its own that a spreadsheet gives it.

    A ``compact`` one has narrow lines, so that its page holds much; one for the ``overview`` stands in a spreadsheet's
    overview too; one with ``only`` stands nowhere but in that medium.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    sheet: str = ""
    compact: bool = False
    overview: bool = False
    only: Medium | None = None


@dataclass(frozen=True)
class Facts(_Printable):
    """Names and values in two columns; ``pairs`` are (name, value)."""

    pairs: tuple[tuple[str, str], ...]
    title: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "pairs", tuple((printable(name), printable(value)) for name, value in self.pairs))


@dataclass(frozen=True)
class Bar(_Printable):
    """One bar of a chart: ``text`` is its value as people read it."""

    label: str
    value: float
    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Chart(_Printable):
    """Horizontal bars from 0 to ``maximum``; ``marks`` are limits as (value, tone)."""

    title: str
    bars: tuple[Bar, ...]
    maximum: float
    unit: str = ""
    marks: tuple[tuple[float, Tone], ...] = ()
    label_title: str = ""
    value_title: str = ""


@dataclass(frozen=True, slots=True)
class Square(_Printable):
    """One square of a heat map: a letter on the colour of its tone, so that it reads on a grey page, too.

    One that is ``filled`` stands out.
    """

    letter: str = ""
    tone: Tone = ""
    filled: bool = False


@dataclass(frozen=True)
class HeatLine(_Printable):
    """One line of a heat map: what it is of, and a square for each column."""

    label: str
    squares: tuple[Square, ...]
    anchor: str = ""


@dataclass(frozen=True)
class HeatMap(_Printable):
    """Squares in lines and columns; ``groups`` head so many columns each, ``legend`` says what each square means.

    A spreadsheet gives it the worksheet ``sheet``.
    """

    title: str
    columns: tuple[str, ...]
    groups: tuple[tuple[str, int], ...]
    lines: tuple[HeatLine, ...]
    legend: tuple[tuple[Square, str], ...]
    label_title: str
    sheet: str

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the shares of the width: of the labels, then of each column; few columns do not fill the page."""
        return (_HEAT_LABEL, *[(100 - _HEAT_LABEL) / max(len(self.columns), _HEAT_COLUMNS)] * len(self.columns))


@dataclass(frozen=True)
class Signatory(_Printable):
    """A line to sign: what for, for whom, by whom."""

    step: str
    organisation: str
    name: str


@dataclass(frozen=True)
class Signatures:
    """The block that both parties sign and seal; ``titles`` head step, organisation, name, signature, date."""

    titles: tuple[str, str, str, str, str]
    signatories: tuple[Signatory, ...]
    seals: tuple[str, ...]
    date_blank: str
    note: str = ""


@dataclass(frozen=True)
class LedgerHead(_Printable):
    """The head of a site's ledger when the document was made: entry ``sequence``, ``digest`` of 64 hex digits."""

    site: str
    sequence: int
    digest: str

    @property
    def printed(self) -> str:
        """Return the head as footers print it: the number, then 32 hex digits in groups of 8."""
        groups = [self.digest[start : start + 8] for start in range(0, 32, 8)]
        return f"{self.sequence:06d} · {' '.join(groups)}"

    @property
    def payload(self) -> str:
        """Return what the QR code holds."""
        return f"weibao:{self.site}:{self.sequence}:{self.digest[:32]}"


@dataclass(frozen=True)
class Anchor(_Printable):
    """The ledger's head as a block: QR code, printed head, and what it proves."""

    head: LedgerHead
    title: str
    note: str


Part = TypeVar("Part")
Block = Paragraph | Figures | Table | Facts | Chart | HeatMap | Signatures | Anchor


@dataclass(frozen=True)
class Section(_Printable):
    """A numbered part of a document, or a part (``sections``) of such a part.

    ``collapsible`` parts may be folded on a screen, where ``aside`` then tells what is in them; those not for
    ``spreadsheet`` are left out there, those with ``only`` everywhere but in that medium. Of a part that is too long
    to print, paper (PDF, Word) shows only the title and the note ``instead_on_paper``.
    """

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    anchor: str = ""
    tone: Tone = ""
    collapsible: bool = False
    collapsed: bool = False
    spreadsheet: bool = True
    instead_on_paper: str = ""
    numbered: str = ""
    aside: str = ""
    only: Medium | None = None

    @property
    def heading(self) -> str:
        """Return the title with its number, where the part has one."""
        return self.numbered or self.title


@dataclass(frozen=True)
class LazyRows:
    """Rows that are made anew whenever they are read, because they are too many to be held."""

    make: Callable[[], Iterator[tuple[Scalar, ...]]]

    def __iter__(self) -> Iterator[tuple[Scalar, ...]]:
        return self.make()


@dataclass(frozen=True)
class Sheet(_Printable):
    """Flat data that only a spreadsheet shows: a header, then rows of plain values, printable or not.

    ``tones`` gives cells that hold one of these words a tone.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...] | LazyRows
    tones: tuple[tuple[str, Tone], ...] = ()


@dataclass(frozen=True)
class Labels(_Printable):
    """The few words that renderers add: ``page`` has {page} and {pages}."""

    page: str
    overview: str
    chart: str


@dataclass(frozen=True)
class Document(_Printable):
    """A document: its head, its numbered sections, and what stands in the footer of each page."""

    language: str
    title: str
    subtitle: str
    number: str
    version: str
    created: datetime
    author: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str
    labels: Labels
    draft: bool = True
    sheets: tuple[Sheet, ...] = field(default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "facts", tuple((printable(name), printable(value)) for name, value in self.facts))


def shown(parts: Iterable[Part], medium: Medium) -> list[Part]:
    """Return the blocks or sections that stand in a medium."""
    return [part for part in parts if getattr(part, "only", None) in (None, medium)]


def fact_rows(pairs: tuple[tuple[str, str], ...]) -> list[tuple[tuple[str, str], ...]]:
    """Return names and values as rows of two pairs; a long value has a row of its own."""
    rows: list[tuple[tuple[str, str], ...]] = []
    waiting: tuple[str, str] | None = None
    for pair in pairs:
        if columns(pair[1]) > _WIDE:
            rows.extend(((waiting,),) if waiting else ())
            rows.append((pair,))
            waiting = None
        elif waiting:
            rows.append((waiting, pair))
            waiting = None
        else:
            waiting = pair
    return [*rows, (waiting,)] if waiting else rows


#: Beyond this many columns of a typewriter a value does not fit half of a page's width.
_WIDE = 40
