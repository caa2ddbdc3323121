"""What goes wrong is told at once, by the program itself, to a real receiver."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Program
from tests.receiver import Receiver, receiving

INPUTS = (
    "host_inspection_checks: ['filesystem.used']\nhost_inspection_thresholds: {filesystem.used: {critical: 0.001}}\n"
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def site(tmp_path: Path, url: str, hosts: str | None = None) -> Program:
    channel = f"schema_version: 1\nchannels:\n  - {{name: duty, url: '{url}'}}\n"
    program = Program(tmp_path / "home", tmp_path / "sites")
    return program.make_site("own", hosts, group_vars__all=INPUTS, notify=channel)


def test_a_critical_is_told_once_with_the_run(tmp_path: Path, receiver: Receiver) -> None:
    own = site(tmp_path, receiver.url)
    first = own.json("run", "inspect", code=1)
    assert [one["error"] for one in first["notifications"]] == [None]
    assert receiver.titles[0].startswith("【维保】本机：新增严重异常")
    assert first["run"] in receiver.received[0]["message"]
    second = own.json("run", "inspect", code=1)
    assert second["notifications"] == []
    assert {change["change"] for change in second["changes"]} == {"same"}
    assert second["compared_with"] == [first["run"]]
    assert own.run("notify").stdout == "nothing to tell\n"
    assert own.json("ledger", "verify")["findings"] == []


def test_a_run_that_reached_nobody_is_told(tmp_path: Path, receiver: Receiver) -> None:
    hosts = "all:\n  hosts:\n    nobody: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
    site(tmp_path, receiver.url, hosts).json("run", "inspect", code=4)
    assert receiver.titles == ["【维保】本机：日常系统巡检未完成（失败）"]
    assert "nobody" in receiver.received[0]["message"]


def test_a_dead_channel_spoils_neither_run_nor_document(tmp_path: Path, receiver: Receiver) -> None:
    own = site(tmp_path, "json://127.0.0.1:1/token-0123456789")
    result = own.run("run", "inspect", "--fail-on", "never")
    assert result.returncode == 0
    assert "duty: was not told" in result.stderr
    assert "token-0123456789" not in result.stdout + result.stderr
    assert list((own.state / "documents").glob("*.html"))
    again = own.run("notify")
    assert again.returncode == 5
    text = (own.sites / "own" / "notify.yml").read_text().replace("json://127.0.0.1:1/token-0123456789", receiver.url)
    (own.sites / "own" / "notify.yml").write_text(text)
    assert own.run("notify").returncode == 0
    assert len(receiver.received) == 1


def test_a_ledger_without_room_for_messages_spoils_neither_run_nor_document(tmp_path: Path, receiver: Receiver) -> None:
    own = site(tmp_path, receiver.url)
    assert own.run("site", "check").returncode == 0
    (own.state / ".notify.lock").mkdir(parents=True)
    result = own.run("run", "inspect", "--fail-on", "never")
    assert result.returncode == 0, result.stderr
    assert "nobody was told: " in result.stderr
    assert list((own.state / "documents").glob("*.html"))
    (own.state / ".notify.lock").rmdir()
    assert own.run("notify").returncode == 0
    assert len(receiver.received) == 1


def test_who_stops_reading_keeps_nobody_from_being_told(tmp_path: Path, receiver: Receiver) -> None:
    own = site(tmp_path, receiver.url)
    with subprocess.Popen(
        own.command("run", "inspect"), cwd=own.project, env=own.environment(), stdout=subprocess.PIPE
    ) as running:
        assert running.stdout
        running.stdout.close()
        running.wait(timeout=300)
    assert len(receiver.received) == 1
    assert list((own.state / "documents").glob("*.html"))


def test_every_channel_can_be_tried(tmp_path: Path, receiver: Receiver) -> None:
    own = site(tmp_path, receiver.url)
    assert own.run("notify", "--test").stdout == "duty: 【维保】本机：通知渠道测试\n"
    assert receiver.titles == ["【维保】本机：通知渠道测试"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("schema_version: 1\nchannels:\n  - {name: a}\n", "notify.yml:3: channels.0: a channel has one of url"),
        ("schema_version: 1\nchannels:\n  - {name: a, url: x, event: [critical]}\n", "notify.yml:3: channels.0.event"),
        ("schema_version: 1\nrepeat_hours: 0\n", "notify.yml:2: repeat_hours"),
        ("schema_version: 1\nrepeat_hours: .inf\n", "notify.yml:2: repeat_hours"),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "notify.yml: is vaulted as a whole"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, problem: str) -> None:
    own = Program(tmp_path / "home", tmp_path / "sites").make_site("own", notify=text)
    result = own.run("run", "inspect")
    assert result.returncode == 2
    assert problem in result.stderr
    assert not own.home.exists()


def test_a_site_without_channels_has_nobody_to_tell(tmp_path: Path) -> None:
    result = Program(tmp_path / "home", tmp_path / "sites").make_site("own").run("notify")
    assert result.returncode == 2
    assert "notify.yml: no channel is declared" in result.stderr
