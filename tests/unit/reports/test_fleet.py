"""A fleet's record: read twice instead of kept, exceptions first, hosts folded into groups, everything in the files."""

from __future__ import annotations

import gc
import io
import itertools
import json
import resource
import tempfile
import tracemalloc
from typing import TYPE_CHECKING, Any

import openpyxl
import pypdf
import pytest

from reports.document import LazyRows, Paragraph, Table
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_json import as_json
from reports.documents.inspection_reading import SecondReading
from reports.documents.inspection_record import MOST_HOSTS, inspection_record
from reports.render import render
from tests.unit.reports import planted

if TYPE_CHECKING:
    from pathlib import Path

    from reports.document import Document, Section
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

HOSTS = 240


@pytest.fixture(scope="module")
def record() -> InspectionRecord:
    manifest, observations = planted.fleet(HOSTS)
    return inspection_record(manifest, observations)


@pytest.fixture
def document(record: InspectionRecord, zh: Wording) -> Document:
    return inspection_document(record, zh)


@pytest.fixture(scope="module")
def sealed() -> list[dict[str, Any]]:
    return list(planted.fleet(HOSTS)[1]())


def _section(document: Document, title: str) -> Section:
    return next(section for section in document.sections if section.title == title)


def _tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def _cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_what_is_fine_is_counted_and_not_kept(record: InspectionRecord, sealed: list[dict[str, Any]]) -> None:
    kept = record.findings
    assert {one.check for one in kept if one.level == "ok"} == {"host.identity"}
    assert len(kept) < len(sealed) / 10
    assert sum(record.counts.values()) == len(sealed)
    for level in ("notice", "unknown", "warning", "critical"):
        assert sum(one.level == level for one in kept) == sum(one["level"] == level for one in sealed) > 0


def test_more_that_is_fine_takes_no_more_memory() -> None:
    manifest, observations = planted.fleet(60)

    def more() -> Any:
        for one in observations():
            yield one
            if one["check"] == "filesystem.inodes":
                yield from ({**one, "subject": f"{one['subject']}/{number}"} for number in range(10))

    def memory(source: Any) -> int:
        tracemalloc.start()
        kept = inspection_record(manifest, source)
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert kept.fleet
        return used

    memory(observations)  # what is built once
    assert memory(more) < memory(observations) * 1.2


@pytest.mark.parametrize(("hosts", "fleet"), [(MOST_HOSTS, False), (MOST_HOSTS + 1, True)])
def test_a_fleet_begins_above_twenty_hosts(hosts: int, fleet: bool) -> None:
    manifest, observations = planted.fleet(hosts)
    record = inspection_record(manifest, observations)
    assert record.fleet is fleet
    assert (len(record.findings) == len(list(observations()))) is not fleet


def test_json_holds_everything_host_after_host(record: InspectionRecord, sealed: list[dict[str, Any]]) -> None:
    facts = json.loads(b"".join(as_json(record)))
    assert [host["name"] for host in facts["hosts"]] == [host.name for host in record.hosts]
    by_host = {host["name"]: host["findings"] for host in facts["hosts"]}
    for name, rows in itertools.groupby(sealed, key=lambda one: str(one["host"])):
        expected = [{key: row[key] for key in ("check", "subject", "value", "level", "detail")} for row in rows]
        assert [{key: one[key] for key in expected[0]} for one in by_host[name]] == expected


def test_the_spreadsheet_holds_everything(document: Document, sealed: list[dict[str, Any]]) -> None:
    assert all(isinstance(sheet.rows, LazyRows) for sheet in document.sheets)
    book = openpyxl.load_workbook(io.BytesIO(render(document, "xlsx")), read_only=True)
    for name in ("明细", "原始数据"):
        assert sum(1 for _ in book[name].iter_rows()) == len(sealed) + 1
    hosts = [row[0] for row in book["原始数据"].iter_rows(min_row=2, max_col=1, values_only=True)]
    assert len(list(itertools.groupby(hosts))) == len(set(hosts))
    assert sum(1 for _ in book["主机一览"].iter_rows()) == HOSTS + 1
    assert sum(1 for _ in book["主机分组"].iter_rows()) == 7


def test_what_a_host_sends_in_parts_stands_together_again() -> None:
    rows = [planted.observation(host, "cpu.busy", str(number), number) for number in range(3) for host in ("b", "a")]
    again = SecondReading(lambda: iter(rows))
    assert [one.subject for one in again.take("a")] == ["0", "1", "2"]
    assert again.take("a") == []


def test_a_host_stands_in_the_smallest_of_its_groups(record: InspectionRecord) -> None:
    groups = {group.name: {host.name for host in group.hosts} for group in record.groups}
    assert list(groups) == ["his", "lis", "pacs", "emr", "ris", ""]
    assert sum(map(len, groups.values())) == HOSTS
    assert len(groups[""]) == HOSTS // 10


def test_groups_come_worst_first_and_fold_their_hosts(document: Document) -> None:
    section = _section(document, "主机一览")
    rows = _cells(_tables(section)[0])
    assert rows[0][:4] == ["pacs", "43", "3", "未测得"]
    assert {row[0] for row in rows} == {"his", "lis", "pacs", "emr", "ris", "未分组"}
    assert sum(int(row[1]) for row in rows) == HOSTS
    for part in section.sections:
        assert part.collapsible
        assert part.collapsed
        assert part.only == "screen"
    assert section.sections[0].title == "pacs（43 台）"
    assert section.sections[0].aside.startswith("漏检 3 · ")
    assert sum(len(_cells(_tables(part)[0])) for part in section.sections) == HOSTS


