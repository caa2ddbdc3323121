from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest
from ansible.module_utils.databases import errorlog
from ansible.module_utils.databases.errorlog import parse_line
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.measuring.taking import take
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[3] / "fixtures" / "database"
SINCE = 1_795_305_600  # 2026-11-22


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def told(server, tmp_path):
    """Return what the check says of a log file with this text, as the server names it."""

    def look(text, since=SINCE, **figures):
        path = tmp_path / "error.log"
        path.write_text(text, encoding="utf-8")
        made = server(figures={"log_error": str(path), "uptime": "3600", **figures}, since=since)
        made.now = SINCE + 86400
        (seen,) = take(made, ["database.error_log"], errorlog.errors, "his")
        return seen

    return look


@pytest.mark.parametrize(
    ("text", "moment", "error"),
    [
        ("2026-11-22  3:34:16 72 [Note] ready", SINCE + 12856, None),
        ("2026-11-22 13:34:16 72 [ERROR] mysqld: Table is crashed", SINCE + 48856, "mysqld: Table is crashed"),
        ("2026-11-22T03:34:16.123456Z 0 [ERROR] [MY-010119] [Server] Aborting", SINCE + 12856, "Aborting"),
        ("2026-11-22T11:34:16.123456+08:00 0 [ERROR] Old form", SINCE + 12856, "Old form"),
        ("2026-11-22T03:34:16Z UTC - mysqld got signal 11 ;", SINCE + 12856, "UTC - mysqld got signal 11 ;"),
        ("261122  3:34:16 [ERROR] mysqld got signal 6 ;", SINCE + 12856, "mysqld got signal 6 ;"),
        ("261122 13:34:16 [Warning] old", SINCE + 48856, None),
    ],
)
def test_lines_of_all_ages(text, moment, error):
    assert parse_line(text) == (moment, error)


@given(st.text())
def test_no_text_breaks_the_reader(text):
    parse_line(text)


@pytest.mark.parametrize(
    "text", ["", "Version: '11.8.6'  socket: '/run/x'", "2026-13-45 99:99:99 0 [ERROR] x", "   at frame 3"]
)
def test_lines_without_a_time_belong_to_others(text):
    assert parse_line(text) is None


def test_the_recorded_log_of_a_broken_mariadb_replica(told):
    seen = told((FIXTURES / "mariadb-11.8.err").read_text(encoding="utf-8"))
    assert (seen.value, seen.level) == (9, "notice")
    assert seen.detail["messages"][0]["count"] == 4
    assert seen.detail["commonest"].startswith("Error running query, slave SQL thread aborted.")
    assert not any(secret in str(seen) for secret in ("Sonne", "lean-lean", "Li Si", "138"))


def test_the_recorded_log_of_a_broken_mysql_replica(told):
    seen = told((FIXTURES / "mysql-9.7.err").read_text(encoding="utf-8"))
    assert (seen.value, seen.level) == (1, "notice")
    assert "MY-0" not in str([one["message"][:12] for one in seen.detail["messages"]])


def test_only_what_was_logged_since_counts(told):
    lines = [f"2026-11-{day:02} 10:00:00 1 [ERROR] failed {day}\n" for day in range(1, 23)]
    assert told("".join(lines), since=SINCE).value == 1
    assert told("".join(lines), since=SINCE - 86400).value == 2


def test_many_errors_are_a_warning(told):
    assert told("2026-11-22 10:00:00 1 [ERROR] again\n" * 100).level == "warning"


def test_a_log_that_somebody_emptied_is_not_one_without_errors(told, tmp_path):
    seen = told("")
    assert (seen.level, seen.reason["code"]) == ("unknown", "log_emptied")
    late = "2026-11-22 10:00:00 1 [Note] quiet\n"
    assert told(late).level == "ok"  # which begins before the server's start
    seen = told(late, uptime=str(90 * 86400))
    assert (seen.level, seen.reason["code"]) == ("unknown", "partly_covered")
    (tmp_path / "error.log.1").write_text("")
    os.utime(tmp_path / "error.log.1", (SINCE - 60,) * 2)
    assert {told(text, uptime=str(90 * 86400)).level for text in (late, "")} == {"ok"}  # rotated before the period


