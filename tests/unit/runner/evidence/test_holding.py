"""Who waits for another writer is told so, and does not wait for ever."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path
from threading import Timer

import pytest

from runner.errors import MachineError
from runner.evidence import holding
from runner.evidence.ledger import Ledger
from tests.signing import signed_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return signed_ledger(tmp_path / "ledger")


def test_who_waits_is_told_and_gives_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(holding, "TELL_SECONDS", 0.05)
    monkeypatch.setattr(holding, "WAIT_SECONDS", 0.2)
    with (ledger.folder / ".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MachineError, match=r"\.lock: another program has been writing .* nothing was appended"):
            ledger.append("note", {})
    assert [(one.name, one.levelno) for one in caplog.records] == [("runner.ledger", logging.WARNING)]
    monkeypatch.undo()
    assert ledger.append("note", {}).sequence == 2, "who gave up is in nobody's way"


def test_whose_turn_comes_goes_on_without_a_word(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    with (ledger.folder / ".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        freeing = Timer(0.2, fcntl.flock, (other, fcntl.LOCK_UN))
        freeing.start()
        assert ledger.append("note", {}).sequence == 2
        freeing.join()
    assert caplog.records == []
