"""Whatever can be wrong with a backup has words that a person understands."""

from __future__ import annotations

import re
from pathlib import Path

import module_utils.backups
from module_utils.backups.inspection import LEVELS_OF_CHECKSUMS
from reports.catalogue import LANGUAGES, load_catalogue

TABLES = load_catalogue("zh").tables
SOURCES = "".join(path.read_text() for path in Path(module_utils.backups.__file__).parent.glob("*.py"))


def test_every_problem_is_worded():
    given = set(re.findall(r'_Missing\("([a-z ]+)"\)', SOURCES)) | set(re.findall(r'"problem": "([a-z ]+)"', SOURCES))
    given |= {"only unfinished ones", "no backup found"}
    assert {"folder missing", "file missing"} <= given
    for problem in given:
        assert set(TABLES["names"][problem]) == set(LANGUAGES), problem


def test_every_reason_is_worded():
    given = set(re.findall(r'\["(\w+)", \{', SOURCES))
    assert {"no_backup", "time_in_future", "being_written"} <= given
    assert given <= set(TABLES["reasons"])


def test_every_state_of_a_checksum_is_worded():
    assert set(TABLES["checks"]["backup.checksum"]["values"]) == set(LEVELS_OF_CHECKSUMS)
