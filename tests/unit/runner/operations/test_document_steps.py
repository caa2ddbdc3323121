"""Documents are issued from runs, forms and files; a deadline is met by submission; nothing wrong is written."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import docx
import pytest

from module_utils.observations import Observation
from runner.errors import BadInput, VerificationError
from runner.evidence.canonical import digest_file
from runner.evidence.ledger import Ledger
from runner.operations.check_site import CheckedSite
from runner.operations.document_steps import IssueRequest, Stepped, StepRequest, issue, list_documents, take_step
from runner.operations.documents import form_problems
from runner.operations.records import RecordRequest, add_record
from runner.site import PROJECT, Site
from tests.texts import text_of
from tests.unit.runner.operations import evidence
from tests.unit.runner.operations.contracted import NOW, contracted
from tests.verification import verify

LATER = evidence.NOW + timedelta(hours=1)


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    return contracted(site)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "预案.docx"
    path.write_bytes(b"a plan")
    return path


def issued(checked: CheckedSite, document: str, *, now: datetime = NOW, **given: Any) -> Stepped:
    return issue(checked, IssueRequest(document, **given), "zh", now)


def step(checked: CheckedSite, number: str, to: str, at: str | None = None, **given: Any) -> Stepped:
    return take_step(checked, StepRequest(number, to, "信息科", at, **given), NOW)


def states(stepped: Stepped) -> dict[tuple[str, str], str]:
    return {(row.obligation, row.period): row.state for row in stepped.rows}


def refused(checked: CheckedSite, document: str, **given: Any) -> str:
    before = everything(checked)
    with pytest.raises(BadInput) as error:
        issued(checked, document, **given)
    assert everything(checked) == before
    return str(error.value)


def everything(checked: CheckedSite) -> list[Path]:
    folders = (checked.site.ledger_folder, checked.site.documents_folder)
    return sorted(path for folder in folders for path in folder.rglob("*") if path.name != ".lock")


def inspected(checked: CheckedSite, **given: Any) -> str:
    found = Observation("filesystem.used", "/", 91, "percent", "critical", {"critical": 90}, None, {})
    return evidence.sealed_run(checked.site.state, {"his-app-1": [found]}, **given).run_id


def make_form(checked: CheckedSite, document: str, *paragraphs: str) -> Path:
    checked.site.forms_folder.mkdir(exist_ok=True)
    path = checked.site.forms_folder / f"{document}.docx"
    file = docx.Document()
    for text in paragraphs:
        file.add_paragraph(text)
    file.save(str(path))
    return path


# -- from files that people wrote -------------------------------------------------------------------------


def test_a_deadline_is_met_by_submission_not_by_issue(checked: CheckedSite, paper: Path) -> None:
    first = issued(checked, "emergency-plan", period="term", files=(paper,), at="2026-01-20")
    assert first.entry.body["number"] == "HT-1-emergency-plan-term"
    assert states(first) == {("A23", "term"): "breached"}
    assert states(step(checked, "HT-1-emergency-plan-term", "submitted", "2026-01-21")) == {
        ("A23", "term"): "fulfilled"
    }
    received = step(checked, "HT-1-emergency-plan-term", "received", "2026-01-22", attach=(paper,))
    assert received.entry.body["by"] == "信息科"
    (kept, scan) = received.entry.body["files"]
    assert kept == first.entry.body["files"][0]
    assert (checked.site.documents_folder / scan["sha256"]).read_bytes() == b"a plan"


def test_a_new_version_leaves_what_was_submitted_as_it_is(checked: CheckedSite, paper: Path) -> None:
    number = "医信〔2026〕17号"
    given = {"period": "term", "number": number, "files": (paper,)}
    assert issued(checked, "emergency-plan", **given, at="2026-01-20", draft=True).entry.body["version"] == 1
    assert issued(checked, "emergency-plan", **given, at="2026-01-20").entry.body["version"] == 1
    step(checked, number, "submitted", "2026-01-21")
    paper.write_bytes(b"a better plan")
    assert issued(checked, "emergency-plan", **given, at="2026-02-01").entry.body["version"] == 2
    (listed,) = list_documents(checked, document="emergency-plan")
    told = {version.number: [one.step for one in version.steps] for version in listed.versions.values()}
    assert told == {1: ["draft", "issued", "submitted"], 2: ["issued"]}
    assert list_documents(checked, period="2026Q1") == []


def test_a_document_of_a_case_serves_what_the_case_opened(checked: CheckedSite, paper: Path) -> None:
    for event, at in (("reported", "09:00"), ("restored", "10:00")):
        request = RecordRequest(case="fault:F-1", event=event, at=f"2026-03-02 {at}", attributes={"grade": "P1"})
        add_record(checked, request, NOW)
    body = issued(checked, "fault-analysis", case="fault:F-1", files=(paper,), at="2026-03-03").entry.body
    assert (body["number"], body["obligations"], body["period"]) == ("HT-1-fault-analysis-F-1", ["A22"], None)
    assert states(step(checked, body["number"], "submitted", "2026-03-05"))["A22", "F-1"] == "fulfilled"


@pytest.mark.parametrize(
    ("document", "given", "problem"),
    [
        ("emergncy-plan", {}, "DOCUMENT emergncy-plan: there is none of this name; documents: "),
        ("emergency-plan", {}, "--file: is missing; emergency-plan is written by people"),
        ("emergency-plan", {"files": (Path("/nowhere"),)}, "--file /nowhere: is not there"),
        ("emergency-plan", {"run": "x"}, "--run x: emergency-plan is not written from runs"),
        ("inspection-record", {"run": "x"}, "no run 'x' in the ledger"),
        ("inspection-record", {}, "no run of inspect"),
        ("inspection-record", {"period": "2026-03"}, "--period 2026-03: no run of inspect is for it"),
        ("inspection-record", {"period": "2026Q1"}, "--period 2026Q1: no obligation asks for inspection-record in it"),
        ("inspection-summary", {}, "--period: is missing, or --case; inspection-summary is owed for each; A02: write"),
        ("inspection-summary", {"period": "2026-03"}, "A02: write such as 2026Q2 (quarterly; 2026Q1 to 2026Q4)"),
        ("inspection-summary", {"case": "fault:F-1"}, "--case fault:F-1: there is no such case"),
        ("inspection-summary", {"case": "fault:F-1", "period": "2026Q1"}, "--period 2026Q1: goes without --case"),
        (
            "inspection-record",
            {"files": (Path(__file__),)},
            "--period: is missing, or --case; inspection-record is owed",
        ),
        ("fault-analysis", {"period": "F-9"}, "--period F-9: no obligation asks for fault-analysis in it"),
    ],
)
def test_what_is_for_nothing_is_one_error_and_nothing_is_written(
    checked: CheckedSite, document: str, given: dict[str, Any], problem: str
) -> None:
    assert problem in refused(checked, document, **given)


def test_numbers_and_times_are_checked(checked: CheckedSite, paper: Path) -> None:
    given: dict[str, Any] = {"files": (paper,), "at": "2026-01-20"}
    issued(checked, "emergency-plan", number="N-1", period="term", **given)
    again = {"number": "N-1", "files": (paper,)}
    assert "--number N-1: belongs to emergency-plan" in refused(checked, "inspection-summary", period="2026Q1", **again)
    assert "lies before the step before it, 2026-01-20 00:00" in refused(
        checked, "emergency-plan", period="term", at="2026-01-19", **again
    )
    assert "a number is one line" in refused(checked, "emergency-plan", period="term", number="1\n2", files=(paper,))
    issued(checked, "inspection-summary", number="N-2", period="2026Q1", **given)
    assert "--number N-2: was issued for another period or case" in refused(
        checked, "inspection-summary", period="2026Q2", number="N-2", files=(paper,)
    )


@pytest.mark.parametrize(
    ("number", "to", "at", "problem"),
    [
        ("N-9", "submitted", None, "NUMBER N-9: there is no such document"),
        ("N-1", "received", None, "NUMBER N-1: version 1 is issued, so it cannot be received"),
        ("N-1", "submitted", "2026-01-19", "lies before the step before it"),
        ("N-1", "submitted", "2026-12-01", "lies in the future"),
    ],
)
def test_a_step_that_cannot_come_is_refused(
    checked: CheckedSite, paper: Path, number: str, to: str, at: str | None, problem: str
) -> None:
    issued(checked, "emergency-plan", number="N-1", period="term", files=(paper,), at="2026-01-20")
    before = everything(checked)
    with pytest.raises(BadInput) as error:
        step(checked, number, to, at)
    assert problem in str(error.value)
    assert everything(checked) == before


def test_what_changed_since_it_was_issued_is_not_submitted(checked: CheckedSite, paper: Path) -> None:
    body = issued(checked, "emergency-plan", period="term", files=(paper,)).entry.body
    kept = checked.site.documents_folder / body["files"][0]["sha256"]
    kept.write_bytes(b"another plan")
    with pytest.raises(VerificationError, match="has changed since it was issued"):
        step(checked, body["number"], "submitted")
    kept.unlink()
    with pytest.raises(VerificationError, match="is missing"):
        step(checked, body["number"], "submitted")


def test_a_wrong_step_is_taken_back(checked: CheckedSite, paper: Path) -> None:
    body = issued(checked, "emergency-plan", period="term", files=(paper,), at="2026-01-20").entry.body
    step(checked, body["number"], "submitted", "2026-01-21")
    with pytest.raises(BadInput, match="later steps of this document rest on it"):
        add_record(checked, RecordRequest(corrects=3, text="错"), NOW)
    with pytest.raises(BadInput, match="is a document; it can be taken back with --text alone"):
        add_record(checked, RecordRequest(("A48",), corrects=4), NOW)
    add_record(checked, RecordRequest(corrects=4, text="未实际提交"), NOW)
    assert states(step(checked, body["number"], "submitted", "2026-02-02")) == {("A23", "term"): "breached"}


# -- from sealed runs -------------------------------------------------------------------------------------


def test_an_inspection_record_is_issued_from_its_run(checked: CheckedSite) -> None:
    run = inspected(checked)
    first = issued(checked, "inspection-record", run=run, formats=("html", "json"), now=LATER)
    body = first.entry.body
    assert (body["number"], body["period"], body["run"]) == ("HT-1-inspection-record-2026-11", "2026-11", run)
    assert body["obligations"] == ["A01.record"]
    assert [path.name for path in first.copies] == [
        "HT-1-inspection-record-2026-11-v1.html",
        "HT-1-inspection-record-2026-11-v1.json",
    ]
    shown = text_of(first.copies[0])
    assert "HT-1-inspection-record-2026-11" in shown
    assert "草稿" not in shown
    for named, copy in zip(body["files"], first.copies, strict=True):
        assert digest_file(copy) == named["sha256"]
    site = checked.site
    book = Ledger(site.ledger_folder, site.name)
    found = verify(book, site.runs_folder, site.attachments_folder, site.documents_folder)
    assert not [one for one in found if one.file.startswith("documents/")]


def test_without_a_name_it_is_the_newest_run_and_of_a_period_its_newest_whole_one(checked: CheckedSite) -> None:
    october = inspected(checked, ago=timedelta(days=30))
    whole = inspected(checked, ago=timedelta(days=2))
    inspected(checked, ago=timedelta(days=1), verdict="partial")
    newest = inspected(checked, limit="his-app-1")
    runs = [
        issued(checked, "inspection-record", formats=("json",), now=LATER, number=str(place), **given).entry.body["run"]
        for place, given in enumerate(({}, {"period": "2026-11"}, {"period": "2026-10"}))
    ]
    assert runs == [newest, whole, october]


def test_a_record_is_not_issued_before_its_run_ended(checked: CheckedSite) -> None:
    run = inspected(checked)
    assert "lies before the end of run" in refused(checked, "inspection-record", run=run, at="2026-11-20", now=LATER)
    assert "--format none" in refused(checked, "inspection-record", run=run, formats=(), now=LATER)


def test_a_number_of_any_length_and_letters_gives_files_with_names(checked: CheckedSite) -> None:
    number = "医信/维保〔2026〕" + "号" * 110
    (copy,) = issued(
        checked, "inspection-record", run=inspected(checked), formats=("json",), number=number, now=LATER
    ).copies
    assert copy.parent == checked.site.documents_folder
    assert copy.name.startswith("医信-维保〔2026〕号")
    assert copy.name.endswith("-v1.json")


def test_numbers_that_files_cannot_tell_apart_have_copies_of_their_own(checked: CheckedSite) -> None:
    run, copies = inspected(checked), set()
    for number in ("HT/1", "HT-1", "HT 1", "HT:1"):
        copies.update(issued(checked, "inspection-record", run=run, formats=("json",), number=number, now=LATER).copies)
    assert len(copies) == 4
    assert checked.site.documents_folder / "HT-1-v1.json" in copies


def test_two_cases_of_the_same_id_need_numbers_of_their_own(checked: CheckedSite) -> None:
    make_form(checked, "fault-analysis", "{{ number }}")
    for case in ("F-1", "F-2"):
        for event, at in (("reported", "09:00"), ("restored", "10:00")):
            request = RecordRequest(
                case=f"fault:{case}", event=event, at=f"2026-03-02 {at}", attributes={"grade": "P1"}
            )
            add_record(checked, request, NOW)
    issued(checked, "fault-analysis", case="fault:F-1")
    given = {"case": "fault:F-2", "number": "HT-1-fault-analysis-F-1"}
    assert refused(checked, "fault-analysis", **given).endswith("was issued for another period or case")
    issued(checked, "fault-analysis", case="fault:F-1", number="HT-1-fault-analysis-F-2")
    assert refused(checked, "fault-analysis", case="fault:F-2").endswith("another period or case; give another one")


@pytest.mark.parametrize(("told", "period"), [("2026-10", "2026-10"), ("2026Q4", "2026-11"), (None, "2026-11")])
def test_a_run_is_for_the_period_that_it_was_told(checked: CheckedSite, told: str | None, period: str) -> None:
    run = inspected(checked)
    book = Ledger(checked.site.ledger_folder, checked.site.name)
    entry = next(iter(book.entries()))
    entry.path.unlink()
    book.append("run", {**entry.body, "period": told})
    body = issued(checked, "inspection-record", run=run, formats=("json",), now=LATER).entry.body
    assert (body["period"], body["obligations"]) == (period, ["A01.record"])


# -- on the purchaser's own form --------------------------------------------------------------------------


def test_the_sample_form_replaces_the_built_in_word_file(checked: CheckedSite) -> None:
    shipped = PROJECT / "inventories" / "hospital-a" / "forms"
    shutil.copytree(shipped, checked.site.forms_folder)
    assert list(form_problems(checked.site)) == []
    add_record(checked, RecordRequest(("A01.record",), text="机房温度正常", who=("张三",)), LATER)
    first = issued(checked, "inspection-record", run=inspected(checked), formats=("docx",), now=LATER)
    text = text_of(first.copies[0])
    for expected in ("信息系统巡检记录单", "HT-1-inspection-record-2026-11", "his-app-1", "91.0%", "机房温度正常"):
        assert expected in text, expected
    assert "{" not in text


def test_any_document_with_a_form_is_filled_in_from_its_records(checked: CheckedSite) -> None:
    make_form(
        checked, "fault-analysis", "{{ number }} {{ case }}", "{%p for one in records %}",
        "{{ one.time }} {{ one.event }} {{ one.attributes }} {{ one.text }}", "{%p endfor %}",
    )  # fmt: skip
    for event, at, text in (("reported", "09:00", "黑屏 <&>"), ("restored", "10:00", "更换电源")):
        request = RecordRequest(
            case="fault:F-1", event=event, at=f"2026-03-02 {at}", text=text, attributes={"grade": "P1"}
        )
        add_record(checked, request, NOW)
    (copy,) = issued(checked, "fault-analysis", case="fault:F-1").copies
    assert text_of(copy).split("\n")[:3] == [
        "HT-1-fault-analysis-F-1 F-1",
        "2026-03-02 09:00 reported grade=P1 黑屏 <&>",
        "2026-03-02 10:00 restored grade=P1 更换电源",
    ]


def test_how_the_contract_stands_is_issued_of_any_period_or_of_all(checked: CheckedSite) -> None:
    first = issued(checked, "compliance-report", period="2026Q1", formats=("html", "json"), at="2026-06-01")
    body = first.entry.body
    assert (body["number"], body["period"], body["obligations"]) == ("HT-1-compliance-report-2026Q1", "2026Q1", [])
    assert "草稿" not in text_of(first.copies[0])
    content = json.loads(first.copies[1].read_text(encoding="utf-8"))
    assert content["issue"] == {"number": body["number"], "version": 1, "draft": False}
    assert (content["period"]["label"], content["as_of"]) == ("2026Q1", "2026-06-01T00:00:00+08:00")
    assert step(checked, body["number"], "submitted").entry.body["step"] == "submitted"
    assert issued(checked, "compliance-report").entry.body["number"] == "HT-1-compliance-report-20260615"
    assert "--period 2020: outside the contract's term" in refused(checked, "compliance-report", period="2020")
    form = make_form(checked, "compliance-report", "{{ number }} {{ counts.breached }} {{ counts.bad }}")
    assert refused(checked, "compliance-report") == f"{form}: there is no field counts.bad"


def test_a_wrong_field_is_one_error_that_names_it_and_the_file(checked: CheckedSite) -> None:
    form = make_form(checked, "inspection-record", "{{ conclusion }}", "{{ conclusionn }}")
    run = inspected(checked)
    wrong = refused(checked, "inspection-record", run=run, formats=("html", "docx"), now=LATER)
    assert wrong == f"{form}: there is no field conclusionn"
    assert list(form_problems(checked.site)) == [wrong]


def test_forms_are_checked_without_any_run(checked: CheckedSite) -> None:
    make_form(checked, "inspection-record", "{% if counts.critical > 0 %}{{ counts.bad }}{% endif %}")
    make_form(checked, "emergency-plan", "{{ conclusion }}")
    make_form(checked, "no-document", "x")
    (checked.site.forms_folder / "~$emergency-plan.docx").write_bytes(b"")
    problems = list(form_problems(checked.site))
    assert [problem.partition(": ")[2].partition(";")[0] for problem in problems] == [
        "there is no field conclusion",
        "there is no field counts.bad",
        "no document named 'no-document'",
    ]
