"""Channels are told what is new, once, over a real mail server and a real web server; the ledger says so."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from module_utils.observations import observe
from runner.evidence.ledger import Ledger
from runner.evidence.redaction import Redactor
from runner.evidence.sealing import SealedRun, seal
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
KEY = ("web", "filesystem.used", "/var")
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


def robot(monkeypatch: pytest.MonkeyPatch, receiver: Receiver, scheme: str) -> None:
    """Lead a robot's messages, which go to its maker's servers, to the receiver."""
    here = f"http://127.0.0.1:{receiver.server.server_port}/?key={{key}}&token={{token}}"
    plugin = {"wecombot": NotifyWeComBot, "dingtalk": NotifyDingTalk, "feishu": NotifyFeishu}[scheme]
    known = {"wecombot": {"token": ""}, "dingtalk": {"key": ""}, "feishu": {"key": ""}}[scheme]
    for field, value in known.items():
        here = here.replace(f"{{{field}}}", value)
    monkeypatch.setattr(plugin, "notify_url", here)
    monkeypatch.setattr(plugin, "request_rate_per_sec", 0.01)


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


def test_what_was_there_before_but_nobody_was_told_is_told(site: Site, receiver: Receiver) -> None:
    sealed_run(site.state, {"web": [FULL]}, ago=2 * HOUR)  # its program died before it could tell
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}, ago=HOUR))
    assert sent.event == "critical"
    assert tell(site, sealed_run(site.state, {"web": [FULL]})) == []


def test_two_runs_at_once_tell_it_once(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}'}}")
    runs = [sealed_run(site.state, {"web": [FULL]}, ago=ago * HOUR) for ago in (2, 1)]
    checked = check_site(site)
    # Both compared before the other was listed; the one that began later tells first.
    both = [(run, replace(compare_run(checked, run), status={KEY: "new"})) for run in reversed(runs)]
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda one: notify_of_run(checked, one[0], one[1], "zh"), both[:1] * 3))
    told += [notify_of_run(checked, *both[1], "zh")]
    assert [len(sent) for sent in told].count(1) == 1
    assert len(receiver.received) == 1


def test_a_failure_that_is_over_is_not_told_again(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}', events: [failed_run]}}", more="repeat_hours: 0.000001\n")

    def misses(host: str, ago: int) -> list[Sent]:
        reasons = [{"code": "hosts_unreachable", "parameters": {"hosts": [host]}}]
        run = sealed_run(site.state, {"web": [FINE]}, ago=ago * HOUR, reasons=reasons, verdict="partial")
        return tell(site, run)

    assert [len(misses(host, ago)) for host, ago in (("db", 5), ("jump", 4), ("jump", 3))] == [1, 1, 1]
    assert "主机无法连接：jump" in receiver.received[-1]["message"]


def test_a_complete_run_of_other_hosts_does_not_settle_a_failure(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}', events: [failed_run]}}")
    receiver.failing = 100
    tell(site, sealed_run(site.state, {"web": [FINE]}, ago=2 * HOUR, reasons=UNREACHABLE, verdict="partial"))
    receiver.failing = 0
    (sent,) = tell(site, sealed_run(site.state, {"web": [FINE]}, ago=HOUR, limit="web"))
    assert (sent.event, sent.error) == ("failed_run", None)


def test_a_ledger_that_takes_nothing_costs_nobody_a_message(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}'}}", f"{{name: chief, url: '{receiver.url}'}}")
    run = sealed_run(site.state, {"web": [FULL]})
    (site.ledger_folder / ".lock").unlink()
    (site.ledger_folder / ".lock").mkdir()
    sent = tell(site, run)
    assert [one.error for one in sent] == [None, None]
    assert all("cannot append to the ledger" in (one.unlisted or "") for one in sent)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("scheme", "answer", "said"),
    [
        ("wecombot", {"errcode": 93000, "errmsg": "invalid webhook url"}, "refused with 93000: invalid webhook url"),
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, "310000: keywords not in content"),
        ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, "refused with 19024: Key Words Not Found"),
    ],
)
def test_a_robot_s_refusal_is_no_delivery(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, scheme: str, answer: dict, said: str
) -> None:
    robot(monkeypatch, receiver, scheme)
    declare(site, f"{{name: duty, url: '{scheme}://0123456789abcdef'}}")
    receiver.answer = answer
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}, ago=HOUR))
    assert said in (sent.error or "")
    receiver.answer = {"errcode": 0, "code": 0, "errmsg": "ok"}
    (sent,) = tell(site, sealed_run(site.state, {"web": [FULL]}))
    assert sent.error is None


def test_a_long_message_reaches_a_robot_in_parts_that_it_takes(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot(monkeypatch, receiver, "wecombot")
    declare(site, "{name: duty, url: 'wecombot://0123456789abcdef'}")
    limits = {"filesystem.used": {"critical": 90}}
    full = [observe(limits, "filesystem.used", f"/数据/{number}", 97.0, "percent") for number in range(12)]
    (sent,) = tell(site, sealed_run(site.state, {"web": full}))
    assert sent.error is None
    texts = [one["text"]["content"] for one in receiver.received]
    assert len(texts) > 1
    assert max(len(text.encode()) for text in texts) <= 2048
    assert all(f"/数据/{number}，97.0%" in "".join(texts) for number in range(12))


def test_a_service_that_never_ends_its_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messenger, "LONGEST_SECONDS", 1.5)
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not stop.wait(0.2):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: drip(server.accept()[0]))
        thread.start()
        error = messenger.deliver(f"json://127.0.0.1:{server.getsockname()[1]}/token-0123456789", "a", "b")
        stop.set()
        thread.join()
    assert error == "it did not answer within 1.5 s"


def test_a_url_file_is_found_beside_the_site_s_files(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (site.folder / "duty.url").write_text(receiver.url + "\n", encoding="utf-8-sig")
    declare(site, "{name: duty, url_file: duty.url}")
    (sent,) = try_channels(check_site(site), "zh")
    assert sent.error is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("dingtalk://SECRET0123456789@TOKEN0123456789/13800000000", "TOKEN0123456789 13800000000"),
        ("slack://TOKENA01234/TOKENB01234/TOKENC01234", "TOKENA01234 TOKENB01234"),
        ("mailtos://user:p%40ss%2Fword@mail.example?to=a@b.cn", "p@ss/word p%40ss%2Fword"),
        ("tgram://123456789:abcdefghijk/12315544", "123456789 abcdefghijk 12315544"),
    ],
)
def test_no_part_of_a_url_is_shown(url: str, said: str) -> None:
    shown = Redactor(messenger._secrets(url)).text(said)
    assert not [part for part in said.split() if part in shown]


def test_hosts_that_fail_alike_are_one_line_of_a_message(site: Site, receiver: Receiver) -> None:
    declare(site, f"{{name: duty, url: '{receiver.url}', events: [failed_run]}}")
    hosts = {f"ward-{number}": "unreachable" for number in range(50)}
    run = sealed_run(site.state, {}, outcomes=hosts, reasons=UNREACHABLE, verdict="failed")
    for number, result in enumerate(run.manifest["hosts"].values()):
        result["message"] = f"ssh: connect to host 10.0.0.{number} port 22: Connection refused"
    run = seal(run.folder, run.manifest)
    tell(site, run)
    assert receiver.received[0]["message"].count("Connection refused") == 1
    assert "另有" not in receiver.received[0]["message"]
