"""What a test needs of its machine: skipped with the reason where it is missing, but not where all is required."""

from __future__ import annotations

import os

import pytest

#: In continuous integration what is missing makes its tests fail.
REQUIRED = os.environ.get("WEIBAO_REQUIRE_LAB") == "1"


def needs(there: object, reason: str) -> pytest.MarkDecorator:
    """Return the mark of tests that need something which is there, or is not; where all is required, they run."""
    return pytest.mark.skipif(not (there or REQUIRED), reason=reason)
