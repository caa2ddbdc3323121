from __future__ import annotations

import json
from pathlib import Path

import pytest
from chinese_calendar.constants import Holiday
from click.testing import CliRunner, Result

from reports.catalogue import load_catalogue
from runner.commands.calendar import calendar
from runner.commands.session import Session
from runner.errors import BadInput
from runner.site import Site


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


def call(site: Site, *arguments: str, language: str = "zh", as_json: bool = False) -> Result:
    session = Session(site.name, site.state.parent, language, as_json)
    return CliRunner().invoke(calendar, ["add", *arguments], obj=session)


def test_the_day_is_told_first_then_what_was_passed_over_and_why(site: Site) -> None:
    assert call(site, "2026-09-28", "7").output.splitlines() == [
        "2026-10-13 星期二  2026-09-28（星期一）之后的第 7 个工作日",
        "  跳过 2026-10-01 至 2026-10-07（7 天）  国庆节放假",
        "  跳过 2026-10-11 星期日  周末",
        "  计入 2026-10-10 星期六  国庆节调休上班",
    ]
    assert call(site, "2026-02-12", "7").output.startswith("2026-02-28 星期六")


def test_the_second_language_has_every_word(site: Site) -> None:
    assert call(site, "2026-09-28", "7", language="en").output.splitlines() == [
        "2026-10-13 Tuesday  7 working days after 2026-09-28 (Monday)",
        "  skipped 2026-10-01 to 2026-10-07 (7 days)  National Day",
        "  skipped 2026-10-11 Sunday  weekend",
        "  counted 2026-10-10 Saturday  worked to make up for National Day",
    ]


def test_a_year_that_nobody_published_is_provisional(site: Site) -> None:
    assert "暂定：2031、2032 年的放假安排尚未公布" in call(site, "2031-12-25", "9").output
    assert "暂定" not in call(site, "2026-12-25", "3").output
    site.calendar_file.write_text("schema_version: 1\ncovers: [2031, 2032]\n")
    assert "暂定" not in call(site, "2031-12-25", "9").output


def test_days_of_the_site_s_own_are_told_by_their_name(site: Site) -> None:
    site.calendar_file.write_text(
        "schema_version: 1\ndays:\n"
        "  2026-03-03: {working: no, name: 院庆}\n  2026-03-07: {working: yes, name: 年度盘点}\n"
    )
    assert call(site, "2026-03-02", "5").output.splitlines()[1:] == [
        "  跳过 2026-03-03 星期二  院庆（本站点日历）",
        "  跳过 2026-03-08 星期日  周末",
        "  计入 2026-03-07 星期六  年度盘点（本站点日历）",
    ]


def test_the_json_object_lists_every_day(site: Site) -> None:
    printed = json.loads(call(site, "2026-09-28", "7", as_json=True).output)
    assert (printed["schema_version"], printed["day"], printed["provisional"]) == (1, "2026-10-13", False)
    assert len(printed["skipped"]) == 8
    assert printed["skipped"][0] == {
        "date": "2026-10-01", "why": "holiday", "name": "国庆节", "text": "国庆节放假",
    }  # fmt: skip
    assert [one["date"] for one in printed["counted_off_weekdays"]] == ["2026-10-10"]


@pytest.mark.parametrize(
    "arguments", [("28.9.2026", "7"), ("2026-02-30", "7"), ("2026-09-28", "0"), ("2026-09-28", "9999")]
)
def test_what_cannot_be_counted_is_refused(site: Site, arguments: tuple[str, str]) -> None:
    assert call(site, *arguments).exit_code == 2


def test_a_day_beyond_the_calendar_and_a_broken_calendar_are_bad_input(site: Site) -> None:
    beyond = call(site, "9999-12-30", "7")
    assert isinstance(beyond.exception, BadInput)
    assert "beyond the year 9999" in str(beyond.exception)
    site.calendar_file.write_text("schema_version: 1\nday: {}\n")
    assert "calendar.yml:2: day: Extra inputs" in str(call(site, "2026-09-28", "7").exception)


def test_holidays_bear_the_names_that_the_calendar_knows() -> None:
    chinese, english = load_catalogue("zh"), load_catalogue("en")
    assert set(chinese.keys("holidays")) == {one.value for one in Holiday}
    assert all(english.word("holidays", one.value) for one in Holiday)
    differ = {one.value for one in Holiday if chinese.word("holidays", one.value) != one.chinese}
    assert differ <= {"Anti-Fascist 70th Day"}  # shortened


def test_nothing_of_the_site_s_state_is_touched(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "untouched"
    session = Session(site.name, home, "zh", False)
    assert CliRunner().invoke(calendar, ["add", "2026-09-28", "7"], obj=session).exit_code == 0
    assert not home.exists()
