"""Evidence by hand and the life of documents, from the command line."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest

from tests.program import Program
from tests.texts import text_of

CONTRACT = """
schema_version: 1
number: HT-1
title: 维保合同
system: 手术示教系统
provider: {name: 某某科技}
purchaser: {name: 某某医院}
timezone: Asia/Shanghai
term: {from: 2020-01-01, to: 2039-12-31}
obligations:
  - {id: A01, kind: procedure, procedure: inspect, cadence: yearly, clause: 巡检}
  - {id: A01.record, kind: record, document: inspection-record, cadence: yearly, clause: 巡检记录}
  - {id: A48, kind: record, cadence: quarterly, clause: 服务回顾会议}
  - id: A15
    kind: sla
    clause: 一级故障
    case: fault
    when: {grade: P1}
    clocks: [{name: respond, within: {minutes: 15}, starts: [reported], stops: [responded]}]
"""
PEOPLE = """
schema_version: 1
people:
  - {name: 赵六, duty: purchaser approver, organisation: purchaser}
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites").make_site(
        "own", contract=CONTRACT, people=PEOPLE, group_vars__all="host_inspection_checks: ['filesystem.*']\n"
    )


def test_a_record_with_its_attachment_is_listed_verified_and_found_when_changed(
    program: Program, tmp_path: Path
) -> None:
    paper = tmp_path / "会议纪要.pdf"
    paper.write_bytes(b"%PDF minutes")
    arguments = ("A48", "--at", "2021-02-03 14:00", "--who", "赵六", "--text", "回顾会议", "--attach", str(paper))
    added = program.json("record", "add", *arguments)
    assert [(row["obligation"], row["period"], row["state"]) for row in added["rows"]] == [
        ("A48", "2021Q1", "fulfilled")
    ]
    (listed,) = program.json("record", "list", "--obligation", "A48")["records"]
    assert (listed["text"], listed["corrected_by"]) == ("回顾会议", None)
    assert program.json("ledger", "verify")["findings"] == []
    kept = program.state / "attachments" / listed["attachments"][0]["sha256"]
    kept.write_bytes(b"%PDF minutez")
    findings = program.json("ledger", "verify", code=1)["findings"]
    assert findings == [
        {
            "file": f"attachments/{kept.name}",
            "problem": "differs from what was recorded; named by 000003-record.json (会议纪要.pdf)",
            "entry": 3,
            "kind": "file",
        }
    ]


def test_a_name_of_any_letters_is_told_on_one_line_and_changes_no_terminal(program: Program, tmp_path: Path) -> None:
    paper = tmp_path / "a\nb\x1b[31mc\u202e.pdf"
    paper.write_bytes(b"x")
    program.json("record", "add", "A48", "--text", "x", "--attach", str(paper))
    (kept,) = (program.state / "attachments").iterdir()
    kept.unlink()
    lines = program.run("ledger", "verify").stdout.splitlines()
    assert lines[0].endswith("000003-record.json (a b<U+001B>[31mc<U+202E>.pdf) (entry 3)")
    assert lines[1].startswith("1 finding; head ")


