from __future__ import annotations

import json

import pytest
from ansible.module_utils.host import journal


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_errors_in_the_journals_of_real_hosts(captured, suite):
    entries = [journal.parse_entry(line.encode()) for line in captured(suite + "/journal-errors.jsonl").splitlines()]
    by_unit = {entry.unit: entry for entry in entries}
    assert by_unit["hisdb"].priority == 2
    assert by_unit["broken.service"].message.startswith("Failed to start broken.service")
    assert by_unit["binary"].message == "binary \x01\x02\ufffd\ufffd junk"
    assert by_unit["hisapp"].message.startswith("Login failed for patient 110101199003071234")


@pytest.mark.parametrize(
    ("message", "text"),
    [("plain", "plain"), (None, ""), ([104, 105], "hi"), (["one", "two"], "one two"), ([255], "\ufffd"), (7, "")],
)
def test_a_message_takes_many_forms(message, text):
    line = json.dumps({"PRIORITY": "3", "SYSLOG_IDENTIFIER": "app", "MESSAGE": message}).encode()
    assert journal.parse_entry(line) == journal.Entry("app", 3, text)


def test_a_login_session_is_named_after_the_program():
    entry = {"PRIORITY": "3", "SYSLOG_IDENTIFIER": "sudo", "_SYSTEMD_UNIT": "session-12.scope", "MESSAGE": "x"}
    assert journal.parse_entry(json.dumps(entry).encode()).unit == "sudo"


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b'{"MESSAGE": "x"}', b'{"PRIORITY": "high"}', b"\xff"])
def test_a_damaged_entry_is_no_entry(line):
    with pytest.raises((ValueError, KeyError, TypeError)):
        journal.parse_entry(line)


@pytest.mark.parametrize(
    ("output", "number"),
    [("systemd 252 (252.39-1~deb12u2)\n+PAM", 252), ("systemd 219\n", 219), ("systemd v243.1", 0), ("", 0)],
)
def test_the_version_of_systemd(monkeypatch, output, number):
    monkeypatch.setattr(journal.commands, "run", lambda *_: journal.commands.Completed(0, output, ""))
    assert journal.version(5) == number


def test_moments():
    assert journal.iso(0.9) == "1970-01-01T00:00:00+00:00"
