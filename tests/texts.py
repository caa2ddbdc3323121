"""What a person reads in a document, whatever its format."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import docx
import openpyxl
import pypdf

if TYPE_CHECKING:
    from pathlib import Path


def text_of(document: Path) -> str:
    """Return the words of a document in one of the four formats; cells of tables end with a bar."""
    if document.suffix == ".docx":
        content = docx.Document(str(document))
        cells = [f"{cell.text}|" for table in content.tables for row in table.rows for cell in row.cells]
        footers = [paragraph.text for section in content.sections for paragraph in section.footer.paragraphs]
        return "\n".join([*(paragraph.text for paragraph in content.paragraphs), *cells, *footers])
    if document.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(document).pages)
    if document.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(document).worksheets
        return "\n".join(f"{value}|" for sheet in sheets for row in sheet.iter_rows(values_only=True) for value in row)
    return html.unescape(re.sub(r"<[^>]+>", " ", document.read_text(encoding="utf-8")))
