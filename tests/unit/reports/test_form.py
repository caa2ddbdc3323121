"""The purchaser's own Word form: fields go in, mistakes are named, and nothing of the program is reached."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import pytest

from reports.documents.form_fields import COMMON, FormContext, common_fields, example, names_of
from reports.documents.inspection_document import inspection_document
from reports.documents.inspection_form import INSPECTION, inspection_fields
from reports.documents.inspection_record import Issue
from reports.render.form import render_form
from runner.contract.facts import EntryLine, facts
from runner.contract.model import Contract, Party
from runner.contract.obligations import Obligation
from runner.errors import BadInput
from runner.yaml_source import leaves

if TYPE_CHECKING:
    from reports.documents.inspection_record import InspectionRecord
    from reports.wording import Wording

PROJECT = Path(__file__).parents[3]
MOMENT = datetime(2026, 3, 4, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "number": "A & <B>",
    "draft": True,
    "counts": {"critical": 2},
    "hosts": [{"name": "his-1", "ok": 3}, {"name": "his-2", "ok": 0}],
    "nothing": [],
}
CONTRACT = Contract(
    schema_version=1,
    number="HT-1",
    title="维保合同",
    system="手术示教系统",
    provider=Party(name="某某科技", hotline="000"),
    purchaser=Party(name="某某医院"),
    obligations=(Obligation(id="A01", kind="procedure", procedure="inspect", cadence="monthly", clause="巡检"),),
)
TABLE = (("主机",), ("{%tr for host in hosts %}",), ("{{ host.name }}",), ("{%tr endfor %}",))


@pytest.fixture
def form(tmp_path: Path) -> Path:
    return tmp_path / "inspection-record.docx"


def write(form: Path, *paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> None:
    file = docx.Document()
    for text in paragraphs:
        file.add_paragraph(text)
    if table:
        cells = file.add_table(len(table), len(table[0]))
        for place, row in enumerate(table):
            for column, text in enumerate(row):
                cells.cell(place, column).text = text
    file.save(str(form))


def filled(form: Path, fields: dict[str, Any] | None = None) -> Any:
    return docx.Document(io.BytesIO(render_form(form, fields or FIELDS, MOMENT)))


def wrong(form: Path) -> str:
    with pytest.raises(BadInput) as error:
        render_form(form, FIELDS, MOMENT)
    said = str(error.value)
    assert said.startswith(f"{form}: ")
    assert "\n" not in said
    return said.removeprefix(f"{form}: ")


# -- what a form can do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ number }}", "A & <B>"),
        ("{{ counts.critical }}", "2"),
        ("{% if draft and counts.critical > 1 %}草稿{% endif %}", "草稿"),
        ('{{ hosts|map(attribute="name")|join("、") }}，{{ hosts|length }}', "his-1、his-2，2"),
        ('{% for host in hosts|selectattr("ok") %}{{ loop.index }} {{ host.name }}{% endfor %}', "1 his-1"),
        ("{{ hosts[1].name }}{% if nothing %}x{% endif %}", "his-2"),
    ],
)
def test_fields_conditions_and_repetitions(form: Path, template: str, expected: str) -> None:
    write(form, template)
    assert filled(form).paragraphs[0].text == expected


def test_rows_of_tables_repeat(form: Path) -> None:
    write(form, table=TABLE)
    (table,) = filled(form).tables
    assert [row.cells[0].text for row in table.rows] == ["主机", "his-1", "his-2"]


def test_headers_and_footers_have_fields_too(form: Path) -> None:
    file = docx.Document()
    file.sections[0].footer.paragraphs[0].text = "台账 {{ number }}"
    file.save(str(form))
    assert filled(form).sections[0].footer.paragraphs[0].text == "台账 A & <B>"


def test_what_hosts_say_is_text_and_never_markup_nor_template(form: Path) -> None:
    write(form, "{{ number }}")
    hostile = "</w:t><w:br/>{{ counts }}{% for %}\x00\x1b\u202e"
    text = filled(form, {"number": hostile}).paragraphs[0].text
    assert text == "</w:t><w:br/>{{ counts }}{% for %}<U+0000><U+001B><U+202E>"


def test_the_same_fields_give_the_same_bytes(form: Path) -> None:
    write(form, "{{ number }}", table=TABLE)
    assert render_form(form, FIELDS, MOMENT) == render_form(form, FIELDS, MOMENT)


# -- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ numbr }}", "there is no field numbr"),
        ("{{ numbr.of.it }}", "there is no field numbr"),
        ("{% if numbr %}x{% endif %}", "there is no field numbr"),
        ("{% for one in host %}x{% endfor %}", "there is no field host"),
        ("{{ counts.crit }}", "there is no field counts.crit"),
        ("{% for host in hosts %}{{ host.nmae }}{% endfor %}", "there is no field hosts[].nmae"),
        ("{{ hosts[7].name }}", "there is no field hosts.7"),
        ("{{ counts }}", "counts is a group of fields, such as counts.critical"),
        ("{{ hosts }}", "hosts is a list; repeat a row for each of it"),
        ("{{ number|shout }}", "No filter named 'shout'., near “{{ number|shout }}”"),
        ("{% for host in hosts %}x", "Unexpected end of template"),
        ("{{ number", "near “{{ number”"),
        ("{{ counts.critical / 0 }}", "cannot be filled in as a Word form: ZeroDivisionError"),
        ("{% include 'x' %}", "cannot be filled in as a Word form: TypeError: no loader"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_field(form: Path, template: str, problem: str) -> None:
    write(form, template)
    assert problem in wrong(form)


@pytest.mark.parametrize(
    "template",
    [
        "{{ number.__class__.__mro__ }}",
        "{{ counts._fields }}",
        "{{ counts.__init__.__globals__ }}",
        "{{ hosts.__class__ }}",
        "{{ number.format.__globals__ }}",
        '{{ "{0.__class__}".format(counts) }}',
        "{{ cycler.__init__.__globals__.os }}",
        "{{ number|safe }}",
        '{{ hosts|map(attribute="__class__")|join }}',
        "{{ range(10 ** 9)|list }}",
        '{{ "x" * 1000000000 }}',
        '{{ "%1000000000d" % 1 }}',
    ],
)
def test_nothing_but_fields_is_reached(form: Path, template: str) -> None:
    write(form, template)
    wrong(form)


def test_what_is_no_word_file_is_one_error(form: Path, tmp_path: Path) -> None:
    assert "No such file" in wrong(form)
    form.write_bytes(b"plain text")
    assert "cannot be filled in as a Word form: BadZipFile" in wrong(form)
    with zipfile.ZipFile(form, "w") as file:
        file.writestr("a.txt", "x")
    assert "cannot be filled in as a Word form" in wrong(form)
    with zipfile.ZipFile(form, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", b"\0" * (65 << 20))
    assert wrong(form) == "unpacks to more than 64 MiB"


# -- the fields -------------------------------------------------------------------------------------------


@pytest.fixture
def fields(hospital: InspectionRecord, zh: Wording) -> dict[str, Any]:
    """The fields of a record in which there is something of everything."""
    body = {"obligations": ["A01"], "at": "2026-03-02T10:00:00+08:00", "text": "机房温度正常", "who": ["张三"]}
    context = FormContext(
        document="inspection-record",
        issue=Issue("N-1", 2, draft=False),
        moment=MOMENT,
        contract=CONTRACT,
        obligations=CONTRACT.obligations,
        facts=facts([EntryLine(1, "record", "2026-03-02T10:00:00Z", body)], MOMENT),
        prepared_by="张三",
    )
    return common_fields(context, zh) | inspection_fields(hospital, inspection_document(hospital, zh), zh)


def test_the_mapping_holds_exactly_the_fields_that_it_promises(fields: dict[str, Any]) -> None:
    assert names_of(fields) == names_of(example(COMMON, INSPECTION))


def test_the_guide_lists_every_field_and_no_other() -> None:
    listed = re.findall(
        r"^\| `([\w.\[\]]+)` \|", (PROJECT / "docs" / "forms.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(names_of(example(COMMON, INSPECTION)))


def test_no_field_has_a_name_that_jinja_takes_for_itself() -> None:
    names = {part for name in names_of(example(COMMON, INSPECTION)) for part in re.split(r"[.\[\]]+", name) if part}
    taken = {"loop", "self", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "true", "false", "none", "not"}
    assert names & taken == set()
    assert all(name.isidentifier() and not name.startswith("_") for name in names)


def test_fields_are_text_figures_or_flags(fields: dict[str, Any]) -> None:
    promised = dict(leaves(example(COMMON, INSPECTION)))
    for key, value in leaves(fields):
        name = tuple(0 if isinstance(part, int) else part for part in key)
        assert type(value) is type(promised[name]), key
        assert value != "None", key


def test_values_are_those_of_the_record(fields: dict[str, Any], hospital: InspectionRecord) -> None:
    assert (fields["number"], fields["status"], fields["draft"]) == ("N-1", "v2", False)
    assert (
        fields["counts"]["critical"] == hospital.counts["critical"] == sum(one["critical"] for one in fields["hosts"])
    )
    assert len(fields["exceptions"]) == len(hospital.bad)
    assert fields["records"][0]["time"] == "2026-03-02 10:00"
    assert fields["records"][0]["who"] == "张三"


def test_the_shipped_form_takes_the_fields(fields: dict[str, Any]) -> None:
    shipped = PROJECT / "inventories" / "hospital-a" / "forms" / "inspection-record.docx"
    file = docx.Document(io.BytesIO(render_form(shipped, fields, MOMENT)))
    text = "\n".join(
        [*(one.text for one in file.paragraphs), *(c.text for t in file.tables for r in t.rows for c in r.cells)]
    )
    assert fields["conclusion"] in text
    for one in (*fields["exceptions"], *fields["not_measured"], *fields["missed"], *fields["not_covered"]):
        assert (one.get("host") or one["name"]) in text
    assert "{" not in text
    assert shipped.stat().st_size < 20_000
