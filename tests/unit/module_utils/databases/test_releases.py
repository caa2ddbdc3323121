from __future__ import annotations

import datetime

import pytest
from ansible.module_utils.databases.releases import MARIADB, MYSQL, end_of_support, parse_version


@pytest.mark.parametrize(
    ("text", "engine", "numbers", "until"),
    [
        ("10.11.19-MariaDB-0+deb12u1-log", "mariadb", (10, 11, 19), "2028-02-16"),
        ("5.5.5-10.3.39-MariaDB", "mariadb", (10, 3, 39), "2023-05-25"),
        ("11.8.6-MariaDB-0+deb13u1 from Debian", "mariadb", (11, 8, 6), "2028-06-04"),
        ("5.7.44-log", "mysql", (5, 7, 44), "2023-10-31"),
        ("8.0.35-27", "mysql", (8, 0, 35), "2026-04-30"),
        ("8.4.9", "mysql", (8, 4, 9), "2032-04-30"),
        ("9.7.4-2", "mysql", (9, 7, 4), "2034-04-21"),
    ],
)
def test_versions_and_their_last_day(text, engine, numbers, until):
    version = parse_version(text)
    assert (version.engine, version.numbers) == (engine, numbers)
    assert end_of_support(version) == datetime.date.fromisoformat(until)


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("19.1.0", ""),
        ("99.9.9-MariaDB", ""),
        ("", ""),
        ("8.0.11-TiDB-v7.5.0", ""),
        ("5.7.25", "OceanBase_CE 4.2.1"),
        ("8.0.30", "Aurora"),
    ],
)
def test_what_no_vendor_of_ours_maintains_is_not_known(text, comment):
    assert end_of_support(parse_version(text), comment) is None


def test_every_date_is_one():
    for table in (MYSQL, MARIADB):
        assert all(datetime.date.fromisoformat(day) for day in table.values())
