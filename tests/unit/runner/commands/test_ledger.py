"""What the list of entries says of each kind, and of what is none."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from runner.commands.ledger import ledger
from runner.commands.session import Session
from runner.evidence.ledger import Ledger
from runner.site import Site

CASE = {"kind": "fault", "id": "F-1"}


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("run", {"procedure": "inspect", "verdict": "complete", "run": "R-1"}, "inspect  complete  R-1"),
        ("notification", {"channel": "mail", "event": "critical", "run": "R-1"}, "mail  critical  R-1"),
        ("record", {"obligations": ["A18", "A20"], "case": CASE, "event": None, "period": None}, "A18 A20  fault:F-1"),
        ("record", {"obligations": [], "case": CASE, "event": "reported"}, "fault:F-1  reported"),
        ("waiver", {"obligations": ["A48"], "period": "2026Q1", "case": None}, "A48  2026Q1"),
        ("document", {"step": "issued", "number": "HT-1\n-plan", "run": None}, "issued  HT-1 -plan"),
        ("other", {"what": "ever"}, ""),
        ("record", {"case": {}, "obligations": 3}, "3"),
    ],
)
def test_each_entry_says_what_it_is_about(site: Site, kind: str, body: dict[str, Any], shown: str) -> None:
    Ledger(site.ledger_folder, site.name).append(kind, body)
    session = Session(site.name, site.state.parent, "zh", as_json=False)
    (line,) = CliRunner().invoke(ledger, ["show"], obj=session).output.splitlines()
    assert line.startswith("000001 · ")
    assert line.partition(f"  {kind}")[2].strip() == shown
