"""What costs queries of their own: the longest open transaction, and columns that run out of numbers."""

from typing import Any, Dict, Iterator, List

from ..masking import mask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import dialect
from .messages import skeleton
from .server import Server


def transaction(server: Server) -> Iterator[Observation]:
    """Yield for how many seconds the oldest open transaction has been open; 0 where none is."""
    rows = server.ask(dialect.TRANSACTIONS)
    if not rows:
        yield server.seen("database.transaction", 0)
        return
    oldest = rows[0]
    detail: Dict[str, Any] = {"thread": oldest["thread_id"], "open": oldest["transactions"]}
    for key in ("account", "client", "command", "schema_name"):
        if oldest.get(key):
            detail[key] = mask(str(oldest[key]))
    detail["rows_modified"] = oldest["rows_modified"]
    if oldest.get("statement"):
        detail["statement"] = skeleton(str(oldest["statement"]))
    yield server.seen("database.transaction", max(int(oldest["seconds"] or 0), 0), detail)


def auto_increment(server: Server) -> Iterator[Observation]:
    """Yield how much of its numbers the fullest AUTO_INCREMENT column has used.

    An account sees the columns of those tables only that it has a right on: without one on all of them it is unknown,
    unless what is seen is bad enough.
    """
    grants = [str(value) for row in server.ask(dialect.GRANTS) for value in row.values()]
    why = None if dialect.sees_all_columns(grants) else Unmeasurable("not_permitted", command="REFERENCES ON *.*")
    columns: List[Dict[str, Any]] = sorted(
        (column for column in map(_column, server.ask(dialect.INCREMENTS)) if column),
        key=lambda column: -float(column["percent"]),
    )
    fullest = columns[0] if columns else {"percent": 0.0}
    detail = {key: value for key, value in fullest.items() if key != "percent"}
    yield server.partly_seen("database.auto_increment", fullest["percent"], detail, why)


def _column(row: Dict[str, Any]) -> Dict[str, Any]:
    """Return a column's name, its next value, its largest, and the percentage used; empty for one without a largest."""
    largest = dialect.LARGEST.get(str(row["data_type"]).lower())
    if largest is None:
        return {}
    if "unsigned" in str(row["column_type"]).lower():
        largest = 2 * largest + 1
    used = max(int(row["next_value"]) - 1, 0)
    name = ".".join(str(row[key]) for key in ("schema_name", "table_name", "column_name"))
    return {
        "percent": 100.0 * used / largest,
        "column": mask(name),
        "type": str(row["column_type"]),
        "used": str(used),  # beyond what every reader of JSON can hold
        "largest": str(largest),
    }
