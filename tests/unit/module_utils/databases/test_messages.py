from __future__ import annotations

import pytest
from ansible.module_utils.databases.messages import error, skeleton

CREATE = (
    "Error 'Operation CREATE USER failed for 'weibao'@'localhost'' on query. Default database: ''. "
    "Query: 'CREATE USER weibao@localhost IDENTIFIED BY 'Sonne#Mond 7''"
)
INSERT = (
    "Error 'Duplicate entry 'Li Si' for key 'name'' on query. Default database: 'his'. "
    "Query: 'INSERT INTO visit (id,name) VALUES (60,'Li Si 13812345678')', Gtid 0-1-21, Internal error code: 1062"
)


@pytest.mark.parametrize("text", [CREATE, INSERT, "Slave SQL: " + INSERT, CREATE[:-10], INSERT[:160]])
def test_no_literal_of_a_replicated_statement_leaves_the_host(text):
    """The server quotes error and statement without escaping: quotes cannot be paired from the left."""
    shown = error(text)
    assert not any(secret in shown for secret in ("Sonne", "Mond", "Li Si", "138", "weibao'"))
    assert "CREATE USER" in shown or "INSERT INTO visit" in shown


def test_what_comes_before_a_replicated_statement_stays():
    shown = error("Worker 1 failed executing transaction 'ANONYMOUS' at source log b.000001, end_log_pos 9; " + INSERT)
    assert shown.startswith("Worker 1 failed executing transaction")
    assert shown.endswith("Statement: INSERT INTO visit (id,name) VALUES (?, ...)?")


def test_other_errors_are_masked_and_on_one_line():
    assert error("Can't find\nrecord of 110101199003071234") == "Can't find record of [identity]"


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT 1 FROM t WHERE id IN (1, 2,\n 3) AND n = 'Li Si'", "SELECT ? FROM t WHERE id IN (?, ...) AND n = ?"),
        ("UPDATE /* Li Si */ t2 SET a1=0xFF, b=1.5e3 -- Li\nWHERE c=\"x\\\"y\"", "UPDATE t2 SET a1=?, b=? WHERE c=?"),
        ("INSERT INTO t VALUES ('Li Si wa", "INSERT INTO t VALUES (?"),
        ("SELECT 'it''s', `col 1`", "SELECT ?, `col 1`"),
        ("SELECT a -- it's\n FROM t WHERE n='Li Si'", "SELECT a FROM t WHERE n=?"),
        ("SELECT a /* don't */ FROM t WHERE n='Li Si'", "SELECT a FROM t WHERE n=?"),
        ("SELECT `a#b` FROM t WHERE n='Li Si'", "SELECT `a#b` FROM t WHERE n=?"),
    ],
)  # fmt: skip
def test_statements_lose_their_literals(statement, shown):
    assert skeleton(statement) == shown
