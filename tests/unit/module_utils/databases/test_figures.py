from __future__ import annotations

import pytest
from ansible.module_utils.databases import figures
from ansible.module_utils.databases.inspection import measured
from ansible.module_utils.observations import problems

DAY = 86400


def found(function, server):
    return {seen.check.partition(".")[2]: seen for seen in function(server)}


@pytest.mark.parametrize(
    ("name", "text", "days"), [("mariadb-10.11", "10.11.18-MariaDB", 451), ("mysql-9.7", "9.7.4-2", 2707)]
)
def test_version_and_the_days_until_its_end(server, name, text, days):
    seen = found(figures.version, server(name))
    assert seen["version"].value.startswith(text)
    assert (seen["end_of_life"].value, seen["end_of_life"].level) == (days, "ok")


def test_a_release_past_its_end_is_a_warning_and_one_that_nobody_knows_is_unknown(server):
    old = found(figures.version, server("mysql-9.7", figures={"version": "5.7.44-log"}))["end_of_life"]
    assert (old.level, old.detail["until"]) == ("warning", "2023-10-31")
    assert old.value < -1000
    new = found(figures.version, server("mysql-9.7", figures={"version": "19.1.0"}))["end_of_life"]
    assert (new.level, new.reason["code"]) == ("unknown", "release_not_listed")


def test_what_a_server_calls_itself_is_shown_without_its_advertisement(server):
    assert found(figures.version, server("mariadb-11.8"))["version"].detail == {"engine": "mariadb"}
    assert found(figures.version, server())["version"].detail["comment"] == "Debian 12"


def test_a_server_that_is_not_what_was_declared_is_named(server):
    seen = found(figures.version, server(instance={"engine": "mysql"}))["version"]
    assert seen.detail["declared"] == "mysql"


@pytest.mark.parametrize(("peak", "level"), [(79, "ok"), (80, "warning"), (85, "critical"), (101, "critical")])
def test_peak_of_connections(server, peak, level):
    given = {"max_used_connections": peak, "max_connections": 100, "threads_running": 3}
    seen = found(figures.connections, server(figures=given))
    assert (seen["connections"].value, seen["connections"].level) == (peak, level)
    assert seen["threads_running"].value == 3


@pytest.mark.parametrize("name", ["mariadb-10.11", "mysql-9.7"])
def test_a_young_server_has_no_rates(server, name):
    seen = found(figures.rates, server(name))
    assert set(seen) == {"aborted_connects", "slow_queries", "temporary_tables", "buffer_pool"}
    assert {(one.level, one.reason["code"]) for one in seen.values()} == {("unknown", "too_young")}
    assert found(figures.uptime, server(name))["uptime"].level == "notice"


def test_rates_of_a_grown_up_server(server):
    given = {
        "uptime": DAY,
        "aborted_connects": 30,
        "connections": 1000,
        "slow_queries": 49,
        "questions": 1000,
        "created_tmp_disk_tables": 5,
        "created_tmp_tables": 100,
        "innodb_buffer_pool_reads": 11,
        "innodb_buffer_pool_read_requests": 100,
    }
    seen = found(figures.rates, server(figures=given))
    assert {check: (one.value, one.level) for check, one in seen.items()} == {
        "aborted_connects": (3.0, "warning"),
        "slow_queries": (4.9, "ok"),
        "temporary_tables": (5.0, "notice"),
        "buffer_pool": (89.0, "warning"),
    }


def test_a_server_that_did_nothing_has_no_bad_rates(server):
    given = {
        "uptime": DAY,
        "created_tmp_disk_tables": 0,
        "created_tmp_tables": 0,
        "innodb_buffer_pool_reads": 0,
        "innodb_buffer_pool_read_requests": 0,
    }
    seen = found(figures.rates, server(figures=given))
    assert (seen["temporary_tables"].value, seen["temporary_tables"].level) == (0, "ok")
    assert "buffer_pool" not in seen


def test_memory_at_the_peak_is_held_against_the_host_s(server, monkeypatch):
    monkeypatch.setattr(figures, "_memory", lambda: 1 << 30)
    given = {"innodb_buffer_pool_size": 900 << 20, "max_used_connections": 20}
    seen = found(figures.memory_peak, server("mysql-9.7", figures=given))["memory_peak"]
    assert seen.level == "warning"
    assert seen.detail["memory_bytes"] == 1 << 30
    assert seen.detail["shared_bytes"] + 20 * seen.detail["each_bytes"] == pytest.approx(
        seen.value / 100 * (1 << 30), 1e-3
    )
    assert found(figures.memory_peak, server(local=False)) == {}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"log_bin": "OFF"}, None),
        ({"log_bin": "ON", "expire_logs_days": "0.000000", "binlog_expire_logs_seconds": 0}, 0),
        ({"log_bin": "ON", "expire_logs_days": "10.0", "binlog_expire_logs_seconds": 0}, 1),
        ({"log_bin": "ON", "expire_logs_days": 0, "binlog_expire_logs_seconds": 2592000}, 1),
        ({"log_bin": "ON", "binlog_expire_logs_seconds": 2592000, "binlog_expire_logs_auto_purge": "OFF"}, 0),
        (
            {"log_bin": "ON", "expire_logs_days": 0, "binlog_expire_logs_seconds": 0, "max_binlog_total_size": 1 << 30},
            1,
        ),
    ],
)
def test_whether_binary_logs_are_ever_removed(server, given, value):
    seen = found(figures.binlog_expiry, server(figures=given)).get("binlog_expiry")
    assert (seen and seen.value) == value
    assert seen is None or seen.level == ("ok" if value else "warning")


@pytest.mark.parametrize("name", ["mariadb-10.11", "mariadb-11.8", "mysql-9.7"])
def test_a_server_s_own_container_is_not_this_host(server, name):
    made = server(name, figures={"hostname": "3f2a9c"}, replication=[], transactions=[])
    seen = {one.check: one for one in measured(made)}
    for check in ("database.memory_peak", "database.datadir", "database.error_log"):
        assert seen[check].reason == {"code": "other_host", "parameters": {"hostname": "3f2a9c"}}
    assert [problem for one in seen.values() for problem in problems(one._asdict())] == []
