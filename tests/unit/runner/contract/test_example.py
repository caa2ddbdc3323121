"""The contract of docs/contracts.md: a third one, which shares no clause with the two that are shipped."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.commands.calendar import calendar
from runner.commands.session import Session
from runner.contract.obligations import PERIODIC
from runner.contract.occurrences import planned
from runner.operations.check_site import CheckedSite, check_site
from runner.site import PROJECT, Site, find_site

TEXT = (PROJECT / "docs" / "contracts.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```yaml\n# (\w+\.yml)\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    for name, content in FILES.items():
        (site.folder / name).write_text(content, encoding="utf-8")
    return check_site(site)


def test_the_example_is_in_order_and_has_something_of_everything(checked: CheckedSite) -> None:
    found = checked.contract.obligations
    assert {one.kind for one in found} == {"procedure", "record", "document", "sla", "quota"}
    assert {one.cadence for one in found if one.cadence} == {*PERIODIC, "once", "standing", "on event"}
    clocks = [clock for one in found for clock in one.clocks]
    told = ("if_needed", "agreed", "pauses", "resumes", "outside_service")
    assert all(any(getattr(clock, key) for clock in clocks) for key in told)
    quotas = [one.quota for one in found if one.quota]
    told = ("at_most", "at_least", "at_least_percent", "items", "records_of", "level", "beyond")
    assert all(any(getattr(quota, key) for quota in quotas) for key in told)
    assert all(any(getattr(one, key) for one in found) for key in ("gates", "targets", "grace", "proof_lasts"))
    assert checked.contract.amendments


def test_the_example_shares_no_clause_with_the_shipped_contracts(checked: CheckedSite, tmp_path: Path) -> None:
    ours = {one.obligation.clause for one in checked.contract.versions}
    for name in ("hospital-a", "platform-b"):
        shipped = {one.obligation.clause for one in check_site(find_site(name, tmp_path)).contract.versions}
        shared = [(one, other) for one in ours for other in shipped if one in other or other in one]
        assert shared == []


def test_the_due_dates_of_the_page_are_those_of_the_program(checked: CheckedSite) -> None:
    told = re.findall(r"^\| (C\S+) \| (\S+) \| (\d{4}-\d\d-\d\d) \|", TEXT, re.MULTILINE)
    every = list(planned(checked.contract, checked.working, date(2026, 1, 1), date(2029, 12, 31)))
    found = {one.key: str(checked.working.last_day(one.due)) for one in every if one.due}
    assert len(told) == 8
    assert {f"{name}/{period}": day for name, period, day in told} == {
        f"{name}/{period}": found[f"{name}/{period}"] for name, period, _ in told
    }


def test_what_the_page_says_of_the_calendar_is_what_the_program_prints(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))
    shown = re.findall(r"^\$ weibao calendar add (\S+) (\S+)\n(.*?)\n```", TEXT, re.DOTALL | re.MULTILINE)
    assert shown
    for start, count, output in shown:
        session = Session(site.name, site.state.parent, "zh", as_json=False)
        printed = CliRunner().invoke(calendar, ["add", start, count], obj=session).output
        assert printed.strip() == output


def test_the_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if "://" not in link and not (PROJECT / "docs" / link).exists()] == []
