"""A change of three hosts, its entries of the ledger and its sealed run: what the tests of its documents bend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from reports.document import LedgerHead
from reports.documents.change_record import About, ChangeRecord, change_record
from reports.documents.change_run import ChangeRun, change_run
from reports.documents.inspection_record import Issue
from reports.documents.restart_record import RestartRecord, restart_record
from runner.change_fold import changes
from runner.change_rules import Rules
from runner.changes import HOST_ENDS
from runner.contract.facts import EntryLine
from runner.contract.model import Contract, Party
from runner.contract.people import Person
from tests.unit.reports.compliance_sample import ZONE

DIGEST = "9f2c4d1e7ab0536c" * 4
RUN = "20261122T140512Z-restart-services-4c1f2a"
HEAD = LedgerHead("hospital-a", 31, "1a2b3c4d" * 8)
#: A day and more after what is told here.
LATER = datetime(2026, 11, 24, 9, tzinfo=ZONE)
OPERATOR = {"login": "zhangwei", "name": "张伟"}

CONTRACT = Contract(
    schema_version=1,
    number="HT-2026-017",
    title="手术示教系统维保合同",
    system="手术示教系统",
    provider=Party(name="示例医疗信息技术有限公司"),
    purchaser=Party(name="示例市第一人民医院"),
)
PEOPLE = (
    Person(name="张伟", duty="engineer", organisation="provider", login="zhangwei"),
    Person(name="李敏", duty="project manager", organisation="provider"),
    Person(name="王建国", duty="purchaser approver", organisation="purchaser"),
    Person(name="陈监督", duty="supervisor", organisation="purchaser"),
)

PLAN: dict[str, Any] = {
    "schema_version": 1,
    "procedure": "restart-services",
    "closure": {"digest": "4be1c30f" * 8, "files": {}, "ansible_core": "2.19.14"},
    "hosts": {"app1": {"app_port": "11aa22bb" * 8}, "app2": {"app_port": "33cc44dd" * 8}, "legacy": {}},
    "salt": "77aa88bb" * 4,
    "terms": Rules().as_dict(),
    "variables": {"service_restart_services": [{"name": "nginx"}]},
    "window": {"from": "2026-11-22T22:00:00+08:00", "to": "2026-11-23T02:00:00+08:00"},
    "reserve_minutes": 30,
    "batches": [1, "50%", "100%"],
    "steps": [
        {"name": "摘除流量，等待连接排空", "minutes": 5},
        {"name": "停止并启动 nginx", "minutes": 5},
        {"name": "确认直播首页与登录可用", "minutes": 10},
    ],
    "supervisor": "陈监督",
    "automatic": False,
    "emergency": False,
    "content": "重启三台应用服务器上的 nginx，使已安装的 OpenSSL 安全更新生效。",
    "reason": "libssl 已更新，进程仍映射旧版本，漏洞修补尚未生效。",
    "risk": "重启期间该节点约 1 分钟不可用；配置有误则无法启动。事前执行 nginx -t，逐台进行。",
    "impact": "示教直播可能短暂重连，不影响手术室本地录像。",
    "backup": "备份 /etc/nginx 至 /var/backups/nginx-20261122.tar.gz，并核对校验值。",
    "rollback": "启动失败即恢复备份的配置并重新启动，探测通过后放回流量；预计 10 分钟。",
}

_Entries = list[tuple[str, str, dict[str, Any]]]


def requested(**given: Any) -> tuple[str, str, dict[str, Any]]:
    """Return the entry that requests the change."""
    body = {
        "requester": "张伟",
        "request": {},
        "plan": PLAN,
        "digest": DIGEST,
        "event": "planned",
        "preview": {"run": "20261120T081000Z-restart-services-aa01bb", "verdict": "complete"},
        "feasibility": [
            {"check": "preview", "passed": True, "reason": None},
            {"check": "window", "passed": True, "reason": None},
            {"check": "supervisor", "passed": None, "reason": {"code": "no_result", "parameters": {}}},
        ],
    }
    return "requested", "2026-11-20T16:12", body | given


APPROVED = (
    "approved",
    "2026-11-21T09:30",
    {"digest": DIGEST, "by": "王建国", "reason": "同意，须避开手术日白天",
     "signature": "-----BEGIN SSH SIGNATURE-----", "public_key": "ssh-ed25519 AAAA"},
)  # fmt: skip
ON_PAPER = (
    "approved",
    "2026-11-21T10:00",
    {"digest": DIGEST, "by": "王建国", "reason": "同意", "vouched_by": "李敏",
     "attachments": [{"name": "升级申请签字件.pdf", "sha256": "ab" * 32, "bytes": 3}]},
)  # fmt: skip
SIGNED_IN = (
    "signed-in",
    "2026-11-22T21:58",
    {"supervisor": "陈监督", "digest": DIGEST, "signature": "x", "public_key": "y"},
)
SIGNED_OUT = ("signed-out", "2026-11-22T22:40", {"supervisor": "陈监督", "signature": "x", "public_key": "y"})
REFUSED = (
    "refused",
    "2026-11-22T21:50",
    {
        "attempt": "execute",
        "reasons": [
            {"code": "before_window", "parameters": {"day": "2026-11-22 22:00"}},
            {"code": "nobody_attends", "parameters": {}},
        ],
    },
)
STARTED = ("started", "2026-11-22T22:05", {"run": RUN, "digest": DIGEST, "event": "started"})
VERIFIED = (
    "verified",
    "2026-11-22T22:38",
    {
        "by": "陈监督",
        "passed": True,
        "text": "三间手术室直播与点播均正常，登录正常。",
        "signature": "x",
        "public_key": "y",
    },
)
CLOSED = ("closed", "2026-11-22T22:45", {"event": "done", "outcome": "done", "text": "按计划完成。"})


def executed(outcome: str = "done", **hosts: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """Return the entry that ends the execution; by default all hosts are done."""
    ends = {key: list(hosts.get(key, ())) for key in HOST_ENDS}
    if not hosts:
        ends["done"] = ["app1", "app2", "legacy"]
    return "executed", "2026-11-22T22:31", {"run": RUN, "outcome": outcome, "hosts": ends}


WHOLE: _Entries = [requested(), REFUSED, APPROVED, SIGNED_IN, STARTED, executed(), VERIFIED, SIGNED_OUT, CLOSED]


def lines(entries: _Entries) -> list[EntryLine]:
    """Return entries as the ledger's lines."""
    found = []
    for place, (step, at, body) in enumerate(entries, 12):
        moment = datetime.fromisoformat(at).replace(tzinfo=ZONE).isoformat()
        case = {"kind": "upgrade", "id": "SJ-2026-001"}
        head = {"schema_version": 1, "change": "SJ-2026-001", "step": step, "obligations": [], "case": case}
        rest: dict[str, Any] = {"event": None, "at": moment, "period": None, "attachments": [], "operator": OPERATOR}
        found.append(EntryLine(place, "change", moment, {**head, **rest, **body}))
    return found


