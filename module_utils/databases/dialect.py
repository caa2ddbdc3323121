"""Where MySQL and MariaDB, old and new, say the same thing in other words: statements and names of columns."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .releases import Version

#: What a session of ours is allowed: to read, and to wait shortly. ``{seconds}`` bounds what a statement may take.
_SESSION = "SET SESSION lock_wait_timeout = {whole}, innodb_lock_wait_timeout = {whole}, time_zone = 'SYSTEM'"
READ_ONLY = "SET SESSION TRANSACTION READ ONLY"

#: The newest first; a server that does not know one answers with a syntax error.
_REPLICATION = {
    "mysql": ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS"),
    "mariadb": ("SHOW ALL REPLICAS STATUS", "SHOW ALL SLAVES STATUS"),
}

#: What a channel says, by each name that some server gives it.
_CHANNEL = {
    "name": ("Channel_Name", "Connection_name"),
    "io": ("Replica_IO_Running", "Slave_IO_Running"),
    "sql": ("Replica_SQL_Running", "Slave_SQL_Running"),
    "io_state": ("Replica_IO_State", "Slave_IO_State"),
    "lag": ("Seconds_Behind_Source", "Seconds_Behind_Master"),
    "delay": ("SQL_Delay",),
    "source": ("Source_Host", "Master_Host"),
    "port": ("Source_Port", "Master_Port"),
    "io_errno": ("Last_IO_Errno",),
    "io_error": ("Last_IO_Error",),
    "sql_errno": ("Last_SQL_Errno", "Last_Errno"),
    "sql_error": ("Last_SQL_Error", "Last_Error"),
}

TRANSACTIONS = """
SELECT t.trx_mysql_thread_id AS thread_id, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds,
       t.trx_state AS state, t.trx_rows_modified AS rows_modified, t.trx_query AS statement,
       p.user AS account, p.host AS client, p.command AS command, p.db AS schema_name,
       (SELECT COUNT(*) FROM information_schema.innodb_trx) AS transactions
  FROM information_schema.innodb_trx t
  LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
 ORDER BY t.trx_started
 LIMIT 1
"""

GRANTS = "SHOW GRANTS"

#: The largest value of each type that numbers rows by itself; an unsigned column holds twice as many and one.
LARGEST = {
    "tinyint": 127,
    "smallint": 32767,
    "mediumint": 8388607,
    "int": 2147483647,
    "bigint": 9223372036854775807,
}

#: Any of these rights on a table lets an account see its columns in information_schema.
_SHOW_COLUMNS = ("REFERENCES", "SELECT", "INSERT", "UPDATE", "ALL PRIVILEGES", "ALL")

#: Schemas that servers keep for themselves.
SYSTEM_SCHEMAS = ("mysql", "information_schema", "performance_schema", "sys")

# In floating point: differences and products of unsigned integers overflow (error 1690).
INCREMENTS = """
SELECT c.table_schema AS schema_name, c.table_name AS table_name, c.column_name AS column_name,
       c.data_type AS data_type, c.column_type AS column_type, t.auto_increment AS next_value
  FROM information_schema.tables t
  JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
 WHERE c.extra LIKE '%auto_increment%'
   AND t.auto_increment IS NOT NULL
   AND t.table_schema NOT IN ({schemas})
 ORDER BY t.auto_increment / (CASE c.data_type {largest} ELSE 1e300 END
                              * CASE WHEN c.column_type LIKE '%unsigned%' THEN 2e0 ELSE 1e0 END) DESC
 LIMIT 5
""".format(
    schemas=", ".join("'%s'" % schema for schema in SYSTEM_SCHEMAS),
    largest=" ".join("WHEN '%s' THEN %d.0e0" % pair for pair in LARGEST.items()),
)


class Channel(NamedTuple):
    """One stream of replication; ``lag`` and ``delay`` in seconds, ``lag`` None where the server does not know it."""

    name: str
    io: str
    sql: str
    io_state: str
    lag: Optional[int]
    delay: int
    source: str
    port: Optional[int]
    io_errno: int
    io_error: str
    sql_errno: int
    sql_error: str

    @property
    def running(self) -> bool:
        """Return whether both threads do their work; one that is still connecting does not."""
        return self.io == "Yes" and self.sql == "Yes"


def session(version: Version, seconds: float) -> Tuple[str, ...]:
    """Return the statements that make a session read only and its statements short."""
    settings = _SESSION.format(whole=max(int(seconds), 1))
    if version.engine == "mariadb":
        settings += ", max_statement_time = %g" % seconds
    elif version.numbers >= (5, 7, 8):
        settings += ", max_execution_time = %d" % (seconds * 1000)
        if version.numbers >= (8, 0, 3):
            settings += ", information_schema_stats_expiry = 0"  # figures are a day old otherwise
    return settings, READ_ONLY


def replication(version: Version) -> Tuple[str, ...]:
    """Return the statements that tell of replication, in the order in which to try them."""
    return _REPLICATION[version.engine]


def parse_channel(row: Mapping[str, Any]) -> Channel:
    """Return a row of SHOW [ALL] REPLICA(S) STATUS or SHOW [ALL] SLAVE(S) STATUS."""
    found: Dict[str, Any] = {}
    for field, names in _CHANNEL.items():
        found[field] = next((row[name] for name in names if name in row), None)
    for field in ("lag", "port"):
        found[field] = None if found[field] is None else int(found[field])
    for field in ("delay", "io_errno", "sql_errno"):
        found[field] = int(found[field] or 0)
    texts = {field: "" for field, value in found.items() if value is None and field not in ("lag", "port")}
    return Channel(**dict(found, **texts))


def sees_all_columns(grants: List[str]) -> bool:
    """Return whether SHOW GRANTS says that an account sees the columns of every table.

    The least right for it is REFERENCES, which lets nobody read a row. Rights that come with a role and are not shown
    count as missing.
    """
    for line in grants:
        if line.upper().startswith("REVOKE") and not _of_system_schema(line):
            return False  # a partial revoke of MySQL 8
    return any(_sees_columns(line) for line in grants)


def _of_system_schema(line: str) -> bool:
    return any(" ON `%s`." % schema in line for schema in SYSTEM_SCHEMAS)


def _sees_columns(line: str) -> bool:
    if not line.upper().startswith("GRANT ") or " ON *.* TO " not in line:
        return False
    rights = line[len("GRANT ") : line.index(" ON *.* TO ")].upper().split(", ")
    return any(right in rights for right in _SHOW_COLUMNS)
