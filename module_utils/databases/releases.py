"""Until when the vendors maintain each release series, and what a server's version says of it.

MySQL: Oracle's Lifetime Support Policy, end of extended support for 5.x, 8.0 and the LTS series 8.4 and 9.7; an
innovation release is maintained until the next one. MariaDB: the Foundation's maintenance policy, five years for the
long-term series up to 11.4, three from 11.8 on; a rolling release is maintained until the next one. Looked up in
November 2026; a series that is not here is unknown, never fine.
"""

import datetime
import re
from typing import Dict, NamedTuple, Optional, Tuple

MYSQL = {
    "5.5": "2018-12-31",
    "5.6": "2021-02-28",
    "5.7": "2023-10-31",
    "8.0": "2026-04-30",
    "8.1": "2023-10-25",
    "8.2": "2023-12-14",
    "8.3": "2024-04-10",
    "8.4": "2032-04-30",
    "9.0": "2024-10-15",
    "9.1": "2025-01-21",
    "9.2": "2025-04-15",
    "9.3": "2025-07-22",
    "9.4": "2025-10-21",
    "9.5": "2026-01-20",
    "9.6": "2026-04-21",
    "9.7": "2034-04-21",
}

MARIADB = {
    "5.5": "2020-04-11",
    "10.0": "2019-03-31",
    "10.1": "2020-10-17",
    "10.2": "2022-05-23",
    "10.3": "2023-05-25",
    "10.4": "2024-06-18",
    "10.5": "2025-06-24",
    "10.6": "2026-07-06",
    "10.7": "2023-02-09",
    "10.8": "2023-05-20",
    "10.9": "2023-08-22",
    "10.10": "2023-11-17",
    "10.11": "2028-02-16",
    "11.0": "2024-06-06",
    "11.1": "2024-08-21",
    "11.2": "2024-11-21",
    "11.3": "2024-05-29",
    "11.4": "2029-05-29",
    "11.5": "2024-11-21",
    "11.6": "2025-02-13",
    "11.7": "2025-05-12",
    "11.8": "2028-06-04",
    "12.0": "2025-11-18",
    "12.1": "2026-02-13",
    "12.2": "2026-05-13",
    "12.3": "2029-06-30",
}

_SERIES: Dict[str, Dict[str, str]] = {"mysql": MYSQL, "mariadb": MARIADB}

#: Servers that speak MySQL's protocol under its version number, but keep a calendar of their own.
_OTHERS = re.compile(r"tidb|oceanbase|aurora|polardb|tdsql|taurus|gaussdb|greatsql|vitess", re.I)
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Version(NamedTuple):
    """What a server says it is: ``engine`` is mysql or mariadb, ``numbers`` such as (10, 11, 19)."""

    engine: str
    text: str
    numbers: Tuple[int, ...]


def parse_version(text: str) -> Version:
    """Return a server's version string as engine and numbers; no numbers where it has none.

    MariaDB writes ``5.5.5-`` before its version where it greets old clients.
    """
    engine = "mariadb" if "mariadb" in text.lower() else "mysql"
    if engine == "mariadb" and text.startswith("5.5.5-"):
        text = text[len("5.5.5-") :]
    match = _NUMBERS.match(text)
    numbers = tuple(int(number) for number in match.groups() if number) if match else ()
    return Version(engine, text, numbers)


def end_of_support(version: Version, comment: str = "") -> Optional[datetime.date]:
    """Return the last day on which the vendor maintains a version's series; None where that is not known."""
    if _OTHERS.search(version.text + " " + comment):
        return None
    day = _SERIES[version.engine].get(".".join(str(number) for number in version.numbers[:2]))
    return datetime.date(*[int(number) for number in day.split("-")]) if day else None
