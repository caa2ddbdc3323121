"""Every kind of failure stands on the first page, in words that the hospital's head of IT understands."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import openpyxl
import pypdf
import pytest

from reports.document import Figures, Paragraph, Table
from reports.documents.comparison import Comparison
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_json import as_json
from reports.documents.inspection_record import inspection_record
from reports.render import render
from runner.role_inputs import THRESHOLDS
from tests.unit.reports import planted

if TYPE_CHECKING:
    from reports.document import Document
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording


@pytest.fixture
def record(hospital: InspectionRecord) -> InspectionRecord:
    return hospital


@pytest.fixture
def document(record: InspectionRecord, zh: Wording) -> Document:
    return inspection_document(record, zh)


def _rows(document: Document, title: str) -> list[list[str]]:
    table = next(one for one in document.sections[0].blocks if isinstance(one, Table) and one.title == title)
    return [[cell.text for cell in row.cells] for row in table.rows]


def _paragraphs(document: Document) -> list[str]:
    return [one.text for one in document.sections[0].blocks if isinstance(one, Paragraph)]


def _without(**changes: Any) -> InspectionRecord:
    manifest, rows, _ = planted.hospital()
    return inspection_record(manifest, lambda: iter(rows), **changes)


def test_each_failure_stands_on_the_first_page_in_chinese_the_worst_and_newest_first(
    document: Document, zh: Wording
) -> None:
    rows = _rows(document, "异常")
    assert len(rows) == len(planted.PLANTED)
    for host, check, subject, *_ in planted.PLANTED:
        assert re.search("[\u4e00-\u9fff]", zh.title(check)), check
        assert [row for row in rows if row[1:3] == [host, zh.title(check, subject)]], check
    order = [(row[0], row[5]) for row in rows]
    ranked = [("严重", "警告").index(level) * 10 + ("新增", "加重", "仍存在").index(status) for level, status in order]
    assert ranked == sorted(ranked)


def test_the_planted_failures_are_what_modules_measure() -> None:
    units = {check: unit for role in THRESHOLDS.values() for check, unit in role.UNITS.items()}
    assert {check: unit for _, check, _, _, unit, _ in planted.PLANTED}.items() <= units.items()


def test_the_first_sheet_of_paper_holds_them_all(document: Document, zh: Wording) -> None:
    page = pypdf.PdfReader(io.BytesIO(render(document, "pdf"))).pages[0].extract_text()
    assert all(f"\n{host} " in page for host in planted.OUTCOMES)
    table = page.partition("\n异常\n")[2].partition("\n上次有异常")[0]
    assert table.count("\n严重 ") + table.count("\n警告 ") == len(planted.PLANTED)


@pytest.mark.parametrize(
    ("host", "outcome", "advice", "technical"),
    [
        ("inner", "无法连接", "网络与跳板机", "kex_exchange_identification: Connection closed by remote host"),
        ("legacy", "提权被拒绝", "sudo 授权", "Missing sudo password"),
        ("jump", "超时", "卡死或负载过高", "no result within 300 s"),
    ],
)
def test_a_missed_host_says_what_happened_and_what_to_do(
    host: str, outcome: str, advice: str, technical: str, document: Document
) -> None:
    table = next(one for one in document.sections[0].blocks if isinstance(one, Table) and one.title == "漏检主机")
    row = next(row for row in table.rows if row.cells[0].text == host)
    assert row.cells[1].text == outcome
    assert advice in row.cells[2].text
    assert row.cells[2].note.startswith(f"技术信息：{technical}")
    assert not re.search("Failed|Missing", row.cells[2].text)


def test_the_conclusion_names_why_hosts_were_missed(document: Document) -> None:
    assert "主机无法连接：inner；sudo 提权被拒绝：legacy；超过单台主机时限：jump" in _paragraphs(document)[0]


# -- assets that cannot be inspected ----------------------------------------------------------------------


def test_assets_that_cannot_be_inspected_are_neither_fine_nor_missed(document: Document) -> None:
    assert [row[:3] for row in _rows(document, "未覆盖资产")] == [
        ["lis-windows", "Windows 主机", "Windows Server 2016"],
        ["oracle-his", "Oracle 数据库", "Oracle Database 19c"],
        ["printer-ward3", "外围设备", "Zebra ZD421"],
        ["db2：lis", "SQL Server 数据库", "SQL Server 2014"],
    ]
    figures = next(one for one in document.sections[0].blocks if isinstance(one, Figures)).figures
    assert {one.label: one.value for one in figures}["未覆盖资产"] == "4"
    assert figures[0].value == "4 / 7"
    assert "另有未覆盖资产 4 项，须人工检查，不计为正常或漏检" in _paragraphs(document)[0]
    unchecked = next(one for one in document.sections[1].blocks if isinstance(one, Table))
    assert any("lis" in row.cells[0].text for row in unchecked.rows)


def test_a_site_with_such_assets_is_not_green(zh: Wording) -> None:
    rows = [planted.observation("app1", "cpu.busy", "", 3, unit="percent")]
    for assets, tone in (([], "ok"), (planted.NOT_COVERED, "unknown")):
        manifest = planted.manifest({"app1": planted.host_outcome()}, not_covered=assets)
        assert inspection_record(manifest, lambda: iter(rows)).tone == tone


def test_an_asset_of_a_kind_that_nobody_knows_is_another_one(zh: Wording) -> None:
    manifest = planted.manifest({}, not_covered=[{"host": "as400", "kind": "mainframe"}])
    document = inspection_document(inspection_record(manifest, lambda: iter(())), zh)
    assert _rows(document, "未覆盖资产")[0][:3] == ["as400", "其他", "—"]


def test_hosts_without_services_backups_and_databases_left_nothing_out(document: Document) -> None:
    assert not any("本次未检查" in text for text in _paragraphs(document))


# -- compared with the last inspection --------------------------------------------------------------------


def test_the_comparison_is_summed_up_and_what_is_gone_is_listed(document: Document) -> None:
    assert (
        "与上次巡检（2026-11-14 23:55）相比：新增 6 项、加重 5 项、仍存在 6 项、已消除 2 项、未能复核 2 项。"
        in _paragraphs(document)
    )
    assert _rows(document, "已消除的异常") == [
        ["严重", "db1", "文件系统使用率 /var/lib/mysql", "93.5%"],
        ["警告", "app1", "系统服务运行状态 cups.service", "失败"],
    ]


def test_what_was_bad_and_could_not_be_measured_is_never_gone(document: Document) -> None:
    assert _rows(document, "上次有异常、本次未能复核") == [
        ["严重", "db2", "磁盘健康（SMART） /dev/sda", "判定将失效", "缺少工具 smartctl"],
        ["警告", "legacy", "待安装安全更新", "14 个", "主机漏检：提权被拒绝"],
    ]


@pytest.mark.parametrize("comparison", [None, Comparison()])
def test_without_an_earlier_inspection_it_says_so(comparison: Comparison | None, zh: Wording) -> None:
    document = inspection_document(_without(comparison=comparison), zh)
    assert any("没有可供对照的上次巡检" in text for text in _paragraphs(document))
    assert all(len(row) == 5 for row in _rows(document, "异常"))
    assert "与上次相比" not in document.sheets[0].header


def test_hosts_that_share_an_exception_count_what_is_new(zh: Wording) -> None:
    hosts = {f"web-{number}": planted.host_outcome() for number in range(1, 5)}
    rows = [planted.observation(host, "cpu.busy", "", 99, unit="percent", limits={"warning": 95}) for host in hosts]
    status = {(host, "cpu.busy", ""): "new" if host != "web-2" else "same" for host in hosts}
    comparison = Comparison(runs=(("a", planted.TIME), ("b", "2026-10-01T00:00:00Z")), status=status)
    record = inspection_record(planted.manifest(hosts), lambda: iter(rows), comparison=comparison)
    document = inspection_document(record, zh)
    assert _rows(document, "异常") == [
        ["警告", "全部 4 台主机", "CPU 使用率", "99.0%", "应 < 95%", "新增 3 / 仍存在 1"]
    ]
    assert any("上次未查到的取更早的巡检，最早 2026-10-01 08:00" in text for text in _paragraphs(document))


def test_spreadsheet_and_json_say_what_is_new_too(record: InspectionRecord, document: Document) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(render(document, "xlsx")))["明细"]
    header, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    said = [row[header.index("与上次相比")] for row in rows if row[header.index("级别")] in ("严重", "警告")]
    assert sorted(said) == sorted(["新增"] * 6 + ["加重"] * 5 + ["仍存在"] * 6)
    facts = json.loads(b"".join(as_json(record)))
    found = [one["comparison"] for host in facts["hosts"] for one in host["findings"] if one["comparison"]]
    assert len(found) == len(planted.PLANTED)
    assert [one["host"] for one in facts["comparison"]["unconfirmed"]] == ["legacy", "db2"]
    assert [one["kind"] for one in facts["not_covered"]] == ["windows", "oracle", "peripheral", "sqlserver"]


@pytest.mark.parametrize("form", ["html", "docx", "pdf", "xlsx"])
def test_it_renders_in_english_too(form: str, record: InspectionRecord, en: Wording) -> None:
    assert len(render(inspection_document(record, en), form)) > 1000