def observation(host: str, check: str, subject: str, value: Any, level: str = "ok", **detail: Any) -> dict[str, Any]:
    """Return an observation as a sealed run has it."""
    told = {"host": host, "check": check, "subject": subject, "value": value, "unit": "", "level": level}
    return {**told, "limits": {}, "reason": None, "detail": detail, "time": None}


def steps_of(host: str, minute: int, *, failed: bool = False) -> list[dict[str, Any]]:
    """Return the steps of one host, half a minute each from a minute past ten in the evening on."""
    found = []
    for place, action in enumerate(("drain", "stop", "start", "check the probes")):
        began = datetime(2026, 11, 22, 22, minute, tzinfo=ZONE) + timedelta(seconds=30 * place)
        bad = failed and action == "start"
        detail = {"action": action, "service": "nginx.service" if place < 3 else "", "started": began.isoformat()}
        detail["ended"] = (began + timedelta(seconds=12)).isoformat()
        if bad:
            detail["problem"] = 'nginx: [emerg] unknown directive "http3" in /etc/nginx/nginx.conf:12'
        one = observation(host, "change.step", f"{action} nginx", 12.0, "critical" if bad else "ok", **detail)
        found.append({**one, "unit": "seconds"})
        if bad:
            break
    return found


def batch(number: int, decision: str, level: str, *hosts: str, **detail: Any) -> dict[str, Any]:
    """Return what the gate decided of a batch."""
    began = datetime(2026, 11, 22, 22, 8 * number - 3, tzinfo=ZONE)
    told = {"hosts": list(hosts), "started": began.isoformat(), "ended": (began + timedelta(minutes=6)).isoformat()}
    return observation(hosts[0], "change.batch", str(number), decision, level, **told, decision=decision, **detail)


