"""The sample and the catalogue hold to what the modules on the hosts really give."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from module_utils.host import inspection
from module_utils.host.context import Context, Inputs
from module_utils.host.services import LEVELS_OF_STATES
from module_utils.host.thresholds import DEFAULT_THRESHOLDS, UNITS
from module_utils.observations import FIELDS, grade, problems
from reports.catalogue import load_catalogue

if TYPE_CHECKING:
    from conftest import Sample

    from reports.wording import Wording

PROJECT = Path(__file__).parents[3]
MODULES = "".join(path.read_text() for path in sorted((PROJECT / "module_utils").rglob("*.py")))
GROWTH = (PROJECT / "runner" / "operations" / "growth.py").read_text()

#: What a detail has in a container, or where no statistics of the day are kept.
MAY_BE_ABSENT = {"scope", "sample_seconds"}

#: Names that are the same in every language.
PROPER = {"Content-Encoding ", "systemd", "chronyd", "ntpd", "systemd-timesyncd", "needs-restarting"}


def test_the_sample_is_what_the_module_gives(sample: Sample) -> None:
    for row in sample.rows:
        observation = {field: row[field] for field in FIELDS}
        assert problems(observation) == [], row
        assert row["unit"] == UNITS[row["check"]], row
        assert row["limits"] == DEFAULT_THRESHOLDS.get(row["check"], {}), row
        assert set(_keys(row["detail"])) <= _known_keys(), row


def test_the_sample_has_the_details_that_this_machine_gives(sample: Sample) -> None:
    checks = ("host.*", "cpu.*", "memory.*", "filesystem.used", "filesystem.inodes", "process.*", "system.*")
    taken = inspection.inspect(Context(Inputs(DEFAULT_THRESHOLDS, sample_seconds=0.05, checks=checks)))
    real = {one.check: set(one.detail) for one in taken if one.level != "unknown"}
    assert {"host.identity", "cpu.busy", "memory.used", "filesystem.used"} <= set(real)
    for row in sample.rows:
        if row["check"] in real:
            assert set(row["detail"]) <= real[row["check"]] | MAY_BE_ABSENT, row


def test_the_sample_has_every_kind_of_check_that_a_host_always_answers(sample: Sample) -> None:
    for host in ("ris-app-1", "ris-db-1"):
        assert len({row["check"] for row in sample.rows if row["host"] == host}) > 30


def test_levels_of_the_sample_follow_from_its_values(sample: Sample) -> None:
    for row in sample.rows:
        if row["level"] == "unknown":
            assert row["value"] is None
        elif row["check"] == "systemd.state":
            assert row["level"] == LEVELS_OF_STATES[row["value"]]
        else:
            assert row["level"] == (grade(row["value"], row["limits"]) if row["limits"] else "ok"), row


def test_the_evidence_names_figures_that_modules_give() -> None:
    for check, words in load_catalogue("en").tables["checks"].items():
        templates = words.get("evidence") or []
        every = templates if isinstance(templates, list) else [one for parts in templates.values() for one in parts]
        named = {key for template in every for key in re.findall(r"\{(\w+)", template)}
        assert named <= _known_keys(), check


@pytest.mark.parametrize("language", ["zh", "en"])
def test_code_words_of_modules_have_names(language: str, request: pytest.FixtureRequest) -> None:
    wording: Wording = request.getfixturevalue(language)
    calls = re.findall(r'(?:Unmeasurable|unknown)\((?!"unparsable")([^()]*)\)', MODULES)
    literals = [one for call in calls for one in re.findall(r'(?:feature|source|service|what)="([^"]+)"', call)]
    parts = {part for literal in literals for part in re.split(r", |: ", literal.replace("%d", "235")) if part}
    coded = {part for part in parts if not part.startswith("/") and part not in PROPER and "%" not in part}
    assert {"time server", "restart messages of systemd 235"} <= coded
    for part in coded:
        named = wording.name(part)
        assert re.search("[\u4e00-\u9fff]", named) if language == "zh" else named.isascii(), part


@functools.cache
def _known_keys() -> frozenset[str]:
    """Return every word that the modules' source uses as a key, an argument, or a field of a tuple."""
    quoted = re.findall(r'"(\w+)"', MODULES + GROWTH)
    return frozenset(quoted + re.findall(r"\b(\w+)(?:=|: )", MODULES + GROWTH))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield key
            yield from _keys(below)
    elif isinstance(value, list):
        for one in value:
            yield from _keys(one)
