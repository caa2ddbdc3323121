"""How the pages of the auditor's pack behave under the mouse and on a narrow screen, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.operations.export import export
from tests.browser import Browser, needs_browser
from tests.integration.test_audit_site import browser, opened, pack, quiet, site_in
from tests.packs import fill

__all__ = ["browser", "pack"]

pytestmark = needs_browser


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


def test_the_first_and_the_newest_entry_lead_to_no_other(browser: Browser) -> None:
    links = "[...document.querySelectorAll('main h1 + p a')].map((one) => one.innerText)"
    newest = browser.evaluate("Site.main.head.sequence")
    for number, wanted in ((1, ["#2 →"]), (2, ["← #1", "#3 →"]), (newest, [f"← #{newest - 1}"])):
        browser.go(f"#/entry/{number}")
        assert browser.evaluate(links) == wanted
    browser.evaluate("Site.load('entries-0').then((list) => list.splice(2, 1)).then(() => Site.show())")
    for number, wanted in ((2, ["← #1", "#4 →"]), (4, ["← #2", "#5 →"])):
        browser.go(f"#/entry/{number}")
        assert browser.evaluate(links) == wanted


def test_an_entrys_details_are_in_chinese_and_without_empty_fields(browser: Browser) -> None:
    browser.go("#/entries")
    number = browser.evaluate("Site.load('entries-0').then((list) => list.find((one) => one[1] === 'key')[0])")
    browser.go(f"#/entry/{number}")
    details = "document.querySelector('main section').innerText.split('\\n')"
    found = browser.evaluate(details)
    assert {"启用", "站点"} <= set(found)
    assert {"自", "—", "原因", "site", "created"}.isdisjoint(found)
    case = browser.evaluate(
        "Site.load('entries-0').then((list) => list.find((one) => (one[6] || '').includes('fault'))[0])"
    )
    browser.go(f"#/entry/{case}")
    found = browser.evaluate(details)
    assert {"等级", "P1", "故障", "报修"} <= set(found)
    assert {"grade", "fault", "reported", "义务"}.isdisjoint(found)


def test_a_consent_does_not_say_that_nobody_changed(browser: Browser) -> None:
    browser.go("#/entry/26")
    body = {"changed": [], "consent": {"vouched_by": "李四"}, "people": [], "step": "draft", "check": False}
    browser.evaluate(
        f"Site.load('entries-0').then((list) => {{ list[25][6] = {json.dumps(json.dumps(body))}; return Site.show() }})"
    )
    found = browser.evaluate("document.querySelector('main section').innerText")
    assert "李四" in found
    assert "草稿" in found
    assert "采购人人员变动" not in found


def test_a_key_that_was_replaced_stands_beside_the_first(browser: Browser) -> None:
    assert browser.evaluate("Site.main.firstKey === Site.main.fingerprint")
    assert "站点现用的密钥指纹" not in browser.text()
    browser.evaluate("Site.main.firstKey = 'SHA256:first'; Site.show()")
    browser.wait("document.body.innerText.includes('站点最初的密钥指纹\\nSHA256:first')")
    assert "站点现用的密钥指纹" in browser.text()


def test_what_is_not_assessed_needs_attention_too(browser: Browser) -> None:
    count = dict(browser.evaluate("Site.main.counts"))["not assessed"]
    assert f"另有 {count} 项未评估" in browser.text()
    browser.click("main section p a")
    browser.wait("document.getElementById('main').dataset.page.startsWith('#/compliance/not')")
    shown = "[...document.querySelectorAll('main select')].map((one) => one.value)"
    assert "not assessed" in browser.evaluate(shown)


def test_a_remark_is_not_broken_inside_its_words(browser: Browser) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)
    browser.go("#/overview")
    assert browser.evaluate("getComputedStyle(document.querySelector('.found code')).wordBreak") == "normal"


def test_runs_that_a_period_leaves_out_are_counted(tmp_path: Path) -> None:
    checked = site_in(tmp_path)
    fill(checked, tmp_path)
    export(checked, tmp_path / "pack", "2026Q1")
    with Browser(tmp_path / "profile") as found:
        opened(found, tmp_path / "pack")
        found.go("#/runs")
        assert "另有 4 次执行不在本包期间内" in found.text()
        found.go("#/entry/1")
        assert "明细" in found.text()
        quiet(found, tmp_path / "pack")
