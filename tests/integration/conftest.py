"""Fixtures of the tests that need the lab: made once a session, removed at its end, whatever happens."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests import lab as laboratory
from tests.required import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import FrameType


def _stop(number: int, frame: FrameType | None) -> None:
    """End the session in order, so that fixtures are torn down."""
    pytest.exit(f"ended by signal {number}", returncode=128 + number)


@pytest.fixture(scope="session")
def lab_machine() -> Iterator[None]:
    """Require a machine that can run the lab: skip with the reason, or fail with it where CI needs it."""
    reason = laboratory.obstacle()
    if reason is not None:
        (pytest.fail if REQUIRED else pytest.skip)(reason)
    former = signal.signal(signal.SIGTERM, _stop)
    yield
    signal.signal(signal.SIGTERM, former)


@pytest.fixture(scope="session")
def lab(lab_machine: None) -> Iterator[laboratory.Lab]:
    """Give the lab with every host running. WEIBAO_KEEP_LAB=1 leaves it running at the end."""
    hosts = laboratory.Lab()
    with laboratory.in_use() as remove:
        try:
            if remove:
                hosts.destroy()
            hosts.create()
            yield hosts
        finally:
            if remove and os.environ.get("WEIBAO_KEEP_LAB") != "1":
                hosts.destroy()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the hosts' journals to the report of a failed test that used the lab."""
    report = yield
    hosts = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(hosts, laboratory.Lab):
        for name in hosts.names:
            report.sections.append((f"journal of {name}", hosts.journal(name)))
    return report
