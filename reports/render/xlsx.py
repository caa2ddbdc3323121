"""Excel: an overview, a worksheet for each table worth filtering, Excel's own charts, and the data as sealed."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from itertools import chain, islice
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import segno
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from reports.document import (
    Anchor,
    Cell,
    Chart,
    Facts,
    Figures,
    HeatMap,
    LazyRows,
    Paragraph,
    Row,
    Sheet,
    Signatures,
    Table,
    shown,
)
from reports.render import heat_map, palette
from reports.text import columns, lines_needed, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.document import Block, Column, Document, Scalar, Section

_LINE = f"#{palette.LINE}"
_HEAD = f"#{palette.HEAD}"
_SOFT = f"#{palette.SOFT}"
_HEADER: dict[str, Any] = {"bold": True, "border": 1, "border_color": _LINE, "bg_color": _HEAD}
_LINK = f"#{palette.INK['notice']}"
#: Excel's own limits.
_CELL_LENGTH = 32_767
_SHEET_NAME = 31
_SHEET_ROWS = 1_048_575  # below the header
#: So many rows tell how wide a column of flat data is.
_SAMPLED_ROWS = 300
#: Columns of the overview and of charts, in characters.
_OVERVIEW_COLUMNS = 6
_OVERVIEW_WIDTH = 24


def render(document: Document) -> bytes:
    """Return the document as an Excel workbook; no text in it is ever taken for a formula.

    Raises OSError where the temporary files of a large one find no room; nothing of them is left.
    """
    with TemporaryDirectory(prefix="weibao-") as folder:
        writer = _Writer(document, folder)
        try:
            return writer.write()
        except FileCreateError as error:
            raise OSError(*error.args[0].args) from error
        finally:
            writer.close_files()


class _Writer:
    """Writes one document into one workbook; ``row`` is the next free row of the overview."""

    def __init__(self, document: Document, folder: str) -> None:
        """Take the document, and a folder for temporary files."""
        self.document = document
        self.written = io.BytesIO()
        #: Lazy rows are too many for the memory: they go through temporary files.
        self.large = any(isinstance(sheet.rows, LazyRows) for sheet in document.sheets)
        options = {
            "in_memory": not self.large,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.book = xlsxwriter.Workbook(self.written, options)
        self.names: set[str] = set()
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self.overview = self._sheet(document.labels.overview)
        self.charts: Any = None
        self.chart_row = 0
        self.row = 0

    def write(self) -> bytes:
        document = self.document
        self.book.set_properties(
            {
                "title": document.title,
                "author": document.author,
                "subject": document.number,
                "created": document.created.replace(tzinfo=None, microsecond=0),
            }
        )
        self.overview.set_column(0, _OVERVIEW_COLUMNS - 1, _OVERVIEW_WIDTH)
        self.overview.hide_gridlines(2)
        self._merged(document.title, bold=True, font_size=20, align="center")
        if document.subtitle:
            self._merged(document.subtitle, font_size=13, align="center")
        self._facts(document.facts)
        for section in document.sections:
            self._section(section)
        self._merged(document.footer, font_color=_SOFT, font_size=9)
        for sheet in document.sheets:
            self._data(sheet)
        self._paper(self.overview)
        self.book.close()
        return self.written.getvalue()

    def close_files(self) -> None:
        """Close the temporary files of lazy rows, which xlsxwriter leaves open where it fails."""
        for sheet in self.book.worksheets():
            file = getattr(sheet, "row_data_fh", None)
            with suppress(OSError):
                if file:
                    file.close()

    # -- parts -------------------------------------------------------------------------------------------

    def _format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format({"valign": "top", "text_wrap": True, **look})
        return self.formats[key]

    def _sheet(self, title: str) -> Any:
        name = plain = re.sub(r"[\[\]:*?/\\']", " ", title).strip()[:_SHEET_NAME] or "-"
        count = 1
        while name.casefold() in self.names:
            count += 1
            name = f"{plain[: _SHEET_NAME - 4]} {count}"
        self.names.add(name.casefold())
        return self.book.add_worksheet(name)

    def _paper(self, sheet: Any) -> None:
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L&8{self.document.footer.replace('&', '&&')}&R&8&P / &N")

    def _merged(self, text: str, **look: Any) -> None:
        """Write a text over the width of the overview, as high as it needs."""
        self.overview.merge_range(self.row, 0, self.row, _OVERVIEW_COLUMNS - 1, "", self._format(**look))
        self.overview.write_string(self.row, 0, _fitting(text), self._format(**look))
        points = look.get("font_size", 11)
        lines = lines_needed(text, _OVERVIEW_COLUMNS * _OVERVIEW_WIDTH * 11 / points)
        self.overview.set_row(self.row, 1.5 * points * lines)
        self.row += 1

    def _facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        for name, value in pairs:
            self.overview.write_string(self.row, 0, name, self._format(**_HEADER))
            look = self._format(border=1, border_color=_LINE)
            self.overview.merge_range(self.row, 1, self.row, _OVERVIEW_COLUMNS - 1, "", look)
            self.overview.write_string(self.row, 1, _fitting(value), look)
            self.overview.set_row(self.row, 16 * lines_needed(value, (_OVERVIEW_COLUMNS - 1) * _OVERVIEW_WIDTH))
            self.row += 1
        self.row += 1

    def _section(self, section: Section) -> None:
        if not section.spreadsheet:
            return
        self._merged(section.title, bold=True, font_size=14, bottom=2)
        for block in shown(section.blocks, "sheet"):
            self._block(block)
        for part in shown(section.sections, "sheet"):
            self._section(part)
        self.row += 1

    def _block(self, block: Block) -> None:
        match block:
            case Paragraph():
                self._merged(block.text, **_tone(block.tone))
            case Figures():
                self._figures(block)
            case Table():
                self._table(block)
            case Facts():
                self._facts(block.pairs)
            case Chart():
                self._chart(block)
            case HeatMap():
                self._heat_map(block)
            case Signatures():
                self._signatures(block)
            case Anchor():
                self._anchor(block)

    def _figures(self, block: Figures) -> None:
        lines = -(-len(block.figures) // _OVERVIEW_COLUMNS) or 1
        for place, one in enumerate(block.figures):
            line, column = divmod(place, -(-len(block.figures) // lines))
            row = self.row + 2 * line
            colour = f"#{palette.INK.get(one.tone, palette.TEXT)}"
            look = self._format(bold=True, font_size=20, align="center", font_color=colour, top=5, top_color=colour)
            self._put(self.overview, row, column, Cell(one.value, one.number), look)
            self.overview.write_string(row + 1, column, one.label, self._format(align="center", font_color=_SOFT))
            self.overview.set_row(row, 30)
        self.row += 2 * lines + 1

    def _table(self, block: Table) -> None:
        if block.overview or not block.sheet:
            if block.title:
                self._merged(block.title, bold=True)
            self._overview_rows(block)
        if not block.sheet:
            return
        sheet = self._sheet(block.sheet)
        total = sum(column.share for column in block.columns)
        widths = [max(9, round(150 * column.share / total)) for column in block.columns]
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        last = self._rows(sheet, 0, block, widths)
        sheet.autofilter(0, 0, max(last - 1, 1), len(block.columns) - 1)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        self._paper(sheet)
        self._link(sheet, f"{block.sheet} ({len(block.rows)})")

    def _overview_rows(self, block: Table) -> None:
        """Write a table over the whole width of the overview, the widest columns over several of its columns."""
        spans = [1] * len(block.columns)
        for _ in range(_OVERVIEW_COLUMNS - len(spans)):
            widest = max(range(len(spans)), key=lambda place: block.columns[place].share / spans[place])
            spans[widest] += 1
        starts = [sum(spans[:place]) for place in range(len(spans))]
        head = Row(tuple(Cell(column.title) for column in block.columns))
        for row in (head, *block.rows):
            for cell, column, start, span in zip(row.cells, block.columns, starts, spans, strict=True):
                look = self._cell_format(cell, column) if row is not head else self._format(**_HEADER)
                if span > 1:
                    self.overview.merge_range(self.row, start, self.row, start + span - 1, "", look)
                self._put(self.overview, self.row, start, cell, look)
            widths = [span * _OVERVIEW_WIDTH for span in spans]
            self.overview.set_row(self.row, 15 * max(map(lines_needed, (cell.lines for cell in row.cells), widths)))
            self.row += 1
        self.row += 1

    def _rows(self, sheet: Any, start: int, block: Table, widths: list[int]) -> int:
        """Write a table's header and rows, as high as their texts need; return the row after it."""
        head = self._format(**_HEADER)
        for place, column in enumerate(block.columns):
            sheet.write_string(start, place, column.title, head)
        for number, row in enumerate(block.rows, start + 1):
            for place, (cell, column) in enumerate(zip(row.cells, block.columns, strict=False)):
                self._put(sheet, number, place, cell, self._cell_format(cell, column))
            sheet.set_row(number, 15 * max(map(lines_needed, (cell.lines for cell in row.cells), widths)))
        return start + 1 + len(block.rows)

    def _cell_format(self, cell: Cell, column: Column) -> Any:
        return self._format(**{"border": 1, "border_color": _LINE, "align": column.align, **_tone(cell.tone)})

    @staticmethod
    def _put(sheet: Any, row: int, place: int, cell: Cell, look: Any) -> None:
        if cell.number is None:
            sheet.write_string(row, place, _fitting(cell.lines), look)
        else:
            sheet.write_number(row, place, cell.number, look)

    def _chart(self, block: Chart) -> None:
        if self.charts is None:
            self.charts = self._sheet(self.document.labels.chart)
            self.charts.set_column(0, 0, 40)
            self.charts.set_column(1, 1, 12)
            self._paper(self.charts)
            self._link(self.charts, self.document.labels.chart)
        sheet, first, last = self.charts, self.chart_row + 2, self.chart_row + 1 + len(block.bars)
        sheet.write_string(self.chart_row, 0, block.title, self._format(bold=True))
        head = self._format(bold=True, bg_color=_HEAD)
        sheet.write_string(self.chart_row + 1, 0, block.label_title, head)
        sheet.write_string(self.chart_row + 1, 1, f"{block.value_title} {block.unit}".strip(), head)
        for row, bar in enumerate(block.bars, first):
            sheet.write_string(row, 0, _fitting(bar.label), self._format())
            sheet.write_number(row, 1, bar.value, self._format(text_wrap=False))
        chart = self.book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": block.title,
                "categories": [sheet.get_name(), first, 0, last, 0],
                "values": [sheet.get_name(), first, 1, last, 1],
                "points": [{"fill": {"color": f"#{palette.BAR.get(bar.tone, palette.PLAIN)}"}} for bar in block.bars],
                "data_labels": {"value": True},
                "gap": 45,
            }
        )
        chart.set_title({"name": block.title, "name_font": {"size": 12}, "overlay": False})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"min": 0, "max": block.maximum or 1, "major_gridlines": {"visible": False}, "visible": False})
        chart.set_legend({"none": True})
        height = 90 + 26 * len(block.bars)
        chart.set_size({"width": 620, "height": height})
        sheet.insert_chart(self.chart_row, 3, chart)
        self.chart_row = max(last + 2, self.chart_row + height // 20 + 2)

    def _heat_map(self, block: HeatMap) -> None:
        sheet = self._sheet(block.sheet)
        heat_map.write(sheet, block, self._format)
        self._paper(sheet)
        self._link(sheet, block.title)

    def _link(self, sheet: Any, text: str) -> None:
        look = self._format(font_color=_LINK, underline=1, text_wrap=False)
        self.overview.write_url(self.row, 0, f"internal:'{sheet.get_name()}'!A1", look, f"→ {text}")
        self.row += 1

    def _signatures(self, block: Signatures) -> None:
        if block.note:
            self._merged(block.note, font_color=_SOFT)
        boxed = self._format(border=1, border_color=_LINE)
        for column, title in enumerate(block.titles):
            self.overview.write_string(self.row, column, title, self._format(**_HEADER))
        for one in block.signatories:
            self.row += 1
            for column, text in enumerate((one.step, one.organisation, one.name, "", block.date_blank)):
                self.overview.write_string(self.row, column, text, boxed)
            self.overview.set_row(self.row, 30)
        self.row += 2
        for place, seal in enumerate(block.seals):
            self.overview.merge_range(self.row, 3 * place, self.row, 3 * place + 2, "", boxed)
            self.overview.write_string(self.row, 3 * place, seal, boxed)
        self.overview.set_row(self.row, 90)
        self.row += 2

    def _anchor(self, block: Anchor) -> None:
        drawn = io.BytesIO()
        segno.make_qr(block.head.payload, error="m").save(drawn, kind="png", scale=3, border=2)
        self._merged(f"{block.title}  {block.head.printed}", bold=True)
        self._merged(block.note, font_color=_SOFT)
        self.overview.insert_image(self.row, 0, "qr.png", {"image_data": drawn, "object_position": 1})
        self.overview.set_row(self.row, 90)
        self.row += 1

    def _data(self, data: Sheet) -> None:
        sheet = self._flat_sheet(data)
        head = self._format(**_HEADER)
        rows = iter(data.rows)
        first = list(islice(rows, _SAMPLED_ROWS))
        for column, title in enumerate(data.header):
            sheet.write_string(0, column, title, head)
            sheet.set_column(column, column, _column_width(title, (row[column] for row in first)))
        flat = self._format(text_wrap=False)
        last = 0
        for last, row in enumerate(islice(chain(first, rows), _SHEET_ROWS), 1):
            for column, value in enumerate(row):
                _write(sheet, last, column, value, flat)
        if last:
            sheet.autofilter(0, 0, last, len(data.header) - 1)
            for word, tone in data.tones:
                look = self.book.add_format(_tone(tone))
                rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": look}
                sheet.conditional_format(1, 0, last, len(data.header) - 1, rule)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        self._paper(sheet)
        more = list(islice(rows, 1))
        if more:
            self._data(Sheet(data.title, data.header, LazyRows(lambda: chain(more, rows)), data.tones))

    def _flat_sheet(self, data: Sheet) -> Any:
        """Return the sheet for flat data; one of lazy rows keeps none of them in memory.

        The other sheets are not written row by row from top to bottom, as that asks for.
        """
        self.book.constant_memory = isinstance(data.rows, LazyRows)
        sheet = self._sheet(data.title)
        self.book.constant_memory = False
        return sheet


def _write(sheet: Any, row: int, column: int, value: Scalar, look: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, look)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, column, value, look)
    elif value:
        sheet.write_string(row, column, _fitting(printable(value)), look)


def _fitting(text: str) -> str:
    return shorten(text, _CELL_LENGTH) if len(text) > _CELL_LENGTH else text


def _tone(tone: str) -> dict[str, str]:
    return {"font_color": f"#{palette.INK[tone]}", "bg_color": f"#{palette.SHADE[tone]}"} if tone in palette.INK else {}


def _column_width(title: str, values: Iterable[Scalar]) -> int:
    widest = max((columns(str(value)) for value in values if value is not None), default=0)
    return min(60, max(8, columns(title) + 4, widest + 2))
