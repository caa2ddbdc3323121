"""Documents of changes are written from the ledger and sealed runs: by case, as drafts, in the auditor's pack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import docx
import pytest

from module_utils.observations import Observation
from reports.documents.comparison import Comparison
from runner.errors import BadInput, VerificationError
from runner.evidence.sealing import OBSERVATIONS
from runner.operations.book import open_book
from runner.operations.change_documents import REPORT, REQUEST, write_change_document
from runner.operations.check_site import CheckedSite
from runner.operations.document_steps import IssueRequest, issue
from runner.operations.documents import form_problems, write_documents
from runner.operations.export import export
from runner.site import Site
from tests.texts import text_of
from tests.unit.runner.operations import evidence
from tests.unit.runner.operations.changed import (
    CASE,
    DIGEST,
    NUMBER,
    PLAN,
    approve,
    changed,
    execute,
    issued,
    request,
    tell,
)


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    return changed(site)


# -- issued, by case --------------------------------------------------------------------------------------


def test_a_request_is_issued_of_its_case_and_numbered_after_it(checked: CheckedSite) -> None:
    request(checked)
    body, text = issued(checked, REQUEST)
    assert (body["number"], body["obligations"], body["case"]) == (
        "HT-1-upgrade-request-SJ-1",
        ["A36"],
        {"kind": "upgrade", "id": NUMBER},
    )
    for wanted in ("升级申请", "content 的内容", "停止 nginx", DIGEST[:16], "已批准 0 名"):
        assert wanted in text


def test_a_request_tells_what_its_preview_foresees(checked: CheckedSite) -> None:
    detail = {"action": "stop", "service": "nginx.service"}
    step = Observation("change.step", "stop nginx.service", "planned", "seconds", "ok", {}, None, detail)
    run = evidence.sealed_run(checked.site.state, {"app2": [step], "app1": [step]}, procedure="restart-services")
    request(checked, preview={"run": run.run_id, "verdict": "complete"})
    _, text = issued(checked, REQUEST)
    assert "停止 nginx.service" in text
    assert text.index("app2") < text.index("第 2 批") < text.index("停止 nginx.service")


def test_a_report_is_issued_only_of_what_was_executed(checked: CheckedSite) -> None:
    request(checked)
    tell(checked, "closed", event="done", outcome="done", text="")
    with pytest.raises(BadInput, match="was not executed yet"):
        issued(checked, REPORT)


def test_a_report_tells_the_approval_the_steps_and_its_assurance(checked: CheckedSite) -> None:
    request(checked)
    approved = approve(checked)
    run = execute(checked)
    tell(checked, "closed", event="done", outcome="done", text="顺利")
    body, text = issued(checked, REPORT)
    assert body["obligations"] == ["A38"]
    for wanted in (
        f"{NUMBER}（台账第 {approved.sequence} 条）",
        "书面签字件（李敏 担保）",
        "停止 nginx.service",
        run,
        "顺利",
    ):
        assert wanted in text


def test_an_approval_of_an_auditor_is_printed_and_not_counted(checked: CheckedSite) -> None:
    request(checked)
    approve(checked, by="审计员")
    _, text = issued(checked, REQUEST)
    assert "同意（不计）" in text
    assert "审计员 是审计人员，不作决定" in text
    assert "已批准 0 名" in text


def test_of_several_changes_of_a_case_it_is_the_newest(checked: CheckedSite) -> None:
    request(checked)
    request(checked, "SJ-1-2")
    assert "SJ-1-2" in issued(checked, REQUEST)[1]


def test_a_case_without_a_change_has_documents_that_people_wrote(checked: CheckedSite, tmp_path: Path) -> None:
    request(checked)
    paper = tmp_path / "申请.docx"
    docx.Document().save(str(paper))
    stepped = issue(checked, IssueRequest(REQUEST, case=CASE, files=(paper,)), "zh")
    assert [one["name"] for one in stepped.entry.body["files"]] == ["申请.docx"]
    with pytest.raises(BadInput, match="there is no such case"):
        issue(checked, IssueRequest(REQUEST, case="upgrade:other"), "zh")


def test_a_change_of_a_contract_without_such_cases_has_drafts_alone(checked: CheckedSite) -> None:
    request(checked, case=None)
    with pytest.raises(BadInput, match=f"change {NUMBER} has no case.*weibao report {REQUEST} --change {NUMBER}"):
        issued(checked, REQUEST)
    assert write_change_document(checked, NUMBER, REQUEST, "zh", ["html"]).paths


def test_a_run_that_was_altered_gives_no_report(checked: CheckedSite) -> None:
    request(checked)
    run = execute(checked)
    path = checked.site.runs_folder / run / OBSERVATIONS
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(VerificationError):
        write_change_document(checked, NUMBER, REPORT, "zh", ("docx",))


# -- drafts and forms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_drafts_are_written_in_every_format_and_tell_the_ledger_nothing(
    checked: CheckedSite, language: str, tmp_path: Path
) -> None:
    request(checked)
    execute(checked)
    head = open_book(checked.site).head()
    for document in (REQUEST, REPORT):
        written = write_change_document(
            checked, NUMBER, document, language, ("html", "docx", "pdf", "xlsx", "json"), tmp_path
        )
        assert [path.name for path in written.paths] == [
            f"{document}-{NUMBER}.{form}" for form in ("html", "docx", "pdf", "xlsx", "json")
        ]
        assert json.loads((tmp_path / f"{document}-{NUMBER}.json").read_bytes())["document"] == document
    assert open_book(checked.site).head() == head
    with pytest.raises(BadInput, match="there is no such change"):
        write_change_document(checked, "other", REQUEST, language, ("docx",))


def test_the_purchasers_own_forms_are_filled_in_and_checked(checked: CheckedSite) -> None:
    request(checked)
    execute(checked)
    checked.site.forms_folder.mkdir(exist_ok=True)
    for document, field in (
        (REQUEST, "{{ digest_short }}"),
        (REPORT, "{{ conclusion }}"),
        ("restart-record", "{{ run }}"),
    ):
        form = docx.Document()
        form.add_paragraph(f"我院表格 {field}")
        form.save(str(checked.site.forms_folder / f"{document}.docx"))
    assert list(form_problems(checked.site)) == []
    assert f"我院表格 {DIGEST[:16]}" in issued(checked, REQUEST)[1]
    form = docx.Document()
    form.add_paragraph("{{ nonsense }}")
    form.save(str(checked.site.forms_folder / f"{REPORT}.docx"))
    (problem,) = form_problems(checked.site)
    assert "nonsense" in problem


def test_a_restart_record_follows_from_its_run(checked: CheckedSite, tmp_path: Path) -> None:
    due = Observation("restart.due", "nginx.service", 1, "flag", "warning", {}, None, {"due_for": ["restart.updates"]})
    run = evidence.sealed_run(checked.site.state, {"app1": [due]}, procedure="restart-services")
    written = write_documents(checked, run, Comparison(), "zh", ("docx", "json"), tmp_path)
    assert [path.name for path in written.paths] == [f"restart-record-{run.run_id}.{form}" for form in ("docx", "json")]
    assert "1 项应当重启" in text_of(written.paths[0])
    stepped = issue(checked, IssueRequest("restart-record", run=run.run_id), "zh")
    assert stepped.entry.body["run"] == run.run_id


# -- the auditor's pack -----------------------------------------------------------------------------------


def data(folder: Path, name: str) -> Any:
    text = (folder / "site" / "data" / f"{name}.js").read_text()
    return json.loads(text.partition(",")[2].removesuffix(");\n"))


def test_the_pack_has_each_change_with_approvals_papers_runs_and_documents(
    checked: CheckedSite, tmp_path: Path
) -> None:
    request(checked)
    tell(checked, "refused", attempt="execute", reasons=[{"code": "nobody_attends", "parameters": {}}])
    approve(checked)
    approve(checked, by="审计员")
    run = execute(checked)
    issued(checked, REQUEST)
    export(checked, tmp_path / "pack")
    (line,) = data(tmp_path / "pack", "changes")
    assert line[:4] == [NUMBER, "executed", "restart-services", ["app1", "app2"]]
    assert (line[7], line[8], line[9]) == ([["王建国", "paper"]], 1, "done")
    detail = data(tmp_path / "pack", "changes/0")
    assert [one[1] for one in detail["decisions"]] == ["王建国", "审计员"]
    good, bad = detail["decisions"]
    assert (good[8], bad[8]) == ([], [["审计员 是审计人员，不作决定", "审计员 is an auditor, who decides nothing"]])
    ((path, name),) = good[5]
    assert name == "签字件.pdf"
    assert (tmp_path / "pack" / path).read_bytes() == b"signed"
    assert detail["executions"][0][0] == run
    assert detail["refusals"][0][3] == [["没有监督人在场", "no supervisor is signed in"]]
    assert [one[0] for one in detail["documents"]] == ["HT-1-upgrade-request-SJ-1"]
    assert data(tmp_path / "pack", "main")["changes"] is True


def test_entries_that_are_no_change_stay_among_the_entries(checked: CheckedSite, tmp_path: Path) -> None:
    request(checked, plan={"terms": PLAN["terms"]})
    export(checked, tmp_path / "pack")
    assert data(tmp_path / "pack", "changes") == []
    assert [one[1] for one in data(tmp_path / "pack", "entries-0")].count("change") == 1


# -- what does not count ----------------------------------------------------------------------------------


def test_a_verification_in_the_purchasers_name_that_nothing_proves_is_marked(checked: CheckedSite) -> None:
    request(checked)
    approve(checked)
    run = execute(checked)
    tell(checked, "verified", by="王建国", run=run, passed=True, text="正常", digest=DIGEST)
    tell(checked, "closed", event="done", outcome="done", text="顺利")
    _, text = issued(checked, REPORT)
    assert "验证通过（不计）" in text
    assert "王建国 的决定没有签名，也没有签字件" in text
