"""The site of the auditor's pack in a real browser, opened from a folder: it works, and nothing leaves the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from runner.operations.check_site import CheckedSite
from runner.operations.export import export
from runner.site import PROJECT, Site
from tests.browser import Browser, needs_browser
from tests.many_runs import VERDICTS, write_runs
from tests.packs import check, fill
from tests.unit.runner.operations.contracted import contracted

pytestmark = needs_browser

PAGES = ("overview", "compliance", "calendar", "runs", "documents", "entries")


def site_in(folder: Path) -> CheckedSite:
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    return contracted(site)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    checked = site_in(folder)
    fill(checked, folder, runs=24)
    export(checked, folder / "pack")
    return folder / "pack"


@pytest.fixture
def browser(pack: Path, tmp_path: Path) -> Iterator[Browser]:
    """A Chinese browser with the site open; at its end nothing may have gone wrong, nor left the page."""
    with Browser(tmp_path / "profile") as found:
        opened(found, pack)
        yield found
        quiet(found, pack)


def opened(browser: Browser, pack: Path) -> None:
    browser.open((pack / "index.html").as_uri())
    browser.wait("document.getElementById('main').dataset.page")


def quiet(browser: Browser, pack: Path) -> None:
    assert browser.evaluate("window.hacked") is None
    assert browser.problems == []
    strange = [one for one in browser.requests if not one.startswith((f"{pack.as_uri()}/", "data:", "about:"))]
    assert strange == []


def rows(browser: Browser) -> int:
    return int(browser.evaluate("document.querySelectorAll('main tbody tr').length"))


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "概览"), ("en-US", "Overview"), ("fr-FR", "概览")])
def test_it_speaks_the_browsers_language_and_another_when_asked(
    pack: Path, tmp_path: Path, language: str, words: str
) -> None:
    with Browser(tmp_path / "profile", language) as browser:
        opened(browser, pack)
        assert browser.evaluate("document.querySelector('h1').innerText") == words
        other = "Overview" if words == "概览" else "概览"
        browser.click("#language")
        browser.wait(f"document.querySelector('h1').innerText === {json.dumps(other)}")
        browser.call("Page.reload")
        browser.wait(f"document.querySelector('h1').innerText === {json.dumps(other)}")
        quiet(browser, pack)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_opens_by_a_click_and_has_no_word_missing(browser: Browser, language: str) -> None:
    if language == "en":
        browser.click("#language")
    for page in PAGES:
        browser.click(f"#menu-{page}")
        browser.wait(f"document.getElementById('main').dataset.page === '#/{page}'")
        browser.wait(f"document.getElementById('main').dataset.language === '{language}'")
        assert browser.evaluate("document.querySelector('h1').innerText.length") > 1
        text = browser.text()
        assert "undefined" not in text
        assert "[object" not in text
        assert "NaN" not in text
    assert browser.evaluate("document.getElementById('menu-changes')") is None


def test_a_run_shows_hosts_by_tasks_differences_and_observations_of_a_hostile_host(browser: Browser) -> None:
    browser.go("#/runs")
    assert rows(browser) == 24
    browser.click("main tbody tr:nth-child(2) a")
    browser.wait("document.querySelectorAll('.mark').length > 5")
    text = browser.text()
    assert "__proto__" in text
    assert "</script><script>window.hacked = 1</script><U+2028><U+202E>" in text
    assert "\u202e" not in text
    marks = "[...document.querySelectorAll('tbody tr:first-child .mark')].map((one) => one.getAttribute('aria-label'))"
    assert browser.evaluate(marks)[:3] == ["正常", "有改动", "失败（已忽略）"]
    assert browser.evaluate("document.querySelectorAll('.diff .removed').length") == 3
    assert browser.evaluate("document.querySelectorAll('script:not([src])').length") == 0


def test_search_filter_and_order(browser: Browser) -> None:
    browser.go("#/runs")
    browser.press("/")
    browser.type("000011")
    browser.wait("document.querySelectorAll('main tbody tr').length === 1")
    browser.go("#/runs/failed")
    failed = sum(VERDICTS[number % len(VERDICTS)] == "failed" for number in range(1, 25))
    browser.wait(f"document.querySelectorAll('main tbody tr').length === {failed}")
    browser.go("#/runs")
    first = "document.querySelector('main tbody tr td').innerText"
    newest = browser.evaluate(first)
    browser.click("th button")
    browser.click("th button")
    assert browser.evaluate(first) < newest
    assert browser.evaluate("document.querySelector('th').getAttribute('aria-sort')") == "ascending"
    browser.press("/")
    browser.type("no such thing")
    browser.wait("document.querySelector('main tbody').innerText.includes('没有内容')")


def test_the_keyboard_is_enough(browser: Browser) -> None:
    browser.press("Tab")
    browser.press("Shift")
    browser.evaluate("document.getElementById('menu-compliance').focus()")
    browser.press("Enter")
    browser.wait("document.querySelector('.heat') !== null")
    browser.evaluate("document.querySelector('.heat a[tabindex=\"0\"]').focus()")
    cell = "document.activeElement.parentElement"
    where = f"[{cell}.cellIndex, {cell}.parentElement.rowIndex]"
    column, row = browser.evaluate(where)
    browser.press("ArrowRight")
    assert browser.evaluate(where) == [column + 1, row]
    browser.press("ArrowDown")
    assert browser.evaluate(where) == [column + 1, row + 1]
    assert browser.evaluate("document.querySelectorAll('.heat td a[tabindex=\"0\"]').length") == 1
    browser.press("Enter")
    browser.wait(
        "location.hash.startsWith('#/obligation/A01') && document.querySelector('h1').innerText.startsWith('A01')"
    )


def test_an_obligation_leads_to_its_evidence_and_that_to_its_files(browser: Browser, pack: Path) -> None:
    browser.go("#/obligation/A48")
    number = browser.evaluate(
        "[...document.querySelectorAll('main a')].filter((one) => one.hash.startsWith('#/entry/')).at(-1).hash"
    )
    browser.go(number)
    links = "[...document.querySelectorAll('main a')].map((one) => one.href).filter((one) => !one.includes('#'))"
    for link in browser.evaluate(links):
        assert Path(link.removeprefix("file://")).is_file(), link
    assert "<U+202E>" in browser.text()
    browser.go("#/documents")
    assert "已提交" in browser.text()
    assert any("/documents/" in link for link in browser.evaluate(links))


def test_an_entry_from_before_there_was_a_key_says_who_vouches_for_it(browser: Browser) -> None:
    browser.go("#/entry/1")
    assert "起担保" in browser.text()
    browser.go("#/entries")
    signers = "[...document.querySelectorAll('main tbody tr td:last-child')].map((one) => one.innerText)"
    found = browser.evaluate(signers)
    assert (found[0], found[-1].endswith("起担保")) == ("站点", True)


def test_the_calendar_has_what_was_due_and_done(browser: Browser) -> None:
    browser.go("#/calendar/2026-06")
    text = browser.text()
    assert "A01" in text
    assert "执行" in text
    browser.evaluate(
        "(() => { const one = document.querySelectorAll('main select')[1]; one.value = '05';"
        " one.dispatchEvent(new Event('change')) })()"
    )
    browser.wait("document.querySelector('h1').innerText.includes('05')")
    browser.go("#/calendar/2026-06-11")
    assert "A48" in browser.text()


@pytest.mark.parametrize(
    "page",
    [
        "#/nowhere",
        "#/run/..%2F..%2Fx",
        "#/entry/999999",
        "#/entry/x",
        "#/obligation/__proto__",
        "#/calendar/x",
        "#/constructor",
        "#/run/%E0",
    ],
)
def test_an_address_that_leads_nowhere_says_so(browser: Browser, page: str) -> None:
    browser.go(page)
    assert "审计包中没有这一页" in browser.text()


def test_a_file_that_is_lost_is_named(pack: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(pack, tmp_path / "pack"))
    (copied / "site" / "data" / "documents.js").unlink()
    (copied / "site" / "data" / "runs-0.js").write_text("")
    with Browser(tmp_path / "profile") as browser:
        opened(browser, copied)
        for page, name in (("documents", "documents"), ("runs", "runs-0")):
            browser.go(f"#/{page}")
            assert f"site/data/{name}.js" in browser.evaluate("document.querySelector('[role=alert]').innerText")


def test_a_page_prints_without_menus(browser: Browser, tmp_path: Path) -> None:
    browser.go("#/compliance")
    (tmp_path / "page.pdf").write_bytes(browser.pdf())
    text = "".join(page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages)
    assert "A48" in text
    assert "打印本页" not in text
    assert "证据台账" not in text
    assert "方向键" not in text


def test_a_long_table_prints_its_head_on_every_sheet_and_no_button(browser: Browser, tmp_path: Path) -> None:
    browser.evaluate("Site.main.attention = Array(80).fill(Site.main.attention[0]); Site.show()")
    browser.wait("document.querySelectorAll('main tbody tr').length === 80")
    (tmp_path / "page.pdf").write_bytes(browser.pdf())
    sheets = [page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages]
    begins = next(place for place, text in enumerate(sheets) if "须关注事项" in text)
    assert len(sheets) > begins + 1
    for text in sheets[begins : begins + 2]:
        assert "应完成" in text
        assert "2026-0" in text
    browser.go("#/runs")
    browser.click("main tbody a")
    browser.wait("document.querySelectorAll('.mark').length > 5")
    browser.evaluate(
        "document.querySelector('main section div').prepend(Site.make('p', {}, Site.make('button', {}, '列出')))"
    )
    (tmp_path / "page.pdf").write_bytes(browser.pdf())
    text = "".join(page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages)
    assert "测得结果" in text
    assert "列出" not in text


@pytest.mark.parametrize("many", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_runs_are_listed_searched_and_opened(many: int, tmp_path: Path) -> None:
    checked = site_in(tmp_path)
    write_runs(checked.site.state, many, datetime(2026, 11, 1, tzinfo=UTC))
    pack = tmp_path / "pack"
    assert export(checked, pack).runs == many
    with Browser(tmp_path / "profile") as browser:
        opened(browser, pack)
        for page in PAGES:
            browser.go(f"#/{page}")
        browser.go("#/runs")
        assert rows(browser) == 200
        assert f"200 / {many}" in browser.text()
        browser.click(".further button")
        browser.wait("document.querySelectorAll('main tbody tr').length === 400")
        browser.press("/")
        browser.type("inspect-000007")
        browser.wait("document.querySelectorAll('main tbody tr').length === 1")
        browser.click("main tbody a")
        browser.wait("document.querySelector('.mark') !== null")
        browser.go(f"#/entry/{many // 2 + 1}")
        assert f"#{many // 2 + 1}" in browser.text()
        quiet(browser, pack)
    code, lines = check(pack)
    assert (code, lines[-1]) == (0, "verified")
