"""The fields of a purchaser's own form of the compliance report: those promised, and in the guide."""

from __future__ import annotations

import re
from pathlib import Path

from reports.documents.compliance_form import COMPLIANCE, compliance_fields
from reports.documents.form_fields import COMMON, example, names_of
from tests.unit.reports.compliance_sample import contract, record, words_of

GUIDE = Path(__file__).parents[3] / "docs" / "compliance.md"


def test_the_mapping_holds_exactly_the_fields_that_it_promises() -> None:
    fields = compliance_fields(record(), "compliance-report", words_of("zh"))
    promised = example(COMMON, COMPLIANCE)
    fields["records"] = promised["records"]  # a report has none of its own
    assert names_of(fields) == names_of(promised)
    assert {name: type(value) for name, value in fields["counts"].items()} == dict.fromkeys(fields["counts"], int)
    assert all(isinstance(value, str) for row in fields["rows"] for value in row.values())


def test_the_guide_lists_every_field_and_no_other() -> None:
    part = GUIDE.read_text(encoding="utf-8").partition("\n## The purchaser's own form\n")[2]
    listed = re.findall(r"^\| `([\w.\[\]]+)` \|", part, re.MULTILINE)
    assert sorted(listed) == sorted(names_of(example(COMPLIANCE)))


def test_what_needs_attention_comes_worst_first() -> None:
    fields = compliance_fields(record(), "compliance-report", words_of("zh"))
    assert [(row["obligation"], row["state"]) for row in fields["attention"]] == [
        ("A15", "违约"),
        ("B08", "违约"),
        ("A01", "逾期"),
        ("A02", "逾期"),
        ("A01", "迟延履约"),
        ("A02", "迟延履约"),
    ]
    assert (fields["title"], fields["prepared_by"], fields["approved_by"]) == ("履约情况报告", "李敏", "王建国")
    assert fields["conclusion"].startswith("截至 2026-06-30 24:00")


def test_a_contract_without_obligations_has_fields_too() -> None:
    empty = contract().model_copy(update={"obligations": ()})
    fields = compliance_fields(record(of=empty, entries=()), "compliance-report", words_of("en"))
    assert (fields["rows"], fields["attention"], fields["counts"]["breached"]) == ([], [], 0)
    assert fields["conclusion"]
