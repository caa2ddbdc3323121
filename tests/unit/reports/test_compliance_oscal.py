"""The OSCAL export holds to the JSON schema that NIST published, and says no more than the record does."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft7Validator, validators

from reports.catalogue import LANGUAGES
from reports.documents.compliance_oscal import VERSION, as_oscal
from reports.documents.compliance_record import IDLE, ComplianceRecord, standing
from tests.unit.reports.compliance_sample import at, contract, record, words_of

SCHEMA = Path(__file__).parents[2] / "fixtures" / "oscal" / "oscal_assessment-results_schema.json"
#: What the schema's regular expressions call letters and digits, for Python's own engine.
CLASSES = {r"\p{L}": r"[^\W\d_]", r"\p{N}": r"\d"}


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Any:
    for unicode_class, ours in CLASSES.items():
        pattern = pattern.replace(unicode_class, ours)
    if isinstance(instance, str) and not re.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


@cache
def validator() -> Any:
    extended = validators.extend(Draft7Validator, {"pattern": _pattern})
    return extended(json.loads(SCHEMA.read_bytes()))


def problems(content: Any) -> list[str]:
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator().iter_errors(content)]


def exported(found: ComplianceRecord | None = None, language: str = "zh") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(as_oscal(found or record(), words_of(language)))
    return content


def result(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["assessment-results"]["results"][0]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_export_validates_against_the_published_schema(language: str) -> None:
    assert problems(exported(language=language)) == []


def test_the_schema_is_of_the_version_that_the_export_claims() -> None:
    assert f"/oscal/{VERSION}/" in json.loads(SCHEMA.read_bytes())["$id"]
    assert exported()["assessment-results"]["metadata"]["oscal-version"] == VERSION


def test_the_schema_refuses_what_is_wrong() -> None:
    content = exported()
    result(content)["findings"][0]["target"]["target-id"] = "1 A"
    del content["assessment-results"]["import-ap"]
    assert len(problems(content)) == 2


def test_a_contract_of_which_nothing_was_owed_validates() -> None:
    kept = contract({"id": "1A", "kind": "record", "cadence": "on event", "opened_by": ["asked"], "title": " x\ny "})
    content = exported(record(of=kept, entries=()))
    assert problems(content) == []
    assert "findings" not in result(content)
    assert result(content)["reviewed-controls"]["control-selections"] == [{"include-controls": [{"control-id": "_1A"}]}]


def test_what_could_not_be_assessed_is_never_satisfied() -> None:
    status = {finding["target"]["target-id"]: finding["target"]["status"] for finding in result(exported())["findings"]}
    found = {name: (one["state"], one["reason"]) for name, one in status.items()}
    assert found == {
        "A01": ("not-satisfied", "fail"),
        "A02": ("not-satisfied", "fail"),
        "A05": ("satisfied", "pass"),
        "A11": ("not-satisfied", "other"),
        "A15": ("not-satisfied", "fail"),
        "B08": ("not-satisfied", "fail"),
    }


def test_each_row_that_was_owed_is_an_observation_with_its_evidence() -> None:
    observations = result(exported())["observations"]
    assert len(observations) == sum(standing(row) != IDLE for row in record().rows)
    ids = [one["uuid"] for one in observations]
    assert len(set(ids)) == len(ids)
    linked = {
        one["observation-uuid"] for finding in result(exported())["findings"] for one in finding["related-observations"]
    }
    assert linked <= set(ids)
    restore = next(one for one in observations if {"subject": "restore"}.items() <= _properties(one).items())
    assert [one["href"] for one in restore["relevant-evidence"]] == [
        "ledger/000/000007-record.json",
        "ledger/000/000009-record.json",
    ]
    assert _properties(restore)["due"] == "2026-05-10T03:00:00Z"
    assert _properties(restore)["responsible"] == "provider"


def _properties(observation: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in observation["props"]}


def test_the_same_record_gives_the_same_bytes() -> None:
    assert as_oscal(record(), words_of("zh")) == as_oscal(record(), words_of("zh"))
    other = record(moment=at("2026-06-30"))
    assert exported(other)["assessment-results"]["uuid"] != exported()["assessment-results"]["uuid"]
