from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from runner.commands.session import Session
from runner.commands.site import site as command
from runner.contract.descriptions import DESCRIPTIONS
from runner.errors import BadInput, WeibaoError
from runner.operations.check_site import check_site
from runner.operations.site_schema import FILES, schema_of
from runner.site import PROJECT, Site, find_site

SHIPPED = ("hospital-a", "platform-b", "lab", "local")


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


def call(*arguments: str, site: str, home: Path, language: str = "zh", as_json: bool = False) -> Result:
    return CliRunner().invoke(command, list(arguments), obj=Session(site, home, language, as_json))


def error(result: Result) -> str:
    assert isinstance(result.exception, WeibaoError), result.output
    return str(result.exception)


# -- schema ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_committed_schema_is_what_the_program_prints(name: str, site: Site) -> None:
    printed = call("schema", name, site=site.name, home=site.state.parent).output
    assert (PROJECT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8") == printed
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


def test_every_key_is_described_and_nothing_else() -> None:
    schemas = [schema_of(name) for name in FILES]
    parts = [part for schema in schemas for part in (schema, *schema.get("$defs", {}).values())]
    found = {part["title"]: set(part["properties"]) for part in parts}
    assert {model: set(keys) for model, keys in DESCRIPTIONS.items()} == found


def instance(text: str) -> Any:
    """A file as an editor's checker sees it: dates are text there."""
    return json.loads(json.dumps(_keys(yaml.safe_load(text)), default=str))


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _keys(one) for key, one in value.items()}
    return [_keys(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_sites_are_valid_by_their_schemas(name: str) -> None:
    folder = PROJECT / "inventories" / name
    for file in ("contract", "people"):
        jsonschema.validate(instance((folder / f"{file}.yml").read_text()), schema_of(file))


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("contract", "service_hours: {from: 8, to: '17:30'}", "service_hours/from"),
        ("contract", "service_hours: {from: '08:00', to: '24:30'}", "service_hours/to"),
        ("contract", "obligations: [{id: A, kind: sometimes, clause: c}]", "obligations/0/kind"),
        ("contract", "obligations: [{id: A, kind: record, clause: c, cadense: monthly}]", "obligations/0"),
        ("contract", "grace: {days: 1, hours: 2}", "grace"),
        ("people", "people: [{name: x, duty: king, organisation: provider}]", "people/0/duty"),
        ("calendar", "days: {2026-10-08: {working: no}}", "days/2026-10-08"),
        ("notify", "channels: [{name: x, events: [rain]}]", "channels/0/events/0"),
    ],
)
def test_an_editor_finds_what_is_wrong_while_it_is_written(file: str, text: str, place: str) -> None:
    problems = jsonschema.Draft202012Validator(schema_of(file)).iter_errors(instance(text))
    assert place in {"/".join(map(str, one.absolute_path)) for one in problems}


def test_one_word_or_several_are_both_valid_in_an_editor(site: Site) -> None:
    text = "{id: A, kind: record, clause: c, cadence: on event, opened_by: [x], case: y, when: {a: b, c: [d, e]}}"
    schema = schema_of("contract")
    jsonschema.validate(instance(text), {"$ref": "#/$defs/Obligation", "$defs": schema["$defs"]})


def test_the_json_object_holds_the_schema(site: Site) -> None:
    printed = json.loads(call("schema", "people", site=site.name, home=site.state.parent, as_json=True).output)
    assert (printed["schema_version"], printed["file"]) == (1, "people")
    assert printed["schema"] == schema_of("people")


# -- show --------------------------------------------------------------------------------------------------


def test_a_site_is_told_in_a_few_lines(tmp_path: Path) -> None:
    lines = call("show", site="platform-b", home=tmp_path / "home").output.splitlines()
    text = "\n".join(lines)
    for expected in (
        "合同      EXAMPLE-B-2026-001  城乡一体化大健康管理远程服务平台运维服务合同（示例）",
        "系统      城乡一体化大健康管理远程服务平台（20 个模块）",
        "服务期    2026-01-01 至 2026-12-31",
        "示例项目经理（项目经理）",
        "前置条件  2  B18、B32.termination",
        "另有 4 项资产不在自动巡检范围",
    ):
        assert expected in text
    assert "platform-b" in lines[0]


