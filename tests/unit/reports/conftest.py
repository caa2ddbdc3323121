"""A sample inspection: two hosts of a radiology system with exceptions, a third that could not be reached."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from reports.catalogue import load_catalogue
from reports.document import Chart, Facts, Figures, LedgerHead, Paragraph, Table
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_record import inspection_record
from reports.wording import Wording
from runner.contract.model import Contract, Party
from runner.contract.obligations import Obligation
from runner.contract.people import Person
from tests.unit.reports import planted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.document import Document, Section
    from reports.documents.inspection_record import InspectionRecord

SAMPLE = Path(__file__).parents[2] / "fixtures" / "reports"

CONTRACT = Contract(
    schema_version=1,
    number="RIS-2026-018",
    title="放射信息系统维护服务合同",
    system="放射信息系统（RIS/PACS）",
    timezone="Asia/Shanghai",
    provider=Party(name="华东医信软件有限公司"),
    purchaser=Party(name="滨江市第一人民医院"),
    obligations=(
        Obligation(
            id="A01", kind="procedure", procedure="inspect", cadence="monthly", clause="每月至少进行一次远程巡检"
        ),
    ),
)
PEOPLE = (
    Person(name="张伟", duty="engineer", organisation="provider", login="zhangwei"),
    Person(name="李敏", duty="project manager", organisation="provider"),
    Person(name="王建国", duty="purchaser approver", organisation="purchaser"),
)
LEDGER = LedgerHead("hospital-a", 123, "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d" * 2)


@dataclasses.dataclass
class Sample:
    """A sealed run that tests may bend before it becomes a record."""

    manifest: dict[str, Any]
    rows: list[dict[str, Any]]

    def observations(self) -> Any:
        yield from self.rows

    def row(self, **wanted: Any) -> dict[str, Any]:
        """Return the first row with these values."""
        return next(row for row in self.rows if all(row[key] == value for key, value in wanted.items()))

    def record(self, **changes: Any) -> InspectionRecord:
        given: dict[str, Any] = {"contract": CONTRACT, "people": PEOPLE, "ledger": LEDGER} | changes
        return inspection_record(self.manifest, self.observations, **given)

    def document(self, language: str = "zh", **changes: Any) -> Document:
        return inspection_document(self.record(**changes), words_of(language))

    @staticmethod
    def said(part: Document | Section) -> str:
        """Return every text of a document or section."""
        return "\n".join(_texts(part))


def words_of(language: str) -> Wording:
    return Wording(load_catalogue(language), ZoneInfo("Asia/Shanghai"))


def _texts(part: Document | Section) -> Iterator[str]:
    yield part.title
    for block in getattr(part, "blocks", ()):
        match block:
            case Paragraph():
                yield block.text
            case Table():
                yield from (column.title for column in block.columns)
                yield from (cell.lines for row in block.rows for cell in row.cells)
                yield block.title
            case Facts():
                yield "\n".join(f"{name} {value}" for name, value in block.pairs)
            case Figures():
                yield from (f"{one.label} {one.value}" for one in block.figures)
            case Chart():
                yield from (f"{block.title} {bar.label} {bar.text}" for bar in block.bars)
    for section in part.sections:
        yield from _texts(section)


@pytest.fixture(scope="session")
def _sealed() -> Sample:
    rows = [json.loads(line) for line in (SAMPLE / "observations.jsonl").read_text().splitlines()]
    return Sample(json.loads((SAMPLE / "manifest.json").read_text()), rows)


@pytest.fixture
def sample(_sealed: Sample) -> Sample:
    return copy.deepcopy(_sealed)


@pytest.fixture
def complete(sample: Sample) -> Sample:
    """The sample without the host that could not be reached."""
    del sample.manifest["hosts"]["ris-web-1"]
    sample.manifest["verdict"] = {"state": "complete", "reasons": [], "missed": []}
    return sample


@pytest.fixture
def hospital() -> InspectionRecord:
    """Seven hosts with every kind of failure, compared with the last inspection."""
    manifest, rows, comparison = planted.hospital()
    given: dict[str, Any] = {"contract": CONTRACT, "people": PEOPLE, "ledger": LEDGER}
    return inspection_record(manifest, lambda: iter(rows), comparison=comparison, **given)


@pytest.fixture
def zh() -> Wording:
    return words_of("zh")


@pytest.fixture
def en() -> Wording:
    return words_of("en")