def test_a_case_from_report_to_correction_in_two_languages(program: Program) -> None:
    case = ("record", "add", "--case", "fault:F-1")
    shown = program.run(*case, "--event", "reported", "--at", "2021-03-02 10:00", "--set", "grade=P1")
    assert "已登记为第 3 条" in shown.stdout
    assert "A15 respond F-1：违约，应于 2021-03-02 10:15 前" in shown.stdout
    shown = program.run(*case, "--event", "responded", "--at", "2021-03-02 10:10", WEIBAO_LANG="en")
    assert "recorded as entry 4\n  A15 respond F-1: fulfilled, 5 minutes left" in shown.stdout
    shown = program.run(*case, "--event", "responded", "--at", "2021-03-02 10:12", "--corrects", "4")
    assert "更正第 4 条" in shown.stdout
    lines = program.run("record", "list", "--case", "fault:F-1").stdout.splitlines()
    assert [line.endswith("【已由第 5 条更正】") for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("record", "add", "A48", "--set", "grade"), "write KEY=VALUE"),
        (("record", "add", "A48", "--quantity", "a=1", "--quantity", "a=2"), "a: is given twice"),
        (("record", "add", "A48", "--attach", "/nowhere"), "error: --attach /nowhere: is not there"),
        (("record", "waive", "A48", "--period", "2021Q1", "--consent", "张三", "--reason", "x"), "--consent 张三"),
        (("record", "waive", "A48", "--consent", "赵六", "--reason", "x"), "Missing option '--period'"),
        (("document", "issue", "nothing"), "error: DOCUMENT nothing: there is none of this name"),
        (("document", "submit", "N", "--to", "x"), "error: NUMBER N: there is no such document"),
    ],
)
def test_bad_input_is_one_error_and_leaves_the_ledger_empty(
    program: Program, arguments: tuple[str, ...], problem: str
) -> None:
    result = program.run(*arguments)
    assert (result.returncode, problem in result.stderr) == (2, True), result.stderr
    assert program.json("ledger", "show")["entries"] == []


def test_a_waiver_shows_who_consents(program: Program) -> None:
    arguments = ("A48", "--period", "2021Q1", "--consent", "赵六", "--reason", "合并到第二季度")
    assert "已登记豁免为第 3 条（赵六 同意）" in program.run("record", "waive", *arguments).stdout
    assert "赵六 同意：合并到第二季度" in program.run("record", "list").stdout


def test_a_record_of_a_run_is_issued_submitted_and_received(program: Program, tmp_path: Path) -> None:
    program.json("run", "inspect", "--format", "none", "--fail-on", "never")
    number = program.json("document", "issue", "inspection-record", "--format", "html,docx")["entry"]["body"]["number"]
    year = program.manifest()["started"][:4]
    assert number == f"HT-1-inspection-record-{year}"
    program.json("document", "submit", number, "--to", "信息科")
    scan = tmp_path / "scan.jpg"
    scan.write_bytes(b"signed")
    received = program.json("document", "receive", number, "--by", "赵六", "--attach", str(scan))
    assert [row["state"] for row in received["rows"]] == ["fulfilled"]
    (listed,) = program.json("document", "list", "--period", year)["documents"]
    assert [step["step"] for step in listed["steps"]] == ["issued", "submitted", "received"]
    assert "已签发" in program.run("document", "list").stdout
    assert program.json("ledger", "verify")["findings"] == []
    for named in listed["steps"][-1]["files"]:
        (program.state / "documents" / named["sha256"]).unlink()
    findings = program.json("ledger", "verify", code=1)["findings"]
    assert len(findings) == 3 * 2 + 1, "two files by three steps, and the scan"
    assert all(one["problem"].startswith("missing, but named by") for one in findings)


def test_the_purchasers_form_is_used_and_a_wrong_field_is_named(program: Program, tmp_path: Path) -> None:
    forms = program.sites / "own" / "forms"
    forms.mkdir()
    for field in ("verdict", "verdikt"):
        file = docx.Document()
        file.add_paragraph(f"结果：{{{{ {field} }}}}")
        file.save(str(forms / "inspection-record.docx"))
        if field == "verdict":
            program.json("run", "inspect", "--format", "none", "--fail-on", "never")
        result = program.run("report", "inspection-record", "--format", "html,docx", "--output", str(tmp_path / field))
        if field == "verdict":
            (written,) = (tmp_path / field).glob("*.docx")
            assert text_of(written).startswith("结果：完整")
    assert result.returncode == 2
    assert result.stderr == f"error: {forms}/inspection-record.docx: there is no field verdikt\n"
    assert not (tmp_path / "verdikt").exists()
    runs = len(program.runs())
    assert program.run("run", "inspect", "--format", "html,docx").stderr == result.stderr
    assert len(program.runs()) == runs, "nothing was run for a record that could not be written"
    assert program.run("run", "inspect", "--format", "none", "--fail-on", "never").returncode == 0
    checked = program.run("site", "check")
    assert (checked.returncode, checked.stderr) == (2, result.stderr)
