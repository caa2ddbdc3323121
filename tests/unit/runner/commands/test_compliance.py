"""How a contract stands, as a table on terminals of any width."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.documents.compliance_summary import compliance_summary
from runner.commands.compliance import print_table
from tests.unit.reports.compliance_sample import at, contract, entry, record, words_of

VISIT = {"id": "A04", "kind": "record", "title": "季度现场深度巡检与外围设备检查", "cadence": "quarterly"}
REPORT = {
    "id": "A05.report",
    "kind": "document",
    "document": "health-report",
    "cadence": "quarterly",
    "title": "系统健康检查与性能分析报告",
    "due": {"after": "A04", "within": {"working_days": 7}},
}


def printed(width: int, language: str = "zh", *, detail: bool = False) -> list[str]:
    entries = [entry("record", "2026-03-20T10:00", "A04")]
    found = record(of=contract(VISIT, REPORT), entries=entries, moment=at("2026-12-20"))
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    print_table(compliance_summary(found, words_of(language), detail=detail), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off_on_a_narrow_terminal(width: int, language: str, *, detail: bool) -> None:
    lines = printed(width, language, detail=detail)
    assert max(map(cell_len, lines)) <= width
    whole = "".join(lines)
    assert "…" not in whole
    # The report on the last quarter follows a visit that has not been made, in a year whose holidays nobody knows yet.
    due = next(line for line in lines if "2027-01-11" in line)
    mark = {"zh": "暂定", "en": "provisional"}[language]
    assert mark in "".join(lines[lines.index(due) : lines.index(due) + 2])


def test_a_narrow_terminal_does_without_a_column_and_a_wide_one_has_all() -> None:
    assert "人工记录 · 每季度" in "".join(printed(120))
    assert "人工记录" not in "".join(printed(80))
