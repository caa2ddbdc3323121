"""The auditor's pages of changes in a real browser: found, opened, led on from, and no word of them missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.operations.export import export
from runner.site import PROJECT, Site
from tests.browser import Browser
from tests.many_runs import HOSTILE
from tests.unit.runner.operations import changed as told


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changes")
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    checked = told.changed(site)
    told.request(checked, plan={**told.PLAN, "content": HOSTILE})
    reasons = [{"code": "nobody_attends", "parameters": {}}, {"code": HOSTILE, "parameters": {"what": HOSTILE}}]
    told.tell(checked, "refused", attempt="execute", reasons=reasons)
    told.approve(checked)
    told.approve(checked, by="审计员")
    run = told.execute(checked)
    told.tell(checked, "verified", by="王建国", run=run, digest=told.DIGEST, passed=True, text=HOSTILE)
    told.tell(checked, "closed", event="done", outcome="done", text="")
    told.issued(checked, "upgrade-request")
    told.request(checked, "SJ-2/甲 #?%")
    told.tell(checked, "started", "SJ-2/甲 #?%", run="killed", digest=told.DIGEST, event="started")
    hosts = {"done": ["app1"], "unsure": ["app2"]}
    told.tell(checked, "executed", "SJ-2/甲 #?%", run="killed", outcome="interrupted", hosts=hosts)
    export(checked, folder / "pack")
    return folder / "pack"


@pytest.fixture
def browser(pack: Path, tmp_path: Path) -> Iterator[Browser]:
    """A browser with the site open; at its end nothing may have gone wrong."""
    with Browser(tmp_path / "profile") as found:
        found.open((pack / "index.html").as_uri())
        found.wait("document.getElementById('main').dataset.page")
        yield found
        assert found.evaluate("window.hacked") is None
        assert found.problems == []


def go(browser: Browser, page: str) -> str:
    browser.evaluate(f"location.hash = '#/{page}'")
    browser.wait(f"document.getElementById('main').dataset.page === '#/{page}'")
    browser.wait("!document.getElementById('main').hasAttribute('aria-busy')")
    return str(browser.text())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_change_is_found_opened_and_leads_to_its_run_and_papers(browser: Browser, pack: Path, language: str) -> None:
    if language == "en":
        browser.click("#language")
        browser.wait("document.getElementById('main').dataset.language === 'en'")
    listed = go(browser, "changes")
    assert "SJ-1" in listed
    assert ("已结案" if language == "zh" else "closed") in listed
    text = go(browser, "change/SJ-1")
    for wanted in ("王建国", "app1", told.DIGEST, "签字件.pdf", "HT-1-upgrade-request-SJ-1"):
        assert wanted in text
    assert ("审计员 是审计人员" if language == "zh" else "is an auditor") in text
    assert ("没有签名，也没有签字件" if language == "zh" else "neither a signature nor a paper") in text
    assert ("没有监督人在场" if language == "zh" else "no supervisor") in text
    for bad in ("undefined", "[object", "NaN", "approvals_"):
        assert bad not in text
    links = browser.evaluate("[...document.querySelectorAll('main a')].map((one) => one.getAttribute('href'))")
    (paper,) = {link for link in links if link.startswith("attachments/")}
    assert (pack / paper).parent.is_dir()
    run = next(link for link in links if link.startswith("#/run/"))
    assert "SJ-1" in go(browser, run.removeprefix("#/"))


def test_changes_are_searched_printed_and_named_by_any_letters(browser: Browser) -> None:
    go(browser, "changes")
    assert browser.evaluate("document.querySelectorAll('main tbody tr').length") == 2
    address = browser.evaluate(
        "[...document.querySelectorAll('main tbody a')].map((one) => one.hash).find((hash) => hash.includes('SJ-2'))"
    )
    page = go(browser, address.removeprefix("#/"))
    for wanted in ("SJ-2/甲 #?%", "已实施但状态不明 app2", "未完成或状态不明 1 台"):
        assert wanted in page
    assert browser.evaluate("document.getElementById('menu-changes').getAttribute('aria-current')") == "page"
    go(browser, "change/none")
    assert browser.evaluate("document.querySelector('h1').innerText") == "审计包中没有这一页"
