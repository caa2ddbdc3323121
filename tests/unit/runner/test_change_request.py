"""The file of an application: read in one go, every problem with its file, line and key."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runner.change_request import ChangeRequest, read_request
from runner.errors import BadInput

ZONE = ZoneInfo("Asia/Shanghai")

WHOLE = """\
number: SJ-2026-001
case: upgrade:SJ-2026-001
procedure: restart-services
hosts: [app1, 示教-2]
variables: {service_restart_services: [nginx], 等待: 3}
content: 重启 nginx
reason: 更新后未重启
risk: 低
impact: 每台中断约一分钟
backup: 配置已备份
rollback: 再次启动
steps: [{name: 停止 nginx, minutes: 5}, {name: 启动 nginx}]
window: {from: "2026-11-22 22:00", to: "2026-11-23T02:00:00+08:00"}
reserve_minutes: 45
supervisor: 示例系统负责人
batches: [1, "50%", "100%"]
automatic: false
emergency: false
"""


def read(tmp_path: Path, text: str) -> ChangeRequest:
    path = tmp_path / "request.yml"
    path.write_text(text, encoding="utf-8")
    return read_request(path, ZONE).request


def without(*keys: str) -> str:
    return "".join(line for line in WHOLE.splitlines(keepends=True) if line.partition(":")[0] not in keys)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


def test_a_whole_request_is_read_and_kept_as_it_was_written(tmp_path: Path) -> None:
    request = read(tmp_path, WHOLE.replace("等待", "waiting"))
    assert request.hosts == ("app1", "示教-2")
    assert request.window.start == datetime(2026, 11, 22, 22, tzinfo=ZONE)
    assert request.window.end.isoformat() == "2026-11-23T02:00:00+08:00"
    assert ChangeRequest.model_validate(request.as_dict(), context={"zone": ZONE}) == request


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    request = read(
        tmp_path, without("number", "case", "variables", "reserve_minutes", "batches", "automatic", "emergency")
    )
    assert (request.number, request.case, request.variables, request.reserve_minutes) == (None, None, {}, None)
    assert request.batches == (1, "25%", "100%")
    assert not (request.automatic)
    assert not (request.emergency)


def test_every_problem_is_told_at_once_with_its_line_and_key(tmp_path: Path) -> None:
    text = (
        without("risk").replace("minutes: 5", "minutes: -1").replace("[1, ", "[0, ").replace("SJ-2026-001\nc", "a/b\nc")
    )
    text = text.replace('"2026-11-22 22:00"', "2026-11-22").replace("app1,", "app1, app1,") + "colour: red\n"
    assert problems(tmp_path, text) == [
        "request.yml:1: number: 'a/b' is no number of a change, such as SJ-2026-001",
        "request.yml:1: risk: Field required",
        "request.yml:4: hosts.1: app1 stands here twice",
        "request.yml:5: variables.等待: is no name of a variable",
        "request.yml:11: steps.0.minutes: Input should be greater than 0",
        'request.yml:12: window.from: a moment is written "2026-11-22 22:00", in quotes',
        'request.yml:15: batches.0: a batch is a number of hosts, or a share of them in quotes: "50%"',
        "request.yml:18: colour: Extra inputs are not permitted",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("content: 重启 nginx", "content: '  '", "content: is empty"),
        ("[app1, 示教-2]", "[]", "hosts: is empty"),
        ("[app1, 示教-2]", "['app*']", "hosts.0: 'app*' is no name of a host or group"),
        ("[app1, 示教-2]", "[app1:!app2]", "hosts.0: 'app1:!app2' is no name"),
        ("upgrade:SJ-2026-001", "SJ", "case: 'SJ' is no case, such as upgrade:SJ-2026-001"),
        ('"2026-11-22 22:00"', '"2026-11-23 03:00"', "window: the window ends before it starts"),
        ('"2026-11-22 22:00"', '"2026-09-22 22:00"', "window: the window is longer than 31 days"),
        ('"2026-11-22 22:00"', '"tomorrow at ten"', "window.from: 'tomorrow at ten' is no time"),
        ('"50%"', '"0%"', "batches.1: a batch is a number"),
        ("等待: 3", "x: \"{{ lookup('pipe', 'id') }}\"", "variables.x: is a template: write the value that is meant"),
        ("等待: 3", "x: 2026-11-22", 'variables.x: is read as a date; write it in quotes: "2026-11-22"'),
        ("等待: 3", "x: .nan", "variables.x: is no number that can be written down"),
        ("等待: 3", "ansible_host: other", "variables.ansible_host: is not set by a request"),
        ("等待: 3", "change_gate_probes: {}", "variables.change_gate_probes: is not set by a request"),
        ("等待: 3", "__change_gate_end: {decision: passed}", "variables.__change_gate_end: is not set by a request"),
        ("等待: 3", "weibao_batches: [9]", "variables.weibao_batches: is not set by a request"),
        ("等待: 3", "x: !vault secret", "variables.x: is vaulted: a request holds no secrets"),
        ("number: SJ-2026-001", "number: 20261", "number: is no text; write it in quotes"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = WHOLE if "等待" in old else WHOLE.replace("等待", "waiting")
    (found,) = problems(tmp_path, text.replace(old, new))
    assert problem in found


def test_what_is_no_request_at_all_is_refused(tmp_path: Path) -> None:
    assert "is vaulted" in problems(tmp_path, "$ANSIBLE_VAULT;1.1;AES256\n3132\n")[0]
    assert problems(tmp_path, "- a\n")[0].startswith("request.yml:1: ")
    assert problems(tmp_path, "a: [\n")[0].startswith("request.yml:2: ")
