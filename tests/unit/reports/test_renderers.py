"""Each format is read back with the tool that its readers use: what the document says is in the file."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import docx
import openpyxl
import pypdf
import pytest
import segno
from docx.oxml.ns import qn

from reports.render import FORMATS, RenderingUnavailable, charts, fonts, html, pdf, render
from runner.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sample

    from reports.document import Document

HOSTILE = "<script>alert(1)</script> {{ 7*7 }} ]]> \x00\x1b[31m \u202egnp.exe \ud800 " + "长" * 3000 + "x" * 3000


@pytest.fixture
def document(sample: Sample) -> Document:
    return sample.document()


@pytest.fixture
def hostile(sample: Sample) -> Document:
    """A document of a host whose every answer tries to break a format."""
    sample.row(check="log.errors", host="ris-app-1")["detail"]["messages"][0]["message"] = HOSTILE
    sample.row(check="unit.failed")["subject"] = "=cmd|' /C calc'!A0"
    sample.row(check="host.identity", host="ris-app-1")["value"] = HOSTILE
    sample.row(check="filesystem.used", host="ris-app-1", subject="/var")["subject"] = f"/var/{HOSTILE}"
    sample.row(check="disk.smart", host="ris-app-1")["reason"]["parameters"]["tool"] = "@SUM(1+1)"
    sample.manifest["hosts"]["ris-web-1"]["message"] = "+1-1 " + HOSTILE
    return sample.document()


# -- HTML -------------------------------------------------------------------------------------------------


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "col", "br", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_html_is_one_well_formed_file_that_fetches_nothing(document: Document) -> None:
    text = render(document, "html").decode()
    page = _Reader(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in text
    assert [
        value for name, value in page.attributes if name in ("src", "href") and not str(value).startswith("#")
    ] == []
    said = "".join(page.said)
    assert "日常系统巡检记录" in said
    assert "95.2%" in said
    assert "No route to host" in said


def test_html_links_lead_somewhere(document: Document) -> None:
    page = _Reader(render(document, "html").decode())
    targets = {f"#{value}" for name, value in page.attributes if name == "id"}
    links = [value for name, value in page.attributes if name == "href"]
    assert len(links) > len(document.sections)
    assert set(links) <= targets


def test_html_escapes_what_hosts_say(hostile: Document) -> None:
    text = render(hostile, "html").decode()
    page = _Reader(text)
    assert page.open == []
    assert "script" not in page.tags
    assert "&lt;script&gt;alert(1)" in text
    assert "{{ 7*7 }}" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    assert "<U+202E>" in "".join(page.said)


def _many(sample: Sample, hosts: int) -> Document:
    template = [row for row in sample.rows if row["host"] == "ris-app-1"]
    names = [f"node-{2 * number}" for number in range(hosts)]
    sample.rows = [{**row, "host": name} for name in names for row in template]
    sample.manifest["hosts"] = {name: {"outcome": "ok"} for name in names}
    sample.manifest["verdict"] = {"state": "complete", "reasons": [], "missed": []}
    return sample.document()


def test_html_of_many_hosts_starts_folded(sample: Sample) -> None:
    page = _Reader(render(_many(sample, 8), "html").decode())
    assert page.tags.count("details") == 8
    assert ("open", None) not in page.attributes


def test_a_style_sheet_takes_no_text_from_hosts(sample: Sample) -> None:
    sample.manifest["site"] = '"} body { display: none } </style><script>'
    text = render(sample.document(), "html").decode()
    style = text[text.index("<style>") : text.index("</style>")]
    assert "display: none }" not in style
    assert _Reader(text).open == []


# -- PDF --------------------------------------------------------------------------------------------------


def test_pdf_holds_the_text_in_embedded_fonts_on_a4(document: Document) -> None:
    file = pypdf.PdfReader(io.BytesIO(render(document, "pdf")))
    pages = [page.extract_text() for page in file.pages]
    assert "巡检不完整" in pages[0]
    assert "95.2%" in pages[0]
    assert "文件系统使用率" in "".join(pages)
    for number, text in enumerate(pages, 1):
        assert "1a2b3c4d 5e6f7a8b 9c0d1e2f 3a4b5c6d" in text, number
        assert f"第 {number} 页，共 {len(pages)} 页" in text
    size = file.pages[0].mediabox
    assert (round(float(size.width)), round(float(size.height))) == (595, 842)
    assert file.metadata is not None
    assert file.metadata.author == "张伟"
    assert file.metadata.creation_date is not None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_page_of_a_pdf_holds_every_exception_and_missed_host(language: str, sample: Sample) -> None:
    page = pypdf.PdfReader(io.BytesIO(render(sample.document(language), "pdf"))).pages[0].extract_text()
    assert "No route to host" in " ".join(page.split())
    words = {"zh": ("严重 ", "警告 "), "en": ("Critical ", "Warning ")}[language]
    assert [page.count(f"\n{word}") for word in words] == [4, 13]
    assert "dicom-router.service" in page


def test_a_pdf_of_many_hosts_is_short_and_says_where_the_rest_is(sample: Sample) -> None:
    document = _many(sample, 60)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(document, "pdf"))).pages]
    assert len(pages) < 10
    assert min(len(text) for text in pages) > 300  # no page is blank
    text = "".join(pages)
    assert "不正常的项目见同一编号的HTML文件" in "".join(text.split())
    assert "pacs-archive" in text
    assert "exit-code" not in text
    assert "exit-code" in render(document, "html").decode()
    assert all(f"node-{2 * number}" in text for number in range(60))


def test_pdf_survives_what_hosts_say(hostile: Document) -> None:
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(hostile, "pdf"))).pages)
    assert "alert(1)" in text


def test_pdf_fetches_nothing(document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    segno.make_qr("outside").save(picture)
    original = html.html
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        web = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        outside = f'<img src="{web}"><img src="{picture.as_uri()}"></body>'
        monkeypatch.setattr(
            pdf, "html", lambda document, paper: original(document, paper=paper).replace("</body>", outside)
        )
        file = pypdf.PdfReader(io.BytesIO(render(document, "pdf")))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not any(page.images for page in file.pages)


def test_pdf_names_the_font_package_that_is_missing(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "chinese_families", lambda: ())
    with pytest.raises(RenderingUnavailable, match="fonts-noto-cjk"):
        render(sample.document(), "pdf")
    assert render(sample.document("en"), "pdf").startswith(b"%PDF")


def test_pdf_names_the_libraries_that_are_missing(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(RenderingUnavailable, match=r"apt-get install libpango-1\.0-0"):
        render(document, "pdf")


# -- Word -------------------------------------------------------------------------------------------------


def _word_text(data: bytes) -> str:
    file = docx.Document(io.BytesIO(data))
    tables = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in file.paragraphs] + tables)


def test_word_holds_the_text_in_real_tables_with_repeated_headers(document: Document) -> None:
    data = render(document, "docx")
    said = _word_text(data)
    for piece in ("日常系统巡检记录", "巡检不完整", "95.2%", "No route to host", "滨江市第一人民医院（盖章）"):
        assert piece in said
    file = docx.Document(io.BytesIO(data))
    details = next(
        table for table in file.tables if table.cell(0, 0).text == "项目" and table.cell(0, 3).text == "依据"
    )
    assert details.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in details.rows)


def test_word_sets_chinese_faces_margins_and_the_footer_fields(document: Document) -> None:
    file = docx.Document(io.BytesIO(render(document, "docx")))
    faces = {
        name: file.styles[name].element.rPr.rFonts.get(qn("w:eastAsia")) for name in ("Normal", "Title", "Heading 1")
    }
    assert faces == {"Normal": "FangSong", "Title": "SimSun", "Heading 1": "SimHei"}
    page = file.sections[0]
    assert [round(one.mm) for one in (page.top_margin, page.left_margin, page.right_margin, page.bottom_margin)] == [
        37,
        28,
        26,
        35,
    ]
    footer = page.footer._element.xml
    assert "1a2b3c4d 5e6f7a8b" in footer
    assert 'w:instr="PAGE"' in footer
    assert 'w:instr="NUMPAGES"' in footer


def test_word_holds_charts_and_the_code_as_pictures(document: Document) -> None:
    with zipfile.ZipFile(io.BytesIO(render(document, "docx"))) as parts:
        pictures = [name for name in parts.namelist() if name.startswith("word/media/")]
    assert len(pictures) == 6


def test_word_shows_values_where_no_font_can_draw_them(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "chinese_families", lambda: ())
    charts._font.cache_clear()
    try:
        data = render(document, "docx")
    finally:
        charts._font.cache_clear()
    assert "ris-db-1 /var/lib/mysql\n84.7%" in _word_text(data)


def test_word_of_many_hosts_leaves_the_details_out(sample: Sample) -> None:
    said = _word_text(render(_many(sample, 21), "docx"))
    assert "不正常的项目见同一编号的 HTML 文件" in said
    assert "exit-code" not in said


def test_word_survives_what_hosts_say(hostile: Document) -> None:
    assert "<script>alert(1)</script>" in _word_text(render(hostile, "docx"))


# -- Excel ------------------------------------------------------------------------------------------------


def _book(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_excel_has_a_sheet_for_each_table_worth_filtering(document: Document, sample: Sample) -> None:
    book = _book(render(document, "xlsx"))
    for name in ("总览", "异常", "处理建议", "漏检主机", "未测得", "图示", "明细", "原始数据"):
        assert name in book.sheetnames
    assert book["异常"].freeze_panes == "A2"
    assert book["异常"].auto_filter.ref == "A1:E18"
    assert book["明细"].max_row == len(sample.rows) + 1
    assert len(book["图示"]._charts) == 5


def test_the_overview_of_excel_shows_the_exceptions_and_numbers_nothing(document: Document) -> None:
    sheet = _book(render(document, "xlsx"))["总览"]
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {"文件系统使用率 /var", "5 分钟内反复重启 dicom-router.service", "95.2%", "应 < 80%"} <= set(texts)
    assert texts.count("警告") == 14  # 13 exceptions and the label of the key figure
    assert {section.title for section in document.sections if section.spreadsheet} <= set(texts)
    assert not {section.heading for section in document.sections} & set(texts)


def test_excel_keeps_numbers_as_numbers(document: Document) -> None:
    book = _book(render(document, "xlsx"))
    sheet = book["原始数据"]
    header = [cell.value for cell in sheet[1]]
    rows = [dict(zip(header, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    used = next(row for row in rows if row["check"] == "filesystem.used" and row["subject"] == "/var")
    assert used["value"] == 95.2
    assert used["level"] == "critical"
    overview = [cell.value for row in book["总览"].iter_rows() for cell in row]
    assert 4 in overview  # the number of criticals


def test_excel_takes_nothing_for_a_formula(hostile: Document) -> None:
    book = _book(render(hostile, "xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    said = {cell.value for cell in cells if isinstance(cell.value, str)}
    assert "=cmd|' /C calc'!A0" in said
    assert any(text.startswith("+1-1") for text in said)
    assert max(map(len, said)) <= 32_767


# -- all --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_document_gives_the_same_bytes(form: str, language: str, sample: Sample) -> None:
    assert render(sample.document(language), form) == render(sample.document(language), form)


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_run_still_renders(form: str, sample: Sample) -> None:
    sample.rows, sample.manifest["hosts"] = [], {}
    sample.manifest["verdict"] = {"state": "failed", "reasons": [{"code": "no_hosts", "parameters": {}}], "missed": []}
    assert len(render(sample.document(ledger=None), form)) > 1000


def test_an_unknown_format_is_refused(document: Document) -> None:
    with pytest.raises(BadInput, match="html, docx, pdf, xlsx"):
        render(document, "odt")


def test_html_imports_no_library_of_another_format() -> None:
    program = (
        "import sys; import reports.render.html, reports.documents.inspection_document;"
        "print([name for name in ('pandas', 'matplotlib', 'weasyprint', 'docx', 'xlsxwriter') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_charts_take_no_text_for_a_formula(sample: Sample) -> None:
    for row in sample.rows:
        if row["check"] == "filesystem.used":
            row["subject"] = r"/srv/$\frac{1}$ _{x}"
    chart = next(block for block in sample.document().sections[2].blocks if type(block).__name__ == "Chart")
    assert charts.png(chart, "zh").startswith(b"\x89PNG")
