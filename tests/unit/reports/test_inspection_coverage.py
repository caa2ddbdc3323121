"""Missed hosts in the inspection record: what happened, and what the machine said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.document import Table

if TYPE_CHECKING:
    from conftest import Sample


def test_many_missed_hosts_are_told_by_outcome(sample: Sample) -> None:
    names = [f"web-{number}" for number in range(1, 31)]
    for name in names:
        sample.manifest["hosts"][name] = {"outcome": "unreachable", "message": f"{name}: No route to host"}
    sample.manifest["verdict"]["missed"] = names
    table = next(block for block in sample.document().sections[0].blocks if isinstance(block, Table))
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    advice = "网络不通或 SSH 登录失败：检查主机是否开机、网络与跳板机、登录账号与密钥。"
    assert rows == [["web-1 至 web-30（共 30 台）", "无法连接", advice]]
    assert table.rows[0].cells[2].note == "技术信息：web-1: No route to host 等"
    hosts = next(section for section in sample.document().sections if section.title == "主机一览")
    assert all(f"{name}: No route to host" in sample.said(hosts) for name in names)


SENT = "Task failed: Data could not be sent to remote host '10.0.0.9'. Make sure this host can be reached over "


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Failed to connect to the host via ssh: Permission denied", "Permission denied"),
        (
            SENT.replace("'", '"') + "ssh: ssh: connect to host 10.0.0.9 port 22: Connection refused",
            "ssh: connect to host 10.0.0.9 port 22: Connection refused",
        ),
        (SENT + "SSH: [Errno 32] Broken pipe", ""),
    ],
)
def test_a_missed_host_s_cause_is_shown_without_what_the_outcome_says(sample: Sample, message: str, cause: str) -> None:
    sample.manifest["hosts"]["web-1"] = {"outcome": "unreachable", "message": message}
    sample.manifest["verdict"]["missed"] = ["web-1"]
    table = next(block for block in sample.document().sections[0].blocks if isinstance(block, Table))
    assert [row.cells[2].note for row in table.rows] == [f"技术信息：{cause}" if cause else ""]
