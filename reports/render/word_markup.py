"""WordprocessingML as text: whole tables at once, since one object per cell takes minutes for many hosts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from reports.render import palette
from reports.render.palette import HEAD, INK, SHADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.document import Cell, HeatMap, Square, Table

_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

#: The width of the text in twentieths of a point: A4 less the margins of 28 and 26 mm.
TEXT_WIDTH = round((210 - 28 - 26) / 25.4 * 1440)

_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="9AA3B2"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


def run(text: str, *, bold: bool = False, tone: str = "", colour: str = "", shade: str = "") -> str:
    """Return a run of text, its line ends as breaks; ``colour`` stands where no tone gives one."""
    properties = "<w:b/>" if bold else ""
    properties += f'<w:color w:val="{INK.get(tone, colour)}"/>' if tone in INK or colour else ""
    properties += f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line, quote=False)}</w:t>' for line in text.split("\n"))
    return f"<w:r><w:rPr>{properties}</w:rPr>{lines}</w:r>"


def field(code: str) -> str:
    """Return a field that Word computes, such as PAGE."""
    return f'<w:fldSimple w:instr="{code}"><w:r><w:t>1</w:t></w:r></w:fldSimple>'


def paragraph(runs: str, style: str, *, align: str = "", tone: str = "", keep_next: bool = False) -> str:
    """Return a paragraph; one with a tone has its shade and a bar at its left."""
    properties = f'<w:pStyle w:val="{style}"/>' + ("<w:keepNext/>" if keep_next else "")
    if tone in INK:
        properties += f'<w:pBdr><w:left w:val="single" w:sz="36" w:space="6" w:color="{INK[tone]}"/></w:pBdr>'
        properties += f'<w:shd w:val="clear" w:color="auto" w:fill="{SHADE[tone]}"/>'
    properties += f'<w:jc w:val="{align}"/>' if align else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"


def cell(content: str, width: int, *, span: int = 1, shade: str = "", middle: bool = False) -> str:
    """Return a table cell around paragraphs; ``width`` in twentieths of a point."""
    properties = f'<w:tcW w:w="{width}" w:type="dxa"/>'
    properties += f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    properties += f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    properties += '<w:vAlign w:val="center"/>' if middle else ""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def row(cells: str, *, header: bool = False, height: int = 0) -> str:
    """Return a table row that is not split over pages; a ``header`` row is repeated on each."""
    properties = "<w:cantSplit/>"
    properties += f'<w:trHeight w:val="{height}" w:hRule="atLeast"/>' if height else ""
    properties += "<w:tblHeader/>" if header else ""
    return f"<w:tr><w:trPr>{properties}</w:trPr>{cells}</w:tr>"


def grid(rows: str, widths: Sequence[int], *, padding: int = 25, sides: int = 70) -> str:
    """Return a table of fixed column widths; padding, and that at the sides, in twentieths of a point."""
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    margins = (
        f'<w:tblCellMar><w:top w:w="{padding}" w:type="dxa"/><w:left w:w="{sides}" w:type="dxa"/>'
        f'<w:bottom w:w="{padding}" w:type="dxa"/>'
        f'<w:right w:w="{sides}" w:type="dxa"/></w:tblCellMar>'
    )
    return (
        f'<w:tbl xmlns:w="{_NAMESPACE}"><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f"<w:tblBorders>{_BORDERS}</w:tblBorders>"
        f'<w:tblLayout w:type="fixed"/>{margins}</w:tblPr><w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl>'
    )


def standalone(markup: str) -> str:
    """Return a paragraph's markup as an XML document of its own."""
    return markup.replace("<w:p>", f'<w:p xmlns:w="{_NAMESPACE}">', 1)


def shares(parts: Sequence[float]) -> list[int]:
    """Return the text's width divided by shares."""
    return [round(TEXT_WIDTH * part / sum(parts)) for part in parts]


def table(block: Table) -> str:
    """Return a table of the document model."""
    widths = shares([column.share for column in block.columns])
    aligns = [column.align for column in block.columns]
    style = "TableLine" if block.compact else "TableText"
    header = "".join(
        cell(paragraph(run(column.title, bold=True), style, align=column.align), width, shade=HEAD)
        for column, width in zip(block.columns, widths, strict=True)
    )
    rows = [row(header, header=True)]
    for one in block.rows:
        if one.heading:
            title = paragraph(run(one.cells[0].text, bold=True), "TableText", keep_next=True)
            if one.cells[0].note:
                title += paragraph(run(one.cells[0].note), "Aside", keep_next=True)
            rows.append(row(cell(title, TEXT_WIDTH, span=len(widths), shade="FAFBFC")))
        else:
            rows.append(row("".join(map(_cell, one.cells, widths, aligns, [style] * len(widths)))))
    return grid("".join(rows), widths, padding=5 if block.compact else 25)


def _cell(content: Cell, width: int, align: str, style: str) -> str:
    bold = content.tone in ("critical", "warning")
    text = paragraph(run(content.text, bold=bold, tone=content.tone), style, align=align)
    note = paragraph(run(content.note), "Aside", align=align) if content.note else ""
    return cell(text + note, width)


def heat_map(block: HeatMap) -> str:
    """Return a heat map as a table, whose head each page repeats."""
    widths = [round(TEXT_WIDTH * share / 100) for share in block.shares]
    label, square = widths[0], widths[1]
    groups = [("", 1, label), *((title, count, count * square) for title, count in block.groups)]
    titles = [(block.label_title, 1, label), *((title, 1, square) for title in block.columns)]
    rows = [
        row("".join(_heat_cell(run(title), width, span=span, shade=HEAD) for title, span, width in cells), header=True)
        for cells in (groups, titles)
    ]
    for line in block.lines:
        cells = [_heat_cell(run(line.label), label, align="left")]
        cells += [_square(one, square) for one in line.squares]
        rows.append(row("".join(cells)))
    return grid("".join(rows), widths, padding=0, sides=12)


def _square(one: Square, width: int) -> str:
    behind, ink = palette.square(one)
    return _heat_cell(run(one.letter, colour=ink), width, shade=behind if one.letter else "")


def _heat_cell(text: str, width: int, *, span: int = 1, shade: str = "", align: str = "center") -> str:
    return cell(paragraph(text, "Square", align=align), width, span=span, shade=shade)


def legend(block: HeatMap) -> str:
    """Return the paragraph that says what each square of a heat map means."""
    runs = []
    for one, word in block.legend:
        behind, ink = palette.square(one)
        runs += [run(f" {one.letter} ", colour=ink, shade=behind), run(f" {word}\u3000")]
    return paragraph("".join(runs), "TableText", keep_next=True)


def facts(rows: Sequence[Sequence[tuple[str, str]]], widths: Sequence[int]) -> str:
    """Return names and values as a table of four columns; a lone pair spans them."""
    drawn = []
    for pairs in rows:
        cells = []
        for place, (name, value) in enumerate(pairs):
            label, own = widths[2 * place], widths[2 * place + 1]
            span = len(widths) - 1 if len(pairs) == 1 else 1
            cells.append(cell(paragraph(run(name, bold=True), "TableText"), label, shade=HEAD))
            cells.append(cell(paragraph(run(value), "TableText"), sum(widths[1:]) if span > 1 else own, span=span))
        drawn.append(row("".join(cells)))
    return grid("".join(drawn), widths)
