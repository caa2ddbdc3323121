from __future__ import annotations

import pytest
from ansible.module_utils.databases import inspection
from ansible.module_utils.databases.connecting import Refused
from ansible.module_utils.databases.dialect import session
from ansible.module_utils.databases.inspection import measured, untold
from ansible.module_utils.databases.releases import parse_version
from ansible.module_utils.databases.server import Settings
from ansible.module_utils.databases.settings import Instance
from ansible.module_utils.databases.thresholds import CHECKS, DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.observations import problems

SETTINGS = Settings(DEFAULT_THRESHOLDS, 5.0, None)


@pytest.fixture
def without_driver(monkeypatch):
    def missing():
        raise Unmeasurable("tool_missing", tool="PyMySQL")

    monkeypatch.setattr(inspection, "driver", missing)


def look(**inputs):
    return list(inspection.inspect(SETTINGS, (Instance(**{"name": "his", "engine": "mysql", **inputs}),)))


@pytest.mark.parametrize(
    ("name", "replication"), [("mariadb-10.11", []), ("mariadb-11.8", ["running"]), ("mysql-9.7", [])]
)
def test_a_recorded_server_answers_every_check_in_the_schema_of_observations(server, name, replication, tmp_path):
    log = tmp_path / "error.log"
    log.write_text("2026-10-01  3:34:16 0 [Note] Starting\n")
    made = server(
        name, figures={"uptime": 90000, "datadir": str(tmp_path), "log_error": str(log)},
        replication=replication, transactions=[],
    )  # fmt: skip
    found = list(measured(made))
    assert [problem for seen in found for problem in problems(seen._asdict())] == []
    assert [seen.reason for seen in found if seen.level == "unknown"] == []
    left_out = {"database.reachable"} | (
        set() if replication else {"database.replication", "database.replication_lag"}
    ) | ({"database.binlog_expiry"} if name == "mariadb-11.8" else set())  # fmt: skip
    assert {seen.check for seen in found} == set(CHECKS) - left_out


def test_each_missing_right_costs_its_own_checks_alone(server, tmp_path):
    denied = Refused(1227, "not_permitted", command="PROCESS")
    made = server(
        figures={"uptime": 90000, "datadir": str(tmp_path), "log_error": str(tmp_path)},
        transactions=denied, replication=denied, grants=[{"Grants": "GRANT USAGE ON *.* TO `a`@`%`"}], increments=[],
    )  # fmt: skip
    unknown = {seen.check for seen in measured(made) if seen.level == "unknown"}
    assert unknown == {
        "database.transaction",
        "database.replication",
        "database.replication_lag",
        "database.auto_increment",
        "database.error_log",  # a folder
    }


def test_a_server_that_stops_answering_leaves_the_rest_unknown(server):
    late = Unmeasurable("timed_out", command="SHOW GLOBAL STATUS", seconds=5.0)
    answers = dict.fromkeys(("status", "variables", "transactions", "replication", "grants"), late)
    found = list(measured(server(**answers)))
    assert {seen.level for seen in found} == {"unknown"}
    assert {seen.reason["code"] for seen in found} == {"timed_out"}
    assert {seen.check for seen in found} == set(CHECKS) - {"database.reachable"}


def test_of_a_server_that_does_not_answer_everything_that_matters_is_unknown(server, tmp_path):
    why = Unmeasurable("database_unreachable")
    checks = {seen.check for seen in untold(server(), why)}
    assert checks == set(CHECKS) - {"database.reachable", "database.version", "database.uptime"}
    elsewhere = {seen.check for seen in untold(server(local=False, instance={"role": "primary"}), why)}
    assert checks - elsewhere == {
        "database.memory_peak",
        "database.datadir",
        "database.error_log",
        "database.replication",
        "database.replication_lag",
    }


def test_a_declared_error_log_tells_why_it_is_down(server, tmp_path):
    log = tmp_path / "error.log"
    log.write_text("2026-11-22 10:00:00 1 [ERROR] InnoDB: No space left on device\n")
    made = server(instance={"error_log": str(log)}, since=1_795_305_600)
    made.query = None
    found = {seen.check: seen for seen in untold(made, Unmeasurable("database_unreachable"))}
    assert found["database.error_log"].detail["commonest"] == "InnoDB: No space left on device"


def test_without_the_driver_nothing_is_known(without_driver):
    found = look()
    assert {(seen.level, seen.reason["code"]) for seen in found} == {("unknown", "tool_missing")}
    assert found[0].check == "database.reachable"


def test_what_cannot_be_inspected_is_one_unknown(without_driver):
    (seen,) = look(engine="oracle", host="10.0.8.2")
    assert (seen.check, seen.subject, seen.level) == ("database.reachable", "his", "unknown")
    assert seen.reason == {"code": "not_covered", "parameters": {"product": "Oracle", "engine": "oracle"}}


def test_an_option_file_that_is_not_there_is_not_a_server_that_is_down():
    found = look(config_file="/nonexistent/client.cnf")
    assert (found[0].level, found[0].reason["code"]) == ("unknown", "source_missing")


def test_what_breaks_one_instance_costs_the_others_nothing(monkeypatch, without_driver):
    def account(instance):
        if instance.name == "odd":
            raise ValueError("broken")
        return real(instance)

    real = inspection.account
    monkeypatch.setattr(inspection, "account", account)
    instances = tuple(Instance(name, "mysql") for name in ("odd", "his"))
    found = [seen for seen in inspection.inspect(SETTINGS, instances) if seen.check == "database.reachable"]
    assert [(seen.subject, seen.reason["code"]) for seen in found] == [
        ("odd", "check_crashed"),
        ("his", "tool_missing"),
    ]


@pytest.mark.parametrize(
    ("version", "limit"),
    [
        ("10.11.19-MariaDB", "max_statement_time = 4"),
        ("5.7.44", "max_execution_time = 4000"),
        ("8.4.9", "information_schema_stats_expiry = 0"),
    ],
)
def test_a_session_only_reads_and_waits_shortly(version, limit):
    statements = session(parse_version(version), 4.0)
    assert limit in statements[0]
    assert "lock_wait_timeout = 4" in statements[0]
    assert statements[-1] == "SET SESSION TRANSACTION READ ONLY"
    assert "information_schema_stats_expiry" not in session(parse_version("5.7.44"), 4.0)[0]
