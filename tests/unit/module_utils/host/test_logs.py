from __future__ import annotations

import os

import pytest
from ansible.module_utils.host import logs
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.inspection import take
from ansible.module_utils.host.journal import Entry
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable

DAY = 86400
NOW = 1_795_305_600


@pytest.fixture
def host(monkeypatch, tmp_path):
    """Two observations of a host whose journal and syslog are given; it was inspected 30 days ago, born long before."""
    monkeypatch.setattr(logs, "_born", lambda: 0.0)
    monkeypatch.setattr(logs.journal, "require_readable", lambda: None)

    def inspect(entries=(), oldest=NOW - 40 * DAY, syslog=None, timeout=5.0):
        context = Context(Inputs(DEFAULT_THRESHOLDS, since=NOW - 30 * DAY, command_timeout=timeout))
        context.now = NOW
        monkeypatch.setattr(logs.journal, "exists", lambda: entries is not None)
        monkeypatch.setattr(logs.journal, "reaches_back_to", lambda _timeout: oldest)
        monkeypatch.setattr(logs.journal, "errors", lambda _since, _timeout: iter(entries))
        file = tmp_path / "messages"
        if syslog is not None:
            file.write_text("".join(f"{line}\n" for line in syslog))
        monkeypatch.setattr(logs.syslog, "FILES", (str(file),))
        return take(context, ["log.errors", "log.critical"], logs.errors)

    return inspect


def line(days_ago, text):
    stamp = logs.journal.iso(NOW - days_ago * DAY)
    return f"{stamp} db1 app[7]: {text}"


def test_equal_messages_are_counted_together_whatever_numbers_they_carry(host):
    entries = [
        Entry("app", 3, f"request {number} from 10.0.0.{number} failed after {number} ms at 0x7f{number:02x}")
        for number in range(50)
    ]
    entries += [
        Entry("db", 2, "lost 8c5a4a8e-1f0a-4c3e-9d3b-0123456789ab"),
        Entry("db", 3, "lost 00000000-1f0a-4c3e-9d3b-abcdefabcdef"),
    ]
    errors, critical = host(entries)
    assert (errors.value, critical.value, critical.level) == (52, 1, "warning")
    assert errors.detail["by_unit"] == [{"unit": "app", "count": 50}, {"unit": "db", "count": 2}]
    assert [message["count"] for message in errors.detail["messages"]] == [50, 2]
    assert "partial_coverage" not in errors.detail


def test_what_is_shown_is_masked_before_it_is_cut_and_on_one_line():
    message = "x" * 190 + " 110101199003071234\nat com.his.Main" * 20
    shown = logs.shown(message)
    assert len(shown) == logs.MESSAGE_LENGTH
    assert "1101" not in shown
    assert "\n" not in shown


def test_a_program_can_call_itself_by_a_person_s_number(host):
    errors, _ = host([Entry("13812345678", 3, "x"), Entry("user@1000.service", 3, "x")])
    assert [entry["unit"] for entry in errors.detail["by_unit"]] == ["[phone]", "user@1000.service"]


def test_a_flood_is_cut_and_says_so(host, monkeypatch):
    monkeypatch.setattr(logs, "MOST_ENTRIES", 100)
    errors, _ = host(Entry("app", 3, "again") for _ in iter(int, 1))
    assert (errors.value, errors.level, errors.detail["truncated"]) == (100, "warning", True)


def test_many_kinds_of_messages_take_bounded_memory(monkeypatch):
    monkeypatch.setattr(logs, "MOST_KINDS", 10)
    letters = "abcdefghijklmnopqrstuvwxyz"
    counter = logs.Counter()
    for message in (one + other for one in letters for other in letters):
        counter.add(Entry(message, 3, message))
    assert counter.errors == 676 == sum(counter.units.values())
    assert len(counter.kinds) <= 10
    assert len(counter.units) <= 11


def interrupted(count):
    for _ in range(count):
        yield Entry("app", 3, "one")
    raise Unmeasurable("timed_out", command="journalctl", seconds=5)


