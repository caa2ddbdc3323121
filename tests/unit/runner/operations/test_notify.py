"""Channels are told what is new, once, over a real mail server and a real web server; the ledger says so."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from module_utils.observations import observe
from runner.evidence.ledger import Ledger
from runner.evidence.sealing import SealedRun
from runner.execution import messenger
from runner.operations.check_site import check_site
from runner.operations.comparison import compare_run
from runner.operations.notify import Sent, notify_of_newest, notify_of_run, try_channels
from runner.site import Site
from tests.receiver import Receiver, receiving
from tests.unit.runner.operations.evidence import sealed_run

FULL = observe({"filesystem.used": {"critical": 90}}, "filesystem.used", "/var", 97.0, "percent")
FINE = observe({"filesystem.used": {"critical": 90}}, "filesystem.used", "/var", 20.0, "percent")
UNREACHABLE = [{"code": "hosts_unreachable", "parameters": {"hosts": ["db"]}}]
HOUR = timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messenger, "WAIT_SECONDS", 0.1)


def declare(site: Site, *channels: str, more: str = "") -> None:
    lines = "".join(f"  - {channel}\n" for channel in channels)
    site.notifications_file.write_text(f"schema_version: 1\n{more}channels:\n{lines}", encoding="utf-8")


def tell(site: Site, run: SealedRun) -> list[Sent]:
    checked = check_site(site)
    return notify_of_run(checked, run, compare_run(checked, run), "zh")


def entries(site: Site) -> list[dict]:
    ledger = Ledger(site.ledger_folder, site.name)
    return [entry.body for entry in ledger.entries() if entry.kind == "notification"]


def test_a_new_critical_is_told_once_and_again_when_it_comes_back(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    tell(site, sealed_run(site.state, {"web": [FULL]}, ago=4 * HOUR))
    assert receiver.titles == ["【维保】本机：新增严重异常 1 项"]
    assert "web：文件系统使用率 /var，97.0%" in receiver.received[0]["message"]
    assert tell(site, sealed_run(site.state, {"web": [FULL]}, ago=3 * HOUR)) == []
    assert tell(site, sealed_run(site.state, {"web": [FINE]}, ago=2 * HOUR)) == []
    tell(site, sealed_run(site.state, {"web": [FULL]}, ago=HOUR))
    assert len(receiver.received) == 2
    assert notify_of_newest(check_site(site), "zh") == []
    assert [(one["event"], one["delivered"], one["findings"]) for one in entries(site)] == [
        ("critical", True, [["web", "filesystem.used", "/var"]])
    ] * 2


def test_a_channel_that_fails_at_first_is_tried_again(site: Site, receiver: Receiver) -> None:
    receiver.failing = 2
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}))
    assert sent.error is None
    assert (receiver.asked, len(receiver.received)) == (3, 1)


def test_what_could_not_be_told_is_told_by_the_next_run(site: Site, receiver: Receiver) -> None:
    receiver.failing = 100
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}, ago=HOUR))
    assert sent.error
    assert "token-0123456789" not in json.dumps(entries(site))
    receiver.failing = 0
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}))
    assert sent.error is None
    assert [one["delivered"] for one in entries(site)] == [False, True]
    assert notify_of_newest(check_site(site), "zh") == []


def test_one_channel_s_failure_does_not_cost_another_its_message(site: Site, receiver: Receiver) -> None:
    declare(
        site,
        "{name: gone, url_file: /nowhere/url}",
        "{name: odd, url: 'no-such-service://x'}",
        f"{{name: duty, url: '{receiver.url}'}}",
    )
    gone, odd, duty = tell(site, sealed_run(site.state, {"web": [FULL]}))
    assert gone.error == "/nowhere/url: cannot be read"
    assert odd.error == "its URL is not of a form that apprise knows"
    assert duty.error is None


def test_a_failed_run_is_told_once_until_it_changes_or_a_complete_one_came(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}', events: [failed_run]}}")

    def fails(ago: timedelta, *missed: str) -> None:
        reasons = [{"code": "hosts_unreachable", "parameters": {"hosts": list(missed)}}]
        outcomes = dict.fromkeys(missed, "unreachable")
        run = sealed_run(site.state, {"web": [FULL]}, ago=ago, outcomes=outcomes, reasons=reasons, verdict="partial")
        tell(site, run)

    fails(6 * HOUR, "db")
    assert receiver.titles == ["【维保】本机：日常系统巡检未完成（部分主机未完成）"]
    assert "主机无法连接：db" in receiver.received[0]["message"]
    fails(5 * HOUR, "db")
    assert len(receiver.received) == 1, "the same failure"
    fails(4 * HOUR, "db", "jump")
    assert len(receiver.received) == 2, "another host"
    tell(site, sealed_run(site.state, {"web": [FULL]}, ago=3 * HOUR))
    assert len(receiver.received) == 2, "complete"
    fails(2 * HOUR, "db")
    assert len(receiver.received) == 3, "failed again"


def test_a_run_that_its_program_did_not_survive_is_told_by_the_next(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}', events: [failed_run]}}")
    died = [{"code": "interrupted", "parameters": {}}]
    sealed_run(site.state, {"web": []}, ago=HOUR, reasons=died, verdict="incomplete")
    (sent,) = notify_of_newest(check_site(site), "zh")
    assert (sent.event, sent.error) == ("failed_run", None)


def test_what_a_person_cancelled_is_not_told(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    cancelled = [{"code": "cancelled", "parameters": {"signal": "SIGINT"}}]
    assert tell(site, sealed_run(site.state, {"web": []}, reasons=cancelled, verdict="incomplete")) == []


def test_mail_arrives_readable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mailbox:
        def __init__(self) -> None:
            self.messages: list = []

        async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:  # noqa: N802
            self.messages.append(envelope)
            return "250 OK"

    mailbox = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        monkeypatch.setenv(
            "DUTY_MAIL",
            f"mailto://127.0.0.1:{port}?smtp=127.0.0.1&from=weibao@hospital.example&to=duty@hospital.example",
        )
        declare(site, "{name: mail, url_environment: DUTY_MAIL}")
        (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}))
    finally:
        controller.stop()
    assert sent.error is None
    (envelope,) = mailbox.messages
    assert envelope.rcpt_tos == ["duty@hospital.example"]
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["subject"] == "【维保】本机：新增严重异常 1 项"
    assert "web：文件系统使用率 /var，97.0%" in message.get_body(("plain", "html")).get_content()


def test_channels_can_be_tried(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    (sent,) = try_channels(check_site(site), "zh")
    assert sent.error is None
    assert receiver.titles == ["【维保】本机：通知渠道测试"]


def test_without_channels_nothing_happens(site: Site) -> None:
    assert tell(site, sealed_run(site.state, {"web": [FULL]})) == []
    assert entries(site) == []
