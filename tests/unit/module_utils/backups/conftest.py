"""Real backups: files and directories with the times that they are given."""

from __future__ import annotations

import os
import time

import pytest
from ansible.module_utils.backups import inspection, sets
from ansible.module_utils.backups.thresholds import DEFAULT_THRESHOLDS


@pytest.fixture
def backup(tmp_path):
    """Make a backup: backup("a.sql.gz", hours=3, size=1000) → its path; ``files`` makes it a directory."""

    def make(name, hours=1.0, size=1000, files=(), content=None):
        path = tmp_path / name
        changed = time.time() - hours * 3600
        if files:
            path.mkdir()
            for file in files:
                (path / file).parent.mkdir(parents=True, exist_ok=True)
                (path / file).write_bytes(b"x" * size)
                os.utime(path / file, (changed, changed))
        else:
            path.write_bytes(b"x" * size if content is None else content)
            os.utime(path, (changed, changed))
        return path

    return make


@pytest.fixture
def nightly(backup):
    """Seven nightly dumps of 1000 bytes, the newest three hours old: nightly() → their paths, newest first."""
    return lambda count=7, first=3.0: [backup(f"his-{day}.sql.gz", first + 24 * day) for day in range(count)]


@pytest.fixture
def look(tmp_path):
    """Inspect one set in the folder: look(keep=7) → {check: observation}."""

    def inspect(thresholds=DEFAULT_THRESHOLDS, timeout=20.0, hash_bytes=1 << 30, **entry):
        entry = {"name": "HIS", "path": str(tmp_path), "pattern": "*.sql.gz", "every_hours": 24, **entry}
        declared, problems = sets.parse({"sets": [entry]})
        assert problems == []
        seen = list(inspection.inspect(declared, thresholds, inspection.Limits(timeout, hash_bytes)))
        assert {each.subject for each in seen} == {entry["name"]}
        assert len({each.check for each in seen}) == len(seen)
        return {each.check: each for each in seen}

    return inspect
