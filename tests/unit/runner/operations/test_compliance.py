"""How a contract stands, from the command down to the entries of a real ledger."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click
import docx
import pytest
from click.testing import CliRunner

from runner.commands.compliance import compliance
from runner.commands.session import Session
from runner.errors import BadInput
from runner.evidence import ledger as ledger_module
from runner.evidence.ledger import Ledger
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.compliance import Question, assess, bad

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from runner.site import Site

CONTRACT = """\
---
schema_version: 1
number: HT-1
title: 维保合同
system: 手术示教系统
provider: {name: 华东医信}
purchaser: {name: 滨江医院}
timezone: Asia/Shanghai
term: {from: 2026-01-01, to: 2026-12-31}
grace: {days: 5}
obligations:
  - {id: A01, kind: record, title: 月度巡检, cadence: monthly, clause: 每月一次}
  - {id: A11, kind: record, title: 恢复手册, cadence: standing, clause: 保持最新}
  - {id: B08, kind: quota, title: 现场上限, clause: 每年不超过1次, quota: {at_most: 1}}
"""
#: Everything is asked on this day.
NOW = datetime(2026, 3, 3, 2, tzinfo=UTC)


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    site.contract_file.write_text(CONTRACT, encoding="utf-8")
    return check_site(site)


def append(site: Site, written: str, monkeypatch: pytest.MonkeyPatch, *obligations: str, **body: Any) -> int:
    """Append a record as if it were written at a moment, UTC; return its number."""
    monkeypatch.setattr(ledger_module, "timestamp", lambda: f"{written}:00.000000Z")
    given = {"schema_version": 1, "obligations": list(obligations), "at": f"{written}:00+00:00", "period": None}
    return Ledger(site.ledger_folder, site.name).append("record", given | body).sequence


def states(checked: CheckedSite, question: Question, name: str = "A01") -> dict[str, str]:
    return {row.period: row.state for row in assess(checked, question, NOW).rows if row.obligation == name}


def test_a_day_is_judged_by_what_the_ledger_held_at_its_end(
    checked: CheckedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The record tells of January, but was written in February, and corrected in March.
    first = append(checked.site, "2026-02-02T08:00", monkeypatch, "A01", at="2026-01-20T09:00:00+08:00")
    append(checked.site, "2026-03-01T08:00", monkeypatch, "B08", corrects=first, at="2026-01-20T09:00:00+08:00")
    assert states(checked, Question(date(2026, 1, 31))) == {"2026-01": "overdue"}
    assert states(checked, Question(date(2026, 2, 2))) == {"2026-01": "fulfilled", "2026-02": "due"}
    assert states(checked, Question()) == {"2026-01": "breached", "2026-02": "overdue", "2026-03": "due"}


def test_a_day_ends_in_the_contracts_zone(checked: CheckedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    append(checked.site, "2026-02-02T15:59", monkeypatch, "A01", period="2026-01")  # 23:59 there
    append(checked.site, "2026-02-02T16:01", monkeypatch, "A11")  # the next day there
    record = assess(checked, Question(date(2026, 2, 2)), NOW)
    assert (record.moment, record.evidence) == (datetime(2026, 2, 2, 16, tzinfo=UTC), 1)
    assert states(checked, Question(date(2026, 2, 2)))["2026-01"] == "late"


def test_today_is_judged_as_it_is_now(checked: CheckedSite) -> None:
    record = assess(checked, Question(date(2026, 3, 3)), NOW)
    assert record.moment == NOW
    assert not record.forecast


def test_a_day_to_come_is_a_forecast(checked: CheckedSite) -> None:
    record = assess(checked, Question(date(2026, 12, 31)), NOW)
    assert record.forecast
    assert record.counts["breached"] == 11


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (Question(period="2026Q5"), "--period 2026Q5: write 2026, 2026H1, 2026Q3, 2026-07 or 2026W07"),
        (Question(period=""), "--period : write 2026"),
        (Question(period="F-001"), "--period F-001: write"),
        (Question(period="2027Q1"), "--period 2027Q1: outside the contract's term, 2026-01-01 to 2026-12-31"),
        (Question(as_of=date(1, 1, 1)), "--as-of 0001-01-01: a day from 1970-01-01 to 2199-12-31"),
        (Question(as_of=date(9999, 12, 31)), "--as-of 9999-12-31: a day from"),
    ],
)
def test_what_a_contract_cannot_have_is_refused(checked: CheckedSite, question: Question, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        assess(checked, question, NOW)
    assert str(caught.value).startswith(problem)


def test_what_fails_is_the_callers_choice(checked: CheckedSite) -> None:
    overdue = assess(checked, Question(date(2026, 1, 31)), NOW)
    assert [bad(overdue, one) for one in ("never", "breached", "overdue")] == [False, False, True]
    breached = assess(checked, Question(date(2026, 2, 28)), NOW)
    assert [bad(breached, one) for one in ("never", "breached", "overdue")] == [False, True, True]
    assert not bad(assess(checked, Question(date(2026, 1, 15)), NOW), "overdue")


def test_a_contract_without_term_or_obligations_is_told_as_it_is(site: Site) -> None:
    record = assess(check_site(site), Question(), NOW)
    assert {row.reason for row in record.rows} == {"no_term"}
    head, _, _ = CONTRACT.partition("obligations:")
    site.contract_file.write_text(head, encoding="utf-8")
    assert assess(check_site(site), Question(), NOW).rows == ()


# -- the command ------------------------------------------------------------------------------------------


def call(site: Site, *arguments: str, as_json: bool = False) -> Result:
    """Call the command on a site as the program does."""

    @click.group()
    @click.pass_context
    def program(context: click.Context) -> None:
        context.obj = Session(site.name, site.state.parent, "zh", as_json)

    program.add_command(compliance)
    return CliRunner().invoke(program, ["compliance", *arguments], env={"WEIBAO_SITES": str(site.folder.parent)})


def test_the_command_lists_every_obligation_and_ends_with_1_where_something_is_bad(
    checked: CheckedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = call(checked.site, "--as-of", "2026-01-31")
    assert result.exit_code == 1, result.output
    assert [line.split("  ")[0] for line in result.stdout.splitlines()[1:4]] == ["A01", "A11", "B08"]
    assert "逾期 1" in result.stdout
    assert call(checked.site, "--as-of", "2026-01-31", "--fail-on", "breached").exit_code == 0
    append(checked.site, "2026-01-20T08:00", monkeypatch, "A01")
    assert call(checked.site, "--as-of", "2026-01-31").exit_code == 0


def test_the_command_prints_one_json_object(checked: CheckedSite) -> None:
    result = call(checked.site, "--as-of", "2026-02-28", "--period", "2026-01", as_json=True)
    content = json.loads(result.stdout)
    assert content["schema_version"] == 1
    assert content["period"] == {"label": "2026-01", "from": "2026-01-01", "to": "2026-01-31"}
    assert [(row["obligation"], row["period"]) for row in content["rows"]] == [
        ("A01", "2026-01"),
        ("A11", "term"),
        ("B08", "2026"),
    ]


def test_the_command_writes_documents_beside_what_it_tells(checked: CheckedSite, tmp_path: Path) -> None:
    output = tmp_path / "reports"
    arguments = ("--as-of", "2026-02-28", "--period", "2026-02", "--output", str(output))
    result = call(checked.site, *arguments, "--format", "html,json,oscal.json")
    assert sorted(path.name for path in output.iterdir()) == [
        "compliance-report-2026-02-20260228.html",
        "compliance-report-2026-02-20260228.json",
        "compliance-report-2026-02-20260228.oscal.json",
    ]
    assert str(output / "compliance-report-2026-02-20260228.html") in result.stdout
    assert "履约情况报告" in (output / "compliance-report-2026-02-20260228.html").read_text(encoding="utf-8")


def test_the_word_file_is_the_purchasers_own_form_where_there_is_one(checked: CheckedSite, tmp_path: Path) -> None:
    checked.site.forms_folder.mkdir()
    form, output = checked.site.forms_folder / "compliance-report.docx", tmp_path / "reports"
    page = docx.Document()
    page.add_paragraph("{{ number }} {{ conclusion }} 违约 {{ counts.breached }} {{ rows|length }}")
    page.add_paragraph("{%p for one in attention %}")
    page.add_paragraph("{{ one.obligation }} {{ one.what }} {{ one.state }} {{ one.due_date }}")
    page.add_paragraph("{%p endfor %}")
    page.save(str(form))
    result = call(checked.site, "--as-of", "2026-01-31", "--format", "html,docx", "--output", str(output))
    assert result.exit_code == 1, result.output
    written = docx.Document(str(output / "compliance-report-20260131.docx"))
    texts = [paragraph.text for paragraph in written.paragraphs]
    assert texts[0].startswith("HT-1-compliance-20260131 截至 2026-01-31 24:00")
    assert texts[0].endswith("违约 0 3")
    assert texts[1] == "A01 2026-01 逾期 2026-01-31"

    page.add_paragraph("{{ nothing }}")
    page.save(str(form))
    result = call(checked.site, "--format", "html,docx", "--output", str(tmp_path / "other"))
    assert isinstance(result.exception, BadInput)
    assert not (tmp_path / "other").exists()


def test_a_place_that_cannot_be_written_to_is_one_clear_error(checked: CheckedSite, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call(checked.site, "--format", "json", "--output", str(tmp_path / "file" / "below"))
    assert "cannot be written" in str(result.exception)


def test_an_unknown_format_or_day_is_bad_input(checked: CheckedSite) -> None:
    assert call(checked.site, "--format", "doc").exit_code == 2
    assert call(checked.site, "--as-of", "31.1.2026").exit_code == 2
