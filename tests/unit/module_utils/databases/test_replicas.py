from __future__ import annotations

import pytest
from ansible.module_utils.databases.connecting import Refused
from ansible.module_utils.databases.dialect import parse_channel, replication
from ansible.module_utils.databases.inspection import MEASURES
from ansible.module_utils.databases.releases import parse_version
from ansible.module_utils.databases.replicas import follows
from ansible.module_utils.measuring.taking import take

#: As the manual of MySQL 5.7 has it.
MYSQL_57 = {
    "Slave_IO_State": "Waiting for master to send event",
    "Master_Host": "10.0.8.1",
    "Master_Port": 3306,
    "Slave_IO_Running": "Yes",
    "Slave_SQL_Running": "Yes",
    "Last_Errno": 0,
    "Last_Error": "",
    "Seconds_Behind_Master": 12,
    "Last_IO_Errno": 0,
    "Last_IO_Error": "",
    "Last_SQL_Errno": 0,
    "Last_SQL_Error": "",
    "SQL_Delay": 0,
    "Channel_Name": "",
}
SYNTAX = Refused(1064, "command_failed", command="SHOW REPLICA STATUS", message="syntax")


def found(server):
    checks = next(checks for checks, function in MEASURES if function is follows)
    return {(seen.check.partition(".")[2], seen.subject): seen for seen in take(server, checks, follows, "his")}


@pytest.mark.parametrize(
    ("name", "subject"), [("mariadb-11.8", "his"), ("mysql-9.7-replica", "his lis")]
)  # recorded with a default channel and a named one
def test_a_running_channel_and_a_broken_one(server, name, subject):
    running = found(server(name, replication=["running"]))
    assert running["replication", subject].value == 1
    assert (running["replication_lag", subject].value, running["replication_lag", subject].level) == (0, "ok")
    broken = found(server(name, replication=["broken"]))
    seen = broken["replication", subject]
    assert (seen.value, seen.level, seen.detail["io"], seen.detail["sql"]) == (0, "critical", "Yes", "No")
    assert seen.detail["sql_errno"] in (1062, 1008)
    assert "Li Si" not in str(seen)
    lag = broken["replication_lag", subject]
    assert (lag.level, lag.reason["code"]) == ("unknown", "not_running")


def test_an_old_server_is_asked_in_the_words_that_it_knows(server):
    def answer(statement):
        if "REPLICA" in statement:
            raise SYNTAX
        return [MYSQL_57]

    made = server("mysql-9.7", replication=answer)
    assert found(made)["replication_lag", "his"].value == 12
    assert made.query.asked[-2:] == ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"]
    assert replication(parse_version("10.3.39-MariaDB"))[-1] == "SHOW ALL SLAVES STATUS"


@pytest.mark.parametrize(
    ("behind", "delay", "value", "level"),
    [(59, 0, 59, "ok"), (60, 0, 60, "warning"), (300, 0, 300, "critical"), (3610, 3600, 10, "ok"), (5, 3600, 0, "ok")],
)
def test_lag_is_held_against_what_is_on_purpose(server, behind, delay, value, level):
    row = {**MYSQL_57, "Seconds_Behind_Master": behind, "SQL_Delay": delay}
    seen = found(server("mysql-9.7", replication=[row]))["replication_lag", "his"]
    assert (seen.value, seen.level) == (value, level)


def test_a_lag_that_the_server_does_not_know_is_unknown(server):
    row = {**MYSQL_57, "Seconds_Behind_Master": None}
    seen = found(server("mysql-9.7", replication=[row]))
    assert seen["replication", "his"].level == "ok"
    assert seen["replication_lag", "his"].reason["code"] == "not_told"


@pytest.mark.parametrize("state", ["No", "Connecting", "Preparing", ""])
def test_a_thread_that_does_not_run_breaks_the_channel(state):
    assert not parse_channel({**MYSQL_57, "Slave_IO_Running": state}).running


def test_a_declared_replica_without_a_channel_is_broken(server):
    seen = found(server(instance={"role": "replica"}, replication=[]))
    assert seen["replication", "his"].level == "critical"
    assert seen["replication", "his"].detail == {"state": "not configured"}
    assert seen["replication_lag", "his"].level == "unknown"


def test_who_is_no_replica_is_not_asked(server):
    made = server(instance={"role": "primary"}, replication=["running"])
    assert found(made) == {}
    assert not [statement for statement in made.query.asked if "STATUS" in statement and "GLOBAL" not in statement]
    assert found(server(replication=[])) == {}


def test_without_the_right_it_is_unknown_and_the_right_is_named(server):
    denied = Refused(1227, "not_permitted", command="SUPER, REPLICATION CLIENT")
    for seen in found(server("mysql-9.7", replication=denied)).values():
        assert (seen.level, seen.reason) == (
            "unknown",
            {"code": "not_permitted", "parameters": {"command": "SUPER, REPLICATION CLIENT"}},
        )


def test_what_is_kept_in_step_by_other_means_is_not_judged_and_says_so(server):
    group = found(server("mysql-9.7", replication=[{**MYSQL_57, "Channel_Name": "group_replication_applier"}]))
    assert group["replication", "his group_replication_applier"].reason["code"] == "not_supported"
    galera = found(server(figures={"wsrep_on": "ON"}))
    assert galera["replication", "his"].reason["parameters"] == {"feature": "Galera"}
