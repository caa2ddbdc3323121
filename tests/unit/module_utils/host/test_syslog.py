from __future__ import annotations

import calendar
import gzip
import os
import time

import pytest
from ansible.module_utils.host import logs, syslog
from ansible.module_utils.host.errors import Unmeasurable

NOW = calendar.timegm((2026, 1, 5, 12, 0, 0))


@pytest.fixture(autouse=True)
def local_time(monkeypatch):
    monkeypatch.setenv("TZ", "UTC-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_traditional_form_is_in_local_time_and_takes_its_year_from_today():
    line = syslog.parse_line("Dec 31 23:59:58 db1 mysqld[812]: error: disk full", NOW)
    assert line.moment == calendar.timegm((2025, 12, 31, 15, 59, 58))
    assert line.entry == ("mysqld", 3, "error: disk full")


def test_the_iso_form_says_it_all():
    line = syslog.parse_line("2026-01-05T08:00:00.123456+08:00 db1 kernel: [1.2] Out of memory: Killed process 7", NOW)
    assert line.moment == calendar.timegm((2026, 1, 5, 0, 0, 0))
    assert line.entry.unit == "kernel"
    assert line.entry.priority == 2


@pytest.mark.parametrize(
    "text", ["", "\x00\x01junk", "Foo 99 99:99:99 x y: z", "Feb 30 00:00:00", "last message repeated"]
)
def test_anything_else_is_no_line(text):
    assert syslog.parse_line(text, NOW) is None


@pytest.mark.parametrize(
    ("message", "priority"),
    [
        ("connection refused by peer", 3),
        ("Failed to start x", 3),
        ("backup finished: 0 errors, failed=0", 6),
        ("no errors found", 6),
        ("session opened for user root", 6),
        ("terrorist watch list updated", 6),
        ("FATAL: could not open file", 2),
        ("kernel panic - not syncing", 2),
    ],
)
def test_words_tell_the_priority(message, priority):
    assert syslog.priority(message) == priority


def test_a_digest_of_rotated_and_compressed_files(tmp_path, monkeypatch):
    current = tmp_path / "syslog"
    current.write_bytes(b"Jan  5 10:00:00 h app[1]: error 42 \xff\xfe\nJan  5 10:00:01 h app[1]: fine\n" + b"x" * 20000)
    (tmp_path / "syslog.1").write_text("Jan  4 10:00:00 h app[2]: error 17 \ufffd\ufffd\n")
    with gzip.open(tmp_path / "syslog.2.gz", "wt") as stream:
        stream.write("Jan  3 10:00:00 h db: fatal: 13800138000\nDec  1 10:00:00 h db: error too old\n")
    with gzip.open(tmp_path / "syslog.3.gz", "wt") as stream:
        stream.write("Jan  2 10:00:00 h db: error in a file that was closed before\n")
    for age, name in enumerate(["syslog", "syslog.1", "syslog.2.gz", "syslog.3.gz"]):
        os.utime(tmp_path / name, (NOW - age * 86400,) * 2)
    monkeypatch.setattr(syslog, "FILES", (str(current),))
    since = NOW - 2.5 * 86400
    found = logs.from_syslog(since, NOW, 5)
    assert (found.errors, found.critical) == (3, 1)
    assert found.units == {"app": 2, "db": 1}
    assert [count for count, _ in found.kinds.values()] == [1, 2]
    assert found.reaches_back_to == calendar.timegm((2026, 1, 3, 2, 0, 0))


def test_a_host_without_any_log_says_so(monkeypatch):
    monkeypatch.setattr(syslog, "FILES", ("/no/such/log",))
    with pytest.raises(Unmeasurable) as caught:
        syslog.sources(0)
    assert caught.value.code == "source_missing"


def test_a_damaged_archive_is_no_empty_log(tmp_path, monkeypatch):
    (tmp_path / "messages").write_text("")
    (tmp_path / "messages-20260104.gz").write_bytes(b"\x1f\x8b\x08garbage")
    monkeypatch.setattr(syslog, "FILES", (str(tmp_path / "messages"),))
    with pytest.raises(Unmeasurable):
        logs.from_syslog(0, NOW, 5)
