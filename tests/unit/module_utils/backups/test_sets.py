from __future__ import annotations

import pytest
from ansible.module_utils.backups import sets

GOOD = {"path": "/backup", "every_hours": 24}


def problems(*entries):
    return sets.parse({"sets": list(entries)})[1]


def test_what_is_not_said_is_usual():
    (one,), wrong = sets.parse({"sets": [{**GOOD, "name": None, "keep": None, "settle_minutes": None, "kind": None}]})
    assert wrong == []
    assert one == sets.BackupSet("/backup/*", "/backup", "*", "file", 24, 0, "none", 5.0)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"path": "backup"}, "path: 'backup' is not an absolute path"),
        ({"path": "/back\0up"}, "path: "),
        ({"pattern": "*/full"}, "pattern: '*/full' is of names"),
        ({"kind": "tape"}, "kind: must be one of file, directory"),
        ({"checksum": "yes"}, "checksum: must be one of none, beside, file"),
        ({"every_hours": 0}, "every_hours: must be above 0"),
        ({"every_hours": float("nan")}, "every_hours: must be above 0"),
        ({"every_hours": 1e9}, "every_hours: must be above 0"),
        ({"keep": -1}, "keep: must be at least 1"),
        ({"settle_minutes": -1}, "settle_minutes: must be between"),
        ({"settle_minutes": 2000}, "settle_minutes: must be between"),
    ],
)
def test_what_is_wrong_is_told(entry, problem):
    (found,) = problems({**GOOD, "name": "HIS", **entry})
    assert found.startswith(f"sets[0] (HIS).{problem}")


def test_everything_that_is_wrong_is_named_at_once():
    found = problems({**GOOD, "name": "a"}, {**GOOD, "name": "a", "every_hours": -1}, {**GOOD, "path": "x", "keep": -2})
    assert [each.partition(":")[0] for each in found] == [
        "sets[1] (a).every_hours",
        "sets[2].path",
        "sets[2].keep",
        "sets",
    ]
    assert problems(*({**GOOD, "name": str(number)} for number in range(101))) == ["sets: at most 100"]
