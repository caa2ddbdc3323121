from __future__ import annotations

from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "host"


@pytest.fixture
def captured():
    """Return what a real host said: captured("debian12/mountinfo")."""
    return lambda name: (FIXTURES / name).read_text(encoding="utf-8")
