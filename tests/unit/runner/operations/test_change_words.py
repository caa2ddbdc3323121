"""What `ledger show` says of the steps of a change."""

from __future__ import annotations

from typing import Any

import pytest

from reports.audit_site.ledger_page import about
from reports.audit_site.scripts import Tongues
from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.changes import STEPS

TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "requested": (
        {"requester": "甲", "plan": {"procedure": "restart-services", "content": "重启 nginx"}},
        "申请 · 甲 · restart-services · 重启 nginx",
    ),
    "approved": ({"by": "主任", "reason": "同意"}, "批准 · 主任 · 同意"),
    "rejected": ({"by": "主任", "reason": "改期"}, "不批准 · 主任 · 改期"),
    "withdrawn": ({"by": "甲", "reason": "改期"}, "撤回 · 甲 · 改期"),
    "signed-in": ({"supervisor": "李"}, "监督人签到 · 李"),
    "signed-out": ({"supervisor": "李"}, "监督人离场 · 李"),
    "refused": (
        {"attempt": "execute", "reasons": [{"code": "nobody_attends", "parameters": {}}]},
        "拒绝 · 没有监督人在场",
    ),
    "started": ({"run": "run-1"}, "开始实施 · run-1"),
    "executed": ({"run": "run-1", "outcome": "paused"}, "实施结束 · run-1 · 暂停"),
    "verified": ({"by": "李", "passed": True, "text": "稳定"}, "验证 · 李 · 验证通过 · 稳定"),
    "closed": ({"outcome": "done", "text": None}, "结案 · 完成"),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_told_in_words(step: str) -> None:
    body, expected = TOLD[step]
    tongues = Tongues((Wording(load_catalogue("zh")),))
    assert str(about("change", {"change": "SJ-1", "step": step, **body}, tongues)) == f"SJ-1 · {expected}"
