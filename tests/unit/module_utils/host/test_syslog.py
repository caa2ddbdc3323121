from __future__ import annotations

import calendar
import gzip
import io
import lzma
import os
import time

import pytest
from ansible.module_utils.host import logs, syslog
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.measuring.errors import Unmeasurable
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of the syslog files in a folder, the newest named last, each a day older than the next."""

    def make(names, since):
        for age, name in enumerate(reversed(names)):
            os.utime(tmp_path / name, (NOW - age * 86400,) * 2)
        monkeypatch.setattr(syslog, "FILES", (str(tmp_path / names[-1]),))
        monkeypatch.setattr(logs.journal, "exists", lambda: False)
        monkeypatch.setattr(logs, "_born", lambda: 0.0)
        context = Context(Inputs({}, since=since, command_timeout=5))
        context.now = NOW
        return logs.digest(context)

    return make


def test_a_digest_of_rotated_and_compressed_files(tmp_path, digest):
    (tmp_path / "syslog").write_bytes(
        b"Jan  5 10:00:00 h app[1]: error 42 \xff\xfe\nJan  5 10:00:01 h app[1]: fine\n" + b"x" * 20000
    )
    (tmp_path / "syslog.1").write_text("Jan  4 10:00:00 h app[2]: error 17 \ufffd\ufffd\n")
    with gzip.open(tmp_path / "syslog.2.gz", "wt") as stream:
        stream.write("Jan  3 10:00:00 h db: fatal: 13800138000\nDec  1 10:00:00 h db: error too old\n")
    with lzma.open(tmp_path / "syslog.3.xz", "wt") as stream:
        stream.write("Jan  2 14:00:00 h db: error in xz\n")
    with gzip.open(tmp_path / "syslog.4.gz", "wt") as stream:
        stream.write("Jan  1 10:00:00 h db: error in a file that was closed before\n")
    found = digest(["syslog.4.gz", "syslog.3.xz", "syslog.2.gz", "syslog.1", "syslog"], NOW - 3.5 * 86400)
    assert (found.counter.errors, found.counter.critical) == (4, 1)
    assert found.counter.units == {"app": 2, "db": 2}
    assert found.shortfall is None


def test_an_older_file_proves_that_nothing_is_missing(tmp_path, digest):
    (tmp_path / "messages").write_text("Jan  5 10:00:00 h app: the only line for days\n")
    (tmp_path / "messages-20251201").write_text("Dec  1 10:00:00 h app: before\n")
    since = NOW - 0.5 * 86400
    assert digest(["messages-20251201", "messages"], since).reaches_back_to == since
    (tmp_path / "messages-20251201").unlink()
    assert digest(["messages"], NOW - 10 * 86400).shortfall.code == "partly_covered"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("messages-20260104.zst", b"\x28\xb5\x2f\xfd", "not_supported"),
        ("messages-20260104.gz", b"\x1f\x8b\x08garbage", "unparsable"),
        ("messages-20260104.gz", b"nothing of the kind", "unparsable"),
        ("messages-20260104.xz", b"\xfd7zXZ\x00garbage", "unparsable"),
    ],
)
def test_an_archive_that_cannot_be_read_leaves_a_part(tmp_path, digest, name, content, code):
    (tmp_path / "messages").write_text("Jan  5 10:00:00 h app: error\n")
    (tmp_path / name).write_bytes(content)
    found = digest([name, "messages"], NOW - 10 * 86400)
    assert (found.counter.errors, found.shortfall.code) == (1, code)


@given(st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b" "))), st.integers(1, 50))
def test_a_file_read_from_its_end_has_the_same_lines(lines, block):
    before, syslog.BLOCK = syslog.BLOCK, block
    try:
        stream = io.BytesIO(b"\n".join(lines))
        assert list(syslog._backwards(stream))[::-1] == (lines or [b""])
    finally:
        syslog.BLOCK = before


def test_a_line_without_end_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr(syslog, "BLOCK", 1000)
    (only,) = syslog._backwards(io.BytesIO(b"start" + b"x" * 100_000))
    assert only.startswith(b"start")
    assert len(only) == syslog.LONGEST_LINE


def test_a_host_without_any_log_says_so(monkeypatch):
    monkeypatch.setattr(syslog, "FILES", ("/no/such/log",))
    with pytest.raises(Unmeasurable) as caught:
        syslog.sources(0)
    assert caught.value.code == "source_missing"
