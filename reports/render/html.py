"""HTML: one file that needs nothing else, for screens and, through its print style, for paper and PDF."""

from __future__ import annotations

import io
import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.document import Chart, Table, fact_rows, shown
from reports.render import palette

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.document import Block, Cell, Column, Document, Medium, Section, Square

_TEMPLATES = Path(__file__).parents[1] / "templates"

#: Faces of Chinese official papers, then what the same face is called elsewhere, then what Debian has. No Latin face
#: stands before them: fontconfig would replace a missing one by a face that does not match.
_FONTS: dict[str, Markup] = {
    "song": Markup('SimSun, "Songti SC", "Noto Serif CJK SC", "Source Han Serif SC", serif'),
    "fangsong": Markup('FangSong, FangSong_GB2312, STFangsong, "Noto Serif CJK SC", serif'),
    "hei": Markup('SimHei, "Heiti SC", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif'),
}


def render(document: Document) -> bytes:
    """Return the document as one HTML file."""
    return html(document).encode()


def html(document: Document, *, paper: bool = False) -> str:
    """Return the document as the text of one HTML file; for ``paper`` without what is too long to print."""
    template = _environment().get_template("document.html")
    medium: Medium = "paper" if paper else "screen"
    return template.render(
        document=document,
        fonts=_FONTS,
        palette=palette,
        paper=paper,
        shown=lambda parts: shown(parts, medium),
        targets=frozenset(_anchors(document.sections, medium)),
    )


def _anchors(sections: Iterable[Section], medium: Medium) -> Iterator[str]:
    """Yield the anchors that a medium has: a link to another would lead nowhere."""
    for section in shown(sections, medium):
        yield section.anchor
        if medium != "paper" or not section.instead_on_paper:
            for block in shown(section.blocks, medium):
                if isinstance(block, Table):
                    yield from (row.cells[0].anchor for row in block.rows if row.heading and row.cells[0].anchor)
            yield from _anchors(section.sections, medium)


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "cell_class": _cell_class,
        "css": _css,
        "fact_rows": fact_rows,
        "fill": lambda tone: f"#{palette.BAR.get(tone, palette.PLAIN)}",
        "groups": _groups,
        "square": _square,
        "kind": lambda block: type(block).__name__,
        "page_counter": _page_counter,
        "qr": _qr,
        "share": _share,
    }
    return environment


def _share(column: Column, table: Table) -> str:
    return f"{100 * column.share / sum(one.share for one in table.columns):.2f}"


def _cell_class(cell: Cell, column: Column) -> Markup:
    names = " ".join(name for name in (cell.tone, column.align if column.align != "left" else "") if name)
    return Markup(' class="{}"').format(names) if names else Markup()


def _square(one: Square) -> Markup:
    behind, ink = palette.square(one)
    return Markup(' style="background:#{};color:#{}"').format(behind, ink) if one.letter else Markup()


def _groups(blocks: list[Block]) -> list[tuple[bool, list[Block]]]:
    """Return blocks in their order, neighbouring charts together."""
    return [(charts, list(found)) for charts, found in groupby(blocks, key=lambda one: isinstance(one, Chart))]


def _css(text: str) -> Markup:
    """Return a text for a CSS string, every character escaped that could end it."""
    return Markup("".join(one if one.isascii() and one.isalnum() else f"\\{ord(one):06x}" for one in text))  # noqa: S704


def _page_counter(template: str) -> Markup:
    """Return CSS content that counts pages, from words with {page} and {pages}."""
    parts = re.split(r"\{(pages?)\}", template)
    quoted = [f"counter({part})" if place % 2 else f'"{_css(part)}"' for place, part in enumerate(parts)]
    return Markup(" ".join(quoted))  # noqa: S704 - digits, letters and escapes only


def _qr(payload: str) -> Markup:
    drawn = io.BytesIO()
    segno.make_qr(payload, error="m").save(
        drawn, kind="svg", xmldecl=False, omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - segno draws paths; the payload is not in them
