from __future__ import annotations

import pytest
from ansible.module_utils.databases.connecting import Refused
from ansible.module_utils.databases.dialect import sees_all_columns
from ansible.module_utils.databases.tables import auto_increment, transaction

IDLE = {
    "thread_id": 42,
    "seconds": 3600,
    "state": "RUNNING",
    "rows_modified": 7,
    "statement": None,
    "account": "his_app",
    "client": "10.0.8.20:51512",
    "command": "Sleep",
    "schema_name": "his",
    "transactions": 3,
}


def column(value, kind="int", full="int(11)"):
    return {
        "schema_name": "his",
        "table_name": "visit",
        "column_name": "id",
        "data_type": kind,
        "column_type": full,
        "next_value": value,
    }


@pytest.mark.parametrize("name", ["mariadb-10.11", "mysql-9.7"])
def test_a_recorded_open_transaction(server, name):
    (seen,) = transaction(server(name))
    assert (seen.value, seen.level) == (5, "ok")
    assert seen.detail["command"] == "Sleep"
    assert seen.detail["account"] == "root"


def test_an_hour_is_a_warning_and_no_transaction_is_none(server):
    (seen,) = transaction(server(transactions=[IDLE]))
    assert (seen.value, seen.level, seen.detail["open"]) == (3600, "warning", 3)
    (seen,) = transaction(server(transactions=[]))
    assert (seen.value, seen.level) == (0, "ok")


def test_its_statement_is_shown_without_literals(server):
    row = {**IDLE, "statement": "UPDATE visit SET name = 'Li Si' WHERE id = 13812345678"}
    (seen,) = transaction(server(transactions=[row]))
    assert seen.detail["statement"] == "UPDATE visit SET name = ? WHERE id = ?"


@pytest.mark.parametrize("name", ["mariadb-10.11", "mysql-9.7"])
def test_the_fullest_column_of_a_recorded_server(server, name):
    (seen,) = auto_increment(server(name))
    assert (seen.value, seen.level, seen.detail["column"]) == (100.0, "warning", "his.big.id")


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (column(1), 0.0),
        (column(1 + 2147483647 * 3 // 4), 75.0),
        (column(1 + 2147483647, full="int(10) unsigned"), 50.0),
        (column(128, "tinyint", "tinyint(4)"), 100.0),
        (column(256, "tinyint", "tinyint unsigned"), 100.0),
        (column(9, "double", "double"), 0.0),
    ],
)
def test_how_much_of_its_numbers_a_column_has_used(server, row, value):
    (seen,) = auto_increment(server(increments=[row]))
    assert seen.value == pytest.approx(value, abs=0.01)


def test_without_the_right_little_is_unknown_and_much_is_enough(server):
    grants = [{"Grants": "GRANT USAGE ON *.* TO `poor`@`localhost`"}]
    (seen,) = auto_increment(server(grants=grants, increments=[]))
    assert (seen.level, seen.value, seen.reason["code"]) == ("unknown", None, "not_permitted")
    assert seen.reason["parameters"] == {"command": "REFERENCES ON *.*"}
    (seen,) = auto_increment(server(grants=grants, increments=[column(2000000000)]))
    assert (seen.level, round(seen.value)) == ("warning", 93)


@pytest.mark.parametrize(
    ("lines", "enough"),
    [
        (["GRANT SELECT, PROCESS ON *.* TO `a`@`%`"], True),
        (["GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' WITH GRANT OPTION"], True),
        (["GRANT PROCESS, REFERENCES, SLAVE MONITOR ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*1F'"], True),
        (["GRANT USAGE ON *.* TO `a`@`%`", "GRANT SELECT ON `his`.* TO `a`@`%`"], False),
        (["GRANT SELECT ON *.* TO `a`@`%`", "REVOKE SELECT ON `mysql`.* FROM `a`@`%`"], True),
        (["GRANT SELECT ON *.* TO `a`@`%`", "REVOKE SELECT ON `his`.* FROM `a`@`%`"], False),
        (["GRANT PROCESS ON *.* TO `SELECT`@`%`"], False),
        ([], False),
    ],
)
def test_which_grants_let_an_account_see_every_column(lines, enough):
    assert sees_all_columns(lines) is enough


def test_a_missing_right_is_raised_for_its_check_alone(server):
    denied = Refused(1227, "not_permitted", command="PROCESS")
    with pytest.raises(Refused):
        list(transaction(server(transactions=denied)))
