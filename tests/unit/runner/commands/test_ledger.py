"""What the list of entries says of each kind, and of what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from runner.commands.ledger import ledger
from runner.commands.session import Session
from runner.errors import BadInput
from runner.evidence.ledger import Head, Ledger
from runner.operations.book import open_book
from runner.operations.checkpoint import write_checkpoint
from runner.site import Site

CASE = {"kind": "fault", "id": "F-1"}


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("run", {"procedure": "inspect", "verdict": "complete", "run": "R-1"}, "inspect · 完整 · R-1"),
        ("notification", {"channel": "mail", "event": "critical", "run": "R-1"}, "mail · 新增严重异常 · R-1"),
        ("record", {"obligations": ["A18", "A20"], "case": CASE, "event": None}, "A18 A20 · fault:F-1"),
        ("record", {"obligations": [], "case": CASE, "event": "reported"}, "fault:F-1 · 报修"),
        ("record", {"obligations": [], "case": CASE, "event": "dug\nup"}, "fault:F-1 · dug up"),
        ("waiver", {"obligations": ["A48"], "period": "2026Q1", "consent_by": "王五"}, "A48 · 2026Q1 · 王五 同意："),
        ("key", {"step": "revoked", "holder": "site", "fingerprint": "SHA256:b"}, "吊销 · 站点 · SHA256:b"),
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


def verify(site: Site, *options: str, as_json: bool = False) -> Result:
    session = Session(site.name, site.state.parent, "zh", as_json=as_json)
    return CliRunner().invoke(ledger, ["verify", *options], obj=session)


def test_what_was_held_against_and_is_the_same_is_told(site: Site, tmp_path: Path) -> None:
    handed = write_checkpoint(site, tmp_path / "head.json")
    one = handed.checkpoint
    given = ("--checkpoint", str(handed.file), "--head", Head(one.sequence, one.sha256).grouped(), "--key", one.signer)
    shown = verify(site, *given)
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert f"held against checkpoint head.json of {one.time[:10]}: entry {one.sequence}, the same" in lines
    assert f"held against the given head: entry {one.sequence}, the same" in lines
    assert lines[2].startswith("verified; head ")


def test_what_differs_is_counted_and_is_not_told_to_be_the_same(site: Site) -> None:
    open_book(site).append("note", {})
    shown = verify(site, "--head", "1:" + "0" * 32)
    assert shown.exit_code == 1
    assert "the same" not in shown.output
    assert "\n1 finding; head 0000" in shown.output
    shown = verify(site, "--head", "1:" + "0" * 32, "--head", "2:" + "0" * 32)
    assert "\n2 findings; head 0000" in shown.output


def test_a_key_that_is_none_is_bad_input(site: Site) -> None:
    open_book(site).append("note", {})
    shown = verify(site, "--key", "SHA256:short")
    assert isinstance(shown.exception, BadInput)
    shown = verify(site, "--key", "SHA256:" + "a" * 43)
    assert shown.exit_code == 1
    assert "is no key of the site" in shown.output
