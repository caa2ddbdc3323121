from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.site import PROJECT, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of its own: a copy of the embedded default, with its state beside it."""
    folder = tmp_path / "sites" / "own"
    shutil.copytree(PROJECT / "inventories" / "local", folder)
    found = Site("own", folder, tmp_path / "home" / "own")
    found.prepare()
    return found
