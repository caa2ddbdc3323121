"""The catalogue words everything that modules and the runner can say, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from module_utils.changing import checks as changing
from module_utils.observations import LEVELS
from reports.catalogue import LANGUAGES, load_catalogue
from runner.change_rules import REASONS
from runner.errors import BadInput
from runner.role_inputs import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3]
TABLES = load_catalogue("zh").tables
SOURCES = [*(thresholds.UNITS for thresholds in THRESHOLDS.values()), changing.UNITS]
UNITS = {check: unit for units in SOURCES for check, unit in units.items()}


def test_catalogue_and_modules_know_the_same_checks_and_units() -> None:
    assert {check: words.get("unit", "") for check, words in TABLES["checks"].items()} == UNITS
    assert len(UNITS) == sum(len(units) for units in SOURCES), "ids are unique"


def test_each_check_has_a_title_an_advice_and_a_known_section() -> None:
    for check, words in TABLES["checks"].items():
        assert words.get("title"), check
        assert words.get("advice"), check
        assert words["section"] in TABLES["sections"], check


def test_flags_have_words_for_both_values() -> None:
    flags = [check for check, unit in UNITS.items() if unit == "flag"]
    assert flags
    for check in flags:
        assert set(TABLES["checks"][check]["values"]) == {0, 1}, check


def test_every_text_exists_in_every_language() -> None:
    assert [path for path, missing in _untranslated(TABLES, "") if missing] == []


def test_levels_and_units_are_worded() -> None:
    assert set(TABLES["levels"]) == set(LEVELS)
    assert set(UNITS.values()) - {"", "count", "flag", "bytes"} <= set(TABLES["units"])


def test_languages_use_the_same_parameters() -> None:
    for table in ("verdicts", "terms"):
        for key, words in TABLES[table].items():
            assert len({frozenset(re.findall(r"\{(\w+)", words[one])) for one in LANGUAGES}) == 1, key


def test_each_reason_that_modules_give_is_worded_with_its_parameters() -> None:
    """Found in the source, in each form in which modules name a code."""
    given = set()
    for path in (PROJECT / "module_utils").rglob("*.py"):
        source = path.read_text()
        given |= set(re.findall(r'Unmeasurable\(\s*"(\w+)"', source))
        given |= set(re.findall(r'code, parameters = "(\w+)"', source))
        given |= set(re.findall(r'unknown\(\s*[\w".]+,\s*"(\w+)"', source))
    assert {"check_crashed", "tool_missing", "needs_history"} <= given
    assert given <= set(TABLES["reasons"])


def test_each_verdict_reason_of_the_runner_is_worded() -> None:
    given = set()
    of_changes = set()
    for path in (PROJECT / "runner").rglob("*.py"):
        source = path.read_text()
        codes = set(re.findall(r'\bReason\(\s*"(\w+)"', source))
        if "import Reason" in source and "runner.change_rules" in source:
            of_changes |= codes
        else:
            given |= codes
    assert "no_hosts" in given
    assert given <= set(TABLES["verdicts"])
    assert {"foreign_key", "blackout"} <= of_changes
    assert of_changes <= set(TABLES["change_reasons"])


def test_the_catalogue_words_what_is_wrong_with_approvals_with_their_parameters() -> None:
    for code, text in REASONS.items():
        words = TABLES["change_reasons"][code]["en"]
        assert set(re.findall(r"\{(\w+)", words)) <= set(re.findall(r"\{(\w+)", text)), code


def test_unknown_keys_are_shown_as_they_are() -> None:
    catalogue = load_catalogue("en")
    assert catalogue.word("checks", "new.check", "title") == "new.check"
    assert catalogue.section_of("new.check") == "other"
    assert catalogue.order_of("new.check") > catalogue.order_of("antivirus.signature_age")


def test_a_site_overlays_single_words(tmp_path: Path) -> None:
    overlay = tmp_path / "catalog.yml"
    overlay.write_text(
        "checks:\n  filesystem.used:\n    advice: {zh: 联系信息科存储组}\n  site.own:\n    title: 自有检查\n"
    )
    catalogue = load_catalogue("zh", overlay)
    assert catalogue.word("checks", "filesystem.used", "advice") == "联系信息科存储组"
    assert catalogue.word("checks", "filesystem.used", "title") == "文件系统使用率"
    assert catalogue.word("checks", "site.own", "title") == "自有检查"
    assert load_catalogue("zh").word("checks", "filesystem.used", "advice") != "联系信息科存储组"


def test_a_missing_overlay_changes_nothing(tmp_path: Path) -> None:
    assert load_catalogue("zh", tmp_path / "catalog.yml") == load_catalogue("zh")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a list\n", "must map tables to words"),
        ("chekcs: {}\n", "no such table: chekcs"),
        ("checks: text\n", "checks: must map keys to words"),
        ("checks: {\n", "catalog.yml"),
    ],
)
def test_a_broken_overlay_is_one_clear_error(tmp_path: Path, text: str, problem: str) -> None:
    overlay = tmp_path / "catalog.yml"
    overlay.write_text(text)
    with pytest.raises(BadInput, match=problem):
        load_catalogue("zh", overlay)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(BadInput, match="languages: zh, en"):
        load_catalogue("fr")


def _untranslated(node: Any, path: str) -> Iterator[tuple[str, bool]]:
    """Yield each mapping that has a language among its keys, and whether another is missing."""
    if not isinstance(node, dict):
        return
    if any(language in node for language in LANGUAGES):
        yield path, set(node) != set(LANGUAGES)
        return
    for key, below in node.items():
        yield from _untranslated(below, f"{path}.{key}")
