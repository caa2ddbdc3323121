"""A site whose contract asks for the documents of changes, and what happens to a change of it, entry by entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from module_utils.observations import Observation
from runner.change_rules import Rules
from runner.evidence.canonical import canonical, digest
from runner.evidence.ledger import Entry
from runner.operations.book import open_book
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.document_steps import IssueRequest, issue
from runner.site import Site
from tests.texts import text_of
from tests.unit.runner.operations import evidence

CONTRACT = """
schema_version: 1
number: HT-1
title: 维保合同
system: 手术示教系统
provider: {name: 某某科技}
purchaser: {name: 某某医院}
timezone: Asia/Shanghai
obligations:
  - {id: A07, kind: record, document: restart-record, clause: 定期重启, cadence: quarterly}
  - id: A36
    kind: document
    document: upgrade-request
    clause: 升级申请
    cadence: on event
    opened_by: [planned]
    case: upgrade
  - id: A38
    kind: document
    document: upgrade-report
    clause: 实施报告
    cadence: on event
    opened_by: [done]
    case: upgrade
"""
PEOPLE = """
schema_version: 1
people:
  - {name: 张伟, duty: engineer, organisation: provider}
  - {name: 李敏, duty: project manager, organisation: provider}
  - {name: 王建国, duty: purchaser approver, organisation: purchaser}
  - {name: 审计员, duty: auditor, organisation: purchaser}
"""
NUMBER = "SJ-1"
CASE = f"upgrade:{NUMBER}"


def changed(site: Site) -> CheckedSite:
    """Give the site the contract and people above, and return it checked."""
    site.contract_file.write_text(CONTRACT, encoding="utf-8")
    site.people_file.write_text(PEOPLE, encoding="utf-8")
    return check_site(site)


def plan() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "schema_version": 1,
        "procedure": "restart-services",
        "closure": {"digest": "c" * 64, "files": {}, "ansible_core": "2.19.0"},
        "hosts": {"app1": {"one": "1" * 64}, "app2": {"one": "2" * 64}},
        "variables": {"service_restart_services": [{"name": "nginx"}]},
        "window": {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=3)).isoformat()},
        "reserve_minutes": 30,
        "batches": [1, "100%"],
        "steps": [{"name": "停止 nginx", "minutes": 5}],
        "supervisor": "王建国",
        "automatic": False,
        "emergency": False,
        "terms": Rules().as_dict(),
        **{key: f"{key} 的内容" for key in ("content", "reason", "risk", "impact", "backup", "rollback")},
    }


PLAN = plan()
DIGEST = digest(canonical(PLAN))


def tell(checked: CheckedSite, step: str, number: str = NUMBER, **told: Any) -> Entry:
    body = {
        "schema_version": 1,
        "change": number,
        "step": step,
        "obligations": [],
        "event": None,
        "period": None,
        "case": {"kind": "upgrade", "id": NUMBER},
        "at": datetime.now(UTC).isoformat(),
        "attachments": [],
        "operator": {"login": "zhangwei", "name": "张伟"},
        **told,
    }
    return open_book(checked.site).append("change", body)


def request(checked: CheckedSite, number: str = NUMBER, **told: Any) -> None:
    body = {"request": {}, "plan": PLAN, "digest": DIGEST, "requester": "张伟", "preview": None}
    tell(checked, "requested", number, **{**body, "feasibility": [], "event": "planned", **told})


def approve(checked: CheckedSite, by: str = "王建国", **more: Any) -> Entry:
    paper = checked.site.attachments_folder / digest(b"signed")
    paper.parent.mkdir(parents=True, exist_ok=True)
    paper.write_bytes(b"signed")
    attached = [{"name": "签字件.pdf", "sha256": paper.name, "bytes": 6}]
    told: dict[str, Any] = {
        "digest": DIGEST,
        "by": by,
        "reason": "同意",
        "operator": {"login": "limin", "name": "李敏"},
        "signature": None,
        "public_key": None,
    }
    return tell(checked, "approved", **{**told, "vouched_by": "李敏", "attachments": attached, **more})


def execute(checked: CheckedSite) -> str:
    now = datetime.now(UTC).isoformat()
    detail = {"action": "stop", "service": "nginx.service", "started": now, "ended": now}
    step = Observation("change.step", "stop nginx.service", 1.5, "seconds", "ok", {}, None, detail)
    found = {"app1": [step], "app2": [step]}
    run = evidence.sealed_run(checked.site.state, found, procedure="restart-services", approval={"change": NUMBER})
    tell(checked, "started", run=run.run_id, digest=DIGEST, event="started")
    hosts = {"done": ["app1", "app2"], "failed": [], "left": [], "unreachable": [], "rolled_back": []}
    tell(checked, "executed", run=run.run_id, outcome="done", hosts=hosts)
    return run.run_id


def issued(checked: CheckedSite, document: str, **given: Any) -> tuple[dict[str, Any], str]:
    stepped = issue(checked, IssueRequest(document, case=CASE, **given), "zh")
    (path, *_) = stepped.copies
    return dict(stepped.entry.body), text_of(path)