def test_paper_shows_groups_and_the_hosts_in_trouble(record: InspectionRecord, document: Document) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(document, "pdf"))).pages]
    assert len(pages) < 8
    assert min(map(len, pages)) > 300
    text = "".join(pages)
    assert all(host.name in text for host in record.hosts if host.troubled)
    assert "his-node-0000" not in text
    assert "不正常的项目见同一编号的HTML文件" in "".join(text.split())


def test_hosts_in_trouble_are_named_up_to_a_limit_that_is_told(zh: Wording) -> None:
    names = [f"n{number}" for number in range(130)]
    manifest = planted.manifest({name: planted.host_outcome() for name in names})
    rows = [planted.observation(name, "cpu.busy", "", 99, unit="percent", limits={"warning": 95}) for name in names]
    document = inspection_document(inspection_record(manifest, lambda: iter(rows)), zh)
    blocks = _section(document, "主机一览").blocks
    paper = next(one for one in blocks if isinstance(one, Table) and one.only == "paper")
    assert len(paper.rows) == 100
    assert any(isinstance(one, Paragraph) and "共 130 台，此处列出最严重的 100 台" in one.text for one in blocks)


def test_details_are_what_is_not_fine_by_group(record: InspectionRecord, document: Document) -> None:
    section = _section(document, "逐台巡检明细")
    assert "Excel" in next(one.text for one in section.blocks if isinstance(one, Paragraph))
    hosts = [host for group in section.sections for host in group.sections]
    assert {host.title for host in hosts} == {
        host.name for host in record.hosts if any(one.level != "ok" for one in host.findings)
    }
    levels = {row[2] for host in hosts for row in _cells(_tables(host)[0]) if len(row) > 2}
    assert levels == {"严重", "警告", "未测得", "提示"}


def test_links_of_screen_and_paper_lead_somewhere(document: Document) -> None:
    text = render(document, "html").decode()
    assert text.count('<a href="#group-') == 6
    assert text.count('<details id="group-') == 6
    assert text.count('<details id="details-') == 6


def test_equal_exceptions_stand_in_one_row_of_one_line(document: Document) -> None:
    exceptions = next(one for one in _tables(document.sections[0]) if one.title == "异常")
    rows = _cells(exceptions)
    assert len(rows) <= 40
    assert len({tuple(row) for row in rows}) == len(rows)
    missed = next(one for one in _tables(document.sections[0]) if one.title == "漏检主机")
    assert len(missed.rows) == 3
    first = next(one for one in document.sections[0].blocks if isinstance(one, Paragraph))
    assert "漏检 3 台" in first.text
    assert len(first.text) < 400


@pytest.mark.parametrize("hosts", [4, 60])
def test_many_subjects_of_one_check_share_a_row(hosts: int, zh: Wording) -> None:
    manifest = planted.manifest({f"n{number}": planted.host_outcome() for number in range(hosts)})
    rows = [
        planted.observation(
            f"n{number % hosts}", "unit.failed", f"app-{number}.service", 1, unit="flag", limits={"critical": 1}
        )
        for number in range(120)
    ]
    rows += [planted.observation("n1", "cpu.busy", "", 99, unit="percent", limits={"warning": 95})]
    document = inspection_document(inspection_record(manifest, lambda: iter(rows)), zh)
    table = next(one for one in _tables(document.sections[0]) if one.title == "异常")
    assert [row[0] for row in _cells(table)] == ["严重", "警告"]
    assert "系统服务运行状态：app-0.service" in _cells(table)[0][2]
    assert _cells(table)[0][2].endswith("共 120 个")
    assert any(isinstance(one, Paragraph) and "已按检查项合并" in one.text for one in document.sections[0].blocks)


def test_equal_messages_of_all_hosts_stand_together(record: InspectionRecord, document: Document) -> None:
    table = _tables(_section(document, "错误日志摘要"))[0]
    inspected = len(record.inspected)
    assert [row[:3] for row in _cells(table)] == [
        ["ssh.service", f"全部已检的 {inspected} 台主机", str(18 * inspected)],
        ["kernel", f"全部已检的 {inspected} 台主机", str(sum(1 + n % 3 for n in range(HOSTS) if n % 100 != 7))],
    ]


def test_outcomes_are_folded(document: Document) -> None:
    table = _tables(_section(document, "记录生成说明"))[0]
    assert [row[1] for row in _cells(table)] == ["无法连接", "提权被拒绝", "超时", "完成"]


def test_charts_show_the_highest_of_all_although_they_are_fine(
    document: Document, sealed: list[dict[str, Any]]
) -> None:
    memory = next(
        one for one in _section(document, "图示").blocks if getattr(one, "title", "").startswith("各主机内存")
    )
    values = sorted((one["value"] for one in sealed if one["check"] == "memory.used"), reverse=True)
    assert [bar.value for bar in memory.bars] == values[:12]  # type: ignore[union-attr]
    assert f"共 {len(values)} 项" in memory.title  # type: ignore[union-attr]


def test_a_disk_that_is_full_in_the_middle_is_told_and_leaves_nothing(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            render(document, "xlsx")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
