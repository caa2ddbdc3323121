"""Runs the module through Ansible on this very machine, over backups of its own."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.backups.thresholds import CHECKS
from ansible.module_utils.observations import problems

PROJECT = Path(__file__).resolve().parents[3]
NAME = "backup_inspection"


def load():
    spec = importlib.util.spec_from_file_location(NAME, PROJECT / "library" / f"{NAME}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


backup_inspection = load()


def run(tmp_path, *options, **arguments):
    """Run the module as Ansible does; return its result and the process's exit code."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(PROJECT / "library"),
        "ANSIBLE_MODULE_UTILS": str(PROJECT / "module_utils"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "ANSIBLE_REMOTE_TMP": str(tmp_path),
    }
    answer = subprocess.run(
        [
            *(Path(sys.executable).parent / "ansible", "localhost", "-m", NAME, "-a", json.dumps(arguments)),
            *("-i", "localhost,", "-c", "local", *options),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    result = re.search(r"^localhost \| \S+ => (\{.*\})$", answer.stdout, re.MULTILINE | re.DOTALL)
    assert result, answer.stdout + answer.stderr
    return json.loads(result.group(1)), answer.returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five nightly dumps, of which the newest is damaged."""
    path = tmp_path_factory.mktemp("backups")
    for day in range(5):
        dump = path / f"his-{day}.sql.gz"
        dump.write_bytes(b"x" * 1000)
        (path / f"{dump.name}.sha256").write_text(f"{hashlib.sha256(b'x' * 1000).hexdigest()}  {dump.name}\n")
        if day == 0:
            dump.write_bytes(b"y" * 1000)
        changed = time.time() - 3600 * (3 + 24 * day)
        os.utime(dump, (changed, changed))
    (path / os.fsdecode(b"his-\xd6\xd0.sql.gz")).touch()
    old = time.time() - 3600 * 1000
    os.utime(path / os.fsdecode(b"his-\xd6\xd0.sql.gz"), (old, old))
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory, folder):
    declared = {"path": str(folder), "pattern": "*.sql.gz", "every_hours": 24}
    answer, code = run(
        tmp_path_factory.mktemp("ansible"),
        sets=[
            {**declared, "name": "HIS", "keep": 7, "checksum": "beside"},
            {**declared, "name": "none", "path": str(folder / "none")},
            {**declared, "name": "odd", "pattern": "*[!0-9].sql.gz", "keep": 1},
        ],
        thresholds={"backup.age": {"subjects": {"H*": {"notice": 1}}}},
    )
    assert code == 0, answer
    return answer


@pytest.fixture(scope="module")
def seen(result):
    return {(observation["check"], observation["subject"]): observation for observation in result["observations"]}


def test_every_observation_holds_the_schema(result, seen):
    assert result["changed"] is False
    assert {problem for observation in result["observations"] for problem in problems(observation)} == set()
    assert {observation["check"] for observation in result["observations"]} == set(CHECKS)
    assert len(seen) == len(result["observations"])


def test_each_fault_is_found_and_nothing_else(seen):
    assert {key: observation["level"] for key, observation in seen.items() if observation["level"] != "ok"} == {
        ("backup.age", "HIS"): "notice",
        ("backup.count", "HIS"): "warning",
        ("backup.checksum", "HIS"): "critical",
        ("backup.present", "none"): "critical",
        ("backup.age", "none"): "unknown",
        ("backup.size", "none"): "unknown",
        ("backup.size_change", "none"): "unknown",
        ("backup.age", "odd"): "critical",
        ("backup.size_change", "odd"): "critical",
        ("backup.count", "odd"): "warning",
    }
    assert seen["backup.age", "HIS"]["limits"] == {"notice": 1, "warning": 30, "critical": 48}


def test_check_mode_says_the_same(tmp_path, folder, seen):
    answer, code = run(
        tmp_path, "--check", sets=[{"name": "HIS", "path": str(folder), "pattern": "*.sql.gz", "every_hours": 24}]
    )
    assert (code, answer["changed"]) == (0, False)
    assert answer["observations"][0] == seen["backup.present", "HIS"]


def test_bad_inputs_are_all_named_at_once(tmp_path):
    answer, code = run(
        tmp_path,
        sets=[{"path": "relative", "every_hours": 0}, {"name": "b", "path": "/b", "pattern": "a/b", "every_hours": 1}],
        thresholds={"backup.aeg": {}, "backup.checksum": {}},
        timeout=1e9,
        hash_bytes=-1,
    )
    assert code != 0
    assert "observations" not in answer
    for part in (
        "thresholds.backup.aeg: no such check",
        "thresholds.backup.checksum: is a word",
        "timeout: must be",
        "hash_bytes: must not",
        "sets[0].path: 'relative'",
        "sets[0].every_hours: must be",
        "sets[1] (b).pattern: 'a/b'",
    ):
        assert part in answer["msg"]


def test_nothing_declared_nothing_found(tmp_path):
    assert run(tmp_path, sets=[])[0]["observations"] == []


def arguments(options, nested):
    return {
        name: {
            **{key: option[key] for key in ("type", "elements", "default", "required", "choices") if key in option},
            **({"options": arguments(option[nested], nested)} if nested in option else {}),
        }
        for name, option in options.items()
    }


def without_defaults(options):
    return {
        name: {
            key: without_defaults(value) if key == "options" else value
            for key, value in option.items()
            if key != "default"
        }
        for name, option in options.items()
    }


def test_the_documentation_is_what_the_module_takes():
    documented = yaml.safe_load(backup_inspection.DOCUMENTATION)["options"]
    assert arguments(documented, "suboptions") == backup_inspection.ARGUMENTS


def test_the_role_passes_every_option_and_takes_what_the_module_takes():
    role = PROJECT / "roles" / NAME
    (task,) = yaml.safe_load((role / "tasks" / "main.yml").read_text())
    assert task[NAME] == {option: f"{{{{ {NAME}_{option} }}}}" for option in backup_inspection.ARGUMENTS}
    options = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert without_defaults(arguments(options, "options")) == without_defaults(
        {f"{NAME}_{name}": option for name, option in backup_inspection.ARGUMENTS.items()}
    )


def test_the_samples_of_the_documentation_are_real(seen):
    returned = yaml.safe_load(backup_inspection.RETURN)["observations"]
    assert [problem for sample in returned["sample"] for problem in problems(sample)] == []
    assert set(returned["contains"]) == set(seen["backup.present", "HIS"])


def test_the_examples_are_taken():
    for task in yaml.safe_load(backup_inspection.EXAMPLES):
        defaults = {name: option["default"] for name, option in backup_inspection.ARGUMENTS.items()}
        assert backup_inspection.input_problems({**defaults, **task[NAME]}) == []