@pytest.mark.parametrize(("name", "content"), [("error.log.1.xz", b"\xfd7zXZ"), ("error.log.1.gz", b"\x1f\x8b\x08")])
def test_a_rotated_log_that_cannot_be_unpacked_is_missed(told, tmp_path, name, content):
    (tmp_path / name).write_bytes(content + b"\0" * 40)
    seen = told("2026-11-22 10:00:00 1 [Note] quiet\n")
    assert seen.level == "unknown"


def test_a_log_in_no_known_form_is_unknown(told):
    seen = told('{"prio": 2, "err_code": 10119, "msg": "Aborting"}\n' * 3)
    assert (seen.level, seen.reason["code"]) == ("unknown", "unparsable")


def test_rotated_logs_count_and_what_was_rotated_away_is_said(told, tmp_path):
    now = SINCE + 3600
    (tmp_path / "error.log.1").write_text("2026-11-22 00:10:00 1 [ERROR] one\n")
    with gzip.open(tmp_path / "error.log.2.gz", "wt") as stream:
        stream.write("2026-11-21 00:10:00 1 [ERROR] two\n2026-11-22 00:00:01 1 [ERROR] three\n")
    for path in tmp_path.glob("error.log.*"):
        os.utime(path, (now, now))
    assert told("2026-11-22 00:20:00 1 [Note] four\n").value == 2
    seen = told("2026-11-22 00:20:00 1 [Note] four\n", since=SINCE - 20 * 86400)
    assert (seen.level, seen.reason["code"]) == ("unknown", "partly_covered")
    assert seen.detail["seen"] == 3
    (tmp_path / "error.log.3.gz").write_bytes(b"")  # older than the period: nothing is missing
    os.utime(tmp_path / "error.log.3.gz", (SINCE - 21 * 86400,) * 2)
    assert told("2026-11-22 00:20:00 1 [Note] four\n", since=SINCE - 20 * 86400).value == 3


def test_a_log_that_cannot_be_read_says_which(server, tmp_path):
    path = str(tmp_path / "none.log")
    made = server(instance={"error_log": path})
    (seen,) = take(made, ["database.error_log"], errorlog.errors, "his")
    assert seen.reason == {"code": "source_missing", "parameters": {"source": path}}


def test_a_path_of_the_server_is_below_its_data(server, tmp_path):
    (tmp_path / "db1.err").write_text("2026-11-22 10:00:00 1 [ERROR] x\n")
    made = server(figures={"log_error": "./db1.err", "datadir": f"{tmp_path}/"}, since=SINCE)
    (seen,) = errorlog.errors(made)
    assert seen.detail["source"] == str(tmp_path / "db1.err")


def test_a_server_without_a_file_writes_to_the_journal_of_its_unit(server, monkeypatch):
    asked = []

    def lines(argv, timeout, longest):
        asked.append(argv)
        return iter([b"Starting mariadb.service...", b"2026-11-22  3:34:16 72 [ERROR] x", b"Started mariadb.service."])

    monkeypatch.setattr(errorlog.commands, "lines", lines)
    monkeypatch.setattr(errorlog.journal, "require_readable", lambda: None)
    monkeypatch.setattr(errorlog.journal, "reaches_back_to", lambda _timeout: SINCE - 1)
    (seen,) = errorlog.errors(server(figures={"log_error": "", "pid_file": ""}, since=SINCE))
    assert (seen.value, seen.detail["source"]) == (1, "journal")
    assert asked[0][-6:] == ["-u", "mariadb.service", "-u", "mysql.service", "-u", "mysqld.service"]


def test_a_journal_that_nobody_may_read_is_unknown(server, monkeypatch):
    def refuse():
        raise Unmeasurable("not_permitted", path="/var/log/journal")

    monkeypatch.setattr(errorlog.journal, "require_readable", refuse)
    made = server(figures={"log_error": "stderr"})
    (seen,) = take(made, ["database.error_log"], errorlog.errors, "his")
    assert seen.reason["code"] == "not_permitted"


def test_the_log_of_another_host_is_not_looked_for(server):
    assert list(errorlog.errors(server(local=False))) == []