@pytest.mark.parametrize("count", [0, 1])
def test_few_errors_in_a_part_of_the_log_are_not_few_in_all_of_it(host, count):
    errors, critical = host(interrupted(count))
    for seen, number in ((errors, count), (critical, 0)):
        assert (seen.level, seen.value, seen.detail["seen"]) == ("unknown", None, number)
        assert seen.reason["code"] == "timed_out"
        assert seen.detail["truncated"] is True


def test_many_errors_in_a_part_of_the_log_are_enough(host):
    errors, critical = host(interrupted(100))
    assert (errors.level, errors.value) == ("warning", 100)
    assert critical.level == "unknown"


def test_an_empty_journal_is_no_quiet_host(host):
    errors, critical = host(oldest=None)
    assert {seen.level for seen in (errors, critical)} == {"unknown"}
    assert errors.reason["code"] == "source_missing"


@pytest.mark.parametrize(("days", "level"), [(40, "ok"), (27.5, "ok"), (20, "unknown")])
def test_a_log_that_begins_long_after_the_last_inspection_does_not_cover_it(host, days, level):
    errors, _ = host(oldest=NOW - days * DAY)
    assert errors.level == level
    if level == "unknown":
        assert errors.reason["code"] == "partly_covered"
        assert errors.detail["partial_coverage"] is True


def test_a_log_that_began_with_the_host_covers_all_of_it(host, monkeypatch):
    monkeypatch.setattr(logs, "_born", lambda: NOW - 3.5 * DAY)
    assert host(oldest=NOW - 3 * DAY)[0].level == "ok"
    assert host(oldest=NOW - 2 * DAY)[0].level == "unknown"


def test_a_journal_kept_in_memory_is_continued_in_the_files(host):
    lines = [
        line(35, "error: before the last inspection"),
        line(20, "error: long ago"),
        line(1, "error: in the journal, too"),
    ]
    errors, _ = host([Entry("app", 3, "in the journal, too")], oldest=NOW - 2 * DAY, syslog=lines)
    assert (errors.level, errors.value) == ("notice", 2)
    assert errors.detail["source"].startswith("journal, /")
    assert "partial_coverage" not in errors.detail


def test_lines_in_no_known_form_are_no_silence(host):
    template = '{"time":"2026-11-20","msg":"kernel panic - not syncing"}'
    errors, critical = host(None, syslog=[template] * 5000)
    assert {seen.reason["code"] for seen in (errors, critical)} == {"unparsable"}
    errors, _ = host(None, syslog=[line(40, "fine")] + [template] * 2)
    assert errors.reason["code"] == "unparsable"
    errors, _ = host(None, syslog=[line(40, "fine")] * 3 + [template] * 2)
    assert errors.level == "ok"


def test_an_empty_file_is_no_silence(host):
    errors, critical = host(None, syslog=[])
    assert {seen.reason["code"] for seen in (errors, critical)} == {"source_missing"}


def test_the_newest_lines_are_read_first_and_those_that_tell_nothing_take_time_too(host, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr(logs.time, "monotonic", lambda: next(clock))
    lines = ["?"] * 3000 + [line(0, "kernel panic")] * 600
    errors, critical = host(None, syslog=lines, timeout=0.5)
    assert critical.value == 600
    assert errors.detail["truncated"] is True


def test_a_host_is_as_old_as_what_it_made_first(tmp_path, monkeypatch):
    paths = {"/etc/machine-id": tmp_path / "machine-id", "/etc/ssh/ssh_host_rsa_key.pub": tmp_path / "key"}
    for number, path in enumerate(paths.values()):
        path.touch()
        os.utime(path, (NOW + number, NOW + number))
    real = os.stat
    monkeypatch.setattr(logs.glob, "glob", lambda _pattern: ["/etc/ssh/ssh_host_rsa_key.pub"])
    monkeypatch.setattr(logs.os.path, "exists", lambda path: path in paths)
    monkeypatch.setattr(logs.os, "stat", lambda path, *_, **__: real(paths.get(path, path)))
    assert logs._born() == NOW
    paths.clear()
    assert logs._born() == 0
