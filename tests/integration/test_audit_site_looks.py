"""How the pages of the auditor's pack behave under the mouse and on a narrow screen, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.operations.export import export
from tests.browser import PROGRAM, Browser
from tests.integration.test_audit_site import browser, opened, pack, quiet, site_in
from tests.packs import fill

__all__ = ["browser", "pack"]

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")


def box(browser: Browser, selector: str) -> dict[str, float]:
    found = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
    return dict(browser.evaluate(found))


def test_the_menu_opens_a_month_of_the_calendar(browser: Browser) -> None:
    browser.click("#menu-calendar")
    browser.wait("document.querySelector('h1').innerText.startsWith('日历')")
    assert browser.evaluate("document.querySelectorAll('.month tbody td').length") >= 28


def test_the_heat_maps_legend_is_above_and_its_heads_stay(browser: Browser) -> None:
    browser.go("#/compliance")
    assert box(browser, ".legend")["bottom"] <= box(browser, ".map")["top"]
    browser.evaluate("document.querySelector('.map').style.maxHeight = '120px'")
    browser.evaluate("document.querySelector('.map').style.maxWidth = '330px'")
    head, name = box(browser, ".heat thead tr + tr th"), box(browser, ".heat tbody th")
    browser.evaluate("document.querySelector('.map').scrollTo(60, 60)")
    assert browser.evaluate("document.querySelector('.map').scrollTop") > 30
    assert browser.evaluate("document.querySelector('.map').scrollLeft") > 30
    assert box(browser, ".heat thead tr + tr th")["top"] == pytest.approx(head["top"], abs=1)
    assert box(browser, ".heat tbody th")["left"] == pytest.approx(name["left"], abs=1)


@pytest.mark.parametrize("page", ["overview", "entry/25"])
def test_a_fingerprint_fits_a_narrow_screen(browser: Browser, page: str) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)
    browser.go(f"#/{page}")
    assert browser.evaluate("document.querySelector('main code') !== null")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_zone_is_told_and_small_tables_are_searched(browser: Browser) -> None:
    assert "时间均为 UTC+08:00" in browser.text()
    browser.go("#/documents")
    browser.go("#/entries")
    assert browser.evaluate("document.querySelectorAll('main input[type=search]').length") == 1


def test_what_is_weaker_than_a_signature_is_on_the_first_page(browser: Browser, pack: Path) -> None:
    text = browser.text()
    assert "备注（1 项）" in text
    assert "条目没有有效签名，由他人事后担保" in text
    assert "entries 1 to 24: is not signed; vouched for by" in text
    assert "导出时发现的问题" not in text
    browser.evaluate(
        "Site.main.findings.push(['run', 'r/manifest.json: <b>differs</b>', 3],"
        " ['unclassified', 'new', null], ['of-later', 'newer', null]); Site.show()"
    )
    browser.wait("document.querySelectorAll('.found.problem li').length === 3")
    found = "[...document.querySelectorAll('.found.problem li')].map((one) => one.innerText)"
    assert browser.evaluate(found) == [
        "一次执行的证据文件缺失、损坏或被改动 #3\nr/manifest.json: <b>differs</b>",
        "其他问题\nnew",
        "of-later\nnewer",
    ]


def test_an_entrys_people_are_told_in_the_languages_words(browser: Browser) -> None:
    browser.go("#/entry/26")
    text = browser.text()
    assert "合同与人员" in text
    assert "采购人审批人" in text
    assert "purchaser approver" not in text


def test_checks_of_arguments_are_folded_until_asked_for(browser: Browser) -> None:
    browser.go("#/runs")
    browser.click("main tbody a")
    browser.wait("document.querySelectorAll('.mark').length > 5")
    detail = {
        "tasks": ["role : Validating arguments against arg spec 'main'", "look"],
        "hosts": [["host-1", "ok", "oc", ""], ["host-2", "ok", "oo", ""]],
    }
    browser.evaluate(
        f"(async () => {{ const a = location.hash.slice(6);"
        f" const d = await Site.load('runs/' + Site.dayOf(a) + '/' + a);"
        f" Object.assign(d, {json.dumps(detail)}); await Site.show() }})()"
    )
    assert "另有 1 项参数校验" in browser.text()
    heads = "[...document.querySelectorAll('[aria-label=\"主机 × 任务\"] th.task')].map((one) => one.innerText)"
    assert browser.evaluate(heads) == ["look"]
    assert browser.evaluate("getComputedStyle(document.querySelector('td.host')).whiteSpace") == "nowrap"
    browser.click("main section p button")
    assert len(browser.evaluate(heads)) == 2


def test_runs_that_a_period_leaves_out_are_counted(tmp_path: Path) -> None:
    checked = site_in(tmp_path)
    fill(checked, tmp_path)
    export(checked, tmp_path / "pack", "2026Q1")
    with Browser(tmp_path / "profile") as found:
        opened(found, tmp_path / "pack")
        found.go("#/runs")
        assert "另有 4 次执行不在本包期间内" in found.text()
        found.go("#/entry/1")
        assert "全文" in found.text()
        quiet(found, tmp_path / "pack")