def after(host: str) -> list[dict[str, Any]]:
    """Return how a host stands afterwards."""
    return [
        observation(host, "unit.active", "nginx.service", 1),
        observation(host, "http.answer", "https://127.0.0.1/", 1),
    ]


def due(host: str, *, level: str = "warning", value: int = 1) -> dict[str, Any]:
    """Return an assessment of one service."""
    return observation(host, "restart.due", "nginx.service", value, level, due_for=["restart.updates"])


def figures(host: str, *, updates: int = 2) -> list[dict[str, Any]]:
    """Return the figures behind an assessment."""
    files = [f"/usr/lib/x86_64-linux-gnu/lib{name}.so.3" for name in ("ssl", "crypto")][:updates]
    level = "warning" if updates else "ok"
    return [
        {**observation(host, "restart.uptime", "nginx.service", 89.6), "unit": "days"},
        {**observation(host, "restart.memory", "nginx.service", 3.4), "unit": "percent"},
        {**observation(host, "restart.updates", "nginx.service", updates, level, files=files), "unit": "count"},
    ]


OBSERVATIONS = [
    *(one for host in ("app1", "app2", "legacy") for one in (due(host), *figures(host))),
    *(one for place, host in enumerate(("app1", "app2", "legacy")) for one in steps_of(host, 6 + 8 * place)),
    batch(1, "passed", "ok", "app1"),
    batch(2, "passed", "ok", "app2"),
    batch(3, "passed", "ok", "legacy"),
    *(one for host in ("app1", "app2", "legacy") for one in after(host)),
]

MANIFEST: dict[str, Any] = {
    "run": RUN,
    "site": "hospital-a",
    "procedure": "restart-services",
    "obligations": ["A07"],
    "operator": OPERATOR,
    "started": "2026-11-22T14:05:12Z",
    "ended": "2026-11-22T14:30:50Z",
    "source": {"commit": "9f2c1e7ab0d4c5e6f718293a4b5c6d7e8f901234", "dirty": False},
    "closure": {"digest": "4be1c30f" * 8, "files": {}, "ansible_core": "2.19.14"},
    "variables": {"digest": "77aa019c" * 8, "files": {}},
    "arguments": {"limit": None, "check": False, "variables": {}},
    "approval": {"change": "SJ-2026-001", "digest": DIGEST, "request": 12, "emergency": False, "approvals": []},
    "hosts": {host: {"outcome": "ok", "message": None} for host in ("app1", "app2", "legacy")},
    "events": 214,
    "verdict": {"state": "complete", "reasons": [], "missed": []},
}


def run(observations: Sequence[dict[str, Any]] = OBSERVATIONS, **given: Any) -> ChangeRun:
    """Return the run under the change."""
    return change_run({**MANIFEST, **given}, observations)


def record(
    entries: _Entries | None = None,
    *,
    runs: Sequence[ChangeRun] | None = None,
    created: datetime = datetime(2026, 11, 22, 23, tzinfo=ZONE),
    draft: bool = False,
    document: str = "upgrade-report",
    doubts: dict[int, tuple[dict[str, Any], ...]] | None = None,
) -> ChangeRecord:
    """Return the record of the change after some entries, by default all of them."""
    told = WHOLE if entries is None else entries
    (change,) = changes(lines(told)).values()
    if runs is None:
        runs = (run(),) if change.executions else ()
    issue = Issue(f"HT-2026-017-{document}-SJ-2026-001", 1, draft)
    about = About("hospital-a", CONTRACT, PEOPLE, created, created.date(), issue, "张伟", HEAD)
    return change_record(change, about, runs, doubts)


def restarts(observations: Sequence[dict[str, Any]] = OBSERVATIONS, **given: Any) -> RestartRecord:
    """Return the record of restarts."""
    return restart_record(run(observations, **given), contract=CONTRACT, people=PEOPLE, ledger=HEAD)
