"""Runs the module through Ansible on this very machine, against servers of its own."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.observations import problems
from ansible.module_utils.services.thresholds import CHECKS

PROJECT = Path(__file__).resolve().parents[3]
NAME = "service_inspection"


def load():
    spec = importlib.util.spec_from_file_location(NAME, PROJECT / "library" / f"{NAME}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


service_inspection = load()


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


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = "<title>门诊登录</title>".encode("gbk")
        self.send_response(200 if self.headers["Authorization"] else 401)
        self.send_header("Content-Type", "text/html; charset=GBK")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    """The address of a server whose page asks for a password."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def declared(site):
    host, port = site.split(":")
    return {
        "units": ["weibao-no-such-unit"],
        "tcp": [{"name": "web", "host": host, "port": int(port)}],
        "http": [
            {"name": "login", "url": f"http://user:geheim@{site}/?token=verborgen", "contains": "门诊登录"},
            {"name": "without", "url": f"http://{site}/", "status": [401, 403]},
            {"url": f"http://{site}/wrong"},
        ],
        "dns": [{"query": "localhost"}],
        "thresholds": {"http.time": {"subjects": {"log*": {"notice": 0}}}},
    }


@pytest.fixture(scope="module")
def result(tmp_path_factory, declared):
    answer, code = run(tmp_path_factory.mktemp("ansible"), "-vvv", **declared)
    assert code == 0, answer
    return answer


@pytest.fixture(scope="module")
def seen(result):
    return {(observation["check"], observation["subject"]): observation for observation in result["observations"]}


def test_every_observation_holds_the_schema(result, seen):
    assert result["changed"] is False
    assert {problem for observation in result["observations"] for problem in problems(observation)} == set()
    assert {observation["check"] for observation in result["observations"]} <= set(CHECKS)
    assert len(seen) == len(result["observations"]) == 1 + 2 + 3 + 2 + 2 + 2


def test_what_answers_is_fine_and_what_does_not_is_critical(seen, site):
    levels = {key: observation["level"] for key, observation in seen.items()}
    assert levels.pop(("unit.active", "weibao-no-such-unit.service")) in ("critical", "unknown")
    assert levels.pop(("http.time", "login")) == "notice", "a site's own limit"
    bad = {key for key, level in levels.items() if level != "ok"}
    assert bad == {("http.answer", f"http://{site}/wrong")}
    assert seen["http.answer", f"http://{site}/wrong"]["detail"]["status"] == 401


def test_no_secret_of_a_url_leaves_the_host(result, site):
    said = json.dumps(result)
    assert f"http://{site}/" in said
    assert not any(secret in said for secret in ("geheim", "verborgen", "user:"))
    assert result["invocation"]["module_args"]["http"][0]["url"] == f"http://{site}/"


def test_check_mode_says_the_same(tmp_path, site):
    answer, code = run(tmp_path, "--check", http=[{"name": "x", "url": f"http://{site}/"}])
    assert (code, answer["changed"]) == (0, False)
    assert [each["level"] for each in answer["observations"]] == ["critical", "ok"]


def test_bad_inputs_are_all_named_at_once_and_nothing_is_asked(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as untouched:
        untouched.settimeout(0)
        answer, code = run(
            tmp_path,
            "-vvv",
            timeout=0,
            units=["a b"],
            tcp=[{"host": "127.0.0.1", "port": untouched.getsockname()[1]}, {"host": "x", "port": 99999}],
            http=[{"url": "user:geheim@his"}, {"url": "http://u:geheim@his/?a=verborgen", "status": [1]}],
            dns=[{"query": "10.1.1.1"}],
            thresholds={"http.tiem": {}, "http.time": {"warning": "slow"}},
        )
        with pytest.raises(BlockingIOError):
            untouched.accept()
    assert code != 0
    assert "observations" not in answer
    for part in (
        "thresholds.http.tiem: no such check",
        "thresholds.http.time.warning: must be a number",
        "timeout: must be",
        "units: 'a b'",
        "tcp[1].port: 99999",
        "http[0].url: is not like",
        "http[1].status: must be",
        "dns[0].query: '10.1.1.1'",
    ):
        assert part in answer["msg"]
    assert not any(secret in json.dumps(answer) for secret in ("geheim", "verborgen"))


def test_nothing_declared_nothing_found(tmp_path):
    assert run(tmp_path, units=[])[0]["observations"] == []


def arguments(options, nested):
    return {
        name: {
            **{key: option[key] for key in ("type", "elements", "default", "required", "choices") if key in option},
            **({"options": arguments(option[nested], nested)} if nested in option else {}),
        }
        for name, option in options.items()
    }


def test_the_documentation_is_what_the_module_takes():
    documented = yaml.safe_load(service_inspection.DOCUMENTATION)["options"]
    assert arguments(documented, "suboptions") == service_inspection.ARGUMENTS


def test_the_role_passes_every_option_and_takes_what_the_module_takes():
    role = PROJECT / "roles" / NAME
    (task,) = yaml.safe_load((role / "tasks" / "main.yml").read_text())
    assert task[NAME] == {option: f"{{{{ {NAME}_{option} }}}}" for option in service_inspection.ARGUMENTS}
    options = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert without_defaults(arguments(options, "options")) == without_defaults(
        {f"{NAME}_{name}": option for name, option in service_inspection.ARGUMENTS.items()}
    )


def without_defaults(options):
    return {
        name: {
            key: without_defaults(value) if key == "options" else value
            for key, value in option.items()
            if key != "default"
        }
        for name, option in options.items()
    }


def test_the_hosts_log_is_not_told_what_urls_hold():
    (task,) = yaml.safe_load((PROJECT / "roles" / NAME / "tasks" / "main.yml").read_text())
    assert task["vars"] == {"ansible_no_target_syslog": True}


def test_the_samples_of_the_documentation_are_real(seen):
    returned = yaml.safe_load(service_inspection.RETURN)["observations"]
    assert [problem for sample in returned["sample"] for problem in problems(sample)] == []
    assert set(returned["contains"]) == set(seen["http.answer", "login"])


def test_the_examples_are_taken():
    for task in yaml.safe_load(service_inspection.EXAMPLES):
        defaults = {name: option["default"] for name, option in service_inspection.ARGUMENTS.items()}
        assert service_inspection.input_problems({**defaults, **task[NAME]}) == []