def test_what_a_site_is_can_be_read_by_programs(tmp_path: Path) -> None:
    printed = json.loads(call("show", site="hospital-a", home=tmp_path / "home", as_json=True).output)
    contract = check_site(find_site("hospital-a", tmp_path)).contract
    assert printed["schema_version"] == 1
    assert printed["obligations"]["count"] == len(contract.obligations) == sum(printed["obligations"]["kinds"].values())
    assert printed["contract"]["term"] == {"from": "2026-01-01", "to": "2028-12-31"}
    assert printed["hosts"]["not_covered"] == 4
    undertaking = {"obligation": "A39.undertaking", "name": "签署个人保密承诺书", "before": "on duty", "by": "provider"}
    assert undertaking in printed["gates"]
    assert all(one["day"] >= date.today().isoformat() for one in printed["next_due"])  # noqa: DTZ011 - the machine's


def test_next_due_is_what_is_open_and_comes_first(tmp_path: Path) -> None:
    made(tmp_path, "--from", "2041-03-01")
    home = tmp_path / "home"
    printed = json.loads(call("show", site="clinic", home=home, as_json=True).output)
    assert (printed["next_due"], printed["open_before"]) == ([], 0)
    assert "尚未开始" in call("show", site="clinic", home=home).output
    today = date.today()  # noqa: DTZ011 - the machine's day, as the program sees it
    contract = tmp_path / "sites" / "clinic" / "contract.yml"
    term = f"{{from: {today.replace(day=1)}, to: {today.year + 2}-12-31}}"
    contract.write_text(contract.read_text().replace("{from: 2041-03-01, to: 2042-02-28}", term))
    printed = json.loads(call("show", site="clinic", home=home, as_json=True).output)
    assert [one["obligation"] for one in printed["next_due"]][:2] == ["1", "1.record"]
    assert printed["next_due"][1]["estimated"]
    assert len(printed["next_due"]) == 5


def test_a_site_without_a_contract_has_no_due_dates(tmp_path: Path) -> None:
    assert "未约定，没有到期日" in call("show", site="local", home=tmp_path / "home").output
    assert "nothing is ever due" in call("show", site="local", home=tmp_path / "home", language="en").output


# -- init --------------------------------------------------------------------------------------------------

ANSWERS = ("--system", "影像系统", "--provider", "某某科技", "--purchaser", "某某医院", "--from", "2026-03-01")


def made(tmp_path: Path, *more: str, name: str = "clinic") -> Result:
    arguments = ["init", name, "--folder", str(tmp_path / "sites"), *ANSWERS, *more]
    return call(*arguments, site="local", home=tmp_path / "home")


def test_a_new_site_passes_the_check_at_once(tmp_path: Path) -> None:
    result = made(
        tmp_path, "--engineer", "张三", "--manager", '李"四', "--approver", "王五", "--signed", "2026-02-12",
        "--title", "a: {b",
        "--host", "his-app-1=192.0.2.11", "--host", "his-db-1", "--user", "inspector",
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    folder = tmp_path / "sites" / "clinic"
    assert result.output.splitlines()[0] == str(folder)
    checked = check_site(Site("clinic", folder, tmp_path / "home" / "clinic"))
    contract = checked.contract
    assert (contract.title, contract.number, contract.system) == ("a: {b", "clinic", "影像系统")
    assert contract.term
    assert (contract.signed, contract.term.end) == (date(2026, 2, 12), date(2027, 2, 28))
    assert [(one.name, one.duty, bool(one.login)) for one in checked.people.people] == [
        ("张三", "engineer", True), ('李"四', "project manager", False), ("王五", "purchaser approver", False),
    ]  # fmt: skip
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())["all"]
    assert hosts["hosts"] == {"his-app-1": {"ansible_host": "192.0.2.11"}, "his-db-1": None}
    assert hosts["vars"] == {"ansible_user": "inspector", "ansible_become": True}
    assert [path.name for path in folder.parent.glob(".*")] == []


def test_a_new_site_is_found_and_shown(tmp_path: Path) -> None:
    result = made(tmp_path)
    assert "export" not in result.output
    assert call("show", site="clinic", home=tmp_path / "home").exit_code == 0
    elsewhere = call(
        "init", "other", "--folder", str(tmp_path / "elsewhere"), *ANSWERS, site="local", home=tmp_path / "home"
    )
    assert f"export WEIBAO_SITES={tmp_path / 'elsewhere'}" in elsewhere.output


