"""Runs the module through Ansible, with a driver that answers as recorded servers did, and with none."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.databases.thresholds import CHECKS, UNITS
from ansible.module_utils.observations import problems

PROJECT = Path(__file__).resolve().parents[3]
MODULE = PROJECT / "library" / "database_inspection.py"
ROLE = PROJECT / "roles" / "database_inspection"
PASSWORD = "very-Secret-9"

#: Stands in for PyMySQL: the account ``weibao`` comes in, others are denied; statements answer from a recording.
DRIVER = f"""
import json, os
from ansible.module_utils.databases import dialect

RECORDED = json.load(open({str(PROJECT / "tests" / "fixtures" / "database" / "mariadb-11.8.json")!r}))
ANSWERS = RECORDED["answers"]
KEYS = {{dialect.GRANTS: "grants", dialect.INCREMENTS: "increments", "SHOW ALL REPLICAS STATUS": "broken"}}


class OperationalError(Exception):
    pass


class Session:
    server_version = RECORDED["version"]

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self, statement):
        if statement.startswith("SHOW GLOBAL "):
            table = ANSWERS[statement.split()[-1].lower()]
            table = dict(table, hostname=os.uname()[1], log_error="/nonexistent/error.log")
            rows = [{{"Variable_name": name, "Value": value}} for name, value in table.items()]
        else:
            rows = ANSWERS.get(KEYS.get(statement), [])
        self.rows = [tuple(row.values()) for row in rows]
        self.description = [(name,) for name in rows[0]] if rows else []

    def fetchall(self):
        return self.rows

    def close(self):
        pass


def connect(**options):
    if options["host"] == "10.0.8.14":
        error = OperationalError(2003, "Can't connect to MySQL server on '10.0.8.14' ([Errno 111] Connection refused)")
        error.original_exception = ConnectionRefusedError(111, "Connection refused")
        raise error
    if options.get("password") != {PASSWORD!r}:
        raise OperationalError(1045, "Access denied for user 'weibao'@'localhost' (using password: YES)")
    return Session()
