"""Word: real tables, styles and fields, so that staff can edit what they were given."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import segno
from docx import api
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from reports.document import (
    Anchor,
    Cell,
    Chart,
    Column,
    Facts,
    Figures,
    HeatMap,
    Paragraph,
    Row,
    Section,
    Signatures,
    Table,
    fact_rows,
    shown,
)
from reports.render import RenderingUnavailable, palette
from reports.render import word_markup as markup
from reports.render.dated import dated

if TYPE_CHECKING:
    from reports.document import Block, Document

#: Latin face, Chinese face, points, bold. Word knows the Chinese faces by these names in every language.
_STYLES: dict[str, tuple[str, str, float, bool]] = {
    "Normal": ("Times New Roman", "FangSong", 11, False),
    "Title": ("Times New Roman", "SimSun", 22, True),
    "Subtitle": ("Times New Roman", "SimSun", 13, False),
    "Heading 1": ("Arial", "SimHei", 14, True),
    "Heading 2": ("Arial", "SimHei", 11, True),
    "Caption": ("Arial", "SimHei", 10, True),
    "TableText": ("Times New Roman", "FangSong", 9, False),
    "TableLine": ("Times New Roman", "FangSong", 8, False),
    "Note": ("Times New Roman", "FangSong", 9, False),
    "Lead": ("Arial", "SimHei", 10, False),
    "Figure": ("Arial", "SimHei", 15, True),
    "Gap": ("Arial", "SimHei", 4, False),
    "Aside": ("Times New Roman", "FangSong", 7, False),
    "Square": ("Arial", "SimHei", 6, False),
    "Header": ("Times New Roman", "SimSun", 8, False),
    "Footer": ("Times New Roman", "SimSun", 8, False),
}

#: Points between the lines where a page must hold much: faces differ in the height that they ask for.
_LINES = {
    "Title": 28.0,
    "Subtitle": 18.0,
    "Heading 1": 19.0,
    "Caption": 13.5,
    "Lead": 14.5,
    "Figure": 18.0,
    "TableText": 12.0,
    "TableLine": 10.0,
    "Gap": 4.0,
    "Aside": 8.5,
    "Square": 8.0,
}


def render(document: Document) -> bytes:
    """Return the document as a Word file."""
    return _Writer(document).write()


class _Writer:
    """Writes one document into one Word file, block after block."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.file = api.Document()

    def write(self) -> bytes:
        self._properties()
        self._styles()
        self._page()
        self._head()
        for section in self.document.sections:
            self._section(section, 1)
        written = io.BytesIO()
        self.file.save(written)
        return dated(written.getvalue(), self.document.created)

    # -- the frame ---------------------------------------------------------------------------------------

    def _properties(self) -> None:
        properties, document = self.file.core_properties, self.document
        properties.title, properties.author = document.title[:255], document.author[:255]
        properties.identifier, properties.version = document.number[:255], document.version[:255]
        properties.language = "zh-CN" if document.language == "zh" else document.language
        properties.comments = properties.last_modified_by = ""
        properties.created = properties.modified = document.created.replace(tzinfo=None, microsecond=0)

    def _styles(self) -> None:
        styles = self.file.styles
        for name, (latin, chinese, points, bold) in _STYLES.items():
            style = styles[name] if name in styles else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            style.font.size, style.font.bold, style.font.italic = Pt(points), bold, False
            style.font.color.rgb = RGBColor.from_string(palette.TEXT)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            fonts.attrib.clear()
            for script, face in (("ascii", latin), ("hAnsi", latin), ("cs", latin), ("eastAsia", chinese)):
                fonts.set(qn(f"w:{script}"), face)
            shape = style.paragraph_format
            shape.space_before, shape.space_after = Pt(0), Pt(4 if name in ("Normal", "Note", "Subtitle") else 0)
            shape.line_spacing = Pt(_LINES[name]) if name in _LINES else 1.25
        for name, before in (("Heading 1", 12), ("Heading 2", 9), ("Caption", 7)):
            shape = styles[name].paragraph_format
            shape.space_before, shape.space_after, shape.keep_with_next = Pt(before), Pt(3), True
        styles["Note"].paragraph_format.keep_with_next = True
        for name in ("Title", "Subtitle"):
            styles[name].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
            for border in styles[name].element.findall(f".//{qn('w:pBdr')}"):
                border.getparent().remove(border)

        for language in styles.element.xpath("w:docDefaults/w:rPrDefault/w:rPr/w:lang"):
            language.set(qn("w:eastAsia"), "zh-CN")

    def _page(self) -> None:
        page = self.file.sections[0]
        page.page_width, page.page_height = Mm(210), Mm(297)
        page.top_margin, page.bottom_margin, page.left_margin, page.right_margin = Mm(37), Mm(35), Mm(28), Mm(26)
        page.header_distance, page.footer_distance = Mm(25), Mm(22)
        document = self.document
        head = f"{document.title} · {document.number} · {document.version}"
        self._replace(page.header, markup.paragraph(markup.run(head), "Header", align="right"))
        parts = re.split(r"\{(page|pages)\}", document.labels.page)
        names = {"page": "PAGE", "pages": "NUMPAGES"}
        count = "".join(
            markup.field(names[part]) if place % 2 else markup.run(part) for place, part in enumerate(parts)
        )
        foot = markup.run(f"{document.footer}\u3000\u3000")
        self._replace(page.footer, markup.paragraph(f"{foot}{count}", "Footer", align="center"))

    @staticmethod
    def _replace(part: Any, paragraph: str) -> None:
        part.is_linked_to_previous = False
        for old in part.paragraphs:
            old._element.getparent().remove(old._element)  # noqa: SLF001 - python-docx has no other way to remove
        part._element.append(parse_xml(markup.standalone(paragraph)))  # noqa: SLF001 - nor to add markup

    def _head(self) -> None:
        document = self.document
        self.file.add_paragraph(document.title, style="Title")
        if document.subtitle:
            self.file.add_paragraph(document.subtitle, style="Subtitle")
        self._add(markup.facts(fact_rows(document.facts), markup.shares((17, 35, 17, 31))))

    def _add(self, xml: str) -> None:
        """Append the markup of one table or paragraph to the text."""
        self.file.element.body.insert_element_before(parse_xml(xml), "w:sectPr")

    def _say(self, text: str, style: str, **look: Any) -> None:
        self._add(markup.standalone(markup.paragraph(markup.run(text), style, **look)))

    def _section(self, section: Section, depth: int) -> None:
        self.file.add_heading(section.heading, depth)
        if section.instead_on_paper:
            self._say(section.instead_on_paper, "Normal")
            return
        for block in shown(section.blocks, "paper"):
            self._block(block)
        for part in shown(section.sections, "paper"):
            self._section(part, depth + 1)

    # -- blocks ------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        match block:
            case Paragraph():
                self._paragraph(block)
            case Figures():
                self._figures(block)
            case Table():
                self._table(block)
            case Facts():
                self._facts(block)
            case Chart():
                self._chart(block)
            case HeatMap():
                self._heat_map(block)
            case Signatures():
                self._signatures(block)
            case Anchor():
                self._anchor(block)

    def _paragraph(self, block: Paragraph) -> None:
        self._say(block.text, "Lead" if block.tone else "Note" if block.note else "Normal", tone=block.tone)

    def _figures(self, block: Figures) -> None:
        widths = markup.shares([1] * len(block.figures))
        cells = "".join(
            markup.cell(
                markup.paragraph(markup.run(one.value, bold=True, tone=one.tone), "Figure", align="center")
                + markup.paragraph(markup.run(one.label), "TableText", align="center"),
                width,
            )
            for one, width in zip(block.figures, widths, strict=True)
        )
        self._gap()
        self._add(markup.grid(markup.row(cells), widths))

    def _table(self, block: Table) -> None:
        if block.title:
            self._say(block.title, "Caption")
        self._add(markup.table(block))
        self._gap()

    def _facts(self, block: Facts) -> None:
        if block.title:
            self._say(block.title, "Caption")
        self._add(markup.facts([(pair,) for pair in block.pairs], markup.shares((25, 75))))
        self._gap()

    def _chart(self, block: Chart) -> None:
        from reports.render import charts  # noqa: PLC0415 - a document without charts needs no matplotlib

        try:
            picture = charts.png(block, self.document.language)
        except RenderingUnavailable:
            self._table(_as_table(block))
            return
        self._say(block.title, "Caption")
        self.file.add_picture(io.BytesIO(picture), width=Mm(150))

    def _heat_map(self, block: HeatMap) -> None:
        self._say(block.title, "Caption")
        self._add(markup.standalone(markup.legend(block)))
        self._add(markup.heat_map(block))
        self._gap()

    def _signatures(self, block: Signatures) -> None:
        if block.note:
            self._say(block.note, "Note")
        widths = markup.shares((20, 28, 14, 17, 21))
        titles = "".join(
            markup.cell(markup.paragraph(markup.run(title, bold=True), "TableText"), width, shade=palette.HEAD)
            for title, width in zip(block.titles, widths, strict=True)
        )
        rows = [markup.row(titles, header=True)]
        for one in block.signatories:
            texts = (one.step, one.organisation, one.name, "", block.date_blank)
            cells = "".join(
                markup.cell(markup.paragraph(markup.run(text), "TableText"), width, middle=True)
                for text, width in zip(texts, widths, strict=True)
            )
            rows.append(markup.row(cells, height=560))
        self._add(markup.grid("".join(rows), widths))
        self._gap()
        halves = markup.shares([1] * len(block.seals))
        seals = "".join(
            markup.cell(markup.paragraph(markup.run(seal), "TableText"), width)
            for seal, width in zip(block.seals, halves, strict=True)
        )
        self._add(markup.grid(markup.row(seals, height=1700), halves))
        self._gap()

    def _anchor(self, block: Anchor) -> None:
        drawn = io.BytesIO()
        segno.make_qr(block.head.payload, error="m").save(drawn, kind="png", scale=8, border=2)
        table = self.file.add_table(1, 2)
        table.autofit = False
        for column, width in zip(table.columns, (28, 128), strict=True):
            column.width = Mm(width)
        row = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx knows no rows that stay whole
        row.append(OxmlElement("w:cantSplit"))
        picture, text = table.rows[0].cells
        picture.width, text.width = Mm(28), Mm(128)
        picture.paragraphs[0].add_run().add_picture(io.BytesIO(drawn.getvalue()), width=Mm(22))
        text.paragraphs[0].add_run(block.title)
        text.paragraphs[0].style = "Caption"
        for words, style in ((block.head.printed, "Normal"), (block.note, "Note")):
            text.add_paragraph(words, style)

    def _gap(self) -> None:
        self._add(markup.standalone(markup.paragraph("", "Gap")))


def _as_table(chart: Chart) -> Table:
    """Return a chart's values as a table, for a machine that cannot draw their words."""
    columns = (Column(chart.label_title, 3), Column(chart.value_title, 1, "right"))
    rows = tuple(Row((Cell(bar.label), Cell(bar.text, bar.value, bar.tone))) for bar in chart.bars)
    return Table(columns, rows, chart.title)