def test_without_a_folder_it_is_written_where_sites_are_found(tmp_path: Path, site: Site) -> None:
    call("init", "clinic", *ANSWERS, site="local", home=tmp_path / "home")
    assert (site.folder.parent / "clinic" / "contract.yml").exists()


def test_what_is_commented_out_in_the_new_contract_is_valid_too(tmp_path: Path) -> None:
    made(tmp_path)
    path = tmp_path / "sites" / "clinic" / "contract.yml"
    lines = path.read_text().splitlines()
    examples = [line.replace("# ", "", 1) if line.startswith(("  # - ", "  #   ")) else line for line in lines]
    examples = [line.replace("# grace", "grace").replace("# signed", "signed") for line in examples]
    path.write_text("\n".join(examples) + "\n")
    found = check_site(Site("clinic", path.parent, tmp_path)).contract
    assert [one.kind for one in found.obligations] == ["procedure", "document", "record", "sla", "quota"]
    assert found.grace
    assert found.signed


def test_an_existing_folder_is_left_as_it_is(tmp_path: Path) -> None:
    made(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "sites" / "clinic").rglob("*") if path.is_file()}
    assert "is already there; nothing was changed" in error(made(tmp_path, "--title", "other"))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--to", "2026-02-01"], "--to 2026-02-01: is before --from 2026-03-01"),
        (["--signed", "2027-03-01"], "--signed 2027-03-01: is after the term's end, 2027-02-28"),
        (["--user", "inspector"], "--user: is the login on hosts, so --host names them"),
        (["--host", "a b"], "--host a b: write NAME or NAME=ADDRESS"),
        (["--host", "a=1.2.3.4", "--host", "a"], "--host a: is given twice"),
        (["--title", "a\udcffb"], "--title: is no text: it has control characters, or is not UTF-8"),
        (["--number", "a\x7fb"], "--number: is no text"),
        (["--engineer", " "], "--engineer: is empty"),
        (["--from", "9999-03-01"], "--from 9999-03-01: is not a day from 1970-01-01 to 2199-12-31"),
        (["--from", "2199-03-01"], "term.to: 2200-02-28 is not a day from 1970-01-01 to 2199-12-31"),
        (["--timezone", "Mars/Base"], "contract.yml:9: timezone: 'Mars/Base' is no time zone"),
        (["--to", "2090-01-01"], "term: the term is longer than twenty years"),
    ],
)
def test_answers_that_cannot_be_meant_are_named_and_leave_nothing(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    message = error(made(tmp_path, *arguments))
    assert expected in message
    assert str(tmp_path) not in message
    assert [path.name for path in (tmp_path / "sites").iterdir()] == ["own"]


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "-x", "a b", "本院"])
def test_a_name_that_is_no_name_of_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    result = call("init", "--folder", str(tmp_path), *ANSWERS, "--", name, site="local", home=tmp_path / "home")
    assert f"NAME {name}: write letters" in error(result)


def test_a_name_that_another_site_has_is_refused(tmp_path: Path) -> None:
    assert "which would share its state" in error(made(tmp_path, name="hospital-a"))


def test_without_a_terminal_every_missing_answer_is_named(tmp_path: Path) -> None:
    result = call("init", "clinic", "--system", "影像系统", site="local", home=tmp_path / "home")
    assert error(result).startswith("--provider, --purchaser, --from: missing")
    assert isinstance(result.exception, BadInput)


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path]), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "runner.cli", "--home", str(tmp_path / "home"), "site", "init", "clinic"]
    asked = subprocess.Popen(
        [*command, "--folder", str(tmp_path / "sites"), "--system", "影像系统"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=PROJECT, text=True,
    )  # fmt: skip
    os.close(theirs)
    time.sleep(0.1)
    os.write(ours, "某某科技\n某某医院\nsoon\n2026-03-01\n张三\n\n\na=192.0.2.1 b\n".encode())
    output, _ = asked.communicate(timeout=120)
    os.close(ours)
    assert asked.returncode == 0, output
    found = check_site(Site("clinic", tmp_path / "sites" / "clinic", tmp_path))
    assert (found.contract.provider.name, found.contract.purchaser.name) == ("某某科技", "某某医院")
    assert [one.name for one in found.people.people] == ["张三"]
    assert "192.0.2.1" in (tmp_path / "sites" / "clinic" / "hosts.yml").read_text()