"""


def load():
    spec = importlib.util.spec_from_file_location("database_inspection", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


database_inspection = load()


def run(tmp_path, driver, *options, **arguments):
    """Run the module as Ansible does; return its result, the process's exit code, and all that it printed."""
    (tmp_path / "pymysql.py").write_text(driver)
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(PROJECT / "library"),
        "ANSIBLE_MODULE_UTILS": str(PROJECT / "module_utils"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "ANSIBLE_REMOTE_TMP": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }
    program = Path(sys.executable).parent / "ansible"
    answer = subprocess.run(
        [program, "localhost", "-m", "database_inspection", "-a", json.dumps(arguments), "-i", "localhost,",
         "-c", "local", "-vvv", *options, "-e", f"ansible_python_interpreter={sys.executable}"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    result = re.search(r"^localhost \| \S+ => (\{.*\})$", answer.stdout, re.MULTILINE | re.DOTALL)
    assert result, answer.stdout + answer.stderr
    return json.loads(result.group(1)), answer.returncode, answer.stdout


HIS = {"name": "his", "engine": "mariadb", "socket": "/run/db.sock", "user": "weibao", "password": PASSWORD}


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    instances = [
        {**HIS, "role": "replica"},
        {**HIS, "name": "lis", "password": "wrong-Secret-8", "role": "primary"},
        {"name": "pacs", "engine": "mysql", "host": "10.0.8.14", "role": "standalone"},
        {"name": "oracle-his", "engine": "oracle"},
    ]
    result, code, printed = run(tmp_path_factory.mktemp("ansible"), DRIVER, instances=instances)
    assert code == 0, result
    return result, printed


@pytest.fixture(scope="module")
def seen(answer):
    return {(one["check"], one["subject"]): one for one in answer[0]["observations"]}


def test_every_observation_holds_the_schema(answer):
    result, _ = answer
    assert result["changed"] is False
    assert {problem for one in result["observations"] for problem in problems(one)} == set()
    assert {(one["check"], one["unit"]) for one in result["observations"]} <= set(UNITS.items())


def test_no_password_is_shown_by_the_module_or_its_invocation(answer):
    result, _ = answer
    assert PASSWORD not in json.dumps(result)
    assert "wrong-Secret-8" not in json.dumps(result)
    shown = result["invocation"]["module_args"]["instances"]
    assert shown[0]["password"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert shown[0]["name"] == "his"


def test_a_server_that_answers_is_measured(seen):
    assert seen["database.reachable", "his"]["level"] == "ok"
    assert seen["database.version", "his"]["value"].startswith("11.8.6-MariaDB")
    assert seen["database.replication", "his"]["level"] == "critical"
    assert seen["database.auto_increment", "his"]["level"] == "warning"
    assert seen["database.error_log", "his"]["reason"]["code"] == "source_missing"


def test_one_that_denies_the_account_is_not_down(seen):
    assert seen["database.reachable", "lis"]["reason"]["code"] == "not_permitted"
    assert ("database.replication", "lis") not in seen


def test_one_that_answers_nobody_is_critical_and_the_rest_unknown(seen):
    down = seen["database.reachable", "pacs"]
    assert (down["level"], down["detail"]["problem"]) == ("critical", "connection refused")
    assert down["detail"]["at"] == "10.0.8.14:3306"
    rest = [one for (check, subject), one in seen.items() if subject == "pacs" and check != "database.reachable"]
    assert {one["reason"]["code"] for one in rest} == {"database_unreachable"}
    assert ("database.datadir", "pacs") not in seen


def test_one_that_is_not_covered_says_so(seen):
    assert [check for check, subject in seen if subject == "oracle-his"] == ["database.reachable"]
    assert seen["database.reachable", "oracle-his"]["reason"]["code"] == "not_covered"


def test_without_the_driver_each_instance_is_unknown_in_check_mode_too(tmp_path):
    broken = "raise ImportError('no such module')\n"
    result, code, _ = run(tmp_path, broken, "--check", instances=[HIS, {**HIS, "name": "lis"}])
    assert (code, result["changed"]) == (0, False)
    reasons = {one["subject"]: one["reason"] for one in result["observations"] if one["check"] == "database.reachable"}
    assert reasons == {key: {"code": "tool_missing", "parameters": {"tool": "PyMySQL"}} for key in ("his", "lis")}
    assert {one["level"] for one in result["observations"]} == {"unknown"}


def test_bad_inputs_are_all_named_at_once(tmp_path):
    result, code, _ = run(
        tmp_path,
        DRIVER,
        instances=[
            {**HIS, "host": "db1", "port": 70000, "ssl_key": "/etc/key.pem"},
            {"name": "his", "engine": "mysql"},
            {"name": " ", "engine": "mysql"},
        ],
        thresholds={"database.lag": {}, "database.version": {}, "database.datadir": {"warning": "high"}},
        timeout=0,
        since="yesterday",
    )
    assert code != 0
    for part in (
        "thresholds.database.lag: no such check",
        "thresholds.database.version: is a word",
        "thresholds.database.datadir.warning: must be a number",
        "timeout: must be",
        "since: 'yesterday'",
        "instances: 'his' is declared twice",
        "instances[0].socket: and host exclude each other",
        "instances[0].port: must be",
        "instances[0].ssl_key: needs ssl_cert",
        "instances[2].name: must not be empty",
    ):
        assert part in result["msg"]


def described(options):
    """Return the specification that a documentation amounts to."""
    return {
        name: {
            **{key: option[key] for key in ("type", "elements", "default", "required", "choices") if key in option},
            **({"options": described(option["suboptions"])} if "suboptions" in option else {}),
        }
        for name, option in options.items()
    }


def without_no_log(arguments):
    return {
        name: {
            key: without_no_log(value) if key == "options" else value
            for key, value in option.items()
            if key != "no_log"
        }
        for name, option in arguments.items()
    }


def test_the_documentation_is_what_the_module_takes():
    documented = yaml.safe_load(database_inspection.DOCUMENTATION)["options"]
    assert described(documented) == without_no_log(database_inspection.ARGUMENTS)
    assert database_inspection.INSTANCE["password"]["no_log"] is True


def test_the_role_takes_and_passes_every_option():
    install, inspect = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    assert install["when"] == "database_inspection_install_pymysql"
    assert inspect["database_inspection"] == {
        option: f"{{{{ database_inspection_{option} }}}}" for option in database_inspection.ARGUMENTS
    }
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    instances = specification["argument_specs"]["main"]["options"]["database_inspection_instances"]["options"]
    assert instances["password"]["no_log"] is True
    assert set(instances) == set(database_inspection.INSTANCE)
    for name, option in database_inspection.INSTANCE.items():
        for key in ("type", "required", "choices"):
            assert instances[name].get(key) == option.get(key), (name, key)


def test_the_samples_of_the_documentation_are_real():
    returned = yaml.safe_load(database_inspection.RETURN)["observations"]
    assert [problem for sample in returned["sample"] for problem in problems(sample)] == []
    assert {sample["check"] for sample in returned["sample"]} <= set(CHECKS)
